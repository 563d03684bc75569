// Package people is who learns and who helps: accounts, passwords, sign-in, sessions, tokens, second factors,
// printed cards, guardians, schools, and the roster that a ministry sends. It serves both kinds of realm, a tenant's
// and the platform's own; schools, guardians, quotas and rosters exist in tenants only.
//
// What hashes a password takes a *tenants.DB and opens its own short transactions, so that no database connection
// waits for argon2. Everything else takes a Querier or a Tx. Nothing here decides who may do what; it gives the facts.
package people

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
)

// Student is the one role that this room treats in its own way: students count as learners, everybody else as staff.
const Student = "student"

// Guardian is the role that may be tied to a learner.
const Guardian = "guardian"

// foldUserName is what sign-in compares.
func foldUserName(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// checkText notes a text that is empty (unless it may be), too long, or holds control characters.
func checkText(p *domain.Problems, field, v string, least, most int) {
	switch n := utf8.RuneCountInString(v); {
	case !utf8.ValidString(v):
		p.Add(field, "is not valid UTF-8 text")
	case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }):
		p.Add(field, "must not hold control characters")
	case n == 0 && least > 0:
		p.Add(field, "is missing; it must have %d to %d characters", least, most)
	case n < least || n > most:
		p.Add(field, "must have %d to %d characters, has %d", least, most, n)
	}
}

func checkUserName(p *domain.Problems, field, v string) {
	if !tenants.UserNamePattern.MatchString(v) {
		p.Add(field, "must be 1 to 64 characters of a-z, 0-9 and . _ @ + -, and start with a letter or a digit")
	}
}

// seatKind is which quota an account with these roles counts against.
func seatKind(roles []string) string {
	for _, r := range roles {
		if r == Student {
			return "learners"
		}
	}
	return "staff"
}

// takeSeats changes a count of what is limited by n, in the transaction that changes the thing itself; the platform's
// own realm has no quotas. It gives domain.OverQuota when the limit would be passed.
func takeSeats(ctx context.Context, tx *tenants.Tx, realm tenants.Realm, kind string, n int) error {
	if realm.IsPlatform() || n == 0 {
		return nil
	}
	if n < 0 {
		_, err := tx.Exec(ctx, `UPDATE usage_counts SET n = greatest(0, n + $2::bigint) WHERE kind = $1::text`, kind, n)
		return err
	}
	took, err := tx.Exec(ctx, `UPDATE usage_counts SET n = n + $2::bigint
		WHERE kind = $1::text AND n + $2::bigint <= coalesce((SELECT (limits->>$1::text)::bigint FROM settings), 0)`, kind, n)
	if err == nil && took == 0 {
		return domain.Errorf(domain.OverQuota, "The quota of %s accounts is used up. Suspend accounts that are no longer needed, or ask for a larger plan.", strings.TrimSuffix(kind, "s"))
	}
	return err
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

func notFound(err error, what string) error {
	if err == pgx.ErrNoRows {
		return domain.Errorf(domain.NotFound, "There is no such %s.", what)
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
