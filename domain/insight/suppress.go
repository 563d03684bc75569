package insight

import "slices"

// figure is a cell before it is known whether it may be shown.
type figure struct {
	level  int // 0 the total, 1 a group of it, 2 a school in its region
	group  string
	key    string
	name   string
	people int
	count  int
	passed int
	hidden bool
}

// protect decides what is hidden in a total, its groups, and, where there are any, the groups' members. Groups are
// protected against the total, members against their group. A group that is hidden must not come back as the sum of its
// members.
func protect(total *figure, groups []*figure, members map[string][]*figure, least int) {
	total.hidden = total.people < least
	hide(groups, total.hidden, least)
	for _, g := range groups {
		hide(members[g.group], g.hidden, least)
	}
}

// hide hides every cell of fewer than least people. Once one is hidden it hides more, the smallest first, until at least
// two are hidden and together they are about least people or more: what is left of a sum then tells nothing of any of
// them. While the sum is hidden at least one cell must be, or they would add up to it.
func hide(cells []*figure, sumHidden bool, least int) {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b *figure) int { return a.people - b.people })
	n, people := 0, 0
	for _, c := range cells {
		small := c.people < least
		again := sumHidden && n == 0
		thin := n > 0 && (n < 2 || people < least)
		if c.hidden = small || again || thin; !c.hidden {
			return
		}
		n, people = n+1, people+c.people
	}
}

// show turns figures into cells.
func (f *figure) show(rates bool) Cell {
	c := Cell{Key: f.key, Name: f.name, Suppressed: f.hidden}
	if f.level == 2 {
		c.Group = f.group
	}
	if f.hidden {
		return c
	}
	people, count := f.people, f.count
	c.People, c.Count = &people, &count
	if rates {
		passed, percent := f.passed, 0
		if count > 0 {
			percent = passed * 100 / count
		}
		c.Passed, c.Percent = &passed, &percent
	}
	return c
}

// table protects the figures of one query and makes the table of those at the deepest level.
func table(by By, p Period, view View, figures []*figure, rates bool) *Table {
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
	protect(total, groups, members, view.min())
	t := &Table{By: by, MinCell: view.min(), Cells: []Cell{}, Total: total.show(rates)}
	t.From, t.To = p.dates()
	deepest := 1
	if by == BySchool {
		deepest = 2
	}
	for _, f := range figures {
		if f.level == deepest {
			t.Cells = append(t.Cells, f.show(rates))
		}
	}
	return t
}
