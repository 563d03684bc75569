package exports

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/tables"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
)

// Work is what the job of exports needs.
type Work struct {
	Rules *policy.Engine
	Files *files.Bucket
}

// Time is how long one run of the job may take. One that takes longer begins anew, so what takes longer each time fails.
const Time = 30 * time.Minute

// errNothing ends a transaction in which there was nothing left to do.
var errNothing = errors.New("nobody wants it any more")

// Run writes an export's file. What went wrong for good is the export's, and told to whoever asked; what may go well another time is the job's, until it is tried no more.
// A run that dies leaves bytes without a row, which the sweep of files finds, and the next begins anew.
func (w Work) Run(ctx context.Context, j *jobs.Job) error {
	if uuid.Validate(j.About) != nil { // about no export
		return nil
	}
	id := uuid.MustParse(j.About)
	err := w.try(ctx, j, id)
	fault := ""
	switch code := domain.CodeOf(err); {
	case err == nil, errors.Is(err, errNothing):
		return nil
	case code == domain.Forbidden, code == domain.NotFound:
		fault, err = "exports.you_may_not_any_more", nil
	case code == domain.TooLarge:
		fault, err = "exports.it_is_too_large", nil
	case code == domain.OverQuota:
		fault, err = "exports.the_plan_has_no_room", nil
	case code == domain.Invalid:
		fault, err = "exports.what_was_asked_makes_no_sense_now", nil
	case j.Final(ctx, err):
		fault = "tenants.it_failed_the_log_has"
	default:
		return err
	}
	ctx, cancel := jobs.Afterwards(ctx)
	defer cancel()
	if wrong := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error { return exports.Fail(ctx, tx, id, fault, j.Now) }); wrong != nil {
		return errors.Join(err, wrong)
	}
	return err
}

// try makes an export, if there is something to do.
func (w Work) try(ctx context.Context, j *jobs.Job, id uuid.UUID) error {
	var task *exports.Task
	if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		task, err = exports.TaskOf(ctx, r, id)
		return err
	}); err != nil || task == nil {
		return err
	}
	a, err := api.AskerOf(ctx, j, w.Rules, task.Owner)
	if err != nil {
		return err
	}
	return w.make(ctx, j, a, id, task)
}

// make writes the file, if the asker still sees what is to be in it.
func (w Work) make(ctx context.Context, j *jobs.Job, a *api.Asker, id uuid.UUID, task *exports.Task) error {
	d, err := a.Decide(ctx, permissionOf(task.Kind, j.Tenant != nil), policy.Facts{Listing: true})
	if err != nil {
		return err
	}
	if !reaches(d, a.User.SchoolID, task.Reach) {
		return domain.Refuse(domain.Forbidden, "exports.you_see_less_than_what_is_in_it")
	}
	if task.Reach != "" && d.Scope != policy.School { // whoever sees more now asks again: what is written goes no further than was asked for
		return domain.Refuse(domain.Invalid, "exports.what_was_asked_makes_no_sense_now")
	}
	m := &maker{j: j, a: a, d: d, task: task}
	fill, err := m.filler()
	if err != nil {
		return err
	}
	if err := j.DB.Write(ctx, a.Actor, func(tx *tenants.Tx) error {
		open, err := exports.Begin(ctx, tx, id, time.Now())
		if err == nil && !open {
			return errNothing
		}
		return err
	}); err != nil {
		return err
	}
	end := func(tx *tenants.Tx, f *files.File) error {
		wanted, err := exports.End(ctx, tx, id, f, m.out.rows, time.Now())
		if err == nil && !wanted {
			return errNothing
		}
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from, to := io.Pipe()
	m.out = newSink(to, task.Format, a.Zone())
	ended := make(chan error, 1)
	go func() {
		err := fill(ctx)
		if err == nil {
			err = m.out.close()
		}
		_ = to.CloseWithError(err) // it gives none
		ended <- err
	}()
	select {
	case err := <-ended:
		if err == nil { // without a row
			err = j.DB.Write(ctx, a.Actor, func(tx *tenants.Tx) error { return end(tx, nil) })
		}
		return err
	case <-m.out.first:
	}
	_, err = w.Files.Put(ctx, j.DB, a.Actor, files.Incoming{Purpose: files.Export, Name: m.fileName(), Type: task.Format.Type(), Body: from}, j.Now, end)
	cancel()
	_ = from.CloseWithError(errNothing) // whoever still writes is at an end
	if wrong := <-ended; err == nil {   // of what Put has had to its end nothing went wrong
		err = wrong
	}
	return err
}

// fileName is how a file is offered for saving.
func (m *maker) fileName() string {
	what := map[exports.Kind]string{exports.Trail: "audit-trail", exports.People: "people", exports.Figures: "figures", exports.Usage: "use-of-all-tenants", exports.Bills: "bills"}[m.task.Kind]
	return fmt.Sprintf("%s-%s-%s.%s", m.j.DB.Realm().Name(), what, m.task.AskedAt.In(m.a.Zone()).Format(time.DateOnly), m.task.Format)
}

// sink takes what is to be written, and counts it. Nothing is written before the first row: of nothing there is no file.
type sink struct {
	first   chan struct{} // closed with the first row
	rows    int
	table   tables.Writer // nil: it takes objects
	objects *bufio.Writer
	title   string // of a table that has no row yet
	columns []tables.Column
}

func newSink(to io.Writer, as exports.Format, zone *time.Location) *sink {
	s := &sink{first: make(chan struct{})}
	switch as {
	case exports.JSONL:
		s.objects = bufio.NewWriterSize(to, 64<<10)
	case exports.XLSX:
		s.table = tables.NewWorkbook(to, zone)
	case exports.CSV:
		s.table = tables.NewCSV(to)
	}
	return s
}

// begin begins a table. One without rows is left out.
func (s *sink) begin(title string, columns []tables.Column) { s.title, s.columns = title, columns }

func (s *sink) count() error {
	if s.rows++; s.rows == 1 {
		close(s.first)
	}
	if s.rows > exports.Most {
		return domain.Refuse(domain.TooLarge, "exports.it_is_too_large", "Most", exports.Most)
	}
	return nil
}

// row adds a row to the table that was begun last.
func (s *sink) row(cells ...any) error {
	if err := s.count(); err != nil {
		return err
	}
	if s.columns != nil {
		if err := s.table.Table(s.title, s.columns); err != nil {
			return err
		}
		s.columns = nil
	}
	return s.table.Row(cells...)
}

// object adds a line of JSON.
func (s *sink) object(v any) error {
	if err := s.count(); err != nil {
		return err
	}
	line, err := domain.JSON(v)
	if err == nil {
		_, err = s.objects.Write(append(line, '\n'))
	}
	return err
}

func (s *sink) close() error {
	switch {
	case s.rows == 0:
		return nil
	case s.objects != nil:
		return s.objects.Flush()
	}
	return s.table.Close()
}

// maker writes one export.
type maker struct {
	j    *jobs.Job
	a    *api.Asker
	d    policy.Decision // of the permission to read what is written
	task *exports.Task
	out  *sink
}

// filler gives what fills the file, when what was asked is read.
func (m *maker) filler() (func(ctx context.Context) error, error) {
	switch m.task.Kind {
	case exports.Trail:
		return reading(m.task, m.trail)
	case exports.People:
		return reading(m.task, m.people)
	case exports.Figures:
		return reading(m.task, m.figures)
	case exports.Usage:
		return reading(m.task, m.usage)
	case exports.Bills:
		return reading(m.task, m.bills)
	}
	return nil, fmt.Errorf("exports: there is no kind %q", m.task.Kind)
}

func reading[T any](task *exports.Task, fill func(ctx context.Context, asked *T) error) (func(ctx context.Context) error, error) {
	asked := new(T)
	if err := json.Unmarshal(task.Asked, asked); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return fill(ctx, asked) }, nil
}

// Sweep removes exports that are over.
func (w Work) Sweep(ctx context.Context, j *jobs.Job) error {
	for more := true; more; {
		var gone []files.File
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) (err error) {
			gone, more, err = exports.Sweep(ctx, tx, j.Now)
			return err
		}); err != nil {
			return err
		}
		w.Files.Erase(ctx, j.DB.Realm(), gone)
	}
	return nil
}
