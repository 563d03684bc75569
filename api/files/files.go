// Package files answers with what was uploaded: the tenant's logo to everybody, all else to whoever has a signed link. Whoever makes such a link has asked the
// policy (tenants/files). It takes large files in parts, too. How a file is answered so that it cannot act as a page of ours, is api.Download's.
package files

import (
	"context"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Download(s, api.Route{Path: "/files/{file}", Permission: policy.Public("a signed link, minutes old, says that the policy was asked"), Summary: "A file, by a signed link"}, linked)
	api.Download(s, api.Route{Path: "/logo/{hash}", Permission: policy.Public("the logo is on the page to sign in"), Summary: "The tenant's logo"}, logo)
	uploadRoutes(s)
}

func linked(ctx context.Context, c *api.Call, fc *fiber.Ctx) (content api.Content, err error) {
	if err := c.Open(); err != nil {
		return content, err
	}
	id, err := files.CheckLink(c.DB, fc.Params("file"), fc.Query("until"), fc.Query("signature"), c.Now)
	if err != nil {
		return content, err
	}
	err = c.DB.Read(ctx, func(r *tenants.Reader) error {
		f, err := files.ByID(ctx, r, id)
		if err == nil && !f.Leaves() {
			return domain.Refuse(domain.NotFound, "files.there_is_no_such_file")
		}
		content = api.Content{File: &f, Keep: "private, no-store", Shown: f.Picture()}
		return err
	})
	return content, err
}

// logo answers by the hash of the bytes, so that browsers may keep it for good: another logo has another address.
func logo(_ context.Context, c *api.Call, fc *fiber.Ctx) (api.Content, error) {
	if err := c.Open(); err != nil {
		return api.Content{}, err
	}
	f := c.State.Logo
	if f == nil || f.SHA256 != fc.Params("hash") {
		return api.Content{}, domain.Refuse(domain.NotFound, "files.there_is_no_such_file")
	}
	return api.Content{File: f, Keep: "public, max-age=31536000, immutable", Shown: true}, nil
}
