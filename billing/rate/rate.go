// Package rate makes lines of what was used and what it costs. All is computed in fractions, which are exact; each line is rounded once, half a minor unit away from zero
// (billing.Round). Where a charge has several lines, because the plan changed within the period, their exact sum is rounded and shared among them by the largest remainder, so that a
// change from a version to the same one costs nothing, not a cent.
//
// What may come in: how a new model or charge becomes lines. billing/verify computes the same from the written rules, and must not import this.
package rate

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/plan"
)

// Input is what the charges of a period follow from.
type Input struct {
	Period  billing.Period
	Zone    *time.Location
	InForce []plan.InForce // all that the tenant ever had may be among them
	Meters  []meter.Meter
	Facts   []meter.Fact // as meter.Normal gives them
}

// segment is a version on its days of the period.
type segment struct {
	version     plan.Version
	days        billing.Period
	fixed, used *big.Rat // how much of a fixed sum, and of the price of what was used, it counts for
}

// Charges gives the lines of base fee, usage, discounts and minimum, in the order in which they stand on the invoice, and the version that the period's rule of proration is
// of. It gives the errors of plan.During, and domain.Invalid when a sum is too large.
func Charges(in Input) (lines []Line, first plan.Version, err error) {
	segments, measured, err := in.segments()
	if err != nil {
		return nil, first, err
	}
	first = segments[0].version
	for _, step := range []func([]segment, billing.Period, []Line) ([]Line, error){in.base, in.usage, in.discounts, in.minimum} {
		more, err := step(segments, measured, lines)
		if err != nil {
			return nil, first, err
		}
		lines = append(lines, more...)
	}
	return lines, first, nil
}

// segments gives the versions of the period with what each counts for, and the days on which usage is measured.
func (in Input) segments() (list []segment, measured billing.Period, err error) {
	all, err := plan.During(in.InForce, in.Period, in.Meters)
	if err != nil {
		return nil, measured, err
	}
	measured = billing.Period{From: all[0].Within(in.Period).From, To: all[len(all)-1].Within(in.Period).To}
	if all[0].Version.Proration == plan.Whole {
		whole := big.NewRat(1, 1)
		return []segment{{all[0].Version, in.Period, whole, whole}}, measured, nil
	}
	for _, f := range all {
		days := f.Within(in.Period)
		list = append(list, segment{f.Version, days, big.NewRat(int64(days.Days()), int64(in.Period.Days())), big.NewRat(int64(days.Days()), int64(measured.Days()))})
	}
	return list, measured, nil
}

// line begins a line of a segment.
func (s segment) line(kind Kind, name, title string, of billing.Period) Line {
	id := string(kind)
	if name != "" {
		id += ":" + name
	}
	l := Line{ID: fmt.Sprintf("%s:%s:%d:%s", id, s.version.Plan, s.version.Version, s.days.From), Kind: kind, Title: title, Plan: s.version.Plan, Version: s.version.Version, Period: s.days,
		Days: s.days.Days(), OfDays: of.Days()}
	if s.fixed.Num().Cmp(s.fixed.Denom()) == 0 { // the whole period, though the version may be in force for some of it
		l.OfDays = l.Days
	}
	return l
}

// settle rounds lines of one charge together, and shares the rounded sum among them.
func settle(lines []Line, exact []*big.Rat, c billing.Currency) error {
	sum, minor := new(big.Rat), make([]*big.Rat, len(exact))
	for i, e := range exact {
		sum.Add(sum, e)
		minor[i] = billing.Minor(e, c)
		lines[i].Exact = billing.ExactOf(e)
	}
	if len(lines) == 0 {
		return nil
	}
	whole, err := billing.Round("lines["+lines[0].ID+"].amount", sum, c)
	if err != nil {
		return err
	}
	for i, part := range billing.Share(whole, minor) {
		lines[i].Amount = part
	}
	return nil
}

// base charges the base fee of each version.
func (in Input) base(segments []segment, _ billing.Period, _ []Line) (lines []Line, err error) {
	var exact []*big.Rat
	for _, s := range segments {
		if fee := s.version.BaseFee; fee != "" {
			l := s.line(Base, "", s.version.Title, in.Period)
			l.Price = fee
			lines, exact = append(lines, l), append(exact, new(big.Rat).Mul(fee.Rat(), s.fixed))
		}
	}
	return lines, settle(lines, exact, segments[0].version.Currency)
}

// usage charges what was used: each component of each version.
func (in Input) usage(segments []segment, measured billing.Period, _ []Line) (lines []Line, err error) {
	for _, name := range names(segments, func(v plan.Version) (names []string) {
		for _, c := range v.Components {
			names = append(names, c.Name)
		}
		return names
	}) {
		var own []Line
		var exact []*big.Rat
		for _, s := range segments {
			i := slices.IndexFunc(s.version.Components, func(c plan.Component) bool { return c.Name == name })
			if i < 0 {
				continue
			}
			c := s.version.Components[i]
			m, _ := meter.Find(in.Meters, c.Meter)
			l := s.line(Usage, name, c.Title, measured)
			l.Meter, l.Model = c.Meter, c.Model
			if l.Quantity, err = m.Count(in.Facts, measured, in.Zone); err != nil {
				return nil, err
			}
			l.Included = min(c.Included, l.Quantity)
			var sum *big.Rat
			l.Parts, sum = price(c, l.Quantity-l.Included)
			own, exact = append(own, l), append(exact, sum.Mul(sum, s.used))
		}
		if err := settle(own, exact, segments[0].version.Currency); err != nil {
			return nil, err
		}
		lines = append(lines, own...)
	}
	return lines, nil
}

// price gives what a quantity costs, exactly, part by part.
func price(c plan.Component, quantity int64) (parts []Part, sum *big.Rat) {
	per := max(c.Per, 1)
	sum = new(big.Rat)
	add := func(t plan.Tier, units, packages int64) {
		exact := new(big.Rat).Mul(t.Price.Rat(), big.NewRat(units, per))
		if c.Model == plan.Package {
			exact = new(big.Rat).Mul(t.Price.Rat(), big.NewRat(packages, 1))
		}
		parts = append(parts, Part{Above: t.Above, UpTo: t.UpTo, Quantity: units, Packages: packages, Per: per, Price: t.Price, Exact: billing.ExactOf(exact)})
		sum.Add(sum, exact)
	}
	switch c.Model {
	case plan.Unit:
		add(plan.Tier{Price: c.Price}, quantity, 0)
	case plan.Package:
		packages := quantity / per
		if quantity%per > 0 {
			packages++
		}
		add(plan.Tier{Price: c.Price}, quantity, packages)
	case plan.Graduated:
		for _, t := range c.Tiers {
			upTo := quantity
			if t.UpTo > 0 {
				upTo = min(quantity, t.UpTo)
			}
			if units := upTo - t.Above; units > 0 {
				add(t, units, 0)
			}
		}
	case plan.Volume:
		for _, t := range c.Tiers {
			if quantity > t.Above && (t.UpTo == 0 || quantity <= t.UpTo) {
				add(t, quantity, 0)
			}
		}
	}
	return parts, sum
}

// names gives the names in all segments, each once, in the order in which they come first.
func names(segments []segment, of func(plan.Version) []string) (list []string) {
	for _, s := range segments {
		for _, name := range of(s.version) {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

// discounts takes off what the versions say, of the charges of their own lines as they are rounded, so that whoever reads the invoice can recompute them.
func (in Input) discounts(segments []segment, _ billing.Period, charges []Line) (lines []Line, err error) {
	currency := segments[0].version.Currency
	left, err := total(charges)
	if err != nil {
		return nil, err
	}
	for _, name := range names(segments, func(v plan.Version) (names []string) {
		for _, d := range v.Discounts {
			names = append(names, d.Name)
		}
		return names
	}) {
		var own []Line
		var exact []*big.Rat
		sum := new(big.Rat)
		for _, s := range segments {
			i := slices.IndexFunc(s.version.Discounts, func(d plan.Discount) bool { return d.Name == name })
			if i < 0 {
				continue
			}
			d := s.version.Discounts[i]
			l := s.line(Discount, name, d.Title, in.Period)
			for _, c := range charges {
				if c.Plan == l.Plan && c.Version == l.Version && c.Period == l.Period {
					l.Of += c.Amount
				}
			}
			off := new(big.Rat)
			if d.Percent != "" {
				l.Model, l.Price, l.OfDays = Percent, d.Percent, l.Days // the charges that it is taken of are shared already
				off.Mul(d.Percent.Rat(), currency.Money(l.Of).Exact())
				off.Quo(off, big.NewRat(100, 1))
			} else {
				l.Model, l.Price = Amount, d.Amount
				off.Mul(d.Amount.Rat(), s.fixed)
			}
			own, exact = append(own, l), append(exact, off.Neg(off))
			sum.Sub(sum, off)
		}
		if most := currency.Money(left).Exact(); sum.Cmp(most) > 0 { // not more than there is: each gives way in proportion
			share := new(big.Rat).Quo(most, sum)
			for i := range exact {
				exact[i].Mul(exact[i], share)
			}
		}
		if err := settle(own, exact, currency); err != nil {
			return nil, err
		}
		for _, l := range own {
			left += l.Amount
		}
		lines = append(lines, own...)
	}
	return lines, nil
}

// minimum adds what is missing to the minimum of the versions, each counting with its days.
func (in Input) minimum(segments []segment, _ billing.Period, charges []Line) ([]Line, error) {
	least := new(big.Rat)
	for _, s := range segments {
		least.Add(least, new(big.Rat).Mul(s.version.Minimum.Rat(), s.fixed))
	}
	sum, err := total(charges)
	if err != nil || least.Sign() == 0 {
		return nil, err
	}
	currency := segments[0].version.Currency
	missing := new(big.Rat).Sub(least, currency.Money(sum).Exact())
	if missing.Sign() <= 0 {
		return nil, nil
	}
	amount, err := billing.Round("lines[minimum].amount", missing, currency)
	if err != nil || amount == 0 {
		return nil, err
	}
	return []Line{{ID: "minimum", Kind: Minimum, Period: in.Period, Days: in.Period.Days(), OfDays: in.Period.Days(), Of: sum, Exact: billing.ExactOf(missing), Amount: amount}}, nil
}

// total adds up lines.
func total(lines []Line) (int64, error) {
	amounts := make([]int64, len(lines))
	for i, l := range lines {
		amounts[i] = l.Amount
	}
	return billing.Sum("lines", amounts...)
}

// Total adds up the amounts of lines, in minor units. It gives domain.Invalid when the sum is too large.
func Total(lines []Line) (int64, error) { return total(lines) }
