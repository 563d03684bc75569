package books

import (
	"context"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm/clause"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Account is who is billed for a tenant, and how.
type Account struct {
	Slug       string          `json:"tenant" required:"false" doc:"The tenant, as in the path"`
	Issuer     string          `json:"issuer" doc:"Who bills"`
	Customer   invoice.Party   `json:"customer" doc:"Who is billed, as it stands on paper"`
	To         []string        `json:"to" doc:"The addresses that bills are mailed to, 1 to 5"`
	Language   words.Language  `json:"language" doc:"In which bills explain themselves"`
	DueDays    int             `json:"due_days" doc:"How many days after its issue a bill is due, 0 to 120"`
	Order      string          `json:"order" doc:"The customer's purchase order, which stands on each bill; may be empty"`
	Exemptions []tax.Exemption `json:"exemptions" doc:"Certificates by which no tax is charged, each with its days"`
	// ReadOnlyAfter is how many days after it was due an unpaid bill makes the tenant read-only, once three reminders were written: 45 to 365, or 0, never. Each reminder says so.
	ReadOnlyAfter int `json:"read_only_after" doc:"How many days after a bill was due the tenant becomes read-only, when three reminders were written: 45 to 365; 0: never by itself"`

	Version string `json:"version,omitempty" doc:"The version that you read"`
}

// Validate tells everything that is wrong as one domain.Invalid.
func (a *Account) Validate() error {
	var p domain.Problems
	if !issuerName.MatchString(a.Issuer) {
		p.Add("issuer", "billing.must_be_a_name")
	}
	a.Customer.Check(&p, "customer")
	if len(a.To) < 1 || len(a.To) > 5 {
		p.Add("to", "billing.must_be_addresses")
	}
	for i, to := range a.To {
		if at, err := mail.ParseAddress(to); err != nil || at.Address != to || len(to) > 254 {
			p.Add(fmt.Sprintf("to[%d]", i), "billing.must_be_an_email")
		}
	}
	if !slices.Contains(words.Languages(), a.Language) {
		p.Add("language", "billing.unknown_language", "Is", string(a.Language))
	}
	if a.DueDays < 0 || a.DueDays > 120 {
		p.Add("due_days", "billing.must_be_days", "Least", 0, "Most", 120)
	}
	p.Text("order", a.Order, 0, 60)
	if len(a.Exemptions) > 50 {
		p.Add("exemptions", "billing.too_many", "Most", 50)
	}
	tax.CheckExemptions(&p, a.Exemptions)
	if a.ReadOnlyAfter != 0 && (a.ReadOnlyAfter < 45 || a.ReadOnlyAfter > 365) {
		p.Add("read_only_after", "billing.must_be_days", "Least", 45, "Most", 365)
	}
	return p.Err()
}

func (r accountRow) account() (Account, error) {
	a, err := read[Account](r.Document)
	a.Slug, a.Version = r.Slug, domain.Version(a)
	return a, err
}

// AccountOf reads who is billed for a tenant, or gives domain.NotFound.
func AccountOf(ctx context.Context, q tenants.Asker, slug string, with ...clause.Expression) (Account, error) {
	r, err := tenants.Entity[accountRow](q, with...).Where("slug = ?", slug).Take(ctx)
	if err != nil {
		return Account{}, absent(err, "billing.tenant_is_not_billed", "Tenant", slug)
	}
	return r.account()
}

// PutAccount says who is billed for a tenant from now on. What was issued before stays as it was. It gives domain.Invalid, domain.NotFound for no tenant, and domain.Conflict for a version that is
// not the one that is there, and where another would bill than has billed before: its numbers and its tax are others.
func PutAccount(ctx context.Context, tx *tenants.Tx, a Account, now time.Time) error {
	slug, version := a.Slug, a.Version
	a.Slug, a.Version = "", ""
	if err := a.Validate(); err != nil {
		return err
	}
	if _, err := tenants.Find(ctx, tx, slug); err != nil {
		return err
	}
	some, err := tenants.Entity[issuerRow](tx).Select("name").Where("name = ?", a.Issuer).Find(ctx)
	if err != nil {
		return err
	}
	if len(some) == 0 {
		return domain.InvalidField("issuer", "billing.no_such_issuer", "Name", a.Issuer)
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	held, err := tenants.Entity[accountRow](tx, tenants.Held).Where("slug = ?", slug).Find(ctx)
	if err != nil {
		return err
	}
	e := audit.Entry{Action: "bill.account", ObjectKind: "bill", ObjectID: slug, After: a}
	if len(held) == 0 {
		if err := domain.CheckVersion(version, ""); err != nil {
			return err
		}
		if err := tenants.Entity[accountRow](tx).Create(ctx, &accountRow{Slug: slug, Issuer: a.Issuer, Document: raw, CreatedAt: now.UTC()}); err != nil {
			if twice(err) {
				return domain.CheckVersion("another", "")
			}
			return err
		}
		return note(ctx, tx, slug, e)
	}
	was, err := held[0].account()
	if err != nil {
		return err
	}
	if err := domain.CheckVersion(version, was.Version); err != nil {
		return err
	}
	e.Before = was
	if _, err := tenants.Entity[accountRow](tx).Where("slug = ?", slug).Select("issuer", "document").Updates(ctx, accountRow{Issuer: a.Issuer, Document: raw}); err != nil {
		return err
	}
	return note(ctx, tx, slug, e)
}

// books is all that a tenant's bills follow from, but for facts.
type books struct {
	account  Account
	issuer   Issuer
	tenant   tenants.Tenant
	zone     *time.Location
	inForce  []plan.InForce
	credits  []plan.Credit
	invoices []invoice.Invoice // those of the last 13 months that are not void, in the order of their issue
	billed   []billing.Period  // of all invoices that are not void
	last     billing.Date      // the first day after all that was ever billed; 0: nothing was
	starts   []billing.Date    // of the tenant's terms
}

// open reads the books of a tenant. With Held nobody else bills it until the transaction ends.
func open(ctx context.Context, q tenants.Querier, slug string, today billing.Date, with ...clause.Expression) (*books, error) {
	b := &books{}
	var err error
	if b.account, err = AccountOf(ctx, q, slug, with...); err != nil {
		return nil, err
	}
	if b.tenant, err = tenants.Find(ctx, q, slug); err != nil {
		return nil, err
	}
	b.zone = b.tenant.Location()
	issuer, err := tenants.Entity[issuerRow](q).Where("name = ?", b.account.Issuer).Take(ctx)
	if err != nil {
		return nil, absent(err, "billing.no_such_issuer", "Name", b.account.Issuer)
	}
	if b.issuer, err = issuer.issuer(); err != nil {
		return nil, err
	}
	if b.inForce, err = inForceOf(ctx, q, slug); err != nil {
		return nil, err
	}
	credits, err := tenants.Entity[creditRow](q).Where("slug = ? AND rest > 0", slug).Order("name").Limit(200).Find(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range credits {
		credit := plan.Credit{Name: c.Name, Title: c.Title, Left: c.Rest}
		if c.Until != nil {
			credit.Until = billing.Date(*c.Until)
		}
		b.credits = append(b.credits, credit)
	}
	documents, err := tenants.Entity[documentRow](q).Select("number", "period_from", "period_to", "state").Where("slug = ? AND kind = 'invoice'", slug).Order("issued, number").Find(ctx)
	if err != nil {
		return nil, err
	}
	var recent []string
	for _, d := range documents {
		b.last = max(b.last, billing.Date(d.PeriodTo))
		if d.State == string(invoice.Void) {
			continue
		}
		b.billed = append(b.billed, billing.Period{From: billing.Date(d.PeriodFrom), To: billing.Date(d.PeriodTo)})
		if billing.Date(d.PeriodTo) > today-lookBack {
			recent = append(recent, d.Number)
		}
	}
	if len(recent) > 0 {
		rows, err := tenants.Entity[documentRow](q).Select("document").Scopes(tenants.OneOf("number", recent)).Order("issued, number").Find(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			inv, err := read[invoice.Invoice]([]byte(r.Document))
			if err != nil {
				return nil, err
			}
			b.invoices = append(b.invoices, inv)
		}
	}
	if slices.ContainsFunc(b.inForce, func(f plan.InForce) bool { return f.Version.Cycle != billing.Monthly }) {
		b.starts, err = termStarts(ctx, q, slug)
	}
	return b, err
}

// lookBack is for how many days facts that come late still change a bill: a school year and a month.
const lookBack = 397

// inForceOf reads which plans a tenant has on which days.
func inForceOf(ctx context.Context, q tenants.Querier, slug string) (list []plan.InForce, err error) {
	rows, err := q.Query(ctx, `SELECT f.from_day, p.document FROM bill_in_force f LEFT JOIN bill_plans p USING (plan, version) WHERE f.slug = $1::text ORDER BY f.from_day`, slug)
	if err != nil {
		return nil, err
	}
	var on day
	var raw []byte
	_, err = pgx.ForEachRow(rows, []any{&on, &raw}, func() error {
		from := billing.Date(on)
		if n := len(list); n > 0 && list[n-1].To == 0 {
			list[n-1].To = from
		}
		if raw == nil {
			return nil
		}
		v, err := read[plan.Version](raw)
		list = append(list, plan.InForce{From: from, Version: v})
		raw = nil
		return err
	})
	return list, err
}

func termStarts(ctx context.Context, q tenants.Querier, slug string) (list []billing.Date, err error) {
	rows, err := q.Query(ctx, `SELECT d FROM gate.term_starts($1::text) d`, slug)
	if err != nil {
		return nil, err
	}
	var on day
	_, err = pgx.ForEachRow(rows, []any{&on}, func() error {
		list = append(list, billing.Date(on))
		return nil
	})
	return list, err
}

// startsOf are the first days of a cycle's periods: of terms, or of the school years that the terms make up, the first term that begins in a school year's months.
func (b *books) startsOf(c billing.Cycle) []billing.Date {
	if c != billing.SchoolYear {
		return b.starts
	}
	var list []billing.Date
	seen := map[int]bool{}
	for _, s := range b.starts {
		year, month, _ := s.UTC().Date()
		if month < time.August {
			year--
		}
		if !seen[year] {
			seen[year] = true
			list = append(list, s)
		}
	}
	return list
}

// holding is the version that is in force on a day, or the next after it.
func (b *books) holding(d billing.Date) (f plan.InForce, any bool) {
	for _, f := range b.inForce {
		if f.To == 0 || d < f.To {
			return f, true
		}
	}
	return plan.InForce{}, false
}

// next is the period after all that were billed; false: nothing is to be billed any more, or yet. It gives domain.Conflict where the term that it ends with is not known.
func (b *books) next() (billing.Period, bool, error) {
	d := b.last
	f, any := b.holding(d)
	if !any {
		return billing.Period{}, false, nil
	}
	d = max(d, f.From)
	p, err := billing.PeriodOf(f.Version.Cycle, b.startsOf(f.Version.Cycle), d)
	return p, err == nil, err
}

// SetPlan gives a tenant a version of a plan from a day on; "" ends it with the day before. What was decided for later days is replaced. It gives domain.Invalid for no such version, and for a day that
// is billed already, that lies before the version's own, or within a period where currency or cycle change.
func SetPlan(ctx context.Context, tx *tenants.Tx, slug, name string, n int, from, today billing.Date) error {
	b, err := open(ctx, tx, slug, today, tenants.Held)
	if err != nil {
		return err
	}
	var p domain.Problems
	if from == 0 {
		return domain.InvalidField("from", "billing.must_be_a_date")
	}
	if from < b.last {
		p.Add("from", "billing.days_are_billed", "Date", b.last.String())
	}
	before, had := plan.InForce{}, false
	for _, f := range b.inForce {
		if f.From < from {
			before, had = f, f.To == 0 || f.To >= from
		}
	}
	row := inForceRow{Slug: slug, FromDay: day(from)}
	after := map[string]any{"from": from, "plan": name, "version": n}
	if name == "" {
		if !had {
			p.Add("from", "billing.no_plan_to_end")
		}
		after = map[string]any{"from": from}
	} else {
		v, err := version(ctx, tx, "plan", name, n)
		if err != nil {
			return err
		}
		row.Plan, row.Version = &name, &n
		if from < v.From {
			p.Add("from", "billing.must_not_be_before", "Date", v.From.String())
		}
		if had && before.Version.Currency != v.Currency || had && before.Version.Cycle != v.Cycle {
			b.edge(&p, before.Version.Cycle, from)
			b.edge(&p, v.Cycle, from)
		}
	}
	if err := p.Err(); err != nil {
		return err
	}
	if _, err := tenants.Entity[inForceRow](tx).Where("slug = ? AND from_day >= ?", slug, day(from)).Delete(ctx); err != nil {
		return err
	}
	if err := tenants.Entity[inForceRow](tx).Create(ctx, &row); err != nil {
		return err
	}
	return note(ctx, tx, slug, audit.Entry{Action: "bill.plan", ObjectKind: "bill", ObjectID: slug, After: after})
}

// edge notes that a period does not begin on a day, where it must.
func (b *books) edge(p *domain.Problems, c billing.Cycle, d billing.Date) {
	if len(*p) > 0 {
		return
	}
	of, err := billing.PeriodOf(c, b.startsOf(c), d)
	if err != nil || of.From != d {
		p.Add("from", "billing.must_begin_a_period")
	}
}
