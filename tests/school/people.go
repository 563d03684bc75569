package school

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/demo/rows"
	"lignum/domain/notices"
	"lignum/tenants"
)

// School is a school to be made. Empty: no SourceID, the Name "School N" by its place in the list, the Kind secondary, no Region, open.
type School = rows.School

// Schools adds schools, and gives their ids.
func Schools(t testing.TB, db *tenants.DB, list ...School) []uuid.UUID {
	t.Helper()
	list = slices.Clone(list)
	ids := identify(list, func(s *School) *uuid.UUID { return &s.ID })
	for i := range list {
		list[i].Name = cmp.Or(list[i].Name, fmt.Sprintf("School %d", i+1))
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Schools(ctx, tx, list) })
	return ids
}

// Person is an account to be made. Empty: the id as user name, the names Given and Family, no e-mail address, no role, no school, no grade,
// active, no password, on no leaderboard.
type Person = rows.Person

// People adds accounts with their roles, in a tenant or on the platform, and gives their ids.
func People(t testing.TB, db *tenants.DB, list ...Person) []uuid.UUID {
	t.Helper()
	list = slices.Clone(list)
	ids := identify(list, func(p *Person) *uuid.UUID { return &p.ID })
	for i := range list {
		p := &list[i]
		p.UserName, p.GivenName, p.FamilyName = cmp.Or(p.UserName, p.ID.String()), cmp.Or(p.GivenName, "Given"), cmp.Or(p.FamilyName, "Family")
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		return rows.People(ctx, tx, db.Realm(), time.Now().UTC(), list)
	})
	return ids
}

// Learners adds n students, named Given0 Family000 and so on in their order, at a school or, with uuid.Nil, at none.
func Learners(t testing.TB, db *tenants.DB, n int, at uuid.UUID) []uuid.UUID {
	t.Helper()
	list := make([]Person, n)
	for i := range list {
		list[i] = Person{GivenName: fmt.Sprintf("Given%d", i), FamilyName: fmt.Sprintf("Family%03d", i), Roles: []string{"student"}, SchoolID: at}
	}
	return People(t, db, list...)
}

// GiveRole gives people one more role. Who has it, or is not there, is passed over.
func GiveRole(t testing.TB, db *tenants.DB, role string, people ...uuid.UUID) {
	t.Helper()
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO user_roles (user_id, role) SELECT id, $2::text FROM users WHERE id = ANY($1::text[]::uuid[]) ON CONFLICT DO NOTHING", texts(people), role)
		return err
	})
}

// GivePassword lets people have chosen a password with this hash, or none with "". A hash that is none, such as "x", is of a password that
// nobody knows.
func GivePassword(t testing.TB, db *tenants.DB, hash string, people ...uuid.UUID) {
	t.Helper()
	change(t, db, `INSERT INTO credentials (user_id, password_hash) SELECT id, nullif($2::text, '') FROM users WHERE id = ANY($1::text[]::uuid[])
		ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash`, people, hash)
}

// GiveAuthenticator lets people have confirmed an authenticator app, whose codes nobody knows.
func GiveAuthenticator(t testing.TB, db *tenants.DB, people ...uuid.UUID) {
	t.Helper()
	change(t, db, `INSERT INTO credentials (user_id, totp_secret, totp_confirmed_at) SELECT id, 'x', now() FROM users WHERE id = ANY($1::text[]::uuid[])
		ON CONFLICT (user_id) DO UPDATE SET totp_secret = excluded.totp_secret, totp_confirmed_at = excluded.totp_confirmed_at`, people)
}

// SetState makes people active, suspended or erased, without a word to them and without taking or giving back their seats.
func SetState(t testing.TB, db *tenants.DB, state string, people ...uuid.UUID) {
	t.Helper()
	change(t, db, "UPDATE users SET state = $2::text WHERE id = ANY($1::text[]::uuid[])", people, state)
}

func change(t testing.TB, db *tenants.DB, sql string, people []uuid.UUID, args ...any) {
	t.Helper()
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error {
		n, err := tx.Exec(ctx, sql, append([]any{texts(people)}, args...)...)
		if err == nil && n != int64(len(people)) {
			err = fmt.Errorf("%d of %d people were there", n, len(people))
		}
		return err
	})
}

func texts(ids []uuid.UUID) []string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = id.String()
	}
	return list
}

// Session is a device that somebody is signed in on.
type Session struct {
	ID, User     uuid.UUID // without an ID it is a new one
	RefreshHash  []byte    // of its refresh token; empty: one that nobody has
	SecondFactor bool
	OpenedAt     time.Time // zero: now
	ExpiresAt    time.Time // zero: a day after OpenedAt
}

// Sessions signs people in, without a password being hashed, and gives the sessions' ids. The day does not become an active one.
func Sessions(t testing.TB, db *tenants.DB, list ...Session) []uuid.UUID {
	t.Helper()
	list = slices.Clone(list)
	ids := identify(list, func(s *Session) *uuid.UUID { return &s.ID })
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return OpenSessions(ctx, tx, list...) })
	return ids
}

// OpenSessions is Sessions, in a transaction that makes other things as well. Each session has its ID.
func OpenSessions(ctx context.Context, tx *tenants.Tx, list ...Session) error {
	return rows.Copy(ctx, tx, "sessions", []string{"id", "user_id", "refresh_hash", "second_factor", "created_at", "expires_at"}, len(list), func(i int) []any {
		s := list[i]
		if len(s.RefreshHash) == 0 {
			s.RefreshHash = s.ID[:]
		}
		if s.OpenedAt.IsZero() {
			s.OpenedAt = time.Now().UTC()
		}
		if s.ExpiresAt.IsZero() {
			s.ExpiresAt = s.OpenedAt.AddDate(0, 0, 1)
		}
		return []any{s.ID, s.User, s.RefreshHash, s.SecondFactor, s.OpenedAt, s.ExpiresAt}
	})
}

// ID is somebody's id by their user name; the test fails where there is nobody of that name.
func ID(t testing.TB, db *tenants.DB, userName string) (id uuid.UUID) {
	t.Helper()
	err := db.ReadFresh(context.Background(), func(r *tenants.Reader) error {
		return r.QueryRow(context.Background(), "SELECT id FROM users WHERE user_name_key = $1::text", userName).Scan(&id)
	})
	if err != nil {
		t.Fatalf("%s: %v", userName, err)
	}
	return id
}

// Guardian ties a guardian to learners, with consent from now on.
func Guardian(t testing.TB, db *tenants.DB, guardian uuid.UUID, learners ...uuid.UUID) {
	t.Helper()
	list, now := make([]rows.Guardianship, len(learners)), time.Now().UTC()
	for i, l := range learners {
		list[i] = rows.Guardianship{Guardian: guardian, Learner: l, ConsentAt: now}
	}
	set(t, db, func(ctx context.Context, tx *tenants.Tx) error { return rows.Guardianships(ctx, tx, list) })
}

// Unseen returns what somebody was told and has not seen yet, the newest first.
func Unseen(ctx context.Context, q tenants.Querier, user uuid.UUID) (list []notices.Notice, err error) {
	b := &pgx.Batch{}
	notices.QueueUnseen(b, user, &list)
	return list, q.SendBatch(ctx, b).Close()
}
