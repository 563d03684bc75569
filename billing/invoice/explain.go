package invoice

import (
	"math/big"
	"strings"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/domain/words"
)

// explainer says in words what a line was computed from, so that whoever has the figures of the meters can do it again with pencil and paper. What it says is written into the invoice
// when that is made, in its language, and stays so when the program learns to say it better.
type explainer struct {
	language words.Language
	currency billing.Currency
	meters   []meter.Meter
}

// all explains lines, and gives those a title that no plan names.
func (e explainer) all(lines []rate.Line) {
	for i, l := range lines {
		switch {
		case l.Kind == rate.Minimum || l.Kind == rate.Correction && l.Title == "":
			lines[i].Title = e.language.Say("billing.title.minimum")
		case l.Kind == rate.Credited && l.Title == "":
			lines[i].Title = e.language.Say("billing.title.all")
		}
		lines[i].Explanation = words.Join(" ", e.line(l)...).In(e.language).String()
	}
}

// line gives the sentences of a line.
func (e explainer) line(l rate.Line) (s []words.Text) {
	say := func(t words.Text) { s = append(s, t) }
	switch l.Kind {
	case rate.Base:
		say(words.Say("billing.explain.base", "Version", l.Version, "Fee", e.price(l.Price), "Period", e.days(l.Period)))
	case rate.Usage:
		say(words.Say("billing.explain.measured", "Used", e.units(l.Meter, l.Quantity)))
		if l.Included > 0 {
			say(words.Say("billing.explain.included", "Included", e.number(l.Meter, l.Included), "Left", e.number(l.Meter, l.Quantity-l.Included)))
		}
		sum := new(big.Rat)
		for _, p := range l.Parts {
			say(e.part(l, p))
			sum.Add(sum, p.Exact.Rat())
		}
		if len(l.Parts) > 1 {
			say(words.Say("billing.explain.together", "Sum", e.exact(sum)))
		}
	case rate.Discount:
		off := l.Price.Rat()
		if l.Model == rate.Percent {
			say(words.Say("billing.explain.percent_off", "Percent", string(l.Price), "Of", e.money(l.Of)))
			off.Mul(off, e.currency.Money(l.Of).Exact()).Mul(off, big.NewRat(1, 100))
		} else {
			say(words.Say("billing.explain.sum_off", "Sum", e.price(l.Price)))
			off.Mul(off, big.NewRat(int64(l.Days), int64(l.OfDays)))
		}
		if new(big.Rat).Neg(off).Cmp(l.Exact.Rat()) != 0 {
			say(words.Say("billing.explain.not_below_nothing"))
		}
	case rate.Minimum:
		least := new(big.Rat).Add(l.Exact.Rat(), e.currency.Money(l.Of).Exact())
		say(words.Say("billing.explain.minimum", "Least", e.exact(least), "Sum", e.money(l.Of)))
	case rate.Correction:
		say(words.Say("billing.explain.correction", "Invoice", l.Corrects, "Period", e.days(l.Period)))
		if l.Meter != "" {
			say(words.Say("billing.explain.measured_now", "Used", e.units(l.Meter, l.Quantity)))
		}
		say(words.Say("billing.explain.now_and_before", "Now", e.money(l.Of+l.Amount), "Before", e.money(l.Of)))
	case rate.Credit:
		say(words.Say("billing.explain.credit", "Left", e.money(l.Of), "After", e.money(l.Of+l.Amount)))
	case rate.Credited:
		say(words.Say("billing.explain.credited", "Sum", e.money(l.Of), "Invoice", l.Corrects))
	}
	if l.Days != l.OfDays {
		say(words.Say("billing.explain.share", "Version", l.Version, "Days", l.Days, "Of", l.OfDays, "Sum", e.exact(l.Exact.Rat())))
	}
	if !billing.Minor(l.Exact.Rat(), e.currency).IsInt() {
		nearest, err := billing.Round("amount", l.Exact.Rat(), e.currency)
		if err == nil && nearest == l.Amount {
			say(words.Say("billing.explain.rounded", "Sum", e.money(l.Amount)))
		} else {
			say(words.Say("billing.explain.rounded_together", "Sum", e.money(l.Amount)))
		}
	}
	return s
}

// part says what units of one price cost.
func (e explainer) part(l rate.Line, p rate.Part) words.Text {
	sum, count, per := e.exact(p.Exact.Rat()), e.number(l.Meter, p.Quantity), e.number(l.Meter, p.Per)
	each := words.Say("billing.explain.each", "Price", e.price(p.Price))
	if per != 1 {
		each = words.Say("billing.explain.for_every", "Price", e.price(p.Price), "Per", per)
	}
	above, last := e.number(l.Meter, p.Above), e.number(l.Meter, p.UpTo)
	switch {
	case l.Model == plan.Package:
		return words.Say("billing.explain.packages", "N", int(p.Packages), "Per", per, "Price", e.price(p.Price), "Sum", sum)
	case l.Model == plan.Volume && p.UpTo > 0:
		return words.Say("billing.explain.volume", "Count", count, "Above", above, "Last", last, "Each", each, "Sum", sum)
	case l.Model == plan.Volume:
		return words.Say("billing.explain.volume_from", "Count", count, "Above", above, "Each", each, "Sum", sum)
	case l.Model == plan.Graduated && p.UpTo > 0:
		return words.Say("billing.explain.tier", "Count", count, "Above", above, "Last", last, "Each", each, "Sum", sum)
	case l.Model == plan.Graduated:
		return words.Say("billing.explain.tier_from", "Count", count, "Above", above, "Each", each, "Sum", sum)
	}
	return words.Say("billing.explain.units", "Count", count, "Each", each, "Sum", sum)
}

// units says a quantity in the unit of its meter: "44,025 students".
func (e explainer) units(name string, quantity int64) words.Text {
	if m, known := meter.Find(e.meters, name); known && words.English.Message("meter.unit."+m.Unit) != nil {
		return words.Say("meter.unit."+m.Unit, "N", e.number(name, quantity))
	}
	return words.Say("billing.explain.number", "Count", e.number(name, quantity))
}

// number is a quantity as people read it: in gigabytes, where bytes are counted. It is an int, or a text for one with digits behind the point.
func (e explainer) number(name string, quantity int64) any {
	m, _ := meter.Find(e.meters, name)
	scale := max(m.Scale, 1)
	if quantity%scale == 0 {
		return int(quantity / scale)
	}
	r := big.NewRat(quantity, scale)
	digits, _ := r.FloatPrec()
	_, behind, _ := strings.Cut(r.FloatString(digits), ".")
	return e.language.Number(int(quantity/scale)) + "." + behind
}

func (e explainer) days(p billing.Period) words.Text {
	return words.Say("billing.explain.days", "First", words.Moment{At: p.From.UTC(), Layout: "date"}, "Last", words.Moment{At: p.Last().UTC(), Layout: "date"})
}

func (e explainer) money(minor int64) string {
	return e.currency.Money(minor).In(e.language)
}
func (e explainer) exact(r *big.Rat) string { return billing.ExactOf(r).In(e.language, e.currency) }
func (e explainer) price(d billing.Decimal) string {
	return d.In(e.language, e.currency)
}
