package insight

import (
	"context"
	"slices"
	"sort"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Who is lowest of all is known only when all are summed. So the order of a tenant's schools over some finished months is kept in memory for a
// minute: the figures of those months do not change unless they are counted again, and then it is another order; a school's new name is
// in it within the minute. A country of nine hundred schools takes some 200 kB.
const (
	rankingsKept = 32
	rankingAge   = time.Minute
)

// Rankings keeps the orders that were asked for last. It is safe for concurrent use; nil keeps none.
type Rankings struct {
	kept *expirable.LRU[rankingOf, []Cell]
}

// NewRankings is empty.
func NewRankings() *Rankings {
	return &Rankings{expirable.NewLRU[rankingOf, []Cell](rankingsKept, nil, rankingAge)}
}

// rankingOf is what an order is of: a realm, a kind of figures, and the months, each with when it was counted.
type rankingOf struct{ realm, kind, months string }

// lowestFirst returns all schools in the order of LowestFirst, which nobody may change.
func (r *Rankings) lowestFirst(ctx context.Context, q tenants.Querier, of rankingOf, months []Period) ([]Cell, error) {
	if r != nil {
		if cells, ok := r.kept.Get(of); ok {
			return cells, nil
		}
	}
	rows, err := q.Query(ctx, allSchools, dates(months), of.kind)
	if err != nil {
		return nil, err
	}
	counted, some := "", false
	cells, err := pgx.CollectRows(rows, cellOf(of.kind, len(months), &counted, &some))
	if err != nil {
		return nil, err
	}
	if !some {
		cells = nil
	}
	order := Rows{Order: LowestFirst}
	slices.SortFunc(cells, func(a, b Cell) int { return order.place(a).compare(order.place(b)) })
	// The totals may have been read on another replica, which knows of a newer count: then this order is good for this answer alone.
	if r != nil && counted == of.months {
		r.kept.Add(of, cells)
	}
	return cells, nil
}

// pageOf takes the rows that are wanted, and one more where there are more, out of all in their order.
func (r Rows) pageOf(cells []Cell, after *mark, limit int) []Cell {
	if after != nil {
		cells = cells[sort.Search(len(cells), func(i int) bool { return r.place(cells[i]).compare(*after) > 0 }):]
	}
	page := make([]Cell, 0, min(limit+1, len(cells)))
	for _, c := range cells {
		if r.Region != "" && c.Group != r.Region {
			continue
		}
		if page = append(page, c); len(page) > limit {
			break
		}
	}
	return page
}
