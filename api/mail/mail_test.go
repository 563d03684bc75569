package mail_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/api/people"
	"lignum/tenants/mail"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// written are the letters of a tenant, newest first.
func written(t *testing.T, s *apitest.Server, admin apitest.User) []mail.Stored {
	t.Helper()
	return apitest.As[struct {
		Items []mail.Stored `json:"items"`
	}](s.Get(admin, "/api/v1/mail").Want(http.StatusOK)).Items
}

func TestStaffAreInvitedByMailAndChildrenAreNot(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	create := func(body map[string]any) (id string) {
		t.Helper()
		body["given_name"], body["family_name"] = "Ada", "Adams"
		made := apitest.As[people.NewAccount](s.Post(admin, "/api/v1/users", body).Want(http.StatusCreated))
		if made.Card.Code == "" {
			t.Error("no invitation to hand over")
		}
		return made.User.ID.String()
	}
	teacher := create(map[string]any{"user_name": "ada", "email": "ada@moe.example", "roles": []string{"teacher"}})
	create(map[string]any{"user_name": "noah", "roles": []string{"teacher"}})
	create(map[string]any{"user_name": "child", "email": "child@home.example", "roles": []string{"student"}})
	list := written(t, s, admin)
	if len(list) != 1 || list[0].Kind != "invitation" || list[0].Address != "ada@moe.example" || list[0].UserID.String() != teacher || list[0].State != mail.Waiting {
		t.Fatalf("the letters are %+v", list)
	}
	// A reset goes to staff with its code; a child's says only that it was done.
	s.Post(admin, "/api/v1/users/"+teacher+"/reset", nil).Want(http.StatusOK)
	if list = written(t, s, admin); len(list) != 2 || list[0].Kind != "invitation" {
		t.Errorf("the letters are %+v", list)
	}
	child := school.ID(t, s.DB("jamaica"), "child")
	school.GivePassword(t, s.DB("jamaica"), "x", uuid.MustParse(teacher), child)
	s.Post(admin, "/api/v1/users/"+teacher+"/reset", nil).Want(http.StatusOK)
	s.Post(admin, "/api/v1/users/"+child.String()+"/reset", nil).Want(http.StatusOK)
	if list = written(t, s, admin); len(list) != 4 || list[1].Kind != "reset" || list[0].Kind != "account" || list[0].Address != "child@home.example" {
		t.Errorf("the letters are %+v", list)
	}
}

func TestAForgottenPasswordTellsNothing(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	ids := school.People(t, s.DB("jamaica"), school.Person{UserName: "ada", GivenName: "Ada", FamilyName: "Adams", Email: "ada@moe.example", Roles: []string{"teacher"}},
		school.Person{UserName: "child", GivenName: "Cy", FamilyName: "Hild", Email: "child@home.example", Roles: []string{"student"}},
		school.Person{UserName: "noaddress", GivenName: "Noah", FamilyName: "One", Roles: []string{"teacher"}},
		school.Person{UserName: "shut", GivenName: "Sue", FamilyName: "Hut", Email: "shut@moe.example", Roles: []string{"teacher"}})
	school.SetState(t, s.DB("jamaica"), "suspended", ids[3])
	answers := map[string]bool{}
	for _, name := range []string{"ada", "child", "noaddress", "shut", "nobody", "ADA"} {
		r := s.Post(apitest.Anonymous("jamaica"), "/api/v1/sign-in/forgotten", map[string]any{"user_name": name}).Want(http.StatusOK)
		answers[strings.ReplaceAll(string(r.Body), name, "")] = true
	}
	if len(answers) != 1 {
		t.Errorf("the answers differ: %v", answers)
	}
	list := written(t, s, admin)
	if len(list) != 1 || list[0].Kind != "forgotten" || list[0].Address != "ada@moe.example" {
		t.Errorf("the letters are %+v", list)
	}
	if n := s.Number("jamaica", "SELECT count(*) FROM sign_in_cards c JOIN users u ON u.id = c.user_id WHERE u.user_name IN ('ada', 'child', 'noaddress', 'shut')"); n != 1 {
		t.Errorf("%d codes wait", n)
	}
	// Who guesses names is stopped, as at signing in, and as soon whether or not there are such names.
	asked := map[string]int{}
	for name, from := range map[string]string{"guess": "127.0.0.2", "ada": "127.0.0.3"} {
		other := s.From(from)
		for asked[name] < 200 && other.Post(apitest.Anonymous("jamaica"), "/api/v1/sign-in/forgotten", map[string]any{"user_name": name}).Status != http.StatusTooManyRequests {
			asked[name]++
		}
	}
	if asked["guess"] < 20 || asked["guess"] >= 200 || asked["ada"] < asked["guess"]-1 || asked["ada"] > asked["guess"]+1 {
		t.Errorf("before they are stopped, they ask %v times", asked)
	}
}

func TestLettersAreSeenByThoseWhoMay(t *testing.T) {
	s := apitest.New(t)
	admin, teacher, official := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "teacher"), s.User("jamaica", "ministry_official")
	foreign, operator, manager := s.User("bahamas", "tenant_administrator"), s.User("", "operator"), s.User("", "account_manager")
	s.Exec("jamaica", `INSERT INTO mails (id, address, kind, language, state, queued, sealed, created_at, until, changed_at) VALUES
		('0190a000-0000-7000-8000-000000000001', 'ada@moe.example', 'invitation', 'en', 'refused', true, 'x', now(), now() + interval '1 day', now())`)
	s.Exec("jamaica", `INSERT INTO mail_suppressed VALUES ('ada@moe.example', 'refused', '550', now())`)
	const letter = "/0190a000-0000-7000-8000-000000000001/retry"
	for _, u := range []apitest.User{teacher, official} {
		s.Get(u, "/api/v1/mail").Want(http.StatusForbidden)
		s.Get(u, "/api/v1/mail/suppressed").Want(http.StatusForbidden)
		s.Post(u, "/api/v1/mail"+letter, nil).Want(http.StatusForbidden)
		s.Post(u, "/api/v1/mail/suppressed/allow", map[string]any{"address": "ada@moe.example"}).Want(http.StatusForbidden)
	}
	if n := len(written(t, s, foreign)); n != 0 {
		t.Errorf("another tenant sees %d letters", n)
	}
	s.Post(foreign, "/api/v1/mail"+letter, nil).Want(http.StatusNotFound)
	s.Post(foreign, "/api/v1/mail/suppressed/allow", map[string]any{"address": "ada@moe.example"}).Want(http.StatusNotFound)
	for _, u := range []apitest.User{operator, manager} {
		if body := string(s.Get(u, "/api/v1/platform/mail").Want(http.StatusOK).Body); strings.Contains(body, "ada@") {
			t.Errorf("the platform sees a tenant's letters: %s", body)
		}
	}
	s.Post(manager, "/api/v1/platform/mail"+letter, nil).Want(http.StatusForbidden)
	s.Post(operator, "/api/v1/platform/mail"+letter, nil).Want(http.StatusNotFound)
	if list := written(t, s, admin); len(list) != 1 || !list[0].Kept {
		t.Errorf("the administrator sees %+v", list)
	}
	if body := string(s.Get(admin, "/api/v1/mail/suppressed").Want(http.StatusOK).Body); !strings.Contains(body, "ada@moe.example") {
		t.Errorf("the suppressed are %s", body)
	}
	s.Post(admin, "/api/v1/mail/suppressed/allow", map[string]any{"address": "ADA@moe.example"}).Want(http.StatusOK)
	s.Post(admin, "/api/v1/mail"+letter, nil).Want(http.StatusOK)
	s.Post(admin, "/api/v1/mail"+letter, nil).Want(http.StatusNotFound)
	if n := s.Trail("jamaica", "mail.retry", "done"); n != 1 {
		t.Errorf("%d entries", n)
	}
}

func TestWhichLettersSomebodyGets(t *testing.T) {
	s := apitest.New(t)
	u := s.User("jamaica", "teacher")
	wishes := func() mail.Wishes { return apitest.As[mail.Wishes](s.Get(u, "/api/v1/me/mail").Want(http.StatusOK)) }
	if wishes() != (mail.Wishes{Digest: true, Figures: true}) {
		t.Errorf("who never said wants %+v", wishes())
	}
	s.Do(u, http.MethodPut, "/api/v1/me/mail", mail.Wishes{Figures: true}).Want(http.StatusOK)
	if wishes() != (mail.Wishes{Figures: true}) {
		t.Errorf("they want %+v", wishes())
	}
	s.Do(u, http.MethodPut, "/api/v1/me/mail", map[string]any{"digest": "perhaps"}).Want(http.StatusUnprocessableEntity)
	if _, err := url.Parse(mail.StopPath(s.DB("jamaica"), u.ID, mail.Digest)); err != nil {
		t.Error(err)
	}
}
