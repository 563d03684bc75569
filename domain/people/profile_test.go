package people

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// row gives an account's whole row, by column.
func (r *room) row(id uuid.UUID) (columns map[string]any) {
	r.T.Helper()
	var text []byte
	r.Read(func(q *tenants.Reader) error {
		return q.QueryRow(r.Ctx, "SELECT to_jsonb(u) FROM users u WHERE id = $1::uuid", id.String()).Scan(&text)
	})
	r.OK(json.Unmarshal(text, &columns))
	return columns
}

// A change of an account writes what it is about, and the time that it was told.
func TestAChangeOfAnAccountLeavesTheRest(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id, realm := r.user("akeem", Student), r.DB.Realm()
	r.Do("UPDATE users SET source_id = 'J-1', email = 'a@example.org', locale = 'es', has_password = true, claimed = true, second_factor = true, on_leaderboard = true WHERE id = $1::uuid", id.String())
	of := func(s string) *string { return &s }
	change := func(in UserChange) func(tx *tenants.Tx, now time.Time) error {
		return func(tx *tenants.Tx, now time.Time) error {
			_, err := ChangeUser(r.Ctx, tx, realm, id, in, now)
			return err
		}
	}
	for i, c := range []struct {
		do   func(tx *tenants.Tx, now time.Time) error
		want string // what is other than before, besides the time
	}{
		{change(UserChange{Grade: of("9B")}), "grade=9B"},
		{change(UserChange{Email: of(""), Locale: of("")}), "email=<nil> locale=<nil>"},
		{change(UserChange{UserName: of(" Akeem.B "), GivenName: of("Akim"), FamilyName: of("Bron"), Email: of("b@example.org"), Grade: of(""), Locale: of("fr")}),
			"email=b@example.org family_name=Bron given_name=Akim grade= locale=fr user_name=akeem.b user_name_key=akeem.b"},
		{func(tx *tenants.Tx, now time.Time) error {
			_, err := SuspendUser(r.Ctx, tx, realm, id, "left", nothingOpen, now)
			return err
		}, "state=suspended state_reason=left"},
		{func(tx *tenants.Tx, now time.Time) error { _, err := ResumeUser(r.Ctx, tx, realm, id, now); return err }, "state=active state_reason="},
	} {
		now := r.Now.Add(time.Duration(i+1) * time.Hour).Truncate(time.Second)
		was := r.row(id)
		r.OK(r.Write(func(tx *tenants.Tx) error { return c.do(tx, now) }))
		is := r.row(id)
		if at, err := time.Parse(time.RFC3339, is["updated_at"].(string)); err != nil || !at.Equal(now) {
			t.Errorf("change %d: updated at %v, want %v", i, is["updated_at"], now)
		}
		var other []string
		for _, column := range slices.Sorted(maps.Keys(is)) {
			if column != "updated_at" && is[column] != was[column] {
				other = append(other, fmt.Sprintf("%s=%v", column, is[column]))
			}
		}
		if got := strings.Join(other, " "); got != c.want {
			t.Errorf("change %d leaves %s, want %s", i, got, c.want)
		}
	}
}

// An account is read by its key as the list reads it: all that it has, with its roles in their order.
func TestAnAccountIsReadAsTheListReadsIt(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", "teacher", "coach", "guardian")
	r.Do("UPDATE users SET source_id = 'J-1', email = 'a@example.org', locale = 'es', grade = '9', has_password = true, second_factor = true WHERE id = $1::uuid", id.String())
	var listed domain.List[User]
	var one User
	r.Read(func(q *tenants.Reader) (err error) {
		listed, err = Users(r.Ctx, q, UserFilter{Self: &id}, domain.Page{})
		return err
	})
	r.Read(func(q *tenants.Reader) (err error) { one, err = UserByID(r.Ctx, q, id); return err })
	one.UserNameKey = "" // of which lists know nothing
	if got, want := domain.Version(one), domain.Version(listed.Items[0]); got != want || !slices.Equal(one.Roles, []string{"coach", "guardian", "teacher"}) {
		t.Errorf("by key %+v, in the list %+v", one, listed.Items[0])
	}
	r.Do("DELETE FROM user_roles WHERE user_id = $1::uuid", id.String())
	r.Read(func(q *tenants.Reader) (err error) { one, err = UserByID(r.Ctx, q, id); return err })
	if one.Roles == nil || len(one.Roles) != 0 {
		t.Errorf("without roles: %#v", one.Roles)
	}
	r.Read(func(q *tenants.Reader) error {
		if _, err := UserByID(r.Ctx, q, uuid.New()); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("nobody: %v", err)
		}
		return nil
	})
}

// Whoever waited for an account sees the roles that it has been given meanwhile: a person, and a roster.
func TestAHeldAccountIsReadAnew(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", "teacher")
	r.Do("UPDATE users SET source_id = 'J-1' WHERE id = $1::uuid", id.String())
	for to, hold := range map[string]func(tx *tenants.Tx) (roles []string, err error){
		"coach": func(tx *tenants.Tx) ([]string, error) { u, err := LockUser(r.Ctx, tx, id); return u.Roles, err },
		"guardian": func(tx *tenants.Tx) ([]string, error) {
			list, err := UsersBySource(r.Ctx, tx, []string{"J-1"}, true)
			if err != nil {
				return nil, err
			}
			return list["J-1"].Roles, nil
		},
	} {
		var roles []string
		asked := make(chan error, 1)
		r.OK(r.Write(func(tx *tenants.Tx) error {
			if _, err := SetRoles(r.Ctx, tx, r.DB.Realm(), id, []string{to}, r.Now); err != nil {
				return err
			}
			go func() {
				asked <- r.Write(func(tx *tenants.Tx) (err error) {
					tx.Record(audit.Entry{Action: "test"})
					roles, err = hold(tx)
					return err
				})
			}()
			for waits := 0; waits == 0; time.Sleep(5 * time.Millisecond) {
				if err := r.World.Direct(t).QueryRow(r.Ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waits); err != nil {
					return err
				}
			}
			return nil
		}))
		if err := <-asked; err != nil || !slices.Equal(roles, []string{to}) {
			t.Errorf("of whoever is now a %s is read %v, %v", to, roles, err)
		}
	}
}
