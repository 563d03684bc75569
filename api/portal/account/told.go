package account

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	noticesapi "lignum/api/notices"
	"lignum/api/web"
	"lignum/policy"
	"lignum/tenants"
)

// toldPages is what a person does with the notices on their home page; the pages that show them are home and the console.
func toldPages(s *api.Server) {
	api.Form(s, api.Route{Path: "/notices/{notice}/seen", Permission: policy.ProfileChange, Summary: "Take a notice off the home page"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			id, err := web.PathID(fc, "notice")
			if err != nil {
				return "", err
			}
			_, err = noticesapi.SeeNotice(ctx, c, tx, id)
			return landing(c), err
		})
}
