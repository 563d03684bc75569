// Package notices is what a person was told, to be read and marked as seen. Nothing is told here: that is done by the change that it is about.
package notices

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/notices"
	"lignum/policy"
	"lignum/tenants"
)

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/me/notices", Permission: policy.ProfileRead, Tag: "Session", Summary: "List your notices, newest first",
		Detail: "Without parameters, those that you have not seen, at most 20. With `seen=all`, a page of all that are kept: seen ones for 90 days after they were seen, any for 400 days."},
		func(ctx context.Context, c *api.Call, in *struct {
			Seen   string `query:"seen" enum:"no,all" default:"no" doc:"no: those that you have not seen; all: those that you have seen too, a page at a time"`
			Cursor string `query:"cursor" maxLength:"4000" doc:"With seen=all: the value of next in the page before; without it the list begins at its start"`
			Limit  int    `query:"limit" minimum:"1" maximum:"200" doc:"With seen=all: the most entries of one page; without it 30"`
		}) (*api.List[notices.Notice], error) {
			if in.Seen == "all" {
				return AllMyNotices(ctx, c, api.Paging{Cursor: in.Cursor, Limit: in.Limit})
			}
			var p domain.Problems
			for name, sent := range map[string]bool{"query.cursor": in.Cursor != "", "query.limit": in.Limit != 0} {
				if sent {
					p.Add(name, "notices.goes_with_all")
				}
			}
			if err := p.Err(); err != nil {
				return nil, err
			}
			return MyNotices(ctx, c)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/me/notices/seen", Permission: policy.ProfileChange, Tag: "Session", Summary: "Mark all your notices as seen",
		Detail: "The newest 1,000 at once: where `seen` in the answer is 1000, ask again."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Until uuid.UUID `query:"until" format:"uuid" doc:"The id of the newest notice that you were shown: what came after it stays as it is"`
		}) (*Seen, error) {
			return SeeAllNotices(ctx, c, tx, in.Until)
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

// AllMyNotices returns a page of all that the signed-in person was told, seen or not.
func AllMyNotices(ctx context.Context, c *api.Call, page api.Paging) (*api.List[notices.Notice], error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[notices.Notice], error) {
		return notices.List(ctx, r, c.Claims.UserID, page.Page())
	})
}

// QueueMine adds what the signed-in person was told and has not seen yet.
func QueueMine(c *api.Call, r *api.Reading, list *[]notices.Notice) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	notices.QueueUnseen(&r.Batch, c.Claims.UserID, list)
	return nil
}

// Seen is what came of marking notices.
type Seen struct {
	Seen int `json:"seen" doc:"How many were marked"`
}

// SeeAllNotices marks the signed-in person's notices as seen, up to the one with the id until; the zero id: all.
func SeeAllNotices(ctx context.Context, c *api.Call, tx *tenants.Tx, until uuid.UUID) (*Seen, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	n, err := notices.SeeAll(ctx, tx, c.Claims.UserID, until, c.Now)
	return &Seen{n}, err
}

// SeeNotice marks one of the signed-in person's own notices as seen.
func SeeNotice(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, notices.See(ctx, tx, c.Claims.UserID, id, c.Now)
}
