// Package mail sends letters: what a person is written by mail, beside what they are told on the pages.
//
// A letter is a row of its realm, written in the transaction of the change that it is about (Write), and a job sends it (Post.Send): over SMTP (RFC 5321) and TLS, to one
// recipient, as text and HTML. What it says is sealed with the realm's key and erased when the letter has gone, since it may hold a code; the row that stays says to whom, of
// what kind, and what became of it.
//
// # Once, or said otherwise
//
// A server that has taken a letter cannot be asked again whether it did. So a letter is marked as being sent before it is, and one whose process died in between is sent again
// with the same Message-ID, and stays marked as doubtful: it may have arrived twice. A process sends one letter at a time, so that is one letter for each death.
//
// # Failures
//
// A server that is away, or that asks to wait, is tried again, ever more seldom, for more than two days (Again) or for as long as the letter makes sense. A recipient that the server refuses for
// good is written down, and no letter goes to that address until somebody says otherwise (Suppressed). All of it can be looked at and started again.
//
// # What may be in a letter
//
// Most users are children, and a letter lies in a mailbox that others may read: no marks, no reasons and no codes of children, whoever reads it, but a link to the page
// where they sign in.
package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
)

// State is what became of a letter.
type State string

// The states of a letter.
const (
	Waiting  State = "waiting"    // to be sent, or to be tried again
	Sending  State = "sending"    // just now; or its process died
	Sent     State = "sent"       // the mail server has it
	Refused  State = "refused"    // the mail server will not have it
	Withheld State = "suppressed" // nothing goes to that address
	Failed   State = "failed"     // tried as often as it may
	Late     State = "late"       // it could not be sent while it made sense
)

// Topic is what a person can ask not to be written about. The zero Topic is what they must know.
type Topic string

// The topics.
const (
	Digest  Topic = "digest"  // what is new among their notices, once a day
	Figures Topic = "figures" // the week's figures, for an official
)

// To is who reads a letter.
type To struct {
	UserID   uuid.UUID
	Address  string         // as net/mail takes it, without a name
	Name     string         // of the person
	Language words.Language // that they read
}

// Letter is what is written to one person. Its paragraphs are plain sentences.
type Letter struct {
	Kind    string // for lists and the trail, such as invitation; its words are letter.kind.<kind>
	To      To
	Subject words.Text
	Lines   []words.Text
	Figures [][2]words.Text // what is counted, and how many; may be empty
	Code    string          // that is typed in on the page; "": none
	Button  words.Text      // what the link says
	Path    string          // of the page on the realm's host that the link opens
	Of      string          // of a letter of the platform: the tenant on whose host that page is; "": on the platform's
	Paper   string          // the number of a bill that is attached (Post.Papers); "": nothing is
	Topic   Topic
	Once    string        // where given: a person gets one letter of this name
	Life    time.Duration // how long it makes sense; 0: three days
}

// life is how long a letter that says nothing else makes sense: as long as it is tried.
const life = 72 * time.Hour

// said is what a letter says, in its reader's language: what is sealed.
type said struct {
	Subject  string      `json:"subject"`
	Greeting string      `json:"greeting"`
	Lines    []string    `json:"lines"`
	Figures  [][2]string `json:"figures,omitempty"`
	Code     string      `json:"code,omitempty"`
	Button   string      `json:"button"`
	Path     string      `json:"path"`
	Of       string      `json:"of,omitempty"`
	Paper    string      `json:"paper,omitempty"`
	Topic    Topic       `json:"topic,omitempty"`
	Name     string      `json:"name"`
}

// sealed is what the vault keeps letters under.
const sealed = "mail"

// Write writes letters in the change's own transaction, and queues their sending. Who has no address is passed over. It is two statements, however many there are; up to 1,000.
// What it stores is part of the change, and needs no audit entry of its own.
func Write(ctx context.Context, tx *tenants.Tx, now time.Time, letters ...Letter) error {
	var rows []row
	for _, l := range letters {
		if l.To.Address == "" {
			continue
		}
		r, err := l.row(tx, now)
		if err != nil {
			return err
		}
		rows = append(rows, r)
	}
	if len(rows) == 0 {
		return nil
	}
	raw, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	var ids []string
	if err := tx.QueryRow(ctx, `WITH made AS (
			INSERT INTO mails (id, user_id, address, kind, language, once, state, queued, sealed, created_at, until, changed_at)
			SELECT id, user_id, address, kind, language, once, 'waiting', $3::boolean, sealed, $2::timestamptz, until, $2::timestamptz
			FROM jsonb_to_recordset($1::jsonb) AS r(id uuid, user_id uuid, address text, kind text, language text, once text, sealed text, until timestamptz)
			ON CONFLICT (user_id, once) WHERE once IS NOT NULL DO NOTHING RETURNING id)
		SELECT coalesce(array_agg(id::text ORDER BY id), '{}') FROM made`, string(raw), now.UTC(), !tx.Foreign()).Scan(&ids); err != nil {
		return err
	}
	if len(ids) > 0 && !tx.Foreign() {
		jobs.Queue(tx, "mail.send", ids...)
	}
	return nil
}

// row is a letter as it is stored.
type row struct {
	ID       uuid.UUID  `json:"id"`
	UserID   *uuid.UUID `json:"user_id"`
	Address  string     `json:"address"`
	Kind     string     `json:"kind"`
	Language string     `json:"language"`
	Once     *string    `json:"once"`
	Sealed   string     `json:"sealed"`
	Until    time.Time  `json:"until"`
}

func (l *Letter) row(tx *tenants.Tx, now time.Time) (row, error) {
	in := l.To.Language
	s := said{Subject: oneLine(l.Subject.In(in).String()), Greeting: words.Say("mail.greeting", "Name", l.To.Name).In(in).String(), Code: l.Code,
		Button: l.Button.In(in).String(), Path: l.Path, Of: l.Of, Paper: l.Paper, Topic: l.Topic, Name: oneLine(l.To.Name)}
	for _, line := range l.Lines {
		s.Lines = append(s.Lines, line.In(in).String())
	}
	for _, f := range l.Figures {
		s.Figures = append(s.Figures, [2]string{f[0].In(in).String(), f[1].In(in).String()})
	}
	if !strings.HasPrefix(l.Path, "/") || l.Kind == "" || l.Topic != "" && l.Kind != string(l.Topic) {
		return row{}, fmt.Errorf("mail: a letter of kind %q leads to %q", l.Kind, l.Path)
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return row{}, err
	}
	r := row{ID: audit.NewID(), Address: l.To.Address, Kind: l.Kind, Language: string(in), Sealed: tx.Seal(sealed, raw), Until: now.UTC().Add(life)}
	if l.Life > 0 {
		r.Until = now.UTC().Add(l.Life)
	}
	if l.To.UserID != uuid.Nil {
		r.UserID = &l.To.UserID
	}
	if l.Once != "" {
		r.Once = &l.Once
	}
	return r, nil
}

// oneLine is a text without what would end a line of a head (RFC 5322, 2.2), be taken for something encoded there (RFC 2047), or turn the order of what is read.
func oneLine(text string) string {
	text = strings.ReplaceAll(text, "=?", "= ?")
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)
	}), " ")
}

// Fold is an address as it is compared: in lower case, since mailboxes that differ in it alone are rare, and of one person.
func Fold(address string) string { return strings.ToLower(strings.TrimSpace(address)) }

// Collect queues the sending of letters that wait without a job: those that were written over a direct connection, which cannot queue, and those whose job was lost.
func Collect(ctx context.Context, j *jobs.Job) error {
	const lost = `FROM mails WHERE state IN ('waiting', 'sending') AND (NOT queued OR changed_at < $1::timestamptz - interval '1 day')`
	var some bool
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, `SELECT EXISTS (SELECT `+lost+`)`, j.Now).Scan(&some)
	}); err != nil || !some {
		return err
	}
	return j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
		var ids []string
		if err := tx.QueryRow(ctx, `WITH found AS (UPDATE mails SET queued = true, changed_at = $1::timestamptz WHERE id IN (SELECT id `+lost+` ORDER BY id LIMIT 1000) RETURNING id)
			SELECT coalesce(array_agg(id::text), '{}') FROM found`, j.Now).Scan(&ids); err != nil {
			return err
		}
		if len(ids) > 0 {
			jobs.Queue(tx, "mail.send", ids...)
		}
		tx.Record(audit.Entry{Action: "mail.collect", ObjectKind: "mail", After: map[string]any{"letters": len(ids)}})
		return nil
	})
}

// Sweep forgets letters: what one says that can be started again no more, and all that are older than 90 days.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE mails SET sealed = NULL WHERE sealed IS NOT NULL AND state NOT IN ('waiting', 'sending') AND until < $1::timestamptz`, now.UTC()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM mails WHERE created_at < $1::timestamptz - interval '90 days'`, now.UTC())
	return err
}
