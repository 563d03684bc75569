package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lignum/api"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
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
	t.Parallel()
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

// The trail reads the same whether an entry is of the old form or of the new. Of a person who was erased it says so, on the page and in the API, and what others did
// stays.
func TestTheTrailSaysWhoWasErased(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	pupil := s.pupil(s.school.SchoolID, "Devon", "Grant", "9")
	s.Exec("jamaica", `INSERT INTO audit_entries (id, actor_id, actor_name, actor_roles, actor_realm, address, action, object_kind, object_id, before, after, reason)
		VALUES (gen_random_uuid(), $1::uuid, 'devon.of.old', 'student', 'jamaica', '10.4.4.4', 'user.change', 'user', $1::text, '{"grade": "7"}', '{"grade": "8"}', 'moved up of old')`, pupil.ID.String())
	s.Do(s.admin, "PATCH", "/api/v1/users/"+pupil.ID.String(), map[string]any{"grade": "10"}).Want(http.StatusOK)
	s.Get(pupil, "/api/v1/users/"+s.learner.ID.String()).Want(http.StatusForbidden)

	changed := func() []audit.Stored {
		return apitest.As[api.List[audit.Stored]](s.Get(s.admin, "/api/v1/audit?object="+pupil.ID.String()+"&action=user.change")).Items
	}
	refused := func() []audit.Stored {
		return apitest.As[api.List[audit.Stored]](s.Get(s.admin, "/api/v1/audit?outcome=refused&actor="+pupil.ID.String())).Items
	}
	list, denied := changed(), refused()
	if len(list) != 2 || len(denied) != 1 || denied[0].ActorName != pupil.UserName || denied[0].ActorErased || string(list[0].After)+string(list[1].After) == "" {
		t.Fatalf("%+v %+v", list, denied)
	}
	text := s.trail(s.admin, "")
	for _, want := range []string{"devon.of.old", "moved up of old", "Grade 7 → , now 8", "Grade 9 → , now 10", "From 10.4.4.4", pupil.UserName} {
		if !strings.Contains(text, want) {
			t.Errorf("before: no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "Erased with") {
		t.Errorf("somebody is erased already: %s", text)
	}

	s.Write("jamaica", func(tx *tenants.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE users SET state = 'erased', user_name = id::text, user_name_key = id::text, given_name = 'Erased', family_name = 'person' WHERE id = $1::uuid`, pupil.ID.String()); err != nil {
			return err
		}
		return people.EraseFromTrail(t.Context(), tx, pupil.ID, "The guardian asked on 3 November")
	})
	text = s.trail(s.admin, "")
	for _, gone := range []string{"devon.of.old", "moved up of old", "now 8", "now 10", "10.4.4.4", pupil.UserName} {
		if strings.Contains(text, gone) {
			t.Errorf("after: %q is in %s", gone, text)
		}
	}
	for _, want := range []string{"Erased an account", "The guardian asked on 3 November", "Erased with the person", s.admin.UserName + " "} {
		if !strings.Contains(text, want) {
			t.Errorf("after: no %q in %s", want, text)
		}
	}
	list, denied = changed(), refused()
	if len(list) != 2 || !list[0].ContentErased || !list[1].ContentErased || list[0].After != nil || list[1].Before != nil || list[0].ActorErased == list[1].ActorErased {
		t.Errorf("entries about them: %+v", list)
	}
	if len(denied) != 1 || !denied[0].ActorErased || denied[0].ActorName != "" || denied[0].Address != "" || denied[0].ContentErased || denied[0].Reason == "" {
		t.Errorf("entries by them: %+v", denied)
	}
}
