// Package exports lets people have what they see written into a file: the audit trail, figures, accounts. Who asks gets it made in the background, with the rights that they have
// then (work.go), and is told when it is ready. They alone see it, for a week, and get a link to it as long as they might still ask for it.
package exports

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

// Ref names an export in a path.
type Ref struct {
	Export uuid.UUID `path:"export" format:"uuid" doc:"The export's id"`
}

// Asked names an export that was asked for.
type Asked struct {
	ID uuid.UUID `json:"id"`
}

// Linked is an export with a link to its file.
type Linked struct {
	exports.Export
	URL string `json:"url,omitempty" doc:"The file, for five minutes; missing while there is none. A path on this host or, where files have a host of their own, a whole address"`
}

type bodyOf[T any] struct {
	Body T
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	const made = "It is made in the background, with the rights that you have then, and you find it among your exports for a week. Cells of tables that begin as a formula does (= + - @) get an apostrophe before them."
	for _, realm := range []struct {
		path          string
		trail, people policy.Permission
	}{{"/api/v1/exports", policy.AuditRead, policy.UserRead}, {"/api/v1/platform/exports", policy.PlatformAuditRead, policy.PlatformUserRead}} {
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/trail", Permission: realm.trail, Tag: "Exports", Status: http.StatusAccepted, Summary: "Ask for a file with entries of the audit trail, newest first", Detail: made},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[struct {
				Format exports.Format `json:"format" enum:"csv,jsonl" doc:"csv: a table; jsonl: a JSON object a line, as the API lists them"`
				Trail
			}]) (*Asked, error) {
				return AskTrail(ctx, c, tx, in.Body.Format, in.Body.Trail)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/people", Permission: realm.people, Tag: "Exports", Status: http.StatusAccepted, Summary: "Ask for a file with accounts, by name",
			Detail: "For those who see all accounts of the tenant, or of their school. " + made},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[struct {
				Format exports.Format `json:"format" enum:"csv,xlsx" doc:"csv: a table; xlsx: a workbook"`
				People
			}]) (*Asked, error) {
				return AskPeople(ctx, c, tx, in.Body.Format, in.Body.People)
			})
	}
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/exports/figures", Permission: policy.InsightRead, Tag: "Exports", Status: http.StatusAccepted, Summary: "Ask for a file with the figures of the tenant, or of your school",
		Detail: "Attendance and active users by day; attendance and results by region, school and subject. Figures about few people are withheld as the API withholds them. " + made},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[struct {
			Format exports.Format `json:"format" enum:"csv,xlsx" doc:"csv: one table of all figures; xlsx: a workbook with a sheet for each table"`
			Figures
		}]) (*Asked, error) {
			return AskFigures(ctx, c, tx, in.Body.Format, in.Body.Figures)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/exports/usage", Permission: policy.PlatformUsageRead, Tag: "Exports", Status: http.StatusAccepted, Summary: "Ask for a file with what all tenants used, day by day",
		Detail: "At most 366 days. " + made},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[struct {
			Format exports.Format `json:"format" enum:"csv,xlsx" doc:"csv: a table; xlsx: a workbook"`
			Days
		}]) (*Asked, error) {
			return AskUsage(ctx, c, tx, in.Body.Format, in.Body.Days)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/exports/bills", Permission: policy.PlatformBillRead, Tag: "Exports", Status: http.StatusAccepted, Summary: "Ask for a file with invoices, credit notes and payments, day by day",
		Detail: "For accountants: what is billed adds to what is owed, what is credited or paid takes off. At most 366 days. " + made},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[struct {
			Format exports.Format `json:"format" enum:"csv,xlsx" doc:"csv: a table; xlsx: a workbook"`
			Days
		}]) (*Asked, error) {
			return AskBills(ctx, c, tx, in.Body.Format, in.Body.Days)
		})
	api.Query(s, api.Route{Path: "/api/v1/exports", Permission: policy.ExportRead, Tag: "Exports", Summary: "List your exports, newest first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[exports.Export], error) {
			return List(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/exports/{export}", Permission: policy.ExportRead, Parts: []policy.Permission{policy.AuditRead, policy.UserRead, policy.InsightRead, policy.PlatformAuditRead, policy.PlatformUserRead, policy.PlatformUsageRead, policy.PlatformBillRead}, Tag: "Exports", Summary: "Show an export of yours, with a link to its file",
		Detail: "403 when you may not see any more what is in it."},
		func(ctx context.Context, c *api.Call, in *Ref) (*Linked, error) { return Show(ctx, c, in.Export) })
	api.Direct(s, api.Route{Method: http.MethodDelete, Path: "/api/v1/exports/{export}", Permission: policy.ExportRead, Tag: "Exports", Summary: "Remove an export of yours", Detail: "One that is being made is not made any more."},
		func(ctx context.Context, c *api.Call, in *Ref) (*api.Done, error) { return Remove(ctx, c, in.Export) })
}

// List lists the signed-in person's exports, newest first.
func List(ctx context.Context, c *api.Call, p api.Paging) (*api.List[exports.Export], error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[exports.Export], error) {
		return exports.Of(ctx, r, c.Claims.UserID, p.Page())
	})
}

// Show gives an export of the signed-in person's, with a link to its file. It gives domain.Forbidden to whoever might not ask for it any more.
func Show(ctx context.Context, c *api.Call, id uuid.UUID) (*Linked, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	var e exports.Export
	if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		e, err = exports.ByID(ctx, r, c.Claims.UserID, id)
		return err
	}); err != nil {
		return nil, err
	}
	if e.FileID == nil {
		return &Linked{e, ""}, nil
	}
	part, err := under(c, e.Kind)
	if err != nil {
		return nil, err
	}
	d, err := part.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	if !reaches(d, c.Claims.SchoolID, e.Reach) {
		return nil, domain.Refuse(domain.Forbidden, "exports.you_see_less_than_what_is_in_it")
	}
	return &Linked{e, c.Server.Files.Link(c.DB, files.Export, *e.FileID, c.Now)}, nil
}

// under gives the call as one that reads what an export of a kind has.
func under(c *api.Call, kind exports.Kind) (*api.Call, error) {
	switch permissionOf(kind, c.Tenant != nil) {
	case policy.AuditRead:
		return c.Under(policy.AuditRead)
	case policy.UserRead:
		return c.Under(policy.UserRead)
	case policy.PlatformAuditRead:
		return c.Under(policy.PlatformAuditRead)
	case policy.PlatformUserRead:
		return c.Under(policy.PlatformUserRead)
	case policy.PlatformUsageRead:
		return c.Under(policy.PlatformUsageRead)
	case policy.PlatformBillRead:
		return c.Under(policy.PlatformBillRead)
	}
	return c.Under(policy.InsightRead)
}

// reaches reports whether somebody of a school who sees so far sees all that reaches so far: "" everything, else the id of a school.
func reaches(d policy.Decision, school *uuid.UUID, reach string) bool {
	switch d.Scope {
	case policy.Whole:
		return true
	case policy.Aggregate:
		return reach == ""
	case policy.School:
		return school != nil && school.String() == reach
	case policy.Own, policy.Assigned, policy.Region:
	}
	return false
}

// Remove takes an export of the signed-in person's away.
func Remove(ctx context.Context, c *api.Call, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	var gone []files.File
	if err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		gone, err = exports.Remove(ctx, tx, c.Claims.UserID, id)
		return err
	}); err != nil {
		return nil, err
	}
	c.Server.Files.Erase(ctx, c.Realm, gone)
	return &api.Done{Done: true}, nil
}
