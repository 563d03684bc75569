package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lignum/domain/people"
	"lignum/tests/apitest"
)

// filled reads the form of a page as a browser would send it: what stands in its fields.
func filled(t *testing.T, r *apitest.Response, action string) url.Values {
	t.Helper()
	m := regexp.MustCompile(`(?s)<form[^>]* action="` + regexp.QuoteMeta(html.EscapeString(action)) + `"[^>]*>(.*?)</form>`).FindSubmatch(r.Want(http.StatusOK).Body)
	if m == nil {
		t.Fatalf("%s: no form for %s in\n%s", r.What, action, r.Body)
	}
	values := url.Values{}
	for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(string(m[1]), -1) {
		name, value := attribute(tag, "name"), attribute(tag, "value")
		if kind := attribute(tag, "type"); (kind == "checkbox" || kind == "radio") && !strings.Contains(tag, " checked") {
			continue
		}
		if name != "" {
			values.Add(name, value)
		}
	}
	if button := regexp.MustCompile(`<button[^>]* name="[^>]*>`).FindString(string(m[1])); button != "" { // the first is pressed
		values.Add(attribute(button, "name"), attribute(button, "value"))
	}
	for _, sel := range regexp.MustCompile(`(?s)<select[^>]* name="([^"]+)".*?</select>`).FindAllStringSubmatch(string(m[1]), -1) {
		chosen := regexp.MustCompile(`<option value="([^"]*)" selected>`).FindStringSubmatch(sel[0])
		if chosen == nil {
			chosen = regexp.MustCompile(`<option value="([^"]*)"`).FindStringSubmatch(sel[0])
		}
		if chosen != nil {
			values.Set(sel[1], chosen[1])
		}
	}
	return values
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#43;", "+", "&amp;", "&", "&#34;", `"`, "&#39;", "'").Replace(m[1])
}

func TestAPersonIsCorrected(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	far := s.School("jamaica", "Hill High")
	at := "/people/" + s.learner.ID.String()
	s.shows(s.Get(s.school, at).Want(http.StatusOK), at+"/edit", "/learners/"+s.learner.ID.String())
	one, other := filled(t, s.Get(s.school, at+"/edit"), at), filled(t, s.Get(s.admin, at+"/edit"), at)
	if one.Get("family_name") != "<b>Bold</b>" || one.Get("school_id") != s.school.SchoolID.String() {
		t.Fatalf("%v", one)
	}
	one.Set("family_name", "Bolt")
	one.Set("grade", "11")
	s.form(s.school, at, one).Want(http.StatusSeeOther)
	s.shows(s.Get(s.school, at), "Kerry Bolt", "<dd>11</dd>")

	// Somebody who opened the form before does not undo it.
	other.Set("email", "kerry@school.example")
	s.shows(s.form(s.admin, at, other).Want(http.StatusConflict), "Somebody else changed this", `value="kerry@school.example"`)
	s.shows(s.Get(s.admin, at), "Kerry Bolt")
	other = filled(t, s.Get(s.admin, at+"/edit"), at)
	other.Set("email", "not an address")
	other.Set("given_name", "")
	s.shows(s.form(s.admin, at, other).Want(http.StatusUnprocessableEntity), `value="not an address"`, "E-mail must be an address", "Given name is missing")
	other.Set("email", "")
	other.Set("given_name", "Kerry-Ann")
	other.Set("user_name", "Kerry.Bolt")
	other.Set("school_id", far.String())
	s.form(s.admin, at, other).Want(http.StatusSeeOther)
	s.shows(s.Get(s.admin, at), "Kerry-Ann Bolt", "kerry.bolt", "Hill High")
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'user.change' AND before->>'family_name' = '<b>Bold</b>' AND after->>'family_name' = 'Bolt' AND after->>'grade' = '11'`); n != 1 {
		t.Errorf("%d entries with before and after", n)
	}

	// No longer of the school; and nobody changes who holds more, nor gives what they lack.
	s.Get(s.school, at+"/edit").Want(http.StatusForbidden)
	s.Get(s.teacher, at+"/edit").Want(http.StatusForbidden)
	boss := "/people/" + s.admin.ID.String()
	s.Get(s.school, boss+"/edit").Want(http.StatusForbidden)
	s.Get(s.admin, "/people/not-a-person/edit")
	s.hides(s.Get(s.school, "/people/new").Want(http.StatusOK), `value="tenant_administrator"`, `value="ministry_official"`)
	s.shows(s.Get(s.admin, "/people/new").Want(http.StatusOK), `value="tenant_administrator"`)
	s.hides(s.Get(s.school, "/people/"+s.teacher.ID.String()).Want(http.StatusOK), `value="tenant_administrator"`)
}

func TestRolesThatTwoPeopleEditAreNotUndone(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	at := "/people/" + s.coach.ID.String()
	one, other := filled(t, s.Get(s.admin, at), at+"/roles"), filled(t, s.Get(s.admin, at), at+"/roles")
	one.Add("role", "guardian")
	s.form(s.admin, at+"/roles", one).Want(http.StatusSeeOther)
	other.Add("role", "teacher")
	s.form(s.admin, at+"/roles", other).Want(http.StatusSeeOther)
	u := apitest.As[people.User](s.Get(s.admin, "/api/v1/users/"+s.coach.ID.String()))
	if got := strings.Join(u.Roles, " "); got != "coach guardian teacher" {
		t.Errorf("roles %s", got)
	}
}

func TestSchoolsAreAddedAndCorrected(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	s.shows(s.Get(s.admin, "/home").Want(http.StatusOK), `href="/schools"`)
	s.hides(s.Get(s.school, "/home").Want(http.StatusOK), `href="/schools"`)
	s.shows(s.Get(s.admin, "/schools").Want(http.StatusOK), "Harbour High", "/schools/new")
	s.hides(s.Get(s.school, "/schools").Want(http.StatusOK), "/schools/new")
	s.Get(s.school, "/schools/new").Want(http.StatusForbidden)
	form := filled(t, s.Get(s.admin, "/schools/new"), "/schools")
	s.shows(s.form(s.admin, "/schools", form).Want(http.StatusUnprocessableEntity), "Name is missing")
	form.Set("name", "Hill <b>Bold</b> High")
	form.Set("region", "Portland")
	form.Set("source_id", "JM-0042")
	s.form(s.school, "/schools", form).Want(http.StatusForbidden)
	s.form(s.admin, "/schools", form).Want(http.StatusSeeOther)
	s.shows(s.form(s.admin, "/schools", form).Want(http.StatusUnprocessableEntity), "Code is another school")
	list := s.Get(s.admin, "/schools?q=jm-0042&region=Portland").Want(http.StatusOK)
	s.shows(list, "Hill &lt;b&gt;Bold&lt;/b&gt; High")
	s.hides(list, "Harbour High")
	at := regexp.MustCompile(`/schools/[0-9a-f-]{36}`).FindString(string(list.Body))

	one, other := filled(t, s.Get(s.admin, at), at), filled(t, s.Get(s.admin, at), at)
	one.Set("name", "Hilltop High")
	s.form(s.admin, at, one).Want(http.StatusSeeOther)
	other.Set("region", "Kingston")
	s.shows(s.form(s.admin, at, other).Want(http.StatusConflict), "Somebody else changed this")
	s.shows(s.Get(s.admin, "/people/new"), "Hilltop High")
	one = filled(t, s.Get(s.admin, at), at)
	one.Set("state", "closed")
	s.form(s.admin, at, one).Want(http.StatusSeeOther)
	s.hides(s.Get(s.admin, "/people/new"), "Hilltop High")
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'school.change' AND before->>'state' = 'active' AND after->>'state' = 'closed'`); n != 1 {
		t.Errorf("%d entries with before and after", n)
	}

	api := "/api/v1" + at
	is := apitest.As[people.School](s.Get(s.coach, api))
	s.Do(s.school, "PUT", api, map[string]any{"name": "X", "kind": "primary"}).Want(http.StatusForbidden)
	s.Do(s.admin, "PUT", api, map[string]any{"name": "Hill Prep", "kind": "primary", "version": is.Version}).Want(http.StatusOK)
	s.Do(s.admin, "PUT", api, map[string]any{"name": "Hill Prep", "kind": "primary", "version": is.Version}).Want(http.StatusConflict)
	s.Post(s.admin, "/api/v1/schools", map[string]any{"name": "New", "kind": "college"}).Want(http.StatusCreated)
	s.Get(s.far, api).Want(http.StatusNotFound)
}

func TestSettingsAndClassesThatTwoPeopleEditAreNotUndone(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	class := "/classes/manage/" + s.newClass("Maths", s.teacher.SchoolID, &s.teacher.ID, 5, true).String()
	for _, form := range []struct{ page, action, one, other string }{
		{"/settings", "/settings", "name", "colour"}, {class + "/edit", class, "title", "meets"},
	} {
		u := s.admin
		one, other := filled(t, s.Get(u, form.page), form.action), filled(t, s.Get(u, form.page), form.action)
		one.Set(form.one, "Another name")
		s.form(u, form.action, one).Want(http.StatusSeeOther)
		if form.other == "colour" {
			other.Set("colour", "#7c2d12")
		} else {
			other.Set(form.other, "Mondays")
		}
		s.shows(s.form(u, form.action, other).Want(http.StatusConflict), "Somebody else changed this")
		if now := filled(t, s.Get(u, form.page), form.action); now.Get(form.one) != "Another name" {
			t.Errorf("%s: %v", form.page, now)
		}
	}
	// The address of the meetings, which a page shows to those of the class alone, outlives a change by somebody else.
	s.Exec("jamaica", `UPDATE classes SET meeting_url = 'https://meet.example/x' WHERE title = 'Another name'`)
	form := filled(t, s.Get(s.admin, class+"/edit"), class)
	s.form(s.admin, class, form).Want(http.StatusSeeOther)
	if n := s.Number("jamaica", `SELECT count(*) FROM classes WHERE meeting_url = 'https://meet.example/x'`); n != 1 {
		t.Error("the address of the meetings was lost")
	}
}
