package mail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// most is how much of a report is read, in bytes: it may have the whole letter in it.
const most = 1 << 20

// Report is what a mail server, or a mailbox's owner by theirs, said of a letter after it was taken: a delivery status notification (RFC 3464) or a complaint (RFC 5965).
type Report struct {
	Mark      string // of the letter
	Realm     string
	Letter    uuid.UUID
	Complaint bool
	Lasting   bool   // it will not arrive; else it may still
	Text      string // what was said, in one line
}

// ReadReport reads a report as it came by mail. It gives domain.Invalid for what is none, or is about no letter of ours.
func ReadReport(from io.Reader) (Report, error) {
	none := func(key string) (Report, error) { return Report{}, domain.Refuse(domain.Invalid, key) }
	m, err := mail.ReadMessage(bufio.NewReader(io.LimitReader(from, most)))
	if err != nil {
		return none("mail.is_no_report")
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/report" || params["boundary"] == "" {
		return none("mail.is_no_report")
	}
	r := Report{Complaint: strings.EqualFold(params["report-type"], "feedback-report")}
	r.Lasting = r.Complaint
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		switch kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind {
		case "message/delivery-status":
			r.status(part)
		case "message/rfc822", "text/rfc822-headers", "message/rfc822-headers":
			if h, err := textproto.NewReader(bufio.NewReader(part)).ReadMIMEHeader(); err == nil || len(h) > 0 {
				r.Mark = h.Get(head)
				if r.Mark == "" { // some servers keep the heads of the standard alone
					r.Mark, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimSpace(h.Get("Message-ID")), "<"), "@")
				}
			}
		}
	}
	return r, r.named()
}

// status reads what is said of the recipient: fields of one block for the message and one for each recipient, of which a letter has one.
func (r *Report) status(from io.Reader) {
	blocks := textproto.NewReader(bufio.NewReader(from))
	for {
		h, err := blocks.ReadMIMEHeader()
		if action := strings.ToLower(strings.TrimSpace(h.Get("Action"))); action != "" {
			status := strings.TrimSpace(h.Get("Status"))
			r.Lasting = action == "failed" && strings.HasPrefix(status, "5")
			r.Text = oneLine(fmt.Sprintf("%s %s %s", action, status, h.Get("Diagnostic-Code")))
		}
		if err != nil || len(h) == 0 {
			return
		}
	}
}

// errNoted ends a transaction of what was noted before.
var errNoted = errors.New("it was noted before")

// Take notes a report with its letter, and keeps letters from the address when it will not have them. It gives domain.NotFound for a letter that this realm did not write. Taken twice,
// it changes nothing, nor does one that came late, that a letter may still arrive which has come back.
func (r Report) Take(ctx context.Context, db *tenants.DB, by audit.Actor, now time.Time) error {
	if r.Mark != Mark(db, r.Letter) {
		return domain.Refuse(domain.NotFound, "mail.there_is_no_such_letter")
	}
	reason, text := "bounced", []rune(r.Text)
	if r.Complaint {
		reason, text = "complained", []rune(words.Say("mail.was_called_unwanted").String())
	}
	said := string(text[:min(len(text), 300)])
	refused := r.Lasting && !r.Complaint
	err := db.Write(ctx, by, func(tx *tenants.Tx) error {
		var address, state, fault string
		err := tx.QueryRow(ctx, `SELECT address, state, coalesce(fault, '') FROM mails WHERE id = $1::uuid FOR UPDATE`, r.Letter.String()).Scan(&address, &state, &fault)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return domain.Refuse(domain.NotFound, "mail.there_is_no_such_letter")
		case err != nil:
			return err
		case fault == said && !(refused && state == string(Sent)), !r.Lasting && state == string(Refused):
			return errNoted
		}
		if _, err := tx.Exec(ctx, `UPDATE mails SET fault = $2::text, state = CASE WHEN $3::boolean AND state = 'sent' THEN 'refused' ELSE state END WHERE id = $1::uuid`, r.Letter.String(), said, refused); err != nil {
			return err
		}
		if r.Complaint {
			tx.Record(audit.Entry{Action: "mail.complained", ObjectKind: "mail", ObjectID: r.Letter.String()})
		} else {
			tx.Record(audit.Entry{Action: "mail.bounced", ObjectKind: "mail", ObjectID: r.Letter.String()})
		}
		if r.Lasting {
			return suppress(ctx, tx, address, reason, said, now)
		}
		return nil
	})
	if errors.Is(err, errNoted) {
		return nil
	}
	return err
}
