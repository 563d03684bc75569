package books

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"time"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/rate"
	"lignum/billing/render"
	"lignum/billing/usage"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// today is the issuer's day at a moment.
func (s Issuer) today(now time.Time) billing.Date {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC
	}
	return billing.On(now.In(zone).Date())
}

// terms gives what an invoice of a period follows from, but for facts.
func (b *books) terms(p billing.Period, number string, today billing.Date) invoice.Input {
	return invoice.Input{Meters: meter.Meters(), InForce: b.inForce, Credits: b.credits, Tax: b.issuer.Tax, Exemptions: b.account.Exemptions,
		Terms: invoice.Terms{Language: b.account.Language, Number: number, Issued: today, Due: today + billing.Date(b.account.DueDays), Order: b.account.Order, Issuer: b.issuer.Party,
			Customer: b.account.Customer, Pay: b.issuer.Pay, Zone: b.tenant.TimeZone, Period: p}}
}

// spans are the moments of periods where the tenant is.
func (b *books) spans(periods ...billing.Period) []usage.Span {
	spans := make([]usage.Span, len(periods))
	for i, p := range periods {
		spans[i].Begins, spans[i].Ends = p.Moments(b.zone)
	}
	return spans
}

// input gives what an invoice of a period follows from, with its facts as they are known now. Of earlier periods those are in it alone that cost another sum now than was billed.
func (b *books) input(ctx context.Context, q tenants.Querier, p billing.Period, number string, today billing.Date) (in invoice.Input, err error) {
	in = b.terms(p, number, today)
	facts := func(periods ...billing.Period) ([]meter.Fact, error) {
		return usage.Facts(ctx, q, b.account.Slug, b.spans(periods...))
	}
	periods := []billing.Period{p}
	for _, e := range invoice.EarlierOf(b.invoices) {
		if e.Period.Crosses(p) {
			continue
		}
		then, err := facts(e.Period)
		if err != nil {
			return in, err
		}
		changed, err := b.changed(e, then)
		if err != nil {
			return in, err
		}
		if changed {
			in.Earlier = append(in.Earlier, e)
			periods = append(periods, e.Period)
		}
	}
	in.Facts, err = facts(periods...)
	return in, err
}

// changed reports whether an earlier period costs another sum with these facts than was billed for it.
func (b *books) changed(e invoice.Earlier, facts []meter.Fact) (bool, error) {
	facts, err := meter.Normal(facts)
	if err != nil {
		return false, err
	}
	now, _, err := rate.Charges(rate.Input{Period: e.Period, Zone: b.zone, InForce: b.inForce, Meters: meter.Meters(), Facts: facts})
	if err != nil {
		return false, err
	}
	billed := map[string]int64{}
	for _, l := range e.Billed {
		billed[l.Line] += l.Amount
	}
	for _, l := range now {
		billed[l.ID] -= l.Amount
	}
	for _, differs := range billed {
		if differs != 0 {
			return true, nil
		}
	}
	return false, nil
}

// Issue locks the bill of a period, numbers it, stores it with its evidence and its paper, and writes the letter that brings it. With a zero Period it is the one that is to be billed next; another is
// one whose bill was made void. It gives domain.Conflict for a period that has not ended or is billed already, and where the clock was set back behind the issuer's last document; domain.NotFound where
// nothing is to be billed; and what invoice.Assemble gives. Then nothing was stored and no number is used up.
func Issue(ctx context.Context, tx *tenants.Tx, slug string, p billing.Period, now time.Time) (invoice.Invoice, error) {
	var inv invoice.Invoice
	b, err := open(ctx, tx, slug, billing.On(now.UTC().Date()), tenants.Held)
	if err != nil {
		return inv, err
	}
	if p == (billing.Period{}) {
		next, any, err := b.next()
		if err != nil {
			return inv, err
		}
		if !any {
			return inv, domain.Refuse(domain.NotFound, "billing.nothing_to_bill", "Tenant", slug)
		}
		p = next
	} else if err := b.again(p); err != nil {
		return inv, err
	}
	for _, done := range b.billed {
		if done.Crosses(p) {
			return inv, domain.Refuse(domain.Conflict, "billing.period_is_billed", "First", done.From.String(), "Last", done.Last().String())
		}
	}
	if _, ends := p.Moments(b.zone); now.Before(ends) {
		return inv, domain.Refuse(domain.Conflict, "billing.period_has_not_ended", "Date", b.issuer.today(now).String(), "Last", p.Last().String())
	}
	in, err := b.input(ctx, tx, p, "-", b.issuer.today(now))
	if err != nil {
		return inv, err
	}
	// From here on nobody else of this issuer has a number, so it is short: what takes long was read before.
	issuer, err := tenants.Entity[issuerRow](tx, tenants.Held).Where("name = ?", b.account.Issuer).Take(ctx)
	if err != nil {
		return inv, err
	}
	issuer.Invoices++
	in.Terms.Number = fmt.Sprintf("%s-%06d", issuer.Prefix, issuer.Invoices)
	var last billing.Date
	if issuer.LastIssued != nil {
		last = billing.Date(*issuer.LastIssued)
	}
	if inv, err = invoice.Issue(in, last); err != nil {
		return inv, err
	}
	evidence, err := invoice.EvidenceOf(in, inv)
	if err != nil {
		return inv, err
	}
	hash := invoice.Hash(evidence)
	packed, err := pack(evidence)
	if err != nil {
		return inv, err
	}
	if err := b.keep(ctx, tx, issuer, inv, hash, packed, now); err != nil {
		return inv, err
	}
	for _, l := range inv.Lines {
		if l.Kind == rate.Credit {
			if err := b.take(ctx, tx, l, l.Amount); err != nil {
				return inv, err
			}
		}
	}
	if err := note(ctx, tx, slug, audit.Entry{Action: "bill.issue", ObjectKind: "bill", ObjectID: inv.Number, After: map[string]any{"from": p.From, "to": p.Last(), "total": inv.Total, "currency": inv.Currency, "hash": hash}}); err != nil {
		return inv, err
	}
	return inv, b.write(ctx, tx, billLetter, inv, invoice.Balance{Total: inv.Total, Due: inv.Total}, now)
}

// again checks that a period that is asked for is one that can be billed: one of the plan's, before the next.
func (b *books) again(p billing.Period) error {
	f, any := b.holding(p.From)
	if any {
		if of, err := billing.PeriodOf(f.Version.Cycle, b.startsOf(f.Version.Cycle), max(p.From, f.From)); err == nil && of == p {
			return nil
		}
	}
	return domain.InvalidField("period", "billing.no_period_of_the_plan", "First", p.From.String())
}

// take takes a sum off a credit, or with one above zero gives it back.
func (b *books) take(ctx context.Context, tx *tenants.Tx, l rate.Line, sum int64) error {
	name := l.ID[len("credit:"):]
	_, err := tx.Exec(ctx, `UPDATE bill_credits SET rest = rest + $3::bigint WHERE slug = $1::text AND name = $2::text`, b.account.Slug, name, sum)
	return err
}

// keep stores a document with its papers, and the number that it used.
func (b *books) keep(ctx context.Context, tx *tenants.Tx, issuer issuerRow, inv invoice.Invoice, hash string, evidence []byte, now time.Time) error {
	document, err := billing.JSON(inv)
	if err != nil {
		return err
	}
	pdf, err := render.Bytes(inv, hash)
	if err != nil {
		return err
	}
	row := documentRow{Number: inv.Number, Slug: b.account.Slug, Issuer: issuer.Name, Kind: string(inv.Kind), Currency: string(inv.Currency), PeriodFrom: day(inv.Period.From), PeriodTo: day(inv.Period.To),
		Issued: day(inv.Issued), Due: day(inv.Due), Total: inv.Total, State: string(invoice.Open), Document: string(document), Hash: hash, CreatedAt: now.UTC()}
	if inv.Kind == invoice.CreditNote {
		row.State, row.Credits = "note", &inv.Credits
	} else if inv.Total == 0 {
		row.State = string(invoice.Paid)
	}
	if err := tenants.Entity[documentRow](tx).Create(ctx, &row); err != nil {
		if twice(err) {
			return domain.Refuse(domain.Conflict, "billing.period_is_billed", "First", inv.Period.From.String(), "Last", inv.Period.Last().String())
		}
		return err
	}
	if err := tenants.Entity[paperRow](tx).Create(ctx, &paperRow{Number: inv.Number, Evidence: evidence, PDF: pdf}); err != nil {
		return err
	}
	issuer.LastIssued = dayOf(inv.Issued)
	_, err = tenants.Entity[issuerRow](tx).Where("name = ?", issuer.Name).Select("invoices", "notes", "last_issued").Updates(ctx, issuer)
	return err
}

// pack compresses, always the same bytes for the same.
func pack(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
