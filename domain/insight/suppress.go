package insight

import (
	"cmp"
	"slices"
	"strings"
)

// figure is a cell before it is known whether it may be shown.
type figure struct {
	level  int // 0 the total, 1 a group of it, 2 a school in its region
	group  string
	key    string
	name   string
	people int
	count  int
	passed int
	rates  bool // passed counts
	hidden bool
	absent bool // hidden, and not even listed
}

// protect decides what is hidden in a total, its groups, and, where there are any, the groups' members. Groups are
// protected against the total, members against their group. A hidden group's members are all hidden: one that is shown would
// say how many the group has at least, and all of them together are what is left of the total. Where hiding is not enough
// the rows are left out, as they are of a hidden total.
func protect(total *figure, groups []*figure, members map[string][]*figure, least int) {
	total.hidden = total.people < least
	if total.hidden || !hide(groups, least) {
		leaveOut(groups)
		for _, g := range groups {
			leaveOut(members[g.group])
		}
		return
	}
	var left residue
	var hidden []*figure
	for _, g := range groups {
		if !g.hidden {
			if !hide(members[g.group], least) {
				leaveOut(members[g.group])
			}
			continue
		}
		for _, m := range members[g.group] {
			left.hide(m)
			hidden = append(hidden, m)
		}
	}
	if len(hidden) > 0 && !left.safe(least, hidden[0].rates) {
		leaveOut(hidden)
	}
}

func leaveOut(cells []*figure) {
	for _, c := range cells {
		c.hidden, c.absent = true, true
	}
}

// residue is what is left of a sum when the cells that are shown are taken from it.
type residue struct{ cells, people, count, passed int }

func (r *residue) hide(c *figure) {
	c.hidden = true
	r.cells, r.people, r.count, r.passed = r.cells+1, r.people+c.people, r.count+c.count, r.passed+c.passed
}

// safe reports whether a residue tells nothing of any of its cells: there are at least two, together about least people or
// more, and two on average, or as many ones as cells would each be a single person; nor did all of them pass, or none.
func (r *residue) safe(least int, rates bool) bool {
	mixed := !rates || r.passed > 0 && r.passed < r.count
	return r.cells == 0 || r.cells >= 2 && r.people >= least && r.people >= 2*r.cells && mixed
}

// hide hides every cell of fewer than least people. Once one is hidden it hides more, the smallest first, until the residue
// is safe. It gives false when it is not even with all of them.
func hide(cells []*figure, least int) bool {
	cells = smallestFirst(cells)
	var r residue
	for _, c := range cells {
		if c.people >= least && r.safe(least, c.rates) {
			return true
		}
		r.hide(c)
	}
	return len(cells) == 0 || r.safe(least, cells[0].rates)
}

func smallestFirst(cells []*figure) []*figure {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b *figure) int { return a.people - b.people })
	return cells
}

// show turns figures into cells.
func (f *figure) show() Cell {
	c := Cell{Key: f.key, Name: f.name, Suppressed: f.hidden}
	if f.level == 2 {
		c.Group = f.group
	}
	if f.hidden {
		return c
	}
	people, count := f.people, f.count
	c.People, c.Count = &people, &count
	if f.rates {
		passed, percent := f.passed, 0
		if count > 0 {
			percent = passed * 100 / count
		}
		c.Passed, c.Percent = &passed, &percent
	}
	return c
}

// protectAll decides what is hidden in the figures of one query.
func protectAll(figures []*figure, least int) {
	total := &figure{}
	var groups []*figure
	members := map[string][]*figure{}
	for _, f := range figures {
		switch f.level {
		case 0:
			total = f
		case 1:
			groups = append(groups, f)
		default:
			members[f.group] = append(members[f.group], f)
		}
	}
	protect(total, groups, members, least)
}

// groupTable makes the table of protected figures, of those at the deepest level.
func groupTable(by By, p Period, view View, figures []*figure) *Table {
	total := &figure{hidden: true}
	for _, f := range figures {
		if f.level == 0 {
			total = f
		}
	}
	t := newTable(by, p, view, total.show())
	deepest := deepestOf(by)
	for _, f := range figures {
		switch {
		case f.level == deepest && f.absent:
			t.Incomplete = 1
		case f.level == deepest:
			t.Cells = append(t.Cells, f.show())
		}
	}
	if view.whole() {
		t.Months = 1
	}
	return t
}

// deepestOf is the level that a table has rows of.
func deepestOf(by By) int {
	if by == BySchool {
		return 2
	}
	return 1
}

// dayTable makes the table of days, which are protected each on its own: the query left those about too few people out of
// the total, so that nothing is to be had by subtraction.
func dayTable(p Period, view View, figures []*figure) *Table {
	total := &figure{}
	t := newTable(ByDay, p, view, Cell{})
	withheld := 0
	for _, f := range figures {
		if f.hidden = f.people < view.min(); f.level == 0 {
			total = f
			continue
		}
		if f.hidden {
			withheld++
		}
		t.Cells = append(t.Cells, f.show())
	}
	t.Total = total.show()
	t.Total.Withheld = withheld
	if view.whole() && !p.From.Equal(p.To) {
		t.Total.People = nil
	}
	return t
}

func newTable(by By, p Period, view View, total Cell) *Table {
	t := &Table{By: by, MinCell: view.min(), Cells: []Cell{}, Total: total}
	t.From, t.To = p.dates()
	return t
}

// sort orders the rows as the queries do: by region, name, key.
func (t *Table) sort() {
	slices.SortStableFunc(t.Cells, func(a, b Cell) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Name, b.Name), strings.Compare(a.Key, b.Key))
	})
}
