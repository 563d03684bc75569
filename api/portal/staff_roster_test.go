package portal_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"lignum/api/portal"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// The refused rows are saved as a table of which a spreadsheet takes nothing for a formula. Whoever may not import sees neither the page nor the table.
func TestRefusedRowsAreSavedAsATable(t *testing.T) {
	t.Parallel()
	s := apitest.New(t, portal.Register)
	admin, db := s.User("jamaica", "tenant_administrator"), s.DB("jamaica")
	var problems []school.RosterProblem
	reasons := []string{"=1+1", "+1", "-1", "@x", "\tx", "\rx", "plain", "a=b"}
	for i, r := range reasons {
		problems = append(problems, school.RosterProblem{Line: i + 2, Field: "=HYPERLINK(1)", Reason: r})
	}
	for line := range 300 { // more than one page of the list
		problems = append(problems, school.RosterProblem{Line: 100 + line, Field: "role", Reason: "is missing"})
	}
	run := school.Roster(t, db, admin.ID, "users.csv", `{"dry_run": true, "files": [{"name": "=users.csv", "kind": "users", "created": 5, "refused": 308}]}`, problems...)
	path := "/roster/" + run.String()
	got := s.Get(admin, path+"/refused").Want(http.StatusOK)
	if kind, how := got.Header.Get("Content-Type"), got.Header.Get("Content-Disposition"); kind != "text/csv; charset=utf-8" || how != `attachment; filename="refused rows.csv"` {
		t.Errorf("%s, %s", kind, how)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(got.Body), "\uFEFF"))).ReadAll()
	if err != nil || len(rows) != 309 || strings.Join(rows[0], " ") != "File Line Column Reason" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, want := range []string{"'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "plain", "a=b"} {
		if row := rows[i+1]; row[0] != "'=users.csv" || row[2] != "'=HYPERLINK(1)" || row[3] != want {
			t.Errorf("%q, not %q", row, want)
		}
	}
	page := string(s.Send(admin, "GET", s.URL("jamaica")+path, nil, "Accept", "text/html").Want(http.StatusOK).Body)
	if !strings.Contains(page, "308 rows would be refused") || !strings.Contains(page, path+"/refused") || strings.Count(page, "<td class=\"num\">") < 50 || !strings.Contains(page, "More rows") {
		t.Errorf("the page: %.3000s", page)
	}
	kingston, mona := s.School("jamaica", "Kingston"), s.School("jamaica", "Mona")
	for what, c := range map[string]struct {
		u      apitest.User
		status int
	}{
		"a teacher":            {s.UserWith("jamaica", []string{"teacher"}, apitest.At(kingston)), http.StatusForbidden},
		"a school, of another": {s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(mona)), http.StatusNotFound},
		"a foreign tenant":     {s.User("bahamas", "tenant_administrator"), http.StatusNotFound},
	} {
		for _, at := range []string{path, path + "/refused", path + "/cards"} {
			if r := s.Send(c.u, "GET", s.URL(c.u.Slug)+at, nil, "Accept", "text/html"); r.Status != c.status {
				t.Errorf("%s: %s answers %d", what, at, r.Status)
			}
		}
	}
}
