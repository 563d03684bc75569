package insight_test

import (
	"fmt"

	"lignum/domain/insight"
)

// unknown is what somebody who subtracts knows of one number of one cell.
type unknown struct {
	name     string
	low, top int
	hidden   bool // of a suppressed cell: must not become certain
}

// relation is that one number is the sum of others.
type relation struct {
	whole *unknown
	parts []*unknown
}

// adversary has every answer, and draws from each number's bounds bounds for the others until nothing changes any more.
type adversary struct {
	all       map[string]*unknown
	relations []relation
}

const farAway = 1 << 20

func (a *adversary) number(name string) *unknown {
	if a.all[name] == nil {
		a.all[name] = &unknown{name: name, top: farAway}
	}
	return a.all[name]
}

// learn narrows a number, and tells whether that was news.
func (u *unknown) learn(low, top int) bool {
	news := low > u.low || top < u.top
	u.low, u.top = max(u.low, low), min(u.top, top)
	return news
}

func (a *adversary) equal(whole *unknown, parts ...*unknown) {
	a.relations = append(a.relations, relation{whole, parts})
}

// atMost notes that one number is never above another: people and passed are never above the count.
func (a *adversary) atMost(small, large *unknown) {
	a.equal(large, small, a.number(large.name+" without "+small.name))
}

func (a *adversary) solve() {
	for changed := true; changed; {
		changed = false
		for _, r := range a.relations {
			low, top := 0, 0
			for _, u := range r.parts {
				low, top = low+u.low, top+u.top
			}
			if r.whole.learn(low, top) {
				changed = true
			}
			for _, u := range r.parts {
				if u.low > u.top || r.whole.low > r.whole.top {
					return // a contradiction, which certain tells of
				}
				if u.learn(r.whole.low-(top-u.top), r.whole.top-(low-u.low)) {
					changed = true
				}
				low, top = 0, 0
				for _, u := range r.parts {
					low, top = low+u.low, top+u.top
				}
			}
		}
	}
}

// certain gives the hidden numbers that are known after all, and those about which the answers contradict one another.
func (a *adversary) certain() (names []string) {
	for _, u := range a.all {
		if u.hidden && u.low == u.top || u.low > u.top {
			names = append(names, fmt.Sprint(u.name, " is ", u.low, " to ", u.top))
		}
	}
	return names
}

// figures are the numbers of a cell.
type figures struct{ people, count, passed *unknown }

// cell learns what a cell of a month or a day says.
func (a *adversary) cell(name string, c insight.Cell, rates bool) figures {
	f := figures{a.number(name + " people"), a.number(name + " count"), a.number(name + " passed")}
	a.atMost(f.people, f.count)
	a.atMost(f.passed, f.count)
	if c.Suppressed {
		f.people.learn(1, farAway) // it is listed, so somebody was there
		f.people.hidden, f.count.hidden, f.passed.hidden = true, true, rates
		return f
	}
	f.people.learn(*c.People, *c.People)
	f.count.learn(*c.Count, *c.Count)
	if rates {
		f.passed.learn(*c.Passed, *c.Passed)
	}
	return f
}

// month learns the table of a month by region, school or subject.
func (a *adversary) month(what string, t *insight.Table, rates bool) {
	month := what + " " + t.From
	if !t.Total.Suppressed {
		a.cell(month, t.Total, rates)
	}
	regions := map[string][]figures{}
	var all []figures
	least := farAway
	for _, c := range t.Cells {
		f := a.cell(fmt.Sprint(month, " ", t.By, " ", c.Key), c, rates)
		all, regions[c.Group] = append(all, f), append(regions[c.Group], f)
		if !c.Suppressed {
			least = min(least, *c.People)
		}
	}
	for i, c := range t.Cells { // the smallest are hidden first
		if c.Suppressed && t.By != insight.BySchool {
			all[i].people.learn(0, least)
		}
	}
	a.sum(month, fmt.Sprint(month, " ", t.By), all, t.Incomplete > 0, rates)
	if t.By != insight.BySchool {
		return
	}
	for region, cells := range regions { // the table by region tells of their sums
		a.sum(fmt.Sprint(month, " region ", region), fmt.Sprint(month, " school in ", region), cells, t.Incomplete > 0, rates)
	}
}

// sum learns that figures add up to those of the name; where some are not listed, with others. People may be in several.
func (a *adversary) sum(whole, name string, parts []figures, others, rates bool) {
	if others {
		parts = append(parts, figures{a.number(name + " others people"), a.number(name + " others count"), a.number(name + " others passed")})
	}
	var people, counts, passed []*unknown
	for _, f := range parts {
		people, counts, passed = append(people, f.people), append(counts, f.count), append(passed, f.passed)
	}
	a.equal(a.number(whole+" count"), counts...)
	together := a.number(name + " people in all")
	a.equal(together, people...)
	a.atMost(a.number(whole+" people"), together)
	if rates {
		a.equal(a.number(whole+" passed"), passed...)
	}
}
