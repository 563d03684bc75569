// Package roster lets administrators import schools, people, classes and places: a roster is uploaded and looked through, its report is read, and then it is
// imported, by jobs with the rights of whoever asked (work.go). A school's administrator imports for that school.
package roster

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"lignum/api"
	peopleapi "lignum/api/people"
	"lignum/domain"
	"lignum/domain/roster"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/limits"
)

// UploadBody is the most bytes of a body that brings a roster: the files, and what a form puts around them.
const UploadBody = files.RosterBytes + 64<<10

// Ref names a run in a path.
type Ref struct {
	Run uuid.UUID `path:"run" format:"uuid" doc:"The run's id"`
}

// Started names a run.
type Started struct {
	ID uuid.UUID `json:"id"`
}

// Page is a run with its report.
type Page struct {
	roster.Run
	Done   int            `json:"lines_done" doc:"Lines of the files that are imported so far"`
	Lines  int            `json:"lines" doc:"Lines to import; of some files each line counts twice, since they are gone through twice"`
	Report *roster.Report `json:"report" doc:"File by file, without the problems; of the import, before it is done that of the look through the files; null before that"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	const path = "/api/v1/roster/runs"
	api.Direct(s, api.Route{Method: http.MethodPost, Path: path, Permission: policy.RosterImport, Tag: "Roster", Summary: "Upload a roster to be looked through", Status: http.StatusCreated,
		Detail: "The body is a zip archive of OneRoster CSV files, one such CSV file, or a form with several in the field `file`: at most 200 MB, 50 files and a million rows, which must arrive within " +
			"half a minute. Nothing is imported yet: background work looks through the files, and reports of each row that would be refused. What was sent is removed once it is imported, and after a week in any case.",
		Quota: limits.Write, Body: UploadBody, Takes: []string{"application/zip", "text/csv", "multipart/form-data"}},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*Started, error) {
			return Upload(ctx, c, func() (Sent, error) { return sentAs(c) })
		})
	api.Query(s, api.Route{Path: path, Permission: policy.RosterImport, Tag: "Roster", Summary: "List the runs of imports, newest first", Detail: "A run is kept for 90 days. A school administrator sees those of the school."},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[roster.Run], error) {
			return List(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: path + "/{run}", Permission: policy.RosterImport, Tag: "Roster", Summary: "Show a run with its report"},
		func(ctx context.Context, c *api.Call, in *Ref) (*Page, error) { return Show(ctx, c, in.Run) })
	api.Query(s, api.Route{Path: path + "/{run}/problems", Permission: policy.RosterImport, Tag: "Roster", Summary: "List what is wrong with rows of a run, by file and line",
		Detail: "A thousand rows of each file are kept, of one that was imported ten thousand; the report counts all."},
		func(ctx context.Context, c *api.Call, in *struct {
			Ref
			api.Paging
		}) (*api.List[roster.RunProblem], error) {
			return Problems(ctx, c, in.Run, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: path + "/{run}/start", Permission: policy.RosterImport, Tag: "Roster", Summary: "Import what a run has looked through, or try again what failed",
		Detail: "It is imported in the background, with the rights that you have then. Rows that are right are taken, all others are refused. A tenant imports one roster at a time."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *Ref) (*api.Done, error) {
			return Start(ctx, c, tx, in.Run)
		})
	api.Direct(s, api.Route{Method: http.MethodDelete, Path: path + "/{run}", Permission: policy.RosterImport, Tag: "Roster", Summary: "Discard a run's files without importing them", Detail: "The report stays."},
		func(ctx context.Context, c *api.Call, in *Ref) (*api.Done, error) { return Discard(ctx, c, in.Run) })
}

// reach gives the school to which the actor keeps; nil: none. Whoever keeps to a school has one.
func reach(c *api.Call, facts policy.Facts) (*uuid.UUID, error) {
	d, err := c.Decide(facts)
	if err != nil {
		return nil, err
	}
	return schoolOf(d, c.Claims.SchoolID)
}

// schoolOf gives the school to which somebody keeps by a decision about imports.
func schoolOf(d policy.Decision, own *uuid.UUID) (*uuid.UUID, error) {
	switch d.Scope {
	case policy.Whole:
		return nil, nil
	case policy.School:
		if own == nil {
			return nil, domain.Refuse(domain.Forbidden, "roster.you_have_no_school")
		}
		return own, nil
	case policy.Own, policy.Assigned, policy.Region, policy.Aggregate:
	}
	return nil, api.FiguresOnly()
}

// Sent is what somebody sends: one file after the other, and io.EOF behind the last.
type Sent func() (name string, file io.Reader, err error)

// sentAs takes a body of the API.
func sentAs(c *api.Call) (Sent, error) {
	name := map[string]string{"application/zip": "roster.zip", "text/csv": "roster.csv"}[c.UploadKind()]
	if name == "" {
		return c.UploadedFiles("file")
	}
	body, err := c.Upload()
	return func() (string, io.Reader, error) {
		if body == nil {
			return "", nil, io.EOF
		}
		one := body
		body = nil
		return name, one, nil
	}, err
}

// Upload keeps a roster and queues the look through it. sent gives it, when the policy has said yes.
func Upload(ctx context.Context, c *api.Call, sent func() (Sent, error)) (*Started, error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	next, err := sent()
	if err != nil {
		return nil, err
	}
	a, err := pack(next)
	if err != nil {
		return nil, err
	}
	out := &Started{}
	_, err = c.Server.Files.Put(ctx, c.DB, c.Actor, files.Incoming{Purpose: files.Roster, Name: "roster.zip", Body: a}, c.Now, func(tx *tenants.Tx, f *files.File) (err error) {
		out.ID, err = roster.MakeRun(ctx, tx, f, strings.Join(a.names, ", "), school, c.Now)
		return err
	})
	return out, err
}

// List lists runs, newest first.
func List(ctx context.Context, c *api.Call, p api.Paging) (*api.List[roster.Run], error) {
	school, err := reach(c, policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[roster.Run], error) {
		return roster.Runs(ctx, r, school, p.Page())
	})
}

// Show gives a run with its report.
func Show(ctx context.Context, c *api.Call, id uuid.UUID) (*Page, error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	var p Page
	err = c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if p.Run, err = roster.RunByID(ctx, r, school, id); err != nil {
			return err
		}
		if p.Report, err = roster.ReportOf(ctx, r, id); err != nil || p.State != roster.RunImporting {
			return err
		}
		p.Done, p.Lines, err = roster.Progress(ctx, r, id, p.Report)
		return err
	})
	return &p, err
}

// Problems lists what is wrong with rows of a run.
func Problems(ctx context.Context, c *api.Call, id uuid.UUID, p api.Paging) (*api.List[roster.RunProblem], error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (list domain.List[roster.RunProblem], err error) {
		if _, err := roster.RunByID(ctx, r, school, id); err != nil {
			return list, err
		}
		return roster.RunProblems(ctx, r, id, p.Page())
	})
}

// Start queues the import of a run, or again what failed.
func Start(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, roster.StartRun(ctx, tx, school, id, c.Day(), c.Now)
}

// Discard removes what was sent without importing it.
func Discard(ctx context.Context, c *api.Call, id uuid.UUID) (*api.Done, error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	var gone []files.File
	if err := c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		gone, err = roster.DiscardRun(ctx, tx, school, id, c.Now)
		return err
	}); err != nil {
		return nil, err
	}
	c.Server.Files.Erase(ctx, c.Realm, gone)
	return &api.Done{Done: true}, nil
}

// NewLearners lists the schools with learners for whom a run made accounts, by name.
func NewLearners(ctx context.Context, c *api.Call, id uuid.UUID, p api.Paging) (*api.List[roster.NewLearners], error) {
	school, err := reach(c, policy.Facts{})
	if err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (list domain.List[roster.NewLearners], err error) {
		if _, err := roster.RunByID(ctx, r, school, id); err != nil {
			return list, err
		}
		return roster.Learners(ctx, r, id, p.Page())
	})
}

// PrintCards makes sign-in cards for a batch of a school's new learners, as far as they have not chosen a password. looking asks for the run, c for the cards.
func PrintCards(ctx context.Context, c, looking *api.Call, tx *tenants.Tx, id, of uuid.UUID, batch int) (*peopleapi.CardSheet, error) {
	school, err := reach(looking, policy.Facts{})
	if err != nil {
		return nil, err
	}
	if _, err := roster.RunByID(ctx, tx, school, id); err != nil {
		return nil, err
	}
	users, err := roster.Batch(ctx, tx, id, of, batch)
	if err == nil && len(users) == 0 {
		err = domain.Refuse(domain.NotFound, "roster.nobody_is_in_this_batch")
	}
	if err != nil {
		return nil, err
	}
	return peopleapi.PrintCards(ctx, c, tx, users)
}
