// Package plan says what a tenant pays for: plans with versions, which never change once they are in force, their components on meters, discounts, the minimum and
// credits; and which version a tenant has on which days. It knows how to tell a plan that is wrong from one that is right, and computes nothing.
//
// What may come in: other ways to price, each with its rules of what is right.
package plan

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/domain"
)

// Version is a plan as it is from a date on. A version is never changed: what changes is a new version, with the next number and a later date.
type Version struct {
	Plan       string           `json:"plan" doc:"What programs call the plan, such as country"` // "country"
	Version    int              `json:"version" doc:"1, or one more than the last"`
	Title      string           `json:"title" doc:"What the tenant reads"`                     // what the tenant reads
	From       billing.Date     `json:"from" doc:"The first day on which tenants may have it"` // the first day on which it may hold
	Currency   billing.Currency `json:"currency" doc:"ISO 4217, such as JMD"`
	Cycle      billing.Cycle    `json:"cycle" doc:"monthly, termly or school_year"`
	Proration  Proration        `json:"proration" doc:"by_days, or whole: the first version of a period is charged for all of it"`
	BaseFee    billing.Decimal  `json:"base_fee,omitempty" doc:"For each period, such as 250000.00; empty: none"`                     // for each period; empty: none
	Minimum    billing.Decimal  `json:"minimum,omitempty" doc:"What a period costs at least, before credits and tax; empty: nothing"` // what a period costs at least, before credits and tax; empty: none
	Components []Component      `json:"components" doc:"What is charged of what is used, at most 100"`
	Discounts  []Discount       `json:"discounts" doc:"What is taken off, in this order, at most 20"`
}

// Proration says what becomes of a period in which the version changes, or which the tenant's time with us does not fill.
type Proration string

// The rules. By days: base fee, minimum and discounts of a fixed sum count with the version's days out of those of the period. Usage is counted once for the whole period,
// priced by each version as a whole, and each price counts with the version's days out of those that any version holds: included amounts and tiers are not cut into
// pieces, and what is used in a short first period is charged in full. Whole: the first version that holds in the period is charged for all of it; a change holds
// from the next period on. The first version's rule is the period's.
const (
	ByDays Proration = "by_days"
	Whole  Proration = "whole"
)

// Prorations are both.
func Prorations() []Proration { return []Proration{ByDays, Whole} }

// Component is a charge for what a meter counts.
type Component struct {
	Name     string          `json:"name" doc:"The same in all versions, such as students"` // within the plan, the same in all versions: "students"
	Title    string          `json:"title" doc:"What the tenant reads"`                     // what the tenant reads
	Meter    string          `json:"meter" doc:"What is counted, such as active_students or storage"`
	Included int64           `json:"included,omitempty" doc:"So many units cost nothing"` // so many units cost nothing
	Model    Model           `json:"model" doc:"unit, graduated, volume or package"`
	Per      int64           `json:"per,omitempty" doc:"A price is for so many units, or a package has so many; 0: one"` // a price is for so many units; 0: for one. Of a package it is what is in one
	Price    billing.Decimal `json:"price,omitempty" doc:"Of unit and package, such as 3.75"`                            // of Unit and Package
	Tiers    []Tier          `json:"tiers,omitempty" doc:"Of graduated and volume"`                                      // of Graduated and Volume
}

// Model is how a quantity is priced, after what is included has been taken off.
type Model string

// The models.
const (
	Unit      Model = "unit"      // each unit has one price
	Graduated Model = "graduated" // the units of each tier have that tier's price
	Volume    Model = "volume"    // all units have the price of the tier that the last of them lies in
	Package   Model = "package"   // by the package, of which a part counts as whole
)

// Models are all of them.
func Models() []Model { return []Model{Unit, Graduated, Volume, Package} }

// Tier is the units after the first Above, up to UpTo, with it. The last tier has no end: UpTo is 0.
type Tier struct {
	Above int64           `json:"above" doc:"After so many units"`
	UpTo  int64           `json:"up_to,omitempty" doc:"Up to so many, with the last; missing: all that follow"`
	Price billing.Decimal `json:"price" doc:"Such as 120, or 95.505"`
}

// Discount takes something off the charges: a percentage, or a sum for each period. Discounts are taken in their order, each of the charges before any discount, and never
// more than is left of them. The minimum comes after them: a discount does not go below it.
type Discount struct {
	Name    string          `json:"name" doc:"What programs call it"`
	Title   string          `json:"title" doc:"What the tenant reads"`
	Percent billing.Decimal `json:"percent,omitempty" doc:"More than 0, to 100; or an amount"` // more than 0, to 100
	Amount  billing.Decimal `json:"amount,omitempty" doc:"For each period"`
}

// Credit is a sum that we owe a tenant, taken off its next bills before tax, never below zero; what is left stays for the bill after.
type Credit struct {
	Name  string       `json:"name" doc:"Which no other credit of the tenant has"` // among the tenant's credits
	Title string       `json:"title" doc:"What the tenant reads"`
	Left  int64        `json:"left" doc:"In minor units, such as cents"`                                                   // minor units; what earlier bills took is off already
	Until billing.Date `json:"until,omitempty" doc:"The last day of whose period a bill may take it off; missing: always"` // the last day of whose period it may still be taken; none: always
}

// InForce is a version that a tenant has on some days. To is the first day on which it has it no more; none: for the time being.
type InForce struct {
	From    billing.Date `json:"from"`
	To      billing.Date `json:"to,omitempty"`
	Version Version      `json:"version"`
}

// Within gives the days of a period on which the version is in force; 0 days or less: none.
func (f InForce) Within(p billing.Period) billing.Period {
	own := billing.Period{From: f.From, To: f.To}
	if f.To == 0 {
		own.To = p.To
	}
	return own.Within(p)
}

// name is what programs call plans, components, discounts and credits.
var name = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

func checkName(p *domain.Problems, field, is string) {
	if !name.MatchString(is) {
		p.Add(field, "billing.must_be_a_name")
	}
}

// Validate tells everything that is wrong with the version as one domain.Invalid. meters are those that there are.
func (v *Version) Validate(meters []meter.Meter) error {
	var p domain.Problems
	checkName(&p, "plan", v.Plan)
	if v.Version < 1 {
		p.Add("version", "billing.must_be_from_one")
	}
	p.Text("title", v.Title, 1, 100)
	if v.From == 0 {
		p.Add("from", "billing.must_be_a_date")
	}
	if !v.Currency.Known() {
		p.Add("currency", "billing.unknown_currency", "Is", string(v.Currency))
	}
	if !slices.Contains(billing.Cycles(), v.Cycle) {
		p.Add("cycle", "billing.unknown_cycle", "Is", string(v.Cycle))
	}
	if !slices.Contains(Prorations(), v.Proration) {
		p.Add("proration", "billing.unknown_proration", "Is", string(v.Proration))
	}
	v.BaseFee.CheckSum(&p, "base_fee", v.Currency)
	v.Minimum.CheckSum(&p, "minimum", v.Currency)
	if len(v.Components) > 100 {
		p.Add("components", "billing.too_many", "Most", 100)
	}
	if len(v.Discounts) > 20 {
		p.Add("discounts", "billing.too_many", "Most", 20)
	}
	seen := map[string]bool{}
	once := func(field, name string) {
		if checkName(&p, field, name); seen[name] {
			p.Add(field, "billing.name_is_taken", "Name", name)
		}
		seen[name] = true
	}
	for i, c := range v.Components {
		field := fmt.Sprintf("components[%d]", i)
		once(field+".name", c.Name)
		c.check(&p, field, meters)
	}
	for i, d := range v.Discounts {
		field := fmt.Sprintf("discounts[%d]", i)
		once(field+".name", d.Name)
		d.check(&p, field, v.Currency)
	}
	return p.Err()
}

func (c *Component) check(p *domain.Problems, field string, meters []meter.Meter) {
	p.Text(field+".title", c.Title, 1, 100)
	switch m, known := meter.Find(meters, c.Meter); {
	case !known:
		p.Add(field+".meter", "billing.unknown_meter", "Is", c.Meter)
	case !m.Billed:
		p.Add(field+".meter", "billing.meter_is_not_billed", "Is", c.Meter)
	}
	if c.Included < 0 {
		p.Add(field+".included", "billing.must_not_be_negative")
	}
	switch {
	case c.Per < 0:
		p.Add(field+".per", "billing.must_not_be_negative")
	case c.Per == 0 && c.Model == Package:
		p.Add(field+".per", "billing.package_is_empty")
	case c.Per > meter.MostQuantity:
		p.Add(field+".per", "billing.too_large")
	}
	switch c.Model {
	case Unit, Package:
		c.Price.Check(p, field+".price")
		if len(c.Tiers) > 0 {
			p.Add(field+".tiers", "billing.model_has_no_tiers", "Model", string(c.Model))
		}
	case Graduated, Volume:
		if c.Price != "" {
			p.Add(field+".price", "billing.price_stands_in_tiers")
		}
		c.checkTiers(p, field+".tiers")
	default:
		p.Add(field+".model", "billing.unknown_model", "Is", string(c.Model))
	}
}

// checkTiers notes what is wrong with tiers: together they hold each unit once.
func (c *Component) checkTiers(p *domain.Problems, field string) {
	if len(c.Tiers) == 0 || len(c.Tiers) > 50 {
		p.Add(field, "billing.must_have_tiers", "Most", 50)
		return
	}
	reached := int64(0)
	for i, t := range c.Tiers {
		own := fmt.Sprintf("%s[%d]", field, i)
		t.Price.Check(p, own+".price")
		switch last := i == len(c.Tiers)-1; {
		case t.Above < 0:
			p.Add(own+".above", "billing.must_not_be_negative")
		case t.Above > reached:
			p.Add(own+".above", "billing.tiers_leave_a_gap", "First", int(reached+1), "Last", int(t.Above))
		case t.Above < reached:
			p.Add(own+".above", "billing.tiers_overlap", "First", int(t.Above+1), "Last", int(reached))
		case last && t.UpTo != 0:
			p.Add(own+".up_to", "billing.last_tier_is_open")
		case !last && t.UpTo <= t.Above:
			p.Add(own+".up_to", "billing.tier_is_empty", "Above", int(t.Above))
		}
		reached = t.UpTo
	}
}

func (d *Discount) check(p *domain.Problems, field string, c billing.Currency) {
	p.Text(field+".title", d.Title, 1, 100)
	switch {
	case (d.Percent == "") == (d.Amount == ""):
		p.Add(field, "billing.percent_or_amount")
	case d.Percent != "":
		had := len(*p)
		if d.Percent.Check(p, field+".percent"); len(*p) == had && (d.Percent.Rat().Sign() == 0 || d.Percent.Rat().Cmp(big.NewRat(100, 1)) > 0) {
			p.Add(field+".percent", "billing.must_be_a_percentage")
		}
	default:
		d.Amount.CheckSum(p, field+".amount", c)
	}
}

// CheckNext tells what is wrong with a version that follows another of the same plan: its number is the next, it holds from a later day, and its currency is the same, since a
// period is billed in one.
func (v *Version) CheckNext(before Version) error {
	var p domain.Problems
	if v.Plan != before.Plan {
		p.Add("plan", "billing.other_plan", "Wanted", before.Plan)
	}
	if v.Version != before.Version+1 {
		p.Add("version", "billing.must_be_the_next", "Next", before.Version+1)
	}
	if v.From <= before.From {
		p.Add("from", "billing.must_be_after", "Date", before.From.String())
	}
	if v.Currency != before.Currency {
		p.Add("currency", "billing.other_currency", "Wanted", string(before.Currency), "Is", string(v.Currency))
	}
	return p.Err()
}

// During gives the versions that are in force in a period, in the order of their days. It gives domain.Invalid when two hold on the same day, when none holds on a day
// between two of them, when one holds before the date from which it may, when they have not one currency and one cycle, and when one is not right in itself; and
// domain.NotFound when none is in force.
func During(list []InForce, period billing.Period, meters []meter.Meter) ([]InForce, error) {
	var p domain.Problems
	var in []InForce
	for i, f := range list {
		field := fmt.Sprintf("in_force[%d]", i)
		if f.To != 0 && f.To <= f.From {
			p.Add(field, "billing.must_end_after_it_begins")
		}
		if f.From < f.Version.From {
			p.Add(field+".from", "billing.must_not_be_before", "Date", f.Version.From.String())
		}
		if f.Within(period).Days() > 0 {
			in = append(in, f)
			if err := f.Version.Validate(meters); err != nil {
				return nil, err
			}
		}
	}
	slices.SortStableFunc(in, func(a, b InForce) int { return int(a.From - b.From) })
	for i := 1; i < len(in); i++ {
		before, own := in[i-1].Within(period), in[i].Within(period)
		switch {
		case own.From < before.To:
			p.Add("in_force", "billing.periods_overlap", "First", before.From.String(), "Second", own.From.String())
		case own.From > before.To:
			p.Add("in_force", "billing.no_plan_between", "First", before.To.String(), "Last", own.From.String())
		}
		if a, b := in[i-1].Version.Currency, in[i].Version.Currency; a != b {
			p.Add("in_force", "billing.other_currency", "Wanted", string(a), "Is", string(b))
		}
		if a, b := in[i-1].Version.Cycle, in[i].Version.Cycle; a != b {
			p.Add("in_force", "billing.other_cycle")
		}
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if len(in) == 0 {
		return nil, domain.Refuse(domain.NotFound, "billing.no_plan_in_force", "First", period.From.String(), "Last", period.Last().String())
	}
	return in, nil
}
