package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lignum/api/portal"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// TestALearnersDayWithoutScript goes the whole way by links and forms alone: register, read, take a test, see the result.
func TestALearnersDayWithoutScript(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	s.Write("jamaica", func(tx *tenants.Tx) error {
		dir, err := packs.Open("celearn-bookkeeping")
		if err != nil {
			return err
		}
		p, err := pack.Read(dir)
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		if _, err := catalog.Import(t.Context(), tx, p, nil, now); err != nil {
			return err
		}
		course, err := catalog.CourseBySlug(t.Context(), tx, "celearn-bookkeeping")
		if err != nil {
			return err
		}
		_, err = classes.Create(t.Context(), tx, classes.Fields{Title: "Books for all", Kind: classes.OnDemand, CourseID: &course.ID, StartsOn: now.Format(time.DateOnly),
			EndsOn: now.AddDate(0, 1, 0).Format(time.DateOnly), Seats: 5, Open: true})
		return err
	})
	u := s.User("jamaica", "student")
	form := func(path string, values url.Values) *apitest.Response {
		t.Helper()
		return s.Send(u, "POST", s.URL("jamaica")+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	link := func(path, pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(string(s.Send(u, "GET", s.URL("jamaica")+path, nil).Want(http.StatusOK).Body))
		if m == nil {
			t.Fatalf("nothing like %s on %s", pattern, path)
		}
		return m[1]
	}
	register := link("/classes", `action="(/classes/[0-9a-f-]+/register)"`)
	class := form(register, nil).Want(http.StatusSeeOther).Header.Get("Location")
	done := link(link(class, `href="(/courses/[^"]+)"`), `action="(/lessons/[^"]+)"`)
	if to := form(done, url.Values{"next": {"//evil.example"}}).Want(http.StatusSeeOther).Header.Get("Location"); to != "/home" {
		t.Errorf("led to %s", to)
	}
	link("/home", `(1 of 10 lessons done)`)
	test := link(class, `href="(/tests/[^"]+)"`)
	attempt := form(test+"/start", nil).Want(http.StatusSeeOther).Header.Get("Location")
	paper := string(s.Send(u, "GET", s.URL("jamaica")+attempt, nil).Want(http.StatusOK).Body)
	answers := url.Values{"counter": {"0"}}
	for _, m := range regexp.MustCompile(`name="(a\d+)" value="([^"]+)"`).FindAllStringSubmatch(paper, -1) {
		if !answers.Has(m[1]) {
			answers.Set(m[1], m[2])
		}
	}
	for _, m := range regexp.MustCompile(`name="shown" value="(\d+)"`).FindAllStringSubmatch(paper, -1) {
		answers.Add("shown", m[1])
	}
	if to := form(attempt, answers).Want(http.StatusSeeOther).Header.Get("Location"); to != attempt {
		t.Errorf("saving led to %s", to)
	}
	if again := string(s.Send(u, "GET", s.URL("jamaica")+attempt, nil).Want(http.StatusOK).Body); strings.Count(again, " checked") == 0 {
		t.Error("the saved answers are not on the paper")
	}
	// What has no answer is asked about once, with how many they are; the paper is not handed in by asking.
	ask := form(attempt+"/submission", answers).Want(http.StatusSeeOther).Header.Get("Location")
	if ask != attempt+"/hand-in" {
		t.Fatalf("handing in with empty answers led to %s", ask)
	}
	left := strings.Count(paper, `data-go=`) - strings.Count(string(s.Send(u, "GET", s.URL("jamaica")+attempt, nil).Want(http.StatusOK).Body), `class="answered"`)
	link(ask, fmt.Sprintf(`(%d questions? ha(?:s|ve) no answer)`, left))
	s.Send(u, "GET", s.URL("jamaica")+attempt, nil).Want(http.StatusOK)
	answers.Set("sure", "yes")
	result := form(attempt+"/submission", answers).Want(http.StatusSeeOther).Header.Get("Location")
	link(result, `(your answer)`)
	if to := s.Send(u, "GET", s.URL("jamaica")+attempt, nil).Want(http.StatusSeeOther).Header.Get("Location"); to != result {
		t.Errorf("a paper that was handed in led to %s", to)
	}
	form(attempt, answers).Want(http.StatusSeeOther) // and not lost in an error page
	other := s.User("jamaica", "student")
	for _, path := range []string{attempt, result} {
		if got := s.Send(other, "GET", s.URL("jamaica")+path, nil); got.Status != http.StatusNotFound && got.Status != http.StatusForbidden {
			t.Errorf("another learner got %d for %s", got.Status, path)
		}
	}
}

func TestSignInPageLetsNobodyLose(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	at := s.URL("jamaica")
	send := func(values url.Values, headers ...string) *apitest.Response {
		return s.Send(apitest.Anonymous("jamaica"), "POST", at+"/sign-in", values.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded", "Origin", at}, headers...)...)
	}
	wrong := send(url.Values{"user_name": {"nobody.here"}, "password": {"a secret of mine"}, "next": {"https://evil.example/"}}).Want(http.StatusForbidden)
	body := string(wrong.Body)
	if !strings.Contains(body, `value="nobody.here"`) || strings.Contains(body, "a secret of mine") || strings.Contains(body, "evil.example") {
		t.Error(body)
	}
	send(url.Values{"user_name": {"a"}, "password": {"b"}}, "Sec-Fetch-Site", "cross-site").Want(http.StatusForbidden)
	home := s.Send(apitest.Anonymous("jamaica"), "GET", at+"/home", nil).Want(http.StatusSeeOther)
	if to := home.Header.Get("Location"); to != "/sign-in?next=%2Fhome" {
		t.Errorf("led to %s", to)
	}
	s.Send(apitest.Anonymous(""), "GET", s.URL("")+"/sign-in", nil).Want(http.StatusOK)
	if to := s.Send(apitest.Anonymous(""), "GET", s.URL("")+"/", nil).Want(http.StatusSeeOther).Header.Get("Location"); to != "/console" {
		t.Errorf("the platform's host led to %s", to)
	}
}
