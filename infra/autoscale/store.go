package autoscale

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The state is one item: lock, fencing token, memory, hold and unfinished intent, so that one condition guards them all.
// Attributes: token (N, only grows), owner (S), expires (N, Unix milliseconds), memory, hold, intent (S, JSON), request (S,
// the last that was finished), acted (S, the minute of the last intent).
const (
	stateKey = "autoscale"
	stateSK  = "state"
)

// Store is the autoscaler's DynamoDB table, with keys pk and sk, both strings.
type Store struct {
	table string
	db    *dynamodb.Client
}

// NewStore takes the table's name.
func NewStore(cfg aws.Config, table string) *Store {
	return &Store{table: table, db: dynamodb.NewFromConfig(cfg)}
}

// ErrLost says that the lock has expired and another run has taken it: nothing was written.
var ErrLost = errors.New("another run has taken the lock over")

// ErrHeld says that a hold was set or changed while the run was deciding: nothing was written.
var ErrHeld = errors.New("a hold was set or released in the meantime")

// Locked is the error of a lock that somebody else has.
type Locked struct {
	Owner string
	Until time.Time
}

func (l *Locked) Error() string {
	return fmt.Sprintf("the run %s has the lock, until %s at most", l.Owner, l.Until.UTC().Format(time.RFC3339))
}

// A Lease is the lock while one has it, with what was read under it.
type Lease struct {
	Token   int64
	Memory  Memory
	Intent  *Entry // an action that was announced and whose outcome nobody wrote
	request string // last finished
	acted   string // minute of the last intent
	hold    string // as stored
}

type item = map[string]ddbtypes.AttributeValue

func text(s string) ddbtypes.AttributeValue { return &ddbtypes.AttributeValueMemberS{Value: s} }
func number(n int64) ddbtypes.AttributeValue {
	return &ddbtypes.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func textOf(i item, name string) string {
	if v, ok := i[name].(*ddbtypes.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

func numberOf(i item, name string) int64 {
	if v, ok := i[name].(*ddbtypes.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64) // written by number alone
		return n
	}
	return 0
}

func stateAt() item { return item{"pk": text(stateKey), "sk": text(stateSK)} }

// names are the placeholders of attributes, many of which DynamoDB reserves the words of.
func names(of ...string) map[string]string {
	m := map[string]string{}
	for _, n := range of {
		m["#"+n] = n
	}
	return m
}

// Lock takes the lock for at most ttl and reads what it guards. The error is a *Locked when somebody else has it. Lambda
// ends a run before its ttl, so that no two runs with a lock are alive at once; should clocks differ by more than that
// margin, the token refuses what the older one writes.
func (s *Store) Lock(ctx context.Context, owner string, now time.Time, ttl time.Duration) (*Lease, error) {
	owner += "/" + rand.Text()[:8] // the same request, tried again, is another owner
	out, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.table, Key: stateAt(),
		UpdateExpression:         aws.String("SET #owner = :owner, #expires = :expires ADD #token :one"),
		ConditionExpression:      aws.String("attribute_not_exists(#expires) OR #expires <= :now"),
		ExpressionAttributeNames: names("owner", "expires", "token"),
		ExpressionAttributeValues: item{":owner": text(owner), ":expires": number(now.Add(ttl).UnixMilli()), ":one": number(1),
			":now": number(now.UnixMilli())},
		ReturnValues:                        ddbtypes.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: ddbtypes.ReturnValuesOnConditionCheckFailureAllOld})
	var no *ddbtypes.ConditionalCheckFailedException
	switch {
	case errors.As(err, &no) && textOf(no.Item, "owner") == owner: // a lost answer, asked for again by the SDK
		return newLease(no.Item)
	case errors.As(err, &no):
		return nil, &Locked{textOf(no.Item, "owner"), time.UnixMilli(numberOf(no.Item, "expires"))}
	case err != nil:
		return nil, fmt.Errorf("the lock could not be asked for: %w", err)
	}
	return newLease(out.Attributes)
}

func newLease(i item) (*Lease, error) {
	l := &Lease{Token: numberOf(i, "token"), request: textOf(i, "request"), acted: textOf(i, "acted"), hold: textOf(i, "hold")}
	for name, into := range map[string]any{"memory": &l.Memory, "intent": &l.Intent} {
		if err := decode(i, name, into); err != nil {
			return nil, err
		}
	}
	l.Memory.Hold = Hold{} // the attribute of its own is the one that counts
	return l, decode(i, "hold", &l.Memory.Hold)
}

func decode(i item, name string, into any) error {
	stored := textOf(i, name)
	if stored == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(stored), into); err != nil {
		return fmt.Errorf("the stored %s is not readable (mend or remove that attribute of the item %s/%s): %w", name, stateKey, stateSK, err)
	}
	return nil
}

// Unlock gives the lock back and writes nothing else. It is no error when another run has it by now.
func (s *Store) Unlock(ctx context.Context, l *Lease) error {
	_, err := s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.table, Key: stateAt(),
		UpdateExpression: aws.String("SET #expires = :zero"), ConditionExpression: aws.String("#token = :token"),
		ExpressionAttributeNames:  names("expires", "token"),
		ExpressionAttributeValues: item{":zero": number(0), ":token": number(l.Token)}})
	var no *ddbtypes.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &no) {
		return fmt.Errorf("the lock could not be given back: %w", err)
	}
	return nil
}

// SetHold stores an operator's word; it needs no lock and is never overwritten by a run. The zero Hold releases.
func (s *Store) SetHold(ctx context.Context, h Hold) error {
	if !h.Until.IsZero() && (h.By == "" || h.Reason == "") {
		return errors.New("a hold names who holds (by) and why (reason)")
	}
	encoded, err := json.Marshal(h)
	if err != nil {
		return err
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: &s.table, Key: stateAt(),
		UpdateExpression: aws.String("SET #hold = :hold"), ExpressionAttributeNames: names("hold"),
		ExpressionAttributeValues: item{":hold": text(string(encoded))}})
	if err != nil {
		return fmt.Errorf("the hold could not be stored: %w", err)
	}
	return nil
}
