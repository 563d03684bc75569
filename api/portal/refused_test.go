package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"lignum/api/portal"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/apitest"
)

const smallPack = `format: lignum-pack/1
name: small
version: 1.0.0
title: Small
subject: Maths
level: Grade 6
scheme: None
language: en
licence: CC-BY-4.0
author: A. Teacher
summary: Two questions.
sections: [{code: all, title: All}]
banks: [{file: all.gift, section: all}]
tests:
  - {slug: two, title: Two questions, minutes: 30, blueprint: {all: 2}, shuffle: false}
`

// sitter is a learner without a script who sits a test of a number and a word.
type sitter struct {
	*apitest.Server
	t       *testing.T
	u       apitest.User
	attempt string // path
	number  string // names of the fields
	word    string
}

func newSitter(t *testing.T) *sitter {
	t.Helper()
	s := &sitter{Server: apitest.New(t, portal.Register), t: t}
	s.Write("jamaica", func(tx *tenants.Tx) error {
		p, err := pack.Read(fstest.MapFS{"pack.yaml": {Data: []byte(smallPack)}, "all.gift": {Data: []byte("::n:: Half of one? {#0.5}\n\n::w:: Half of a dozen? {=six}\n")}})
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		if _, err := catalog.Import(t.Context(), tx, p, nil, now); err != nil {
			return err
		}
		course, err := catalog.CourseBySlug(t.Context(), tx, "small")
		if err != nil {
			return err
		}
		_, err = classes.Create(t.Context(), tx, classes.Fields{Title: "All", Kind: classes.OnDemand, CourseID: &course.ID, StartsOn: now.Format(time.DateOnly),
			EndsOn: now.AddDate(0, 1, 0).Format(time.DateOnly), Seats: 5, Open: true})
		return err
	})
	s.u = s.User("jamaica", "student")
	find := func(path, pattern string) string {
		t.Helper()
		m := regexp.MustCompile(pattern).FindStringSubmatch(s.page(path))
		if m == nil {
			t.Fatalf("nothing like %s on %s", pattern, path)
		}
		return m[1]
	}
	class := s.post(find("/classes", `action="(/classes/[0-9a-f-]+/register)"`), nil).Want(http.StatusSeeOther).Header.Get("Location")
	s.attempt = s.post(find(class, `href="(/tests/[^"]+)"`)+"/start", nil).Want(http.StatusSeeOther).Header.Get("Location")
	s.number = find(s.attempt, `id="(a[01])" name="a[01]"[^>]*inputmode="decimal"`)
	s.word = map[string]string{"a0": "a1", "a1": "a0"}[s.number]
	return s
}

func (s *sitter) page(path string) string {
	s.t.Helper()
	return string(s.Send(s.u, "GET", s.URL("jamaica")+path, nil).Want(http.StatusOK).Body)
}

func (s *sitter) post(path string, values url.Values) *apitest.Response {
	s.t.Helper()
	return s.Send(s.u, "POST", s.URL("jamaica")+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// fill is the paper's form as a browser sends it.
func (s *sitter) fill(number, word string) url.Values {
	counter := regexp.MustCompile(`name="counter" value="(-?[0-9]+)"`).FindStringSubmatch(s.page(s.attempt))[1]
	return url.Values{"counter": {counter}, "shown": {"0", "1"}, "over": {""}, s.number: {number}, s.word: {word}}
}

func (s *sitter) says(page string, wanted ...string) {
	s.t.Helper()
	for _, w := range wanted {
		if !strings.Contains(page, w) {
			s.t.Errorf("the page does not say %q:\n%s", w, page)
		}
	}
}

func TestOneUnreadableNumberHoldsUpNothingWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSitter(t)
	s.post(s.attempt, s.fill("5", "")).Want(http.StatusSeeOther)
	page := string(s.post(s.attempt, s.fill("1/2", "six")).Want(http.StatusUnprocessableEntity).Body)
	s.says(page, "Everything else is saved", "Not saved. Write a fraction as a number with a decimal point: 1/2 is 0.5.", "Your earlier answer, 5, still counts.", `value="1/2"`, `value="six"`, `aria-invalid="true"`)
	s.says(s.page(s.attempt), `value="5"`, `value="six"`) // stored

	page = string(s.post(s.attempt+"/submission", s.fill("1/2", "six")).Want(http.StatusUnprocessableEntity).Body)
	s.says(page, "Not handed in yet", "1/2 is 0.5", "Your earlier answer, 5, still counts.")
	s.post(s.attempt, s.fill("0.5", "six")).Want(http.StatusSeeOther)
	result := s.post(s.attempt+"/submission", s.fill("0.5", "six")).Want(http.StatusSeeOther).Header.Get("Location")
	s.says(s.page(result), "100 %")
}

func TestAtTheEndOfTheTimeItIsHandedInAsItIs(t *testing.T) {
	for name, end := range map[string]func(s *sitter, form url.Values){
		"the page's clock": func(_ *sitter, form url.Values) { form.Set("over", "yes") },
		"the deadline": func(s *sitter, _ url.Values) {
			s.Exec("jamaica", `UPDATE attempts SET deadline = now() - interval '1 second'`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSitter(t)
			form := s.fill("six", "six")
			end(s, form)
			res := s.post(s.attempt+"/submission", form).Want(http.StatusSeeOther)
			if !strings.Contains(res.Header.Get("Set-Cookie"), "handed-in-some") {
				t.Errorf("nobody says that something was not taken: %s", res.Header.Get("Set-Cookie"))
			}
			s.says(s.page(res.Header.Get("Location")), "50 %", "✓ Right")
		})
	}
}
