package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/portal"
	"lignum/domain/identity"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// visitor is a browser: it keeps cookies and follows the redirects of forms.
type visitor struct {
	t       *testing.T
	s       *apitest.Server
	slug    string
	cookies map[string]string
}

func (s *staffed) visitor(slug string) *visitor {
	return &visitor{s.t, s.Server, slug, map[string]string{}}
}

func (v *visitor) send(method, path string, values url.Values) *apitest.Response {
	v.t.Helper()
	var jar []string
	for name, value := range v.cookies {
		jar = append(jar, name+"="+value)
	}
	headers := []string{"Cookie", strings.Join(jar, "; "), "Sec-Fetch-Site", "same-origin", "Accept", "text/html"}
	var body any
	if values != nil {
		body, headers = values.Encode(), append(headers, "Content-Type", "application/x-www-form-urlencoded")
	}
	r := v.s.Send(apitest.Anonymous(v.slug), method, v.s.URL(v.slug)+path, body, headers...)
	for _, c := range (&http.Response{Header: r.Header}).Cookies() {
		if v.cookies[c.Name] = c.Value; c.Value == "" {
			delete(v.cookies, c.Name)
		}
	}
	if to := r.Header.Get("Location"); r.Status == http.StatusSeeOther {
		return v.send(http.MethodGet, to, nil)
	}
	return r
}

// open reads a page as a person would: without its markup.
func (v *visitor) open(path string) string {
	v.t.Helper()
	return wordsOf(v.send(http.MethodGet, path, nil).Want(http.StatusOK))
}

func (v *visitor) submit(path string, values url.Values) string {
	v.t.Helper()
	return wordsOf(v.send(http.MethodPost, path, values).Want(http.StatusOK))
}

func (v *visitor) signIn(name, password string) string {
	v.t.Helper()
	return v.submit("/sign-in", url.Values{"user_name": {name}, "password": {password}})
}

var markup = regexp.MustCompile(`(?s)<(style|script).*?</(style|script)>|<[^>]*>`)

func wordsOf(r *apitest.Response) string {
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(string(r.Body), " "))), " ")
}

func says(t *testing.T, where, page string, all ...string) {
	t.Helper()
	for _, w := range all {
		if !strings.Contains(page, w) {
			t.Errorf("%s: no %q in\n%s", where, w, page)
		}
	}
}

var (
	codeOnCard = regexp.MustCompile(`\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b`)
	linkTo     = func(r *apitest.Response, pattern string) string {
		r.T.Helper()
		m := regexp.MustCompile(`(?:href|action)="(` + pattern + `)"`).FindSubmatch(r.Body)
		if m == nil {
			r.T.Fatalf("%s: nothing leads to %s in\n%s", r.What, pattern, r.Body)
		}
		return string(m[1])
	}
)

// A pupil forgot the password. Each of the persons finds the next step on a page that they come by anyway.
func TestAPupilWhoForgotThePasswordComesBackIn(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	for _, u := range []apitest.User{s.learner, s.teacher, s.school} {
		s.ChoosePassword(u)
	}
	school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths", Kind: "live", School: *s.learner.SchoolID, Coach: s.teacher.ID, Seats: 30, Learners: []uuid.UUID{s.learner.ID}})

	// The pupil reads on the sign-in page what to do.
	pupil := s.visitor("jamaica")
	says(t, "sign-in", pupil.open("/sign-in"), "I forgot my password", "Tell your teacher", "Use your card")

	// The teacher finds the pupil on the class's page.
	teacher := s.visitor("jamaica")
	teacher.signIn(s.teacher.UserName, apitest.Password)
	class := teacher.send(http.MethodGet, linkTo(teacher.send(http.MethodGet, "/classes/manage", nil), `/classes/manage/[0-9a-f-]{36}`), nil)
	says(t, "class", wordsOf(class), "New sign-in card")
	card := linkTo(class, `/learners/[0-9a-f-]{36}/card`)
	if again := linkTo(teacher.send(http.MethodGet, strings.TrimSuffix(card, "/card"), nil), card); again != card {
		t.Errorf("the learner's page leads to %s", again)
	}
	page := teacher.send(http.MethodGet, card, nil).Want(http.StatusOK)
	says(t, "card", wordsOf(page), "your school must agree first")
	ask := linkTo(page, card+"/ask")
	says(t, "asked without a reason", wordsOf(teacher.send(http.MethodPost, ask, url.Values{"reason": {""}}).Want(http.StatusUnprocessableEntity)), "must have 3 to 500 characters")
	says(t, "asked", teacher.submit(ask, url.Values{"reason": {"Kerry forgot it over the holidays."}}), "Your school was asked", "As soon as it agrees")
	if r := teacher.send(http.MethodPost, card, url.Values{}); r.Status != http.StatusForbidden {
		t.Errorf("printed before the school agreed: %d", r.Status)
	}

	// The school sees it at home, and agrees.
	school := s.visitor("jamaica")
	home := school.signIn(s.school.UserName, apitest.Password)
	says(t, "the school's home", home, "New sign-in cards to approve", "asks for a new sign-in card")
	requests := school.send(http.MethodGet, "/resets", nil).Want(http.StatusOK)
	says(t, "requests", wordsOf(requests), "Kerry forgot it over the holidays.", "Approve")
	approve := linkTo(requests, `/resets/[0-9a-f-]{36}/approve`)
	if r := teacher.send(http.MethodPost, approve, url.Values{}); r.Status != http.StatusForbidden {
		t.Errorf("the teacher approved it: %d", r.Status)
	}
	if says(t, "the teacher's own", teacher.open("/resets"), "Waiting"); strings.Contains(teacher.open("/resets"), "Approve") {
		t.Error("the teacher is offered to approve")
	}
	says(t, "approved", school.submit(approve, url.Values{}), "The teacher can print one card now", "Approved")

	// The teacher is told, and prints the card.
	told := teacher.send(http.MethodGet, "/home", nil)
	says(t, "the teacher's home", wordsOf(told), "Your school approved a new sign-in card")
	says(t, "card", teacher.open(linkTo(told, card)), "Your school approved it", "Print the card")
	sheet := teacher.submit(card, url.Values{})
	code := codeOnCard.FindString(sheet)
	if code == "" {
		t.Fatalf("no code on the card:\n%s", sheet)
	}
	if r := teacher.send(http.MethodPost, card, url.Values{}); r.Status != http.StatusForbidden {
		t.Errorf("printed twice: %d", r.Status)
	}

	// The pupil uses it and is in; the old password is gone.
	if r := pupil.send(http.MethodPost, "/sign-in", url.Values{"user_name": {s.learner.UserName}, "password": {apitest.Password}}); r.Status != http.StatusForbidden {
		t.Errorf("the old password still opens: %d", r.Status)
	}
	const fresh = "nine copper kettles sing at dusk"
	says(t, "the pupil is in", pupil.submit("/card", url.Values{"code": {code}, "password": {fresh}, "again": {fresh}}), "Welcome! Your password is set.", "took your old password away", "asked your school")
	says(t, "the school heard of it", school.open("/home"), "took the old password of")
	says(t, "the requests", school.open("/resets"), "Card printed")
	next := s.visitor("jamaica")
	says(t, "the pupil's next day", next.signIn(s.learner.UserName, fresh), "Hello, "+s.learner.UserName)
}

// For a pupil who never chose a password nobody has to be asked; a refusal says why.
func TestATeacherPrintsTheFirstCardAlone(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths", Kind: "live", School: *s.learner.SchoolID, Coach: s.teacher.ID, Seats: 30, Learners: []uuid.UUID{s.learner.ID}})
	card := "/learners/" + s.learner.ID.String() + "/card"
	s.shows(s.Get(s.teacher, card).Want(http.StatusOK), "has not chosen a password yet", "Print the card")
	if code := codeOnCard.Find(s.form(s.teacher, card, nil).Want(http.StatusOK).Body); code == nil {
		t.Error("no code on the card")
	}
	school.GivePassword(t, s.DB("jamaica"), "x", s.learner.ID)
	s.form(s.teacher, card+"/ask", url.Values{"reason": {"Forgot it."}}).Want(http.StatusSeeOther)
	refuse := linkTo(s.Get(s.school, "/resets"), `/resets/[0-9a-f-]{36}/refuse`)
	s.shows(s.form(s.school, refuse, url.Values{"reason": {"x"}}).Want(http.StatusUnprocessableEntity), "must have 3 to 500")
	s.form(s.school, refuse, url.Values{"reason": {"Ask the parents first."}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.teacher, card), "Your school refused it", "Ask the parents first.", "Ask the school")
	s.Get(s.coach, card).Want(http.StatusForbidden)
	s.Get(s.official, "/resets").Want(http.StatusForbidden)
	s.shows(s.Get(s.school, "/people/"+s.learner.ID.String()), "Reset the password")
}

// The first sign-in on the platform leads to an authenticator app, and nothing else opens before it is set up.
func TestThePlatformsFirstSignInLeadsToAnAuthenticator(t *testing.T) {
	t.Parallel()
	s := &staffed{Server: apitest.New(t, portal.Register), t: t}
	operator := s.UserWith("", []string{"operator"}, apitest.NoSecondFactor())
	v := s.visitor("")
	says(t, "after the card", v.submit("/card", url.Values{"code": {operator.Card}, "password": {apitest.Password}, "again": {apitest.Password}}), "Authenticator app", "needs more than a password", "Your password")
	says(t, "the own account", v.open("/account"), operator.UserName)
	says(t, "without the password", wordsOf(v.send(http.MethodPost, "/account/authenticator", url.Values{"password": {"not mine at all"}}).Want(http.StatusUnprocessableEntity)), "is not right")
	page := v.send(http.MethodPost, "/account/authenticator", url.Values{"password": {apitest.Password}}).Want(http.StatusOK)
	secret := regexp.MustCompile(`<code>([A-Z2-7]{32})</code>`).FindSubmatch(page.Body)
	if secret == nil {
		t.Fatalf("no key in\n%s", page.Body)
	}
	code := func(ahead time.Duration) string {
		text, _, err := identity.TOTPCode(string(secret[1]), time.Now().Add(ahead))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	says(t, "confirmed", v.submit("/account/authenticator/confirm", url.Values{"code": {code(0)}}), "The app is set up", "recovery codes")
	// The very next page knows it.
	if r := v.send(http.MethodGet, "/account/authenticator", nil); !strings.Contains(wordsOf(r), "Your account has an authenticator app") || strings.Contains(wordsOf(r), "sign out, and sign in again") {
		t.Errorf("after the confirmation: %s", wordsOf(r))
	}
	me := v.send(http.MethodGet, "/api/v1/platform/users", nil)
	if me.Status != http.StatusOK {
		t.Errorf("the session has not proven it: %d %s", me.Status, me.Body)
	}
	again := s.visitor("")
	says(t, "the next sign-in", wordsOf(again.send(http.MethodPost, "/sign-in", url.Values{"user_name": {operator.UserName}, "password": {apitest.Password}}).Want(http.StatusForbidden)), "Code from your app")
}

// Officials see no small number on any page that they open.
func TestPagesShowOfficialsNoSmallCount(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	at := *s.learner.SchoolID
	school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths", Kind: "live", School: at, Coach: s.teacher.ID, Seats: 30, Learners: school.Learners(t, s.DB("jamaica"), 3, at)})
	class := linkTo(s.Get(s.official, "/classes"), `/classes/[0-9a-f-]{36}`)
	for _, at := range []string{"/classes", class} {
		page := wordsOf(s.Get(s.official, at).Want(http.StatusOK))
		if strings.Contains(page, "3 of 30") || strings.Contains(page, "0 of 30") || !strings.Contains(strings.ToLower(page), "fewer than 5 of 30") {
			t.Errorf("%s shows an official\n%s", at, page)
		}
		if page := wordsOf(s.Get(s.admin, at).Want(http.StatusOK)); !strings.Contains(page, "3 of 30") {
			t.Errorf("%s shows an administrator\n%s", at, page)
		}
	}
	s.Get(s.official, "/learners/"+s.teacher.ID.String()).Want(http.StatusNotFound)
	s.Get(s.official, "/learners/"+s.teacher.ID.String()+"?reason=Complaint+of+the+parents").Want(http.StatusNotFound)
	s.Get(s.official, "/learners/"+s.learner.ID.String()+"?reason=Complaint+of+the+parents").Want(http.StatusOK)
}
