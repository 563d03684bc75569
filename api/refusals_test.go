package api_test

import (
	"github.com/jackc/pgx/v5"

	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/portal"
	"lignum/tenants"
	"lignum/tests/apitest"
)

// summary is the details of an entry that counts.
type summary struct {
	Requests int
	Networks int
	What     map[string]int
	Things   map[string]int
}

// summaries reads the details of a tenant's entries of an action, and where they say that it came from.
func summaries(s *apitest.Server, slug, action string) (list []summary, addresses []string) {
	s.T.Helper()
	err := s.DB(slug).ReadFresh(s.T.Context(), func(r *tenants.Reader) error {
		rows, err := r.Query(s.T.Context(), `SELECT after::text, address FROM audit_trail WHERE action = $1::text AND outcome = 'refused' ORDER BY id`, action)
		if err != nil {
			return err
		}
		var raw, address string
		_, err = pgx.ForEachRow(rows, []any{&raw, &address}, func() error {
			var one summary
			if err := json.Unmarshal([]byte(raw), &one); err != nil {
				return err
			}
			list, addresses = append(list, one), append(addresses, address)
			return nil
		})
		return err
	})
	if err != nil {
		s.T.Fatal(err)
	}
	return list, addresses
}

func TestARefusalNamesWhatItWasAbout(t *testing.T) {
	w := apitest.NewSchool(t, portal.Register)
	other := w.User("jamaica", "student")
	w.Get(w.Student, apitest.Path("/users/%s", other.ID)).Want(http.StatusForbidden)
	w.Get(w.Student, apitest.Path("/users?class=%s", w.Class)).Want(http.StatusForbidden)
	w.Get(w.Student, "/api/v1/users").Want(http.StatusForbidden)
	for _, c := range []struct {
		kind, id string
		detail   string
	}{
		{"user", other.ID.String(), `{"user": "` + other.ID.String() + `", "route": "GET /api/v1/users/{user}"}`},
		{"class", w.Class.String(), `{"class": "` + w.Class.String() + `", "route": "GET /api/v1/users"}`},
		{"route", "GET /api/v1/users", `null`},
	} {
		if n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE outcome = 'refused' AND actor_id = $1::uuid AND object_kind = $2::text AND object_id = $3::text
			AND coalesce(after, 'null') = $4::text::jsonb`, w.Student.ID.String(), c.kind, c.id, c.detail); n != 1 {
			t.Errorf("%d entries of %+v", n, c)
		}
	}
	long := strings.Repeat("x", 300)
	w.Get(w.Student, apitest.Path("/users/%s", long))
	if n := w.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE length(object_id) > 100`); n != 0 {
		t.Error("an id of any length is written down")
	}
}

// After ten in a minute a person's refusals are counted: what they were and what they were about is in one entry, at the latest when
// the server stops.
func TestRefusalsBeyondTheTenthAreCounted(t *testing.T) {
	s := apitest.New(t)
	student := s.User("jamaica", "student")
	s.API.StopClock(time.Now())
	for time.Now().Second() > 50 { // all within a minute
		time.Sleep(time.Second)
	}
	last := uuid.New()
	for range 19 {
		s.Get(student, "/api/v1/users/"+uuid.NewString()).Want(http.StatusForbidden)
	}
	s.Get(student, "/api/v1/users/"+last.String()).Want(http.StatusForbidden)
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action = 'user.read' AND outcome = 'refused'`); n != 10 {
		t.Errorf("%d entries of their own", n)
	}
	s.Stop()
	list, _ := summaries(s, "jamaica", "request.refused_often")
	if len(list) != 1 || list[0].Requests != 10 || list[0].What["403 GET /api/v1/users/{user}"] != 10 || list[0].Things["user "+last.String()] != 1 || len(list[0].Things) != 10 {
		t.Errorf("%+v", list)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action = 'request.refused_often' AND actor_id = $1::uuid AND object_id = $1::text`, student.ID.String()); n != 1 {
		t.Error("the count does not name the person")
	}
}

// Failures of people who are not signed in are counted by network, and nothing of what they typed is kept.
func TestFailuresOfStrangersAreCountedByNetwork(t *testing.T) {
	s := apitest.New(t, portal.Register)
	student := s.User("jamaica", "student")
	s.ChoosePassword(student)
	a, b := s.From("127.0.3.1"), s.From("127.0.3.2")
	const secret = "my secret pass phrase 77"
	anonymous := apitest.Anonymous("jamaica")
	for range 3 {
		a.Post(anonymous, "/api/v1/sign-in", map[string]string{"user_name": secret, "password": secret}).Want(http.StatusUnauthorized)
	}
	a.Send(anonymous, "POST", s.URL("jamaica")+"/sign-in", "user_name="+strings.ReplaceAll(secret, " ", "+")+"&password=x", "Content-Type", "application/x-www-form-urlencoded", "Origin", s.URL("jamaica")).Want(http.StatusForbidden)
	a.Post(anonymous, "/api/v1/sign-in/card", map[string]string{"code": secret, "password": apitest.Password}).Want(http.StatusUnprocessableEntity)
	b.Post(anonymous, "/api/v1/sign-in", map[string]string{"user_name": student.UserName, "password": secret}).Want(http.StatusUnauthorized)
	b.Get(anonymous, "/api/v1/me").Want(http.StatusUnauthorized)
	b.Get(apitest.User{Slug: "jamaica", Token: "junk"}, "/api/v1/me").Want(http.StatusUnauthorized)
	s.API.Summarise()
	list, addresses := summaries(s, "jamaica", "request.anonymous_refused")
	got := map[string]summary{}
	for i := range list {
		got[addresses[i]] = list[i]
	}
	if one := got["127.0.3.1"]; len(list) != 2 || one.Requests != 5 || one.What["sign-in: nobody's"] != 4 || one.What["card: nobody's"] != 1 {
		t.Errorf("%+v", got)
	}
	if one := got["127.0.3.2"]; one.Requests != 3 || one.What["sign-in: not right"] != 1 || one.What["401 GET /api/v1/me"] != 2 {
		t.Errorf("%+v", got)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_trail e WHERE e::text LIKE '%secret%'`); n != 0 {
		t.Errorf("%d entries hold what was typed", n)
	}
	s.API.Summarise()
	if again, _ := summaries(s, "jamaica", "request.anonymous_refused"); len(again) != 2 {
		t.Error("the same counts were written twice")
	}
}

// Three hundred networks leave fifty entries and one for the others, and nothing is lost from the sum.
func TestSummariesAreBounded(t *testing.T) {
	s := apitest.New(t)
	total := 0
	for i := range 300 {
		there := s.From(fmt.Sprintf("127.0.%d.%d", 10+i/100, 1+i%100))
		for range 1 + i%2 {
			there.Get(apitest.Anonymous("jamaica"), "/api/v1/me").Want(http.StatusUnauthorized)
			total++
		}
		there.Client.CloseIdleConnections()
	}
	s.API.Summarise()
	list, _ := summaries(s, "jamaica", "request.anonymous_refused")
	sum, networks := 0, 0
	for _, one := range list {
		sum, networks = sum+one.Requests, networks+one.Networks
	}
	if len(list) != 51 || sum != total || networks != 250 {
		t.Errorf("%d entries, %d of %d requests, %d networks together", len(list), sum, total, networks)
	}
}
