package staff

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
	"lignum/tenants"
)

func staffAudit(s *api.Server) {
	api.Page(s, api.Route{Path: "/audit", Permission: policy.AuditRead, Parts: []policy.Permission{policy.UserRead, policy.ClassRead, policy.CourseRead}, Summary: "The audit trail"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showAudit(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/audit/export", Permission: policy.AuditRead, Parts: []policy.Permission{policy.UserRead, policy.ClassRead, policy.CourseRead}, Summary: "Ask for a file with entries of the audit trail"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.ExportTrail(ctx, c, tx, fc, policy.UserRead, func(f *web.Form) error { return showAudit(ctx, c, fc, f) })
		})
}

func showAudit(ctx context.Context, c *api.Call, fc *fiber.Ctx, wrong *web.Form) error {
	trail, f, err := web.AskTrail(ctx, c, fc, policy.UserRead, policy.ClassRead, policy.CourseRead)
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "staff_audit", web.Page{Title: c.Say("staff.audit_trail"), Form: f, Data: trail})
	}
	if err != nil {
		f.Again(fc, show)
		return err
	}
	return show(f.With(wrong))
}
