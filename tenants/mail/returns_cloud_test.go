//go:build cloud

package mail_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"lignum/domain"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	ours "lignum/tenants/mail"
	"lignum/tests/moto"
)

// queue is one of the emulator's, with what comes back of letters.
type queue struct {
	*testing.T
	*sqs.Client
	url *string
}

func newQueue(t *testing.T) queue {
	t.Helper()
	at, stop, err := moto.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &at })
	made, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("mail-returns"), Attributes: map[string]string{"VisibilityTimeout": "0"}})
	if err != nil {
		t.Fatal(err)
	}
	return queue{t, client, made.QueueUrl}
}

func (q queue) send(text string) {
	q.Helper()
	if _, err := q.SendMessage(q.Context(), &sqs.SendMessageInput{QueueUrl: q.url, MessageBody: &text}); err != nil {
		q.Fatal(err)
	}
}

// left is how many messages are in the queue.
func (q queue) left() string {
	q.Helper()
	out, err := q.GetQueueAttributes(q.Context(), &sqs.GetQueueAttributesInput{QueueUrl: q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		q.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"]
}

// What SES says of letters goes from a queue into the realm that wrote them, once, and leaves the queue when it is committed or can never be.
func TestReturnsAreTakenFromAQueue(t *testing.T) {
	q := newQueue(t)
	f := newOffice(t, mailcatcher.Options{})
	var log bytes.Buffer
	away := false
	returns, err := ours.NewReturns(t.Context(), *q.url, func(realm string) (*tenants.DB, error) {
		switch {
		case away:
			return nil, domain.Refuse(domain.Unavailable, "mail.there_is_no_such_letter")
		case realm != "jamaica" && realm != "bahamas":
			return nil, domain.Refuse(domain.NotFound, "mail.there_is_no_such_letter")
		}
		return f.DB(realm), nil
	}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	sent := func() (uuid.UUID, string) {
		t.Helper()
		id := f.write(f.letter())
		if err := f.send(id); err != nil {
			t.Fatal(err)
		}
		return id, ours.Mark(f.db, id)
	}
	once := func(wantLeft string, fails bool) {
		t.Helper()
		if err := returns.Once(t.Context(), 0); (err != nil) != fails {
			t.Errorf("taken: %v", err)
		}
		if left := q.left(); left != wantLeft {
			t.Errorf("%s are left of %s", left, wantLeft)
		}
	}
	entries := func() int {
		return f.number("SELECT count(*) FROM audit_entries WHERE action LIKE 'mail.bounced' OR action LIKE 'mail.complained'")
	}
	gone := bounce("Permanent", "General", "failed", "5.1.1", "smtp; 550 5.1.1 user unknown")

	once("0", false) // of nothing, nothing

	id, mark := sent()
	q.send(published("Bounce", mark, bounce("Transient", "MailboxFull", "failed", "4.2.2", "smtp; 452 full")))
	once("0", false)
	if l := f.wants(id, ours.Sent); !strings.Contains(l.Fault, "MailboxFull") || f.number("SELECT count(*) FROM mail_suppressed") != 0 {
		t.Errorf("a full mailbox: %+v", l)
	}

	away = true // the database: the message stays, and is taken later
	q.send(published("Bounce", mark, gone))
	once("1", true)
	f.wants(id, ours.Sent)
	away = false
	once("0", false)
	if l := f.wants(id, ours.Refused); !strings.Contains(l.Fault, "user unknown") || f.number("SELECT count(*) FROM mail_suppressed WHERE reason = 'bounced'") != 1 {
		t.Errorf("no such mailbox: %+v", l)
	}

	n := entries() // the same again, and one that comes late, change nothing
	q.send(published("Bounce", mark, gone))
	q.send(published("Bounce", mark, bounce("Transient", "General", "delayed", "4.4.7", "smtp; 421 later")))
	once("0", false)
	if l := f.wants(id, ours.Refused); !strings.Contains(l.Fault, "user unknown") || entries() != n {
		t.Errorf("it is noted again: %+v, %d entries more", l, entries()-n)
	}
	if err := f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) error { return ours.Allow(t.Context(), tx, "ada@example.org") }); err != nil {
		t.Fatal(err)
	}

	other, fresh := sent() // nobody stops another's letters
	forged := "jamaica." + other.String() + "." + strings.Repeat("0", 24)
	for _, text := range []string{published("Bounce", forged, gone), published("Bounce", strings.Replace(fresh, "jamaica.", "bahamas.", 1), gone), published("Delivery", fresh, `"delivery":{},`), "hello", `{"eventType":"Bounce"}`} {
		q.send(text)
	}
	once("0", false)
	if f.wants(other, ours.Sent); f.number("SELECT count(*) FROM mail_suppressed") != 0 {
		t.Error("somebody else's report is taken")
	}
	if said := log.String(); strings.Count(said, "about no letter of ours") != 5 || strings.Contains(said, "example.org") {
		t.Errorf("the log says\n%s", said)
	}

	q.send(published("Bounce", "nowhere."+other.String()+"."+strings.Repeat("0", 24), gone)) // a realm may be so new that this process has not heard of it
	once("1", true)
	once("1", true)
	once("0", false)

	q.send(published("Complaint", fresh, fmt.Sprintf(complaint, "abuse")))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		returns.Run(ctx)
		close(done)
	}()
	for began := time.Now(); f.number("SELECT count(*) FROM mail_suppressed WHERE reason = 'complained'") != 1; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatal("its reader does not want it, and letters go on")
		}
	}
	cancel()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}

// A queue that is not there is told, and tried again.
func TestAQueueThatIsNotThere(t *testing.T) {
	q := newQueue(t)
	returns, err := ours.NewReturns(t.Context(), *q.url+"-nowhere", nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := returns.Once(t.Context(), 0); err == nil {
		t.Error("nothing is said of it")
	}
	for _, address := range []string{"", "mail-returns", "arn:aws:sqs:us-east-1:123456789012:prod-mail-returns", "ftp://example.org/x"} {
		if _, err := ours.NewReturns(t.Context(), address, nil, nil); err == nil {
			t.Errorf("%q is a queue", address)
		}
	}
}
