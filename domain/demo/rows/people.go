package rows

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tenants/limits"
)

// School is a school to be made.
type School struct {
	ID       uuid.UUID
	SourceID string // the id in the country's own records; empty: none
	Name     string
	Kind     string // empty: secondary
	Region   string
	Closed   bool
}

// Schools adds schools.
func Schools(ctx context.Context, tx *tenants.Tx, list []School) error {
	return Copy(ctx, tx, "schools", []string{"id", "source_id", "name", "kind", "region", "state"}, len(list), func(i int) []any {
		s, state := list[i], "active"
		if s.Closed {
			state = "closed"
		}
		return []any{s.ID, orNull(s.SourceID), s.Name, cmp.Or(s.Kind, "secondary"), s.Region, state}
	})
}

// Person is an account to be made.
type Person struct {
	ID           uuid.UUID
	SourceID     string // the id in the country's own records; empty: none
	UserName     string // sign-in compares it without regard to capitals
	GivenName    string
	FamilyName   string
	Email        string
	Roles        []string // may be none, where nobody asks
	SchoolID     uuid.UUID
	Grade        string
	State        string // empty: active
	PasswordHash string // empty: none was chosen yet
	Listed       bool   // on the leaderboards; tenants only
}

// People adds accounts with their roles, and counts those that are active against the quotas: who learns as a learner, everybody else
// as staff. The platform's own realm has no quotas. It returns domain.OverQuota.
func People(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, now time.Time, list []Person) error {
	columns := []string{"id", "source_id", "user_name", "user_name_key", "given_name", "family_name", "email", "state", "school_id", "grade", "has_password", "claimed", "created_at", "updated_at"}
	if !realm.IsPlatform() {
		columns = append(columns, "on_leaderboard")
		if err := seats(ctx, tx, list); err != nil {
			return err
		}
	}
	err := Copy(ctx, tx, "users", columns, len(list), func(i int) []any {
		p := list[i]
		row := []any{p.ID, orNull(p.SourceID), p.UserName, strings.ToLower(p.UserName), p.GivenName, p.FamilyName, orNull(p.Email), cmp.Or(p.State, "active"),
			idOrNull(p.SchoolID), p.Grade, p.PasswordHash != "", p.PasswordHash != "", now, now}
		if !realm.IsPlatform() {
			row = append(row, p.Listed)
		}
		return row
	})
	if err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(list), func(p Person) bool { return p.PasswordHash == "" })
	if err := Copy(ctx, tx, "credentials", []string{"user_id", "password_hash", "changed_at"}, len(chosen), func(i int) []any {
		return []any{chosen[i].ID, chosen[i].PasswordHash, now}
	}); err != nil {
		return err
	}
	type granted struct {
		user uuid.UUID
		role string
	}
	var roles []granted
	for _, p := range list {
		for _, role := range p.Roles {
			roles = append(roles, granted{p.ID, role})
		}
	}
	return Copy(ctx, tx, "user_roles", []string{"user_id", "role", "granted_at"}, len(roles), func(i int) []any {
		return []any{roles[i].user, roles[i].role, now}
	})
}

// seats takes the seats of the active ones.
func seats(ctx context.Context, tx *tenants.Tx, list []Person) error {
	n := map[limits.Kind]int{}
	for _, p := range list {
		switch {
		case p.State != "" && p.State != "active":
		case slices.Contains(p.Roles, "student"):
			n[limits.Learners]++
		default:
			n[limits.Staff]++
		}
	}
	for _, kind := range []limits.Kind{limits.Learners, limits.Staff} {
		if err := take(ctx, tx, kind, n[kind]); err != nil {
			return err
		}
	}
	return nil
}

// Guardianship ties a guardian to a learner.
type Guardianship struct {
	Guardian, Learner uuid.UUID
	Relationship      string    // empty: guardian
	ConsentAt         time.Time // zero: no consent was given
}

// Guardianships adds ties between guardians and learners.
func Guardianships(ctx context.Context, tx *tenants.Tx, list []Guardianship) error {
	return Copy(ctx, tx, "guardianships", []string{"guardian_id", "learner_id", "relationship", "consent", "consent_at"}, len(list), func(i int) []any {
		g := list[i]
		return []any{g.Guardian, g.Learner, cmp.Or(g.Relationship, "guardian"), !g.ConsentAt.IsZero(), timeOrNull(g.ConsentAt)}
	})
}

func timeOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
