package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// progress is how far the import of a file is, by its kind and the hash of what is in it.
type progress struct {
	ID                                   uuid.UUID
	Kind                                 string
	FileHash                             []byte
	FileName                             string // at most 200 characters
	NextLine                             int    // the first position that is not done
	Created, Changed, Unchanged, Refused int
	Warned                               map[string]warnedLines `gorm:"serializer:json"`
	Problems                             int                    // that were told, more than are kept
	StartedAt                            time.Time
	StartedBy                            uuid.UUID
	FinishedAt                           *time.Time
	RunID                                *uuid.UUID
	Report                               *keptFile `gorm:"serializer:json"` // of a run's, once it is finished
}

// TableName is GORM's.
func (progress) TableName() string { return "imports" }

// running is a scope: the imports that have not come to their end.
func running(s *gorm.Statement) { s.Where("finished_at IS NULL") }

// hold returns how far an import is that runs, and keeps others from it until the transaction ends. That it is elsewhere than from, or over, is
// domain.Conflict.
func hold(ctx context.Context, tx *tenants.Tx, id uuid.UUID, from int) (progress, error) {
	is, err := tenants.Entity[progress](tx, tenants.Held).Scopes(running).Where("id = ?", id).Take(ctx)
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return is, err
	}
	if err != nil || is.NextLine != from {
		return is, domain.Refuse(domain.Conflict, "roster.the_same_file_is_being")
	}
	return is, nil
}

// begin makes the report of a file, and finds the interrupted import of the same file or begins a new one.
func (im *importer) begin(ctx context.Context, w *task) (err error) {
	w.from = 1
	w.report = &FileReport{Name: w.file.Name, Kind: w.kind, Problems: []Problem{}, Notes: w.file.notes(w.kind), Ignored: w.file.headerAt - 1}
	if w.file.headerAt > 1 {
		w.note("roster.the_header_is_on_line", "Line", strconv.Itoa(w.file.headerAt))
	}
	if !im.opts.DryRun {
		w.from, err = im.open(ctx, w, w.report)
	}
	return err
}

// oneRunning leaves the import of a file that runs already as it is.
var oneRunning = clause.OnConflict{Columns: []clause.Column{{Name: "kind"}, {Name: "file_hash"}}, DoNothing: true,
	TargetWhere: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "finished_at IS NULL"}}}}

// open returns the position to go on from.
func (im *importer) open(ctx context.Context, s *task, f *FileReport) (from int, err error) {
	hash, err := hex.DecodeString(s.file.hash[:64])
	if err != nil {
		return 0, err
	}
	if rest := s.file.hash[64:]; rest != "" { // with the roles beside it, it is another file
		sum := sha256.Sum256([]byte(s.file.hash))
		hash = sum[:]
	}
	var run *uuid.UUID
	if im.opts.Run != uuid.Nil {
		run = &im.opts.Run
		before, err := im.finished(ctx, s.kind, hash)
		if err != nil || before != nil {
			s.over, s.report = before != nil, before
			return 0, err
		}
	}
	err = im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		// Two that begin at the same moment get the same row, and only one of them gets on.
		if err := tenants.Entity[progress](tx, oneRunning).Create(ctx, &progress{ID: audit.NewID(), Kind: s.kind, FileHash: hash, FileName: clipText(s.file.Name, 200),
			NextLine: 1, Warned: map[string]warnedLines{}, StartedAt: im.now, StartedBy: im.actor.ID, RunID: run}); err != nil {
			return err
		}
		is, err := tenants.Entity[progress](tx).Scopes(running).Where("kind = ? AND file_hash = ?", s.kind, hash).Take(ctx)
		if err != nil {
			return err
		}
		from, f.ImportID, f.Created, f.Changed, f.Unchanged, f.Refused = is.NextLine, is.ID, is.Created, is.Changed, is.Unchanged, is.Refused
		f.Resumed = from > 1
		if f.More = is.Problems; len(is.Warned) > 0 {
			s.warned = is.Warned
		}
		if run != nil && (is.RunID == nil || *is.RunID != *run) { // of one that broke off, and is gone on with here
			if _, err := tenants.Entity[progress](tx).Where("id = ?", is.ID).Update(ctx, "run_id", run); err != nil {
				return err
			}
		}
		tx.Record(audit.Entry{Action: "roster.import.begin", ObjectKind: "import", ObjectID: f.ImportID.String(),
			After: map[string]any{"kind": s.kind, "file_sha256": hex.EncodeToString(hash), "from": from}})
		return nil
	})
	if err != nil || !f.Resumed {
		return from, err
	}
	err = im.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		page, err := Problems(ctx, r, f.ImportID, "", maxProblems)
		f.Problems, f.More = page.Problems, max(0, f.More-len(page.Problems))
		return err
	})
	return from, err
}

// finished gives what became of a file that the run has imported before; nil: it has not.
func (im *importer) finished(ctx context.Context, kind string, hash []byte) (*FileReport, error) {
	var list []progress
	err := im.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		list, err = tenants.Entity[progress](r).Where("run_id = ? AND kind = ? AND file_hash = ? AND finished_at IS NOT NULL", im.opts.Run, kind, hash).Limit(1).Find(ctx)
		return err
	})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return (*FileReport)(list[0].Report), nil
}

// advance notes what is done, in the chunk's own transaction, which holds what was.
func (im *importer) advance(ctx context.Context, tx *tenants.Tx, was progress, s step, rows []record, out *outcome, next int) error {
	id, is := was.ID, was
	is.NextLine, is.Created, is.Changed, is.Unchanged, is.Refused = next, was.Created+out.created, was.Changed+out.changed, was.Unchanged+out.unchanged, was.Refused+len(out.refused)
	is.Warned, is.Problems = s.warnedWith(out.warned), was.Problems+len(out.problems)
	type told struct {
		Line   int    `json:"line"`
		Field  string `json:"field"`
		Reason string `json:"reason"`
	}
	problems := make([]told, len(out.problems))
	for i, p := range out.problems {
		problems[i] = told{p.Line, p.Field, p.Reason.Keep(mostKeptText)}
	}
	b := &pgx.Batch{}
	if _, err := tenants.Entity[progress](tenants.Into(b)).Select("next_line", "created", "changed", "unchanged", "refused", "warned", "problems").Updates(ctx, is); err != nil {
		return err
	}
	if len(out.problems) > 0 {
		b.Queue(`INSERT INTO import_problems (import_id, line, field, reason) SELECT $1::uuid, p.line, left(p.field, 100), p.reason
			FROM jsonb_to_recordset($2::jsonb) AS p(line integer, field text, reason text)
			WHERE (SELECT refused FROM imports WHERE id = $1::uuid) <= $3::integer ON CONFLICT DO NOTHING`, id.String(), domain.Recordset(problems), 10*maxProblems)
	}
	tx.Record(audit.Entry{Action: "roster.import.chunk", ObjectKind: "import", ObjectID: id.String(), After: map[string]any{"kind": s.kind, "from_line": max(1, s.from-s.position(0)), "to_line": next - 1 - s.position(0), "gives_room_back": s.pass == freeing,
		"created": out.created, "changed": out.changed, "unchanged": out.unchanged, "refused": len(out.refused), "rows_sha256": digest(rows)}})
	return tx.SendBatch(ctx, b).Close()
}

// close ends a pass.
func (im *importer) close(ctx context.Context, s *task) error {
	f := s.report
	if im.opts.DryRun {
		return nil
	}
	return im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		is := progress{ID: f.ImportID, FinishedAt: &im.now}
		if im.opts.Run != uuid.Nil {
			kept := *f
			kept.Problems = []Problem{} // they stand in import_problems
			is.Report = (*keptFile)(&kept)
		}
		if _, err := tenants.Entity[progress](tx).Select("finished_at", "report").Updates(ctx, is); err != nil {
			return err
		}
		tx.Record(audit.Entry{Action: "roster.import.end", ObjectKind: "import", ObjectID: f.ImportID.String(), After: map[string]any{"kind": s.kind,
			"created": f.Created, "changed": f.Changed, "unchanged": f.Unchanged, "refused": f.Refused}})
		return nil
	})
}

// problem is a Problem of an import, whose reason is kept as words.Text.Keep gives it.
type problem struct {
	ImportID      uuid.UUID
	Line          int
	Field, Reason string
}

// TableName is GORM's.
func (problem) TableName() string { return "import_problems" }

// ProblemPage is a page of what was wrong with an import's rows.
type ProblemPage struct {
	Problems []Problem `json:"problems"`
	Next     string    `json:"next,omitempty"`
}

// Problems lists what was wrong, by line. limit is 1 to 1000.
func Problems(ctx context.Context, q tenants.Querier, id uuid.UUID, after string, limit int) (ProblemPage, error) {
	var page ProblemPage
	if limit < 1 || limit > maxProblems {
		return page, domain.InvalidField("limit", "roster.must_be_1_to_1000")
	}
	var at []string
	if after != "" {
		var err error
		if at, err = domain.ReadCursor(after, 2); err != nil {
			return page, err
		}
		if !isNumber(at[0]) {
			return page, domain.BadCursor()
		}
	}
	list, err := tenants.Entity[problem](q).Where("import_id = ?", id).Scopes(tenants.Page("line, field", at, limit+1)).Find(ctx)
	if err != nil {
		return page, err
	}
	page.Problems = make([]Problem, len(list))
	for i, p := range list {
		page.Problems[i] = Problem{p.Line, p.Field, words.Kept(p.Reason)}
	}
	if len(page.Problems) > limit {
		page.Problems = page.Problems[:limit]
		last := page.Problems[limit-1]
		page.Next = domain.Cursor(strconv.Itoa(last.Line), last.Field)
	}
	return page, nil
}
