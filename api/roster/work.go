package roster

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/roster"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
)

// Work is what the jobs of imports need.
type Work struct {
	Rules *policy.Engine
	Files *files.Bucket
}

// Limits of one run of the jobs. An import that takes longer goes on where it was.
const (
	CheckTime  = 20 * time.Minute
	ImportTime = 50 * time.Minute
)

// Run does what a job of imports is to do: it looks through a run's files, or imports them. What went wrong for good is the run's, and told on its page; what may go well
// another time is the job's, until it is tried no more.
func (w Work) Run(ctx context.Context, j *jobs.Job) error {
	if j.About == "" { // about no run
		return nil
	}
	id, err := uuid.Parse(j.About)
	if err != nil {
		return err
	}
	var todo *roster.Work
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		todo, err = roster.WorkOf(ctx, r, j.Kind, id)
		return err
	}); err != nil || todo == nil {
		return err
	}
	who, opts, err := w.rights(ctx, j, todo)
	if err != nil {
		return w.end(ctx, j, j.Actor(), id, nil, err)
	}
	opts.Run, opts.DryRun = id, j.Kind == roster.CheckJob
	begun := false
	if err := j.DB.Write(ctx, who, func(tx *tenants.Tx) (err error) {
		begun, err = roster.TakeUp(ctx, tx, j.Kind, id, j.Now)
		if err == nil && !begun {
			return errNothing
		}
		return err
	}); err != nil || !begun {
		if err == errNothing {
			return nil
		}
		return err
	}
	rep, err := w.read(ctx, j, who, todo.File, opts)
	return w.end(ctx, j, who, id, rep, err)
}

// errNothing ends a transaction in which there was nothing left to do.
var errNothing = domain.Refuse(domain.NotFound, "roster.there_is_no_such_run")

// rights gives whoever asked for a run's work, as they are now, and what they may. It gives domain.Forbidden for somebody who may not import any more, or no longer
// for that school.
func (w Work) rights(ctx context.Context, j *jobs.Job, todo *roster.Work) (who audit.Actor, opts roster.Options, err error) {
	a, err := api.AskerOf(ctx, j, w.Rules, todo.Who)
	if err != nil {
		return who, opts, err
	}
	gone := domain.Refuse(domain.Forbidden, "roster.who_asked_may_not_import", "Name", a.User.GivenName+" "+a.User.FamilyName)
	d, err := a.Decide(ctx, policy.RosterImport, policy.Facts{})
	if domain.CodeOf(err) == domain.Forbidden {
		err = gone
	}
	if err != nil {
		return who, opts, err
	}
	if opts.OnlySchool, err = schoolOf(d, a.User.SchoolID); err != nil {
		return who, opts, gone
	}
	switch {
	case opts.OnlySchool == nil:
		opts.OnlySchool = todo.SchoolID
	case todo.SchoolID == nil || *todo.SchoolID != *opts.OnlySchool:
		return who, opts, gone
	}
	for _, role := range a.Enforcer.Roles() {
		if policy.CheckAssign(a.Enforcer, a.User.Roles, role) == nil {
			opts.Roles = append(opts.Roles, role)
		}
	}
	return a.Actor, opts, nil
}

// read looks through a run's files, or imports them.
func (w Work) read(ctx context.Context, j *jobs.Job, who audit.Actor, file uuid.UUID, opts roster.Options) (*roster.Report, error) {
	var f files.File
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = files.ByID(ctx, r, file)
		return err
	}); err != nil {
		return nil, err
	}
	whole, err := w.Files.Open(ctx, j.DB.Realm(), &f)
	if err != nil {
		return nil, err
	}
	defer whole.Close()
	list, err := roster.Unpack(whole, whole.Size)
	if err != nil {
		return nil, err
	}
	rep, err := roster.Import(ctx, j.DB, who, list, opts, j.Now)
	return &rep, err
}

// end stores what came of it. An error that another try may not have stays the job's, and the run says that it is at work; that it was stopped from outside is
// nobody's fault.
func (w Work) end(ctx context.Context, j *jobs.Job, who audit.Actor, id uuid.UUID, rep *roster.Report, wrong error) error {
	fault := words.Text{}
	if wrong != nil {
		forGood := false
		switch domain.CodeOf(wrong) {
		case domain.Invalid, domain.TooLarge, domain.Forbidden, domain.NotFound, domain.OverQuota:
			forGood, fault = true, said(wrong)
		case domain.Conflict, domain.Unavailable:
			fault = said(wrong)
		default:
			fault = words.Say("tenants.it_failed_the_log_has")
		}
		if !forGood && !j.Final(ctx, wrong) {
			return wrong
		}
		if forGood {
			wrong = nil
		}
	}
	ctx, cancel := jobs.Afterwards(ctx)
	defer cancel()
	var gone []files.File
	err := j.DB.Write(ctx, who, func(tx *tenants.Tx) (err error) {
		gone, err = roster.EndRun(ctx, tx, j.Kind, id, rep, fault, time.Now().UTC())
		return err
	})
	if err != nil {
		if wrong != nil {
			return wrong
		}
		return err
	}
	w.Files.Erase(ctx, j.DB.Realm(), gone)
	return wrong
}

// said gives what an error says to people, with what is wrong with the file as sentences by themselves.
func said(err error) words.Text {
	d, ok := err.(*domain.Error)
	if !ok {
		return words.Of(err)
	}
	if len(d.Fields) == 0 {
		return d.Message
	}
	var list []words.Text
	for _, f := range d.Fields {
		list = append(list, words.Say("roster.the_file_says", "Reason", f.Reason).Sentence())
	}
	return words.Join(" ", list...)
}

// Sweep removes files of rosters that nobody imported, and forgets old reports.
func (w Work) Sweep(ctx context.Context, j *jobs.Job) error {
	for more := true; more; {
		var gone []files.File
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) (err error) {
			gone, more, err = roster.SweepRuns(ctx, tx, j.Now)
			return err
		}); err != nil {
			return err
		}
		w.Files.Erase(ctx, j.DB.Realm(), gone)
	}
	return nil
}
