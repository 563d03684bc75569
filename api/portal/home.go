package portal

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/policy"
)

func init() {
	tables = append(tables, home)
	web.AddLinks(web.Link{Path: "/home", Text: "Home", Permission: policy.ClassRead, Order: 10})
}

func home(s *api.Server) {
	api.Page(s, api.Route{Path: "/home", Permission: policy.ClassRead, Parts: []policy.Permission{policy.AttemptRead, policy.PointsRead, policy.ProfileRead, policy.ProgressRead, policy.ResetRead}, Summary: "Where one's day begins"}, showHome)
}

// learns tells learners from staff: an administrator's role holds everything, and yet an administrator is no learner.
func learns(c *api.Call) bool { return c.May(policy.ClassRegister) && !c.May(policy.LearnerRead) }

// homeClass is a class of the learner with how far they are in its course.
type homeClass struct {
	classes.Class
	Progress *classes.CourseProgress // nil: the class has no course
}

// meeting is a time at which a class of the learner meets.
type meeting struct {
	At    time.Time
	Class *classes.Class
}

type homeData struct {
	Learner  bool
	Resets   []people.ResetRequest // requests for new sign-in cards that wait for the viewer
	Told     []notices.Notice
	Classes  []homeClass // the one worked on last first
	Meetings []meeting
	Attempts []assessment.Summary // under way
	Points   *points.Own          // nil: not to be seen
}

// shown bounds the classes and meetings on the page.
const (
	shownClasses  = 30
	shownMeetings = 5
)

func showHome(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := homeData{Learner: learns(c)}
	if part, err := c.Under(policy.ProfileRead); err == nil {
		list, err := api.MyNotices(ctx, part)
		if err != nil {
			return err
		}
		d.Told = list.Items
	}
	if !d.Learner {
		if err := c.Permit(policy.Facts{Listing: true}); err != nil {
			return err
		}
		var err error
		if d.Resets, err = waitingResets(ctx, c); err != nil {
			return err
		}
		return pages.Render(c, fc, "home", web.Page{Title: "Home", Data: d})
	}
	mine, err := api.ListClasses(ctx, c, api.ClassFilter{Mine: true}, api.Paging{Limit: shownClasses})
	if err != nil {
		return err
	}
	// A tenant may take either away from its learners; the page then does without.
	progress := &api.List[classes.CourseProgress]{}
	if under, err := c.Under(policy.ProgressRead); err == nil {
		if progress, err = api.MyProgress(ctx, under); err != nil {
			return err
		}
	}
	if under, err := c.Under(policy.PointsRead); err == nil {
		if d.Points, err = api.MyPoints(ctx, under); err != nil {
			return err
		}
	}
	if under, err := c.Under(policy.AttemptRead); err == nil {
		attempts, err := api.MyAttempts(ctx, under, api.Paging{Limit: 20})
		if err != nil {
			return err
		}
		for _, a := range attempts.Items {
			if a.State == assessment.Open && a.Deadline.After(c.Now) {
				d.Attempts = append(d.Attempts, a)
			}
		}
	}
	d.Classes, d.Meetings = arrange(mine.Items, progress.Items, c.Now, c.Tenant.Location())
	return pages.Render(c, fc, "home", web.Page{Title: "Home", Data: d})
}

// arrange puts classes in the order in which their courses were worked on, and their next meetings in the order of time.
func arrange(mine []classes.Class, progress []classes.CourseProgress, now time.Time, zone *time.Location) (list []homeClass, meetings []meeting) {
	order := map[string]int{}
	for i, p := range progress {
		order[p.Course] = i
	}
	for i := range mine {
		one := homeClass{Class: mine[i]}
		if at, ok := order[mine[i].Course]; ok {
			one.Progress = &progress[at]
		}
		list = append(list, one)
		if next := classes.NextMeeting(mine[i].Weekly, mine[i].StartsOn, mine[i].EndsOn, now, zone); next != nil {
			meetings = append(meetings, meeting{next.StartsAt, &mine[i]})
		}
	}
	rank := func(one homeClass) int {
		if at, ok := order[one.Course]; ok {
			return at
		}
		return len(order)
	}
	slices.SortStableFunc(list, func(a, b homeClass) int { return rank(a) - rank(b) })
	slices.SortStableFunc(meetings, func(a, b meeting) int { return a.At.Compare(b.At) })
	return list, meetings[:min(len(meetings), shownMeetings)]
}
