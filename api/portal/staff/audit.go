package staff

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/web"
	"lignum/policy"
)

func staffAudit(s *api.Server) {
	api.Page(s, api.Route{Path: "/audit", Permission: policy.AuditRead, Parts: []policy.Permission{policy.UserRead, policy.ClassRead, policy.CourseRead}, Summary: "The audit trail"}, showAudit)
}

func showAudit(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	trail, f, err := web.AskTrail(ctx, c, fc, policy.UserRead, policy.ClassRead, policy.CourseRead)
	show := func(f *web.Form) error {
		return pages.Render(c, fc, "staff_audit", web.Page{Title: c.Say("staff.audit_trail"), Form: f, Data: trail})
	}
	if err != nil {
		f.Again(fc, show)
		return err
	}
	return show(f)
}
