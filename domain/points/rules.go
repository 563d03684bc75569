// Package points keeps what learners earn by working, and the standings that follow. An entry is written once for one
// thing, however often the thing is reported; a total changes with its entries in the same statement, never apart.
package points

import (
	"regexp"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/words"
)

// Rule is one way to earn points.
type Rule struct {
	Name  string     `json:"name"`
	Title words.Text `json:"title"` // short, for learners
	Most  int        `json:"most"`  // points that one lesson or test can earn by it, ever
}

// The names of the rules, as entries have them.
const (
	LessonCompleted = "lesson.completed"
	TestSubmitted   = "test.submitted"
	TestScore       = "test.score"
	TestPassed      = "test.passed"
)

// Rules is the whole table. Doing the same lesson or test again earns only what is better than before, so that
// repeating an easy test is practice and not a harvest.
var Rules = []Rule{
	{LessonCompleted, words.Say("points.finish_a_lesson"), 10},
	{TestSubmitted, words.Say("points.hand_in_a_test"), 5},
	{TestScore, words.Say("points.do_better"), 100},
	{TestPassed, words.Say("points.pass_a_test"), 25},
}

// Earning is points for one thing. The same learner, rule and ref earn once.
type Earning struct {
	Rule   string
	Ref    string
	Points int
}

// ForLesson is what completing a lesson earns.
func ForLesson(lessonID uuid.UUID) Earning {
	return Earning{LessonCompleted, lessonID.String(), 10}
}

// ForTest is what a marked attempt at a test earns; percent is 0 to 100. Earnings that an earlier attempt already had
// are among them: storing ignores those.
func ForTest(testID uuid.UUID, percent int, passed bool) []Earning {
	ref := testID.String()
	list := []Earning{{TestSubmitted, ref, 5}}
	for step := 10; step <= min(percent, 100); step += 10 {
		list = append(list, Earning{TestScore, ref + "/" + strconv.Itoa(step), 10})
	}
	if passed {
		list = append(list, Earning{TestPassed, ref, 25})
	}
	return list
}

// AllTime is the period that never ends; the others are months such as "2026-11".
const AllTime = "all"

// Month names the month of a tenant's date, as tenants.Tenant.Today gives it.
func Month(today time.Time) string { return today.Format("2006-01") }

var monthPattern = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])$`)

// CheckPeriod refuses what is neither AllTime nor a month.
func CheckPeriod(period string) error {
	if period == AllTime || monthPattern.MatchString(period) {
		return nil
	}
	return domain.InvalidField("period", "points.must_be_all_or_a")
}
