package attempts_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api/attempts"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tests/apitest"
)

func TestATestGetsAWindow(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	test := w.Paper(0)
	window, start := apitest.Path("/tests/%s/window", test), apitest.Path("/tests/%s/attempts", test)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	now := time.Now().UTC().Truncate(time.Second)
	body := func(opens, closes any) map[string]any { return map[string]any{"opens_at": opens, "closes_at": closes} }
	put := func(u apitest.User, body any) *apitest.Response {
		t.Helper()
		return w.Do(u, http.MethodPut, window, body)
	}

	running := apitest.As[attempts.OpenAttempt](w.Post(w.Student, start, nil).Want(http.StatusCreated))
	opens, closes := now.Add(2*time.Hour), now.Add(5*time.Hour)
	stored := apitest.As[calendar.Window](put(w.Admin, body(opens.In(time.FixedZone("", -5*3600)), closes)))
	if !stored.OpensAt.Equal(opens) || !stored.ClosesAt.Equal(closes) {
		t.Errorf("stored %+v", stored)
	}
	a := apitest.As[assessment.Announcement](w.Get(w.Student, apitest.Path("/tests/%s", test)))
	if a.OpensAt == nil || !a.OpensAt.Equal(opens) || !a.ClosesAt.Equal(closes) {
		t.Errorf("announced %+v", a)
	}
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	w.Post(other, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	if p := w.Post(other, start, nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:window_closed" {
		t.Errorf("before it opens: %+v", p)
	}
	again := apitest.As[attempts.OpenAttempt](w.Post(w.Student, start, nil))
	if again.Paper.ID != running.Paper.ID || !again.Paper.Deadline.Equal(running.Paper.Deadline) {
		t.Errorf("the attempt under way became %+v", again.Paper)
	}
	expects(w, t, test, opens, closes)

	apitest.As[calendar.Window](put(w.Admin, body(nil, nil)))
	w.Post(other, start, nil).Want(http.StatusCreated)
	if n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'calendar.change' AND outcome = 'done'
		AND object_id = $1::text AND actor_id = $2::uuid AND (before->>'closes_at' IS NULL) <> (after->>'closes_at' IS NULL)`,
		test.String(), w.Admin.ID.String()); n != 2 {
		t.Errorf("%d entries in the trail", n)
	}
}

// expects fails when the platform does not hear of the exam from a forecast that is made now.
func expects(w *apitest.School, t *testing.T, test uuid.UUID, opens, closes time.Time) {
	t.Helper()
	zone := w.Tenant("jamaica").Location()
	var loads []insight.Load
	err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
		loads, err = insight.Forecast(t.Context(), r, time.Now(), zone)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := insight.PublishForecast(t.Context(), w.DB("jamaica"), w.Actor, loads); err != nil {
		t.Fatal(err)
	}
	var from, until time.Time
	var learners int
	err = w.Direct(t).QueryRow(t.Context(), `SELECT starts_at, ends_at, learners FROM control.capacity_forecast
		WHERE slug = 'jamaica' AND kind = 'exam' AND id = $1::uuid`, test.String()).Scan(&from, &until, &learners)
	if err != nil || !from.Equal(opens) || !until.Equal(closes) || learners != 2 {
		t.Errorf("the forecast has %v to %v with %d learners, %v", from, until, learners, err)
	}
}

func TestWindowsAreRefused(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	test := w.Paper(0)
	window := apitest.Path("/tests/%s/window", test)
	at := func(hours int) string {
		return time.Now().UTC().Add(time.Duration(hours) * time.Hour).Format(time.RFC3339)
	}
	for what, c := range map[string]struct {
		body   map[string]any
		fields []string
	}{
		"one missing":   {map[string]any{"opens_at": at(1)}, []string{"body"}},
		"no time":       {map[string]any{"opens_at": "tomorrow", "closes_at": at(2)}, []string{"body.opens_at"}},
		"no zone":       {map[string]any{"opens_at": "2031-01-01T09:00:00", "closes_at": at(2)}, []string{"body.opens_at"}},
		"only opens":    {map[string]any{"opens_at": at(1), "closes_at": nil}, []string{"closes_at"}},
		"over":          {map[string]any{"opens_at": at(-3), "closes_at": at(-1)}, []string{"closes_at"}},
		"back to front": {map[string]any{"opens_at": at(3), "closes_at": at(1)}, []string{"closes_at"}},
		"too long":      {map[string]any{"opens_at": at(1), "closes_at": at(2 + 60*24)}, []string{"closes_at"}},
	} {
		p := w.Do(w.Admin, http.MethodPut, window, c.body).Want(http.StatusUnprocessableEntity).Problem()
		names := []string{}
		for _, f := range p.Errors {
			names = append(names, f.Name)
		}
		if names = slices.Compact(names); !slices.Equal(names, c.fields) {
			t.Errorf("%s: names %q, want %q", what, names, c.fields)
		}
	}
	good := map[string]any{"opens_at": at(1), "closes_at": at(2)}
	for _, u := range []apitest.User{w.Student, w.Coach, w.Principal, w.User("jamaica", "teacher")} {
		if p := w.Do(u, http.MethodPut, window, good).Want(http.StatusForbidden).Problem(); p.Permission != "calendar.change" {
			t.Errorf("%v: %+v", u.Roles, p)
		}
	}
	w.Do(w.User("bahamas", "tenant_administrator"), http.MethodPut, window, good).Want(http.StatusNotFound)
	w.Do(w.Admin, http.MethodPut, apitest.Path("/tests/%s/window", w.Course), good).Want(http.StatusNotFound)
	if n := w.Number("jamaica", `SELECT count(*) FROM tests WHERE opens_at IS NOT NULL OR closes_at IS NOT NULL`); n != 0 {
		t.Error("a refused window was stored")
	}

	once := func() *apitest.Response {
		return w.Send(w.Admin, http.MethodPut, w.URL("jamaica")+window, good, "Idempotency-Key", "window-1").Want(http.StatusOK)
	}
	first, again := once(), once()
	replayed := again.Header.Get("Idempotency-Replayed") == "true"
	if string(first.Body) != string(again.Body) || !replayed || w.Trail("jamaica", "calendar.change", "done") != 1 {
		t.Errorf("sent twice: %s and %s", first.Body, again.Body)
	}
	readOnly := map[string]string{"state": "read_only", "reason": "The yearly move of the schools"}
	w.Post(w.User("", "account_manager"), apitest.Path("/platform/tenants/jamaica/suspension"), readOnly).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := w.Do(w.Admin, http.MethodPut, window, good).Want(http.StatusConflict).Problem(); p.Type != "urn:lignum:problem:read-only" {
		t.Errorf("read-only: %+v", p)
	}
}
