package web

import (
	"context"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	mailapi "lignum/api/mail"
	"lignum/tenants"
	"lignum/tenants/mail"
)

// What pages say after a change of a letter.
var (
	letterRetried  = Notice("letter-retried", "mail.page.it_is_sent_again")
	addressAllowed = Notice("address-allowed", "mail.page.letters_go_there_again")
)

// letters is a part of the list of letters as a page, for the partial "letters".
type letters struct {
	Path         string
	States       []Choice
	List         []shownLetter
	MayChange    bool
	Newer, Older string // addresses; empty: there is none
	Filtered     bool
	Suppressed   []shownAddress // the first of them
	More         bool           // there are more
}

// shownLetter is a letter with what people read of it.
type shownLetter struct {
	mail.Stored
	Says, StateSays string
	Person          string // the address of the page of whose account it was written to; empty: there is none
}

// Failed reports whether it did not go, and will not by itself.
func (l shownLetter) Failed() bool {
	return l.State == mail.Refused || l.State == mail.Failed || l.State == mail.Withheld || l.State == mail.Late
}

// shownAddress is an address that no letter goes to, with why in words.
type shownAddress struct {
	mail.Suppressed
	ReasonSays string
}

// Letters shows what was written by mail.
func (w Watched) Letters(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d, f, err := askLetters(ctx, c, fc, c.Could(w.Change))
	return w.show(c, fc, f, d, err)
}

// RetryLetter sends a letter again.
func (w Watched) RetryLetter(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := PathID(fc, "letter")
	if err == nil {
		_, err = mailapi.Retry(ctx, c, tx, id)
	}
	if err != nil {
		return "", err
	}
	Notify(c, fc, letterRetried)
	return w.Path, nil
}

// AllowAddress lets letters go to an address again.
func (w Watched) AllowAddress(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	if _, err := mailapi.Allow(ctx, c, tx, ReadForm(fc).Text("address")); err != nil {
		return "", err
	}
	Notify(c, fc, addressAllowed)
	return w.Path, nil
}

// askLetters reads the filter of the page of letters, asks for them and makes the page.
func askLetters(ctx context.Context, c *api.Call, fc *fiber.Ctx, mayChange bool) (d letters, f *Form, err error) {
	query := url.Values{}
	f = &Form{}
	for _, name := range []string{"state", "cursor"} {
		if v := strings.TrimSpace(fc.Query(name)); v != "" {
			query.Set(name, v)
			f.Set(name, v)
		}
	}
	d = letters{Path: strings.Clone(fc.Path()), MayChange: mayChange, Filtered: query.Get("state") != "", States: []Choice{{Text: c.Say("mail.page.all_letters")}}}
	for _, s := range []mail.State{mail.Waiting, mail.Sending, mail.Sent, mail.Refused, mail.Withheld, mail.Failed, mail.Late} {
		d.States = append(d.States, Choice{Value: string(s), Text: c.Say("letter.state." + string(s))})
	}
	list, suppressed, err := mailapi.ListAll(ctx, c, mailapi.Filter{State: query.Get("state")}, api.Paging{Cursor: query.Get("cursor")})
	if err != nil {
		return d, f, err
	}
	for _, one := range suppressed.Items {
		d.Suppressed = append(d.Suppressed, shownAddress{one, c.Say("letter.reason." + one.Reason)})
	}
	d.More = suppressed.Next != ""
	for _, l := range list.Items {
		one := shownLetter{Stored: l, Says: c.Say("letter.kind." + l.Kind), StateSays: c.Say("letter.state." + string(l.State))}
		if l.UserID != nil && c.Tenant != nil {
			one.Person = "/people/" + l.UserID.String()
		}
		d.List = append(d.List, one)
	}
	if list.Next != "" {
		d.Older = d.Path + "?" + with(query, "cursor", list.Next).Encode()
	}
	if query.Get("cursor") != "" {
		d.Newer = strings.TrimSuffix(d.Path+"?"+with(query, "cursor", "").Encode(), "?")
	}
	return d, f, nil
}
