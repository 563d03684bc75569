package portal_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lignum/tests/apitest"
)

var toField = regexp.MustCompile(`href="#(f-[^"]*)"`)

// leadNowhere gives the links to fields of a page that has no such field.
func leadNowhere(page string) (wrong []string) {
	for _, m := range toField.FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, `id="`+m[1]+`"`) {
			wrong = append(wrong, m[1])
		}
	}
	return wrong
}

// Whoever asks for a file in a way that makes no sense sees the page again, with what was wrong; whoever may not is refused; and nothing is queued.
func TestAFileIsAskedForOnThePageThatShowsIt(t *testing.T) {
	w := newDemoTown(t)
	admin, official, coach, manager := w.who("jamaica", "admin1"), w.who("jamaica", "official1"), w.who("jamaica", "coach1"), w.who("", "manager1")
	send := func(u apitest.User, path, format string, more ...string) *apitest.Response {
		body := url.Values{"format": {format}}
		for i := 0; i < len(more); i += 2 {
			body.Set(more[i], more[i+1])
		}
		return w.Send(u, http.MethodPost, w.URL(u.Slug)+path, body.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
	}
	for _, c := range []struct {
		who          apitest.User
		path, format string
		more         []string
		says         string
	}{
		{admin, "/audit/export", "xlsx", nil, "must be csv or jsonl"},
		{admin, "/audit/export", "", nil, "must be csv or jsonl"},
		{admin, "/audit/export?from=x", "csv", nil, "must be a date"},
		{admin, "/audit/export?actor=nobody", "csv", nil, "user name"},
		{admin, "/people/export", "jsonl", nil, "must be csv or xlsx"},
		{admin, "/people/export?q=" + strings.Repeat("x", 300), "csv", nil, "at most 100"},
		{admin, "/people/export?state=bogus", "csv", nil, "must be one of"},
		{official, "/figures/export?from=x", "csv", nil, "must be a date"},
		{official, "/figures/export?first=2020-01", "csv", nil, "must be"},
		{official, "/figures/export", "exe", nil, "must be csv or xlsx"},
		{manager, "/console/export", "csv", []string{"from", "x"}, "must be a date"},
		{manager, "/console/export", "csv", []string{"from", "2020-01-01", "to", "2026-01-01"}, "at most 366 days"},
		{manager, "/console/audit/export", "zip", nil, "must be csv or jsonl"},
	} {
		res := send(c.who, c.path, c.format, c.more...)
		if body := string(res.Body); res.Status != http.StatusUnprocessableEntity || !strings.Contains(body, c.says) {
			t.Errorf("%s %q: %d, which does not say %q: %.3000s", c.path[:min(len(c.path), 60)], c.format, res.Status, c.says, said(res.Body))
		} else if wrong := leadNowhere(body); len(wrong) > 0 {
			t.Errorf("%s %q: %v lead to no field", c.path[:min(len(c.path), 60)], c.format, wrong)
		}
	}
	send(coach, "/people/export", "csv").Want(http.StatusForbidden)
	send(coach, "/audit/export", "csv").Want(http.StatusForbidden)
	send(official, "/people/export", "csv").Want(http.StatusForbidden)
	for _, slug := range []string{"jamaica", ""} {
		if n := w.Number(slug, "SELECT count(*) FROM exports"); n != 0 {
			t.Errorf("%d files were asked for in %q", n, slug)
		}
	}
	if to := send(admin, "/people/export?role=student", "xlsx").Want(http.StatusSeeOther).Header.Get("Location"); to != "/exports" {
		t.Errorf("it leads to %s", to)
	}
	if asked := w.Text("jamaica", "SELECT asked::text FROM exports"); !strings.Contains(asked, `"role": "student"`) {
		t.Errorf("%s was asked for", asked)
	}
}
