package rate_test

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/domain"
	"lignum/tests/bills"
	_ "lignum/tests/tenth"
)

func messages(n int64) []meter.Fact {
	return []meter.Fact{{Key: "m", Meter: "messages", At: time.Date(2026, 9, 12, 12, 0, 0, 0, time.UTC), Quantity: n}}
}

func input(facts []meter.Fact, inForce ...plan.InForce) rate.Input {
	return rate.Input{Period: bills.Days("2026-09-01", "2026-10-01"), Zone: time.UTC, InForce: inForce, Meters: meter.Meters(), Facts: facts}
}

func version(change func(*plan.Version)) plan.Version {
	v := plan.Version{Plan: "p", Version: 1, Title: "P", From: bills.Date("2026-01-01"), Currency: "JMD", Cycle: billing.Monthly, Proration: plan.ByDays}
	change(&v)
	return v
}

func component(c plan.Component) plan.Version {
	c.Name, c.Title, c.Meter = "messages", "Messages", "messages"
	return version(func(v *plan.Version) { v.Components = []plan.Component{c} })
}

// lines are what a test says of some: "usage 12.34".
func lines(t testing.TB, in rate.Input) string {
	t.Helper()
	list, _, err := rate.Charges(in)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range list {
		all = append(all, fmt.Sprintf("%s %s", l.Kind, billing.Money{Minor: l.Amount, Currency: "JMD"}.Decimal()))
	}
	return strings.Join(all, ", ")
}

// Each model at the edges of its tiers and packages, computed by hand.
func TestModels(t *testing.T) {
	t.Parallel()
	tiers := []plan.Tier{{UpTo: 100, Price: "1"}, {Above: 100, UpTo: 1000, Price: "0.5"}, {Above: 1000, Price: "0.1"}}
	for _, c := range []struct {
		component plan.Component
		want      map[int64]string
	}{
		{plan.Component{Model: plan.Unit, Price: "0.125"}, map[int64]string{0: "0.00", 1: "0.13", 3: "0.38", 1000: "125.00"}},
		{plan.Component{Model: plan.Unit, Price: "7", Per: 3}, map[int64]string{1: "2.33", 2: "4.67", 3: "7.00"}},
		{plan.Component{Model: plan.Unit, Price: "2", Included: 10}, map[int64]string{9: "0.00", 10: "0.00", 11: "2.00"}},
		{plan.Component{Model: plan.Graduated, Tiers: tiers}, map[int64]string{0: "0.00", 100: "100.00", 101: "100.50", 1000: "550.00", 1001: "550.10", 2000: "650.00"}},
		{plan.Component{Model: plan.Graduated, Tiers: tiers, Included: 50}, map[int64]string{50: "0.00", 150: "100.00", 151: "100.50"}},
		{plan.Component{Model: plan.Volume, Tiers: tiers}, map[int64]string{0: "0.00", 100: "100.00", 101: "50.50", 1000: "500.00", 1001: "100.10"}},
		{plan.Component{Model: plan.Package, Price: "45.50", Per: 1000}, map[int64]string{0: "0.00", 1: "45.50", 1000: "45.50", 1001: "91.00"}},
	} {
		for n, want := range c.want {
			if is := lines(t, input(messages(n), plan.InForce{From: bills.Date("2026-01-01"), Version: component(c.component)})); is != "usage "+want {
				t.Errorf("%s, %d: %s, want %s", c.component.Model, n, is, want)
			}
		}
	}
}

// Discounts are taken of the charges, one after the other, never more than is left; the minimum comes after them.
func TestDiscountsAndMinimum(t *testing.T) {
	t.Parallel()
	half := plan.Discount{Name: "half", Title: "Half", Percent: "50"}
	sum := plan.Discount{Name: "sum", Title: "A sum", Amount: "80"}
	for name, c := range map[string]struct {
		change func(*plan.Version)
		want   string
	}{
		"percent":          {func(v *plan.Version) { v.Discounts = []plan.Discount{half} }, "base 100.01, discount -50.01"}, // 50.005, away from zero
		"both":             {func(v *plan.Version) { v.Discounts = []plan.Discount{half, sum} }, "base 100.01, discount -50.01, discount -50.00"},
		"the other way":    {func(v *plan.Version) { v.Discounts = []plan.Discount{sum, half} }, "base 100.01, discount -80.00, discount -20.01"},
		"minimum":          {func(v *plan.Version) { v.Discounts, v.Minimum = []plan.Discount{half}, "75" }, "base 100.01, discount -50.01, minimum 25.00"},
		"minimum is there": {func(v *plan.Version) { v.Minimum = "100.01" }, "base 100.01"},
	} {
		v := version(func(v *plan.Version) { v.BaseFee = "100.01"; c.change(v) })
		if is := lines(t, input(nil, plan.InForce{From: bills.Date("2026-01-01"), Version: v})); is != c.want {
			t.Errorf("%s: %s", name, is)
		}
	}
}

// A plan that changes within an open period: what is fixed counts by the day, what was used is priced by each version as a whole and counts by the day too.
func TestAPlanThatChangesInAnOpenPeriod(t *testing.T) {
	t.Parallel()
	first := version(func(v *plan.Version) {
		v.BaseFee, v.Components = "100", []plan.Component{{Name: "messages", Title: "Messages", Meter: "messages", Model: plan.Unit, Price: "1"}}
	})
	second := first
	second.Version, second.From, second.BaseFee = 2, bills.Date("2026-09-11"), "400"
	second.Components = []plan.Component{{Name: "messages", Title: "Messages", Meter: "messages", Model: plan.Unit, Price: "0.5"}}
	change := []plan.InForce{{From: bills.Date("2026-01-01"), To: bills.Date("2026-09-11"), Version: first}, {From: bills.Date("2026-09-11"), Version: second}}
	if is := lines(t, input(messages(300), change...)); is != "base 33.33, base 266.67, usage 100.00, usage 100.00" {
		t.Error(is)
	}
	// Whole: the first version is charged for all of the period.
	for i := range change {
		change[i].Version.Proration = plan.Whole
	}
	if is := lines(t, input(messages(300), change...)); is != "base 100.00, usage 300.00" {
		t.Error(is)
	}
	// A tenant that begins on the 11th pays the fee for 20 of 30 days, and all that it uses from then on.
	late := plan.InForce{From: bills.Date("2026-09-11"), Version: second}
	if is := lines(t, input(messages(300), late)); is != "base 266.67, usage 150.00" {
		t.Error(is)
	}
	if is := lines(t, input(messages(300), plan.InForce{From: bills.Date("2026-09-13"), Version: second})); is != "base 240.00, usage 0.00" { // the messages are of the 12th
		t.Error(is)
	}
}

func TestASumThatIsTooLarge(t *testing.T) {
	t.Parallel()
	v := component(plan.Component{Model: plan.Unit, Price: "999999999999"})
	list, _, err := rate.Charges(input(messages(meter.MostQuantity), plan.InForce{From: bills.Date("2026-01-01"), Version: v}))
	if domain.CodeOf(err) != domain.Invalid {
		t.Error(list, err)
	}
}

// byCharge adds up amounts by what they are for, whatever version they are of.
func byCharge(list []rate.Line) map[string]int64 {
	sums := map[string]int64{}
	for _, l := range list {
		id := strings.Split(l.ID, ":")
		if len(id) > 3 { // kind, name, plan, version, day
			sums[id[0]+":"+id[1]] += l.Amount
		} else {
			sums[id[0]] += l.Amount
		}
	}
	return sums
}

// A change of a plan to the same plan changes no charge, to the minor unit, wherever in the period it is and however often: what is prorated sums to the whole.
func TestProrationsSumToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(bills.Zones()).Draw(t, "zone")
		loc, _ := time.LoadLocation(zone)
		p, _ := billing.PeriodOf(billing.Monthly, nil, bills.Date("2012-01-01")+billing.Date(rapid.IntRange(0, 8000).Draw(t, "day")))
		facts, _ := bills.RandomFacts(t, p, zone)
		facts, err := meter.Normal(facts)
		if err != nil {
			t.Fatal(err)
		}
		v := bills.RandomVersion(t, "TTD", billing.Monthly, plan.ByDays)
		in := rate.Input{Period: p, Zone: loc, Meters: meter.Meters(), Facts: facts, InForce: []plan.InForce{{From: v.From, Version: v}}}
		whole, _, err := rate.Charges(in)
		if err != nil {
			t.Fatal(err)
		}
		cuts := []billing.Date{p.From, p.To}
		for range rapid.IntRange(1, 4).Draw(t, "cuts") {
			cuts = append(cuts, p.From+billing.Date(rapid.IntRange(1, p.Days()-1).Draw(t, "cut")))
		}
		slices.Sort(cuts)
		cuts, in.InForce = slices.Compact(cuts), nil
		for i := range len(cuts) - 1 {
			next := v
			next.Version = i + 1
			in.InForce = append(in.InForce, plan.InForce{From: cuts[i], To: cuts[i+1], Version: next})
		}
		parts, _, err := rate.Charges(in)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := byCharge(whole), byCharge(parts); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Fatalf("as a whole %v, cut on %v %v", a, cuts, b)
		}
	})
}

// Where a charge is additive, two periods cost exactly what both cost as one, before rounding: base fees by the day, and units of one price, without included amounts, of meters that add up. What
// has tiers, packages, included amounts or a minimum is not additive: each period has its own. Nor are heads: who is active in two periods is one student in each.
func TestSplitPeriodsEqualTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(bills.Zones()).Draw(t, "zone")
		loc, _ := time.LoadLocation(zone)
		from := bills.Date("2012-01-01") + billing.Date(rapid.IntRange(0, 8000).Draw(t, "day"))
		p := billing.Period{From: from, To: from + billing.Date(rapid.IntRange(2, 62).Draw(t, "days"))}
		cut := p.From + billing.Date(rapid.IntRange(1, p.Days()-1).Draw(t, "cut"))
		facts, _ := bills.RandomFacts(t, p, zone)
		facts, err := meter.Normal(facts)
		if err != nil {
			t.Fatal(err)
		}
		v := version(func(v *plan.Version) {
			v.Currency, v.From = "TTD", bills.Date("2000-01-01")
			for _, m := range meter.Meters() {
				if m.Billed && m.Aggregate.Additive() {
					v.Components = append(v.Components, plan.Component{Name: m.Name, Title: m.Name, Meter: m.Name, Model: plan.Unit, Per: 7_000_003, Price: "1.234567"})
				}
			}
		})
		exact := func(p billing.Period) map[string]*big.Rat {
			list, _, err := rate.Charges(rate.Input{Period: p, Zone: loc, Meters: meter.Meters(), Facts: facts, InForce: []plan.InForce{{From: v.From, Version: v}}})
			if err != nil {
				t.Fatal(err)
			}
			sums := map[string]*big.Rat{}
			for _, l := range list {
				sums[l.Meter] = l.Exact.Rat()
			}
			return sums
		}
		whole, first, second := exact(p), exact(billing.Period{From: p.From, To: cut}), exact(billing.Period{From: cut, To: p.To})
		if len(whole) != 3 {
			t.Fatal(whole)
		}
		for m, sum := range whole {
			if both := new(big.Rat).Add(first[m], second[m]); both.Cmp(sum) != 0 {
				t.Fatalf("%s: %s and %s are not %s", m, first[m], second[m], sum)
			}
		}
	})
}
