package load

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"lignum/infra/autoscale/simulate"
	"lignum/policy"
)

// What the reference reports of its record day.
const (
	RecordUsers      = 20_000
	RecordRequests   = 1_052_165 // database requests
	RecordAttendance = 12_000    // learners who worked
)

// Action is one kind of request of the record day, with what the policy is asked on the way.
type Action struct {
	Name  string
	Asked []Question
}

// Question is one decision: a permission, and the facts that go with it.
type Question struct {
	Permission policy.Permission
	Facts      policy.Facts
}

var (
	own      = policy.Facts{Owner: true}
	enrolled = policy.Facts{Enrolled: true}
	listing  = policy.Facts{Listing: true}
	sitting  = policy.Facts{Owner: true, AttemptOpen: true, WithinDeadline: true, WithinGrace: true}
)

// The actions, in the words of the pages and routes they stand for.
var (
	seeHome        = &Action{"home", []Question{{policy.ProfileRead, own}, {policy.ClassRead, listing}, {policy.ProgressRead, own}, {policy.PointsRead, own}, {policy.AttemptRead, own}}}
	seeClass       = &Action{"class", []Question{{policy.ClassRead, policy.Facts{Enrolled: true, ClassOpen: true}}}}
	readLesson     = &Action{"lesson", []Question{{policy.LessonRead, enrolled}, {policy.ProgressRecord, policy.Facts{Owner: true, Enrolled: true}}}}
	report         = &Action{"progress", []Question{{policy.ProgressRecord, policy.Facts{Owner: true, Enrolled: true}}}}
	seeTest        = &Action{"test", []Question{{policy.TestRead, enrolled}}}
	start          = &Action{StartKind, []Question{{policy.AttemptStart, policy.Facts{Owner: true, Enrolled: true, WindowOpen: true, AttemptsLeft: 1000}}}}
	readPaper      = &Action{PaperKind, []Question{{policy.AttemptRead, own}}}
	save           = &Action{SaveKind, []Question{{policy.AttemptAnswer, sitting}}}
	submit         = &Action{SubmitKind, []Question{{policy.AttemptSubmit, sitting}}}
	seeResult      = &Action{"result", []Question{{policy.AttemptRead, own}}}
	seePoints      = &Action{"points", []Question{{policy.PointsRead, own}}}
	seeLeaderboard = &Action{"leaderboard", []Question{{policy.ClassRead, listing}, {policy.LeaderboardRead, listing}}}
	seeResources   = &Action{"resources", []Question{{policy.ResourceRead, listing}}}
	manageClasses  = &Action{"classes to manage", []Question{{policy.LearnerRead, listing}}}
	manageClass    = &Action{"class to manage", []Question{{policy.LearnerRead, policy.Facts{Teaches: true, CoachOf: true, SameSchool: true}}}}
	seeLearners    = &Action{"learners", []Question{{policy.LearnerProgress, listing}}}
	seeFigures     = &Action{"figures", []Question{{policy.InsightRead, listing}}}
)

// Step is one request of a day.
type Step struct {
	At  time.Duration // of the day, on the tenant's clock
	Who int32         // the n-th learner; of staff -1 is the first, -2 the second
	N   int16         // which lesson, which part of the paper
	Of  int16         // how many there are
	Do  *Action
}

// Plan is the requests of one day in their order: of so many learners and of staff, at the hours at which people come (infra/autoscale/simulate has the curve,
// which is low from nine to four, as the reference says). Half of the users sit the mock exam of the evening, and save their answers three
// at a time; three fifths attend, which is to say that they work through lessons; all look at what is theirs. The same seed gives the
// same day.
func Plan(learners int, staff []Person, seed uint64) []Step {
	a := simulate.Default()
	d := &day{rnd: rand.New(rand.NewPCG(seed, 1)), hours: a.Hours}
	attending := float64(RecordAttendance) / RecordUsers
	for i := range learners {
		d.who = int32(i)
		sits, comes := d.rnd.Float64() < a.RecordExamShare, d.hour()
		for sits && comes > 17*time.Hour && comes < 21*time.Hour { // nobody is in two places
			comes = d.hour()
		}
		d.visit(comes, d.rnd.Float64() < attending)
		if sits {
			d.exam(18*time.Hour + time.Duration(d.minuteOf(a.StartShares[:])*float64(time.Minute)))
		}
	}
	for i, p := range staff {
		d.who = int32(-1 - i)
		d.work(d.hour(), p)
	}
	slices.SortStableFunc(d.steps, func(a, b Step) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Who, b.Who)) })
	return d.steps
}

type day struct {
	rnd   *rand.Rand
	hours [24]float64
	who   int32
	at    time.Duration
	steps []Step
}

// hour draws the time at which somebody comes.
func (d *day) hour() time.Duration {
	return time.Duration(d.minuteOf(d.hours[:]) * float64(time.Hour))
}

// minuteOf draws a place on a scale by the weight of its parts.
func (d *day) minuteOf(weights []float64) float64 {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	at := d.rnd.Float64() * sum
	for i, w := range weights {
		if at < w {
			return float64(i) + at/w
		}
		at -= w
	}
	return float64(len(weights)) - 0.001
}

// do adds a step after a pause of half to one and a half times the seconds given.
func (d *day) do(what *Action, seconds float64, n, of int) {
	d.at += time.Duration(seconds * (0.5 + d.rnd.Float64()) * float64(time.Second))
	d.steps = append(d.steps, Step{At: d.at, Who: d.who, N: int16(n), Of: int16(of), Do: what})
}

// visit is a learner's: a look around, and for those who work a lesson or two, and now and then a check.
func (d *day) visit(from time.Duration, works bool) {
	d.at = from
	d.do(seeHome, 0, 0, 0)
	d.do(seeClass, 20, 0, 0)
	if works {
		first, reports := d.rnd.IntN(1000), 4
		for lesson := range 1 + d.rnd.IntN(2) {
			d.do(readLesson, 20, first+lesson, 0)
			for n := range reports {
				d.do(report, 75, first+lesson, 25*(n+1))
			}
			d.do(seeClass, 10, 0, 0)
		}
		if d.rnd.IntN(4) == 0 {
			d.sit(1+d.rnd.IntN(5), 3, 60)
		}
	} else {
		d.do(readLesson, 30, d.rnd.IntN(1000), 0)
	}
	if d.rnd.IntN(3) == 0 {
		d.do(seePoints, 15, 0, 0)
	}
	if d.rnd.IntN(3) == 0 {
		d.do(seeLeaderboard, 15, 0, 0)
	}
	if d.rnd.IntN(5) == 0 {
		d.do(seeResources, 20, 0, 0)
	}
}

// exam is the mock exam: sixty items, saved three at a time over some eighty minutes.
func (d *day) exam(from time.Duration) {
	d.at = from
	d.do(seeHome, 0, 0, 0)
	d.sit(0, 20, 240)
}

// sit takes the n-th test of the course, 0 being the exam, with so many saves, each after a pause of so many seconds.
func (d *day) sit(n, saves int, pause float64) {
	d.do(seeTest, 15, n, 0)
	d.do(start, 20, n, 0)
	d.do(readPaper, 1, n, 0)
	for part := range saves {
		d.do(save, pause, part, saves)
	}
	d.do(submit, pause/2, n, 0)
	d.do(seeResult, 2, n, 0)
}

// work is a look at what is going on: teachers at their classes and learners, coaches at theirs, others at the figures.
func (d *day) work(from time.Duration, p Person) {
	d.at = from
	d.do(seeHome, 0, 0, 0)
	switch {
	case slices.Contains(p.Roles, "teacher"):
	case slices.Contains(p.Roles, "coach"):
		d.do(seeLearners, 60, 0, 0)
		return
	default:
		d.do(seeFigures, 60, 0, 0)
		return
	}
	d.do(manageClasses, 20, 0, 0)
	d.do(manageClass, 20, 0, 0)
	d.do(seeLearners, 60, 0, 0)
	d.do(manageClass, 60, 0, 0)
}
