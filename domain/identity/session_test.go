package identity

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	_ "lignum/tests/tenth"
)

func (r *room) refresh(token string) (SignedIn, error) {
	return r.desk.Refresh(r.ctx, r.db, token, Device{Address: "192.0.2.7"}, time.Time{}, r.now)
}

// TestRefreshRotation plays a client, a thief and a weak network: any token that was ever given may be presented at any time. The
// model is the rule of RFC 9700: the current token rotates, the one before is forgiven for twenty seconds, anything
// older ends the family, and an ended family never comes back.
func TestRefreshRotation(t *testing.T) {
	r := newRoom(t)
	r.user("akeem", people.Student)
	r.user("other", people.Student)
	bystander, err := r.signIn("other", goodPassword, "")
	r.ok(err)
	rapid.Check(t, func(rt *rapid.T) {
		r.now = r.now.Add(time.Hour)
		s, err := r.signIn("akeem", goodPassword, "")
		if err != nil {
			rt.Fatal(err)
		}
		tokens := []string{s.Refresh}
		rotated := r.now.Add(-time.Hour)
		ended := false
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			r.now = r.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 21, 600}).Draw(rt, "seconds")) * time.Second)
			last := len(tokens) - 1
			i := max(0, last-rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 5}).Draw(rt, "age"))
			got, err := r.refresh(tokens[i])
			switch {
			case !ended && i == last:
				if err != nil {
					rt.Fatalf("the current token: %v", err)
				}
				if slices.Contains(tokens, got.Refresh) {
					rt.Fatal("rotation gave an old token")
				}
				tokens, rotated = append(tokens, got.Refresh), r.now
			case !ended && i == last-1 && r.now.Sub(rotated) <= 20*time.Second:
				if err != nil || got.Refresh != tokens[last] || got.SessionID != s.SessionID {
					rt.Fatalf("the token just rotated away: %v", err)
				}
			default:
				ended = true
				if domain.CodeOf(err) != domain.Unauthentic {
					rt.Fatalf("token %d of %d: %v", i, last, err)
				}
			}
		}
		if ended {
			for i, token := range tokens {
				if _, err := r.refresh(token); domain.CodeOf(err) != domain.Unauthentic {
					rt.Fatalf("token %d of an ended family: %v", i, err)
				}
			}
		}
	})
	if n := r.number("SELECT count(*) FROM sessions WHERE ended_reason = 'reuse'"); n == 0 || n != r.entries("session.reuse") {
		t.Errorf("%d families ended, %d entries", n, r.entries("session.reuse"))
	}
	if _, err := r.refresh(bystander.Refresh); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
}

func TestConcurrentRefresh(t *testing.T) {
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.signIn("akeem", goodPassword, "")
	r.ok(err)
	const tabs = 16
	var wg sync.WaitGroup
	got := make([]SignedIn, tabs)
	errs := make([]error, tabs)
	for i := range tabs {
		wg.Go(func() { got[i], errs[i] = r.refresh(s.Refresh) })
	}
	wg.Wait()
	for i := range tabs {
		if errs[i] != nil || got[i].Refresh != got[0].Refresh || got[i].Refresh == s.Refresh {
			t.Errorf("tab %d: %v", i, errs[i])
		}
	}
	if n := r.number("SELECT count(*) FROM sessions WHERE ended_at IS NULL"); n != 1 {
		t.Errorf("%d open sessions", n)
	}
}

func TestRefreshReadsTheAccountAnew(t *testing.T) {
	r := newRoom(t)
	id := r.user("teach", "teacher")
	s, err := r.signIn("teach", goodPassword, "")
	r.ok(err)
	r.ok(r.write(func(tx *tenants.Tx) error {
		_, err := people.SetRoles(r.ctx, tx, r.db.Realm(), id, []string{"teacher", "coach"}, r.now)
		return err
	}))
	var gone Revocations
	r.read(func(q *tenants.Reader) (err error) {
		gone, err = Revoked(r.ctx, q, r.now.Add(-RevocationWindow))
		return err
	})
	if gone.Users[id] != s.SessionVersion+1 {
		t.Errorf("tokens with the old roles are good: %+v", gone)
	}
	next, err := r.refresh(s.Refresh)
	r.ok(err)
	if !slices.Equal(next.Roles, []string{"coach", "teacher"}) || next.SessionVersion != gone.Users[id] {
		t.Errorf("refreshed as %+v", next)
	}
	r.now = r.now.Add(12 * time.Hour)
	if _, err := r.refresh(next.Refresh); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("after twelve idle hours: %v", err)
	}
	for _, bad := range []string{"", "x", s.Refresh[:80], s.Refresh[1:] + "A"} {
		if _, err := r.refresh(bad); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := r.desk.Refresh(r.ctx, r.w.DB("bahamas"), next.Refresh, Device{}, time.Time{}, r.now); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("in another realm: %v", err)
	}
}

func TestLongestSession(t *testing.T) {
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.signIn("akeem", goodPassword, "")
	r.ok(err)
	for range 3 { // busy every ten days
		r.now = r.now.Add(10*24*time.Hour - time.Minute)
		s, err = r.refresh(s.Refresh)
		r.ok(err)
	}
	r.now = r.now.Add(time.Hour)
	if _, err := r.refresh(s.Refresh); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("after thirty days: %v", err)
	}
}

func TestEndSessions(t *testing.T) {
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	a, err := r.signIn("akeem", goodPassword, "")
	r.ok(err)
	b, err := r.signIn("akeem", goodPassword, "")
	r.ok(err)
	end := func(user, session uuid.UUID) error {
		return r.write(func(tx *tenants.Tx) error { return EndSession(r.ctx, tx, user, session, r.now) })
	}
	if err := end(uuid.New(), a.SessionID); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("somebody else's session: %v", err)
	}
	r.ok(end(id, a.SessionID))
	if err := end(id, a.SessionID); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("ended twice: %v", err)
	}
	var open []Session
	var gone Revocations
	look := func() {
		r.read(func(q *tenants.Reader) (err error) {
			if open, err = Sessions(r.ctx, q, id, r.now); err == nil {
				gone, err = Revoked(r.ctx, q, r.now.Add(-RevocationWindow))
			}
			return err
		})
	}
	look()
	if len(open) != 1 || open[0].ID != b.SessionID || !slices.Contains(gone.Sessions, a.SessionID) || len(gone.Users) != 0 {
		t.Errorf("open %+v, gone %+v", open, gone)
	}
	r.ok(r.write(func(tx *tenants.Tx) error { return EndAllSessions(r.ctx, tx, id, "signed_out_everywhere", r.now) }))
	look()
	if len(open) != 0 || gone.Users[id] != b.SessionVersion+1 {
		t.Errorf("open %+v, gone %+v", open, gone)
	}
	r.now = r.now.Add(100 * 24 * time.Hour)
	r.ok(r.write(func(tx *tenants.Tx) error { return Sweep(r.ctx, tx, r.now) }))
	if n := r.number("SELECT count(*) FROM sessions"); n != 0 {
		t.Errorf("%d old sessions are left", n)
	}
}

func TestPlatformRealm(t *testing.T) {
	r := newRoom(t)
	r.db = r.w.Store.DB(tenants.PlatformRealm("test"))
	r.user("operator", "operator")
	s, err := r.signIn("operator", goodPassword, "")
	r.ok(err)
	if _, err := r.refresh(s.Refresh); err != nil {
		t.Error(err)
	}
	r.read(func(q *tenants.Reader) error {
		page, err := people.Users(context.Background(), q, people.UserFilter{Role: "operator"})
		if len(page.Users) != 1 || page.Users[0].UserName != "operator" {
			t.Errorf("listed %+v", page)
		}
		return err
	})
	err = r.write(func(tx *tenants.Tx) error {
		_, err := people.SuspendUser(r.ctx, tx, r.db.Realm(), s.UserID, "a test", EndSessions, r.now)
		return err
	})
	if domain.CodeOf(err) != domain.Conflict {
		t.Errorf("the last operator was suspended: %v", err)
	}
}

func TestARefreshTokenHasOneSpelling(t *testing.T) {
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.desk.SignIn(r.ctx, r.db, SignIn{UserName: "akeem", Password: goodPassword}, r.now)
	r.ok(err)
	n := len(s.Refresh)
	for name, token := range map[string]string{"other unused bits": respelled(s.Refresh, 4), "line ends alone": strings.Repeat("\n", n), "line ends at the end": s.Refresh[:n-40] + strings.Repeat("\r\n", 20), "nothing": ""} {
		if _, err := r.desk.Refresh(r.ctx, r.db, token, Device{}, time.Time{}, r.now); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list := knownDevices(r.db, strings.Repeat("\n", deviceLength), r.now); len(list) != 0 {
		t.Errorf("line ends are %d devices", len(list))
	}
	_, err = r.desk.Refresh(r.ctx, r.db, s.Refresh, Device{}, time.Time{}, r.now)
	r.ok(err)
}
