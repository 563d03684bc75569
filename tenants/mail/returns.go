package mail

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Returns takes what Amazon SES says of letters that came back or are unwanted out of a queue of SQS. Each process may: the queue gives a message to one at a time.
//
// A message is removed when what it says is committed, or when it can never be: it is no such report, is about no letter of ours, or is forged. While the database is
// away it stays, and comes again after the queue's visibility timeout; what has come too often the queue itself puts aside.
type Returns struct {
	client *sqs.Client
	queue  *string
	open   func(realm string) (*tenants.DB, error)
	log    *slog.Logger
}

const (
	longPoll    = 20 * time.Second // SQS's most
	mostAtOnce  = 10               // likewise
	takeTime    = 20 * time.Second // for one message; all of them are below the queue's visibility timeout, 300 s
	longestWait = time.Minute      // after what failed
	// unknownTries is how often a message comes of a realm that nobody knows before it is removed: one that is new may not have been heard of yet.
	unknownTries = 3
)

// NewReturns opens a queue by its address, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME; of a host that names no region, it is the machine's. Credentials are where
// AWS programs find them. open gives the data of a realm by its name, or domain.NotFound.
func NewReturns(ctx context.Context, queue string, open func(realm string) (*tenants.DB, error), log *slog.Logger) (*Returns, error) {
	u, err := url.Parse(queue)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("must be the address of a queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/prod-mail-returns")
	}
	var options []func(*config.LoadOptions) error
	if parts := strings.Split(u.Hostname(), "."); len(parts) >= 4 && parts[0] == "sqs" && parts[2] == "amazonaws" {
		options = append(options, config.WithRegion(parts[1]))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	if cfg.Region == "" {
		return nil, errors.New("names no region")
	}
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = aws.String(u.Scheme + "://" + u.Host) })
	return &Returns{client: client, queue: &queue, open: open, log: log}, nil
}

// Run takes messages until ctx ends.
func (r *Returns) Run(ctx context.Context) {
	wait := time.Duration(0)
	for ctx.Err() == nil {
		if err := r.Once(ctx, longPoll); err == nil {
			wait = 0
			continue
		} else if ctx.Err() == nil {
			r.log.Warn("what came back of letters could not be taken", "err", err)
		}
		wait = min(max(2*wait, time.Second), longestWait)
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// Once waits so long for messages, in whole seconds, and takes those that come, ten at most. The error is that of the queue, or of the first message that has to come again.
func (r *Returns) Once(ctx context.Context, patience time.Duration) error {
	polled, cancel := context.WithTimeout(ctx, patience+10*time.Second)
	defer cancel()
	out, err := r.client.ReceiveMessage(polled, &sqs.ReceiveMessageInput{QueueUrl: r.queue, MaxNumberOfMessages: mostAtOnce, WaitTimeSeconds: int32(patience.Seconds()),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount}})
	if err != nil {
		return err
	}
	var first error
	for i := range out.Messages {
		// What was begun is brought to its end, also when the process is told to stop: else it would be done again.
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeTime)
		if err := r.handle(one, &out.Messages[i]); err != nil && first == nil {
			first = err
		}
		cancel()
	}
	return first
}

// handle takes one message, and removes it unless it has to come again.
func (r *Returns) handle(ctx context.Context, m *types.Message) error {
	report, err := ReadEvent([]byte(aws.ToString(m.Body)))
	if err == nil {
		tries, _ := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
		err = r.take(ctx, report, tries)
	}
	switch domain.CodeOf(err) {
	case "":
	case domain.Invalid, domain.NotFound: // whom it is about stays out of the log
		r.log.Warn("something came back that is about no letter of ours", "message", aws.ToString(m.MessageId), "err", err)
	default:
		return err
	}
	_, err = r.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: r.queue, ReceiptHandle: m.ReceiptHandle})
	return err
}

func (r *Returns) take(ctx context.Context, report Report, tries int) error {
	db, err := r.open(report.Realm)
	if domain.CodeOf(err) == domain.NotFound && tries < unknownTries {
		return domain.Refuse(domain.Unavailable, "mail.there_is_no_such_letter")
	}
	if err != nil {
		return err
	}
	return report.Take(ctx, db, audit.Actor{Name: "lignum", Realm: "platform", RequestID: "mail-returns"}, time.Now().UTC())
}
