package meter_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/tests/bills"
	_ "lignum/tests/tenth"
)

func kingston(t testing.TB) *time.Location {
	zone, err := time.LoadLocation("America/Jamaica")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

var september = bills.Days("2026-09-01", "2026-10-01")

func TestWhatIsCounted(t *testing.T) {
	t.Parallel()
	facts, err := meter.Normal(bills.Facts())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{
		"active_students": 6, // seven signed in, one of them did nothing
		"sign_ins":        7, "work": 1 + 2 + 4 + 5 + 6 + 7, "messages": 2400, "live_minutes": 655, "database_requests": 1_052_165,
		"storage": 19*40_000_000_000 + 21*15_000_000_000, // f-1 stood at the end of the 1st to the 19th, f-2 at that of the 10th to the 30th
		"classes": 2,
	} {
		m, known := meter.Find(meter.Meters(), name)
		if n, err := m.Count(facts, september, kingston(t)); n != want || err != nil || !known {
			t.Errorf("%s: %d, %v, want %d", name, n, err, want)
		}
	}
	latest := meter.Meter{Name: "classes", Aggregate: meter.Latest}
	if n, err := latest.Count(facts, september, kingston(t)); n != 1 || err != nil {
		t.Error(n, err)
	}
	alone := meter.Meter{Name: "sign_ins", Aggregate: meter.Distinct}
	if n, err := alone.Count(facts, september, kingston(t)); n != 7 || err != nil {
		t.Error(n, err)
	}
}

// Who signed in on the last evening of a month, and worked after midnight, was active in neither: each month counts by itself, in the tenant's zone.
func TestAMonthEndsWhereTheTenantIs(t *testing.T) {
	t.Parallel()
	midnight := time.Date(2026, 10, 1, 5, 0, 0, 0, time.UTC) // in Kingston
	facts, err := meter.Normal([]meter.Fact{{Key: "a", Meter: "sign_ins", Subject: "s", At: midnight.Add(-1), Quantity: 1}, {Key: "b", Meter: "work", Subject: "s", At: midnight, Quantity: 1}})
	if err != nil {
		t.Fatal(err)
	}
	active, _ := meter.Find(meter.Meters(), "active_students")
	for p, want := range map[billing.Period]int64{september: 0, bills.Days("2026-10-01", "2026-11-01"): 0, bills.Days("2026-09-01", "2026-11-01"): 1} {
		if n, _ := active.Count(facts, p, kingston(t)); n != want {
			t.Errorf("%v: %d", p, n)
		}
	}
	if n, _ := active.Count(facts, september, time.UTC); n != 0 {
		t.Error(n)
	}
	if n, _ := active.Count(facts, bills.Days("2026-10-01", "2026-11-01"), time.UTC); n != 1 {
		t.Error("in UTC both are of October")
	}
}

// Facts that come again, and in whatever order, count the same.
func TestOrderAndRepetitionDoNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(bills.Zones()).Draw(t, "zone")
		loc, _ := time.LoadLocation(zone)
		p := billing.Period{From: bills.Date("2012-01-01") + billing.Date(rapid.IntRange(0, 8000).Draw(t, "from"))}
		p.To = p.From + billing.Date(rapid.IntRange(1, 60).Draw(t, "days"))
		list, _ := bills.RandomFacts(t, p, zone)
		again := append(slices.Clone(list), list[:rapid.IntRange(0, len(list)).Draw(t, "again")]...)
		again = rapid.Permutation(again).Draw(t, "order")
		a, err := meter.Normal(list)
		if err != nil {
			t.Fatal(err)
		}
		b, err := meter.Normal(again)
		if err != nil || !slices.Equal(a, b) {
			t.Fatal(err, "the facts differ")
		}
		for _, m := range meter.Meters() {
			for _, m.Aggregate = range meter.Aggregates() {
				n, _ := m.Count(a, p, loc)
				if o, _ := m.Count(b, p, loc); n != o {
					t.Fatalf("%s: %d and %d", m.Name, n, o)
				}
			}
		}
	})
}

// What is additive is counted in two parts of a period as in the whole, wherever it is cut.
func TestPartsOfAPeriodAddUp(t *testing.T) {
	t.Parallel()
	differs := map[meter.Aggregate]bool{}
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.SampledFrom(bills.Zones()).Draw(t, "zone")
		loc, _ := time.LoadLocation(zone)
		p := billing.Period{From: bills.Date("2012-01-01") + billing.Date(rapid.IntRange(0, 8000).Draw(t, "from"))}
		p.To = p.From + billing.Date(rapid.IntRange(2, 60).Draw(t, "days"))
		cut := p.From + billing.Date(rapid.IntRange(1, p.Days()-1).Draw(t, "cut"))
		list, _ := bills.RandomFacts(t, p, zone)
		facts, err := meter.Normal(list)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range meter.Meters() {
			for _, m.Aggregate = range meter.Aggregates() {
				whole, _ := m.Count(facts, p, loc)
				first, _ := m.Count(facts, billing.Period{From: p.From, To: cut}, loc)
				second, _ := m.Count(facts, billing.Period{From: cut, To: p.To}, loc)
				if first+second != whole {
					if differs[m.Aggregate] = true; m.Aggregate.Additive() {
						t.Fatalf("%s by %s: %d and %d are not %d", m.Name, m.Aggregate, first, second, whole)
					}
				}
			}
		}
	})
	for _, a := range meter.Aggregates() {
		if differs[a] == a.Additive() {
			t.Errorf("%s: is additive %t, differed %t", a, a.Additive(), differs[a])
		}
	}
}

func TestFactsThatAreWrong(t *testing.T) {
	t.Parallel()
	right := meter.Fact{Key: "k", Meter: "messages", At: time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC), Quantity: 1}
	change := func(by func(*meter.Fact)) meter.Fact {
		f := right
		by(&f)
		return f
	}
	for name, c := range map[string]struct {
		facts []meter.Fact
		code  domain.Code
	}{
		"right": {[]meter.Fact{right}, ""}, "twice": {[]meter.Fact{right, right}, ""},
		"the same moment elsewhere": {[]meter.Fact{right, change(func(f *meter.Fact) { f.At = f.At.In(kingston(t)) })}, ""},
		"negative":                  {[]meter.Fact{change(func(f *meter.Fact) { f.Quantity = -1 })}, domain.Invalid},
		"huge":                      {[]meter.Fact{change(func(f *meter.Fact) { f.Quantity = meter.MostQuantity + 1 })}, domain.Invalid},
		"no key":                    {[]meter.Fact{change(func(f *meter.Fact) { f.Key = "" })}, domain.Invalid},
		"no time":                   {[]meter.Fact{change(func(f *meter.Fact) { f.At = time.Time{} })}, domain.Invalid},
		"one key, two facts":        {[]meter.Fact{right, change(func(f *meter.Fact) { f.Quantity = 2 })}, domain.Conflict},
	} {
		if list, err := meter.Normal(c.facts); domain.CodeOf(err) != c.code || err == nil && len(list) != 1 {
			t.Errorf("%s: %v, %v", name, list, err)
		}
	}
}

// Byte-days of a large country for a school year are still a whole number; what is beyond one is refused.
func TestACountThatIsTooLarge(t *testing.T) {
	t.Parallel()
	var facts []meter.Fact
	for i := range 40 {
		facts = append(facts, meter.Fact{Key: fmt.Sprint(i), Meter: "storage", Subject: fmt.Sprint(i), At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Quantity: meter.MostQuantity})
	}
	facts, err := meter.Normal(facts)
	if err != nil {
		t.Fatal(err)
	}
	storage, _ := meter.Find(meter.Meters(), "storage")
	if n, err := storage.Count(facts, september, time.UTC); err != nil || n != 40*30*meter.MostQuantity {
		t.Error(n, err)
	}
	if n, err := storage.Count(facts, bills.Days("2026-02-01", "2027-02-01"), time.UTC); domain.CodeOf(err) != domain.Invalid {
		t.Error(n, err)
	}
}

// Each meter has a name and a unit for people.
func TestMetersHaveWords(t *testing.T) {
	t.Parallel()
	for _, m := range meter.Meters() {
		unit := words.English.Message("meter.unit." + m.Unit)
		if words.English.Message("meter."+m.Name) == nil || unit == nil || !unit.Counts() {
			t.Errorf("%s, counted by the %s, has no words", m.Name, m.Unit)
		}
		for _, of := range m.Of {
			if _, known := meter.Find(meter.Meters(), of); !known {
				t.Errorf("%s is of %s, which is no meter", m.Name, of)
			}
		}
	}
}
