package plan_test

import (
	"errors"
	"slices"
	"testing"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/domain"
	"lignum/tests/bills"
)

// Each thing that is wrong with a plan is one fault, which names its field and says what would be right.
func TestPlansThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change        func(*plan.Version)
		field, reason string
	}{
		"no name":               {func(v *plan.Version) { v.Plan = "" }, "plan", "must begin with a small letter, and have at most 40 small letters, digits and underscores"},
		"no version":            {func(v *plan.Version) { v.Version = 0 }, "version", "must be 1 or more"},
		"no title":              {func(v *plan.Version) { v.Title = "" }, "title", "is missing; it must have 1 to 100 characters"},
		"no date":               {func(v *plan.Version) { v.From = 0 }, "from", "must be a date of the years 1990 to 2200, such as 2026-09-01"},
		"unknown currency":      {func(v *plan.Version) { v.Currency = "EUR" }, "currency", "EUR is no currency that we bill in"},
		"unknown cycle":         {func(v *plan.Version) { v.Cycle = "weekly" }, "cycle", "weekly is no cycle: bills come by the month, by the term or by the school year"},
		"unknown proration":     {func(v *plan.Version) { v.Proration = "never" }, "proration", "never is no rule for a period that a plan does not fill"},
		"negative fee":          {func(v *plan.Version) { v.BaseFee = "-1" }, "base_fee", "must not be below zero"},
		"a fee of mills":        {func(v *plan.Version) { v.BaseFee = "0.005" }, "base_fee", "must have at most 2 digits behind the point, as the currency has"},
		"negative minimum":      {func(v *plan.Version) { v.Minimum = "-0.01" }, "minimum", "must not be below zero"},
		"unknown meter":         {func(v *plan.Version) { v.Components[0].Meter = "logins" }, "components[0].meter", "nothing is measured under the name logins"},
		"a meter for us":        {func(v *plan.Version) { v.Components[0].Meter = "database_requests" }, "components[0].meter", "database_requests is measured for information, and never billed"},
		"negative included":     {func(v *plan.Version) { v.Components[0].Included = -1 }, "components[0].included", "must not be below zero"},
		"negative price":        {func(v *plan.Version) { v.Components[1].Price = "-0.01" }, "components[1].price", "must not be below zero"},
		"no price":              {func(v *plan.Version) { v.Components[1].Price = "" }, "components[1].price", "must be a number such as 12.5, with at most six digits behind the point"},
		"a price of seven":      {func(v *plan.Version) { v.Components[1].Price = "0.0000001" }, "components[1].price", "must be a number such as 12.5, with at most six digits behind the point"},
		"negative per":          {func(v *plan.Version) { v.Components[1].Per = -1 }, "components[1].per", "must not be below zero"},
		"an empty package":      {func(v *plan.Version) { v.Components[2].Per = 0 }, "components[2].per", "must be the number of units in a package, 1 or more"},
		"unknown model":         {func(v *plan.Version) { v.Components[1].Model = "stairs" }, "components[1].model", "stairs is no way to price"},
		"tiers of a unit":       {func(v *plan.Version) { v.Components[1].Tiers = []plan.Tier{{Price: "1"}} }, "components[1].tiers", "has tiers, but its prices go by unit"},
		"a price beside tiers":  {func(v *plan.Version) { v.Components[0].Price = "1" }, "components[0].price", "must be empty, since each tier has a price"},
		"no tiers":              {func(v *plan.Version) { v.Components[0].Tiers = nil }, "components[0].tiers", "must have 1 to 50 tiers"},
		"a gap at first":        {func(v *plan.Version) { v.Components[0].Tiers[0].Above = 1 }, "components[0].tiers[0].above", "has no price for units 1 to 1: a tier begins where the one before it ends"},
		"a gap between tiers":   {func(v *plan.Version) { v.Components[0].Tiers[1].Above = 5 }, "components[0].tiers[1].above", "has no price for units 4 to 5: a tier begins where the one before it ends"},
		"tiers overlap":         {func(v *plan.Version) { v.Components[0].Tiers[1].Above = 2 }, "components[0].tiers[1].above", "has two prices for units 3 to 3: a tier begins where the one before it ends"},
		"a tier below zero":     {func(v *plan.Version) { v.Components[0].Tiers[0].Above = -1 }, "components[0].tiers[0].above", "must not be below zero"},
		"the last tier ends":    {func(v *plan.Version) { v.Components[0].Tiers[1].UpTo = 9 }, "components[0].tiers[1].up_to", "must be empty, so that the last tier has a price for however many units there are"},
		"negative tier price":   {func(v *plan.Version) { v.Components[0].Tiers[1].Price = "-3" }, "components[0].tiers[1].price", "must not be below zero"},
		"two of a name":         {func(v *plan.Version) { v.Components[1].Name = "students" }, "components[1].name", "students is the name of another"},
		"percent and sum":       {func(v *plan.Version) { v.Discounts[0].Amount = "1" }, "discounts[0]", "must be either a percentage or a sum"},
		"neither":               {func(v *plan.Version) { v.Discounts[0].Percent = "" }, "discounts[0]", "must be either a percentage or a sum"},
		"more than all":         {func(v *plan.Version) { v.Discounts[0].Percent = "100.1" }, "discounts[0].percent", "must be a percentage of at most 100"},
		"nothing off":           {func(v *plan.Version) { v.Discounts[0].Percent = "0" }, "discounts[0].percent", "must be a percentage of at most 100"},
		"a discount that costs": {func(v *plan.Version) { v.Discounts[1].Amount = "-5" }, "discounts[1].amount", "must not be below zero"},
	} {
		v := bills.Version("JMD")
		c.change(&v)
		err := v.Validate(meter.Meters())
		var wrong *domain.Error
		if !errors.As(err, &wrong) || wrong.Code != domain.Invalid || len(wrong.Fields) != 1 {
			t.Errorf("%s: %v", name, err)
		} else if f := wrong.Fields[0]; f.Name != c.field || f.Reason.String() != c.reason {
			t.Errorf("%s: %s: %s", name, f.Name, f.Reason)
		}
	}
	right := bills.Version("JMD")
	if err := right.Validate(meter.Meters()); err != nil {
		t.Error(err)
	}
	// A tier that holds nothing is told where it ends; what follows it begins too early by then.
	empty := bills.Version("JMD")
	empty.Components[0].Tiers[0].UpTo = 0
	if err := empty.Validate(meter.Meters()); domain.CodeOf(err) != domain.Invalid {
		t.Error(err)
	}
	several := bills.Version("EUR")
	several.Version, several.BaseFee = -1, "x"
	var wrong *domain.Error
	if err := several.Validate(meter.Meters()); !errors.As(err, &wrong) || len(wrong.Fields) != 3 {
		t.Errorf("not all is told: %v", err)
	}
}

func TestTheNextVersion(t *testing.T) {
	t.Parallel()
	first := bills.Version("JMD")
	next := first
	next.Version, next.From = 2, bills.Date("2026-09-15")
	if err := next.CheckNext(first); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*plan.Version){"number": func(v *plan.Version) { v.Version = 3 }, "date": func(v *plan.Version) { v.From = first.From }, "currency": func(v *plan.Version) { v.Currency = "USD" },
		"plan": func(v *plan.Version) { v.Plan = "college" }} {
		wrong := next
		if change(&wrong); domain.CodeOf(wrong.CheckNext(first)) != domain.Invalid {
			t.Errorf("%s: %v", name, wrong.CheckNext(first))
		}
	}
}

func TestWhichVersionHolds(t *testing.T) {
	t.Parallel()
	september := bills.Days("2026-09-01", "2026-10-01")
	a, b := bills.Version("JMD"), bills.Version("JMD")
	b.Version, b.From = 2, bills.Date("2026-09-10")
	from := func(date, to string, v plan.Version) plan.InForce {
		f := plan.InForce{From: bills.Date(date), Version: v}
		if to != "" {
			f.To = bills.Date(to)
		}
		return f
	}
	dollars, termly := b, b
	dollars.Currency, termly.Cycle = "USD", billing.Termly
	for name, c := range map[string]struct {
		list []plan.InForce
		code domain.Code
		n    int
	}{
		"one":            {[]plan.InForce{from("2026-01-01", "", a)}, "", 1},
		"a change":       {[]plan.InForce{from("2026-09-10", "", b), from("2026-01-01", "2026-09-10", a)}, "", 2},
		"ended before":   {[]plan.InForce{from("2026-01-01", "2026-09-01", a)}, domain.NotFound, 0},
		"begins after":   {[]plan.InForce{from("2026-10-01", "", b)}, domain.NotFound, 0},
		"overlap":        {[]plan.InForce{from("2026-01-01", "2026-09-11", a), from("2026-09-10", "", b)}, domain.Invalid, 0},
		"open and more":  {[]plan.InForce{from("2026-01-01", "", a), from("2026-09-10", "", b)}, domain.Invalid, 0},
		"a gap":          {[]plan.InForce{from("2026-01-01", "2026-09-09", a), from("2026-09-10", "", b)}, domain.Invalid, 0},
		"too early":      {[]plan.InForce{from("2026-09-01", "", b)}, domain.Invalid, 0},
		"backwards":      {[]plan.InForce{from("2026-09-10", "2026-09-10", b)}, domain.Invalid, 0},
		"two currencies": {[]plan.InForce{from("2026-01-01", "2026-09-10", a), from("2026-09-10", "", dollars)}, domain.Invalid, 0},
		"two cycles":     {[]plan.InForce{from("2026-01-01", "2026-09-10", a), from("2026-09-10", "", termly)}, domain.Invalid, 0},
	} {
		in, err := plan.During(c.list, september, meter.Meters())
		if domain.CodeOf(err) != c.code || len(in) != c.n {
			t.Errorf("%s: %v, %v", name, in, err)
		}
		if c.n > 1 && !slices.IsSortedFunc(in, func(a, b plan.InForce) int { return int(a.From - b.From) }) {
			t.Errorf("%s: not in order", name)
		}
	}
}
