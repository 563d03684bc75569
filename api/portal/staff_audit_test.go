package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lignum/policy"
	"lignum/tests/apitest"
)

var (
	tags      = regexp.MustCompile(`(?s)<(?:style|script|head).*?</(?:style|script|head)>|<[^>]*>`)
	trailBody = regexp.MustCompile(`(?s)<tbody>.*</tbody>`)
	olderLink = regexp.MustCompile(`href="([^"]*)" rel="next"`)
)

// trail reads all of the trail's page as words, oldest pages too.
func (s *staffed) trail(u apitest.User, query string) string {
	s.t.Helper()
	var all strings.Builder
	for path := "/audit" + query; path != ""; {
		body := string(s.Get(u, path).Want(http.StatusOK).Body)
		all.WriteString(html.UnescapeString(strings.Join(strings.Fields(tags.ReplaceAllString(trailBody.FindString(body), " ")), " ")))
		m := olderLink.FindStringSubmatch(body)
		path = ""
		if m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	return all.String()
}

// Administrators read in the trail what people did: no name that only programs use, no id, no JSON; what was before and is now.
func TestTheTrailSpeaksToPeople(t *testing.T) {
	s := newTown(t)
	pupil := s.pupil(s.school.SchoolID, "Devon", "Grant", "9")
	version := func(u apitest.User, path string) string {
		return apitest.As[struct {
			Version string `json:"version"`
		}](s.Get(u, path)).Version
	}
	class := s.newClass("Reading aloud", s.school.SchoolID, &s.teacher.ID, 12, true)
	at := "/classes/" + class.String()
	s.Do(s.admin, "PUT", "/api/v1"+at, map[string]any{"title": "Reading aloud", "kind": "live", "school_id": s.hill, "coach_id": s.teacher.ID, "grade": "", "starts_on": "2026-09-07", "ends_on": "2027-07-02",
		"meets": "", "weekly": []any{}, "meeting_url": "", "seats": 30, "open": false}).Want(http.StatusOK)
	s.Do(s.admin, "PATCH", "/api/v1/users/"+pupil.ID.String(), map[string]any{"grade": "10", "school_id": s.hill}).Want(http.StatusOK)
	s.Do(s.admin, "PUT", "/api/v1/schools/"+s.hill.String(), map[string]any{"name": "Hill High School", "kind": "secondary", "region": "Hanover", "version": version(s.admin, "/api/v1/schools/"+s.hill.String())}).Want(http.StatusOK)
	s.form(s.admin, "/roles/deputy_head", url.Values{"include": {"member", "coach"}, "grant": {"class.manage"}}).Want(http.StatusSeeOther)
	s.form(s.admin, "/classes/manage/"+class.String()+"/cancel", url.Values{"reason": {"Too few learners"}}).Want(http.StatusSeeOther)
	s.Get(s.learner, "/api/v1/users/"+pupil.ID.String()).Want(http.StatusForbidden)
	s.Get(s.official, "/learners/"+s.learner.ID.String()+"?reason="+url.QueryEscape("Appeal 114 about a score")).Want(http.StatusOK)

	text := s.trail(s.admin, "")
	for _, want := range []string{"Opened a class", "Changed a class Class Reading aloud", "Seats 12 → , now 30", "Open to registration yes → , now no", "Hill High School", "Cancelled a class", "Too few learners",
		"Changed an account Account Devon Grant Grade 9 → , now 10", "→ , now Hanover", "Changed a role Role Deputy head", "May now Open, change and cancel classes", "Wanted to see accounts Refused",
		"Opened a learner's record", "Took a place in a class", "Handed a test in", "Imported a course"} {
		if !strings.Contains(text, want) {
			t.Errorf("the trail does not say %q", want)
		}
	}
	if m := regexp.MustCompile(`[{}]|.{30}[0-9a-f]{8}-[0-9a-f]{4}-.{30}|\b[0-9a-f]{40,}|\bnull\b`).FindString(text); m != "" {
		t.Errorf("the trail says %q", m)
	}
	for _, p := range policy.Catalogue() {
		if strings.Contains(text, p.Name()) {
			t.Errorf("the trail names the permission %s", p.Name())
		}
	}
	if m := regexp.MustCompile(`.{0,30}\b[a-z]+_[a-z]+\b.{0,30}`).FindString(text); m != "" {
		t.Errorf("the trail says %q", m)
	}

	// Whoever may read the trail and not look accounts up reads no names of accounts; those of classes stay.
	s.form(s.admin, "/roles/reviser", url.Values{"include": {"member"}, "grant": {"audit.read", "class.read"}}).Want(http.StatusSeeOther)
	reviser := s.UserWith("jamaica", []string{"reviser"})
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	text = s.trail(reviser, "")
	if strings.Contains(text, "Devon Grant") || !strings.Contains(text, "Reading aloud") || !strings.Contains(text, "Changed an account") {
		t.Error("whoever may not look up accounts reads their names in the trail, or nothing else either")
	}
}
