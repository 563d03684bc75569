package learner

import (
	"strings"
	"testing"

	"lignum/domain/assessment"
	"lignum/domain/words"
)

// A word of praise is for a result that earned it, and nobody is told that they passed who did not.
func TestVerdictsFitTheScore(t *testing.T) {
	for percent := range 101 {
		r := &assessment.Result{Final: true, Percent: percent, Passed: percent >= assessment.PassMark}
		text := strings.ToLower(verdict(words.English, r))
		if praised := strings.Contains(text, "well done") || strings.Contains(text, "excellent"); praised != (percent >= 70) {
			t.Errorf("%d %%: %s", percent, text)
		}
		if told := strings.Contains(text, "you passed"); told && !r.Passed || percent >= assessment.PassMark && percent < 70 && !told {
			t.Errorf("%d %%: %s", percent, text)
		}
		r.Final = false
		if text := verdict(words.English, r); !strings.Contains(text, "not final") {
			t.Errorf("unmarked: %s", text)
		}
	}
}
