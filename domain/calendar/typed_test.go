package calendar_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lignum/domain"
	"lignum/domain/calendar"
	_ "lignum/tests/tenth"
)

func TestWeeklyReadsWhatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		slots := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) calendar.Slot {
			return calendar.Slot{Weekday: rapid.IntRange(0, 6).Draw(t, "day"), Minutes: rapid.IntRange(5, 600).Draw(t, "minutes"),
				At: fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"))}
		}), 0, 14).Draw(t, "slots")
		got, err := calendar.ReadWeekly(calendar.Weekly(slots).Typed())
		if err != nil || !slices.Equal(got, slots) {
			t.Fatalf("%v: %v, %v", slots, got, err)
		}
	})
}

func TestWeeklyForgives(t *testing.T) {
	got, err := calendar.ReadWeekly("\r\n tuesday  9:00 45 min\r\nThurs 16:30 60\n\n")
	want := []calendar.Slot{{Weekday: 2, At: "09:00", Minutes: 45}, {Weekday: 4, At: "16:30", Minutes: 60}}
	if err != nil || !slices.Equal(got, want) {
		t.Fatal(got, err)
	}
	for _, bad := range []string{"16:00 60", "Tu 16:00 60", "Tuesdayish 16:00 60", "Tue 16:00 sixty", "Tue 16:00 60 or so", "Tue 16:00"} {
		if _, err := calendar.ReadWeekly(bad); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
