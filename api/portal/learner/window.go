package learner

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/attempts"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/policy"
	"lignum/tenants"
)

var windowSaved = web.Notice("window-saved", "learner.saved_learners_see_the_new")

// windowForms is what those do on a test's page who decide when it is open.
func windowForms(s *api.Server) {
	api.Form(s, api.Route{Path: "/tests/{test}/window", Permission: policy.CalendarChange, Parts: []policy.Permission{policy.TestRead}, Summary: "Say when a test may be started"}, saveWindow)
}

// windowForm fills the form in with what is stored, in the tenant's time.
func windowForm(a *assessment.Announcement, zone *time.Location) *web.Form {
	f := (&web.Form{}).Set("version", a.Window)
	for name, at := range map[string]*time.Time{"opens_at": a.OpensAt, "closes_at": a.ClosesAt} {
		if at != nil {
			f.Set(name, calendar.WriteWall(*at, zone))
		}
	}
	return f
}

// readWindow reads the form; an empty field is no time.
func readWindow(f *web.Form, zone *time.Location) (w calendar.Window, err error) {
	var wrong domain.Problems
	w.OpensAt = calendar.ReadWall(&wrong, "opens_at", f.Text("opens_at"), zone)
	w.ClosesAt = calendar.ReadWall(&wrong, "closes_at", f.Text("closes_at"), zone)
	return w, wrong.Err()
}

func saveWindow(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "test")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error {
		reading, err := c.Under(policy.TestRead)
		if err != nil {
			return err
		}
		return showTest(ctx, reading, fc, f)
	})
	w, err := readWindow(f, c.Tenant.Location())
	if err != nil {
		return "", err
	}
	w.Version = f.Get("version")
	if _, err := attempts.ScheduleTest(ctx, c, tx, id, w); err != nil {
		return "", err
	}
	web.Notify(c, fc, windowSaved)
	return "/tests/" + id.String(), nil
}
