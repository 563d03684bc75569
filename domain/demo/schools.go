package demo

import (
	"time"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
)

// schools returns the first n schools, the same each time: one in each region, then by the regions' weights.
func (r *room) schools(n int) []rows.School {
	places := placesOf(r.slug)
	rnd := r.random("schools")
	var lots []int
	for i, p := range places {
		for range p.weight {
			lots = append(lots, i)
		}
	}
	seen := map[string]bool{}
	list := make([]rows.School, 0, n)
	for i := 0; len(list) < n; i++ {
		p := places[i%len(places)]
		kind := schoolKinds[0]
		if i >= len(places) {
			p, kind = places[pick(rnd, lots)], pick(rnd, schoolKinds)
		}
		name := pick(rnd, schoolNames) + " " + kind.title + ", " + pick(rnd, p.towns)
		if r.slug == "celearn" {
			name, kind.kind = "CELEARN "+p.towns[0]+" Campus", "college"
		}
		if seen[name] {
			i--
			continue
		}
		seen[name] = true
		list = append(list, rows.School{ID: r.id("school", len(list)), Name: name, Kind: kind.kind, Region: p.region})
	}
	return list
}

// terms are the three of the school year that today lies in. They are what a calendar starts from; people edit it when
// a hurricane or an election moves a date.
func (r *room) terms() []rows.Term {
	year := r.today.Year()
	if r.today.Month() < time.August {
		year--
	}
	day := func(y int, m time.Month, d int, to time.Weekday) time.Time { // the first such weekday from then on
		t := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		return t.AddDate(0, 0, (int(to)-int(t.Weekday())+7)%7)
	}
	return []rows.Term{
		{ID: r.id("term", 0), Title: "Christmas", From: day(year, time.September, 1, time.Monday), To: day(year, time.December, 12, time.Friday)},
		{ID: r.id("term", 1), Title: "Easter", From: day(year+1, time.January, 4, time.Monday), To: day(year+1, time.March, 25, time.Friday)},
		{ID: r.id("term", 2), Title: "Summer", From: day(year+1, time.April, 12, time.Monday), To: day(year+1, time.July, 1, time.Friday)},
	}
}

// currentTerm is the term of a day, or Nil in the holidays.
func currentTerm(list []rows.Term, day time.Time) uuid.UUID {
	for _, t := range list {
		if !day.Before(t.From) && !day.After(t.To) {
			return t.ID
		}
	}
	return uuid.Nil
}
