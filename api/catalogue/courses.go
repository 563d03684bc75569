// Package catalogue is what can be learned: courses, their lessons, and the resources beside them. It is
// read here and not written: packs are imported by a command. Tests are in api/attempts.
package catalogue

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/courses", Permission: policy.CourseRead, Tag: "Courses", Summary: "List the courses by title"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Query   string `query:"q" maxLength:"100" doc:"Only courses with this in the title or the summary"`
			Subject string `query:"subject" maxLength:"100" doc:"Only this subject, exactly as it is written"`
			Level   string `query:"level" maxLength:"100" doc:"Only courses of this level, exactly as it is written"`
		}) (*api.List[catalog.Course], error) {
			return ListCourses(ctx, c, catalog.CourseFilter{Query: in.Query, Subject: in.Subject, Level: in.Level}, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/courses/{course}", Permission: policy.CourseRead, Tag: "Courses", Summary: "Show a course with its sections, lessons and tests"},
		func(ctx context.Context, c *api.Call, in *struct {
			Course string `path:"course" maxLength:"100" doc:"The course's slug"`
		}) (*catalog.CourseDetail, error) {
			return CoursePage(ctx, c, in.Course)
		})
	api.Query(s, api.Route{Path: "/api/v1/courses/{course}/lessons/{lesson}", Permission: policy.LessonRead, Parts: []policy.Permission{policy.ProgressRecord}, Tag: "Courses", Summary: "Show a lesson and your progress in it",
		Detail: "A learner needs a place in a class of the course. The pictures are those that `html` shows; each is at its `path`, for those who may read the lesson. A client continues its own counter from `progress.counter`. The time that earns the lesson's points runs from this request."},
		func(ctx context.Context, c *api.Call, in *struct {
			Course string `path:"course" maxLength:"100" doc:"The course's slug"`
			Lesson string `path:"lesson" maxLength:"100" doc:"The lesson's slug"`
		}) (*LessonView, error) {
			v, err := LessonPage(ctx, c, in.Course, in.Lesson)
			if err != nil || !v.Opens(c.Now) {
				return v, err
			}
			part, err := c.Under(policy.ProgressRecord)
			if err != nil {
				return nil, err
			}
			return v, OpenLesson(ctx, part, v)
		})
	api.Download(s, api.Route{Path: "/courses/{course}/lessons/{lesson}/pictures/{picture}", Permission: policy.LessonRead, Summary: "A picture of a lesson"}, picture)
	api.Query(s, api.Route{Path: "/api/v1/resources", Permission: policy.ResourceRead, Tag: "Courses", Summary: "List animations, labs, videos and documents by title",
		Detail: "Everything is listed. The address of something that belongs to a course is given only to those who have the course."},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Kind    string `query:"kind" enum:"animation,lab,video,document" doc:"Only this kind"`
			Subject string `query:"subject" maxLength:"200" doc:"Only this subject, exactly as it is written"`
			Query   string `query:"q" maxLength:"100" doc:"Only what has this in its title"`
		}) (*api.List[catalog.Resource], error) {
			return ListResources(ctx, c, catalog.ResourceFilter{Kind: in.Kind, Subject: in.Subject, Query: in.Query}, in.Paging)
		})
}

// ListCourses lists the published courses by title.
func ListCourses(ctx context.Context, c *api.Call, f catalog.CourseFilter, p api.Paging) (*api.List[catalog.Course], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.Read, func(r *tenants.Reader) (domain.List[catalog.Course], error) {
		return catalog.Courses(ctx, r, f, p.Page())
	})
}

// CoursePage returns a course with its outline, by its slug.
func CoursePage(ctx context.Context, c *api.Call, slug string) (*catalog.CourseDetail, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	var d *catalog.CourseDetail
	err := c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		d, err = catalog.CourseBySlug(ctx, r, slug)
		return err
	})
	return d, err
}

// LessonView is a lesson with how far the viewer is in it.
type LessonView struct {
	catalog.Lesson
	Progress classes.Progress `json:"progress"`
	Records  bool             `json:"records"` // whether reports of progress are taken: the viewer learns it
}

// LessonPage returns a lesson, by the slugs of its course and its own.
func LessonPage(ctx context.Context, c *api.Call, courseSlug, lessonSlug string) (*LessonView, error) {
	v, f, b := &LessonView{}, classes.CourseFacts{}, &pgx.Batch{}
	classes.QueueCourseFacts(b, courseSlug, c.Claims.UserID, &f)
	catalog.QueueLesson(b, courseSlug, lessonSlug, &v.Lesson)
	classes.QueueProgressIn(b, c.Claims.UserID, courseSlug, lessonSlug, c.Now, &v.Progress)
	if err := c.DB.Read(ctx, func(r *tenants.Reader) error { return r.SendBatch(ctx, b).Close() }); err != nil {
		return nil, err
	}
	if err := c.Permit(CourseFacts(f)); err != nil {
		return nil, err
	}
	v.Progress.LessonID, v.Records = v.ID, f.Enrolled && c.Could(policy.ProgressRecord)
	return v, nil
}

// pictureKept is how long browsers keep a picture without asking again: a page that is turned back and forth loads it once, and whoever may no longer read
// the lesson does not see it for long. What is asked again and has not changed, is not sent again.
const pictureKept = "private, max-age=3600"

// picture answers with a picture that a lesson shows, by its hash, to whoever may read the lesson.
func picture(ctx context.Context, c *api.Call, fc *fiber.Ctx) (api.Content, error) {
	file, f, b := files.File{}, classes.CourseFacts{}, &pgx.Batch{}
	classes.QueueCourseFacts(b, fc.Params("course"), c.Claims.UserID, &f)
	catalog.QueuePicture(b, fc.Params("course"), fc.Params("lesson"), fc.Params("picture"), &file)
	if err := c.DB.Read(ctx, func(r *tenants.Reader) error { return r.SendBatch(ctx, b).Close() }); err != nil {
		return api.Content{}, err
	}
	return api.Content{File: &file, Keep: pictureKept, Shown: true}, c.Permit(CourseFacts(f))
}

// CourseFacts says for the policy how somebody is tied to a course.
func CourseFacts(f classes.CourseFacts) policy.Facts {
	return policy.Facts{Enrolled: f.Enrolled, CoachOf: f.CoachOf, Teaches: f.CoachOf}
}

// OpenLesson notes that its learner opened a lesson which LessonPage gave, once a sitting: from then on the time counts that
// earns the lesson's points.
func OpenLesson(ctx context.Context, c *api.Call, v *LessonView) error {
	if err := c.Permit(policy.Facts{Owner: true, Enrolled: v.Records}); err != nil {
		return err
	}
	p, err := classes.OpenLesson(ctx, c.DB, c.Actor, c.Claims.UserID, v.ID, c.Now)
	if err == nil {
		v.Progress = p
	}
	return err
}

// Opens reports whether OpenLesson has something to note.
func (v *LessonView) Opens(now time.Time) bool { return v.Records && v.Progress.Unread(now) }

// LessonsToRepeat returns the lessons of some sections of a course, by the sections' codes, for a learner of it.
func LessonsToRepeat(ctx context.Context, c *api.Call, course uuid.UUID, sections []string) (*classes.Repeat, error) {
	var found *classes.Repeat
	err := c.DB.Read(ctx, func(r *tenants.Reader) (err error) {
		if found, err = classes.LessonsOf(ctx, r, course, sections, c.Claims.UserID); err != nil {
			return err
		}
		b, f := &pgx.Batch{}, classes.CourseFacts{}
		classes.QueueCourseFacts(b, found.Course, c.Claims.UserID, &f)
		if err := r.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return c.Permit(CourseFacts(f))
	})
	return found, err
}

// ListResources lists what there is beside the lessons. What belongs to a course that is not the viewer's is announced
// without its address.
func ListResources(ctx context.Context, c *api.Call, f catalog.ResourceFilter, p api.Paging) (*api.List[catalog.Resource], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.Read, func(r *tenants.Reader) (domain.List[catalog.Resource], error) {
		list, err := catalog.Resources(ctx, r, f, p.Page())
		if err != nil {
			return list, err
		}
		var mine []string
		switch d.Scope {
		case policy.Whole:
			return list, nil
		case policy.Own:
			mine, _, err = classes.CoursesOf(ctx, r, c.Claims.UserID)
		case policy.Assigned:
			var coached []string
			mine, coached, err = classes.CoursesOf(ctx, r, c.Claims.UserID)
			mine = append(mine, coached...)
		case policy.School, policy.Region, policy.Aggregate:
		}
		for i := range list.Items {
			if of := list.Items[i].Course; of != "" && !slices.Contains(mine, of) {
				list.Items[i].URL = ""
			}
		}
		return list, err
	})
}
