package web

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"lignum/api"
	"lignum/policy"
)

// Link is an entry of the menu, and a card on the home page of staff.
type Link struct {
	Path       string
	Text       string
	About      string // one sentence: what one finds there
	Permission policy.Permission
	Unless     policy.Permission    // not for those who hold this one; zero: for all
	Only       func(*api.Call) bool // for those alone of whom this is so; nil: for all
	Order      int                  // lower comes first; learners' pages have 10 to 50
	Current    bool
}

var links []Link

// AddLinks puts pages into the menu, each for those whose role holds its permission. Call it from init.
func AddLinks(more ...Link) {
	links = append(links, more...)
	slices.SortStableFunc(links, func(a, b Link) int { return cmp.Compare(a.Order, b.Order) })
}

// Links is the menu as items of a list. A page has it twice, and it is the larger part of what a page has in common with all others, so it is
// written here and not by a template.
func (v *View) Links() template.HTML {
	var b strings.Builder
	for i := range v.Menu {
		l := &v.Menu[i]
		b.WriteString(`<li><a href="`)
		template.HTMLEscape(&b, []byte(l.Path))
		if b.WriteByte('"'); l.Current {
			b.WriteString(` aria-current="page"`)
		}
		b.WriteByte('>')
		template.HTMLEscape(&b, []byte(l.Text))
		b.WriteString(`</a></li>`)
	}
	return template.HTML(b.String())
}

// menuFor gives what the signed-in person may open; the place where they are is marked.
func menuFor(c *api.Call, path string) []Link {
	if c.Claims == nil || c.Claims.MustChangePassword {
		return nil
	}
	kind := policy.Platform
	if c.Tenant != nil {
		kind = policy.Tenant
	} else if !c.Claims.SecondFactor { // nothing of it would open
		return nil
	}
	var mine []Link
	barred := c.Barred()
	best := -1
	for _, l := range links {
		switch {
		case !l.Permission.In(kind), !c.May(l.Permission), !l.Unless.IsZero() && c.May(l.Unless), l.Only != nil && !l.Only(c):
			continue
		case barred && l.Permission.Realm() != policy.Either:
			continue
		}
		if (path == l.Path || strings.HasPrefix(path, l.Path+"/")) && (best < 0 || len(l.Path) > len(mine[best].Path)) {
			best = len(mine)
		}
		mine = append(mine, l)
	}
	if best >= 0 {
		mine[best].Current = true
	}
	return mine
}
