package insight

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"lignum/domain"
)

// Order is how the rows of a table by school are put.
type Order string

// The orders. What is withheld comes last in the second.
const (
	ByName      Order = "name"   // by region, name and id, in the order of bytes
	LowestFirst Order = "lowest" // by the pass rate, or by the days of attendance
)

// Rows says which rows of a table by school are wanted; the zero value the first hundred by name. Neither what is hidden nor the total depends on
// it.
type Rows struct {
	Region string // of this region; "": of all
	Order  Order
	After  string // the cursor of the page before
	Limit  int    // 1 to 200; 0: 100
}

// mark is where a page begins: after the row of this place.
type mark struct {
	rank             int // in LowestFirst
	group, name, key string
}

// hiddenRank puts what is withheld behind everything else.
const hiddenRank = math.MaxInt32

// check returns where the page begins, nil for the first one, and how long it is.
func (r Rows) check() (after *mark, limit int, err error) {
	if limit = cmp.Or(r.Limit, 100); limit < 1 || limit > 200 {
		return nil, 0, domain.InvalidField("limit", "domain.must_be_1_to_200")
	}
	if r.Order != "" && r.Order != ByName && r.Order != LowestFirst {
		return nil, 0, domain.InvalidField("order", "insight.must_be_name_or_lowest")
	}
	if r.After == "" {
		return nil, limit, nil
	}
	at, err := domain.ReadCursor(r.After, 4)
	if err != nil {
		return nil, 0, err
	}
	rank, err := strconv.ParseInt(at[0], 10, 32)
	if err != nil || (rank != 0) && r.Order != LowestFirst {
		return nil, 0, domain.BadCursor()
	}
	if _, err := uuid.Parse(at[3]); err != nil && at[3] != "" {
		return nil, 0, domain.BadCursor()
	}
	return &mark{int(rank), at[1], at[2], at[3]}, limit, nil
}

// place is where a cell stands in the order.
func (r Rows) place(c Cell) mark {
	m := mark{group: c.Group, name: c.Name, key: c.Key}
	if r.Order == LowestFirst {
		switch {
		case c.Suppressed:
			m.rank = hiddenRank
		case c.Percent != nil:
			m.rank = *c.Percent
		default:
			m.rank = *c.Count
		}
	}
	return m
}

func (m mark) cursor() string { return domain.Cursor(strconv.Itoa(m.rank), m.group, m.name, m.key) }

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.rank, o.rank), strings.Compare(m.group, o.group), strings.Compare(m.name, o.name), strings.Compare(m.key, o.key))
}

// page takes the rows that are wanted out of a table that has all of them.
func (t *Table) page(r Rows) error {
	after, limit, err := r.check()
	if err != nil {
		return err
	}
	t.Cells = slices.DeleteFunc(t.Cells, func(c Cell) bool {
		return r.Region != "" && c.Group != r.Region || after != nil && r.place(c).compare(*after) <= 0
	})
	slices.SortFunc(t.Cells, func(a, b Cell) int { return r.place(a).compare(r.place(b)) })
	t.cut(r, limit)
	return nil
}

// cut ends a page that may have a row too many.
func (t *Table) cut(r Rows, limit int) {
	if len(t.Cells) > limit {
		t.Cells = t.Cells[:limit]
		t.Next = r.place(t.Cells[limit-1]).cursor()
	}
}
