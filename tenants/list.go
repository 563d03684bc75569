package tenants

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
)

// List returns the tenants after a slug ("": from the first), by slug, on the platform's own data. limit is 1 to 200; 0: 30.
// more tells that others follow.
func List(ctx context.Context, q Querier, state State, after string, limit int) (list []Tenant, more bool, err error) {
	if limit == 0 {
		limit = domain.Rows
	}
	if limit < 1 || limit > 200 {
		return nil, false, domain.InvalidField("limit", "domain.must_be_1_to_200")
	}
	var at []string
	if after != "" {
		at = []string{after}
	}
	found := Entity[Tenant](q).Scopes(Page("slug", at, limit+1))
	if state != "" {
		found = found.Where("state = ?", state)
	}
	if list, err = found.Find(ctx); err != nil {
		return nil, false, err
	}
	if more = len(list) > limit; more {
		list = list[:limit]
	}
	return list, more, nil
}

// UsageDay is what a tenant's own job published of one day.
type UsageDay struct {
	Slug        string    `json:"slug"`
	Day         string    `json:"day"` // in the tenant's zone
	ActiveUsers int       `json:"active_users"`
	Attendance  int       `json:"attendance"` // learners who worked
	Learners    int       `json:"learners"`   // accounts
	Classes     int       `json:"classes"`    // active
	Attempts    int       `json:"attempts"`   // handed in
	PublishedAt time.Time `json:"published_at"`
}

// UsageDays returns the published days of a tenant (or with "" of all), from and to both in, newest first. At most 366 days
// of one tenant, 31 of all. It returns domain.Invalid for a longer time.
func UsageDays(ctx context.Context, q Querier, slug string, from, to time.Time) ([]UsageDay, error) {
	most := 366
	if slug == "" {
		most = 31
	}
	if days := int(to.Sub(from)/(24*time.Hour)) + 1; days < 1 || days > most {
		return nil, domain.InvalidField("from", "tenants.must_be_so_that_the", "Most", most)
	}
	rows, err := q.Query(ctx, `SELECT slug, day::text, active_users, attendance, learners, classes, attempts, published_at FROM usage_days
		WHERE ($1::text = '' OR slug = $1::text) AND day BETWEEN $2::text::date AND $3::text::date ORDER BY day DESC, slug`,
		slug, from.Format(time.DateOnly), to.Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[UsageDay])
	if list == nil {
		list = []UsageDay{}
	}
	return list, err
}
