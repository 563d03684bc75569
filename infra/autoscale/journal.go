package autoscale

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An Entry is a decision in the log, kept for good: an item with pk decision#<yyyy-mm> and sk <time>#<token>.
type Entry struct {
	Function string    `json:"function"` // watch, night or morning
	Zone     string    `json:"zone,omitempty"`
	Request  string    `json:"request"`
	Token    int64     `json:"token"`
	Decision Decision  `json:"decision"`
	Observed Observed  `json:"observed"`
	Outcome  string    `json:"outcome"` // empty: the action was announced, its end not written
	Ended    time.Time `json:"ended"`
	Before   marks     `json:"before"` // for a run that must take the decision back

	level slog.Level // how loudly the outcome is told: a refusal that needs a person is an error
}

// marks are what a decision to act leaves in the memory.
type marks struct {
	LastAction time.Time `json:"last_action"`
	LastUp     time.Time `json:"last_up"`
	Pending    *Action   `json:"pending,omitempty"`
}

func marksOf(m *Memory) marks { return marks{m.LastAction, m.LastUp, m.Pending} }

func (b marks) restore(m *Memory) {
	m.LastAction, m.LastUp, m.Pending = b.LastAction, b.LastUp, b.Pending
}

const sortable = "2006-01-02T15:04:05.000Z"

func month(at time.Time) string { return "decision#" + at.UTC().Format("2006-01") }

func (e *Entry) put(table string, condition *string) (ddbtypes.TransactWriteItem, error) {
	encoded, err := json.Marshal(e)
	if err != nil {
		return ddbtypes.TransactWriteItem{}, fmt.Errorf("the decision cannot be written: %w", err)
	}
	at := e.Decision.At.UTC()
	return ddbtypes.TransactWriteItem{Put: &ddbtypes.Put{TableName: &table, ConditionExpression: condition, Item: item{
		"pk": text(month(at)), "sk": text(fmt.Sprintf("%s#%d", at.Format(sortable), e.Token)),
		"function": text(e.Function), "action": text(e.Decision.Action.Kind), "outcome": text(e.Outcome), "entry": text(string(encoded))}}}, nil
}

// Announce writes a decision and its action before the action is taken, together with the memory. ErrLost and ErrHeld say
// that it must not be taken.
func (s *Store) Announce(ctx context.Context, l *Lease, e *Entry, m Memory) error {
	put, err := e.put(s.table, aws.String("attribute_not_exists(pk)"))
	if err != nil {
		return err
	}
	memory, intent, err := encodeState(m, e)
	if err != nil {
		return err
	}
	same := "attribute_not_exists(#hold)"
	values := item{":token": number(l.Token), ":memory": memory, ":intent": intent, ":minute": text(minute(e.Decision.At))}
	if l.hold != "" {
		same, values[":hold"] = "#hold = :hold", text(l.hold)
	}
	err = s.transact(ctx, put, ddbtypes.TransactWriteItem{Update: &ddbtypes.Update{TableName: &s.table, Key: stateAt(),
		UpdateExpression:          aws.String("SET #memory = :memory, #intent = :intent, #acted = :minute"),
		ConditionExpression:       aws.String("#token = :token AND " + same),
		ExpressionAttributeNames:  names("memory", "intent", "acted", "token", "hold"),
		ExpressionAttributeValues: values}})
	if !errors.Is(err, errCondition) {
		return err
	}
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: stateAt(), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return fmt.Errorf("the state could not be read: %w", err)
	}
	if numberOf(out.Item, "token") == l.Token && textOf(out.Item, "hold") != l.hold {
		return ErrHeld
	}
	return ErrLost
}

// Finish writes a decision with its outcome and the memory, and gives the lock back, all or nothing. The lease's intent, if
// any is left, stays for the next run; a request that has none left is never run again.
func (s *Store) Finish(ctx context.Context, l *Lease, e *Entry, m Memory) error {
	put, err := e.put(s.table, nil)
	if err != nil {
		return err
	}
	memory, intent, err := encodeState(m, l.Intent)
	if err != nil {
		return err
	}
	update := "SET #memory = :memory, #expires = :zero, #request = :request REMOVE #intent"
	used := names("memory", "expires", "token", "request", "intent")
	values := item{":token": number(l.Token), ":memory": memory, ":zero": number(0), ":request": text(e.Request)}
	if l.Intent != nil {
		update, used = "SET #memory = :memory, #expires = :zero, #intent = :intent", names("memory", "expires", "token", "intent")
		values = item{":token": number(l.Token), ":memory": memory, ":zero": number(0), ":intent": intent}
	}
	err = s.transact(ctx, put, ddbtypes.TransactWriteItem{Update: &ddbtypes.Update{TableName: &s.table, Key: stateAt(),
		UpdateExpression: &update, ConditionExpression: aws.String("#token = :token"),
		ExpressionAttributeNames: used, ExpressionAttributeValues: values}})
	if errors.Is(err, errCondition) {
		return ErrLost
	}
	return err
}

// Settle writes what became of an intent that an earlier run left behind.
func (s *Store) Settle(ctx context.Context, l *Lease, outcome string, now time.Time) error {
	e := *l.Intent
	e.Outcome, e.Ended = outcome, now
	put, err := e.put(s.table, nil)
	if err != nil {
		return err
	}
	memory, _, err := encodeState(l.Memory, nil)
	if err != nil {
		return err
	}
	err = s.transact(ctx, put, ddbtypes.TransactWriteItem{Update: &ddbtypes.Update{TableName: &s.table, Key: stateAt(),
		UpdateExpression: aws.String("SET #memory = :memory REMOVE #intent"), ConditionExpression: aws.String("#token = :token"),
		ExpressionAttributeNames:  names("memory", "intent", "token"),
		ExpressionAttributeValues: item{":token": number(l.Token), ":memory": memory}}})
	if errors.Is(err, errCondition) {
		return ErrLost
	}
	if err == nil {
		l.Intent = nil
	}
	return err
}

func encodeState(m Memory, intent *Entry) (memory, announced ddbtypes.AttributeValue, err error) {
	m.Hold = Hold{} // kept beside it, where no run overwrites it
	a, err := json.Marshal(m)
	if err != nil {
		return nil, nil, fmt.Errorf("the memory cannot be written: %w", err)
	}
	b, err := json.Marshal(intent)
	if err != nil {
		return nil, nil, fmt.Errorf("the intent cannot be written: %w", err)
	}
	return text(string(a)), text(string(b)), nil
}

var errCondition = errors.New("a condition was not met")

func (s *Store) transact(ctx context.Context, writes ...ddbtypes.TransactWriteItem) error {
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: writes})
	var cancelled *ddbtypes.TransactionCanceledException
	if errors.As(err, &cancelled) {
		for _, r := range cancelled.CancellationReasons {
			if aws.ToString(r.Code) == "ConditionalCheckFailed" {
				return errCondition
			}
		}
	}
	if err != nil {
		return fmt.Errorf("the decision could not be written: %w", err)
	}
	return nil
}

func minute(at time.Time) string { return at.UTC().Format("2006-01-02T15:04") }
