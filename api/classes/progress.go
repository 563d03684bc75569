package classes

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
)

// ProgressReport is what a client says of a learner's work in a lesson.
type ProgressReport struct {
	Percent int   `json:"percent" minimum:"0" maximum:"100" doc:"How much of the lesson is done, in percent; 100 completes it"`
	Seconds int   `json:"seconds" minimum:"0" maximum:"1000000" doc:"Seconds spent in the lesson altogether, as far as the client knows"`
	Counter int64 `json:"counter" minimum:"0" maximum:"9007199254740992" doc:"A number of the client's that rises with each report"`
}

// ProgressRoutes declares how far learners are: what they report, and what they see of it.
func ProgressRoutes(s *api.Server) {
	api.Direct(s, api.Route{Method: http.MethodPut, Path: "/api/v1/lessons/{lesson}/progress", Permission: policy.ProgressRecord, Tag: "Progress", Body: 4 << 10,
		Summary: "Record progress through a lesson", Detail: "Reports may be repeated and may arrive in any order: the furthest counts, and completing a lesson earns its points once. The counter takes the place of an Idempotency-Key."},
		func(ctx context.Context, c *api.Call, in *struct {
			Lesson uuid.UUID `path:"lesson" format:"uuid" doc:"The lesson's id"`
			Body   ProgressReport
		}) (*classes.Progress, error) {
			return RecordProgress(ctx, c, in.Lesson, in.Body)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/progress", Permission: policy.ProgressRead, Tag: "Progress", Summary: "Show your progress in each course of your classes"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[classes.CourseProgress], error) {
			return MyProgress(ctx, c)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/attendance", Permission: policy.AttendanceRead, Tag: "Progress", Summary: "List the days of the last year on which you worked, newest first"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[string], error) { return MyDays(ctx, c) })
}

// RecordProgress stores a report in one round trip. The policy is asked about what is claimed; the statement itself finds
// out whether the learner has a place in a class with the lesson, and writes nothing when not.
func RecordProgress(ctx context.Context, c *api.Call, lesson uuid.UUID, in ProgressReport) (*classes.Progress, error) {
	if err := c.Permit(policy.Facts{Owner: true, Enrolled: true}); err != nil {
		return nil, err
	}
	attended := c.Attended()
	p, err := classes.RecordProgress(ctx, c.DB, c.Actor, classes.ProgressInput{LearnerID: c.Claims.UserID, LessonID: lesson,
		Percent: in.Percent, Seconds: in.Seconds, Counter: in.Counter, Now: c.Now, Today: c.Day(), Attended: attended})
	if err == nil && p.Changed && !attended {
		c.NoteAttended()
	}
	return &p, err
}

// QueueMine adds the active classes in which the signed-in person has a place, by title, at most most of them.
func QueueMine(c *api.Call, r *api.Reading, most int, list *[]classes.Class) error {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return err
	}
	classes.QueueOwn(&r.Batch, c.Claims.UserID, most, list)
	r.Then(func() {
		for i := range *list {
			(*list)[i].Withhold(d.MinCell)
		}
	})
	return nil
}

// QueueProgress adds how far the signed-in learner is in each course of their classes.
func QueueProgress(c *api.Call, r *api.Reading, list *[]classes.CourseProgress) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	classes.QueueProgressOf(&r.Batch, c.Claims.UserID, list)
	return nil
}

// MyProgress gives how far the signed-in learner is in each course of their classes.
func MyProgress(ctx context.Context, c *api.Call) (*api.List[classes.CourseProgress], error) {
	var r api.Reading
	var items []classes.CourseProgress
	err := QueueProgress(c, &r, &items)
	if err == nil {
		err = r.Run(ctx, c)
	}
	return api.ListOf(items, "", err)
}

// MyDays returns the days of the last year on which the signed-in learner worked.
func MyDays(ctx context.Context, c *api.Call) (*api.List[string], error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	var days []string
	err := c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		days, err = classes.DaysOf(ctx, r, c.Claims.UserID, c.Day().AddDate(-1, 0, 0))
		return err
	})
	return api.ListOf(days, "", err)
}
