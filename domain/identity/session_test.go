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
	return r.desk.Refresh(r.Ctx, r.DB, token, Device{Address: "192.0.2.7"}, time.Time{}, r.Now)
}

// TestRefreshRotation plays a client, a thief and a weak network: any token that was ever given may be presented at any time. The
// model is the rule of RFC 9700: the current token rotates, the one before is forgiven for twenty seconds, anything
// older ends the family, and an ended family never comes back.
func TestRefreshRotation(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	r.user("other", people.Student)
	bystander, err := r.signIn("other", goodPassword, "")
	r.OK(err)
	rapid.Check(t, func(rt *rapid.T) {
		r.Now = r.Now.Add(time.Hour)
		s, err := r.signIn("akeem", goodPassword, "")
		if err != nil {
			rt.Fatal(err)
		}
		tokens := []string{s.Refresh}
		rotated := r.Now.Add(-time.Hour)
		ended := false
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			r.Now = r.Now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 20, 21, 600}).Draw(rt, "seconds")) * time.Second)
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
				tokens, rotated = append(tokens, got.Refresh), r.Now
			case !ended && i == last-1 && r.Now.Sub(rotated) <= 20*time.Second:
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
	if n := r.Number("SELECT count(*) FROM sessions WHERE ended_reason = 'reuse'"); n == 0 || n != r.entries("session.reuse") {
		t.Errorf("%d families ended, %d entries", n, r.entries("session.reuse"))
	}
	if _, err := r.refresh(bystander.Refresh); err != nil {
		t.Errorf("somebody else's session: %v", err)
	}
}

func TestConcurrentRefresh(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
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
	if n := r.Number("SELECT count(*) FROM sessions WHERE ended_at IS NULL"); n != 1 {
		t.Errorf("%d open sessions", n)
	}
}

func TestRefreshReadsTheAccountAnew(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("teach", "teacher")
	s, err := r.signIn("teach", goodPassword, "")
	r.OK(err)
	r.OK(r.Write(func(tx *tenants.Tx) error {
		_, err := people.SetRoles(r.Ctx, tx, r.DB.Realm(), id, []string{"teacher", "coach"}, r.Now)
		return err
	}))
	var gone Revocations
	r.Read(func(q *tenants.Reader) (err error) {
		gone, err = Revoked(r.Ctx, q, r.Now.Add(-RevocationWindow))
		return err
	})
	if gone.Users[id] != s.SessionVersion+1 {
		t.Errorf("tokens with the old roles are good: %+v", gone)
	}
	next, err := r.refresh(s.Refresh)
	r.OK(err)
	if !slices.Equal(next.Roles, []string{"coach", "teacher"}) || next.SessionVersion != gone.Users[id] {
		t.Errorf("refreshed as %+v", next)
	}
	r.Now = r.Now.Add(12 * time.Hour)
	if _, err := r.refresh(next.Refresh); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("after twelve idle hours: %v", err)
	}
	for _, bad := range []string{"", "x", s.Refresh[:80], s.Refresh[1:] + "A"} {
		if _, err := r.refresh(bad); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := r.desk.Refresh(r.Ctx, r.World.DB("bahamas"), next.Refresh, Device{}, time.Time{}, r.Now); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("in another realm: %v", err)
	}
}

func TestLongestSession(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
	for range 3 { // busy every ten days
		r.Now = r.Now.Add(10*24*time.Hour - time.Minute)
		s, err = r.refresh(s.Refresh)
		r.OK(err)
	}
	r.Now = r.Now.Add(time.Hour)
	if _, err := r.refresh(s.Refresh); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("after thirty days: %v", err)
	}
}

func TestEndSessions(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	a, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
	b, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
	end := func(user, session uuid.UUID) error {
		return r.Write(func(tx *tenants.Tx) error { return EndSession(r.Ctx, tx, user, session, r.Now) })
	}
	if err := end(uuid.New(), a.SessionID); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("somebody else's session: %v", err)
	}
	r.OK(end(id, a.SessionID))
	if err := end(id, a.SessionID); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("ended twice: %v", err)
	}
	var open []Session
	var gone Revocations
	look := func() {
		r.Read(func(q *tenants.Reader) (err error) {
			if open, err = Sessions(r.Ctx, q, id, r.Now); err == nil {
				gone, err = Revoked(r.Ctx, q, r.Now.Add(-RevocationWindow))
			}
			return err
		})
	}
	look()
	if len(open) != 1 || open[0].ID != b.SessionID || !slices.Contains(gone.Sessions, a.SessionID) || len(gone.Users) != 0 {
		t.Errorf("open %+v, gone %+v", open, gone)
	}
	r.OK(r.Write(func(tx *tenants.Tx) error { return EndAllSessions(r.Ctx, tx, id, "signed_out_everywhere", r.Now) }))
	look()
	if len(open) != 0 || gone.Users[id] != b.SessionVersion+1 {
		t.Errorf("open %+v, gone %+v", open, gone)
	}
	r.Now = r.Now.Add(100 * 24 * time.Hour)
	r.OK(r.Write(func(tx *tenants.Tx) error { return Sweep(r.Ctx, tx, r.Now) }))
	if n := r.Number("SELECT count(*) FROM sessions"); n != 0 {
		t.Errorf("%d old sessions are left", n)
	}
}

func TestPlatformRealm(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.DB = r.World.Store.DB(tenants.PlatformRealm("test"))
	r.user("operator", "operator")
	s, err := r.signIn("operator", goodPassword, "")
	r.OK(err)
	if _, err := r.refresh(s.Refresh); err != nil {
		t.Error(err)
	}
	r.Read(func(q *tenants.Reader) error {
		page, err := people.Users(context.Background(), q, people.UserFilter{Role: "operator"}, domain.Page{})
		if len(page.Items) != 1 || page.Items[0].UserName != "operator" {
			t.Errorf("listed %+v", page)
		}
		return err
	})
	err = r.Write(func(tx *tenants.Tx) error {
		_, err := people.SuspendUser(r.Ctx, tx, r.DB.Realm(), s.UserID, "a test", EndSessions, r.Now)
		return err
	})
	if domain.CodeOf(err) != domain.Conflict {
		t.Errorf("the last operator was suspended: %v", err)
	}
}

func TestARefreshTokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	s, err := r.desk.SignIn(r.Ctx, r.DB, SignIn{UserName: "akeem", Password: goodPassword}, r.Now)
	r.OK(err)
	n := len(s.Refresh)
	for name, token := range map[string]string{"other unused bits": respelled(s.Refresh, 4), "line ends alone": strings.Repeat("\n", n), "line ends at the end": s.Refresh[:n-40] + strings.Repeat("\r\n", 20), "nothing": ""} {
		if _, err := r.desk.Refresh(r.Ctx, r.DB, token, Device{}, time.Time{}, r.Now); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list := knownDevices(r.DB, strings.Repeat("\n", deviceLength), r.Now); len(list) != 0 {
		t.Errorf("line ends are %d devices", len(list))
	}
	_, err = r.desk.Refresh(r.Ctx, r.DB, s.Refresh, Device{}, time.Time{}, r.Now)
	r.OK(err)
}
