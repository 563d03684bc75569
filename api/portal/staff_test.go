package portal

import (
	"testing"

	"lignum/domain/coaching"
)

func TestReasonsInWords(t *testing.T) {
	score := 31
	l := coaching.Learner{Shortfall: 40, LastActive: "2026-11-10", LastScore: &score, Reasons: []string{coaching.ReasonPace, coaching.ReasonUnseen, coaching.ReasonScore}}
	want := []string{"40 % of the lesson time due is missing", "not here for 12 days", "31 % in the last test"}
	got := reasonsInWords(l, "2026-11-22")
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("%q", got)
		}
	}
	if got := reasonsInWords(coaching.Learner{Reasons: []string{coaching.ReasonUnseen}}, "2026-11-22"); len(got) != 1 || got[0] != "has not begun" {
		t.Fatalf("%q", got)
	}
}
