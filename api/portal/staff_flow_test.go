package portal_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/portal"
	"lignum/domain/insight"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// staffed is a tenant with a school and somebody of every kind of staff.
type staffed struct {
	*apitest.Server
	t                                                     *testing.T
	admin, school, teacher, coach, official, learner, far apitest.User
}

func newStaffed(t *testing.T) *staffed {
	t.Helper()
	s := &staffed{Server: apitest.New(t, portal.Register), t: t}
	s.staff()
	return s
}

// staff makes somebody of every kind.
func (s *staffed) staff() {
	s.t.Helper()
	high := s.School("jamaica", "Harbour High")
	s.admin = s.User("jamaica", "tenant_administrator")
	s.school = s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(high))
	s.teacher = s.UserWith("jamaica", []string{"teacher"}, apitest.At(high))
	s.coach = s.User("jamaica", "coach")
	s.official = s.User("jamaica", "ministry_official")
	s.learner = s.UserWith("jamaica", []string{"student"}, apitest.At(high), apitest.Named("Kerry", "<b>Bold</b>"))
	s.far = s.User("bahamas", "tenant_administrator")
}

func (s *staffed) form(u apitest.User, path string, values url.Values) *apitest.Response {
	s.t.Helper()
	return s.Send(u, "POST", s.URL(u.Slug)+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// shows fails when the page lacks one of the words, or has what the browser must not run.
func (s *staffed) shows(r *apitest.Response, words ...string) {
	s.t.Helper()
	for _, w := range words {
		if !strings.Contains(string(r.Body), w) {
			s.t.Errorf("%s: no %q in\n%s", r.What, w, r.Body)
		}
	}
	if strings.Contains(string(r.Body), "<b>Bold") || strings.Contains(string(r.Body), " style=") {
		s.t.Errorf("%s: markup came through", r.What)
	}
}

func TestPagesOfStaffOpenForThoseWhoseTheyAre(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	for path, who := range map[string][]apitest.User{
		"/learners":           {s.coach, s.teacher, s.school, s.admin},
		"/classes/manage":     {s.teacher, s.school, s.admin},
		"/classes/manage/new": {s.teacher, s.school, s.admin},
		"/people":             {s.school, s.admin},
		"/people/new":         {s.school, s.admin},
		"/figures":            {s.school, s.official, s.admin},
		"/settings":           {s.admin},
		"/roles":              {s.admin},
		"/roles/coach":        {s.admin},
		"/audit":              {s.admin},
	} {
		for _, u := range who {
			s.shows(s.Get(u, path).Want(http.StatusOK), "<h1>")
		}
		s.Get(s.learner, path).Want(http.StatusForbidden)
		s.Get(apitest.Anonymous("jamaica"), path).Want(http.StatusSeeOther)
	}
}

func TestAnOfficialStatesAReasonBeforeARecordOpens(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	at := "/learners/" + s.learner.ID.String()
	s.shows(s.Get(s.official, at).Want(http.StatusForbidden), "Why do you need to see this record?")
	s.shows(s.Get(s.official, at+"?reason=short").Want(http.StatusForbidden), "at least 10 letters or digits", `short</textarea>`)
	s.shows(s.Get(s.official, at+"?reason="+strings.Repeat(".", 12)).Want(http.StatusForbidden), "at least 2 words", `aria-invalid="true"`)
	s.shows(s.Get(s.official, at+"?reason="+url.QueryEscape("Appeal 114 about a score")).Want(http.StatusOK), "Appeal 114 about a score", "audit trail")
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'learner.progress' AND outcome = 'done' AND reason = 'Appeal 114 about a score'`); n != 1 {
		t.Errorf("%d entries of the reading", n)
	}
	s.Get(s.coach, at).Want(http.StatusForbidden)
	s.Get(s.school, at).Want(http.StatusOK)
	s.Get(s.far, at).Want(http.StatusNotFound)
}

func TestAClassIsOpenedChangedAndCancelled(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	today := time.Now().UTC()
	values := url.Values{"title": {"Maths 10A"}, "kind": {"live"}, "starts_on": {today.Format(time.DateOnly)}, "ends_on": {"soon"}, "weekly": {"Tue 16:00 60\nsometimes"},
		"seats": {"none"}, "coach_id": {s.teacher.ID.String()}, "school_id": {s.learner.ID.String()}, "open": {"yes"}}
	again := s.form(s.teacher, "/classes/manage", values).Want(http.StatusUnprocessableEntity)
	s.shows(again, `value="Maths 10A"`, "Last day must be a date", "Seats must be 1 to 100,000", "number 2", "sometimes</textarea>")
	values.Set("ends_on", today.AddDate(0, 2, 0).Format(time.DateOnly))
	values.Set("weekly", "Tue 16:00 60")
	values.Set("seats", "20")
	page := string(s.Get(s.teacher, "/classes/manage/new").Want(http.StatusOK).Body)
	found := regexp.MustCompile(`<option value="([0-9a-f-]{36})"[^>]*>Harbour High`).FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the own school is not offered:", page)
	}
	values.Set("school_id", found[1])
	at := s.form(s.teacher, "/classes/manage", values).Want(http.StatusSeeOther).Header.Get("Location")
	s.shows(s.Get(s.teacher, at).Want(http.StatusOK), "Maths 10A", "Nobody yet", "Harbour High")
	s.shows(s.Get(s.admin, at).Want(http.StatusOK), "Maths 10A")
	s.Get(s.coach, at).Want(http.StatusForbidden)
	s.shows(s.Get(s.teacher, at+"/edit").Want(http.StatusOK), "Tue 16:00 60</textarea>", `value="20"`)
	values.Set("title", "Maths 10B")
	s.form(s.teacher, at, values).Want(http.StatusSeeOther)
	school.Enrol(t, s.DB("jamaica"), uuid.MustParse(strings.TrimPrefix(at, "/classes/manage/")), s.learner.ID)
	s.shows(s.Get(s.teacher, at).Want(http.StatusOK), "Maths 10B", "&lt;b&gt;Bold&lt;/b&gt;, Kerry")
	cards := s.form(s.teacher, at+"/cards", nil).Want(http.StatusOK)
	s.shows(cards, "shown only now", s.learner.UserName, "/card</strong>")
	if !regexp.MustCompile(`<dd>[0-9A-Z]{4}(-[0-9A-Z]{4}){3}</dd>`).Match(cards.Body) {
		t.Errorf("no code on the card:\n%s", cards.Body)
	}
	s.shows(s.form(s.teacher, at+"/cancel", url.Values{"reason": {""}}).Want(http.StatusUnprocessableEntity), "Cancel the class")
	s.form(s.teacher, at+"/cancel", url.Values{"reason": {"Too few learners"}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.teacher, "/classes/manage?show=ended").Want(http.StatusOK), "Maths 10B", "Cancelled")
}

func TestAnAccountIsOpenedSuspendedAndGivenRoles(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	person := url.Values{"given_name": {"Marva"}, "family_name": {""}, "role": {""}}
	s.shows(s.form(s.admin, "/people", person).Want(http.StatusUnprocessableEntity), `value="Marva"`, "Role must be chosen")
	person.Set("family_name", "Clarke")
	person.Set("role", "tenant_administrator")
	s.form(s.school, "/people", person).Want(http.StatusForbidden)
	person.Set("role", "coach")
	s.shows(s.form(s.admin, "/people", person).Want(http.StatusOK), "Marva Clarke has an account", "shown only now")
	found := s.Get(s.admin, "/people?q=clarke").Want(http.StatusOK)
	at := regexp.MustCompile(`/people/[0-9a-f-]{36}`).FindString(string(found.Body))
	s.shows(found, "Clarke, Marva", "No password yet")
	s.shows(s.Get(s.admin, at).Want(http.StatusOK), "Print a card")
	s.form(s.admin, at+"/roles", url.Values{"role": {"coach", "teacher"}}).Want(http.StatusSeeOther)
	s.shows(s.form(s.admin, at+"/roles", url.Values{"had_role": {"coach", "teacher"}}).Want(http.StatusUnprocessableEntity), "Save the roles")
	s.shows(s.form(s.admin, at+"/suspend", url.Values{"reason": {" "}}).Want(http.StatusUnprocessableEntity), "Suspend")
	s.form(s.admin, at+"/suspend", url.Values{"reason": {"Left the school"}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.admin, at).Want(http.StatusOK), "Left the school", "Let in again")
	s.form(s.admin, at+"/resume", nil).Want(http.StatusSeeOther)
	s.shows(s.form(s.admin, at+"/card", nil).Want(http.StatusOK), "Sign-in card of Marva Clarke")
	s.form(s.learner, at+"/card", nil).Want(http.StatusForbidden)
}

func TestSettingsAndRolesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	s.shows(s.form(s.admin, "/settings", url.Values{"name": {""}, "colour": {"#14532d"}, "accent": {"red"}}).Want(http.StatusUnprocessableEntity), "one line of 1 to 120", "such as #1a5c38")
	s.form(s.admin, "/settings", url.Values{"name": {"Ministry of Learning"}, "colour": {"#7c2d12"}, "accent": {"#facc15"}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.admin, "/settings").Want(http.StatusOK), `value="Ministry of Learning"`, "contrast 9.4 to 1", "of 250,000")
	s.shows(s.form(s.admin, "/settings", url.Values{"name": {"M"}, "colour": {"#7c2d12"}, "accent": {"#facc15"}, "staff_second_factor": {"yes"}}).Want(http.StatusConflict), "second factor yourself")

	s.shows(s.form(s.admin, "/roles/deputy_head", url.Values{"had_grant": {}}).Want(http.StatusUnprocessableEntity), "nothing is to be changed")
	s.form(s.admin, "/roles/deputy_head", url.Values{"include": {"member", "coach"}, "grant": {"class.manage"}}).Want(http.StatusSeeOther)
	s.shows(s.Get(s.admin, "/roles").Want(http.StatusOK), "Deputy head", "Your own", "yes, included")
	s.shows(s.form(s.admin, "/roles/tenant_administrator", url.Values{"had_grant": {"role.change"}, "had_include": {"member"}, "include": {"member"}}).Want(http.StatusConflict), "No role could change roles any more")
	s.shows(s.Get(s.admin, "/audit?action=role.change").Want(http.StatusOK), "Deputy head", s.admin.UserName)
	s.shows(s.Get(s.admin, "/audit?actor="+s.admin.UserName).Want(http.StatusOK), "Deputy head")
	s.shows(s.Get(s.admin, "/audit?actor=nobody.at.all&from=yesterday").Want(http.StatusUnprocessableEntity), "nobody here")
	s.shows(s.Get(s.admin, "/audit?from=2026-02-31").Want(http.StatusUnprocessableEntity), "must be a date", `value="2026-02-31"`)
}

func TestFigures(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	today := s.Tenant("jamaica").Today(time.Now()) // which is another month's than elsewhere for some hours
	var days []school.Day
	for ago, learners := range map[int]int{3: 1, 4: 1, 5: 1, 8: 7, 9: 9} { // the seven may be withheld too, so that nobody can subtract
		for range learners {
			days = append(days, school.Day{Day: today.AddDate(0, 0, -ago), User: uuid.New()})
		}
	}
	school.Attendance(t, s.DB("jamaica"), days...)
	s.shows(s.Get(s.official, "/figures").Want(http.StatusOK), `<svg role="img"`, "fewer than 5", `class="few"`, ": 9</title>", "by subtraction")
	s.shows(s.Get(s.official, "/figures?from=2026-09-01&to=2026-08-01").Want(http.StatusUnprocessableEntity), "must not be before the first day")
	s.shows(s.Get(s.official, "/figures?by=region").Want(http.StatusOK), "Results by region")

	finished := insight.FinishedMonth(today)
	month, before := finished.From.Format("2006-01"), finished.From.AddDate(0, -1, 0).Format("2006-01")
	s.shows(s.Get(s.official, "/figures?first="+before+"&last="+month).Want(http.StatusOK), `<option value="`+before+`" selected>`, `<option value="`+month+`" selected>`, "whole months")
	if strings.Contains(string(s.Get(s.official, "/figures").Want(http.StatusOK).Body), `<option value="`+today.Format("2006-01")+`"`) {
		t.Error("the running month is offered")
	}
	s.shows(s.Get(s.official, "/figures?first="+today.Format("2006-01")).Want(http.StatusUnprocessableEntity), "one of the months in the list")
	s.shows(s.Get(s.official, "/figures?first="+month+"&last="+before).Want(http.StatusUnprocessableEntity), "must not be before the first month")
	if strings.Contains(string(s.Get(s.school, "/figures").Want(http.StatusOK).Body), `name="first"`) {
		t.Error("a school is held to months")
	}
}

// templatesOf reads the pages of a directory.
func templatesOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pages in %s: %v", dir, err)
	}
	texts := map[string]string{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = string(raw)
	}
	return texts
}
