// Package insight is a country's figures: attendance, active users, pass rates; never a person's record. A figure about
// fewer people than the smallest cell is left blank, and so is a second one wherever the first could be had by taking the
// others from their total (primary and complementary cell suppression, as statistical offices do it).
//
// Whoever sees the whole tenant could ask for two times that overlap and subtract. So figures of groups (by school, region,
// subject) come in one kind of block only, calendar months in the tenant's zone that are over; each is protected on its own,
// and a longer time is the sum of what is shown of its months. By day there are figures of the whole tenant alone, each day
// protected on its own: a day with too few people counts in no sum and in no month, so that no sum gives it away. Different
// people do not add up: over more than one day or month their number is not given, since two overlapping times would tell
// who came only in one of them.
//
// What would have to be counted row by row is kept: how many there are, and how many worked on a day, by the database in the transaction of
// the change; the figures of a month that is over once they were counted (KeepMonth), with what of them may be shown, until something in it changes. A table by
// school comes in pages. So an answer costs what it is long, however many learners and schools there are, and it is always that of the rows.
//
// What stays possible: figures are read when they are asked for, so whoever asks before and after an attempt of a past month
// is marked, or a person erased, sees the difference; and who compares attendance with pass rates knows that whoever sat a
// test was there.
package insight

import (
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
)

// MinCell is the fewest people that a figure over a whole tenant is about.
const MinCell = 5

// MaxDays is the longest period.
const MaxDays = 400

// By says what a table has a row for.
type By string

// The breakdowns.
const (
	ByDay     By = "day"
	ByRegion  By = "region"
	BySchool  By = "school"
	BySubject By = "subject"
)

// Period is some of the tenant's days, the first and the last among them.
type Period struct {
	From time.Time
	To   time.Time
}

// Check gives domain.Invalid for a period that is over before it begins, or too long.
func (p Period) Check() error {
	switch days := p.To.Sub(p.From) / (24 * time.Hour); {
	case days < 0:
		return domain.InvalidField("to", "domain.must_not_be_before_the")
	case days >= MaxDays:
		return domain.InvalidField("to", "insight.must_be_within_400_days")
	}
	return nil
}

func (p Period) dates() (from, to string) {
	return p.From.Format(time.DateOnly), p.To.Format(time.DateOnly)
}

// instants returns the period as moments, the end excluded, in the tenant's zone.
func (p Period) instants(zone *time.Location) (from, to time.Time) {
	return calendar.Begins(p.From, zone), calendar.Begins(p.To.AddDate(0, 0, 1), zone)
}

// View says whose figures, and how few people one may be about.
type View struct {
	SchoolID uuid.UUID // only this school; Nil: the whole tenant
	MinCell  int       // as the policy decided; over the whole tenant never under the package's MinCell
	Today    time.Time // the tenant's date: months until the last one before it are over; needed for the whole tenant
	Rows     Rows      // of a table by school
	Realm    string    // whose figures Rankings keeps apart from others'
	Rankings *Rankings // nil: each order of schools is made anew
}

func (v View) whole() bool { return v.SchoolID == uuid.Nil }

func (v View) min() int {
	if v.whole() {
		return max(v.MinCell, MinCell)
	}
	return v.MinCell
}

func (v View) school() *string {
	if v.whole() {
		return nil
	}
	s := v.SchoolID.String()
	return &s
}

// Cell is one row of a table. A suppressed one has no figure at all. Over several months a cell sums those that are shown.
type Cell struct {
	Key        string `json:"key"`               // the date, region, school's id or subject; "" where none is known
	Name       string `json:"name"`              // for people
	Group      string `json:"group,omitempty"`   // a school's region
	People     *int   `json:"people"`            // different people; null over several days or months of the whole tenant
	Count      *int   `json:"count"`             // days of attendance, users, or attempts
	Passed     *int   `json:"passed,omitempty"`  // attempts passed, for pass rates
	Percent    *int   `json:"percent,omitempty"` // of the attempts, rounded down, for pass rates
	Suppressed bool   `json:"suppressed"`
	Withheld   int    `json:"withheld,omitempty"` // days (of a total by day) or months left out of the figures: they are at least so high
}

// Table is a breakdown of one figure over a period.
type Table struct {
	By      By     `json:"by"`
	From    string `json:"from"`
	To      string `json:"to"`
	MinCell int    `json:"min_cell"`
	Months  int    `json:"months,omitempty"` // how many months, each protected on its own; 0: the time is one piece
	Cells   []Cell `json:"cells"`
	Total   Cell   `json:"total"`          // of all there are, on every page
	Next    string `json:"next,omitempty"` // by school: the cursor of the next page; empty: this is the last
	// Incomplete is in how many months rows are not listed at all, because even that they are there would tell too much.
	Incomplete int `json:"incomplete,omitempty"`
	// Counted tells that a month was not kept, and so counted from its rows, which takes longer the more there are.
	Counted bool `json:"-"`
}
