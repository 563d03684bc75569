// Package people is who learns and who helps: their names, roles, schools and guardians, and whether their accounts are open. It serves both
// kinds of realm, a tenant's and the platform's own; schools, guardians and quotas exist in tenants only. How somebody proves who they are is in
// domain/identity, above; what a country's own system sends is read and judged in domain/roster, and its people and schools are written here.
//
// Nothing here decides who may do what; it gives the facts.
package people

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// Student is the one role that this room treats in its own way: students count as learners, everybody else as staff.
const Student = "student"

// Guardian is the role that may be tied to a learner.
const Guardian = "guardian"

// FoldUserName returns what sign-in compares: capitals and blanks around it do not matter.
func FoldUserName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// CheckUserName notes a user name, in the form that FoldUserName gives, that no account may have.
func CheckUserName(p *domain.Problems, field, v string) {
	if !tenants.UserNamePattern.MatchString(v) {
		p.Add(field, "people.must_be_1_to_64")
	}
}

// QuotaOf returns the quota that an active account with these roles counts against.
func QuotaOf(roles []string) limits.Kind {
	if slices.Contains(roles, Student) {
		return limits.Learners
	}
	return limits.Staff
}

// takeSeat takes one of a quota, in the transaction that makes or resumes the account; the platform's own realm has no quotas. It gives
// domain.OverQuota when the plan has no room.
func takeSeat(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, kind limits.Kind) error {
	if realm.IsPlatform() {
		return nil
	}
	room, err := limits.Take(ctx, tx, kind, 1)
	if err == nil && !room {
		if kind == limits.Learners {
			return domain.Refuse(domain.OverQuota, "people.no_room_for_learners")
		}
		return domain.Refuse(domain.OverQuota, "people.no_room_for_staff")
	}
	return err
}

// giveSeatBack gives one back.
func giveSeatBack(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, kind limits.Kind) error {
	if realm.IsPlatform() {
		return nil
	}
	return limits.GiveBack(ctx, tx, kind, 1)
}

func texts[T interface{ String() string }](ids []T) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

// like makes user text a literal prefix for LIKE.
func like(prefix string) string {
	return domain.Literal(prefix) + "%"
}

// exists runs a query that gives one boolean.
func exists(ctx context.Context, q tenants.Querier, sql string, args ...any) (yes bool, err error) {
	err = q.QueryRow(ctx, sql, args...).Scan(&yes)
	return yes, err
}

// notFound refuses what is not there, with the message of a key.
func notFound(err error, key string) error {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.Refuse(domain.NotFound, key)
	}
	return err
}

// RolesTogether are the sets of several roles that people have, each once.
func RolesTogether(ctx context.Context, q tenants.Querier) ([][]string, error) {
	rows, err := q.Query(ctx, `SELECT DISTINCT array_agg(role ORDER BY role) FROM user_roles GROUP BY user_id HAVING count(*) > 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[[]string])
}
