package jobs

import (
	"context"
	"net/http"
	"strconv"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/jobs"
)

// Filter is what a list of jobs can be narrowed by.
type Filter struct {
	Kind  string `query:"kind" maxLength:"64" doc:"Only jobs of this kind, such as usage.publish"`
	State string `query:"state" enum:"waiting,running,failing,done,given_up,cancelled" doc:"Only jobs in this state"`
}

// ref names a job in the path.
type ref struct {
	Job int64 `path:"job" minimum:"1" doc:"The job's number"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	for _, realm := range []struct {
		path         string
		read, change policy.Permission
	}{{"/api/v1/jobs", policy.JobRead, policy.JobChange}, {"/api/v1/platform/jobs", policy.PlatformJobRead, policy.PlatformJobChange}} {
		api.Query(s, api.Route{Path: realm.path, Permission: realm.read, Tag: "Jobs", Summary: "List what is done by the clock and in the background, newest first"},
			func(ctx context.Context, c *api.Call, in *struct {
				api.Paging
				Filter
			}) (*api.List[jobs.Stored], error) {
				return List(ctx, c, in.Filter, in.Paging)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/{job}/retry", Permission: realm.change, Tag: "Jobs", Summary: "Start a job again that failed, was given up or was cancelled"},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *ref) (*api.Done, error) {
				return Retry(ctx, c, tx, in.Job)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/{job}/cancel", Permission: realm.change, Tag: "Jobs", Summary: "Cancel a job that waits, or keep one that runs from being tried again"},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *ref) (*api.Done, error) {
				return Cancel(ctx, c, tx, in.Job)
			})
	}
}

// List lists a tenant's jobs, or on the platform those of all realms, newest first.
func List(ctx context.Context, c *api.Call, f Filter, p api.Paging) (*api.List[jobs.Stored], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[jobs.Stored], error) {
		return jobs.List(ctx, r, jobs.Filter{Kind: f.Kind, State: jobs.State(f.State)}, p.Page())
	})
}

// Retry lets a job run again now.
func Retry(ctx context.Context, c *api.Call, tx *tenants.Tx, job int64) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, jobs.Retry(ctx, tx, job)
}

// Cancel keeps a job from running, or from running again.
func Cancel(ctx context.Context, c *api.Call, tx *tenants.Tx, job int64) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, jobs.Cancel(ctx, tx, job)
}

// Number reads a job's number as a page has it in its path.
func Number(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, domain.Refuse(domain.NotFound, "tenants.there_is_no_such_job")
	}
	return n, nil
}
