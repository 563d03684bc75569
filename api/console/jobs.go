package console

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	jobsapi "lignum/api/jobs"
	"lignum/api/web"
	"lignum/policy"
	"lignum/tenants"
)

func jobPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/console/jobs", Permission: policy.PlatformJobRead, Summary: "What is done in the background"}, showJobs)
	api.Form(s, api.Route{Path: "/console/jobs/{job}/retry", Permission: policy.PlatformJobChange, Summary: "Start background work again"}, changeJob(jobsapi.Retry, web.JobRetried))
	api.Form(s, api.Route{Path: "/console/jobs/{job}/cancel", Permission: policy.PlatformJobChange, Summary: "Cancel background work"}, changeJob(jobsapi.Cancel, web.JobCancelled))
}

func showJobs(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d, f, err := web.AskJobs(ctx, c, fc, c.Could(policy.PlatformJobChange))
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "jobs", web.Page{Title: c.Say("console.background_work"), Form: f, Data: d})
	}
	if err != nil {
		f.Again(fc, show)
		return err
	}
	return show(f)
}

func changeJob(do func(context.Context, *api.Call, *tenants.Tx, int64) (*api.Done, error), done string) func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		id, err := jobsapi.Number(fc.Params("job"))
		if err == nil {
			_, err = do(ctx, c, tx, id)
		}
		if err != nil {
			return "", err
		}
		web.Notify(c, fc, done)
		return "/console/jobs", nil
	}
}
