package learner

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/catalogue"
	classesapi "lignum/api/classes"
	"lignum/api/web"
	"lignum/domain/catalog"
	"lignum/policy"
	"lignum/tenants"
)

var (
	lessonDone   = web.Notice("lesson-done", "learner.done_your_progress_is_saved")
	lessonEarned = web.Notice("lesson-earned", "learner.done_your_progress_is_saved_and")
	lessonEarly  = web.Notice("lesson-early", "learner.done_your_progress_is_saved_no")
)

func lessonPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/courses/{course}/lessons/{lesson}", Permission: policy.LessonRead, Parts: []policy.Permission{policy.ProgressRecord}, Summary: "Read a lesson"}, showLesson)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/lessons/{lesson}/done", Permission: policy.ProgressRecord, Summary: "Mark a lesson as done"}, finishLesson)
	api.Page(s, api.Route{Path: "/resources", Permission: policy.ResourceRead, Summary: "Animations, labs, videos and documents"}, showResources)
	api.Page(s, api.Route{Path: "/packages/{package}", Permission: policy.ResourceRead, Summary: "A package, in a frame of its own"}, showPackage)
}

func showLesson(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	l, err := catalogue.LessonPage(ctx, c, fc.Params("course"), fc.Params("lesson"))
	if err != nil {
		return err
	}
	if l.Opens(c.Now) {
		part, err := c.Under(policy.ProgressRecord)
		if err != nil {
			return err
		}
		if err := catalogue.OpenLesson(ctx, part, l); err != nil {
			return err
		}
	}
	return pages.Render(c, fc, "lesson", web.Page{Title: l.Title, Data: l})
}

// finishLesson is what 'Mark as done' does without the script. The form says which lesson it stands under, and what follows.
func finishLesson(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("lesson", fc.Params("lesson"))
	if err != nil {
		return err
	}
	p, err := classesapi.RecordProgress(ctx, c, id, classesapi.ProgressReport{Percent: 100, Counter: c.Now.UnixMilli()})
	if err != nil {
		return err
	}
	switch {
	case p.Points > 0:
		web.Notify(c, fc, lessonEarned)
	case !p.Earned:
		web.Notify(c, fc, lessonEarly)
	default:
		web.Notify(c, fc, lessonDone)
	}
	next := web.LocalPath(web.ReadForm(fc).Get("next"))
	if next == "" {
		next = "/home"
	}
	return fc.Redirect(next, http.StatusSeeOther)
}

func showPackage(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("package", fc.Params("package"))
	if err != nil {
		return err
	}
	p, err := catalogue.PackagePage(ctx, c, id)
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "package", web.Page{Title: p.Title, Data: p, Frame: p.URL})
}

type resourcesData struct {
	Query, Kind string
	Kinds       []web.Choice
	Items       []catalog.Resource
	Next        string
}

func showResources(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := resourcesData{Query: strings.TrimSpace(fc.Query("q")), Kind: fc.Query("kind"),
		Kinds: []web.Choice{{Value: "", Text: c.Say("page.everything")}, {Value: "animation", Text: c.Say("learner.animations")}, {Value: "lab", Text: c.Say("learner.labs")}, {Value: "video", Text: c.Say("learner.videos")}, {Value: "document", Text: c.Say("learner.documents")}}}
	if !slices.ContainsFunc(d.Kinds, func(k web.Choice) bool { return k.Value == d.Kind }) {
		d.Kind = ""
	}
	list, err := catalogue.ListResources(ctx, c, catalog.ResourceFilter{Kind: d.Kind, Query: d.Query}, api.Paging{Limit: 24, Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Items, d.Next = list.Items, web.NextPage(fc, list.Next)
	return pages.Render(c, fc, "resources", web.Page{Title: c.Say("learner.animations_and_labs"), Data: d})
}
