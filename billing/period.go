package billing

import (
	"slices"
	"time"

	"lignum/domain"
	"lignum/domain/calendar"
)

// Date is a day of the calendar, in no zone: the number of days since 1 January 1970. In JSON it is "2026-09-01". 0 is none, and "" in JSON.
type Date int

const secondsOfDay = 24 * 60 * 60

// On makes a date of a year, a month and a day; those beyond a month go on in the next, as 31 September does.
func On(year int, month time.Month, day int) Date {
	return Date(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / secondsOfDay)
}

// ReadDate reads a date of the years 1990 to 2200, such as 2026-09-01.
func ReadDate(text string) (Date, bool) {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		return 0, false
	}
	return On(t.Date()), true
}

// UTC is the date's midnight in UTC, as which other rooms tell a date.
func (d Date) UTC() time.Time { return time.Unix(int64(d)*secondsOfDay, 0).UTC() }

func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.UTC().Format(time.DateOnly)
}

// MarshalText writes the date, for JSON.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (d *Date) UnmarshalText(text []byte) error {
	*d = 0
	if len(text) == 0 {
		return nil
	}
	read, ok := ReadDate(string(text))
	if !ok {
		return domain.InvalidField("date", "billing.must_be_a_date")
	}
	*d = read
	return nil
}

// Period is a stretch of days: From is its first, To the first that is not in it any more, so that one period ends where the next begins.
type Period struct {
	From Date `json:"from" doc:"The first day, such as 2026-09-01"`
	To   Date `json:"to" doc:"The first day that is not in it any more"`
}

// Days is how many days it has.
func (p Period) Days() int { return int(p.To - p.From) }

// Last is its last day.
func (p Period) Last() Date { return p.To - 1 }

// Within is what of the period lies in another; its days are 0 or less when they share none.
func (p Period) Within(o Period) Period { return Period{max(p.From, o.From), min(p.To, o.To)} }

// Crosses reports whether the two share a day.
func (p Period) Crosses(o Period) bool { return p.Within(o).Days() > 0 }

// Begins is the first moment of a date in a zone. Where clocks skip midnight it is the moment at which they do; where they show it twice, the first. So one day ends
// at the very moment at which the next begins, however the clocks are changed: no moment is in two days, and none in no day.
func Begins(d Date, zone *time.Location) time.Time { return calendar.Begins(d.UTC(), zone) }

// Moments are the first moment of the period in a zone, and the first that is not in it any more.
func (p Period) Moments(zone *time.Location) (begins, ends time.Time) {
	return Begins(p.From, zone), Begins(p.To, zone)
}

// Check notes what is wrong with a period: no days, or more than 800 of them, which no cycle has.
func (p Period) Check(problems *domain.Problems, field string) {
	switch {
	case p.From == 0 || p.To == 0:
		problems.Add(field, "billing.must_have_two_days")
	case p.Days() <= 0:
		problems.Add(field, "billing.must_end_after_it_begins")
	case p.Days() > 800:
		problems.Add(field, "billing.must_be_shorter")
	}
}

// CheckApart notes the first period that shares a day with another: what is in two periods would be billed twice.
func CheckApart(problems *domain.Problems, field string, list []Period) {
	sorted := slices.SortedFunc(slices.Values(list), func(a, b Period) int { return int(a.From - b.From) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].Crosses(sorted[i-1]) {
			problems.Add(field, "billing.periods_overlap", "First", sorted[i-1].From.String(), "Second", sorted[i].From.String())
			return
		}
	}
}

// Cycle says how often a tenant is billed.
type Cycle string

// The cycles.
const (
	Monthly    Cycle = "monthly"     // from the first of a month to the first of the next
	Termly     Cycle = "termly"      // from the first day of a term to that of the next, so that holidays belong to the term before them
	SchoolYear Cycle = "school_year" // from the first day of a school year to that of the next
)

// Cycles are all of them.
func Cycles() []Cycle { return []Cycle{Monthly, Termly, SchoolYear} }

// PeriodOf gives the period of a cycle in which a date lies. starts are the first days of the tenant's terms, or of its school years; months need none. Every date from
// the first of the starts to the last lies in exactly one period. It gives domain.Conflict when the start before the date, or the next one, is not known yet.
func PeriodOf(c Cycle, starts []Date, d Date) (Period, error) {
	if c == Monthly {
		year, month, _ := d.UTC().Date()
		return Period{On(year, month, 1), On(year, month+1, 1)}, nil
	}
	sorted := slices.Compact(slices.Sorted(slices.Values(starts)))
	i, found := slices.BinarySearch(sorted, d)
	if found {
		i++
	}
	if i == 0 || i == len(sorted) {
		return Period{}, domain.Refuse(domain.Conflict, "billing.next_start_is_not_known", "Date", d.String())
	}
	return Period{sorted[i-1], sorted[i]}, nil
}

// StartsOf gives the first days of terms. It gives domain.Invalid when terms share days, since it would not be clear then which of them is billed.
func StartsOf(terms []Period) ([]Date, error) {
	var p domain.Problems
	for _, t := range terms {
		t.Check(&p, "terms")
	}
	CheckApart(&p, "terms", terms)
	var starts []Date
	for _, t := range terms {
		starts = append(starts, t.From)
	}
	slices.Sort(starts)
	return starts, p.Err()
}
