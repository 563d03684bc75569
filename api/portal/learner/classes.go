package learner

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/api/web"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
)

var (
	registered = web.Notice("class-registered", "learner.you_are_in_have_fun")
	left       = web.Notice("class-left", "learner.you_have_left_the_class")
)

func classPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/classes", Permission: policy.ClassRead, Summary: "Choose a class"}, showClasses)
	api.Page(s, api.Route{Path: "/classes/{class}", Permission: policy.ClassRead, Summary: "One class"}, showClass)
	api.Form(s, api.Route{Path: "/classes/{class}/register", Permission: policy.ClassRegister, Summary: "Register for a class"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return changePlace(c, fc, registered, func(id uuid.UUID) error { _, err := classesapi.RegisterForClass(ctx, c, tx, id); return err })
		})
	api.Form(s, api.Route{Path: "/classes/{class}/leave", Permission: policy.ClassLeave, Summary: "Leave a class"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return changePlace(c, fc, left, func(id uuid.UUID) error { _, err := classesapi.LeaveClass(ctx, c, tx, id); return err })
		})
}

func changePlace(c *api.Call, fc *fiber.Ctx, notice string, change func(uuid.UUID) error) (string, error) {
	id, err := tenants.ParseID("class", fc.Params("class"))
	if err != nil {
		return "", err
	}
	if err := change(id); err != nil {
		return "", err
	}
	web.Notify(c, fc, notice)
	return "/classes/" + id.String(), nil
}

type classesData struct {
	Learner        bool
	Query, Subject string
	Subjects       []web.Choice
	Classes        []classes.Class
	Next           string // address of the next page
}

func showClasses(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := classesData{Learner: learns(c), Query: strings.TrimSpace(fc.Query("q")), Subject: fc.Query("subject")}
	list, err := classesapi.ListClasses(ctx, c, classesapi.ClassFilter{Query: d.Query, Subject: d.Subject}, api.Paging{Limit: 24, Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Classes, d.Next = list.Items, web.NextPage(fc, list.Next)
	return pages.Render(c, fc, "classes", web.Page{Title: c.Say("learner.classes"), Data: d})
}

// classData adds to a class where its learner goes on.
type classData struct {
	*classesapi.ClassPage
	Learner  bool
	Opens    bool                 // its lessons and tests do
	Continue *classes.LessonState // the first lesson that is not done; nil: all are
}

func showClass(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("class", fc.Params("class"))
	if err != nil {
		return err
	}
	p, err := classesapi.ReadClass(ctx, c, id)
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "class", web.Page{Title: p.Title, Data: classData{p, learns(c), classesapi.MayOpenLessons(c, p), goOn(&p.Page)}})
}

// goOn is the lesson that was begun, or else the first that is not done.
func goOn(p *classes.Page) *classes.LessonState {
	var next *classes.LessonState
	for i := range p.Lessons {
		l := &p.Lessons[i]
		switch {
		case l.CompletedAt != nil:
		case l.Percent > 0:
			return l
		case next == nil:
			next = l
		}
	}
	return next
}
