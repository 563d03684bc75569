// Package exports keeps what people asked to be written into a file for them: the audit trail, figures, people. A job makes the file with the rights that they have then
// (api/exports); they alone see it, and after a week it goes.
package exports

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/domain/notices"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
)

// Job is the kind of job that makes a file. It knows the export's id alone.
const Job = "export.make"

// Kind is what is written.
type Kind string

// The kinds.
const (
	Trail   Kind = "trail"   // the realm's audit trail
	People  Kind = "people"  // the realm's accounts
	Figures Kind = "figures" // of a tenant or one of its schools
	Usage   Kind = "usage"   // the figures that all tenants publish
	Bills   Kind = "bills"   // invoices, credit notes and payments, for accountants
)

// Format is how it is written.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	JSONL Format = "jsonl" // a JSON object a line
	XLSX  Format = "xlsx"  // a workbook of Office Open XML
)

// formats are those in which a kind can be had.
var formats = map[Kind][]Format{Trail: {CSV, JSONL}, People: {CSV, XLSX}, Figures: {CSV, XLSX}, Usage: {CSV, XLSX}, Bills: {CSV, XLSX}}

// Type is the format's media type.
func (f Format) Type() string {
	switch f {
	case JSONL:
		return "application/jsonl"
	case XLSX:
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case CSV:
	}
	return "text/csv; charset=utf-8"
}

// State is how far an export is.
type State string

// The states.
const (
	Waiting State = "waiting"
	Working State = "working"
	Done    State = "done"
	Failed  State = "failed"
)

// Bounds.
const (
	Life        = 7 * 24 * time.Hour // of an export and its file: it tells of people
	mostKept    = 20                 // exports of one person
	mostWaiting = 3                  // of those, that are not made yet
	Most        = 5_000_000          // rows of one
)

// row is an export as it is stored.
type row struct {
	ID               uuid.UUID
	Kind             Kind
	Format           Format
	Asked            json.RawMessage `gorm:"type:jsonb"`
	Reach            string
	State            State
	OwnerID          uuid.UUID
	CreatedAt        time.Time
	BegunAt, EndedAt *time.Time
	Rows             int `gorm:"column:row_count"`
	FileID           *uuid.UUID
	Bytes            int64
	Fault            string
}

// TableName is GORM's.
func (row) TableName() string { return "exports" }

// Export is one as its owner sees it.
type Export struct {
	ID        uuid.UUID  `json:"id"`
	Kind      Kind       `json:"kind" enum:"trail,people,figures,usage,bills"`
	Format    Format     `json:"format" enum:"csv,jsonl,xlsx"`
	State     State      `json:"state" enum:"waiting,working,done,failed"`
	CreatedAt time.Time  `json:"created_at"`
	EndedAt   *time.Time `json:"ended_at"`
	ExpiresAt time.Time  `json:"expires_at" doc:"When it is removed"`
	Rows      int        `json:"rows" doc:"How many rows or entries the file has"`
	Bytes     int64      `json:"bytes" doc:"How large the file is; 0: there is none, or none yet"`
	Fault     words.Text `json:"fault" doc:"Why it failed"`

	Asked  json.RawMessage `json:"asked" doc:"What it is narrowed by, as it was asked for"`
	Reach  string          `json:"-"` // how far the asker's sight went then: "" everything, else the id of a school
	FileID *uuid.UUID      `json:"-"`
}

// Open reports whether it is being made, or will be.
func (e *Export) Open() bool { return e.State == Waiting || e.State == Working }

// exportSQL reads exports, and of each that is being made whether its job lives: one that was cancelled or given up tells nobody.
var exportSQL = `SELECT e.id, e.kind, e.format, e.state, e.created_at, e.ended_at, e.row_count, e.bytes, e.fault, e.asked, e.reach, e.file_id,
	e.state IN ('waiting', 'working') AND ` + jobs.Stopped("'"+Job+"'", "e.id::text") + `
	FROM exports e WHERE e.owner_id = $1::uuid `

func scan(r pgx.CollectableRow) (e Export, err error) {
	var fault string
	var stopped bool
	err = r.Scan(&e.ID, &e.Kind, &e.Format, &e.State, &e.CreatedAt, &e.EndedAt, &e.Rows, &e.Bytes, &fault, &e.Asked, &e.Reach, &e.FileID, &stopped)
	e.ExpiresAt = e.CreatedAt.Add(Life)
	switch {
	case stopped:
		e.State, e.Fault = Failed, words.Say("exports.the_work_was_stopped")
	case fault != "":
		e.Fault = words.Say(fault, "Most", Most)
	}
	return e, err
}

// Of lists somebody's exports, the newest first.
func Of(ctx context.Context, q tenants.Querier, owner uuid.UUID, page domain.Page) (domain.List[Export], error) {
	limit, after, err := page.Read(0, 1)
	if err != nil {
		return domain.List[Export]{}, err
	}
	var before *string
	if len(after) > 0 {
		before = &after[0]
	}
	rows, err := q.Query(ctx, exportSQL+`AND ($2::uuid IS NULL OR e.id < $2::uuid) ORDER BY e.id DESC LIMIT $3::integer`, owner, before, limit+1)
	if err != nil {
		return domain.List[Export]{}, err
	}
	list, err := pgx.CollectRows(rows, scan)
	return domain.Cut(list, limit, func(e Export) []string { return []string{e.ID.String()} }), err
}

// ByID gives somebody's export, or domain.NotFound: another's is not there either.
func ByID(ctx context.Context, q tenants.Querier, owner, id uuid.UUID) (Export, error) {
	rows, err := q.Query(ctx, exportSQL+`AND e.id = $2::uuid`, owner, id)
	if err != nil {
		return Export{}, err
	}
	e, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, none()
	}
	return e, err
}

func none() error { return domain.Refuse(domain.NotFound, "exports.there_is_no_such_export") }

// Ask notes that whoever acts wants something written, and queues the job. asked says what it is narrowed by, and is stored as JSON; reach how far they see: "" everything, else
// the id of a school. It gives domain.Invalid for a format in which the kind is not to be had, and domain.Conflict where they keep or wait for too many.
func Ask(ctx context.Context, tx *tenants.Tx, kind Kind, format Format, asked any, reach string, now time.Time) (uuid.UUID, error) {
	if !slices.Contains(formats[kind], format) {
		return uuid.Nil, domain.InvalidField("format", "exports.must_be_a_format_of", "First", string(formats[kind][0]), "Second", string(formats[kind][1]))
	}
	if err := tx.Lock(ctx, "exports"); err != nil {
		return uuid.Nil, err
	}
	who := tx.Who().ID
	kept, err := Of(ctx, tx, who, domain.Page{Limit: mostKept})
	if err != nil {
		return uuid.Nil, err
	}
	waiting := 0
	for i := range kept.Items {
		if kept.Items[i].Open() {
			waiting++
		}
	}
	switch {
	case waiting >= mostWaiting:
		return uuid.Nil, domain.Refuse(domain.Conflict, "exports.wait_for_those_that_are_made", "Most", mostWaiting)
	case len(kept.Items) >= mostKept:
		return uuid.Nil, domain.Refuse(domain.Conflict, "exports.remove_some_first", "Most", mostKept)
	}
	raw, err := json.Marshal(asked)
	if err != nil {
		return uuid.Nil, err
	}
	r := row{ID: audit.NewID(), Kind: kind, Format: format, Asked: raw, Reach: reach, State: Waiting, OwnerID: who, CreatedAt: now.UTC().Truncate(time.Microsecond)}
	if err := tenants.Entity[row](tx).Create(ctx, &r); err != nil {
		return uuid.Nil, err
	}
	jobs.Queue(tx, Job, r.ID.String())
	tx.Record(audit.Entry{Action: "export.ask", ObjectKind: "export", ObjectID: r.ID.String(), After: map[string]any{"kind": kind, "format": format, "asked": nameless(raw)}})
	return r.ID, nil
}

// nameless is what was asked, for the trail: what somebody looked for may be a name, which erasing that person would not find here.
func nameless(asked json.RawMessage) any {
	fields := map[string]any{}
	if json.Unmarshal(asked, &fields) != nil {
		return nil
	}
	if _, by := fields["q"]; by {
		fields["q"] = "…"
	}
	return fields
}

// Remove takes somebody's export away. Hand what it gives to the bucket's Erase. One that is being made is made for nobody then. It gives domain.NotFound.
func Remove(ctx context.Context, tx *tenants.Tx, owner, id uuid.UUID) ([]files.File, error) {
	list, err := tenants.Entity[row](tx, tenants.Held).Where("id = ? AND owner_id = ?", id, owner).Find(ctx)
	if err == nil && len(list) == 0 {
		err = none()
	}
	if err != nil {
		return nil, err
	}
	return remove(ctx, tx, "export.remove", list)
}

// Sweep removes exports that are over, some at a time. It tells whether there may be more: then it wants to be called again. Hand what it gives to the bucket's Erase.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) (gone []files.File, more bool, err error) {
	const most = 100
	list, err := tenants.Entity[row](tx, tenants.Held).Select("id", "file_id").Where("created_at < ?", now.Add(-Life)).Order("id").Limit(most).Find(ctx)
	if err != nil {
		return nil, false, err
	}
	gone, err = remove(ctx, tx, "export.expire", list)
	if len(list) == 0 {
		tx.Record(audit.Entry{Action: "export.sweep"})
	}
	return gone, len(list) == most, err
}

func remove(ctx context.Context, tx *tenants.Tx, action string, list []row) (gone []files.File, err error) {
	var ids, held []uuid.UUID
	for i := range list {
		if ids = append(ids, list[i].ID); list[i].FileID != nil {
			held = append(held, *list[i].FileID)
		}
		tx.Record(audit.Entry{Action: action, ObjectKind: "export", ObjectID: list[i].ID.String()})
	}
	if len(held) > 0 {
		if gone, err = files.Discard(ctx, tx, "file.remove", held...); err != nil {
			return nil, err
		}
	}
	if len(ids) > 0 {
		_, err = tenants.Entity[row](tx).Scopes(tenants.OneOf("id", ids)).Delete(ctx)
	}
	return gone, err
}

// Task is what a job is told of its export.
type Task struct {
	Kind    Kind
	Format  Format
	Asked   json.RawMessage
	Reach   string
	Owner   uuid.UUID
	AskedAt time.Time
}

// TaskOf tells what a job is to do; nil: nothing any more. One that failed and is let run again goes on.
func TaskOf(ctx context.Context, q tenants.Querier, id uuid.UUID) (*Task, error) {
	r, err := tenants.Entity[row](q).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) || err == nil && r.State == Done {
		return nil, nil
	}
	return &Task{r.Kind, r.Format, r.Asked, r.Reach, r.OwnerID, r.CreatedAt}, err
}

// Begin notes that a job is at it. It reports whether there is something to do.
func Begin(ctx context.Context, tx *tenants.Tx, id uuid.UUID, now time.Time) (bool, error) {
	r, err := tenants.Entity[row](tx, tenants.Held).Where("id = ? AND state <> ?", id, Done).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.State, r.BegunAt, r.EndedAt, r.Fault = Working, &now, nil, ""
	_, err = tenants.Entity[row](tx).Select("state", "begun_at", "ended_at", "fault").Updates(ctx, r)
	tx.Record(audit.Entry{Action: "export.begin", ObjectKind: "export", ObjectID: id.String()})
	return true, err
}

// End notes that an export is made, and tells its owner. f is its file; nil: there was nothing to write. It reports whether anybody still wants it: if not nothing was
// changed, and the file is to be let go.
func End(ctx context.Context, tx *tenants.Tx, id uuid.UUID, f *files.File, rows int, now time.Time) (bool, error) {
	r, err := tenants.Entity[row](tx, tenants.Held).Where("id = ? AND state <> ?", id, Done).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.State, r.EndedAt, r.Rows, r.Fault = Done, &now, rows, ""
	if f != nil {
		r.FileID, r.Bytes = &f.ID, f.Size
	}
	if _, err := tenants.Entity[row](tx).Select("state", "ended_at", "row_count", "file_id", "bytes", "fault").Updates(ctx, r); err != nil {
		return false, err
	}
	tx.Record(audit.Entry{Action: "export.end", ObjectKind: "export", ObjectID: id.String(), After: map[string]any{"rows": rows, "bytes": r.Bytes}})
	return true, notices.Tell(ctx, tx, notices.ExportReady, nil, []uuid.UUID{r.OwnerID}, now)
}

// Fail notes why an export failed: fault is the key of a message. One that is done stays so.
func Fail(ctx context.Context, tx *tenants.Tx, id uuid.UUID, fault string, now time.Time) error {
	tx.Record(audit.Entry{Action: "export.fail", ObjectKind: "export", ObjectID: id.String(), After: map[string]any{"fault": fault}})
	n, err := tenants.Entity[row](tx).Where("id = ? AND state <> ?", id, Done).Select("state", "ended_at", "fault").Updates(ctx, row{State: Failed, EndedAt: &now, Fault: fault})
	if err != nil || n == 0 {
		return err
	}
	r, err := tenants.Entity[row](tx).Select("owner_id").Where("id = ?", id).Take(ctx)
	if err != nil {
		return err
	}
	return notices.Tell(ctx, tx, notices.ExportFailed, nil, []uuid.UUID{r.OwnerID}, now)
}
