// Package meter counts what a tenant used. A meter is data: what it is called, in which unit it counts, and how the facts of a period become one number. A fact is
// something that happened, written in the transaction in which it happened, under a key of its own: facts that come twice count once, and their order does not matter.
//
// What may come in: ways to count. Nothing here knows what anything costs.
package meter

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"lignum/billing"
	"lignum/domain"
)

// Aggregate says how the facts of a period become one number.
type Aggregate string

// The ways to count. Of Sum and Distinct a fact is an event, and its quantity how much; of the others a fact is a level, which holds for its subject from then until that
// subject's next fact, also into the next period: a file's bytes when it is stored, and 0 when it is removed.
const (
	Sum      Aggregate = "sum"      // the quantities of the period together
	Distinct Aggregate = "distinct" // how many subjects have a fact with a quantity above 0 in the period, in each of the meters that Of names
	Latest   Aggregate = "latest"   // the levels of all subjects together, when the period ends
	Highest  Aggregate = "highest"  // the highest that all levels together were in the period
	ByDay    Aggregate = "by_day"   // the levels of all subjects together at the end of each day, added up over the days. A day counts as one, be it of 23 hours or 25
)

// Aggregates are all of them.
func Aggregates() []Aggregate { return []Aggregate{Sum, Distinct, Latest, Highest, ByDay} }

// Additive reports whether what is counted in two periods, one after the other, is together what is counted in both as one. Somebody who is active in two months is one
// active student of each, and of both together: Distinct is not additive, nor are Latest and Highest.
func (a Aggregate) Additive() bool { return a == Sum || a == ByDay }

// Meter is one thing that is counted.
type Meter struct {
	Name      string    `json:"name"`            // of programs: "active_students"; its words stand in meter.yaml
	Unit      string    `json:"unit"`            // what people read: "student"
	Scale     int64     `json:"scale,omitempty"` // so many are one unit for people: a gigabyte; 0: one
	Aggregate Aggregate `json:"aggregate"`
	Of        []string  `json:"of,omitempty"` // for Distinct: the meters in whose facts a subject must be; empty: its own
	Billed    bool      `json:"billed"`       // whether plans may charge for it; what is not is counted for information
}

// Meters are the first set. Storage is counted in bytes, and read in gigabytes. An active student is somebody who both signed in and worked, in the same period: a roster alone makes nobody active.
func Meters() []Meter {
	return []Meter{
		{Name: "active_students", Unit: "student", Aggregate: Distinct, Of: []string{"sign_ins", "work"}, Billed: true},
		{Name: "sign_ins", Unit: "sign_in", Aggregate: Sum},
		{Name: "work", Unit: "piece", Aggregate: Sum},
		{Name: "storage", Unit: "gigabyte_day", Scale: 1_000_000_000, Aggregate: ByDay, Billed: true},
		{Name: "classes", Unit: "class", Aggregate: Highest, Billed: true},
		{Name: "live_minutes", Unit: "minute", Aggregate: Sum, Billed: true},
		{Name: "messages", Unit: "message", Aggregate: Sum, Billed: true},
		{Name: "database_requests", Unit: "request", Aggregate: Sum},
	}
}

// Find gives the meter of a name.
func Find(meters []Meter, name string) (Meter, bool) {
	i := slices.IndexFunc(meters, func(m Meter) bool { return m.Name == name })
	if i < 0 {
		return Meter{}, false
	}
	return meters[i], true
}

// Fact is one thing that happened. Its key names it among all facts of the tenant, whoever writes it, so that what is tried again is no second fact: of an active
// student "sign_ins:2026-09-14:s-81f3".
type Fact struct {
	Key      string    `json:"key"`
	Meter    string    `json:"meter"`
	Subject  string    `json:"subject"` // a pseudonym: who or what it is of; "" for all of the tenant
	At       time.Time `json:"at"`
	Quantity int64     `json:"quantity"`
}

// MostQuantity is the largest quantity of one fact.
const MostQuantity = 1_000_000_000_000_000

// Check notes what is wrong with a fact.
func (f Fact) Check(p *domain.Problems, field string) {
	p.Text(field+".key", f.Key, 1, 200)
	p.Text(field+".meter", f.Meter, 1, 60)
	p.Text(field+".subject", f.Subject, 0, 100)
	switch {
	case f.Quantity < 0:
		p.Add(field+".quantity", "billing.must_not_be_negative")
	case f.Quantity > MostQuantity:
		p.Add(field+".quantity", "billing.too_large")
	}
	if y := f.At.UTC().Year(); y < 1990 || y > 2200 {
		p.Add(field+".at", "billing.must_be_a_date")
	}
}

// Normal gives the facts as they are counted and kept: in the order of meter, time and key, times in UTC, each key once. It gives domain.Invalid for a fact that is wrong, and
// domain.Conflict when one key has two different facts: nobody could say which of them is true.
func Normal(facts []Fact) ([]Fact, error) {
	var p domain.Problems
	list := make([]Fact, len(facts))
	for i, f := range facts {
		if len(p) < 20 {
			f.Check(&p, "facts["+f.Key+"]")
		}
		f.At = f.At.UTC().Round(0)
		list[i] = f
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Fact) int { return strings.Compare(a.Key, b.Key) })
	for i := 1; i < len(list); i++ {
		if list[i].Key == list[i-1].Key && list[i] != list[i-1] {
			return nil, domain.Refuse(domain.Conflict, "billing.one_key_two_facts", "Key", list[i].Key)
		}
	}
	list = slices.Compact(list)
	slices.SortStableFunc(list, func(a, b Fact) int {
		if c := strings.Compare(a.Meter, b.Meter); c != 0 {
			return c
		}
		return a.At.Compare(b.At)
	})
	return list, nil
}

// Count gives what a meter counts in a period of a zone. The facts are as Normal gives them; facts of other meters and of other periods may be among them. For levels those
// before the period must be there too, as far as they still hold. It gives domain.Invalid when the count is beyond 9 × 10^18.
func (m Meter) Count(facts []Fact, p billing.Period, zone *time.Location) (int64, error) {
	begins, ends := p.Moments(zone)
	until := func(meter string) []Fact {
		from, _ := slices.BinarySearchFunc(facts, meter, func(f Fact, name string) int { return strings.Compare(f.Meter, name) })
		var own []Fact
		for _, f := range facts[from:] {
			if f.Meter != meter || !f.At.Before(ends) {
				break
			}
			own = append(own, f)
		}
		return own
	}
	total := new(big.Int)
	switch m.Aggregate {
	case Sum:
		for _, f := range until(m.Name) {
			if !f.At.Before(begins) {
				total.Add(total, big.NewInt(f.Quantity))
			}
		}
	case Distinct:
		of := m.Of
		if len(of) == 0 {
			of = []string{m.Name}
		}
		seen := map[string]int{} // how many of the meters a subject is in, so far
		for i, meter := range of {
			for _, f := range until(meter) {
				if !f.At.Before(begins) && f.Quantity > 0 && seen[f.Subject] == i {
					seen[f.Subject] = i + 1
				}
			}
		}
		for _, in := range seen {
			if in == len(of) {
				total.Add(total, big.NewInt(1))
			}
		}
	case Latest, Highest, ByDay:
		total = m.levels(until(m.Name), p, begins, ends, zone)
	}
	if !total.IsInt64() {
		return 0, billing.TooLarge("quantity")
	}
	return total.Int64(), nil
}

// levels counts what holds until it changes.
func (m Meter) levels(facts []Fact, p billing.Period, begins, ends time.Time, zone *time.Location) *big.Int {
	of, level, i := map[string]int64{}, new(big.Int), 0
	// move goes on to just before a moment; each tells every moment at which something changed.
	move := func(to time.Time, each func(at time.Time)) {
		for i < len(facts) && facts[i].At.Before(to) {
			at := facts[i].At
			for ; i < len(facts) && facts[i].At.Equal(at); i++ { // what happened at one moment happened at once
				level.Add(level, big.NewInt(facts[i].Quantity-of[facts[i].Subject]))
				of[facts[i].Subject] = facts[i].Quantity
			}
			each(at)
		}
	}
	nothing := func(time.Time) {}
	switch m.Aggregate {
	case Highest:
		move(begins, nothing)
		highest := new(big.Int).Set(level)
		move(ends, func(time.Time) {
			if level.Cmp(highest) > 0 {
				highest.Set(level)
			}
		})
		return highest
	case ByDay:
		sum := new(big.Int)
		for d := p.From; d < p.To; d++ {
			move(billing.Begins(d+1, zone), nothing)
			sum.Add(sum, level)
		}
		return sum
	default: // Latest
		move(ends, nothing)
		return level
	}
}
