package books

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
)

// Document is an issued document in a list. All sums are minor units of its currency.
type Document struct {
	Number   string           `json:"number"`
	Tenant   string           `json:"tenant"`
	Issuer   string           `json:"issuer"`
	Kind     invoice.Kind     `json:"kind" enum:"invoice,credit_note"`
	Credits  string           `json:"credits,omitempty" doc:"Of a credit note: the invoice"`
	Currency billing.Currency `json:"currency"`
	Period   billing.Period   `json:"period"`
	Issued   billing.Date     `json:"issued"`
	Due      billing.Date     `json:"due"`
	Total    int64            `json:"total"`
	Credited int64            `json:"credited"`
	Paid     int64            `json:"paid"`
	Open     int64            `json:"open" doc:"What is still to be paid"`
	State    string           `json:"state" enum:"open,partial,paid,overpaid,void,note"`
	Reminded int              `json:"reminded" doc:"How many reminders were written"`
	Hash     string           `json:"hash" doc:"The SHA-256 of its evidence"`
}

// Overdue reports whether it should have been paid by now.
func (d Document) Overdue(today billing.Date) bool { return d.Open > 0 && d.Due < today }

func (r documentRow) summary() Document {
	d := Document{Number: r.Number, Tenant: r.Slug, Issuer: r.Issuer, Kind: invoice.Kind(r.Kind), Currency: billing.Currency(r.Currency), Period: billing.Period{From: billing.Date(r.PeriodFrom), To: billing.Date(r.PeriodTo)},
		Issued: billing.Date(r.Issued), Due: billing.Date(r.Due), Total: r.Total, Credited: r.Credited, Paid: r.Paid, State: r.State, Reminded: r.Reminded, Hash: r.Hash}
	if r.Credits != nil {
		d.Credits = *r.Credits
	}
	if r.State == string(invoice.Open) || r.State == string(invoice.Partial) {
		d.Open = r.Total - r.Credited - r.Paid
	}
	return d
}

// summaryColumns are those of a list: without the documents themselves.
var summaryColumns = []any{"slug", "issuer", "kind", "credits", "currency", "period_from", "period_to", "issued", "due", "total", "credited", "paid", "state", "reminded", "hash"}

// Filter narrows a list of documents.
type Filter struct {
	Tenant string // "": of all
	State  string // "": in any; "overdue": unpaid after the day on which they were due
	Today  billing.Date
}

// List lists documents, the last that was issued first. It gives domain.Invalid.
func List(ctx context.Context, q tenants.Querier, f Filter, page domain.Page) (domain.List[Document], error) {
	var none domain.List[Document]
	limit, after, err := page.Read(2, 0)
	if err != nil {
		return none, err
	}
	find := tenants.Entity[documentRow](q).Select("number", summaryColumns...).Order("issued DESC, number DESC").Limit(limit + 1)
	if f.Tenant != "" {
		find = find.Where("slug = ?", f.Tenant)
	}
	switch f.State {
	case "":
	case "overdue":
		find = find.Where("state IN ('open', 'partial') AND due < ?", day(f.Today))
	case "open", "partial", "paid", "overpaid", "void", "note":
		find = find.Where("state = ?", f.State)
	default:
		return none, domain.InvalidField("state", "billing.unknown_state", "Is", f.State)
	}
	if after != nil {
		on, ok := billing.ReadDate(after[0])
		if !ok {
			return none, domain.BadCursor()
		}
		find = find.Where("(issued, number) < (?, ?)", day(on), after[1])
	}
	rows, err := find.Find(ctx)
	if err != nil {
		return none, err
	}
	list := make([]Document, len(rows))
	for i, r := range rows {
		list[i] = r.summary()
	}
	return domain.Cut(list, limit, func(d Document) []string { return []string{d.Issued.String(), d.Number} }), nil
}

// Bill is a document whole: with its balance, what was paid, and its credit notes.
type Bill struct {
	Document
	Invoice  invoice.Invoice `json:"invoice" doc:"The document as it was issued"`
	Balance  invoice.Balance `json:"balance"`
	Payments []Payment       `json:"payments"`
	Notes    []string        `json:"notes" doc:"The numbers of its credit notes"`
}

// ByNumber gives a document, or domain.NotFound. q is of the platform's realm.
func ByNumber(ctx context.Context, q tenants.Querier, number string) (Bill, error) {
	r, err := tenants.Entity[documentRow](q).Where("number = ?", number).Take(ctx)
	if err != nil {
		return Bill{}, absent(err, "billing.no_such_invoice", "Invoice", number)
	}
	b := Bill{Document: r.summary()}
	if b.Invoice, err = read[invoice.Invoice]([]byte(r.Document)); err != nil {
		return b, err
	}
	payments, err := tenants.Entity[paymentRow](q).Where("number = ?", number).Order("on_day, name").Find(ctx)
	if err != nil {
		return b, err
	}
	for _, p := range payments {
		b.Payments = append(b.Payments, Payment{Name: p.Name, On: billing.Date(p.OnDay), Amount: p.Amount, Method: p.Method, Reference: p.Reference})
	}
	notes, err := tenants.Entity[documentRow](q).Select("number").Where("credits = ?", number).Order("issued, number").Find(ctx)
	for _, n := range notes {
		b.Notes = append(b.Notes, n.Number)
	}
	b.Balance = balanceOf(b.Document)
	return b, err
}

func balanceOf(d Document) invoice.Balance {
	left := d.Total - d.Credited - d.Paid
	if d.Kind == invoice.CreditNote {
		return invoice.Balance{Total: d.Total}
	}
	return invoice.Balance{State: invoice.State(d.State), Total: d.Total, Credited: d.Credited, Paid: d.Paid, Due: max(left, 0), Over: max(-left, 0)}
}

// Entry is a line of a statement of account: an invoice adds to what is owed, a payment or a credit note takes off.
type Entry struct {
	On       billing.Date     `json:"on"`
	What     string           `json:"what" enum:"invoice,credit_note,payment"`
	Number   string           `json:"number" doc:"Of the document, or of the invoice that was paid"`
	Name     string           `json:"name,omitempty" doc:"Of the payment"`
	Currency billing.Currency `json:"currency"`
	Amount   int64            `json:"amount" doc:"Minor units: above zero is owed, below is paid or credited"`
	Balance  int64            `json:"balance" doc:"What is owed in this currency after it"`
}

// Statement is a tenant's account in the order of days, each currency with its own balance: at most the last 1,000 entries, whose balances count what went before. q is of the platform's realm.
func Statement(ctx context.Context, q tenants.Querier, slug string) ([]Entry, error) {
	rows, err := q.Query(ctx, `WITH all_entries AS (
			SELECT issued AS on_day, kind AS what, number, '' AS name, currency, CASE WHEN kind = 'invoice' THEN total ELSE -total END AS amount, 0 AS rank FROM bill_documents WHERE slug = $1::text
			UNION ALL SELECT p.on_day, 'payment', p.number, p.name, d.currency, -p.amount, 1 FROM bill_payments p JOIN bill_documents d USING (number) WHERE d.slug = $1::text
		), summed AS (SELECT *, sum(amount) OVER (PARTITION BY currency ORDER BY on_day, rank, number, name)::bigint AS balance FROM all_entries
		), newest AS (SELECT * FROM summed ORDER BY on_day DESC, rank DESC, number DESC, name DESC LIMIT 1000)
		SELECT on_day, what, number, name, currency, amount, balance FROM newest ORDER BY on_day, rank, number, name`, slug)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (e Entry, err error) {
		var on day
		err = r.Scan(&on, &e.What, &e.Number, &e.Name, &e.Currency, &e.Amount, &e.Balance)
		e.On = billing.Date(on)
		return e, err
	})
}

// Journal is an entry of all tenants' accounts: an invoice, a credit note or a payment. All sums are minor units, below zero where they take off what is owed.
type Journal struct {
	Entry
	Tenant, Issuer string
	Reference      string // of a payment
	From, Last     billing.Date
	Due            billing.Date
	Net, Tax       int64 // 0 of a payment
}

// JournalOf lists entries from a day to another, with it, by day, number and payment: those after one, or from the start; at most so many. q is of the platform's realm.
func JournalOf(ctx context.Context, q tenants.Querier, from, to billing.Date, after Journal, most int) ([]Journal, error) {
	rows, err := q.Query(ctx, `SELECT * FROM (
			SELECT d.issued AS on_day, d.kind AS what, d.number, '' AS name, d.currency, d.slug, d.issuer, '' AS reference, d.period_from, d.period_to, d.due,
				s.sign * (d.document::jsonb ->> 'subtotal')::bigint AS net, s.sign * (d.document::jsonb ->> 'tax')::bigint AS tax, s.sign * d.total AS amount
			FROM bill_documents d CROSS JOIN LATERAL (SELECT CASE WHEN d.kind = 'invoice' THEN 1 ELSE -1 END AS sign) s WHERE d.issued BETWEEN $1::text::date AND $2::text::date
			UNION ALL SELECT p.on_day, 'payment', p.number, p.name, d.currency, d.slug, d.issuer, p.reference, d.period_from, d.period_to, d.due, 0, 0, -p.amount
			FROM bill_payments p JOIN bill_documents d USING (number) WHERE p.on_day BETWEEN $1::text::date AND $2::text::date) j
		WHERE $3::text = '' OR (on_day, number, name) > (nullif($3::text, '')::date, $4::text, $5::text) ORDER BY on_day, number, name LIMIT $6::integer`, from.String(), to.String(), after.On.String(), after.Number, after.Name, most)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (j Journal, err error) {
		var on, first, end, due day
		err = r.Scan(&on, &j.What, &j.Number, &j.Name, &j.Currency, &j.Tenant, &j.Issuer, &j.Reference, &first, &end, &due, &j.Net, &j.Tax, &j.Amount)
		j.On, j.From, j.Last, j.Due = billing.Date(on), billing.Date(first), billing.Date(end)-1, billing.Date(due)
		return j, err
	})
}

// Age is what a tenant owes in a currency, by how many days it is late. All sums are minor units.
type Age struct {
	Tenant   string           `json:"tenant"`
	Currency billing.Currency `json:"currency"`
	NotDue   int64            `json:"not_due"`
	To30     int64            `json:"to_30" doc:"1 to 30 days late"`
	To60     int64            `json:"to_60"`
	To90     int64            `json:"to_90"`
	Over90   int64            `json:"over_90"`
	Total    int64            `json:"total"`
}

// Ageing is what all tenants owe on a day, or one, by tenant and currency. q is of the platform's realm.
func Ageing(ctx context.Context, q tenants.Querier, slug string, today billing.Date) ([]Age, error) {
	rows, err := q.Query(ctx, `SELECT slug, currency, coalesce(sum(rest) FILTER (WHERE late <= 0), 0)::bigint, coalesce(sum(rest) FILTER (WHERE late BETWEEN 1 AND 30), 0)::bigint,
			coalesce(sum(rest) FILTER (WHERE late BETWEEN 31 AND 60), 0)::bigint, coalesce(sum(rest) FILTER (WHERE late BETWEEN 61 AND 90), 0)::bigint, coalesce(sum(rest) FILTER (WHERE late > 90), 0)::bigint, sum(rest)::bigint
		FROM (SELECT slug, currency, total - credited - paid AS rest, $2::text::date - due AS late FROM bill_documents WHERE state IN ('open', 'partial') AND ($1::text = '' OR slug = $1::text)) d
		GROUP BY slug, currency ORDER BY slug, currency`, slug, today.String())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Age])
}

// InForce lists which plans a tenant has on which days, by day. q is of the platform's realm.
func InForce(ctx context.Context, q tenants.Querier, slug string) ([]plan.InForce, error) {
	return inForceOf(ctx, q, slug)
}

// Credits lists what a tenant is owed and no bill has taken yet.
func Credits(ctx context.Context, q tenants.Querier, slug string) (list []plan.Credit, err error) {
	rows, err := tenants.Entity[creditRow](q).Where("slug = ? AND rest > 0", slug).Order("name").Limit(200).Find(ctx)
	for _, c := range rows {
		credit := plan.Credit{Name: c.Name, Title: c.Title, Left: c.Rest}
		if c.Until != nil {
			credit.Until = billing.Date(*c.Until)
		}
		list = append(list, credit)
	}
	return list, err
}

// ---- What a tenant sees of its own ----

// OwnList lists a tenant's own documents, the last that was issued first. q is of its own realm.
func OwnList(ctx context.Context, q tenants.Querier, page domain.Page) (domain.List[Document], error) {
	var none domain.List[Document]
	limit, after, err := page.Read(1, 0)
	if err != nil {
		return none, err
	}
	before := ""
	if after != nil {
		before = after[0]
	}
	rows, err := q.Query(ctx, `SELECT number, kind, credits, currency, period_from, period_to, issued, due, total, credited, paid, state, hash FROM gate.own_bills($1::text, $2::integer)`, before, limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Document, error) {
		var d documentRow
		err := r.Scan(&d.Number, &d.Kind, &d.Credits, &d.Currency, &d.PeriodFrom, &d.PeriodTo, &d.Issued, &d.Due, &d.Total, &d.Credited, &d.Paid, &d.State, &d.Hash)
		return d.summary(), err
	})
	for i := range list {
		list[i].Tenant = q.Realm().Name()
	}
	return domain.Cut(list, limit, func(d Document) []string { return []string{d.Number} }), err
}

// Own gives a document of the tenant's own, or domain.NotFound. q is of its own realm.
func Own(ctx context.Context, q tenants.Querier, number string) (Bill, error) {
	var b Bill
	rows, err := q.Query(ctx, `SELECT document, credited, paid, state, hash, payments, notes FROM gate.own_bill($1::text)`, number)
	if err != nil {
		return b, err
	}
	var d documentRow
	var payments, notes []byte
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (bool, error) {
		return true, r.Scan(&d.Document, &d.Credited, &d.Paid, &d.State, &d.Hash, &payments, &notes)
	})
	if err != nil {
		return b, err
	}
	if len(found) == 0 {
		return b, domain.Refuse(domain.NotFound, "billing.no_such_invoice", "Invoice", number)
	}
	if b.Invoice, err = read[invoice.Invoice]([]byte(d.Document)); err != nil {
		return b, err
	}
	i := b.Invoice
	d.Number, d.Slug, d.Kind, d.Currency, d.PeriodFrom, d.PeriodTo, d.Issued, d.Due, d.Total = i.Number, q.Realm().Name(), string(i.Kind), string(i.Currency), day(i.Period.From), day(i.Period.To), day(i.Issued), day(i.Due), i.Total
	if i.Credits != "" {
		d.Credits = &i.Credits
	}
	b.Document = d.summary()
	b.Balance = balanceOf(b.Document)
	if err := json.Unmarshal(payments, &b.Payments); err != nil {
		return b, err
	}
	return b, json.Unmarshal(notes, &b.Notes)
}

// OwnPaper gives the printed document and the evidence of a tenant's own, the latter nil for a credit note, or domain.NotFound. q is of its own realm.
func OwnPaper(ctx context.Context, q tenants.Querier, number string) (pdf, evidence []byte, err error) {
	rows, err := q.Query(ctx, `SELECT pdf, evidence FROM gate.own_paper($1::text)`, number)
	if err != nil {
		return nil, nil, err
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (bool, error) { return true, r.Scan(&pdf, &evidence) })
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 {
		return nil, nil, domain.Refuse(domain.NotFound, "billing.no_such_invoice", "Invoice", number)
	}
	if evidence != nil {
		evidence, err = unpack(evidence)
	}
	return pdf, evidence, err
}

// OwnAccount gives who is billed for the tenant, by whom, which plans it has, and what it is owed, or domain.NotFound. q is of its own realm.
func OwnAccount(ctx context.Context, q tenants.Querier) (a Account, by Issuer, inForce []plan.InForce, owed []plan.Credit, err error) {
	rows, err := q.Query(ctx, `SELECT issued_by, document, in_force, credits FROM gate.own_account()`)
	if err != nil {
		return a, by, nil, nil, err
	}
	var issuer, account, plans, credits []byte
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (bool, error) { return true, r.Scan(&issuer, &account, &plans, &credits) })
	if err != nil {
		return a, by, nil, nil, err
	}
	if len(found) == 0 {
		return a, by, nil, nil, domain.Refuse(domain.NotFound, "billing.tenant_is_not_billed", "Tenant", q.Realm().Name())
	}
	if a, err = read[Account](account); err != nil {
		return a, by, nil, nil, err
	}
	if by, err = read[Issuer](issuer); err != nil {
		return a, by, nil, nil, err
	}
	var days []struct {
		FromDay  billing.Date  `json:"from_day"`
		Document *plan.Version `json:"document"`
	}
	if err := json.Unmarshal(plans, &days); err != nil {
		return a, by, nil, nil, err
	}
	for _, d := range days {
		if n := len(inForce); n > 0 && inForce[n-1].To == 0 {
			inForce[n-1].To = d.FromDay
		}
		if d.Document != nil {
			inForce = append(inForce, plan.InForce{From: d.FromDay, Version: *d.Document})
		}
	}
	a.Slug = q.Realm().Name()
	return a, by, slices.Clip(inForce), owed, json.Unmarshal(credits, &owed)
}

// ownStarts are the first days of the tenant's own terms. q is of its own realm.
func ownStarts(ctx context.Context, q tenants.Querier) (list []billing.Date, err error) {
	terms, err := calendar.Terms(ctx, q, "", domain.Page{Limit: 200})
	for _, t := range terms.Items {
		if d, ok := billing.ReadDate(t.StartsOn); ok {
			list = append(list, d)
		}
	}
	return list, err
}
