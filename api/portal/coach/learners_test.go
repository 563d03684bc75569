package coach

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"lignum/domain/coaching"
	"lignum/domain/words"
)

func TestReasonsInWords(t *testing.T) {
	test := &coaching.LastTest{AttemptID: uuid.New(), Title: "Paper 1", Percent: 31}
	maths := coaching.Place{Class: "Maths", Shortfall: 40, LastTest: test, Reasons: []string{coaching.ReasonPace, coaching.ReasonUnseen, coaching.ReasonScore}}
	l := coaching.Learner{LastActive: "2026-11-10", Reasons: maths.Reasons, Classes: []coaching.Place{maths}}
	check := func(l coaching.Learner, opens bool, want ...says) {
		t.Helper()
		got := reasonsInWords(words.English, l, "2026-11-22", map[uuid.UUID]bool{test.AttemptID: opens})
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	score := says{"31 % in the test “Paper 1”", "/attempts/" + test.AttemptID.String() + "/result"}
	check(l, true, says{Text: "not here for 12 days"}, says{Text: "40 % of the lesson time due is missing"}, score)
	score.Result = ""
	extra := maths
	extra.Class, extra.Shortfall = "Extra maths", 70
	l.Classes = append(l.Classes, extra)
	check(l, false, says{Text: "not here for 12 days"}, says{Text: "up to 70 % of the lesson time due is missing, in 2 classes"}, score)
	check(coaching.Learner{Reasons: []string{coaching.ReasonUnseen}}, true, says{Text: "has not begun"})
}
