package insight

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// tree draws regions of schools, and their sums.
func tree(rt *rapid.T) (total *figure, groups []*figure, members map[string][]*figure, all []*figure) {
	total, members = &figure{}, map[string][]*figure{}
	for r := range rapid.IntRange(0, 5).Draw(rt, "regions") {
		g := &figure{level: 1, group: fmt.Sprint(r), key: fmt.Sprint(r)}
		for range rapid.IntRange(1, 5).Draw(rt, "schools") {
			n := rapid.IntRange(1, 14).Draw(rt, "people")
			m := &figure{level: 2, group: g.group, people: n}
			members[g.group] = append(members[g.group], m)
			all = append(all, m)
			g.people += n
		}
		groups = append(groups, g)
		total.people += g.people
	}
	return total, groups, members, all
}

func TestNoSmallCellIsShownOrHadBySubtraction(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		least := rapid.IntRange(2, 10).Draw(rt, "least")
		total, groups, members, all := tree(rt)
		protect(total, groups, members, least)
		check := func(what string, sum *figure, cells []*figure) {
			hidden, left, listed := 0, sum.people, true
			for _, c := range cells {
				listed = listed && !c.absent
				switch {
				case c.hidden:
					hidden++
				case c.people < least:
					rt.Fatalf("%s: a cell of %d is shown", what, c.people)
				default:
					left -= c.people
				}
			}
			switch {
			case !sum.hidden && sum.people > 0 && sum.people < least:
				rt.Fatalf("%s: a sum of %d is shown", what, sum.people)
			case !sum.hidden && hidden == 1:
				rt.Fatalf("%s: the only hidden cell is what is left of the sum: %d", what, left)
			case !sum.hidden && hidden > 0 && left < least:
				rt.Fatalf("%s: what is left of the sum are %d", what, left)
			case !sum.hidden && hidden > 0 && listed && left < 2*hidden:
				rt.Fatalf("%s: %d are left in %d cells", what, left, hidden)
			case sum.hidden && hidden == 0 && len(cells) > 0:
				rt.Fatalf("%s: all cells are shown, and their sum is hidden", what)
			}
		}
		check("regions", total, groups)
		check("schools of the country", total, all)
		for _, g := range groups {
			check("schools of region "+g.group, g, members[g.group])
		}
	})
}

func TestNothingIsHiddenWithoutNeed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		total, groups, members, all := tree(rt)
		for _, m := range all {
			m.people += 100
		}
		for _, g := range groups {
			g.people += 100 * len(members[g.group])
			total.people += 100 * len(members[g.group])
		}
		if len(all) == 0 {
			return
		}
		protect(total, groups, members, 5)
		for _, f := range append(append([]*figure{total}, groups...), all...) {
			if f.hidden {
				rt.Fatalf("a cell of %d is hidden", f.people)
			}
		}
	})
}
