package books_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/billing/tax"
	"lignum/billing/verify"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tests/bills"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// desk is where bills are made: the platform with a company that bills, a plan, and Jamaica as its customer from September 2026 on.
type desk struct {
	*testkit.World
	t   testing.TB
	db  *tenants.DB
	ctx context.Context
}

var issuer = books.Issuer{Name: "lignum-jm", Prefix: "LL", Party: bills.Issuer, Pay: []string{"Bank of the Caribbean, account 000-123-456"}, Zone: "America/Jamaica"}

func account(slug string) books.Account {
	return books.Account{Slug: slug, Issuer: "lignum-jm", Customer: invoice.Party{Name: "Ministry of Education, " + slug, Address: []string{"2–4 National Heroes Circle"}, Country: "JM"},
		To: []string{"accounts@" + slug + ".example.org"}, Language: "en", DueDays: 30}
}

// fee is a plan of a fee alone, with credits and students on top in the others.
func fee(amount billing.Decimal) plan.Version {
	v := bills.Version("JMD")
	v.BaseFee, v.Minimum, v.Discounts = amount, "", nil
	v.Components = v.Components[:2]
	return v
}

func newDesk(t testing.TB, slugs ...string) *desk {
	t.Helper()
	d := &desk{testkit.New(t), t, nil, t.Context()}
	d.db = d.DB("")
	d.ok(func(tx *tenants.Tx) error {
		if err := books.PutIssuer(d.ctx, tx, issuer); err != nil {
			return err
		}
		if err := books.AddVersion(d.ctx, tx, fee("250000"), at("2026-01-01")); err != nil {
			return err
		}
		for _, slug := range slugs {
			if err := books.PutAccount(d.ctx, tx, account(slug), at("2026-08-01")); err != nil {
				return err
			}
			if err := books.SetPlan(d.ctx, tx, slug, "country", 1, bills.Date("2026-09-01"), bills.Date("2026-08-01")); err != nil {
				return err
			}
		}
		return nil
	})
	return d
}

// at is noon of a day in Jamaica.
func at(day string) time.Time { return bills.Date(day).UTC().Add(17 * time.Hour) }

func (d *desk) do(fn func(tx *tenants.Tx) error) error { return d.db.Write(d.ctx, d.Actor, fn) }

func (d *desk) ok(fn func(tx *tenants.Tx) error) {
	d.t.Helper()
	if err := d.do(fn); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) issue(slug, day string) (inv invoice.Invoice, err error) {
	err = d.do(func(tx *tenants.Tx) error {
		inv, err = books.Issue(d.ctx, tx, slug, billing.Period{}, at(day))
		return err
	})
	return inv, err
}

func (d *desk) list(f books.Filter) []books.Document {
	d.t.Helper()
	var list domain.List[books.Document]
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) (err error) {
		list, err = books.List(d.ctx, r, f, domain.Page{Limit: 200})
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
	return list.Items
}

func (d *desk) numbers() (list []string) {
	for _, doc := range d.list(books.Filter{}) {
		list = append(list, doc.Number)
	}
	slices.Sort(list)
	return list
}

// says checks that an error is of a code and has some words.
func says(t testing.TB, err error, code domain.Code, words string) {
	t.Helper()
	if domain.CodeOf(err) != code || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v (%s); want %s, %q", err, domain.CodeOf(err), code, words)
	}
}

// A month is billed once, with a number, evidence that an outsider computes again, and its paper; a period that has not ended has a draft.
func TestAMonthIsBilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica")
	_, err := d.issue("jamaica", "2026-09-30")
	says(t, err, domain.Conflict, "has not ended")
	var v books.Preview
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) (err error) {
		v, err = books.PreviewOf(d.ctx, r, "jamaica", at("2026-09-30"))
		return err
	}); err != nil || v.Ended || v.Draft.Number != "" || v.Draft.Subtotal != 250_000_00 {
		t.Errorf("a draft of %d, %q: %v", v.Draft.Subtotal, v.Draft.Number, err)
	}
	inv, err := d.issue("jamaica", "2026-10-02")
	if err != nil {
		t.Fatal(err)
	}
	if inv.Number != "LL-000001" || inv.Total != 287_500_00 || inv.Due != bills.Date("2026-11-01") || inv.Period != bills.Days("2026-09-01", "2026-10-01") {
		t.Errorf("%s of %v comes to %d, due %s", inv.Number, inv.Period, inv.Total, inv.Due)
	}
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) error {
		evidence, err := books.Evidence(d.ctx, r, inv.Number)
		if err != nil {
			return err
		}
		report, err := verify.Check(evidence)
		if err != nil || len(report.Differences) > 0 || report.Number != inv.Number {
			t.Errorf("an outsider finds %+v: %v", report, err)
		}
		b, err := books.ByNumber(d.ctx, r, inv.Number)
		if b.Hash != report.Hash || b.Balance.Due != inv.Total || b.State != "open" {
			t.Errorf("the bill is %+v", b.Document)
		}
		pdf, perr := books.Paper(d.ctx, r, inv.Number)
		if !bytes.HasPrefix(pdf, []byte("%PDF")) {
			t.Errorf("the paper begins %.10q", pdf)
		}
		return errors.Join(err, perr)
	}); err != nil {
		t.Fatal(err)
	}
	_, err = d.issue("jamaica", "2026-10-02")
	says(t, err, domain.Conflict, "has not ended") // October
	if got := d.numbers(); !slices.Equal(got, []string{"LL-000001"}) {
		t.Errorf("issued: %q", got)
	}
	_, err = d.issue("jamaica", "2026-10-01")
	says(t, err, domain.Conflict, "has not ended")
	_, err = d.issue("bahamas", "2026-10-02")
	says(t, err, domain.NotFound, "not billed yet")
}

// Numbers have no gaps and no doubles, however many issue at once and however many of them fail.
func TestNumbersHaveNoGaps(t *testing.T) {
	t.Parallel()
	slugs := []string{"jamaica", "bahamas", "celearn"}
	d := newDesk(t, slugs...)
	var wait sync.WaitGroup
	fail := errors.New("killed")
	for round := range 4 {
		for _, slug := range slugs {
			wait.Go(func() {
				err := d.do(func(tx *tenants.Tx) error {
					if _, err := books.Issue(d.ctx, tx, slug, billing.Period{}, at("2026-12-02")); err != nil {
						return err
					}
					if round%2 == 0 {
						return fail // its transaction is rolled back with its number taken
					}
					return nil
				})
				if code := domain.CodeOf(err); err != nil && !errors.Is(err, fail) && code != domain.Conflict && code != domain.Unavailable { // a slow machine keeps some waiting for too long
					t.Error(err)
				}
			})
		}
	}
	wait.Wait()
	for _, slug := range slugs { // what waited for too long
		for range 4 {
			if _, err := d.issue(slug, "2026-12-02"); err != nil && domain.CodeOf(err) != domain.Conflict {
				t.Fatal(err)
			}
		}
	}
	got := d.numbers()
	for i, n := range got {
		if n != fmt.Sprintf("LL-%06d", i+1) {
			t.Fatalf("numbers are %q", got)
		}
	}
	if len(got) != 9 { // September, October and November of three
		t.Errorf("%d were issued: %q", len(got), got)
	}
}

// A run issues what has ended and was not billed, of everybody; two at once and one more issue nothing twice; what cannot be billed holds up nobody, and is told.
func TestARunIssuesOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica", "bahamas", "celearn")
	if _, err := d.Direct(t).Exec(d.ctx, `DELETE FROM control.bill_in_force WHERE slug = 'celearn'`); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			if _, err := books.Run(d.ctx, d.db, d.Actor, at("2026-11-01")); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := d.numbers(); !slices.Equal(got, []string{"LL-000001", "LL-000002"}) { // October is waited for until the second
		t.Errorf("issued: %q", got)
	}
	ran, err := books.Run(d.ctx, d.db, d.Actor, at("2026-11-02"))
	if err != nil || ran.Issued != 2 || len(ran.Failed) > 0 {
		t.Errorf("the next run issued %+v: %v", ran, err)
	}
	if _, err := d.Direct(t).Exec(d.ctx, `UPDATE control.bill_issuers SET document = jsonb_set(document, '{party,tax_number}', '""')`); err != nil {
		t.Fatal(err)
	}
	ran, err = books.Run(d.ctx, d.db, d.Actor, at("2026-12-03"))
	if err != nil || ran.Issued != 0 || len(ran.Failed) != 2 {
		t.Errorf("without a tax number the run issued %+v: %v", ran, err)
	}
	says(t, books.Job(d.ctx, d.db, d.Actor, at("2026-12-03")), domain.Conflict, "No bill could be issued for: bahamas, jamaica")
	if got := d.numbers(); len(got) != 4 {
		t.Errorf("issued: %q", got)
	}
	if _, err := d.Direct(t).Exec(d.ctx, `UPDATE control.bill_issuers SET document = jsonb_set(document, '{party,tax_number}', '"001234567"')`); err != nil {
		t.Fatal(err)
	}
	if ran, err := books.Run(d.ctx, d.db, d.Actor, at("2026-12-03")); err != nil || ran.Issued != 2 {
		t.Errorf("mended it issued %+v: %v", ran, err)
	}
	_, err = d.issue("jamaica", "2026-12-02") // December, by a clock that was set back
	says(t, err, domain.Conflict, "has not ended")
	if _, err := d.Direct(t).Exec(d.ctx, `UPDATE control.bill_issuers SET last_issued = '2027-06-01'`); err != nil {
		t.Fatal(err)
	}
	_, err = d.issue("jamaica", "2027-01-02")
	says(t, err, domain.Conflict, "clock was set back")
}

// Money comes in parts, too much and twice; what is void takes none. Credit notes never come to more than the bill, and what is void can be billed again.
func TestABillIsPaidAndCredited(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica")
	d.ok(func(tx *tenants.Tx) error {
		return books.AddCredit(d.ctx, tx, "jamaica", plan.Credit{Name: "outage", Title: "For the outage", Left: 300_000_00}, at("2026-09-01"))
	})
	first, err := d.issue("jamaica", "2026-10-02")
	if err != nil || first.Total != 0 {
		t.Fatalf("%d: %v", first.Total, err) // all of it is covered by the credit
	}
	inv, err := d.issue("jamaica", "2026-11-02")
	if err != nil || inv.Total != 230_000_00 { // 250,000 less 50,000, with 15 %
		t.Fatalf("%d: %v", inv.Total, err)
	}
	pay := func(name string, amount int64) (b invoice.Balance, err error) {
		err = d.do(func(tx *tenants.Tx) error {
			b, err = books.Pay(d.ctx, tx, inv.Number, books.Payment{Name: name, On: bills.Date("2026-11-10"), Amount: amount, Method: "transfer", Reference: "PO 7"}, at("2026-11-11"))
			return err
		})
		return b, err
	}
	for _, c := range []struct {
		name   string
		amount int64
		state  invoice.State
		due    int64
	}{{"b-1", 100_000_00, invoice.Partial, 130_000_00}, {"b-1", 100_000_00, invoice.Partial, 130_000_00}, {"b-2", 130_000_00, invoice.Paid, 0}, {"b-3", 1, invoice.Overpaid, 0}} {
		if b, err := pay(c.name, c.amount); err != nil || b.State != c.state || b.Due != c.due {
			t.Errorf("after %s it is %+v: %v", c.name, b, err)
		}
	}
	_, err = pay("b-1", 5)
	says(t, err, domain.Conflict, "Two different payments")
	_, err = pay("b-9", 0)
	says(t, err, domain.Invalid, "more than 0")
	note := func(amount int64) (n invoice.Invoice, err error) {
		var lines []invoice.Credited
		if amount > 0 {
			lines = []invoice.Credited{{Line: inv.Lines[0].ID, Amount: amount}}
		}
		err = d.do(func(tx *tenants.Tx) error {
			n, err = books.Credit(d.ctx, tx, inv.Number, "Billed in error", lines, at("2026-11-12"))
			return err
		})
		return n, err
	}
	part, err := note(10_000_00)
	if err != nil || part.Number != "LL-C-000001" || part.Total != 11_500_00 {
		t.Errorf("%s credits %d: %v", part.Number, part.Total, err)
	}
	_, err = note(250_000_00)
	says(t, err, domain.Invalid, "lines[0].amount")
	rest, err := note(0)
	if err != nil || rest.Total != 218_500_00 {
		t.Errorf("the rest is %d: %v", rest.Total, err)
	}
	_, err = note(0)
	says(t, err, domain.Conflict, "credited already")
	_, err = pay("b-4", 100)
	says(t, err, domain.Conflict, "is void")
	var again invoice.Invoice
	d.ok(func(tx *tenants.Tx) error {
		again, err = books.Issue(d.ctx, tx, "jamaica", bills.Days("2026-10-01", "2026-11-01"), at("2026-11-13"))
		return err
	})
	if again.Number != "LL-000003" || again.Total != 230_000_00 { // the credit that the void one took is there again
		t.Errorf("%s comes to %d", again.Number, again.Total)
	}
	err = d.do(func(tx *tenants.Tx) error {
		_, err := books.Issue(d.ctx, tx, "jamaica", bills.Days("2026-09-10", "2026-10-10"), at("2026-11-13"))
		return err
	})
	says(t, err, domain.Invalid, "no period of the plan")
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) error {
		entries, err := books.Statement(d.ctx, r, "jamaica")
		var sums []int64
		for _, e := range entries {
			sums = append(sums, e.Balance)
		}
		if want := []int64{0, 230_000_00, 130_000_00, 0, -1, -11_500_01, -230_000_01, -1}; !slices.Equal(sums, want) {
			t.Errorf("the statement's balances are %d, want %d", sums, want)
		}
		ages, aerr := books.Ageing(d.ctx, r, "", bills.Date("2027-02-01"))
		if len(ages) != 1 || ages[0].To60 != 230_000_00 || ages[0].Total != 230_000_00 {
			t.Errorf("owed: %+v", ages)
		}
		return errors.Join(err, aerr)
	}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{"UPDATE control.bill_documents SET total = 1", "DELETE FROM control.bill_documents", "UPDATE control.bill_documents SET document = '{}'", "DELETE FROM control.bill_payments", "UPDATE control.bill_papers SET pdf = ''"} {
		if _, err := d.Direct(t).Exec(d.ctx, q); err == nil || !strings.Contains(err.Error(), "is not changed") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// A tenant sees its own bills and nobody else's.
func TestATenantSeesItsOwnBills(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica", "bahamas")
	inv, err := d.issue("jamaica", "2026-10-02")
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.issue("bahamas", "2026-10-02")
	if err != nil {
		t.Fatal(err)
	}
	d.ok(func(tx *tenants.Tx) error {
		_, err := books.Pay(d.ctx, tx, inv.Number, books.Payment{Name: "b-1", On: bills.Date("2026-10-05"), Amount: 5, Method: "cheque"}, at("2026-10-05"))
		return err
	})
	if err := d.DB("jamaica").ReadFresh(d.ctx, func(r *tenants.Reader) error {
		list, err := books.OwnList(d.ctx, r, domain.Page{})
		if len(list.Items) != 1 || list.Items[0].Number != inv.Number || list.Items[0].Open != inv.Total-5 {
			t.Errorf("its list is %+v", list.Items)
		}
		b, berr := books.Own(d.ctx, r, inv.Number)
		if b.Balance.Paid != 5 || len(b.Payments) != 1 || b.Invoice.Total != inv.Total {
			t.Errorf("its bill is %+v", b)
		}
		pdf, evidence, perr := books.OwnPaper(d.ctx, r, inv.Number)
		if len(pdf) == 0 || len(evidence) == 0 {
			t.Error("there is no paper")
		}
		_, err2 := books.Own(d.ctx, r, other.Number)
		says(t, err2, domain.NotFound, "There is no invoice")
		_, _, err2 = books.OwnPaper(d.ctx, r, other.Number)
		says(t, err2, domain.NotFound, "There is no invoice")
		a, by, in, _, aerr := books.OwnAccount(d.ctx, r)
		if a.Customer.Name != "Ministry of Education, jamaica" || by.Prefix != "LL" || len(in) != 1 || in[0].Version.Plan != "country" {
			t.Errorf("its account is %+v, %+v, %+v", a, by, in)
		}
		return errors.Join(err, berr, perr, aerr)
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.DB("celearn").ReadFresh(d.ctx, func(r *tenants.Reader) error {
		_, _, _, _, err := books.OwnAccount(d.ctx, r)
		return err
	}); domain.CodeOf(err) != domain.NotFound {
		t.Error(err)
	}
	var told int
	if err := d.Direct(t).QueryRow(d.ctx, "SELECT count(*) FROM tenant_jamaica.audit_entries WHERE action LIKE 'bill.%'").Scan(&told); err != nil || told != 4 { // account, plan, issue, pay
		t.Errorf("its trail has %d entries about bills: %v", told, err)
	}
}

// Reminders are written when they are due, each once, and not of what is paid.
func TestWhoOwesIsReminded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica", "bahamas")
	inv, err := d.issue("jamaica", "2026-10-02") // due on 1 November
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.issue("bahamas", "2026-10-02"); err != nil {
		t.Fatal(err)
	}
	d.ok(func(tx *tenants.Tx) error {
		_, err := books.Pay(d.ctx, tx, "LL-000002", books.Payment{Name: "b-1", On: bills.Date("2026-10-05"), Amount: 287_500_00, Method: "transfer"}, at("2026-10-05"))
		return err
	})
	for _, c := range []struct {
		day   string
		times int
	}{{"2026-11-01", 0}, {"2026-11-02", 1}, {"2026-11-02", 1}, {"2026-11-14", 1}, {"2026-11-15", 2}, {"2026-12-20", 3}, {"2027-12-20", 3}} {
		if err := books.Remind(d.ctx, d.db, d.Actor, at(c.day)); err != nil {
			t.Fatal(err)
		}
		var letters int
		if err := d.Direct(t).QueryRow(d.ctx, "SELECT count(*) FROM control.mails WHERE kind = 'bill_reminder' AND address = 'accounts@jamaica.example.org'").Scan(&letters); err != nil {
			t.Fatal(err)
		}
		if got := d.list(books.Filter{Tenant: "jamaica", State: "overdue", Today: bills.Date("2027-12-20")})[0]; got.Reminded != c.times || letters != c.times || got.Number != inv.Number {
			t.Errorf("on %s it was reminded %d times, in %d letters; want %d", c.day, got.Reminded, letters, c.times)
		}
	}
}

// What is wrong is refused, with the field, and nothing of it is kept.
func TestWhatIsWrongWithBooks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica")
	if _, err := d.issue("jamaica", "2026-10-02"); err != nil {
		t.Fatal(err)
	}
	with := func(change func(a *books.Account)) func(tx *tenants.Tx) error {
		a := account("bahamas")
		change(&a)
		return func(tx *tenants.Tx) error { return books.PutAccount(d.ctx, tx, a, at("2026-10-02")) }
	}
	version := func(change func(v *plan.Version)) func(tx *tenants.Tx) error {
		v := fee("1")
		v.Version, v.From = 2, bills.Date("2026-10-15")
		change(&v)
		return func(tx *tenants.Tx) error { return books.AddVersion(d.ctx, tx, v, at("2026-10-02")) }
	}
	set := func(name string, n int, from string) func(tx *tenants.Tx) error {
		return func(tx *tenants.Tx) error {
			return books.SetPlan(d.ctx, tx, "jamaica", name, n, bills.Date(from), bills.Date("2026-10-02"))
		}
	}
	for name, c := range map[string]struct {
		fn   func(tx *tenants.Tx) error
		code domain.Code
		says string
	}{
		"no tenant":            {with(func(a *books.Account) { a.Slug = "atlantis" }), domain.NotFound, "atlantis"},
		"no issuer":            {with(func(a *books.Account) { a.Issuer = "nobody" }), domain.Invalid, "issuer"},
		"no address":           {with(func(a *books.Account) { a.To = nil }), domain.Invalid, "to: "},
		"a name as an address": {with(func(a *books.Account) { a.To = []string{"Bo <bo@example.org>"} }), domain.Invalid, "to[0]"},
		"a language":           {with(func(a *books.Account) { a.Language = "tlh" }), domain.Invalid, "language"},
		"read-only at once":    {with(func(a *books.Account) { a.ReadOnlyAfter = 1 }), domain.Invalid, "read_only_after"},
		"exemptions that overlap": {with(func(a *books.Account) {
			a.Exemptions = []tax.Exemption{{Certificate: "A", Days: bills.Days("2026-01-01", "2026-06-01")}, {Certificate: "B", Days: bills.Days("2026-05-01", "2026-07-01")}}
		}), domain.Invalid, "billed twice"},
		"an account made twice": {func(tx *tenants.Tx) error {
			return books.PutAccount(d.ctx, tx, func() books.Account { a := account("jamaica"); a.Version = "old"; return a }(), at("2026-10-02"))
		}, domain.Conflict, ""},
		"a version left out":    {version(func(v *plan.Version) { v.Version = 3 }), domain.Invalid, "version: must be 2"},
		"a version from before": {version(func(v *plan.Version) { v.From = bills.Date("2025-01-01") }), domain.Invalid, "from: must be after"},
		"another currency":      {version(func(v *plan.Version) { v.Currency = "BSD" }), domain.Invalid, "currency"},
		"an unknown currency":   {version(func(v *plan.Version) { v.Currency = "XXX" }), domain.Invalid, "currency"},
		"tiers that overlap": {version(func(v *plan.Version) {
			v.Components = []plan.Component{{Name: "s", Title: "S", Meter: "active_students", Model: plan.Graduated, Tiers: []plan.Tier{{UpTo: 5, Price: "1"}, {Above: 3, Price: "1"}}}}
		}), domain.Invalid, "tiers[1]"},
		"no such version":          {set("country", 7, "2026-11-01"), domain.Invalid, "plan"},
		"a plan in what is billed": {set("country", 1, "2026-09-15"), domain.Invalid, "from: must not be before 2026-10-01"},
		"a plan before its day": {func(tx *tenants.Tx) error {
			return books.SetPlan(d.ctx, tx, "jamaica", "country", 1, bills.Date("2025-09-01"), bills.Date("2026-10-02"))
		}, domain.Invalid, "from"},
		"a prefix in use":  {func(tx *tenants.Tx) error { s := issuer; s.Prefix = "XX"; return books.PutIssuer(d.ctx, tx, s) }, domain.Invalid, "prefix"},
		"another's prefix": {func(tx *tenants.Tx) error { s := issuer; s.Name = "other"; return books.PutIssuer(d.ctx, tx, s) }, domain.Invalid, "prefix"},
		"a country without a tax": {func(tx *tenants.Tx) error {
			s := issuer
			s.Name, s.Prefix = "other", "OO"
			s.Party.Country = "GY"
			return books.PutIssuer(d.ctx, tx, s)
		}, domain.Invalid, "tax"},
		"a negative credit": {func(tx *tenants.Tx) error {
			return books.AddCredit(d.ctx, tx, "jamaica", plan.Credit{Name: "x", Title: "X", Left: -1}, at("2026-10-02"))
		}, domain.Invalid, "left"},
		"a payment of nothing": {func(tx *tenants.Tx) error {
			_, err := books.Pay(d.ctx, tx, "LL-000009", books.Payment{}, at("2026-10-02"))
			return err
		}, domain.NotFound, "LL-000009"},
		"a payment by carrier": {func(tx *tenants.Tx) error {
			_, err := books.Pay(d.ctx, tx, "LL-000001", books.Payment{Name: "b", On: bills.Date("2026-10-01"), Amount: 1, Method: "pigeon"}, at("2026-10-02"))
			return err
		}, domain.Invalid, "method"},
		"a payment to come": {func(tx *tenants.Tx) error {
			_, err := books.Pay(d.ctx, tx, "LL-000001", books.Payment{Name: "b", On: bills.Date("2026-12-01"), Amount: 1, Method: "cash"}, at("2026-10-02"))
			return err
		}, domain.Invalid, "on: "},
		"a credit without a reason": {func(tx *tenants.Tx) error {
			_, err := books.Credit(d.ctx, tx, "LL-000001", "", nil, at("2026-10-02"))
			return err
		}, domain.Invalid, "reason"},
	} {
		t.Run(name, func(t *testing.T) { says(t, d.do(c.fn), c.code, c.says) })
	}
	if got := d.numbers(); len(got) != 1 {
		t.Errorf("issued: %q", got)
	}
}

// What was used is billed, by pseudonyms; a fact that comes after its invoice becomes a line of the next, once, and what was issued stays as it was.
func TestWhatIsUsedIsBilled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica")
	tenant := d.DB("jamaica")
	learners := school.Learners(t, tenant, 6, uuid.Nil)
	work := func(day string, who ...uuid.UUID) {
		t.Helper()
		for _, id := range who {
			on := school.Day{User: id, Day: bills.Date(day).UTC()}
			school.ActiveDays(t, tenant, on)
			school.Attendance(t, tenant, on)
		}
	}
	work("2026-09-01", learners[:4]...)
	work("2026-09-30", learners[1:5]...)
	work("2026-10-15", learners[:2]...)
	students := func(inv invoice.Invoice, kind rate.Kind) (quantity, amount int64) {
		for _, l := range inv.Lines {
			if l.Kind == kind && l.Meter == "active_students" {
				quantity, amount = l.Quantity, l.Amount
			}
		}
		return quantity, amount
	}
	first, err := d.issue("jamaica", "2026-10-02")
	if err != nil {
		t.Fatal(err)
	}
	if n, amount := students(first, rate.Usage); n != 5 || amount != 360_00 { // two included, three at 120
		t.Errorf("%d students cost %d", n, amount)
	}
	work("2026-09-20", learners[5]) // comes late
	var v books.Preview
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) (err error) {
		v, err = books.PreviewOf(d.ctx, r, "jamaica", at("2026-10-16"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(v.Uses) != 2 || v.Uses[0].Now != 2 || v.Uses[0].Expected != 3 || v.Uses[0].Tier != 5 {
		t.Errorf("expected is %+v", v.Uses)
	}
	second, err := d.issue("jamaica", "2026-11-02")
	if err != nil {
		t.Fatal(err)
	}
	if n, amount := students(second, rate.Usage); n != 2 || amount != 0 {
		t.Errorf("October: %d students cost %d", n, amount)
	}
	if n, amount := students(second, rate.Correction); n != 6 || amount != 95_51 { // the sixth is in the next tier
		t.Errorf("corrected: %d students cost %d more", n, amount)
	}
	third, err := d.issue("jamaica", "2026-12-02")
	if err != nil {
		t.Fatal(err)
	}
	if _, amount := students(third, rate.Correction); amount != 0 {
		t.Errorf("corrected once more, by %d", amount)
	}
	if err := d.db.ReadFresh(d.ctx, func(r *tenants.Reader) error {
		for _, number := range []string{"LL-000001", "LL-000002", "LL-000003"} {
			file, err := books.Evidence(d.ctx, r, number)
			if err != nil {
				return err
			}
			if report, err := verify.Check(file); err != nil || len(report.Differences) > 0 {
				t.Errorf("%s: %+v, %v", number, report, err)
			}
			for _, id := range learners {
				if bytes.Contains(file, []byte(id.String())) {
					t.Errorf("the evidence of %s names a learner", number)
				}
			}
		}
		b, err := books.ByNumber(d.ctx, r, "LL-000001")
		if b.Invoice.Total != first.Total {
			t.Errorf("the first is %d now", b.Invoice.Total)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// A month of a country far from UTC holds what happened in its own days, and no fact is in two bills.
func TestPeriodsAreTheTenants(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica")
	if _, err := d.Direct(t).Exec(d.ctx, "UPDATE control.tenants SET time_zone = 'Pacific/Kiritimati' WHERE slug = 'jamaica'"); err != nil { // 14 hours before UTC
		t.Fatal(err)
	}
	tenant := d.DB("jamaica")
	learners := school.Learners(t, tenant, 2, uuid.Nil)
	for i, day := range []string{"2026-09-30", "2026-10-01"} {
		on := school.Day{User: learners[i], Day: bills.Date(day).UTC()}
		school.ActiveDays(t, tenant, on)
		school.Attendance(t, tenant, on)
	}
	for i, day := range []string{"2026-10-02", "2026-11-02"} {
		inv, err := d.issue("jamaica", day)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range inv.Lines {
			if l.Meter == "active_students" && (l.Kind != rate.Usage || l.Quantity != 1) {
				t.Errorf("bill %d: %s of %d", i, l.Kind, l.Quantity)
			}
		}
	}
}

// A tenant whose account says so becomes read-only when a bill stays unpaid after three reminders, and works again once it is paid; what somebody else decided stays.
func TestWhoDoesNotPayBecomesReadOnly(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "jamaica", "bahamas")
	state := func(slug string) (s string) {
		t.Helper()
		if err := d.Direct(t).QueryRow(d.ctx, "SELECT state FROM control.tenants WHERE slug = $1", slug).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	d.ok(func(tx *tenants.Tx) error {
		a, err := books.AccountOf(d.ctx, tx, "jamaica")
		if err != nil {
			return err
		}
		a.ReadOnlyAfter = 60
		return books.PutAccount(d.ctx, tx, a, at("2026-10-01"))
	})
	inv, err := d.issue("jamaica", "2026-10-02") // due on 1 November
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.issue("bahamas", "2026-10-02"); err != nil { // whose account says nothing
		t.Fatal(err)
	}
	for _, c := range []struct{ day, state string }{{"2026-11-02", "active"}, {"2026-11-15", "active"}, {"2026-12-30", "active"}, {"2026-12-31", "read_only"}, {"2027-01-02", "read_only"}} {
		if err := books.Remind(d.ctx, d.db, d.Actor, at(c.day)); err != nil {
			t.Fatal(err)
		}
		if got := state("jamaica"); got != c.state {
			t.Errorf("on %s it is %s, not %s", c.day, got, c.state)
		}
	}
	pay := func(name string, amount int64) {
		t.Helper()
		d.ok(func(tx *tenants.Tx) error {
			_, err := books.Pay(d.ctx, tx, inv.Number, books.Payment{Name: name, On: bills.Date("2027-01-03"), Amount: amount, Method: "transfer"}, at("2027-01-03"))
			return err
		})
	}
	pay("b-1", inv.Total-1)
	if got := state("jamaica"); got != "read_only" {
		t.Errorf("paid but for a cent it is %s", got)
	}
	pay("b-2", 1)
	if got := state("jamaica"); got != "active" {
		t.Errorf("paid it is %s", got)
	}
	if got := state("bahamas"); got != "active" {
		t.Errorf("whose account says nothing is %s", got)
	}
}
