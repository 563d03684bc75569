package calendar_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"

	calendarapi "lignum/api/calendar"
	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestTermsAreKept(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	body := func(title, startsOn, endsOn string) map[string]any {
		return map[string]any{"title": title, "starts_on": startsOn, "ends_on": endsOn}
	}
	add := func(title, startsOn, endsOn string) calendarapi.Term {
		t.Helper()
		return apitest.As[calendarapi.Term](w.Post(w.Admin, "/api/v1/terms", body(title, startsOn, endsOn)).Want(http.StatusCreated))
	}
	easter := add("Easter Term", "2027-01-04", "2027-03-26")
	christmas := add("Christmas Term", "2026-09-07", "2026-12-18")
	year := add("School year", "2026-09-07", "2027-07-02")
	if len(easter.Crosses)+len(christmas.Crosses)+len(year.Crosses) > 0 {
		t.Error("terms that lie within the school year are told as crossing it")
	}
	mistyped := add("Summer Term", "2027-03-12", "2027-07-02")
	if !slices.Equal(mistyped.Crosses, []string{"Easter Term"}) {
		t.Errorf("crosses %q", mistyped.Crosses)
	}
	at := apitest.Path("/terms/%s", mistyped.ID)
	right := body("Summer Term", "2027-04-12", "2027-07-02")
	right["version"] = mistyped.Version
	changed := apitest.As[calendarapi.Term](w.Do(w.Admin, http.MethodPut, at, right))
	if len(changed.Crosses) > 0 || changed.StartsOn != "2027-04-12" {
		t.Errorf("%+v", changed)
	}
	w.Do(w.Admin, http.MethodPut, at, right).Want(http.StatusConflict) // of an old version
	if is := apitest.As[calendarapi.Term](w.Get(w.Coach, at)); is.Version != changed.Version || is.Title != "Summer Term" {
		t.Errorf("%+v", is)
	}

	// Whoever is of the tenant sees them, in their order, page by page.
	var titles []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		list := apitest.As[struct {
			Items []calendar.Term
			Next  string
		}](w.Get(w.Student, "/api/v1/terms?limit=3&cursor="+cursor))
		for _, term := range list.Items {
			titles = append(titles, term.Title)
		}
		cursor = list.Next
	}
	if slices.Sort(titles[:2]); !slices.Equal(titles, []string{"Christmas Term", "School year", "Easter Term", "Summer Term"}) {
		t.Errorf("listed %q", titles)
	}
	if list := apitest.As[struct{ Items []calendar.Term }](w.Get(w.Principal, "/api/v1/terms?from=2027-03-27")); len(list.Items) != 2 {
		t.Errorf("that end later than Easter: %+v", list.Items)
	}
	if list := apitest.As[struct{ Items []calendar.Term }](w.Get(w.User("bahamas", "tenant_administrator"), "/api/v1/terms")); len(list.Items) != 0 {
		t.Errorf("in another country: %+v", list.Items)
	}

	// What a class belongs to stays.
	class := w.Fields(20)
	class.TermID = &christmas.ID
	w.Post(w.Admin, "/api/v1/classes", class).Want(http.StatusCreated)
	if p := w.Do(w.Admin, http.MethodDelete, apitest.Path("/terms/%s", christmas.ID), nil).Want(http.StatusConflict).Problem(); p.Detail != "Classes belong to this term, so it stays. A term can be removed when nothing belongs to it." {
		t.Errorf("%+v", p)
	}
	w.Do(w.Admin, http.MethodDelete, apitest.Path("/terms/%s", year.ID), nil).Want(http.StatusOK)
	w.Do(w.Admin, http.MethodDelete, apitest.Path("/terms/%s", year.ID), nil).Want(http.StatusNotFound)
	for action, want := range map[string]int{"term.create": 4, "term.change": 1, "term.remove": 1} {
		if n := w.Trail("jamaica", action, "done"); n != want {
			t.Errorf("%d entries of %s, want %d", n, action, want)
		}
	}
}

func TestTermsOverHTTPAreRefused(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	imported := calendar.Term{ID: audit.NewID(), SourceID: "t1", TermFields: calendar.TermFields{Title: "First Term", StartsOn: "2026-09-07", EndsOn: "2026-12-18"}}
	w.Write("jamaica", func(tx *tenants.Tx) error { return calendar.PutTerms(t.Context(), tx, []*calendar.Term{&imported}) })
	at := apitest.Path("/terms/%s", imported.ID)
	good := map[string]any{"title": "First Term", "starts_on": "2026-09-01", "ends_on": "2026-12-18"}
	for what, c := range map[string]struct {
		field string
		value any
		wrong string
	}{
		"no title":       {"title", "", "body.title"},
		"no date":        {"starts_on", "September", "body.starts_on"},
		"no such date":   {"ends_on", "2026-02-30", "body.ends_on"},
		"one day":        {"ends_on", "2026-09-01", "ends_on"},
		"too long":       {"ends_on", "2028-09-02", "ends_on"},
		"long ago":       {"starts_on", "1826-09-07", "starts_on"},
		"of the records": {"source_id", "t2", "body.source_id"},
	} {
		body := map[string]any{}
		for k, v := range good {
			body[k] = v
		}
		body[c.field] = c.value
		for _, res := range []*apitest.Response{w.Post(w.Admin, "/api/v1/terms", body), w.Do(w.Admin, http.MethodPut, at, body)} {
			if p := res.Want(http.StatusUnprocessableEntity).Problem(); !slices.ContainsFunc(p.Errors, func(f domain.Field) bool { return f.Name == c.wrong }) {
				t.Errorf("%s: %+v", what, p.Errors)
			}
		}
	}
	if p := w.Do(w.Admin, http.MethodPut, at, good).Want(http.StatusConflict).Problem(); p.Detail == "" || p.Type != "urn:lignum:problem:conflict" {
		t.Errorf("a change of the records' own: %+v", p)
	}
	for _, u := range []apitest.User{w.Student, w.Coach, w.Principal, w.User("jamaica", "teacher"), w.User("jamaica", "ministry_official")} {
		for _, res := range []*apitest.Response{w.Post(u, "/api/v1/terms", good), w.Do(u, http.MethodPut, at, good), w.Do(u, http.MethodDelete, at, nil)} {
			if p := res.Want(http.StatusForbidden).Problem(); p.Permission != "calendar.change" {
				t.Errorf("%v: %+v", u.Roles, p)
			}
		}
		w.Get(u, at).Want(http.StatusOK)
	}
	foreign := w.User("bahamas", "tenant_administrator")
	w.Get(foreign, at).Want(http.StatusNotFound)
	w.Do(foreign, http.MethodPut, at, good).Want(http.StatusNotFound)
	w.Do(foreign, http.MethodDelete, at, nil).Want(http.StatusNotFound)
	w.Get(w.Admin, apitest.Path("/terms/%s", uuid.New())).Want(http.StatusNotFound)
	w.Get(w.Admin, "/api/v1/terms?cursor=x").Want(http.StatusUnprocessableEntity)
	w.Get(w.Admin, "/api/v1/terms?from=soon").Want(http.StatusUnprocessableEntity)

	made := school.Terms(t, w.DB("jamaica"), school.Term{Title: "By hand", From: school.Date(t, "2027-09-06"), To: school.Date(t, "2027-12-17")})[0]
	readOnly := map[string]string{"state": "read_only", "reason": "The yearly move of the schools"}
	w.Post(w.User("", "account_manager"), apitest.Path("/platform/tenants/jamaica/suspension"), readOnly).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, res := range []*apitest.Response{w.Post(w.Admin, "/api/v1/terms", good), w.Do(w.Admin, http.MethodPut, apitest.Path("/terms/%s", made), good), w.Do(w.Admin, http.MethodDelete, apitest.Path("/terms/%s", made), nil)} {
		if p := res.Want(http.StatusConflict).Problem(); p.Type != "urn:lignum:problem:read-only" {
			t.Errorf("of a tenant that takes no changes: %+v", p)
		}
	}
	w.Get(w.Admin, apitest.Path("/terms/%s", made)).Want(http.StatusOK)
}
