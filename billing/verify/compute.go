package verify

import (
	"fmt"
	"math/big"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// cut is a version of a plan on some days of a period, with what it counts for.
type cut struct {
	v            version
	on           period
	fixed, usage *big.Rat
}

// compute gives the invoice that the evidence comes to. An error says why none does.
func compute(e evidence) (invoice, error) {
	zone, err := time.LoadLocation(e.Terms.Zone)
	if err != nil {
		return invoice{}, err
	}
	at := clocks{zone, map[date]time.Time{}}
	for _, p := range e.periods() {
		if n := p.days(); p.From == "" || p.To == "" || n < 1 || n > 800 {
			return invoice{}, fmt.Errorf("the period from %q to %q has %d days", p.From, p.To, n)
		}
	}
	for n, x := range e.Exemptions {
		for _, y := range e.Exemptions[:n] {
			if _, both := overlap(x.Days, y.Days); both {
				return invoice{}, fmt.Errorf("the exemptions %s and %s hold on the same day", y.Certificate, x.Certificate)
			}
		}
	}
	seen := map[string]bool{}
	for _, f := range e.Facts {
		if seen[f.Key] || f.Quantity < 0 {
			return invoice{}, fmt.Errorf("the fact %q comes twice, or has a quantity below 0", f.Key)
		}
		seen[f.Key] = true
	}
	own, currency, err := e.charges(e.Terms.Period, at)
	if err != nil {
		return invoice{}, err
	}
	i := invoice{Format: 1, Kind: "invoice", Document: e.Tax.Document, Currency: currency, terms: e.Terms, Begins: at.starts(e.Terms.Period.From), Ends: at.starts(e.Terms.Period.To), Lines: own}
	charged := amounts(own)
	corrected := int64(0)
	type taxed struct {
		p      period
		amount int64
	}
	var later []taxed
	for _, before := range e.Earlier {
		lines, _, err := e.charges(before.Period, at)
		if err != nil {
			return invoice{}, err
		}
		if lines, err = before.corrections(lines); err != nil {
			return invoice{}, err
		}
		i.Lines = append(i.Lines, lines...)
		if sum := amounts(lines); sum != 0 {
			corrected += sum
			later = append(later, taxed{before.Period, sum})
		}
	}
	credits := e.credits(min(charged, charged+corrected))
	i.Lines = append(i.Lines, credits...)
	i.Subtotal = charged + corrected + amounts(credits)
	t := taxes{e: e}
	if err := t.add(e.Terms.Period, charged+amounts(credits)); err != nil {
		return invoice{}, err
	}
	for _, l := range later {
		if err := t.add(l.p, l.amount); err != nil {
			return invoice{}, err
		}
	}
	i.Taxes = t.lines()
	for _, l := range i.Taxes {
		i.Tax += l.Amount
	}
	i.Total = i.Subtotal + i.Tax
	return i, nil
}

// periods are all that the evidence is about.
func (e evidence) periods() []period {
	list := []period{e.Terms.Period}
	for _, before := range e.Earlier {
		list = append(list, before.Period)
	}
	return list
}

// starts is the first moment at which clocks of a zone show a day, or a later one. Clocks are at most 15 hours off, and change at full minutes.
func (c clocks) starts(d date) time.Time {
	if at, known := c.known[d]; known {
		return at
	}
	shown := int64(d.number()) * 24 * 60 * 60 // if the clocks showed UTC
	for at := shown - 15*60*60; ; at += 60 {
		if _, off := time.Unix(at, 0).In(c.zone).Zone(); at+int64(off) >= shown {
			c.known[d] = time.Unix(at, 0).UTC()
			return c.known[d]
		}
	}
}

// clocks are those of a zone, with the days whose first moments were looked for.
type clocks struct {
	zone  *time.Location
	known map[date]time.Time
}

// charges gives the lines of a period but for corrections and credits, and their currency.
func (e evidence) charges(p period, at clocks) (lines []line, currency string, err error) {
	cuts, counted, err := e.cuts(p)
	if err != nil {
		return nil, "", err
	}
	currency = cuts[0].v.Currency

	// Base fees.
	var own []line
	var exact []*big.Rat
	for _, s := range cuts {
		if s.v.BaseFee != "" {
			l := s.line("base", "", s.v.Title, s.fixed, p)
			l.Price = s.v.BaseFee
			own, exact = append(own, l), append(exact, times(decimal(s.v.BaseFee), s.fixed))
		}
	}
	lines = append(lines, rounded(own, exact)...)

	// Usage.
	var names []string
	for _, s := range cuts {
		for _, c := range s.v.Components {
			names = add(names, c.Name)
		}
	}
	for _, name := range names {
		own, exact = nil, nil
		for _, s := range cuts {
			for _, c := range s.v.Components {
				if c.Name != name {
					continue
				}
				l := s.line("usage", name, c.Title, s.fixed, counted)
				l.Model, l.Meter = c.Model, c.Meter
				if l.Quantity, err = e.count(c.Meter, counted, at); err != nil {
					return nil, "", err
				}
				l.Included = c.Included
				if l.Included > l.Quantity {
					l.Included = l.Quantity
				}
				var sum *big.Rat
				if l.Parts, sum, err = c.price(l.Quantity - l.Included); err != nil {
					return nil, "", err
				}
				own, exact = append(own, l), append(exact, times(sum, s.usage))
			}
		}
		lines = append(lines, rounded(own, exact)...)
	}
	full := lines // before discounts

	// Discounts.
	names = nil
	for _, s := range cuts {
		for _, d := range s.v.Discounts {
			names = add(names, d.Name)
		}
	}
	for _, name := range names {
		own, exact = nil, nil
		sum := new(big.Rat)
		for _, s := range cuts {
			for _, d := range s.v.Discounts {
				if d.Name != name {
					continue
				}
				l := s.line("discount", name, d.Title, s.fixed, p)
				for _, charge := range full {
					if charge.Plan == s.v.Plan && charge.Version == s.v.Version && charge.Period == s.on {
						l.Of += charge.Amount
					}
				}
				var off *big.Rat
				if d.Percent != "" {
					l.Model, l.Price, l.OfDays = "percent", d.Percent, l.Days
					off = times(decimal(d.Percent), big.NewRat(l.Of, 100*100))
				} else {
					l.Model, l.Price = "amount", d.Amount
					off = times(decimal(d.Amount), s.fixed)
				}
				sum.Add(sum, off)
				own, exact = append(own, l), append(exact, off)
			}
		}
		if most := major(amounts(lines)); sum.Cmp(most) > 0 {
			for n := range exact {
				exact[n] = times(exact[n], new(big.Rat).Quo(most, sum))
			}
		}
		for n := range exact {
			exact[n] = new(big.Rat).Neg(exact[n])
		}
		lines = append(lines, rounded(own, exact)...)
	}

	// The minimum.
	least := new(big.Rat)
	for _, s := range cuts {
		least.Add(least, times(decimal(s.v.Minimum), s.fixed))
	}
	if missing := new(big.Rat).Sub(least, major(amounts(lines))); least.Sign() > 0 && missing.Sign() > 0 {
		l := line{ID: "minimum", Kind: "minimum", Period: p, Days: p.days(), OfDays: p.days(), Of: amounts(lines)}
		if one := rounded([]line{l}, []*big.Rat{missing}); one[0].Amount != 0 {
			lines = append(lines, one...)
		}
	}
	return lines, currency, nil
}

// cuts cuts a period by the versions in force, and says on which days usage is counted.
func (e evidence) cuts(p period) (list []cut, counted period, err error) {
	for _, f := range e.InForce {
		to := f.To
		if to == "" {
			to = p.To
		}
		if on, any := overlap(period{f.From, to}, p); any {
			list = append(list, cut{v: f.Version, on: on})
		}
	}
	if len(list) == 0 {
		return nil, counted, fmt.Errorf("no plan is in force from %s to %s", p.From, p.To)
	}
	sort.SliceStable(list, func(a, b int) bool { return list[a].on.From < list[b].on.From })
	for n := 1; n < len(list); n++ {
		if list[n].on.From != list[n-1].on.To || list[n].v.Currency != list[0].v.Currency {
			return nil, counted, fmt.Errorf("the plans do not follow one another on %s", list[n].on.From)
		}
	}
	counted = period{list[0].on.From, list[len(list)-1].on.To}
	switch list[0].v.Proration {
	case "by_days":
	case "whole":
		return []cut{{list[0].v, p, big.NewRat(1, 1), big.NewRat(1, 1)}}, counted, nil
	default:
		return nil, counted, fmt.Errorf("the rule %q for a part of a period is not known here", list[0].v.Proration)
	}
	for n := range list {
		days := int64(list[n].on.days())
		list[n].fixed, list[n].usage = big.NewRat(days, int64(p.days())), big.NewRat(days, int64(counted.days()))
	}
	return list, counted, nil
}

// line begins a line.
func (s cut) line(kind, name, title string, counts *big.Rat, of period) line {
	id := []string{kind}
	if name != "" {
		id = append(id, name)
	}
	id = append(id, s.v.Plan, strconv.Itoa(s.v.Version), string(s.on.From))
	l := line{ID: strings.Join(id, ":"), Kind: kind, Title: title, Plan: s.v.Plan, Version: s.v.Version, Period: s.on, Days: s.on.days(), OfDays: of.days()}
	if counts.Cmp(big.NewRat(1, 1)) == 0 {
		l.OfDays = l.Days
	}
	return l
}

// price gives what units cost.
func (c component) price(units int64) (parts []part, sum *big.Rat, err error) {
	sum, per := new(big.Rat), c.Per
	if per < 1 {
		per = 1
	}
	charge := func(t tier, units, packages int64, exact *big.Rat) {
		sum.Add(sum, exact)
		parts = append(parts, part{t.Above, t.UpTo, units, packages, per, t.Price, exact.RatString()})
	}
	at := func(t tier, units int64) { charge(t, units, 0, times(decimal(t.Price), big.NewRat(units, per))) }
	switch c.Model {
	case "unit":
		at(tier{Price: c.Price}, units)
	case "package":
		packages := (units + per - 1) / per
		charge(tier{Price: c.Price}, units, packages, times(decimal(c.Price), big.NewRat(packages, 1)))
	case "graduated", "volume":
		done := int64(0)
		for n, t := range c.Tiers {
			last := n == len(c.Tiers)-1
			if t.Above != done || last != (t.UpTo == 0) || !last && t.UpTo <= done {
				return nil, nil, fmt.Errorf("the tiers of %s do not follow one another", c.Name)
			}
			switch done = t.UpTo; {
			case units <= t.Above:
			case last || units <= t.UpTo:
				if c.Model == "graduated" {
					at(t, units-t.Above)
				} else {
					at(t, units)
				}
			case c.Model == "graduated":
				at(t, t.UpTo-t.Above)
			}
		}
	default:
		return nil, nil, fmt.Errorf("%s is priced by %q, which is not known here", c.Name, c.Model)
	}
	return parts, sum, nil
}

// rounded gives lines their exact sums and their rounded amounts, which together are the rounded sum.
func rounded(lines []line, exact []*big.Rat) []line {
	if len(lines) == 0 {
		return nil
	}
	sum := new(big.Rat)
	for n, e := range exact {
		sum.Add(sum, e)
		lines[n].Exact = e.RatString()
	}
	for n, amount := range shared(cents(sum), exact) {
		lines[n].Amount = amount
	}
	return lines
}

// cents rounds a sum of the major unit to minor units; Go rounds halves away from zero as we do (big.Rat's FloatString).
func cents(r *big.Rat) int64 {
	digits := strings.Replace(r.FloatString(2), ".", "", 1)
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1 << 62 // no invoice has such a sum
	}
	return n
}

// shared splits a sum of minor units by exact sizes in the major unit.
func shared(sum int64, exact []*big.Rat) []int64 {
	parts := make([]int64, len(exact))
	type lost struct {
		n   int
		off *big.Rat
	}
	var most []lost
	for n, e := range exact {
		minor := times(e, big.NewRat(100, 1))
		whole := new(big.Int).Quo(minor.Num(), minor.Denom())
		if minor.Sign() < 0 && !minor.IsInt() {
			whole.Sub(whole, big.NewInt(1))
		}
		parts[n] = whole.Int64()
		sum -= parts[n]
		most = append(most, lost{n, new(big.Rat).Sub(minor, new(big.Rat).SetInt(whole))})
	}
	sort.SliceStable(most, func(a, b int) bool { return most[a].off.Cmp(most[b].off) > 0 })
	for n := 0; sum > 0 && n < len(most); n, sum = n+1, sum-1 {
		parts[most[n].n]++
	}
	return parts
}

// corrections gives the lines by which what a period costs now differs from what was billed.
func (before earlier) corrections(now []line) (lines []line, err error) {
	paid, titles, order := map[string]int64{}, map[string]string{}, []string{}
	for _, b := range before.Billed {
		if _, twice := titles[b.Line]; twice {
			return nil, fmt.Errorf("the line %s of invoice %s was billed twice", b.Line, before.Number)
		}
		paid[b.Line], titles[b.Line] = b.Amount, b.Title
		order = append(order, b.Line)
	}
	correct := func(l line, id string, was int64) {
		if l.Amount == was {
			return
		}
		lines = append(lines, line{ID: "correction:" + before.Number + ":" + id, Kind: "correction", Title: l.Title, Period: before.Period, Days: before.Period.days(), OfDays: before.Period.days(),
			Meter: l.Meter, Quantity: l.Quantity, Of: was, Corrects: before.Number, CorrectsLine: id, Exact: major(l.Amount - was).RatString(), Amount: l.Amount - was})
	}
	for _, l := range now {
		correct(l, l.ID, paid[l.ID])
		delete(paid, l.ID)
	}
	for _, id := range order {
		if was, gone := paid[id]; gone {
			correct(line{Title: titles[id]}, id, was)
		}
	}
	return lines, nil
}

// credits gives the lines that take credits off, at most so much.
func (e evidence) credits(most int64) (lines []line) {
	open := slices.Clone(e.Credits)
	sort.SliceStable(open, func(a, b int) bool {
		x, y := open[a], open[b]
		if x.Until != y.Until {
			return y.Until == "" || x.Until != "" && x.Until < y.Until
		}
		return x.Name < y.Name
	})
	p := e.Terms.Period
	for _, c := range open {
		take := c.Left
		if take > most {
			take = most
		}
		if take <= 0 || c.Until != "" && c.Until < p.From {
			continue
		}
		most -= take
		lines = append(lines, line{ID: "credit:" + c.Name, Kind: "credit", Title: c.Title, Period: p, Days: p.days(), OfDays: p.days(), Of: c.Left, Exact: major(-take).RatString(), Amount: -take})
	}
	return lines
}

// taxes adds up what bears which rate.
type taxes struct {
	e   evidence
	all []struct {
		first int // day
		taxLine
	}
}

// add shares a sum among the days of its period that are taxed alike.
func (t *taxes) add(p period, amount int64) error {
	var runs []taxLine
	var firsts []int
	var counts []int64
	for d := p.From.number(); d < p.To.number(); d++ {
		of, err := t.on(dateOf(d))
		if err != nil {
			return err
		}
		if n := len(runs); n == 0 || runs[n-1] != of {
			runs, firsts, counts = append(runs, of), append(firsts, d), append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	var exact []*big.Rat
	for _, days := range counts {
		exact = append(exact, times(major(amount), big.NewRat(days, int64(p.days()))))
	}
	for n, part := range shared(amount, exact) {
		runs[n].Taxable = part
		t.all = append(t.all, struct {
			first int
			taxLine
		}{firsts[n], runs[n]})
	}
	return nil
}

// on says how a day is taxed.
func (t *taxes) on(d date) (taxLine, error) {
	for _, x := range t.e.Exemptions {
		if x.Days.From <= d && d < x.Days.To {
			return taxLine{Name: t.e.Tax.Name, Percent: "0", Certificate: x.Certificate}, nil
		}
	}
	held := taxLine{Name: t.e.Tax.Name}
	for _, r := range t.e.Tax.Rates {
		if r.From <= d {
			held.Percent = r.Percent
		}
	}
	if held.Percent == "" {
		return held, fmt.Errorf("no rate of %s is known on %s", t.e.Tax.Name, d)
	}
	return held, nil
}

// lines gives one line for each rate, in the order of days.
func (t *taxes) lines() (lines []taxLine) {
	sort.SliceStable(t.all, func(a, b int) bool { return t.all[a].first < t.all[b].first })
next:
	for _, one := range t.all {
		for n := range lines {
			if lines[n].Percent == one.Percent && lines[n].Certificate == one.Certificate {
				lines[n].Taxable += one.Taxable
				continue next
			}
		}
		lines = append(lines, one.taxLine)
	}
	for n, l := range lines {
		exact := times(decimal(l.Percent), big.NewRat(l.Taxable, 100*100))
		lines[n].Exact, lines[n].Amount = exact.RatString(), cents(exact)
	}
	return lines
}

func amounts(lines []line) (sum int64) {
	for _, l := range lines {
		sum += l.Amount
	}
	return sum
}

func times(a, b *big.Rat) *big.Rat { return new(big.Rat).Mul(a, b) }

func add(names []string, name string) []string {
	for _, n := range names {
		if n == name {
			return names
		}
	}
	return append(names, name)
}
