package coach

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/api/portal/choices"
	"lignum/api/web"
	"lignum/domain/people"
	"lignum/policy"
)

// staffRecords is an official's way to one learner's record.
func staffRecords(s *api.Server) {
	api.Page(s, api.Route{Path: "/records", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "Search for one learner's record"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showSearch(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/records", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "Find one learner's record"}, findRecord)
}

type searchData struct{ Schools web.Options }

func showSearch(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	if err := coachingapi.MayAskForRecord(c); err != nil {
		return err
	}
	schools, err := choices.SchoolOptions(ctx, c, c.Say("coach.no_school"), false, f, "school_id")
	if err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_records", web.Page{Title: c.Say("coach.open_a_learners_record"), Form: f, Data: searchData{schools}})
}

func findRecord(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showSearch(ctx, c, fc, f) })
	in := coachingapi.RecordSearch{Reason: f.Get("reason"), RecordQuery: people.RecordQuery{UserName: f.Text("user_name"), GivenName: f.Text("given_name"), FamilyName: f.Text("family_name"), Grade: f.Text("grade")}}
	var err error
	if in.SchoolID, err = choices.Picked(f, "school_id", choices.FindSchools(ctx, c, false)); err != nil {
		return err
	}
	found, err := coachingapi.FindRecord(ctx, c, in)
	if err != nil {
		return err
	}
	return fc.Redirect("/learners/"+found.LearnerID.String()+"?reason="+url.QueryEscape(strings.TrimSpace(in.Reason)), http.StatusSeeOther)
}
