package learner

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	attemptsapi "lignum/api/attempts"
	classesapi "lignum/api/classes"
	noticesapi "lignum/api/notices"
	peopleapi "lignum/api/people"
	pointsapi "lignum/api/points"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/notices"
	"lignum/domain/points"
	"lignum/policy"
)

func homePages(s *api.Server) {
	api.Page(s, api.Route{Path: "/home", Permission: policy.ClassRead, Parts: []policy.Permission{policy.AttemptRead, policy.PointsRead, policy.ProfileRead, policy.ProgressRead, policy.ResetRead}, Summary: "Where one's day begins"}, showHome)
}

// learns tells learners from staff: an administrator's role holds everything, and yet an administrator is no learner.
func learns(c *api.Call) bool { return c.May(policy.ClassRegister) && !c.May(policy.LearnerRead) }

// homeCourse is a course of the learner with how far they are in it, and the classes in which they take it.
type homeCourse struct {
	Title    string // of the course, or of the class where that has none
	Classes  []classes.Class
	Progress *classes.CourseProgress // nil: the class has no course
}

// Alone reports whether the course is taken in one class, which then stands for it.
func (h homeCourse) Alone() bool { return len(h.Classes) == 1 }

// meeting is a time at which a class of the learner meets.
type meeting struct {
	At    time.Time
	Class *classes.Class
}

type homeData struct {
	Learner  bool
	Resets   []identity.ResetRequest // requests for new sign-in cards that wait for the viewer
	Told     []notices.Notice
	Courses  []homeCourse // the one worked on last first
	Meetings []meeting
	Attempts []assessment.Summary // under way
	Points   *points.Own          // nil: not to be seen
}

// shown bounds what is on the page.
const (
	shownClasses  = 30
	shownMeetings = 5
	shownAttempts = 20 // of the last, those that are under way
)

func showHome(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := homeData{Learner: learns(c)}
	var read api.Reading
	if part, err := c.Under(policy.ProfileRead); err == nil {
		if err := noticesapi.QueueMine(part, &read, &d.Told); err != nil {
			return err
		}
	}
	if !d.Learner {
		if err := c.Permit(policy.Facts{Listing: true}); err != nil {
			return err
		}
		if err := read.Run(ctx, c); err != nil {
			return err
		}
		var err error
		if d.Resets, err = peopleapi.WaitingResets(ctx, c); err != nil {
			return err
		}
		return pages.Render(c, fc, "home", web.Page{Title: c.Say("learner.home"), Data: d})
	}
	var mine []classes.Class
	if err := classesapi.QueueMine(c, &read, shownClasses, &mine); err != nil {
		return err
	}
	// A tenant may take each of these away from its learners; the page then does without.
	var progress []classes.CourseProgress
	if part, err := c.Under(policy.ProgressRead); err == nil {
		if err := classesapi.QueueProgress(part, &read, &progress); err != nil {
			return err
		}
	}
	if part, err := c.Under(policy.PointsRead); err == nil {
		d.Points = &points.Own{}
		if err := pointsapi.QueueMine(part, &read, d.Points); err != nil {
			return err
		}
	}
	var attempts []assessment.Summary
	if part, err := c.Under(policy.AttemptRead); err == nil {
		if err := attemptsapi.QueueMine(part, &read, shownAttempts, &attempts); err != nil {
			return err
		}
	}
	if err := read.Run(ctx, c); err != nil {
		return err
	}
	for _, a := range attempts {
		if a.State == assessment.Open && a.Deadline.After(c.Now) {
			d.Attempts = append(d.Attempts, a)
		}
	}
	d.Courses, d.Meetings = arrange(mine, progress, c.Now, c.Tenant.Location())
	return pages.Render(c, fc, "home", web.Page{Title: c.Say("learner.home"), Data: d})
}

// arrange puts the classes of each course together, in the order in which the courses were worked on, and the next meetings of
// the classes in the order of time.
func arrange(mine []classes.Class, progress []classes.CourseProgress, now time.Time, zone *time.Location) (list []homeCourse, meetings []meeting) {
	order, known := map[string]int{}, map[string]int{}
	for i, p := range progress {
		order[p.Course] = i
	}
	for i := range mine {
		at, seen := known[mine[i].Course]
		if !seen || mine[i].Course == "" {
			at = len(list)
			known[mine[i].Course] = at
			list = append(list, homeCourse{Title: cmp.Or(mine[i].CourseTitle, mine[i].Title)})
			if p, ok := order[mine[i].Course]; ok {
				list[at].Progress = &progress[p]
			}
		}
		list[at].Classes = append(list[at].Classes, mine[i])
		if next := mine[i].Weekly.Next(mine[i].StartsOn, mine[i].EndsOn, now, zone); next != nil {
			meetings = append(meetings, meeting{next.StartsAt, &mine[i]})
		}
	}
	rank := func(one homeCourse) int {
		if at, ok := order[one.Classes[0].Course]; ok {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(list, func(a, b homeCourse) int { return rank(a) - rank(b) })
	slices.SortStableFunc(meetings, func(a, b meeting) int { return a.At.Compare(b.At) })
	return list, meetings[:min(len(meetings), shownMeetings)]
}
