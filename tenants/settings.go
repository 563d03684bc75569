package tenants

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Settings are what a tenant can see of itself: what the platform decided, what is used, and what the tenant decides.
type Settings struct {
	State       State            `json:"state"`
	StateReason string           `json:"state_reason,omitempty"`
	Plan        string           `json:"plan"`
	Limits      Limits           `json:"limits"`
	Used        map[string]int64 `json:"used"` // learners, staff, classes, storage_bytes: exact
	Branding    Branding         `json:"branding"`
}

// ReadSettings returns a tenant's settings in one round trip.
func ReadSettings(ctx context.Context, q Querier) (Settings, error) {
	b := &pgx.Batch{}
	b.Queue("SELECT s.state, s.state_reason, s.plan, s.limits, b.document FROM settings s CROSS JOIN branding b")
	b.Queue("SELECT kind, n FROM usage_counts")
	res := q.SendBatch(ctx, b)
	defer res.Close()
	s := Settings{Used: map[string]int64{}}
	var document string
	err := res.QueryRow().Scan(&s.State, &s.StateReason, &s.Plan, &s.Limits, &document)
	if err == nil {
		s.Branding, err = brandingOf(document)
	}
	if err != nil {
		return s, err
	}
	rows, err := res.Query()
	if err != nil {
		return s, err
	}
	var kind string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &n}, func() error { s.Used[kind] = n; return nil })
	return s, err
}
