package mail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tenants/limits"
)

// Settings say which mail server takes letters, and from whom they are.
type Settings struct {
	Server   string // smtp://HOST[:587], which must offer STARTTLS (RFC 3207), smtps://HOST[:465] (RFC 8314), smtp+plain://LOOPBACK:PORT without TLS; off: no letter is sent
	User     string // "": nobody signs in
	Password string
	Region   string      // of Amazon SES, such as eu-west-1: Password is the secret access key of an IAM user then; "": it is the password itself
	From     string      // the address that letters come from
	TLS      *tls.Config // nil: as the machine trusts
}

// Check says what is wrong with the settings, or nothing.
func (s Settings) Check() error {
	_, _, err := s.client()
	return err
}

// patience is how long the mail server may take with a letter, and to be reached; only tests change it.
var patience = 20 * time.Second

// idle is how long a connection is kept for the next letter.
const idle = 10 * time.Second

// pause is how long nothing is tried after the mail server could not be reached.
const pause = 10 * time.Second

// client makes what speaks SMTP; nil where no letter is sent.
func (s Settings) client() (*gomail.Client, string, error) {
	if s.Server == "off" {
		return nil, "", nil
	}
	u, err := url.Parse(s.Server)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return nil, "", errors.New("must be smtp://HOST:PORT, smtps://HOST:PORT or off")
	}
	from, err := mail.ParseAddress(s.From)
	if err != nil || from.Address != s.From {
		return nil, "", errors.New("an address that letters come from is missing, such as no-reply@lignum.example")
	}
	options := []gomail.Option{gomail.WithTimeout(patience), gomail.WithoutNoop()}
	port := 587
	switch u.Scheme {
	case "smtp":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "smtps":
		port = 465
		options = append(options, gomail.WithSSL())
	case "smtp+plain":
		if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
			return nil, "", errors.New("may be without TLS to an address of this machine alone, such as smtp+plain://127.0.0.1:1025")
		}
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		return nil, "", errors.New("must be smtp://HOST:PORT, smtps://HOST:PORT or off")
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return nil, "", errors.New("has a port that is none")
		}
	}
	options = append(options, gomail.WithPort(port))
	if u.Scheme != "smtp+plain" {
		verify := &tls.Config{}
		if s.TLS != nil {
			verify = s.TLS.Clone()
		}
		verify.ServerName, verify.MinVersion = u.Hostname(), tls.VersionTLS12
		options = append(options, gomail.WithTLSConfig(verify))
	}
	if s.User != "" {
		if u.Scheme == "smtp+plain" {
			return nil, "", errors.New("must not be given a password without TLS")
		}
		password := s.Password
		if s.Region != "" {
			password = sesPassword(password, s.Region)
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(u.Hostname(), options...)
	return client, from.Address, err
}

// Post sends letters, one at a time. It is safe for concurrent use.
type Post struct {
	// Papers reads a bill that a letter brings, as PDF, by its number. db is of the letter's realm.
	Papers func(ctx context.Context, db *tenants.DB, number string) ([]byte, error)

	client *gomail.Client // nil: no letter is sent
	from   string
	// RolesOf gives a person's roles, for a tenant whose letters go to its administrators alone (tenants.Allows); nil: nobody there gets any.
	RolesOf func(ctx context.Context, q tenants.Querier, user uuid.UUID) ([]string, error)
	urlOf   func(t *tenants.Tenant) string // of a realm's host, without a path; nil: the platform's

	mu   sync.Mutex
	conn *smtp.Client // kept for the next letter
	last time.Time    // when it was used
	away time.Time    // until when nothing is tried
}

// NewPost gives what sends letters. urlOf is where a realm's pages are, such as https://jamaica.lignum.example; of nil, the platform's.
func NewPost(s Settings, urlOf func(t *tenants.Tenant) string) (*Post, error) {
	client, from, err := s.client()
	return &Post{client: client, from: from, urlOf: urlOf}, err
}

// fault is why a letter was not taken.
type fault struct {
	code     int    // of SMTP (RFC 5321, 4.2); 0: there was no answer
	enhanced string // RFC 3463; may be empty
	text     string // the server's words
	lasting  bool   // it will not have this letter
	mailbox  bool   // because there is no such mailbox
	unknown  bool   // it may have taken it
}

// Error says it for the log, without the address that the server may have repeated.
func (f *fault) Error() string {
	return f.says().String()
}

func (f *fault) says() words.Text {
	if f.code == 0 {
		return words.Say("mail.there_was_no_answer")
	}
	return words.Say("mail.the_answer_was", "Code", strconv.Itoa(f.code), "Enhanced", f.enhanced)
}

// words says it for people, with what the server said.
func (f *fault) words() string {
	if f.text == "" {
		return f.Error()
	}
	text := []rune(oneLine(f.text))
	return string(text[:min(len(text), 300)])
}

// explain tells what an error of sending means.
func explain(err error) *fault {
	var e *gomail.SendError
	if !errors.As(err, &e) {
		return &fault{text: err.Error()}
	}
	f := &fault{code: e.ErrorCode(), enhanced: e.EnhancedStatusCode(), text: e.Error()}
	if at := strings.Index(f.text, ", affected "); at > 0 {
		f.text = f.text[:at]
	}
	switch e.Reason {
	case gomail.ErrSMTPRcptTo:
		f.lasting = f.code >= 500
		f.mailbox = f.lasting && (strings.HasPrefix(f.enhanced, "5.1.") || f.enhanced == "5.2.1" || f.enhanced == "" && (f.code == 550 || f.code == 551 || f.code == 553))
	case gomail.ErrSMTPDataClose, gomail.ErrWriteContent, gomail.ErrSMTPData:
		f.lasting = f.code >= 500
		f.unknown = f.code == 0
	case gomail.ErrGetRcpts, gomail.ErrGetSender, gomail.ErrNoUnencoded:
		f.lasting = true
	case gomail.ErrSMTPMailFrom, gomail.ErrSMTPReset, gomail.ErrConnCheck, gomail.ErrAmbiguous: // about us, or the connection
	}
	return f
}

// deliver hands a letter to the mail server. Whoever calls it holds p.mu.
func (p *Post) deliver(ctx context.Context, m *gomail.Msg) *fault {
	if time.Now().Before(p.away) {
		return &fault{}
	}
	if p.conn != nil && time.Since(p.last) > idle {
		p.hangUp()
	}
	kept := p.conn != nil
	if !kept {
		conn, err := p.client.DialToSMTPClientWithContext(ctx)
		if err != nil {
			p.away = time.Now().Add(pause)
			return &fault{text: err.Error()}
		}
		p.conn = conn
	}
	err := p.client.SendWithSMTPClient(p.conn, m)
	p.last = time.Now()
	if err == nil || m.IsDelivered() { // and only what followed went wrong
		if err != nil {
			p.hangUp()
		}
		return nil
	}
	f := explain(err)
	if f.code == 0 || f.code == 421 {
		p.hangUp()
		var e *gomail.SendError
		if kept && errors.As(err, &e) && e.Reason != gomail.ErrSMTPDataClose && e.Reason != gomail.ErrWriteContent { // a connection that was kept had ended meanwhile
			return p.deliver(ctx, m)
		}
	}
	return f
}

func (p *Post) hangUp() {
	if p.conn != nil {
		_ = p.conn.Close()
		p.conn = nil
	}
}

// Close ends the connection to the mail server.
func (p *Post) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hangUp()
}

// Again is how long a letter waits that was not taken, by how long it has been tried: half of that, at least 15 seconds and at most twelve hours.
func Again(tried time.Duration) time.Duration {
	return min(max(tried/2, 15*time.Second), 12*time.Hour)
}

// taken is a letter that is about to be sent.
type taken struct {
	row
	said
	suppressed bool
	branding   tenants.Branding
}

// Send sends the letter that a job is about. One that needs no sending any more is done.
func (p *Post) Send(ctx context.Context, j *jobs.Job) error {
	id, err := uuid.Parse(j.About)
	if err != nil {
		return err
	}
	p.mu.Lock() // from before a letter is marked as being sent until it is marked as gone
	defer p.mu.Unlock()
	if held, err := p.held(ctx, j, id); held || err != nil {
		return err
	}
	l, err := p.take(ctx, j, id)
	if err != nil || l == nil {
		return err
	}
	switch {
	case l.suppressed:
		return settle(ctx, j, l, Withheld, "mail.suppressed", nil)
	case !j.Now.Before(l.Until):
		return settle(ctx, j, l, Late, "mail.late", nil)
	case p.client == nil:
		return settle(ctx, j, l, Failed, "mail.failed", &fault{text: words.Say("mail.this_installation_sends_none").String()})
	}
	m, err := p.message(ctx, j, l)
	if domain.CodeOf(err) == domain.Unavailable { // what it brings cannot be read just now
		return errors.Join(err, putBack(ctx, j, l, &fault{text: words.Say("mail.could_not_be_made").String()}))
	}
	if err != nil {
		return errors.Join(err, settle(ctx, j, l, Failed, "mail.failed", &fault{text: words.Say("mail.could_not_be_made").String()}))
	}
	f := p.deliver(ctx, m)
	switch {
	case f == nil:
		return sent(ctx, j, l)
	case f.lasting:
		return settle(ctx, j, l, Refused, "mail.refused", f)
	case j.Last:
		return settle(ctx, j, l, Failed, "mail.failed", f)
	}
	if err := putBack(ctx, j, l, f); err != nil {
		return err
	}
	return domain.Refuse(domain.Conflict, "mail.was_not_taken", "Why", f.says())
}

// held reports whether the tenant's state keeps a letter from going out. It waits, and is looked at again (Collect) until it would make no sense any more.
func (p *Post) held(ctx context.Context, j *jobs.Job, id uuid.UUID) (held bool, err error) {
	if j.Tenant == nil || j.Tenant.Allows().Mail == tenants.AllMail {
		return false, nil
	}
	err = j.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		var reader *uuid.UUID
		var until time.Time
		err := r.QueryRow(ctx, "SELECT user_id, until FROM mails WHERE id = $1::uuid", id.String()).Scan(&reader, &until)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !j.Now.Before(until) {
			return nil
		}
		var roles []string
		if err == nil && reader != nil && p.RolesOf != nil {
			roles, err = p.RolesOf(ctx, r, *reader)
		}
		held = !j.Tenant.Allows().Writes(roles)
		return err
	})
	return held, err
}

// take marks a letter as being sent, and gives it with its realm's looks; nil: it needs no sending.
func (p *Post) take(ctx context.Context, j *jobs.Job, id uuid.UUID) (*taken, error) {
	l := &taken{row: row{ID: id}}
	var found, room bool
	var secret *string
	b := &pgx.Batch{}
	if j.Tenant == nil {
		b.Queue(`UPDATE mails m SET `+taking+` WHERE m.id = $1::uuid AND m.state IN ('waiting', 'sending') RETURNING true, `+whatIsTaken, id.String(), j.Now)
	} else {
		b.Queue(takeWithin, id.String(), j.Now, j.Tenant.Today(j.Now).Format(time.DateOnly), string(limits.Mails), []string{string(Digest), string(Figures)})
	}
	if err := j.DB.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		var address, kind, language *string
		var until *time.Time
		err := res.QueryRow().Scan(&room, &address, &kind, &language, &secret, &until, &l.UserID, &l.suppressed)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if found = err == nil; found && room {
			l.Address, l.Kind, l.Language, l.Until = *address, *kind, *language, *until
		}
		return err
	}); err != nil || !found {
		return nil, err
	}
	if !room {
		return nil, tomorrow(ctx, j, id)
	}
	if secret == nil {
		return nil, settle(ctx, j, l, Late, "mail.late", nil)
	}
	raw, err := j.DB.Vault().Open(j.DB.Realm().Name(), sealed, *secret)
	if err == nil {
		err = json.Unmarshal(raw, &l.said)
	}
	if err != nil {
		return nil, errors.Join(err, settle(ctx, j, l, Failed, "mail.failed", &fault{text: words.Say("mail.could_not_be_made").String()}))
	}
	return l, j.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		l.branding, err = tenants.ReadBranding(ctx, r)
		return err
	})
}

// taking marks a letter as being sent, and whatIsTaken is what is told of it. $2 is the moment.
const (
	taking      = `state = 'sending', doubtful = m.doubtful OR m.state = 'sending', tries = m.tries + 1, changed_at = $2::timestamptz`
	whatIsTaken = `m.address, m.kind, m.language, m.sealed, m.until, m.user_id, EXISTS (SELECT FROM mail_suppressed s WHERE s.address = lower(m.address)) AS suppressed`
)

// takeWithin takes a letter of a tenant within what its plan sends in a day, where it is tried for the first time: of those that nobody waits for (kinds $5) within four fifths of it,
// so that there is room for a new password. It has no row where the letter needs no sending, and one without a letter where there is no room today. $3 is the day, $4 the quota.
var takeWithin = `WITH letter AS MATERIALIZED (
		SELECT id, tries, CASE WHEN kind = ANY($5::text[]) THEN 80 ELSE 100 END AS percent FROM mails WHERE id = $1::uuid AND state IN ('waiting', 'sending') FOR UPDATE
	), most AS MATERIALIZED (SELECT 1 AS n, coalesce((s.limits->>$4::text)::bigint, 0) * l.percent / 100 AS most FROM letter l CROSS JOIN settings s WHERE l.tries = 0
	), room AS (` + limits.TakingToday("$4::text", "$3::text::date", "SELECT n, most FROM most") + ` RETURNING 1
	), taken AS (
		UPDATE mails m SET ` + taking + ` FROM letter l WHERE m.id = l.id AND (l.tries > 0 OR EXISTS (SELECT FROM room)) RETURNING m.id, ` + whatIsTaken + `
	) SELECT t.id IS NOT NULL, t.address, t.kind, t.language, t.sealed, t.until, t.user_id, coalesce(t.suppressed, false) FROM letter l LEFT JOIN taken t ON t.id = l.id`

// tomorrow leaves a letter for which today has no room until the tenant's next day.
func tomorrow(ctx context.Context, j *jobs.Job, id uuid.UUID) error {
	says := words.Say("mail.the_plan_sends_no_more_today")
	b := &pgx.Batch{}
	b.Queue(`UPDATE mails SET fault = $2::text WHERE id = $1::uuid AND state IN ('waiting', 'sending')`, id.String(), says.String())
	if err := j.DB.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	}); err != nil {
		return err
	}
	return jobs.Later(j.Begins(j.Tenant.Today(j.Now).AddDate(0, 0, 1), j.Tenant.Location()), says)
}

// settle writes down what became of a letter. What it says is erased when it has gone.
func settle(ctx context.Context, j *jobs.Job, l *taken, s State, action string, f *fault) error {
	why := ""
	if f != nil {
		why = f.words()
	}
	return j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE mails SET state = $2::text, fault = $3::text, sealed = CASE WHEN $2::text = 'sent' THEN NULL ELSE sealed END, changed_at = now()
			WHERE id = $1::uuid AND state IN ('waiting', 'sending')`, l.ID.String(), string(s), why)
		if err != nil {
			return err
		}
		if n > 0 && f != nil && f.mailbox {
			if err := suppress(ctx, tx, l.Address, "refused", why, j.Now); err != nil {
				return err
			}
		}
		e := audit.Entry{Action: action, ObjectKind: "mail", ObjectID: l.ID.String(), After: map[string]any{"kind": l.Kind, "user_id": l.UserID}}
		if f != nil {
			e.Reason = f.Error()
		}
		tx.Record(e)
		return nil
	})
}

// sent writes down that a letter has gone. Nobody else knows that: while the database is away it is tried again, for half a minute.
func sent(ctx context.Context, j *jobs.Job, l *taken) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	for {
		err := settle(ctx, j, l, Sent, "mail.sent", nil)
		if domain.CodeOf(err) != domain.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Second):
		}
	}
}

// putBack lets a letter wait for the next try. One of which nobody knows whether the server took it stays as one that is being sent.
func putBack(ctx context.Context, j *jobs.Job, l *taken, f *fault) error {
	b := &pgx.Batch{}
	b.Queue(`UPDATE mails SET state = CASE WHEN $3::boolean THEN state ELSE 'waiting' END, fault = $2::text WHERE id = $1::uuid AND state = 'sending'`, l.ID.String(), f.words(), f.unknown)
	return j.DB.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	})
}
