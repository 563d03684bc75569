package books

import (
	"context"
	"fmt"
	"math/big"
	"time"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/billing/usage"
	"lignum/domain"
	"lignum/tenants"
)

// Preview is the bill of a period that may not have ended: as it would be were it issued now, and what it will be at the present pace. What is stored is reckoned until the period's end as it is now, in both.
type Preview struct {
	Draft    invoice.Invoice `json:"draft" doc:"The bill as it would be now"`
	Ended    bool            `json:"ended" doc:"Whether the period has ended, so that nothing is expected any more"`
	Expected int64           `json:"expected" doc:"What the bill will come to at the present pace, with tax, in minor units"`
	Uses     []Use           `json:"uses" doc:"What is used so far of each that is charged for, and what is expected"`
}

// Use is what is used of a component of the plan.
type Use struct {
	Name     string `json:"name" doc:"The component's, within the plan"`
	Title    string `json:"title"`
	Meter    string `json:"meter"`
	Now      int64  `json:"now" doc:"In units of the meter"`
	Expected int64  `json:"expected" doc:"At the end of the period, at the present pace"`
	Included int64  `json:"included" doc:"Of these nothing is charged"`
	Tier     int64  `json:"tier,omitempty" doc:"After so many units the next price holds; missing: there is none"`
	Near     bool   `json:"near" doc:"Whether nine tenths of that are expected"`
}

// PreviewOf gives the preview of the bill that comes next. Of what came late it looks at the last period alone, since a page waits for it: of a country of 44,000 students each month is a second. It gives domain.NotFound where nothing is to be billed, and what invoice.Assemble gives. q is of the platform's realm.
func PreviewOf(ctx context.Context, q tenants.Querier, slug string, now time.Time) (Preview, error) {
	b, err := open(ctx, q, slug, billing.On(now.UTC().Date()))
	if err != nil {
		return Preview{}, err
	}
	b.invoices = b.invoices[max(0, len(b.invoices)-1):]
	return b.preview(now, func(p billing.Period) (invoice.Input, error) {
		return b.input(ctx, q, p, "", b.issuer.today(now))
	}, func(spans []usage.Span) ([]meter.Fact, error) { return usage.Facts(ctx, q, slug, spans) })
}

// OwnPreview is PreviewOf for a tenant itself, without what late facts of earlier periods change. q is of its own realm.
func OwnPreview(ctx context.Context, q tenants.Querier, t *tenants.Tenant, now time.Time) (Preview, error) {
	b := &books{tenant: *t, zone: t.Location()}
	var err error
	var starts []billing.Date
	if b.account, b.issuer, b.inForce, b.credits, err = OwnAccount(ctx, q); err != nil {
		return Preview{}, err
	}
	list, err := OwnList(ctx, q, domain.Page{Limit: 200})
	if err != nil {
		return Preview{}, err
	}
	for _, d := range list.Items {
		if d.Kind == invoice.Bill {
			b.last = max(b.last, d.Period.To)
		}
	}
	if starts, err = ownStarts(ctx, q); err != nil {
		return Preview{}, err
	}
	b.starts = starts
	facts := func(spans []usage.Span) ([]meter.Fact, error) { return usage.Own(ctx, q, t.TimeZone, spans) }
	return b.preview(now, func(p billing.Period) (invoice.Input, error) {
		in := b.terms(p, "", b.issuer.today(now))
		in.Facts, err = facts(b.spans(p))
		return in, err
	}, facts)
}

func (b *books) preview(now time.Time, input func(p billing.Period) (invoice.Input, error), facts func([]usage.Span) ([]meter.Fact, error)) (Preview, error) {
	p, any, err := b.next()
	if err != nil {
		return Preview{}, err
	}
	if !any {
		return Preview{}, domain.Refuse(domain.NotFound, "billing.nothing_to_bill", "Tenant", b.account.Slug)
	}
	in, err := input(p)
	if err != nil {
		return Preview{}, err
	}
	var v Preview
	if v.Draft, err = invoice.Assemble(in); err != nil {
		return v, err
	}
	begins, ends := p.Moments(b.zone)
	v.Ended, v.Expected = !now.Before(ends), v.Draft.Total
	future := in
	if !v.Ended && now.After(begins) {
		if future.Facts, err = b.paced(in.Facts, p, now, facts); err != nil {
			return v, err
		}
		then, err := invoice.Assemble(future)
		if err != nil {
			return v, err
		}
		v.Expected = then.Total
		v.Uses = uses(v.Draft, then, b.inForce)
		return v, nil
	}
	v.Uses = uses(v.Draft, v.Draft, b.inForce)
	return v, nil
}

// paced adds facts that stand for what is still to come of a period: of what is added up as much for each day to come as for each so far; of who is counted once as many more as came, in the period before,
// after as many days. Levels stay as they are.
func (b *books) paced(facts []meter.Fact, p billing.Period, now time.Time, read func([]usage.Span) ([]meter.Fact, error)) ([]meter.Fact, error) {
	normal, err := meter.Normal(facts)
	if err != nil {
		return nil, err
	}
	today := billing.On(now.In(b.zone).Date())
	past := billing.Period{From: p.From, To: today + 1}
	before := billing.Period{From: p.From - billing.Date(p.Days()), To: p.From}
	then := billing.Period{From: before.From, To: before.From + billing.Date(past.Days())}
	var earlier []meter.Fact
	at := now.UTC()
	for _, m := range meter.Meters() {
		if !m.Billed || m.Aggregate != meter.Sum && m.Aggregate != meter.Distinct {
			continue
		}
		so, err := m.Count(normal, p, b.zone)
		if err != nil {
			return nil, err
		}
		if m.Aggregate == meter.Sum {
			if more := so * int64(p.Days()-past.Days()) / int64(past.Days()); more > 0 {
				facts = append(facts, meter.Fact{Key: "expected:" + m.Name, Meter: m.Name, Subject: "expected", At: at, Quantity: more})
			}
			continue
		}
		if so == 0 {
			continue
		}
		if earlier == nil {
			if earlier, err = read(b.spans(before)); err != nil {
				return nil, err
			}
			if earlier, err = meter.Normal(earlier); err != nil {
				return nil, err
			}
		}
		whole, err := m.Count(earlier, before, b.zone)
		if err != nil {
			return nil, err
		}
		part, err := m.Count(earlier, then, b.zone)
		if err != nil {
			return nil, err
		}
		if part == 0 || whole <= part {
			continue
		}
		more := new(big.Int).Div(new(big.Int).Mul(big.NewInt(so), big.NewInt(whole-part)), big.NewInt(part)).Int64()
		for i := range min(more, 10*so, 200_000) {
			for _, of := range m.Of {
				facts = append(facts, meter.Fact{Key: fmt.Sprintf("expected:%s:%d", of, i), Meter: of, Subject: fmt.Sprintf("expected-%d", i), At: at, Quantity: 1})
			}
		}
	}
	return facts, nil
}

// uses compares what is used now with what is expected.
func uses(now, then invoice.Invoice, inForce []plan.InForce) (list []Use) {
	for _, l := range now.Lines {
		if l.Kind != rate.Usage {
			continue
		}
		u := Use{Name: l.ID, Title: l.Title, Meter: l.Meter, Now: l.Quantity, Expected: l.Quantity, Included: l.Included}
		for _, t := range then.Lines {
			if t.ID == l.ID {
				u.Expected = t.Quantity
			}
		}
		for _, f := range inForce {
			if f.Version.Plan != l.Plan || f.Version.Version != l.Version {
				continue
			}
			for _, c := range f.Version.Components {
				if c.Title != l.Title || c.Meter != l.Meter {
					continue
				}
				u.Included = c.Included
				for _, tier := range c.Tiers {
					if end := tier.UpTo + c.Included; tier.UpTo > 0 && u.Now <= end {
						u.Tier = end
						break
					}
				}
			}
		}
		u.Near = u.Tier > 0 && u.Expected >= u.Tier-u.Tier/10
		list = append(list, u)
	}
	return list
}
