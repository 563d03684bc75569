package console

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
	"lignum/tenants"
)

func auditPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/console/audit", Permission: policy.PlatformAuditRead, Parts: []policy.Permission{policy.PlatformUserRead}, Summary: "The platform's audit trail"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showAudit(ctx, c, fc, nil) })
	api.Form(s, api.Route{Path: "/console/audit/export", Permission: policy.PlatformAuditRead, Parts: []policy.Permission{policy.PlatformUserRead}, Summary: "Ask for a file with entries of the audit trail"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.ExportTrail(ctx, c, tx, fc, policy.PlatformUserRead, func(f *web.Form) error { return showAudit(ctx, c, fc, f) })
		})
}

func showAudit(ctx context.Context, c *api.Call, fc *fiber.Ctx, wrong *web.Form) error {
	trail, f, err := web.AskTrail(ctx, c, fc, policy.PlatformUserRead)
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "audit", web.Page{Title: c.Say("console.audit_trail"), Form: f, Data: trail})
	}
	if err != nil {
		f.Again(fc, show)
		return err
	}
	return show(f.With(wrong))
}
