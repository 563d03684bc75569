package api_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/portal"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// all counts how many of n requests got an answer other than 429, some at a time.
func all(n int, ask func(i int) *apitest.Response) (served int) {
	var count atomic.Int64
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if ask(int(i)).Status != http.StatusTooManyRequests {
					count.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(count.Load())
}

// refreshTokens opens sessions for people and gives their refresh tokens, without a password being hashed for each.
func refreshTokens(s *apitest.Server, users []uuid.UUID) (tokens []string) {
	db := s.DB("jamaica")
	var sessions []school.Session
	for _, user := range users {
		session, secret := audit.NewID(), make([]byte, 32)
		copy(secret, session[:])
		raw := append(append([]byte{}, session[:]...), secret...)
		raw = append(raw, db.Vault().MAC(db.Realm().Name(), "refresh-tag", string(raw))[:16]...)
		sum := sha256.Sum256(secret)
		sessions = append(sessions, school.Session{ID: session, User: user, RefreshHash: sum[:]})
		tokens = append(tokens, base64.RawURLEncoding.EncodeToString(raw))
	}
	school.Sessions(s.T, db, sessions...)
	return tokens
}

// What nobody here gave out is stopped after some hundred tries, from each address on its own; who is known at that address, and
// everybody elsewhere, is served.
func TestJunkEmptiesItsOwnAddressAlone(t *testing.T) {
	s := apitest.New(t, portal.Register)
	student := s.User("jamaica", "student")
	s.Get(student, "/api/v1/me").Want(http.StatusOK) // the token is known now
	s.API.StopClock(time.Now())
	junk := student
	junk.Token = student.Token[:len(student.Token)-8] + "AAAAAAAA"
	me := s.URL("jamaica") + "/api/v1/me"
	for i, kind := range []struct {
		name string
		ask  func(s *apitest.Server, i int) *apitest.Response
	}{
		{"a token that no key signed", func(s *apitest.Server, i int) *apitest.Response { return s.Get(junk, "/api/v1/me") }},
		{"a token that is none", func(s *apitest.Server, i int) *apitest.Response {
			return s.Get(apitest.User{Slug: "jamaica", Token: fmt.Sprint(i)}, "/api/v1/me")
		}},
		{"a cookie that no key signed", func(s *apitest.Server, i int) *apitest.Response {
			return s.Send(apitest.Anonymous("jamaica"), "GET", me, nil, "Cookie", "lignum="+junk.Token)
		}},
		{"a refresh cookie that was never given", func(s *apitest.Server, i int) *apitest.Response {
			return s.Send(apitest.Anonymous("jamaica"), "GET", me, nil, "Cookie", "lignum-refresh="+strings.Repeat("A", 86))
		}},
		{"a refresh token that was never given", func(s *apitest.Server, i int) *apitest.Response {
			return s.Post(apitest.Anonymous("jamaica"), "/api/v1/token/refresh", map[string]string{"refresh_token": strings.Repeat("A", 86)})
		}},
		{"a host that is none of ours", func(s *apitest.Server, i int) *apitest.Response {
			return s.Send(apitest.User{}, "GET", fmt.Sprintf("http://atlantis.localhost:%d/", s.Port), nil)
		}},
		{"unknown names", func(s *apitest.Server, i int) *apitest.Response {
			return s.Post(apitest.Anonymous("jamaica"), "/api/v1/sign-in/card", map[string]string{"code": fmt.Sprint("AAAA-", i), "password": apitest.Password})
		}},
	} {
		there := s.From(fmt.Sprintf("127.0.1.%d", i+1))
		if served := all(1000, func(i int) *apitest.Response { return kind.ask(there, i) }); served < 20 || served > 700 {
			t.Errorf("%s: %d of 1000 got an answer", kind.name, served)
		}
		there.Get(student, "/api/v1/me").Want(http.StatusOK)
	}
	last := s.From("127.0.1.1").Get(junk, "/api/v1/me").Want(http.StatusTooManyRequests)
	if p := last.Problem(); p.Type != "urn:lignum:problem:over-quota" || last.Header.Get("Retry-After") == "" || last.Header.Get("RateLimit-Policy") != `"address";q=30000;w=20` {
		t.Errorf("%+v %v", p, last.Header)
	}
	page := s.URL("jamaica") + "/sign-in"
	s.From("127.0.1.1").Send(apitest.Anonymous("jamaica"), "GET", page, nil).Want(http.StatusTooManyRequests)
	s.From("127.0.2.1").Send(apitest.Anonymous("jamaica"), "GET", page, nil).Want(http.StatusOK)
}

// Where a neighbour's junk has emptied the address, a device on which somebody signed in before still gets to the sign-in page.
func TestAKnownDeviceGetsInWhereTheAddressHasNothingLeft(t *testing.T) {
	s := apitest.New(t, portal.Register)
	student := s.User("jamaica", "student")
	s.ChoosePassword(student)
	in := s.SignIn(student)
	s.API.StopClock(time.Now())
	all(400, func(i int) *apitest.Response {
		return s.Get(apitest.User{Slug: "jamaica", Token: fmt.Sprint(i)}, "/api/v1/me")
	})
	page := s.URL("jamaica") + "/sign-in"
	s.Send(apitest.Anonymous("jamaica"), "GET", page, nil).Want(http.StatusTooManyRequests)
	known := "lignum_device=" + in.DeviceToken
	if served := all(100, func(int) *apitest.Response {
		return s.Send(apitest.Anonymous("jamaica"), "GET", page, nil, "Cookie", known)
	}); served < 10 || served > 30 {
		t.Errorf("a known device got %d of 100 answers", served)
	}
	s.Send(apitest.Anonymous("jamaica"), "GET", page, nil, "Cookie", "lignum_device="+strings.Repeat("A", 96)).Want(http.StatusTooManyRequests)
}

// A cookie of a session that has ended is genuine, so its address pays little; but it has a share of its own, and does not keep the
// database at work.
func TestADeadCookieDoesNotKeepTheDatabaseAtWork(t *testing.T) {
	s := apitest.New(t, portal.Register)
	student := s.User("jamaica", "student")
	token := refreshTokens(s, []uuid.UUID{student.ID})[0]
	s.Exec("jamaica", `UPDATE sessions SET ended_at = now(), ended_reason = 'test' WHERE user_id = $1::uuid`, student.ID.String())
	s.Get(apitest.Anonymous("jamaica"), "/api/v1/me")
	s.API.StopClock(time.Now())
	statements := func() (n int64) {
		s.Store.Requests(func(realm string, count int64) {
			if realm == "jamaica" {
				n = count
			}
		})
		return n
	}
	before := statements()
	served := all(200, func(int) *apitest.Response {
		return s.Send(apitest.Anonymous("jamaica"), "GET", s.URL("jamaica")+"/", nil, "Cookie", "lignum-refresh="+token)
	})
	served += all(200, func(int) *apitest.Response {
		return s.Post(apitest.Anonymous("jamaica"), "/api/v1/token/refresh", map[string]string{"refresh_token": token})
	})
	if asked := statements() - before; served > 15 || asked > 30 {
		t.Errorf("%d of 400 got an answer, with %d statements", served, asked)
	}
}

// One learner who hammers on several connections meets their own share; classmates and teachers of a small school go on.
func TestOneWhoHammersStopsNobodyElse(t *testing.T) {
	s := apitest.New(t)
	plan := tenants.Plans[0].Limits
	s.Write("", func(tx *tenants.Tx) error {
		_, err := tenants.SetPlan(t.Context(), tx, "jamaica", "school", &plan, audit.Entry{Action: "test"})
		return err
	})
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var classmates []apitest.User
	for range 20 {
		classmates = append(classmates, s.User("jamaica", "student"))
	}
	for name, ask := range map[string]func(apitest.User) *apitest.Response{
		"reading":               func(u apitest.User) *apitest.Response { return s.Get(u, "/api/v1/me") },
		"what is not theirs":    func(u apitest.User) *apitest.Response { return s.Get(u, "/api/v1/users") },
		"what is not there":     func(u apitest.User) *apitest.Response { return s.Get(u, "/api/v1/nothing") },
		"writing what is wrong": func(u apitest.User) *apitest.Response { return s.Do(u, "PUT", "/api/v1/me/leaderboard", "{}") },
	} {
		s.API.StopClock(time.Now())
		hammer := s.User("jamaica", "student")
		if served := all(600, func(int) *apitest.Response { return ask(hammer) }); served < 20 || served > 41 {
			t.Errorf("%s: %d of 600 got an answer", name, served)
		}
		if last := ask(hammer).Want(http.StatusTooManyRequests); !strings.HasSuffix(last.Header.Get("RateLimit-Policy"), `-person";q=40;w=4`) || last.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %v", name, last.Header)
		}
		for _, u := range classmates {
			s.Get(u, "/api/v1/me").Want(http.StatusOK)
		}
	}
}

var asset = regexp.MustCompile(`/assets/[0-9a-f]+/[a-z.]+`)

// Two thousand learners behind one school's address come at once: the page to sign in with its files, a new session, the first use of
// a token, and the start of a test. The clock stands still, so that what they take is not given back in the meantime.
func TestAWholeSchoolComesAtOnce(t *testing.T) {
	const learners = 2000
	w := apitest.NewSchool(t, portal.Register)
	test := w.Paper(1)
	ids := school.Learners(t, w.DB("jamaica"), learners, w.SchoolID)
	w.Exec("jamaica", `UPDATE classes SET seats = 5000 WHERE id = $1::uuid`, w.Class.String())
	school.Enrol(t, w.DB("jamaica"), w.Class, ids...)
	refresh := refreshTokens(w.Server, ids)
	page := w.Send(apitest.Anonymous("jamaica"), "GET", w.URL("jamaica")+"/sign-in", nil).Want(http.StatusOK)
	files := asset.FindAllString(string(page.Body), -1)
	if len(files) < 2 {
		t.Fatalf("the page has files %v", files)
	}
	w.API.StopClock(time.Now())
	var refused sync.Map
	all(learners, func(i int) (last *apitest.Response) {
		anonymous := apitest.Anonymous("jamaica")
		note := func(what string, r *apitest.Response) {
			if last = r; r.Status >= 300 {
				refused.Store(what, fmt.Sprintf("%d %.300s", r.Status, r.Body))
			}
		}
		note("page", w.Send(anonymous, "GET", w.URL("jamaica")+"/sign-in", nil, "Accept-Encoding", "gzip"))
		for _, file := range files {
			note("file", w.Send(anonymous, "GET", w.URL("jamaica")+file, nil, "Accept-Encoding", "gzip"))
		}
		note("refresh", w.Post(anonymous, "/api/v1/token/refresh", map[string]string{"refresh_token": refresh[i-1]}))
		var tokens struct {
			Access string `json:"access_token"`
		}
		if err := json.Unmarshal(last.Body, &tokens); err != nil {
			t.Error(err)
			return last
		}
		me := apitest.User{Slug: "jamaica", ID: ids[i-1], Token: tokens.Access}
		note("me", w.Get(me, "/api/v1/me"))
		note("start", w.Post(me, apitest.Path("/tests/%s/attempts", test), nil))
		return last
	})
	refused.Range(func(what, answer any) bool {
		t.Errorf("%v: %v", what, answer)
		return true
	})
	if n := w.Number("jamaica", `SELECT count(*) FROM attempts`); n != learners {
		t.Errorf("%d attempts were started", n)
	}
}

// Strangers spend buckets of their own: whatever they send, the signed-in people of the tenant go on.
func TestStrangersCannotSpendTheTenantsQuota(t *testing.T) {
	w := apitest.NewSchool(t)
	w.Tenant("jamaica").Limits.SignInsPerSec, w.Tenant("jamaica").Limits.ReadsPerSec = 10, 10
	refused := 0
	for range 60 {
		if w.Get(apitest.Anonymous("jamaica"), "/api/v1/me").Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("only %d of 60 requests without a token were limited", refused)
	}
	w.Get(w.Student, "/api/v1/me").Want(http.StatusOK)
}
