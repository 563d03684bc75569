package mail_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/domain"
	ours "lignum/tenants/mail"
)

// published is an event as SES documents it for SNS, of a letter with a mark.
func published(kind, mark, what string) string {
	return fmt.Sprintf(`{"eventType":%q,%[3]s"mail":{"timestamp":"2026-11-30T12:00:00.000Z","source":"Jamaica <no-reply@lignum.example>","sourceArn":"arn:aws:ses:us-east-1:123456789012:identity/lignum.example",
		"sendingAccountId":"123456789012","messageId":"EXAMPLE7c191be45-e9aedb9a-02f9-4d12-a87d-dd0099a07f8a-000000","destination":["ada@example.org"],"headersTruncated":false,
		"headers":[{"name":"From","value":"Jamaica <no-reply@lignum.example>"},{"name":"To","value":"ada@example.org"},{"name":"Message-ID","value":"<%[2]s@lignum.example>"},{"name":"x-lignum-letter","value":%[4]q}],
		"commonHeaders":{"from":["Jamaica <no-reply@lignum.example>"],"to":["ada@example.org"],"messageId":"EXAMPLE7c191be45","subject":"You are invited"},
		"tags":{"ses:configuration-set":["prod-mail"],"installation":["prod"]}}}`, kind, mark, what, mark)
}

func bounce(kind, sub, action, status, said string) string {
	raw, _ := json.Marshal(said) // a text has no error
	return fmt.Sprintf(`"bounce":{"bounceType":%q,"bounceSubType":%q,"bouncedRecipients":[{"emailAddress":"ada@example.org","action":%q,"status":%q,"diagnosticCode":%s}],
		"timestamp":"2026-11-30T12:00:02.669Z","feedbackId":"01000157c44f053b-000000","reportingMTA":"dsn; mta.example.com"},`, kind, sub, action, status, raw)
}

const complaint = `"complaint":{"complainedRecipients":[{"emailAddress":"ada@example.org"}],"timestamp":"2026-11-30T12:01:00.000Z","feedbackId":"01000157c44f053b-000000","userAgent":"Yahoo-Mail-Feedback/2.0","complaintFeedbackType":%q,"arrivalDate":"2026-11-30T12:00:50.000Z"},`

func TestWhatSESPublishes(t *testing.T) {
	id := uuid.MustParse("0190a000-0000-7000-8000-000000000001")
	mark := "jamaica." + id.String() + "." + strings.Repeat("a", 24)
	for what, c := range map[string]struct {
		text string
		want ours.Report
	}{
		"no such mailbox": {published("Bounce", mark, bounce("Permanent", "General", "failed", "5.1.1", "smtp; 550 5.1.1 user unknown")),
			ours.Report{Lasting: true, Text: "Permanent General failed 5.1.1 smtp; 550 5.1.1 user unknown"}},
		"on the account's list": {published("Bounce", mark, `"bounce":{"bounceType":"Permanent","bounceSubType":"OnAccountSuppressionList","bouncedRecipients":[{"emailAddress":"ada@example.org"}]},`),
			ours.Report{Lasting: true, Text: "Permanent OnAccountSuppressionList"}},
		"a full mailbox":    {published("Bounce", mark, bounce("Transient", "MailboxFull", "failed", "4.2.2", "smtp; 452 full")), ours.Report{Text: "Transient MailboxFull failed 4.2.2 smtp; 452 full"}},
		"nobody knows why":  {published("Bounce", mark, `"bounce":{"bounceType":"Undetermined","bounceSubType":"Undetermined"},`), ours.Report{Text: "Undetermined Undetermined"}},
		"a type of later":   {published("Bounce", mark, `"bounce":{"bounceType":"Lukewarm"},`), ours.Report{Text: "Lukewarm"}},
		"unwanted":          {published("Complaint", mark, fmt.Sprintf(complaint, "abuse")), ours.Report{Complaint: true, Lasting: true}},
		"unwanted, no type": {published("Complaint", mark, `"complaint":{},`), ours.Report{Complaint: true, Lasting: true}},
		"lines in what was said": {published("Bounce", mark, bounce("Permanent", "General", "failed", "5.1.1", "a\r\n\x00b\u202ec")),
			ours.Report{Lasting: true, Text: "Permanent General failed 5.1.1 a b c"}},
	} {
		c.want.Mark, c.want.Letter, c.want.Realm = mark, id, "jamaica"
		if got, err := ours.ReadEvent([]byte(c.text)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, c.want)
		}
	}
	if !json.Valid([]byte(published("Bounce", mark, bounce("Permanent", "General", "failed", "5.1.1", "x")))) {
		t.Error("the test's own event is none")
	}
	good := bounce("Permanent", "General", "failed", "5.1.1", "x")
	for what, text := range map[string]string{
		"nothing": "", "no JSON": "hello", "a list": "[]", "null": "null", "a number": "1", "cut": published("Bounce", mark, good)[:200], "another shape": `{"eventType":["Bounce"]}`, "heads that are none": `{"eventType":"Bounce","mail":{"headers":"x"}}`,
		"a delivery": published("Delivery", mark, `"delivery":{},`), "an opening": published("Open", mark, `"open":{},`), "a delay": published("DeliveryDelay", mark, `"deliveryDelay":{},`),
		"no type": published("", mark, good), "a complaint that is taken back": published("Complaint", mark, fmt.Sprintf(complaint, "not-spam")),
		"SNS's envelope": `{"Type":"Notification","Message":"{\"eventType\":\"Bounce\"}"}`, "a topic's question": `{"Type":"SubscriptionConfirmation","SubscribeURL":"https://example.org/"}`,
		"no mark": published("Bounce", "", good), "a mark of somebody's": published("Bounce", "<1234@example.org>", good), "no realm": published("Bounce", "."+id.String()+".x", good), "no letter": published("Bounce", "jamaica.x.y", good),
		"deep": strings.Repeat("[", 100_000), "long": `{"eventType":"Bounce","x":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		if got, err := ours.ReadEvent([]byte(text)); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s is a report: %+v, %v", what, got, err)
		}
	}
}
