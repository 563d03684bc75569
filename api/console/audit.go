package console

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

func auditPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/console/audit", Permission: policy.PlatformAuditRead, Parts: []policy.Permission{policy.PlatformUserRead}, Summary: "The platform's audit trail"}, showAudit)
}

func showAudit(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	trail, f, err := web.AskTrail(ctx, c, fc, policy.PlatformUserRead)
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "audit", web.Page{Title: c.Say("console.audit_trail"), Form: f, Data: trail})
	}
	if err != nil {
		f.Again(fc, show)
		return err
	}
	return show(f)
}
