package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
)

func TestTermsAreAddedCorrectedAndRemoved(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	today := s.Tenant("jamaica").Today(time.Now())
	date := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	s.shows(s.Get(s.admin, "/home").Want(http.StatusOK), `href="/terms"`)
	s.shows(s.Get(s.coach, "/home").Want(http.StatusOK), `href="/terms"`)
	s.hides(s.Get(s.learner, "/home").Want(http.StatusOK), `href="/terms"`)
	s.shows(s.Get(s.admin, "/terms").Want(http.StatusOK), "No term goes on or is to come", "/terms/new", "Add the next one")
	s.shows(s.Get(s.admin, "/terms?show=all").Want(http.StatusOK), "No terms yet", "Add the first one")
	s.hides(s.Get(s.school, "/terms?show=all").Want(http.StatusOK), "/terms/new", "Add the first one")
	s.Get(s.school, "/terms/new").Want(http.StatusForbidden)

	form := filled(t, s.Get(s.admin, "/terms/new"), "/terms")
	s.shows(s.form(s.admin, "/terms", form).Want(http.StatusUnprocessableEntity), "Title is missing", "First day must be a date", "Last day must be a date")
	form.Set("title", "First <b>Term</b>")
	form.Set("starts_on", date(-30))
	form.Set("ends_on", date(-40))
	s.shows(s.form(s.admin, "/terms", form).Want(http.StatusUnprocessableEntity), "Last day must be after the first day", `value="First &lt;b&gt;Term&lt;/b&gt;"`, `value="`+date(-40)+`"`)
	form.Set("ends_on", date(40))
	s.form(s.school, "/terms", form).Want(http.StatusForbidden)
	if to := s.form(s.admin, "/terms", form).Want(http.StatusSeeOther).Header.Get("Location"); to != "/terms" {
		t.Errorf("led to %s", to)
	}
	list := s.Get(s.admin, "/terms").Want(http.StatusOK)
	s.shows(list, "First &lt;b&gt;Term&lt;/b&gt;", ">Now<", today.AddDate(0, 0, -30).Format("2 Jan 2006"), today.AddDate(0, 0, 40).Format("2 Jan 2006"))
	s.hides(s.Get(s.school, "/terms").Want(http.StatusOK), "/terms/new", `href="/terms/`)
	at := regexp.MustCompile(`/terms/[0-9a-f-]{36}`).FindString(string(list.Body))

	// Two who edit at once do not undo each other.
	one, other := filled(t, s.Get(s.admin, at), at), filled(t, s.Get(s.admin, at), at)
	one.Set("title", "Michaelmas")
	s.form(s.admin, at, one).Want(http.StatusSeeOther)
	other.Set("ends_on", date(50))
	s.shows(s.form(s.admin, at, other).Want(http.StatusConflict), "Somebody else changed this", `value="`+date(50)+`"`)
	s.Get(s.school, at).Want(http.StatusForbidden)
	s.form(s.school, at, one).Want(http.StatusForbidden)
	s.form(s.far, at, one).Want(http.StatusNotFound)

	// One that begins before another ends is taken, and told.
	crossing := url.Values{"title": {"Second"}, "starts_on": {date(30)}, "ends_on": {date(120)}}
	cookie := s.form(s.admin, "/terms", crossing).Want(http.StatusSeeOther).Header.Get("Set-Cookie")
	if !strings.Contains(cookie, "term-crosses") {
		t.Errorf("told %s", cookie)
	}
	s.shows(s.Get(s.admin, at), "Some of its days are also in “Second”.")

	// What a class belongs to stays, and says why.
	class := school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths"})[0]
	s.Exec("jamaica", `UPDATE classes SET term_id = $2::uuid WHERE id = $1::uuid`, class.String(), at[len("/terms/"):])
	s.form(s.school, at+"/remove", nil).Want(http.StatusForbidden)
	s.form(s.far, at+"/remove", nil).Want(http.StatusNotFound)
	s.shows(s.form(s.admin, at+"/remove", nil).Want(http.StatusConflict), "Classes belong to this term, so it stays", `value="Michaelmas"`, `value="`+date(40)+`"`)
	s.Exec("jamaica", `UPDATE classes SET term_id = NULL WHERE id = $1::uuid`, class.String())
	s.form(s.admin, at+"/remove", nil).Want(http.StatusSeeOther)
	s.hides(s.Get(s.admin, "/terms?show=all"), "Michaelmas")
	s.Get(s.admin, at).Want(http.StatusNotFound)
	trail := s.trail(s.admin, "")
	for _, words := range []string{"Added a term", "Changed a term", "Removed a term"} {
		if !strings.Contains(trail, words) {
			t.Errorf("the trail does not say %q", words)
		}
	}
}

func TestTheRecordsTermsAreNotChangedByHand(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	today := s.Tenant("jamaica").Today(time.Now())
	date := func(days int) string { return today.AddDate(0, 0, days).Format(time.DateOnly) }
	over := calendar.Term{ID: audit.NewID(), SourceID: "t1", TermFields: calendar.TermFields{Title: "Last Year's", StartsOn: date(-100), EndsOn: date(-1)}}
	now := calendar.Term{ID: audit.NewID(), SourceID: "t2", TermFields: calendar.TermFields{Title: "This Year's", StartsOn: date(-1), EndsOn: date(0)}}
	s.Write("jamaica", func(tx *tenants.Tx) error { return calendar.PutTerms(t.Context(), tx, []*calendar.Term{&over, &now}) })
	list := s.Get(s.admin, "/terms").Want(http.StatusOK)
	s.shows(list, "This Year&#39;s", ">Now<", "From the country’s own records")
	s.hides(list, "Last Year")
	s.shows(s.Get(s.admin, "/terms?show=all").Want(http.StatusOK), "Last Year&#39;s", ">Over<", "This Year&#39;s")
	at := "/terms/" + now.ID.String()
	page := s.Get(s.admin, at).Want(http.StatusOK)
	s.shows(page, "comes from the country’s own records", "the next import brings it back", at+"/remove")
	s.hides(page, `name="title"`, `name="starts_on"`)
	s.shows(s.form(s.admin, at, url.Values{"title": {"Mine"}, "starts_on": {date(-1)}, "ends_on": {date(9)}}).Want(http.StatusConflict), "Change it there, and import it again")
	if n := s.Number("jamaica", `SELECT count(*) FROM terms WHERE title = 'Mine'`); n != 0 {
		t.Error("it was changed")
	}
	s.form(s.admin, at+"/remove", nil).Want(http.StatusSeeOther)
}

func TestManyTermsArePaged(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	today := s.Tenant("jamaica").Today(time.Now())
	var list []school.Term
	for i := range 65 {
		list = append(list, school.Term{Title: fmt.Sprintf("Term %02d.", i), From: today.AddDate(0, 0, i/2), To: today.AddDate(0, 0, i/2+10)})
	}
	school.Terms(t, s.DB("jamaica"), list...)
	var all strings.Builder
	pages := 0
	for at := "/terms?show=all"; at != ""; pages++ {
		body := string(s.Get(s.admin, at).Want(http.StatusOK).Body)
		all.WriteString(body)
		at = strings.ReplaceAll(regexp.MustCompile(`/terms\?[^"]*cursor=[^"]*`).FindString(body), "&amp;", "&")
		if at != "" && !strings.Contains(at, "show=all") {
			t.Errorf("the way on is %s", at)
		}
	}
	for _, term := range list {
		if n := strings.Count(all.String(), ">"+term.Title+"<"); n != 1 {
			t.Errorf("%s is shown %d times", term.Title, n)
		}
	}
	if pages != 3 {
		t.Errorf("on %d pages", pages)
	}
}
