package tenants

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

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
	Version           string `json:"version,omitempty" maxLength:"64" doc:"Names what is above. With a change it is the one that was read; 409 when somebody else changed it since" gorm:"-"`
}

// brandingRow is the one row of the table.
type brandingRow struct {
	Branding
	ChangedAt time.Time `gorm:"column:updated_at"`
}

// TableName is GORM's.
func (brandingRow) TableName() string { return "branding" }

// ReadBranding gives how a tenant looks, with its Version.
func ReadBranding(ctx context.Context, q Querier) (Branding, error) {
	row, err := Entity[brandingRow](q).Take(ctx)
	row.Version = domain.Version(row.Branding)
	return row.Branding, err
}

// SetBranding changes how a tenant looks and gives how it looked before. Every process shows it within seconds. It gives
// domain.Invalid, or domain.Conflict when somebody else changed it after the Version that was read.
func SetBranding(ctx context.Context, tx *Tx, to Branding, now time.Time) (was Branding, err error) {
	to.Name, to.Colour, to.Accent = strings.TrimSpace(to.Name), strings.ToLower(to.Colour), strings.ToLower(to.Accent)
	var p domain.Problems
	if n := utf8.RuneCountInString(to.Name); n < 1 || n > 120 || strings.ContainsFunc(to.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		p.Add("name", "tenants.must_be_one_line_of")
	}
	for field, v := range map[string]string{"colour": to.Colour, "accent": to.Accent} {
		if !colourPattern.MatchString(v) {
			p.Add(field, "tenants.must_be_a_colour_such")
		}
	}
	if by := to.LeaderboardBy; by != "" && by != "learner" && by != "guardian" {
		p.Add("leaderboard_by", "tenants.must_be_learner_or_guardian")
	}
	if err := p.Err(); err != nil {
		return was, err
	}
	held, err := Entity[brandingRow](tx, Held).Take(ctx)
	if err != nil {
		return was, err
	}
	was = held.Branding
	if err := domain.CheckVersion(to.Version, domain.Version(was)); err != nil {
		return was, err
	}
	to.Version = ""
	if to.LeaderboardBy == "" {
		to.LeaderboardBy = was.LeaderboardBy
	}
	if _, err := Entity[brandingRow](tx).Where("id").Select("*").Updates(ctx, brandingRow{to, now.UTC()}); err != nil {
		return was, err
	}
	tx.Record(audit.Entry{Action: "tenant.change", ObjectKind: "tenant", ObjectID: "branding", Before: was, After: to})
	tx.Bump("settings")
	return was, nil
}
