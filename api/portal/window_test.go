package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/catalog/pack"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

func TestAnAdministratorSaysWhenATestIsOpen(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	made := school.Course(t, s.DB("jamaica"), pack.Pack{Tests: []pack.Test{{Title: "Paper 1", Kind: "assessment", Minutes: 60}}})
	test, course := made.Tests[0], made.ID
	zone := s.Tenant("jamaica").Location()
	today := time.Now().In(zone)
	class := school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths 10A", Course: course, Coach: s.teacher.ID, Learners: []uuid.UUID{s.learner.ID}})[0].String()

	at := "/tests/" + test.String()
	s.shows(s.Get(s.admin, "/classes/manage/"+class).Want(http.StatusOK), `href="`+at+`"`, "always open")
	s.shows(s.Get(s.admin, at).Want(http.StatusOK), `action="`+at+`/window"`, `name="opens_at" type="datetime-local" value=""`, "America/Jamaica")
	for _, u := range []string{string(s.Get(s.teacher, at).Want(http.StatusOK).Body), string(s.Get(s.learner, at).Want(http.StatusOK).Body)} {
		if strings.Contains(u, "/window") {
			t.Error("the form is shown to somebody who may not")
		}
	}

	day := today.AddDate(0, 0, 3).Format(time.DateOnly)
	opens, closes := day+"T09:00", day+"T12:30"
	save := func(opens, closes string) *apitest.Response {
		t.Helper()
		return s.form(s.admin, at+"/window", url.Values{"opens_at": {opens}, "closes_at": {closes}})
	}
	again := save(closes, opens).Want(http.StatusUnprocessableEntity)
	s.shows(again, `value="`+opens+`"`, `value="`+closes+`"`, "Closes must be after the time at which the test opens")
	s.shows(save(opens, "late").Want(http.StatusUnprocessableEntity), "Closes must be a date and a time such as", `value="late"`)
	s.shows(save(opens, "").Want(http.StatusUnprocessableEntity), "Closes must be given as well")
	s.form(s.teacher, at+"/window", url.Values{}).Want(http.StatusForbidden)
	s.form(s.far, at+"/window", url.Values{}).Want(http.StatusNotFound)

	other := filled(t, s.Get(s.admin, at), at+"/window")
	if to := save(opens, closes).Want(http.StatusSeeOther).Header.Get("Location"); to != at {
		t.Errorf("led to %s", to)
	}
	// Somebody who opened the page before does not undo it.
	other.Set("opens_at", day+"T13:00")
	other.Set("closes_at", day+"T14:00")
	s.shows(s.form(s.admin, at+"/window", other).Want(http.StatusConflict), "Somebody else changed this", `value="`+day+`T13:00"`)
	if now := filled(t, s.Get(s.admin, at), at+"/window"); now.Get("opens_at") != opens || now.Get("closes_at") != closes {
		t.Errorf("after a change that was refused the window is %v", now)
	}
	utc, err := time.ParseInLocation("2006-01-02T15:04", opens, zone)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM tests WHERE opens_at = $1::timestamptz
		AND closes_at = $1::timestamptz + interval '210 minutes'`, utc.UTC()); n != 1 {
		t.Error("the wall times were not taken as Jamaica's")
	}
	s.shows(s.Get(s.admin, at).Want(http.StatusOK), `value="`+opens+`"`, `value="`+closes+`"`, "09:00")
	s.shows(s.Get(s.learner, at).Want(http.StatusOK), "The test is not open yet", "It opens on")
	s.form(s.learner, at+"/start", nil).Want(http.StatusForbidden)
	save("", " ").Want(http.StatusSeeOther)
	if n := s.Number("jamaica", `SELECT count(*) FROM tests WHERE opens_at IS NULL AND closes_at IS NULL`); n != 1 {
		t.Error("the window was not removed")
	}
}

// Nassau's clocks skip from 2:00 to 3:00 on 14 March 2027.
func TestAWallTimeThatDoesNotExistIsRefused(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	test := school.Course(t, s.DB("bahamas"), pack.Pack{Tests: []pack.Test{{Title: "Paper 1", Kind: "assessment", Minutes: 60}}}).Tests[0]
	res := s.form(s.far, "/tests/"+test.String()+"/window", url.Values{"opens_at": {"2027-03-14T02:30"}, "closes_at": {"2027-03-14T05:00"}})
	s.shows(res.Want(http.StatusUnprocessableEntity), "Opens must be a time that there is", `value="2027-03-14T02:30"`)
}
