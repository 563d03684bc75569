package roster

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tenants/limits"
)

// A run is a roster that somebody brought in the browser or by the API. A job looks through it (CheckJob), somebody reads what it found and says that it is to be
// imported, and another job does that (ImportJob). The jobs know the id of the run alone.
//
// What a run's state says of a job is true as long as the job lives: one that was cancelled or given up says nothing to anybody. So a run that is being worked on
// without such a job is shown as failed, and may be started again.

// The jobs of runs.
const (
	CheckJob  = "roster.check"
	ImportJob = "roster.import"
)

// RunState is how far a run is.
type RunState string

// The states of a run.
const (
	RunWaiting   RunState = "waiting"   // for the look through it
	RunChecking  RunState = "checking"  // it is looked through
	RunChecked   RunState = "checked"   // and somebody may say that it is to be imported
	RunImporting RunState = "importing" // or waits for its turn, where BegunAt is nil
	RunDone      RunState = "done"
	RunFailed    RunState = "failed"
	RunDiscarded RunState = "discarded" // by somebody, or after a week
)

// Bounds of runs.
const (
	FileLife = 7 * 24 * time.Hour  // of what was sent: it tells of children
	RunLife  = 90 * 24 * time.Hour // of the report
	mostKept = 20                  // runs of a tenant whose files are there
	mostName = 500                 // characters of the names of what was sent
)

// runRow is a run as it is stored.
type runRow struct {
	ID                          uuid.UUID
	State                       RunState
	SchoolID, FileID            *uuid.UUID
	FileNames                   string
	CreatedBy                   uuid.UUID
	CreatedAt                   time.Time
	CheckedAt                   *time.Time
	StartedBy                   *uuid.UUID
	StartedAt, BegunAt, EndedAt *time.Time
	Refused                     int
	Report                      *keptReport `gorm:"serializer:json"`
	Fault                       string      // words.Text.Keep
}

// TableName is GORM's.
func (runRow) TableName() string { return "roster_runs" }

// job is the one that works, or worked last, on the run.
func (r *runRow) job() string {
	if r.StartedAt == nil {
		return CheckJob
	}
	return ImportJob
}

// Run is a run as it is shown.
type Run struct {
	ID          uuid.UUID  `json:"id"`
	State       RunState   `json:"state" enum:"waiting,checking,checked,importing,done,failed,discarded" doc:"A failed run was being looked through when started_at is null, else imported"`
	SchoolID    *uuid.UUID `json:"school_id" doc:"The school to which it keeps; null: the whole tenant"`
	FileNames   string     `json:"file_names" doc:"What was sent"`
	CreatedBy   uuid.UUID  `json:"created_by"`
	CreatedName string     `json:"created_by_name"`
	CreatedAt   time.Time  `json:"created_at"`
	CheckedAt   *time.Time `json:"checked_at"`
	StartedBy   *uuid.UUID `json:"started_by" doc:"Who said that it is to be imported"`
	StartedName string     `json:"started_by_name"`
	StartedAt   *time.Time `json:"started_at"`
	BegunAt     *time.Time `json:"begun_at" doc:"When it was taken up; null: it waits for its turn"`
	EndedAt     *time.Time `json:"ended_at"`
	Refused     int        `json:"refused" doc:"Rows that were refused, or would be"`
	Fault       words.Text `json:"fault" doc:"Why it failed"`
	HasFile     bool       `json:"has_file" doc:"Whether what was sent is still kept"`
}

// Working reports whether a job is at work on it, or will be.
func (r *Run) Working() bool {
	return r.State == RunWaiting || r.State == RunChecking || r.State == RunImporting
}

// MayStart reports whether it can be imported, or looked through again where that failed.
func (r *Run) MayStart() bool {
	return r.HasFile && (r.State == RunChecked || r.State == RunFailed)
}

// MayDiscard reports whether its file can be removed without being imported.
func (r *Run) MayDiscard() bool { return r.HasFile && r.State != RunImporting && r.State != RunDone }

// runSQL reads runs, and of each that is being worked on whether its job lives.
var runSQL = `SELECT r.id, r.state, r.school_id, r.file_names, r.created_by, c.given_name || ' ' || c.family_name, r.created_at, r.checked_at, r.started_by, coalesce(s.given_name || ' ' || s.family_name, ''),
	r.started_at, r.begun_at, r.ended_at, r.refused, r.fault, r.file_id IS NOT NULL,
	r.state IN ('waiting', 'checking', 'importing') AND ` + jobs.Stopped("CASE WHEN r.started_at IS NULL THEN 'roster.check' ELSE 'roster.import' END", "r.id::text") + `
	FROM roster_runs r JOIN users c ON c.id = r.created_by LEFT JOIN users s ON s.id = r.started_by `

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	var fault string
	var stopped bool
	err = row.Scan(&r.ID, &r.State, &r.SchoolID, &r.FileNames, &r.CreatedBy, &r.CreatedName, &r.CreatedAt, &r.CheckedAt, &r.StartedBy, &r.StartedName,
		&r.StartedAt, &r.BegunAt, &r.EndedAt, &r.Refused, &fault, &r.HasFile, &stopped)
	if r.Fault = words.Kept(fault); stopped {
		r.State, r.Fault = RunFailed, words.Say("roster.the_work_was_stopped")
	}
	return r, err
}

// Runs lists runs, the newest first: all, or those of a school.
func Runs(ctx context.Context, q tenants.Querier, school *uuid.UUID, page domain.Page) (domain.List[Run], error) {
	limit, after, err := page.Read(0, 1)
	if err != nil {
		return domain.List[Run]{}, err
	}
	var before *string
	if len(after) > 0 {
		before = &after[0]
	}
	rows, err := q.Query(ctx, runSQL+`WHERE ($1::uuid IS NULL OR r.school_id = $1::uuid) AND ($2::uuid IS NULL OR r.id < $2::uuid) ORDER BY r.id DESC LIMIT $3::integer`, school, before, limit+1)
	if err != nil {
		return domain.List[Run]{}, err
	}
	list, err := pgx.CollectRows(rows, scanRun)
	return domain.Cut(list, limit, func(r Run) []string { return []string{r.ID.String()} }), err
}

// RunByID gives a run of the tenant, or with a school of that school alone; domain.NotFound for any other.
func RunByID(ctx context.Context, q tenants.Querier, school *uuid.UUID, id uuid.UUID) (Run, error) {
	rows, err := q.Query(ctx, runSQL+`WHERE r.id = $1::uuid AND ($2::uuid IS NULL OR r.school_id = $2::uuid)`, id, school)
	if err != nil {
		return Run{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, scanRun)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, noRun()
	}
	return r, err
}

func noRun() error { return domain.Refuse(domain.NotFound, "roster.there_is_no_such_run") }

// ReportOf gives the report of a run, without its problems, or of one that is being imported that of the look through it; nil: there is none yet.
func ReportOf(ctx context.Context, q tenants.Querier, id uuid.UUID) (*Report, error) {
	is, err := tenants.Entity[runRow](q).Select("id", "report").Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, noRun()
	}
	return (*Report)(is.Report), err
}

// twice are the kinds whose files are gone through twice: what gives room back comes first.
var twice = []string{"users", "classes", "enrollments"}

// Progress tells how many lines of how many are imported, by the report of the look through them.
func Progress(ctx context.Context, q tenants.Querier, id uuid.UUID, checked *Report) (done, of int, err error) {
	if checked == nil {
		return 0, 0, nil
	}
	list, err := tenants.Entity[progress](q).Select("kind", "file_name", "next_line", "finished_at").Where("run_id = ?", id).Find(ctx)
	for _, f := range checked.Files {
		if f.Kind == "" || f.Kind == "roles" {
			continue
		}
		lines := f.Lines
		if slices.Contains(twice, f.Kind) {
			lines *= 2
		}
		of += lines
		for _, is := range list {
			switch {
			case is.Kind != f.Kind || is.FileName != clipText(f.Name, 200):
			case is.FinishedAt != nil:
				done += lines
			default:
				done += min(is.NextLine-1, lines)
			}
		}
	}
	return min(done, of), of, err
}

// RunProblem is what is wrong with a row of a run.
type RunProblem struct {
	File   int        `json:"file" doc:"Of which file of the report, the first is 0"`
	Line   int        `json:"line" doc:"The line of the file; its header is line 1"`
	Field  string     `json:"field" doc:"The column; empty for the row as a whole"`
	Reason words.Text `json:"reason"`
}

// RunProblems lists what is wrong with rows, file by file and line by line. Of each file a thousand are kept, of an imported one ten thousand.
func RunProblems(ctx context.Context, q tenants.Querier, id uuid.UUID, page domain.Page) (domain.List[RunProblem], error) {
	none := domain.List[RunProblem]{}
	limit, after, err := page.Read(3, 0)
	if err != nil {
		return none, err
	}
	if after == nil {
		after = []string{"-1", "0", ""}
	}
	if line, err := strconv.ParseInt(after[0], 10, 16); err != nil || line < -1 || !isNumber(after[1]) {
		return none, domain.BadCursor()
	}
	rows, err := q.Query(ctx, `SELECT file, line, field, reason FROM roster_problems WHERE run_id = $1::uuid AND (file, line, field) > ($2::text::smallint, $3::text::integer, $4::text)
		ORDER BY file, line, field LIMIT $5::integer`, id, after[0], after[1], after[2], limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p RunProblem, err error) {
		var reason string
		err = row.Scan(&p.File, &p.Line, &p.Field, &reason)
		p.Reason = words.Kept(reason)
		return p, err
	})
	return domain.Cut(list, limit, func(p RunProblem) []string { return []string{strconv.Itoa(p.File), strconv.Itoa(p.Line), p.Field} }), err
}

// MakeRun makes a run of what was sent, and queues the look through it. With a school, rows of others will be refused. It gives domain.Conflict where too many
// are kept already.
func MakeRun(ctx context.Context, tx *tenants.Tx, f *files.File, names string, school *uuid.UUID, now time.Time) (uuid.UUID, error) {
	kept, err := tenants.Entity[runRow](tx).Where("file_id IS NOT NULL").Count(ctx, "*")
	if err != nil {
		return uuid.Nil, err
	}
	if kept >= mostKept {
		return uuid.Nil, domain.Refuse(domain.Conflict, "roster.too_many_are_kept", "Most", mostKept)
	}
	r := runRow{ID: audit.NewID(), State: RunWaiting, SchoolID: school, FileID: &f.ID, FileNames: clipText(names, mostName), CreatedBy: tx.Who().ID, CreatedAt: now.UTC().Truncate(time.Microsecond)}
	if err := tenants.Entity[runRow](tx).Create(ctx, &r); err != nil {
		return uuid.Nil, err
	}
	jobs.Queue(tx, CheckJob, r.ID.String())
	r.record(tx, "roster.upload", nil)
	return r.ID, nil
}

// record adds the entry of what was done with the run.
func (r *runRow) record(tx *tenants.Tx, action string, more map[string]any) {
	after := map[string]any{"state": r.State}
	for key, value := range more {
		after[key] = value
	}
	tx.Record(audit.Entry{Action: action, ObjectKind: "roster_run", ObjectID: r.ID.String(), After: after})
}

// heldRun gives a run that others leave alone until the transaction ends, and whether it is stopped.
func heldRun(ctx context.Context, tx *tenants.Tx, school *uuid.UUID, id uuid.UUID) (r runRow, is Run, err error) {
	r, err = tenants.Entity[runRow](tx, tenants.Held).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = noRun()
	}
	if err == nil {
		is, err = RunByID(ctx, tx, school, id)
	}
	return r, is, err
}

// StartRun queues the import of a run that was looked through, or again what failed. It gives domain.NotFound, and domain.Conflict for a run in no such state, or
// while another is being imported, and domain.OverQuota where it has more rows than the plan imports on a day of the tenant's calendar.
func StartRun(ctx context.Context, tx *tenants.Tx, school *uuid.UUID, id uuid.UUID, today, now time.Time) error {
	r, is, err := heldRun(ctx, tx, school, id)
	switch {
	case err != nil:
		return err
	case is.State == RunImporting:
		return domain.Refuse(domain.Conflict, "roster.it_is_being_imported")
	case !is.MayStart():
		return domain.Refuse(domain.Conflict, "roster.it_cannot_be_imported_now")
	}
	if is.State == RunFailed && r.StartedAt == nil {
		r.State, r.BegunAt, r.EndedAt, r.Fault = RunWaiting, nil, nil, ""
	} else {
		if err := makeWay(ctx, tx, id, now); err != nil {
			return err
		}
		if r.StartedAt == nil { // what is imported again after a fault was counted when it was started first
			if err := r.takeRows(ctx, tx, today); err != nil {
				return err
			}
		}
		who := tx.Who().ID
		now = now.UTC().Truncate(time.Microsecond)
		r.State, r.StartedBy, r.StartedAt, r.BegunAt, r.EndedAt, r.Fault = RunImporting, &who, &now, nil, nil, ""
	}
	if _, err := tenants.Entity[runRow](tx).Select("state", "started_by", "started_at", "begun_at", "ended_at", "fault").Updates(ctx, r); err != nil {
		return err
	}
	jobs.Queue(tx, r.job(), id.String())
	r.record(tx, "roster.start", nil)
	return nil
}

// takeRows counts a run's rows among those that are imported today.
func (r *runRow) takeRows(ctx context.Context, tx *tenants.Tx, today time.Time) error {
	lines := map[string]int{} // a file may have two reports
	if r.Report != nil {
		for _, f := range r.Report.Files {
			lines[f.Name] = max(lines[f.Name], f.Lines)
		}
	}
	rows := 0
	for _, n := range lines {
		rows += n
	}
	if rows == 0 {
		return nil
	}
	room, left, err := limits.TakeToday(ctx, tx, limits.ImportRows, today, int64(rows))
	if err == nil && !room {
		err = domain.Refuse(domain.OverQuota, "roster.more_rows_than_are_left_today", "Rows", rows, "Left", int(left))
	}
	return err
}

// makeWay refuses while another run is being imported. One whose job was stopped stands in nobody's way.
func makeWay(ctx context.Context, tx *tenants.Tx, id uuid.UUID, now time.Time) error {
	list, err := tenants.Entity[runRow](tx, tenants.Held).Select("id").Where("state = ? AND id <> ?", RunImporting, id).Find(ctx)
	if err != nil {
		return err
	}
	for _, other := range list { // one at the most
		is, err := RunByID(ctx, tx, nil, other.ID)
		if err != nil {
			return err
		}
		if is.State == RunImporting {
			return domain.Refuse(domain.Conflict, "roster.another_is_being_imported")
		}
		other.State, other.EndedAt, other.Fault = RunFailed, &now, is.Fault.Keep(mostKeptText)
		if _, err := tenants.Entity[runRow](tx).Select("state", "ended_at", "fault").Updates(ctx, other); err != nil {
			return err
		}
		other.record(tx, "roster.end", nil)
	}
	return nil
}

// DiscardRun removes what was sent, without importing it; the report stays. Hand what it gives to the bucket's Erase. It gives domain.NotFound, and
// domain.Conflict for a run whose file is gone or that is being imported.
func DiscardRun(ctx context.Context, tx *tenants.Tx, school *uuid.UUID, id uuid.UUID, now time.Time) ([]files.File, error) {
	r, is, err := heldRun(ctx, tx, school, id)
	switch {
	case err != nil:
		return nil, err
	case is.State == RunImporting:
		return nil, domain.Refuse(domain.Conflict, "roster.it_is_being_imported")
	case !is.MayDiscard():
		return nil, domain.Refuse(domain.Conflict, "roster.its_file_is_gone")
	}
	gone, err := files.Discard(ctx, tx, "file.remove", *r.FileID)
	if err != nil {
		return nil, err
	}
	r.State, r.FileID, r.EndedAt = RunDiscarded, nil, &now
	_, err = tenants.Entity[runRow](tx).Select("state", "file_id", "ended_at").Updates(ctx, r)
	r.record(tx, "roster.discard", nil)
	return gone, err
}

// Work is what a job is told of its run.
type Work struct {
	File     uuid.UUID
	Who      uuid.UUID  // who asked for it, with whose rights it is done
	SchoolID *uuid.UUID // to which the run keeps
}

// WorkOf tells what a job is to do; nil: nothing any more. It does not begin it.
func WorkOf(ctx context.Context, q tenants.Querier, job string, id uuid.UUID) (*Work, error) {
	r, err := tenants.Entity[runRow](q).Omit("report").Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	if err != nil || !r.open(job) {
		return nil, err
	}
	w := Work{*r.FileID, r.CreatedBy, r.SchoolID}
	if r.StartedBy != nil {
		w.Who = *r.StartedBy
	}
	return &w, nil
}

// open reports whether there is something left for a job to do. One that was given up, and somebody let run again, goes on.
func (r *runRow) open(job string) bool {
	return r.FileID != nil && r.job() == job && (r.State == RunWaiting || r.State == RunChecking || r.State == RunImporting || r.State == RunFailed)
}

// TakeUp notes that a job has begun. It reports whether there is something to do, and gives domain.Conflict while another run is being imported.
func TakeUp(ctx context.Context, tx *tenants.Tx, job string, id uuid.UUID, now time.Time) (bool, error) {
	r, err := tenants.Entity[runRow](tx, tenants.Held).Where("id = ?", id).Take(ctx)
	if err != nil || !r.open(job) {
		return false, err
	}
	if r.State = RunChecking; job == ImportJob {
		if r.State = RunImporting; makeWay(ctx, tx, id, now) != nil {
			return false, domain.Refuse(domain.Conflict, "roster.another_waits")
		}
	}
	r.BegunAt, r.EndedAt, r.Fault = &now, nil, ""
	_, err = tenants.Entity[runRow](tx).Select("state", "begun_at", "ended_at", "fault").Updates(ctx, r)
	r.record(tx, "roster.begin", nil)
	return true, err
}

// EndRun notes what came of a job: its report, as far as it came, and why it failed; a zero fault is none. When all is imported what was sent is removed: hand what
// it gives to the bucket's Erase.
func EndRun(ctx context.Context, tx *tenants.Tx, job string, id uuid.UUID, rep *Report, fault words.Text, now time.Time) (gone []files.File, err error) {
	r, err := tenants.Entity[runRow](tx, tenants.Held).Where("id = ?", id).Take(ctx)
	if err != nil {
		return nil, err
	}
	if r.job() != job || r.State == RunDiscarded || r.State == RunDone {
		r.record(tx, "roster.end", nil)
		return nil, nil
	}
	r.Fault = fault.Keep(mostKeptText)
	switch {
	case r.Fault != "":
		r.State, r.EndedAt = RunFailed, &now
	case job == CheckJob:
		r.State, r.CheckedAt = RunChecked, &now
	default:
		r.State, r.EndedAt = RunDone, &now
		if r.FileID != nil {
			if gone, err = files.Discard(ctx, tx, "file.remove", *r.FileID); err != nil {
				return nil, err
			}
		}
		r.FileID = nil
	}
	if rep != nil && len(rep.Files) > 0 {
		if err := keepProblems(ctx, tx, id, rep); err != nil {
			return nil, err
		}
		kept := Report{DryRun: rep.DryRun, Files: slices.Clone(rep.Files)}
		r.Refused = 0
		for i := range kept.Files {
			r.Refused += kept.Files[i].Refused
			kept.Files[i].Problems = []Problem{}
		}
		r.Report = (*keptReport)(&kept)
	}
	_, err = tenants.Entity[runRow](tx).Select("state", "file_id", "checked_at", "ended_at", "refused", "report", "fault").Updates(ctx, r)
	r.record(tx, "roster.end", map[string]any{"refused": r.Refused})
	return gone, err
}

// keepProblems puts the problems of a report in place of those that are there.
func keepProblems(ctx context.Context, tx *tenants.Tx, id uuid.UUID, rep *Report) error {
	type told struct {
		File   int    `json:"file"`
		Line   int    `json:"line"`
		Field  string `json:"field"`
		Reason string `json:"reason"`
	}
	var own []told
	var places []int
	var imports []string
	for i, f := range rep.Files {
		if f.ImportID != uuid.Nil { // they are stored, and more of them than the report carries
			places, imports = append(places, i), append(imports, f.ImportID.String())
			continue
		}
		for _, p := range f.Problems {
			own = append(own, told{i, p.Line, p.Field, p.Reason.Keep(mostKeptText)})
		}
	}
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM roster_problems WHERE run_id = $1::uuid`, id)
	b.Queue(`INSERT INTO roster_problems (run_id, file, line, field, reason) SELECT $1::uuid, p.file, p.line, left(p.field, 100), p.reason
		FROM jsonb_to_recordset($2::jsonb) AS p(file smallint, line integer, field text, reason text) ON CONFLICT DO NOTHING`, id, domain.Recordset(own))
	b.Queue(`INSERT INTO roster_problems (run_id, file, line, field, reason) SELECT $1::uuid, f.file, p.line, p.field, p.reason
		FROM unnest($2::integer[], $3::text[]) AS f(file, import) JOIN import_problems p ON p.import_id = f.import::uuid ON CONFLICT DO NOTHING`, id, places, imports)
	return tx.SendBatch(ctx, b).Close()
}

// SweepRuns removes what was sent a week ago, and forgets runs of 90 days ago, some at a time. It tells whether there may be more: then it wants to be called again.
// Hand what it gives to the bucket's Erase.
func SweepRuns(ctx context.Context, tx *tenants.Tx, now time.Time) (gone []files.File, more bool, err error) {
	const most = 100
	list, err := tenants.Entity[runRow](tx, tenants.Held).Select("id", "file_id").Where("file_id IS NOT NULL AND created_at < ?", now.Add(-FileLife)).Order("id").Limit(most).Find(ctx)
	if err != nil {
		return nil, false, err
	}
	var of []uuid.UUID
	for i := range list {
		of = append(of, *list[i].FileID)
	}
	if len(of) > 0 {
		if gone, err = files.Discard(ctx, tx, "file.remove", of...); err != nil {
			return nil, false, err
		}
		for i := range list {
			of[i] = list[i].ID
		}
		if _, err := tenants.Entity[runRow](tx).Scopes(tenants.OneOf("id", of)).Where("state <> ?", RunDone).Select("state", "ended_at").Updates(ctx, runRow{State: RunDiscarded, EndedAt: &now}); err != nil {
			return nil, false, err
		}
	}
	past, err := tenants.Entity[runRow](tx).Select("id").Where("file_id IS NULL AND created_at < ?", now.Add(-RunLife)).Order("id").Limit(most).Find(ctx)
	if err != nil {
		return nil, false, err
	}
	of = nil
	for i := range past {
		of = append(of, past[i].ID)
	}
	if len(of) > 0 {
		if _, err := tenants.Entity[runRow](tx).Scopes(tenants.OneOf("id", of)).Delete(ctx); err != nil {
			return nil, false, err
		}
	}
	tx.Record(audit.Entry{Action: "roster.sweep", ObjectKind: "roster_run", After: map[string]any{"files": len(gone), "runs": len(past)}})
	return gone, len(list) == most || len(past) == most, nil
}
