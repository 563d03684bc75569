package books

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/mail"
)

// grace is for how many days after a period facts of it are waited for before the run bills it: answers that a phone kept while it was offline.
const grace = 1

// Ran is what a run of bills did.
type Ran struct {
	Issued int              // bills
	Failed map[string]error // by tenant: why none could be issued. Others are not held up
}

// Run issues the bills of all periods that have ended and were not billed yet, of all tenants, each in a transaction of its own: what was issued before a run was stopped is not issued again. A
// tenant whose bill cannot be issued is passed over, and told of. db is of the platform's realm.
func Run(ctx context.Context, db *tenants.DB, by audit.Actor, now time.Time) (Ran, error) {
	ran := Ran{Failed: map[string]error{}}
	for after := ""; ; {
		var due []string
		var more bool
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
			rows, err := tenants.Entity[accountRow](r).Select("slug").Where("slug > ?", after).Order("slug").Limit(500).Find(ctx)
			for _, a := range rows {
				due, after = append(due, a.Slug), a.Slug
			}
			more = len(rows) == 500
			return err
		}); err != nil {
			return ran, err
		}
		for _, slug := range due {
			n, err := runOne(ctx, db, by, slug, now)
			ran.Issued += n
			switch {
			case ctx.Err() != nil:
				return ran, ctx.Err()
			case domain.CodeOf(err) == domain.Unavailable:
				return ran, err
			case err != nil:
				ran.Failed[slug] = err
			}
		}
		if !more {
			return ran, nil
		}
	}
}

// runOne issues what is due of a tenant: usually one bill, of a tenant that was not billed for long several, the oldest first. What another run issues meanwhile is not due any more.
func runOne(ctx context.Context, db *tenants.DB, by audit.Actor, slug string, now time.Time) (issued int, err error) {
	for refused := error(nil); ; {
		p, err := duePeriod(ctx, db, slug, now)
		if err != nil || p == (billing.Period{}) {
			return issued, err
		}
		if refused != nil { // and nobody else has issued it
			return issued, refused
		}
		err = db.Write(ctx, by, func(tx *tenants.Tx) error {
			_, err := Issue(ctx, tx, slug, p, now)
			return err
		})
		switch {
		case err == nil:
			issued++
		case domain.CodeOf(err) == domain.Conflict:
			refused = err
		default:
			return issued, err
		}
	}
}

// duePeriod is the next period of a tenant that a run bills; the zero Period: none.
func duePeriod(ctx context.Context, db *tenants.DB, slug string, now time.Time) (due billing.Period, err error) {
	err = db.ReadFresh(ctx, func(r *tenants.Reader) error {
		b, err := open(ctx, r, slug, billing.On(now.UTC().Date()))
		if err != nil {
			return err
		}
		p, any, err := b.next()
		if domain.CodeOf(err) == domain.Conflict { // the next term is not known yet, so this one has not ended
			return nil
		}
		if err != nil || !any {
			return err
		}
		if b.tenant.Allows().Bills == tenants.NoBills { // it has ended: what is still owed is billed by hand
			return nil
		}
		if _, ends := p.Moments(b.zone); !now.Before(ends) && b.issuer.today(now) >= p.To+grace {
			due = p
		}
		return nil
	})
	return due, err
}

// Reminders are how many days after a bill was due its reminders are written.
func Reminders() []int { return []int{1, 14, 30} }

// Remind writes the reminders that are due, of each bill one at a time, and makes tenants read-only whose account says so. Run twice it does nothing the second time.
func Remind(ctx context.Context, db *tenants.DB, by audit.Actor, now time.Time) error {
	today := billing.On(now.UTC().Date())
	for after := ""; ; {
		var list []documentRow
		if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			list, err = tenants.Entity[documentRow](r).Select("number", "slug", "due", "reminded").Where("state IN ('open', 'partial') AND due < ? AND number > ?", day(today), after).Order("number").Limit(200).Find(ctx)
			return err
		}); err != nil {
			return err
		}
		for _, d := range list {
			after = d.Number
			late := int(today - billing.Date(d.Due))
			if d.Reminded < len(Reminders()) && late >= Reminders()[d.Reminded] {
				if err := db.Write(ctx, by, func(tx *tenants.Tx) error { return remind(ctx, tx, d.Number, today, now) }); err != nil {
					return err
				}
			}
		}
		if len(list) < 200 {
			return shutAll(ctx, db, by, today, now)
		}
	}
}

// late are the bills for which a tenant becomes read-only: of an account that says so, reminded of three times. $1 is the day, $2 how often.
const late = `FROM bill_documents d JOIN bill_accounts a USING (slug) WHERE d.state IN ('open', 'partial') AND d.reminded >= $2::integer AND (a.document ->> 'read_only_after')::integer > 0
	AND d.due + (a.document ->> 'read_only_after')::integer <= $1::text::date`

// shutAll makes tenants read-only of which a bill was not paid for as long as their accounts say.
func shutAll(ctx context.Context, db *tenants.DB, by audit.Actor, today billing.Date, now time.Time) error {
	var slugs []string
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, `SELECT DISTINCT d.slug `+late+` AND a.shut_at IS NULL ORDER BY d.slug`, today.String(), len(Reminders()))
		if err == nil {
			slugs, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		return err
	}); err != nil {
		return err
	}
	for _, slug := range slugs {
		err := db.Write(ctx, by, func(tx *tenants.Tx) error {
			a, err := tenants.Entity[accountRow](tx, tenants.Held).Where("slug = ? AND shut_at IS NULL", slug).Take(ctx)
			if err != nil {
				return absent(err, "billing.tenant_is_not_billed", "Tenant", slug)
			}
			account, err := a.account()
			if err != nil {
				return err
			}
			if _, err := tenants.SetState(ctx, tx, slug, tenants.Unpaid, account.Language.Say("books.shut", "Days", account.ReadOnlyAfter), tenants.By{Program: true}); err != nil {
				return err
			}
			if _, err := tenants.Entity[accountRow](tx).Where("slug = ?", slug).Select("shut_at").Updates(ctx, accountRow{ShutAt: &now}); err != nil {
				return err
			}
			return note(ctx, tx, slug, audit.Entry{Action: "bill.shut", ObjectKind: "bill", ObjectID: slug})
		})
		if code := domain.CodeOf(err); code == domain.Conflict || code == domain.NotFound { // it is suspended or closed, gone, or shut by another run
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reopen lets a tenant work again that a bill made read-only, once no such bill is left.
func reopen(ctx context.Context, tx *tenants.Tx, slug string, now time.Time) error {
	a, err := tenants.Entity[accountRow](tx, tenants.Held).Where("slug = ? AND shut_at IS NOT NULL", slug).Find(ctx)
	if err != nil || len(a) == 0 {
		return err
	}
	var left bool
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT `+late+` AND d.slug = $3::text)`, billing.On(now.UTC().Date()).String(), len(Reminders()), slug).Scan(&left); err != nil || left {
		return err
	}
	if _, err := tenants.Entity[accountRow](tx).Where("slug = ?", slug).Select("shut_at").Updates(ctx, accountRow{}); err != nil {
		return err
	}
	if _, err := tenants.SetState(ctx, tx, slug, tenants.Settled, "", tenants.By{Program: true}); err != nil && domain.CodeOf(err) != domain.Conflict { // somebody has decided otherwise meanwhile
		return err
	}
	return note(ctx, tx, slug, audit.Entry{Action: "bill.reopen", ObjectKind: "bill", ObjectID: slug})
}

// remind writes one reminder: whoever comes second finds that it was written.
func remind(ctx context.Context, tx *tenants.Tx, number string, today billing.Date, now time.Time) error {
	h, err := hold(ctx, tx, number)
	if err != nil {
		return err
	}
	balance, err := invoice.BalanceOf(h.inv, h.notes, h.payments)
	if err != nil {
		return err
	}
	e := audit.Entry{Action: "bill.remind", ObjectKind: "bill", ObjectID: number, After: map[string]any{"due": balance.Due, "currency": h.inv.Currency, "reminder": h.row.Reminded + 1}}
	late := int(today - h.inv.Due)
	if balance.Due == 0 || h.row.Reminded >= len(Reminders()) || late < Reminders()[h.row.Reminded] {
		tx.Record(e)
		return nil
	}
	b, err := open(ctx, tx, h.row.Slug, today)
	if err != nil {
		return err
	}
	h.row.Reminded++
	if _, err := tenants.Entity[documentRow](tx).Where("number = ?", number).Select("reminded").Updates(ctx, documentRow{Reminded: h.row.Reminded}); err != nil {
		return err
	}
	if err := note(ctx, tx, h.row.Slug, e); err != nil {
		return err
	}
	return b.write(ctx, tx, reminderLetter, h.inv, balance, now)
}

// The kinds of letters.
const (
	billLetter     = "bill"
	noteLetter     = "credit_note"
	reminderLetter = "bill_reminder"
)

// write writes the letter that brings a document, or reminds of one, to each of the account's addresses: with the paper.
func (b *books) write(ctx context.Context, tx *tenants.Tx, kind string, inv invoice.Invoice, balance invoice.Balance, now time.Time) error {
	in := b.account.Language
	sum := inv.Currency.Money(inv.Total).In(in)
	due := inv.Currency.Money(balance.Due).In(in)
	args := []any{"Number", inv.Number, "Sum", sum, "Due", due, "Name", inv.Customer.Name, "Invoice", inv.Credits,
		"From", words.Moment{At: inv.Period.From.UTC(), Layout: "long_date"}, "Last", words.Moment{At: inv.Period.Last().UTC(), Layout: "long_date"}, "Day", words.Moment{At: inv.Due.UTC(), Layout: "long_date"}}
	text := []words.Text{words.Say("books."+kind+"_text", args...)}
	switch {
	case kind == billLetter:
		text = append(text, words.Say("books.how_to_check"))
	case kind == reminderLetter && b.account.ReadOnlyAfter > 0:
		text = append(text, words.Say("books.read_only_follows", "Day", words.Moment{At: (inv.Due + billing.Date(b.account.ReadOnlyAfter)).UTC(), Layout: "long_date"}))
	}
	letters := make([]mail.Letter, len(b.account.To))
	for i, to := range b.account.To {
		letters[i] = mail.Letter{Kind: kind, To: mail.To{Address: to, Name: b.account.Customer.Name, Language: in}, Subject: words.Say("books."+kind+"_subject", args...), Lines: text,
			Button: words.Say("books.open"), Path: "/bills/" + inv.Number, Of: b.account.Slug, Paper: inv.Number, Life: 14 * 24 * time.Hour}
	}
	return mail.Write(ctx, tx, now, letters...)
}

// Paper gives the printed document of a number, for a letter or whoever may see it, as PDF. It gives domain.NotFound. q is of the platform's realm.
func Paper(ctx context.Context, q tenants.Querier, number string) ([]byte, error) {
	r, err := tenants.Entity[paperRow](q).Select("pdf").Where("number = ?", number).Take(ctx)
	return r.PDF, absent(err, "billing.no_such_invoice", "Invoice", number)
}

// ReadPaper is Paper for what sends letters (mail.Post.Papers).
func ReadPaper(ctx context.Context, db *tenants.DB, number string) (pdf []byte, err error) {
	err = db.Read(ctx, func(r *tenants.Reader) error {
		pdf, err = Paper(ctx, r, number)
		return err
	})
	return pdf, err
}

// Evidence gives the file that an invoice can be computed from again, as it was when it was issued. It gives domain.NotFound for no such document, and for a credit note, which has none. q is of the platform's
// realm.
func Evidence(ctx context.Context, q tenants.Querier, number string) ([]byte, error) {
	r, err := tenants.Entity[paperRow](q).Select("evidence").Where("number = ? AND evidence IS NOT NULL", number).Take(ctx)
	if err != nil {
		return nil, absent(err, "billing.no_such_invoice", "Invoice", number)
	}
	return unpack(r.Evidence)
}

// Job is what the platform's job does with a run: what could not be billed is told by name, and makes the job fail, so that somebody sees it.
func Job(ctx context.Context, db *tenants.DB, by audit.Actor, now time.Time) error {
	ran, err := Run(ctx, db, by, now)
	if err != nil || len(ran.Failed) == 0 {
		return err
	}
	slugs := slices.Sorted(maps.Keys(ran.Failed))
	first := ran.Failed[slugs[0]]
	var said *domain.Error
	if !errors.As(first, &said) {
		return first
	}
	return domain.Refuse(domain.Conflict, "books.could_not_be_billed", "Tenants", strings.Join(slugs, ", "), "Why", said.Text())
}
