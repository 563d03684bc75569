package web

import (
	"context"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	jobsapi "lignum/api/jobs"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/jobs"
)

// What pages say after a change of a job.
var (
	jobRetried   = Notice("job-retried", "page.started_again")
	jobCancelled = Notice("job-cancelled", "page.it_is_cancelled")
)

// Watched is a page on which those who look after a realm see what it does by itself, and start it again. Its routes are declared where its host's pages are.
type Watched struct {
	Path     string
	Change   policy.Permission
	Title    string // key of a message
	Template string
	Render   func(c *api.Call, fc *fiber.Ctx, name string, p Page) error
}

// Jobs shows what is done in the background.
func (w Watched) Jobs(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d, f, err := askJobs(ctx, c, fc, c.Could(w.Change))
	return w.show(c, fc, f, d, err)
}

// RetryJob starts a job again.
func (w Watched) RetryJob(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	return w.job(ctx, c, tx, fc, jobRetried, jobsapi.Retry)
}

// CancelJob cancels a job.
func (w Watched) CancelJob(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	return w.job(ctx, c, tx, fc, jobCancelled, jobsapi.Cancel)
}

func (w Watched) job(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, notice string, change func(context.Context, *api.Call, *tenants.Tx, int64) (*api.Done, error)) (string, error) {
	id, err := jobsapi.Number(fc.Params("job"))
	if err == nil {
		_, err = change(ctx, c, tx, id)
	}
	if err != nil {
		return "", err
	}
	Notify(c, fc, notice)
	return w.Path, nil
}

// show renders the page; one that was asked for in a wrong way is shown with what is wrong.
func (w Watched) show(c *api.Call, fc *fiber.Ctx, f *Form, data any, err error) error {
	render := func(f *Form) error {
		return w.Render(c, fc, w.Template, Page{Title: c.Say(w.Title), Form: f, Data: data})
	}
	if err != nil {
		f.Again(fc, render)
		return err
	}
	return render(f)
}

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
	Says, StateSays, FaultSays string
}

// askJobs reads the filter of the page of jobs, asks for them and makes the page.
func askJobs(ctx context.Context, c *api.Call, fc *fiber.Ctx, mayChange bool) (d Jobs, f *Form, err error) {
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
		d.List = append(d.List, ShownJob{j, c.Say("job." + j.Kind), c.Say("job.state." + string(j.State)), j.Fault.In(c.Language).String()})
	}
	if list.Next != "" {
		d.Older = d.Path + "?" + with(query, "cursor", list.Next).Encode()
	}
	if query.Get("cursor") != "" {
		d.Newer = strings.TrimSuffix(d.Path+"?"+with(query, "cursor", "").Encode(), "?")
	}
	return d, f, nil
}
