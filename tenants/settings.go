package tenants

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Settings are what a tenant can see of itself: what the platform decided, and what the tenant decides.
type Settings struct {
	State       State    `json:"state"`
	StateReason string   `json:"state_reason,omitempty"`
	Plan        string   `json:"plan"`
	Limits      Limits   `json:"limits"`
	Branding    Branding `json:"branding"`
}

// ReadSettings returns a tenant's settings in one round trip.
func ReadSettings(ctx context.Context, q Querier) (Settings, error) {
	var s Settings
	var document string
	err := q.QueryRow(ctx, "SELECT s.state, s.state_reason, s.plan, s.limits, b.document FROM settings s CROSS JOIN branding b").Scan(&s.State, &s.StateReason, &s.Plan, &s.Limits, &document)
	if err == nil {
		s.Branding, err = brandingOf(document)
	}
	return s, err
}

// ReadQuotas returns a tenant's limits with what is used of them on a day of its calendar, exactly.
func ReadQuotas(ctx context.Context, q Querier, today time.Time) ([]Quota, error) {
	b := &pgx.Batch{}
	b.Queue("SELECT limits FROM settings")
	QueueUse(b, today)
	res := q.SendBatch(ctx, b)
	defer res.Close()
	var own Limits
	if err := res.QueryRow().Scan(&own); err != nil {
		return nil, err
	}
	used, err := ReadUse(res)
	return own.Quotas(used), err
}
