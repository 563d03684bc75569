package tenants

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants/audit"
)

// Branding is how a tenant looks, and what it asks of its staff.
type Branding struct {
	Name              string `json:"name" minLength:"1" maxLength:"120" doc:"The name people see"`
	Colour            string `json:"colour" pattern:"^#[0-9a-fA-F]{6}$" doc:"Main colour of the pages, #rrggbb"`
	Accent            string `json:"accent" pattern:"^#[0-9a-fA-F]{6}$" doc:"Second colour, #rrggbb"`
	StaffSecondFactor bool   `json:"staff_second_factor" doc:"Staff must sign in with a second factor"`
	LeaderboardBy     string `json:"leaderboard_by,omitempty" enum:"learner,guardian" doc:"Who turns a learner's place on leaderboards on; without it, that stays as it is. A change takes everybody off first"`
	Version           string `json:"version,omitempty" maxLength:"64" doc:"Names what is above. With a change it is the one that was read; 409 when somebody else changed it since"`
}

// Settings are what a tenant can see of itself: what the platform decided, what is used, and what the tenant decides.
type Settings struct {
	State       State            `json:"state"`
	StateReason string           `json:"state_reason,omitempty"`
	Plan        string           `json:"plan"`
	Limits      Limits           `json:"limits"`
	Used        map[string]int64 `json:"used"` // learners, staff, classes, storage_bytes: exact
	Branding    Branding         `json:"branding"`
}

// ReadSettings gives a tenant's settings in one round trip.
func ReadSettings(ctx context.Context, q Querier) (Settings, error) {
	b := &pgx.Batch{}
	b.Queue("SELECT s.state, s.state_reason, s.plan, s.limits, b.name, b.colour, b.accent, b.staff_second_factor, b.leaderboard_by FROM settings s CROSS JOIN branding b")
	b.Queue("SELECT kind, n FROM usage_counts")
	res := q.SendBatch(ctx, b)
	defer res.Close()
	s := Settings{Used: map[string]int64{}}
	if err := res.QueryRow().Scan(&s.State, &s.StateReason, &s.Plan, &s.Limits, &s.Branding.Name, &s.Branding.Colour, &s.Branding.Accent, &s.Branding.StaffSecondFactor, &s.Branding.LeaderboardBy); err != nil {
		return s, err
	}
	s.Branding.Version = domain.Version(s.Branding)
	rows, err := res.Query()
	if err != nil {
		return s, err
	}
	var kind string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&kind, &n}, func() error { s.Used[kind] = n; return nil })
	return s, err
}

// SetBranding changes how a tenant looks and gives how it looked before. Every process shows it within seconds. It gives
// domain.Invalid, or domain.Conflict when somebody else changed it after the Version that was read.
func SetBranding(ctx context.Context, tx *Tx, to Branding, now time.Time) (was Branding, err error) {
	to.Name, to.Colour, to.Accent = strings.TrimSpace(to.Name), strings.ToLower(to.Colour), strings.ToLower(to.Accent)
	var p domain.Problems
	if n := utf8.RuneCountInString(to.Name); n < 1 || n > 120 || strings.ContainsFunc(to.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.Add("name", "must be one line of 1 to 120 characters")
	}
	for field, v := range map[string]string{"colour": to.Colour, "accent": to.Accent} {
		if !colourPattern.MatchString(v) {
			p.Add(field, "must be a colour, such as #1a5c38")
		}
	}
	if by := to.LeaderboardBy; by != "" && by != "learner" && by != "guardian" {
		p.Add("leaderboard_by", "must be learner or guardian")
	}
	if err := p.Err(); err != nil {
		return was, err
	}
	if err := tx.QueryRow(ctx, "SELECT name, colour, accent, staff_second_factor, leaderboard_by FROM branding FOR UPDATE").
		Scan(&was.Name, &was.Colour, &was.Accent, &was.StaffSecondFactor, &was.LeaderboardBy); err != nil {
		return was, err
	}
	if err := domain.CheckVersion(to.Version, domain.Version(was)); err != nil {
		return was, err
	}
	to.Version = ""
	if to.LeaderboardBy == "" {
		to.LeaderboardBy = was.LeaderboardBy
	}
	if _, err := tx.Exec(ctx, `UPDATE branding SET name = $1::text, colour = $2::text, accent = $3::text, staff_second_factor = $4::boolean, leaderboard_by = $5::text, updated_at = $6::timestamptz`,
		to.Name, to.Colour, to.Accent, to.StaffSecondFactor, to.LeaderboardBy, now.UTC()); err != nil {
		return was, err
	}
	tx.Record(audit.Entry{Action: "tenant.change", ObjectKind: "tenant", ObjectID: "branding", Before: was, After: to})
	tx.Bump("settings")
	return was, nil
}
