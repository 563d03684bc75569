// Package notices is what a person was told, to be read and taken away. Nothing is told here: that is done by the change that it is about.
package notices

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/notices"
	"lignum/policy"
	"lignum/tenants"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/me/notices", Permission: policy.ProfileRead, Tag: "Session", Summary: "List your notices that you have not seen, newest first, at most 20"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[notices.Notice], error) {
			return MyNotices(ctx, c)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/notices/{notice}/seen", Permission: policy.ProfileChange, Tag: "Session", Summary: "Mark a notice as seen"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Notice uuid.UUID `path:"notice" format:"uuid" doc:"The notice's id"`
		}) (*api.Done, error) {
			return SeeNotice(ctx, c, tx, in.Notice)
		})
}

// MyNotices returns what the signed-in person was told and has not seen yet.
func MyNotices(ctx context.Context, c *api.Call) (*api.List[notices.Notice], error) {
	var r api.Reading
	var list []notices.Notice
	err := QueueMine(c, &r, &list)
	if err == nil {
		err = r.Run(ctx, c)
	}
	return api.ListOf(list, "", err)
}

// QueueMine adds what the signed-in person was told and has not seen yet.
func QueueMine(c *api.Call, r *api.Reading, list *[]notices.Notice) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	notices.QueueUnseen(&r.Batch, c.Claims.UserID, list)
	return nil
}

// SeeNotice takes one of the signed-in person's own notices off their home page.
func SeeNotice(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, notices.See(ctx, tx, c.Claims.UserID, id, c.Now)
}
