package web

import (
	"context"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	jobsapi "lignum/api/jobs"
	"lignum/tenants/jobs"
)

// What pages say after a change of a job.
var (
	JobRetried   = Notice("job-retried", "page.started_again")
	JobCancelled = Notice("job-cancelled", "page.it_is_cancelled")
)

// Jobs is a part of the list of jobs as a page, for the partial "jobs".
type Jobs struct {
	Path         string
	States       []Choice
	List         []ShownJob
	MayChange    bool
	OfAll        bool   // of all realms, each named
	Newer, Older string // addresses; empty: there is none
	Filtered     bool
}

// ShownJob is a job with what people read of it.
type ShownJob struct {
	jobs.Stored
	Says, StateSays string
}

// AskJobs reads the filter of the page of jobs, asks for them and makes the page.
func AskJobs(ctx context.Context, c *api.Call, fc *fiber.Ctx, mayChange bool) (d Jobs, f *Form, err error) {
	query := url.Values{}
	f = &Form{}
	for _, name := range []string{"state", "cursor"} {
		if v := strings.TrimSpace(fc.Query(name)); v != "" {
			query.Set(name, v)
			f.Set(name, v)
		}
	}
	d = Jobs{Path: strings.Clone(fc.Path()), MayChange: mayChange, OfAll: c.Tenant == nil, Filtered: query.Get("state") != ""}
	d.States = []Choice{{Text: c.Say("page.all_jobs")}}
	for _, s := range []jobs.State{jobs.Waiting, jobs.Running, jobs.Failing, jobs.Finished, jobs.GivenUp, jobs.Cancelled} {
		d.States = append(d.States, Choice{Value: string(s), Text: c.Say("job.state." + string(s))})
	}
	list, err := jobsapi.List(ctx, c, jobsapi.Filter{State: query.Get("state")}, api.Paging{Cursor: query.Get("cursor")})
	if err != nil {
		return d, f, err
	}
	for _, j := range list.Items {
		d.List = append(d.List, ShownJob{j, c.Say("job." + j.Kind), c.Say("job.state." + string(j.State))})
	}
	if list.Next != "" {
		d.Older = d.Path + "?" + with(query, "cursor", list.Next).Encode()
	}
	if query.Get("cursor") != "" {
		d.Newer = strings.TrimSuffix(d.Path+"?"+with(query, "cursor", "").Encode(), "?")
	}
	return d, f, nil
}
