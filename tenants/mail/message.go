package mail

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	html "html/template"
	"net/mail"
	"net/url"
	"strings"
	text "text/template"

	"github.com/google/uuid"
	gomail "github.com/wneessen/go-mail"

	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/jobs"
)

//go:embed letter.html letter.txt
var files embed.FS

var (
	asHTML = html.Must(html.New("letter.html").ParseFS(files, "letter.html"))
	asText = text.Must(text.New("letter.txt").ParseFS(files, "letter.txt"))
)

// shown is what the two forms of a letter show.
type shown struct {
	said
	Language string
	Sender   string // the tenant, or the platform
	Colour   string // #rrggbb, of the sender
	URL      string // the page that the letter leads to
	Host     string
	Why      string // it was written
	StopURL  string // where one asks for no more of it; "": one cannot
	Stop     string
	CodeSays string
}

// head is where a letter says which it is, for whatever comes back.
const head = "X-Lignum-Letter"

// message makes a letter as it is sent.
func (p *Post) message(ctx context.Context, j *jobs.Job, l *taken) (*gomail.Msg, error) {
	in := words.Language(l.Language)
	of := j.Tenant
	if of == nil && l.Of != "" {
		of = &tenants.Tenant{Slug: l.Of}
	}
	base := p.urlOf(of)
	host, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	s := shown{said: l.said, Language: l.Language, Sender: l.branding.Name, Colour: l.branding.Colour, URL: base + l.Path, Host: host.Host,
		Why: in.Say("mail.why_you_get_this", "Sender", l.branding.Name), CodeSays: in.Say("mail.or_type_this_code")}
	if s.Sender == "" {
		s.Sender = "Lignum"
	}
	if l.Topic != "" && l.UserID != nil {
		s.Stop, s.StopURL = in.Say("letter.stop."+string(l.Topic)), base+StopPath(j.DB, *l.UserID, l.Topic)
	}
	var inHTML, inText bytes.Buffer
	if err := asHTML.Execute(&inHTML, s); err != nil {
		return nil, err
	}
	if err := asText.Execute(&inText, s); err != nil {
		return nil, err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From((&mail.Address{Name: oneLine(s.Sender), Address: p.from}).String()); err != nil {
		return nil, err
	}
	if err := m.To((&mail.Address{Name: l.Name, Address: l.Address}).String()); err != nil {
		return nil, err
	}
	mark := Mark(j.DB, l.ID)
	_, domain, _ := strings.Cut(p.from, "@")
	m.Subject(l.Subject)
	m.SetMessageIDWithValue(mark + "@" + domain)
	m.SetDateWithValue(j.Now)
	m.SetGenHeader(gomail.Header(head), mark)
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's absence answers it
	m.SetGenHeader("Content-Language", l.Language)
	if s.StopURL != "" { // RFC 8058
		m.SetGenHeader("List-Unsubscribe", "<"+s.StopURL+">")
		m.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	}
	m.SetBodyString(gomail.TypeTextPlain, inText.String())
	m.AddAlternativeString(gomail.TypeTextHTML, inHTML.String())
	if l.Paper != "" {
		if p.Papers == nil {
			return nil, errors.New("mail: nothing has the bill that a letter brings")
		}
		paper, err := p.Papers(ctx, j.DB, l.Paper)
		if err != nil {
			return nil, err
		}
		return m, m.AttachReader(l.Paper+".pdf", bytes.NewReader(paper), gomail.WithFileContentType("application/pdf"))
	}
	return m, nil
}

// Mark names a letter to whoever gets it back: its realm, its id and what shows that this installation wrote it.
func Mark(db *tenants.DB, id uuid.UUID) string {
	return db.Realm().Name() + "." + id.String() + "." + fmt.Sprintf("%x", db.Vault().MAC(db.Realm().Name(), "mail_mark", id.String())[:12])
}

// StopPath is the page on which one asks for no more letters of a topic. It is good without signing in, and for good.
func StopPath(db *tenants.DB, user uuid.UUID, t Topic) string {
	return "/mail/stop?" + url.Values{"topic": {string(t)}, "user": {user.String()}, "signature": {stopSignature(db, user, t)}}.Encode()
}

func stopSignature(db *tenants.DB, user uuid.UUID, t Topic) string {
	return fmt.Sprintf("%x", db.Vault().MAC(db.Realm().Name(), "mail_stop", string(t)+" "+user.String()))
}
