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
	"lignum/policy"
	"lignum/tenants"
)

var windowSaved = web.Notice("window-saved", "learner.saved_learners_see_the_new")

// windowForms is what those do on a test's page who decide when it is open.
func windowForms(s *api.Server) {
	api.Form(s, api.Route{Path: "/tests/{test}/window", Permission: policy.CalendarChange, Parts: []policy.Permission{policy.TestRead}, Summary: "Say when a test may be started"}, saveWindow)
}

// localTime is how a browser sends an input of the kind datetime-local: wall time, in minutes.
const localTime = "2006-01-02T15:04"

// windowForm fills the form in with what is stored, in the tenant's time.
func windowForm(a *assessment.Announcement, zone *time.Location) *web.Form {
	f := (&web.Form{}).Set("version", a.Window)
	for name, at := range map[string]*time.Time{"opens_at": a.OpensAt, "closes_at": a.ClosesAt} {
		if at != nil {
			f.Set(name, at.In(zone).Format(localTime))
		}
	}
	return f
}

// readWindow reads the form; an empty field is no time. A wall time that the clocks skip when they go forward is refused.
func readWindow(f *web.Form, zone *time.Location) (w assessment.Window, err error) {
	var wrong domain.Problems
	read := func(name string) *time.Time {
		typed := f.Text(name)
		if typed == "" {
			return nil
		}
		at, err := time.ParseInLocation(localTime, typed, zone)
		if err != nil {
			wrong.Add(name, "learner.must_be_a_date_and")
		} else if at.Format(localTime) != typed {
			wrong.Add(name, "learner.must_be_a_time_that")
		}
		return &at
	}
	w.OpensAt, w.ClosesAt = read("opens_at"), read("closes_at")
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
