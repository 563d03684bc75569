// Package audit shows who did what, and when. It only reads: an entry is written by what it is about, in the same transaction.
package audit

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// TrailFilter is what the audit trail can be narrowed by.
type TrailFilter struct {
	Actor      uuid.UUID `query:"actor" format:"uuid" doc:"Only what this account did"`
	Action     string    `query:"action" maxLength:"200" doc:"Only this action, such as class.register; with a final point, as in sign_in., all actions that begin so"`
	ObjectKind string    `query:"object_kind" maxLength:"200" doc:"Only what was done to things of this kind, such as class or user"`
	Object     string    `query:"object" maxLength:"200" doc:"Only what was done to the thing with this id"`
	Outcome    string    `query:"outcome" enum:"done,refused" doc:"Only what was done, or only what was refused"`
	From       time.Time `query:"from" doc:"Only entries from this moment on, as a date and time of RFC 3339"`
	To         time.Time `query:"to" doc:"Only entries before this moment, as a date and time of RFC 3339"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	for _, realm := range []struct {
		path string
		read policy.Permission
	}{{"/api/v1/audit", policy.AuditRead}, {"/api/v1/platform/audit", policy.PlatformAuditRead}} {
		api.Query(s, api.Route{Path: realm.path, Permission: realm.read, Tag: "Audit", Summary: "List the entries of the audit trail, newest first"},
			func(ctx context.Context, c *api.Call, in *struct {
				api.Paging
				TrailFilter
			}) (*api.List[audit.Stored], error) {
				return Trail(ctx, c, in.TrailFilter, in.Paging)
			})
	}
}

// Trail lists the entries of the realm's audit trail, newest first.
func Trail(ctx context.Context, c *api.Call, f TrailFilter, p api.Paging) (*api.List[audit.Stored], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	filter := tenants.TrailFilter{ActorID: f.Actor, Action: f.Action, ObjectKind: f.ObjectKind, ObjectID: f.Object, Outcome: f.Outcome, From: f.From, To: f.To, Limit: p.Limit}
	if p.Cursor != "" {
		var err error
		if filter.Before, err = uuid.Parse(p.Cursor); err != nil {
			return nil, domain.InvalidField("query.cursor", "domain.is_not_a_place_in")
		}
	}
	var items []audit.Stored
	var more bool
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		items, more, err = tenants.Trail(ctx, r, filter)
		return err
	})
	next := ""
	if more {
		next = items[len(items)-1].ID.String()
	}
	return api.ListOf(items, next, err)
}
