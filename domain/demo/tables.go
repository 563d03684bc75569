package demo

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// copyRows streams n rows into a table; row gives the i-th.
func copyRows(ctx context.Context, tx *tenants.Tx, table string, columns []string, n int, row func(i int) []any) error {
	if n == 0 {
		return nil
	}
	_, err := tx.CopyFrom(ctx, table, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	if err != nil {
		return fmt.Errorf("%s: %w", table, err)
	}
	return nil
}

// count takes n of a quota, in the transaction that adds the things themselves.
func count(ctx context.Context, tx *tenants.Tx, kind limits.Kind, n int) error {
	if n == 0 {
		return nil
	}
	room, err := limits.Take(ctx, tx, kind, int64(n))
	if err == nil && !room {
		return domain.Errorf(domain.OverQuota, "The tenant's plan has no room for %d more %s.", n, kind)
	}
	return err
}

// chunks cuts total into pieces of at most size and runs each one once, under "part/number".
func (r *room) chunks(ctx context.Context, part string, total, size int, fn func(tx *tenants.Tx, from, to int) error) error {
	for from := 0; from < total; from += size {
		r.in.progress(r.slug+": "+part, from, total)
		to := min(from+size, total)
		if err := r.once(ctx, fmt.Sprintf("%s/%d", part, from), func(tx *tenants.Tx) error { return fn(tx, from, to) }); err != nil {
			return fmt.Errorf("%s of %s: %w", part, r.slug, err)
		}
	}
	r.in.progress(r.slug+": "+part, total, total)
	return nil
}

// person is an account to be made.
type person struct {
	id       uuid.UUID
	userName string
	given    string
	family   string
	email    string
	role     string
	school   uuid.UUID // Nil: none
	grade    string
}

// storePeople adds accounts with the shared password and counts them against the quotas.
func (r *room) storePeople(ctx context.Context, tx *tenants.Tx, list []person, hash string) error {
	learners := 0
	for _, p := range list {
		if p.role == "student" {
			learners++
		}
	}
	if !r.db.Realm().IsPlatform() {
		if err := count(ctx, tx, limits.Learners, learners); err != nil {
			return err
		}
		if err := count(ctx, tx, limits.Staff, len(list)-learners); err != nil {
			return err
		}
	}
	err := copyRows(ctx, tx, "users", []string{"id", "user_name", "user_name_key", "given_name", "family_name", "email", "school_id", "grade", "has_password", "claimed", "created_at", "updated_at"},
		len(list), func(i int) []any {
			p := list[i]
			return []any{p.id, p.userName, p.userName, p.given, p.family, orNull(p.email), idOrNull(p.school), p.grade, true, true, r.in.Now, r.in.Now}
		})
	if err != nil {
		return err
	}
	if err := copyRows(ctx, tx, "credentials", []string{"user_id", "password_hash", "changed_at"}, len(list), func(i int) []any {
		return []any{list[i].id, hash, r.in.Now}
	}); err != nil {
		return err
	}
	return copyRows(ctx, tx, "user_roles", []string{"user_id", "role", "granted_at"}, len(list), func(i int) []any {
		return []any{list[i].id, list[i].role, r.in.Now}
	})
}

func idOrNull(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return id
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// numbered makes the people role1 to roleN of a kind from..to, each with a name from the part's own random source.
func (r *room) numbered(stem, role string, from, to int) []person {
	rnd := r.random(fmt.Sprintf("%s %d", stem, from))
	list := make([]person, 0, to-from+1)
	for n := from; n <= to; n++ {
		p := person{id: r.userID(stem, n), userName: fmt.Sprintf("%s%d", stem, n), given: pick(rnd, givenNames), family: pick(rnd, familyNames), role: role}
		if role != "student" {
			p.email = p.userName + "@" + r.db.Realm().Name() + ".example"
		}
		list = append(list, p)
	}
	return list
}

// userID is the id of the n-th of a kind of demo people.
func (r *room) userID(stem string, n int) uuid.UUID { return r.id("user "+stem, n) }
