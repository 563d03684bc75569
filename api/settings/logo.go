package settings

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

// LogoBody is the most bytes of a body that brings a logo: the file, and what a form puts around it.
const LogoBody = files.LogoBytes + 16<<10

// logoRoutes declares the routes of the tenant's logo.
func logoRoutes(s *api.Server) {
	api.Direct(s, api.Route{Method: http.MethodPut, Path: "/api/v1/tenant/logo", Permission: policy.TenantChange, Tag: "Tenant", Summary: "Set the tenant's logo",
		Detail: "The body is the picture itself: PNG, JPEG, GIF or WebP, at most 2 MB, 40 million pixels, and 20,000 pixels on a side. It is written anew without what came with it, " +
			"and made to fit into 512 by 512 pixels.",
		Body: LogoBody, Takes: []string{"image/png", "image/jpeg", "image/gif", "image/webp"}},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*Logo, error) {
			return SetLogo(ctx, c, func() (string, io.Reader, error) {
				body, err := c.Upload()
				return "logo", body, err
			})
		})
	api.Direct(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/tenant/logo", Permission: policy.TenantChange, Tag: "Tenant", Summary: "Remove the tenant's logo"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.Done, error) { return RemoveLogo(ctx, c) })
}

// Logo is a tenant's logo as the API tells of it.
type Logo struct {
	Path        string    `json:"path" doc:"Where the tenant's host answers with it, to everybody. It changes with the picture"`
	ContentType string    `json:"content_type"`
	Bytes       int64     `json:"bytes"`
	Width       int       `json:"width" doc:"Pixels"`
	Height      int       `json:"height" doc:"Pixels"`
	SetAt       time.Time `json:"set_at"`
}

func logoOf(f *files.File) *Logo {
	if f == nil {
		return nil
	}
	return &Logo{Path: files.LogoPath(f), ContentType: f.ContentType, Bytes: f.Size, Width: f.Width, Height: f.Height, SetAt: f.CreatedAt}
}

// SetLogo makes a picture the tenant's logo, in place of the one before. sent gives it, and what its sender calls it, when the policy has said yes.
func SetLogo(ctx context.Context, c *api.Call, sent func() (name string, picture io.Reader, err error)) (*Logo, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	name, body, err := sent()
	if err != nil {
		return nil, err
	}
	var before []files.File
	f, err := c.Server.Files.Put(ctx, c.DB, c.Actor, files.Incoming{Purpose: files.Logo, Name: name, Body: body}, c.Now, func(tx *tenants.Tx, f *files.File) (err error) {
		before, err = files.DiscardLogos(ctx, tx, f.ID)
		tx.Bump("settings")
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Server.Files.Erase(ctx, c.Realm, before)
	return logoOf(f), nil
}

// RemoveLogo takes the tenant's logo away. It gives domain.NotFound where there is none.
func RemoveLogo(ctx context.Context, c *api.Call) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	var before []files.File
	err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		before, err = files.DiscardLogos(ctx, tx, uuid.Nil)
		if err == nil && len(before) == 0 {
			err = domain.Refuse(domain.NotFound, "settings.there_is_no_logo")
		}
		tx.Bump("settings")
		return err
	})
	if err != nil {
		return nil, err
	}
	c.Server.Files.Erase(ctx, c.Realm, before)
	return &api.Done{Done: true}, nil
}
