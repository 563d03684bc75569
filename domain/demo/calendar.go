package demo

import (
	"math"
	"slices"
	"time"
)

// The period of the post: schools were closed, and learning went on here.
var (
	periodFrom = time.Date(2020, 4, 1, 0, 0, 0, 0, time.UTC)
	periodTo   = time.Date(2020, 9, 30, 0, 0, 0, 0, time.UTC)
	recordDay  = time.Date(2020, 4, 30, 0, 0, 0, 0, time.UTC) // a Thursday
)

// dayCount is one day of the period.
type dayCount struct {
	day      time.Time
	learners int // in attendance
	users    int // of any kind, the learners among them
}

// spread divides learner-days over the period: exactly total in all, exactly busiest on the record day and fewer on every
// other, with growth through April, weekends, the summer holidays and the new school year. Users a day are the learners
// and others beside them, exactly users on the record day.
func spread(total, busiest, users int) []dayCount {
	var days []dayCount
	for d := periodFrom; !d.After(periodTo); d = d.AddDate(0, 0, 1) {
		days = append(days, dayCount{day: d})
	}
	// The pace of the decline that makes the sum right: the higher, the fewer come after the record day.
	low, high := 0.0, 50.0
	for range 100 {
		sum, mid := 0.0, (low+high)/2
		for _, d := range days {
			sum += float64(busiest) * interest(d.day, mid)
		}
		if sum > float64(total) {
			low = mid
		} else {
			high = mid
		}
	}
	got := 0
	for i := range days {
		share := interest(days[i].day, high)
		days[i].learners = int(float64(busiest) * share)
		days[i].users = days[i].learners + int(math.Round(float64(users-busiest)*share))
		got += days[i].learners
	}
	// Rounding down lost less than one a day: the busiest days after the record day get them back.
	order := make([]int, 0, len(days))
	for i := range days {
		if !days[i].day.Equal(recordDay) {
			order = append(order, i)
		} else {
			got += busiest - days[i].learners
			days[i].learners, days[i].users = busiest, users
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return days[b].learners - days[a].learners })
	for i := 0; got < total; i++ {
		d := &days[order[i%len(order)]]
		d.learners++
		d.users++
		got++
	}
	return days
}

// interest is the shape of the period: 1 on the record day, less on every other. A higher pace makes the decline after it
// quicker.
func interest(d time.Time, pace float64) float64 {
	n := d.Sub(periodFrom).Hours() / 24
	record := recordDay.Sub(periodFrom).Hours() / 24
	usual := 0.016 // of the record day: a few hundred users, as before the schools closed
	if d.Month() == time.September {
		usual = 0.035
	}
	v := math.Pow(usual, 1-n/record) // from the usual to everybody, in four weeks
	if n > record {
		v = usual + (1-usual)*math.Exp(-pace*(n-record)/100)
	}
	switch d.Weekday() {
	case time.Saturday:
		v *= 0.45
	case time.Sunday:
		v *= 0.35
	case time.Monday, time.Friday:
		v *= 0.94
	}
	return v
}
