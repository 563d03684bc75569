// Package bills makes what tests of bills need: a country's plan and a month of facts, and any number of random ones.
package bills

import (
	"context"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	_ "lignum/tests/tenth"
)

// Date reads a date, which must be one.
func Date(text string) billing.Date {
	d, ok := billing.ReadDate(text)
	if !ok {
		panic(text + " is no date")
	}
	return d
}

// Days is the period from a date until before another.
func Days(from, to string) billing.Period { return billing.Period{From: Date(from), To: Date(to)} }

// Version is a plan with one of each model, in a currency.
func Version(c billing.Currency) plan.Version {
	return plan.Version{Plan: "country", Version: 1, Title: "Lignum for countries", From: Date("2026-01-01"), Currency: c, Cycle: billing.Monthly, Proration: plan.ByDays, BaseFee: "250000", Minimum: "300000",
		Components: []plan.Component{
			{Name: "students", Title: "Active students", Meter: "active_students", Included: 2, Model: plan.Graduated, Tiers: []plan.Tier{{UpTo: 3, Price: "120"}, {Above: 3, Price: "95.505"}}},
			{Name: "storage", Title: "Storage, by the gigabyte for 30 days", Meter: "storage", Model: plan.Unit, Per: 30_000_000_000, Price: "3.75"},
			{Name: "messages", Title: "Messages", Meter: "messages", Model: plan.Package, Per: 1000, Price: "45.50"},
			{Name: "live", Title: "Live classes", Meter: "live_minutes", Model: plan.Volume, Tiers: []plan.Tier{{UpTo: 600, Price: "0.333"}, {Above: 600, Price: "0.25"}}},
			{Name: "classes", Title: "Classes", Meter: "classes", Model: plan.Unit, Price: "10"},
		},
		Discounts: []plan.Discount{{Name: "launch", Title: "Launch discount", Percent: "12.5"}, {Name: "schools", Title: "For small schools", Amount: "1000"}}}
}

// Issuer is who bills, with the numbers that the laws of Jamaica and The Bahamas ask for.
var Issuer = invoice.Party{Name: "Lignum Learning Limited", Address: []string{"12 Trafalgar Road", "Kingston 10"}, Country: "JM", TaxNumber: "001-234-567", Registration: "1234567"}

// Facts are a small month of a country: September 2026.
func Facts() (list []meter.Fact) {
	at := func(day, hour int) time.Time { return time.Date(2026, 9, day, hour, 0, 0, 0, time.UTC) }
	add := func(name, subject string, at time.Time, quantity int64) {
		list = append(list, meter.Fact{Key: fmt.Sprintf("%s:%s:%s", name, at.Format("2006-01-02T15"), subject), Meter: name, Subject: subject, At: at, Quantity: quantity})
	}
	for s := range 7 {
		add("sign_ins", fmt.Sprintf("s-%02d", s), at(3+s, 14), 1)
		if s != 2 {
			add("work", fmt.Sprintf("s-%02d", s), at(4+2*s, 15), int64(s+1))
		}
	}
	add("storage", "f-1", at(1, 2), 40_000_000_000) // 31 August in Kingston
	add("storage", "f-2", at(10, 12), 15_000_000_000)
	add("storage", "f-1", at(20, 12), 0)
	add("messages", "", at(12, 12), 2400)
	add("live_minutes", "c-1", at(9, 18), 55)
	add("live_minutes", "c-2", at(16, 18), 600)
	add("classes", "c-1", at(2, 12), 1)
	add("classes", "c-2", at(5, 12), 1)
	add("classes", "c-1", at(25, 12), 0)
	add("database_requests", "", at(30, 23), 1_052_165)
	return list
}

// Jamaica is all that the invoice of Jamaica's September 2026 follows from.
func Jamaica() invoice.Input {
	regime, err := tax.Of("JM")
	if err != nil {
		panic(err)
	}
	return invoice.Input{
		Terms: invoice.Terms{Language: "en", Number: "LL-000042", Issued: Date("2026-10-02"), Due: Date("2026-11-01"), Order: "MOEY-2026-118", Issuer: Issuer,
			Customer: invoice.Party{Name: "Ministry of Education, Skills, Youth and Information", Address: []string{"2–4 National Heroes Circle", "Kingston 4"}, Country: "JM", TaxNumber: "000-999-888"},
			Pay:      []string{"Lignum Learning Limited, Bank of the Caribbean, Half Way Tree", "Account 000-123-456, JMD; SWIFT BCARJMKN"},
			Zone:     "America/Jamaica", Period: Days("2026-09-01", "2026-10-01")},
		Meters: meter.Meters(), InForce: []plan.InForce{{From: Date("2026-01-01"), Version: Version("JMD")}}, Tax: regime, Facts: Facts(),
		Credits: []plan.Credit{{Name: "outage", Title: "For the outage of 14 August", Left: 1_500_000}},
	}
}

// Zones are those of the Caribbean and of who bounds on it, with those whose clocks change at midnight, and others that make days long, short or double.
func Zones() []string {
	return []string{"America/Jamaica", "America/Nassau", "America/Grand_Turk", "America/Port-au-Prince", "America/Havana", "America/Guyana", "America/Paramaribo", "America/Belize", "Atlantic/Bermuda",
		"America/Barbados", "America/Port_of_Spain", "America/Cayman", "America/Tortola", "America/Antigua", "America/Anguilla", "America/Dominica", "America/Grenada", "America/Montserrat", "America/St_Kitts",
		"America/St_Lucia", "America/St_Vincent", "America/St_Thomas", "America/Puerto_Rico", "America/Santo_Domingo", "America/Martinique", "America/Guadeloupe", "America/Marigot", "America/St_Barthelemy",
		"America/Curacao", "America/Aruba", "America/Kralendijk", "America/Lower_Princes", "America/Cayenne", "America/Caracas", "America/Bogota", "America/Panama", "America/Cancun", "America/Costa_Rica",
		"America/Tegucigalpa", "America/Managua", "America/Guatemala", "America/El_Salvador", "America/New_York", "America/St_Johns", "America/Asuncion", "America/Sao_Paulo", "Pacific/Apia", "UTC"}
}

// Random makes the input of an invoice: any currency, zone, cycle, plans, discounts, credits and rates of tax, up to two earlier periods, and facts of which some came late. It gives false for one that needs a
// credit note first.
func Random(t *rapid.T) (invoice.Input, bool) {
	number := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
	currency := rapid.SampledFrom(billing.Currencies()).Draw(t, "currency")
	cycle := rapid.SampledFrom(billing.Cycles()).Draw(t, "cycle")
	zone := rapid.SampledFrom(Zones()).Draw(t, "zone")
	first := Date("2012-01-01") + billing.Date(number("first day", 0, 18*365))
	var periods []billing.Period
	if cycle == billing.Monthly {
		p, _ := billing.PeriodOf(cycle, nil, first)
		for range number("earlier periods", 0, 2) + 1 {
			periods = append(periods, p)
			p, _ = billing.PeriodOf(cycle, nil, p.To)
		}
	} else {
		for from := first; len(periods) < 2; {
			to := from + billing.Date(number("days", 30, 160))
			periods = append(periods, billing.Period{From: from, To: to})
			from = to
		}
		periods = periods[:number("periods", 1, 2)]
	}
	whole := billing.Period{From: periods[0].From, To: periods[len(periods)-1].To}
	in := invoice.Input{Terms: invoice.Terms{Language: "en", Issuer: Issuer, Customer: invoice.Party{Name: "A ministry", Address: []string{"A street"}, Country: "BS"}, Zone: zone}, Meters: meter.Meters(),
		InForce: inForce(t, currency, cycle, whole), Tax: regime(t, whole)}
	for i := range number("exemptions", 0, 1) {
		from := whole.From + billing.Date(number("exempt from", -10, whole.Days()-1))
		in.Exemptions = append(in.Exemptions, tax.Exemption{Certificate: fmt.Sprintf("EX-%d", i), Days: billing.Period{From: from, To: from + billing.Date(number("exempt days", 1, 90))}})
	}
	for i := range number("credits", 0, 3) {
		until := billing.Date(0)
		if number("expires", 0, 1) == 1 {
			until = whole.From + billing.Date(number("until", 0, whole.Days()+10))
		}
		in.Credits = append(in.Credits, plan.Credit{Name: fmt.Sprintf("credit-%d", i), Title: "A credit", Left: int64(number("left", 0, 2_000_000)), Until: until})
	}
	all, arrived := RandomFacts(t, whole, zone)
	var bills []invoice.Invoice
	for i, p := range periods {
		own := in
		own.Terms.Number, own.Terms.Period, own.Terms.Issued = fmt.Sprintf("R-%06d", i+1), p, p.To
		own.Terms.Due = p.To + 30
		own.Earlier = invoice.EarlierOf(bills)
		for n, f := range all {
			if arrived[n] <= i {
				own.Facts = append(own.Facts, f)
			}
		}
		bill, err := invoice.Assemble(own)
		if domain.CodeOf(err) == domain.Conflict || domain.CodeOf(err) == domain.NotFound { // a credit note first, or no plan yet
			if i == len(periods)-1 || domain.CodeOf(err) == domain.Conflict {
				return in, false
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v", err)
		}
		bills = append(bills, bill)
		if i == len(periods)-1 {
			in = own
		}
	}
	return in, true
}

// RandomFacts makes facts around a period of a zone, and says with which of its bills each has arrived.
func RandomFacts(t *rapid.T, p billing.Period, zone string) (list []meter.Fact, arrived []int) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	begins, ends := p.Moments(loc)
	span := int(ends.Sub(begins)/time.Second) + 2*86_400
	for i := range rapid.IntRange(0, 40).Draw(t, "facts") {
		at := begins.Add(-86_400 * time.Second).Add(time.Duration(rapid.IntRange(0, span).Draw(t, "at")) * time.Second)
		if rapid.IntRange(0, 9).Draw(t, "edge") == 0 { // just at the edge of a day
			at = billing.Begins(p.From+billing.Date(rapid.IntRange(0, p.Days()).Draw(t, "day")), loc).Add(time.Duration(rapid.IntRange(-1, 0).Draw(t, "before")))
		}
		name := rapid.SampledFrom([]string{"sign_ins", "sign_ins", "work", "work", "storage", "classes", "live_minutes", "messages", "database_requests"}).Draw(t, "meter")
		most := map[string]int{"storage": 90_000_000_000_000, "classes": 3, "live_minutes": 500, "messages": 5000}[name]
		list = append(list, meter.Fact{Key: fmt.Sprintf("k-%03d", i), Meter: name, Subject: fmt.Sprintf("s-%d", rapid.IntRange(0, 8).Draw(t, "subject")), At: at.UTC(), Quantity: int64(rapid.IntRange(0, max(most, 2)).Draw(t, "quantity"))})
		arrived = append(arrived, rapid.IntRange(0, 2).Draw(t, "arrived"))
	}
	return list, arrived
}

// price is a decimal with up to so many digits behind the point.
func price(t *rapid.T, most, digits int) billing.Decimal {
	whole, behind := rapid.IntRange(0, most).Draw(t, "price"), rapid.IntRange(0, digits).Draw(t, "digits")
	if behind == 0 {
		return billing.Decimal(fmt.Sprint(whole))
	}
	text := fmt.Sprintf("%06d", rapid.IntRange(0, 999_999).Draw(t, "fraction"))
	return billing.Decimal(fmt.Sprintf("%d.%s", whole, text[:behind]))
}

// inForce makes one to three versions, one after the other, which may begin late and end early.
func inForce(t *rapid.T, c billing.Currency, cycle billing.Cycle, p billing.Period) (list []plan.InForce) {
	from := p.From - 400
	if rapid.IntRange(0, 3).Draw(t, "begins late") == 0 {
		from = p.From + billing.Date(rapid.IntRange(0, p.Days()-1).Draw(t, "late"))
	}
	proration := rapid.SampledFrom(plan.Prorations()).Draw(t, "proration")
	for i := range rapid.IntRange(1, 3).Draw(t, "versions") {
		v := RandomVersion(t, c, cycle, proration)
		v.Version, v.From = i+1, from
		list = append(list, plan.InForce{From: from, Version: v})
		if i > 0 {
			list[i-1].To = from
		}
		from = max(from, p.From) + billing.Date(rapid.IntRange(1, max(2, p.Days()/2)).Draw(t, "holds"))
	}
	if last := &list[len(list)-1]; rapid.IntRange(0, 4).Draw(t, "ends early") == 0 && last.From < p.To-1 {
		last.To = max(last.From, p.From) + billing.Date(rapid.IntRange(1, int(p.To-max(last.From, p.From))).Draw(t, "early"))
	}
	return list
}

// RandomVersion makes a plan that is right.
func RandomVersion(t *rapid.T, c billing.Currency, cycle billing.Cycle, proration plan.Proration) plan.Version {
	v := plan.Version{Plan: "random", Version: 1, Title: "A plan", From: Date("2000-01-01"), Currency: c, Cycle: cycle, Proration: proration}
	if rapid.Bool().Draw(t, "fee") {
		v.BaseFee = price(t, 5000, 2)
	}
	if rapid.IntRange(0, 3).Draw(t, "has minimum") == 0 {
		v.Minimum = price(t, 9000, 2)
	}
	meters := []string{"active_students", "storage", "classes", "live_minutes", "messages"}
	names := slices.Clone(meters)
	for range rapid.IntRange(0, 4).Draw(t, "components") {
		i := rapid.IntRange(0, len(names)-1).Draw(t, "which")
		name := names[i]
		names = slices.Delete(names, i, i+1)
		comp := plan.Component{Name: name, Title: "For " + name, Meter: name, Model: rapid.SampledFrom(plan.Models()).Draw(t, "model")}
		big := 1
		if name == "storage" {
			big = 10_000_000_000_000
		}
		if rapid.Bool().Draw(t, "includes") {
			comp.Included = int64(rapid.IntRange(0, 5).Draw(t, "included") * big)
		}
		if comp.Per = int64(rapid.IntRange(0, 7).Draw(t, "per") * big); comp.Per == 0 && (comp.Model == plan.Package || big > 1) {
			comp.Per = int64(3 * big)
		}
		switch comp.Model {
		case plan.Unit, plan.Package:
			comp.Price = price(t, 90, 6)
		case plan.Graduated, plan.Volume:
			above := int64(0)
			for range rapid.IntRange(0, 3).Draw(t, "tiers") {
				upTo := above + int64(rapid.IntRange(1, 20).Draw(t, "tier")*big)
				comp.Tiers = append(comp.Tiers, plan.Tier{Above: above, UpTo: upTo, Price: price(t, 90, 6)})
				above = upTo
			}
			comp.Tiers = append(comp.Tiers, plan.Tier{Above: above, Price: price(t, 90, 6)})
		}
		v.Components = append(v.Components, comp)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "discounts") {
		d := plan.Discount{Name: fmt.Sprintf("discount_%d", i), Title: "A discount"}
		if rapid.Bool().Draw(t, "by percent") {
			d.Percent = billing.Decimal(fmt.Sprintf("%d.%d", rapid.IntRange(0, 99).Draw(t, "percent"), rapid.IntRange(1, 9).Draw(t, "tenth")))
		} else {
			d.Amount = price(t, 3000, 2)
		}
		v.Discounts = append(v.Discounts, d)
	}
	return v
}

// regime makes a tax whose rate may change in the period.
func regime(t *rapid.T, p billing.Period) tax.Regime {
	r := tax.Regime{Country: "BS", Name: "VAT", Document: tax.VATInvoice}
	from := p.From - 100
	for range rapid.IntRange(1, 3).Draw(t, "rates") {
		r.Rates = append(r.Rates, tax.Rate{Percent: rapid.SampledFrom([]billing.Decimal{"0", "7.5", "10", "12", "12.5", "15", "16.5", "17.5"}).Draw(t, "rate"), From: from, Source: "made up"})
		from = max(from, p.From) + billing.Date(rapid.IntRange(1, p.Days()).Draw(t, "rate holds"))
	}
	return r
}

// Bahamas is an invoice with all that may befall one: the plan and the rate of tax change within the period, an exemption ends in it, a bill went before, and facts of that came late.
func Bahamas() invoice.Input {
	first := Version("BSD")
	first.From, first.BaseFee, first.Minimum = Date("2021-11-01"), "1200.50", "1000"
	second := first
	second.Version, second.From, second.BaseFee = 2, Date("2021-12-20"), "1399.99"
	second.Components = slices.Clone(first.Components)
	second.Components[1].Price = "4.10"
	second.Discounts = []plan.Discount{{Name: "launch", Title: "Launch discount", Percent: "5"}}
	regime, err := tax.Of("BS")
	if err != nil {
		panic(err)
	}
	in := invoice.Input{
		Terms: invoice.Terms{Language: "en", Number: "BB-000007", Issued: Date("2021-12-01"), Due: Date("2021-12-31"),
			Issuer:   invoice.Party{Name: "Lignum Learning (Bahamas) Limited", Address: []string{"Bay Street 100", "Nassau, New Providence"}, Country: "BS", TaxNumber: "100123456"},
			Customer: invoice.Party{Name: "Department of Education", Address: []string{"University Drive", "Nassau, New Providence"}, Country: "BS", TaxNumber: "100654321"},
			Pay:      []string{"Lignum Learning (Bahamas) Limited, Bank of New Providence, account 77-001"},
			Zone:     "America/Nassau", Period: Days("2021-11-01", "2021-12-01")},
		Meters: meter.Meters(), InForce: []plan.InForce{{From: Date("2021-11-01"), To: Date("2021-12-20"), Version: first}, {From: Date("2021-12-20"), Version: second}}, Tax: regime,
		Exemptions: []tax.Exemption{{Certificate: "VAT-EX-2021-0042", Days: Days("2021-06-01", "2021-12-05")}},
	}
	move := func(f meter.Fact, months int) meter.Fact {
		f.At = f.At.AddDate(-5, months, 0)
		f.Key += fmt.Sprint("-", months)
		return f
	}
	var late []meter.Fact
	for i, f := range Facts() {
		if i%5 == 3 {
			late = append(late, move(f, 2))
		} else {
			in.Facts = append(in.Facts, move(f, 2))
		}
	}
	before, err := invoice.Assemble(in)
	if err != nil {
		panic(err)
	}
	in.Earlier = invoice.EarlierOf([]invoice.Invoice{before})
	in.Terms.Number, in.Terms.Period, in.Terms.Issued, in.Terms.Due = "BB-000019", Days("2021-12-01", "2022-01-01"), Date("2022-01-03"), Date("2022-02-02")
	in.Facts = append(in.Facts, late...)
	for _, f := range Facts() {
		in.Facts = append(in.Facts, move(f, 3))
	}
	in.Credits = []plan.Credit{{Name: "goodwill", Title: "Goodwill", Left: 25_000}, {Name: "outage", Title: "For the outage of 14 August", Left: 5_000, Until: Date("2022-01-31")}}
	return in
}

// Bill has a tenant billed by the plan of Version for so many months, the last of which is the one before now, and gives the numbers of its invoices. platform is the platform's realm.
func Bill(ctx context.Context, platform *tenants.DB, by audit.Actor, slug string, months int, now time.Time) (numbers []string, err error) {
	year, month, _ := now.UTC().AddDate(0, 0, -1).Date()
	first := billing.On(year, month-time.Month(months), 1)
	v := Version("JMD")
	v.From = Date("2020-01-01")
	err = platform.Write(ctx, by, func(tx *tenants.Tx) error {
		if err := books.PutIssuer(ctx, tx, books.Issuer{Name: "lignum-jm", Prefix: "LL", Party: Issuer, Pay: []string{"Bank of the Caribbean, account 000-123-456"}, Zone: "America/Jamaica"}); err != nil {
			return err
		}
		if err := books.AddVersion(ctx, tx, v, now); err != nil && domain.CodeOf(err) != domain.Invalid { // it is there already
			return err
		}
		if err := books.PutAccount(ctx, tx, books.Account{Slug: slug, Issuer: "lignum-jm", Customer: invoice.Party{Name: "Ministry of Education", Address: []string{"Heroes Circle"}, Country: "JM"},
			To: []string{"accounts@example.org"}, Language: "en", DueDays: 30}, now); err != nil {
			return err
		}
		return books.SetPlan(ctx, tx, slug, v.Plan, v.Version, first, billing.On(now.UTC().Date()))
	})
	for i := 0; i < months && err == nil; i++ {
		err = platform.Write(ctx, by, func(tx *tenants.Tx) error {
			inv, err := books.Issue(ctx, tx, slug, billing.Period{}, now)
			numbers = append(numbers, inv.Number)
			return err
		})
	}
	return numbers, err
}
