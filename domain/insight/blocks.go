package insight

import (
	"fmt"
	"time"

	"lignum/domain"
)

// Grouped reports whether a table of the view is made of protected months: whoever sees the whole tenant broken down by
// anything finer than its days.
func Grouped(by By, view View) bool { return by != ByDay && view.whole() }

// FinishedMonth is the last calendar month that was over before today, the tenant's date.
func FinishedMonth(today time.Time) Period {
	first := monthOf(today)
	return Period{From: first.AddDate(0, -1, 0), To: first.AddDate(0, 0, -1)}
}

// months cuts a period into calendar months. The error names from and to where they are not the first day of a month and
// the last of one that was over before today.
func (p Period) months(today time.Time) ([]Period, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	var wrong domain.Problems
	first, last := monthOf(p.From), monthOf(p.To).AddDate(0, 1, -1)
	if !p.From.Equal(first) {
		wrong.Add("from", "insight.must_be_the_first_day", "First", date(first), "Next", date(first.AddDate(0, 1, 0)))
	}
	switch finished := FinishedMonth(today).To; {
	case p.To.After(finished):
		wrong.Add("to", "insight.must_be_at_the_latest", "Finished", date(finished))
	case !p.To.Equal(last):
		wrong.Add("to", "insight.must_be_the_last_day", "To", date(endBefore(p.To)), "Last", date(last))
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var all []Period
	for m := first; !m.After(p.To); m = m.AddDate(0, 1, 0) {
		all = append(all, Period{From: m, To: m.AddDate(0, 1, -1)})
	}
	return all, nil
}

func monthOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// endBefore is the last day of the month before a day's.
func endBefore(day time.Time) time.Time { return monthOf(day).AddDate(0, 0, -1) }

func date(day time.Time) string { return day.Format(time.DateOnly) }

// sum adds up the tables of single months, each protected on its own; nothing is read again over the longer time. A cell
// counts the months in which it is shown and says in how many it is withheld. Different people cannot be added up, so a sum
// over more than one month has none.
func sum(months []*Table, p Period) *Table {
	if len(months) == 1 {
		return months[0]
	}
	all := &Table{By: months[0].By, MinCell: months[0].MinCell, Cells: []Cell{}, Total: Cell{Suppressed: true}, Months: len(months)}
	all.From, all.To = p.dates()
	at := map[string]int{}
	for _, m := range months {
		all.Total.add(m.Total)
		all.Incomplete += m.Incomplete
		for _, c := range m.Cells {
			id := fmt.Sprintf("%q %q", c.Group, c.Key)
			if _, known := at[id]; !known {
				at[id] = len(all.Cells)
				all.Cells = append(all.Cells, Cell{Key: c.Key, Name: c.Name, Group: c.Group, Suppressed: true})
			}
			all.Cells[at[id]].add(c)
		}
	}
	all.sort()
	return all
}

// add adds a month to a cell.
func (c *Cell) add(month Cell) {
	if month.Suppressed {
		c.Withheld++
		return
	}
	c.Suppressed = false
	plus := func(to **int, n *int) {
		if n == nil {
			return
		}
		value := *n
		if *to != nil {
			value += **to
		}
		*to = &value
	}
	plus(&c.Count, month.Count)
	plus(&c.Passed, month.Passed)
	if c.Passed != nil {
		percent := 0
		if *c.Count > 0 {
			percent = *c.Passed * 100 / *c.Count
		}
		c.Percent = &percent
	}
}
