package calendar_test

import (
	"errors"
	"testing"
	"time"

	"lignum/domain"
	"lignum/domain/calendar"
)

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func window(opens, closes time.Time) calendar.Window {
	return calendar.Window{OpensAt: &opens, ClosesAt: &closes}
}

func TestWindowsThatAreRefused(t *testing.T) {
	opens, closes := now.Add(time.Hour), now.Add(2*time.Hour)
	for what, c := range map[string]struct {
		w      calendar.Window
		fields []string
	}{
		"both":                      {window(opens, closes), nil},
		"neither":                   {calendar.Window{}, nil},
		"open already":              {window(now.Add(-48*time.Hour), closes), nil},
		"exactly 60 days":           {window(opens, opens.Add(calendar.LongestWindow)), nil},
		"a second more":             {window(opens, opens.Add(calendar.LongestWindow+time.Second)), []string{"closes_at"}},
		"only opens":                {calendar.Window{OpensAt: &opens}, []string{"closes_at"}},
		"only closes":               {calendar.Window{ClosesAt: &closes}, []string{"opens_at"}},
		"closes as it opens":        {window(opens, opens), []string{"closes_at"}},
		"closes before":             {window(closes, opens), []string{"closes_at"}},
		"over":                      {window(now.Add(-time.Hour), now), []string{"closes_at"}},
		"over, and without opening": {calendar.Window{ClosesAt: &now}, []string{"opens_at", "closes_at"}},
	} {
		var names []string
		var d *domain.Error
		if err := c.w.Validate(now); errors.As(err, &d) {
			for _, f := range d.Fields {
				names = append(names, f.Name)
			}
		}
		if len(names) != len(c.fields) {
			t.Errorf("%s: %q is wrong, want %q", what, names, c.fields)
			continue
		}
		for i := range names {
			if names[i] != c.fields[i] {
				t.Errorf("%s: %q is wrong, want %q", what, names, c.fields)
			}
		}
	}
}

func TestWhenAWindowIsOpen(t *testing.T) {
	opens, closes := now, now.Add(time.Hour)
	for at, want := range map[time.Duration]string{-1: "not yet", 0: "open", time.Hour - 1: "open", time.Hour: "over", 48 * time.Hour: "over"} {
		for _, c := range []struct {
			w          calendar.Window
			begin, end bool
		}{{window(opens, closes), true, true}, {calendar.Window{OpensAt: &opens}, true, false}, {calendar.Window{ClosesAt: &closes}, false, true}, {calendar.Window{}, false, false}} {
			if got := c.w.NotYet(now.Add(at)); got != (c.begin && want == "not yet") {
				t.Errorf("%+v opens later than after %v: %v", c.w, at, got)
			}
			if got := c.w.Over(now.Add(at)); got != (c.end && want == "over") {
				t.Errorf("%+v is over after %v: %v", c.w, at, got)
			}
		}
	}
}
