package domain_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"lignum/domain"
)

func TestACursorComesBackAsItWent(t *testing.T) {
	for _, parts := range [][]string{{""}, {"Brown", "Akeem", "0190"}, {"é\"\\\n", "<&>"}} {
		got, err := domain.ReadCursor(domain.Cursor(parts...), len(parts))
		if err != nil || !slices.Equal(got, parts) {
			t.Errorf("%q came back as %q, %v", parts, got, err)
		}
	}
	raw := base64.RawURLEncoding.EncodeToString
	for what, text := range map[string]string{
		"nothing": "", "no base64": "!", "padded": base64.URLEncoding.EncodeToString([]byte(`["ab","c"]`)), "no list": raw([]byte(`{}`)), "numbers": raw([]byte(`[1,2]`)),
		"one too few": domain.Cursor("a"), "one too many": domain.Cursor("a", "b", "c"), "NUL": raw([]byte(`["a\u0000","b"]`)), "too long": domain.Cursor(strings.Repeat("a", 3000), "b"),
	} {
		if got, err := domain.ReadCursor(text, 2); domain.CodeOf(err) != domain.Invalid || got != nil {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

func TestAPageGoesOnAfterTheOneBefore(t *testing.T) {
	id := "0190a1b2-0000-7000-8000-000000000001"
	key := func(name string) []string { return []string{name, id} }
	rows := []string{"a", "b", "c", "d", "e"}
	var seen []string
	for page := (domain.Page{Limit: 2}); ; {
		limit, after, err := page.Read(1, 1)
		_, least, err2 := page.Start(1, 1)
		if err != nil || err2 != nil || limit != 2 || (page.After == "") != (after == nil) || after != nil && !slices.Equal(after, least) {
			t.Fatalf("%+v is read as %d, %q, %q, %v, %v", page, limit, after, least, err, err2)
		}
		from := 0
		if after != nil {
			from = slices.Index(rows, after[0]) + 1
		}
		list := domain.Cut(rows[from:min(from+limit+1, len(rows))], limit, key)
		seen = append(seen, list.Items...)
		if page.After = list.Next; page.After == "" {
			break
		}
	}
	if !slices.Equal(seen, rows) {
		t.Errorf("page after page shows %q", seen)
	}
	if list := domain.Cut(nil, 2, key); list.Items == nil || list.Next != "" {
		t.Errorf("of no rows comes %#v", list)
	}
	limit, least, err := domain.Page{}.Start(2, 1)
	if err != nil || limit != domain.Rows || !slices.Equal(least, []string{"", "", "00000000-0000-0000-0000-000000000000"}) {
		t.Errorf("who asks for nothing gets %d after %q, %v", limit, least, err)
	}
	for _, page := range []domain.Page{{Limit: 201}, {Limit: -1}, {After: "x"}, {After: domain.Cursor("a")}, {After: domain.Cursor("a", "b")}, {After: domain.Cursor("a", "{"+id[:34]+"}")}} {
		limit, after, err := page.Read(1, 1)
		if domain.CodeOf(err) != domain.Invalid || limit != 0 || after != nil {
			t.Errorf("%+v is read as %d, %q, %v", page, limit, after, err)
		}
	}
}

func TestProblemsOfAText(t *testing.T) {
	for _, c := range []struct {
		v           string
		least, most int
		reason      string
	}{
		{"Ann", 1, 3, ""}, {"", 0, 3, ""}, {"née", 1, 3, ""},
		{"", 1, 3, "is missing; it must have 1 to 3 characters"}, {"Anna", 1, 3, "must have 1 to 3 characters, has 4"}, {"A", 2, 3, "must have 2 to 3 characters, has 1"},
		{"A\n", 1, 3, "must not hold control characters"}, {"A\x7f", 1, 3, "must not hold control characters"}, {"A\xff", 1, 3, "is not valid UTF-8 text"},
	} {
		var p domain.Problems
		p.Text("name", c.v, c.least, c.most)
		switch {
		case c.reason == "" && len(p) > 0, c.reason != "" && (len(p) != 1 || p[0].Name != "name" || p[0].Reason.String() != c.reason):
			t.Errorf("%q of %d to %d: %+v, want %q", c.v, c.least, c.most, p, c.reason)
		}
	}
}
