package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// begin makes the report of a file, and finds the interrupted import of the same file or begins a new one.
func (im *importer) begin(ctx context.Context, w *task) (err error) {
	w.from = 1
	w.report = &FileReport{Name: w.file.Name, Kind: w.kind, Problems: []Problem{}, Notes: w.file.notes(w.kind), Ignored: w.file.headerAt - 1}
	if w.file.headerAt > 1 {
		w.report.Notes = append(w.report.Notes, fmt.Sprintf("the header is on line %d; nothing stands before it", w.file.headerAt))
	}
	if !im.opts.DryRun {
		w.from, err = im.open(ctx, w, w.report)
	}
	return err
}

// open gives the position to go on from.
func (im *importer) open(ctx context.Context, s *task, f *FileReport) (from int, err error) {
	hash, err := hex.DecodeString(s.file.hash[:64])
	if err != nil {
		return 0, err
	}
	if rest := s.file.hash[64:]; rest != "" { // with the roles beside it, it is another file
		sum := sha256.Sum256([]byte(s.file.hash))
		hash = sum[:]
	}
	err = im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		// Two that begin at the same moment get the same row, and only one of them gets on.
		if _, err := tx.Exec(ctx, `INSERT INTO imports (id, kind, file_hash, file_name, started_at, started_by) VALUES ($1::uuid, $2::text, $3::bytea, $4::text, $5::timestamptz, $6::uuid)
			ON CONFLICT (kind, file_hash) WHERE finished_at IS NULL DO NOTHING`, audit.NewID().String(), s.kind, hash, clipText(s.file.Name, 200), im.now, im.actor.ID.String()); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT id, next_line, created, changed, unchanged, refused FROM imports
			WHERE kind = $1::text AND file_hash = $2::bytea AND finished_at IS NULL`, s.kind, hash).
			Scan(&f.ImportID, &from, &f.Created, &f.Changed, &f.Unchanged, &f.Refused); err != nil {
			return err
		}
		f.Resumed = from > 1
		tx.Record(audit.Entry{Action: "roster.import.begin", ObjectKind: "import", ObjectID: f.ImportID.String(),
			After: map[string]any{"kind": s.kind, "file_sha256": hex.EncodeToString(hash), "from": from}})
		return nil
	})
	if err != nil || !f.Resumed {
		return from, err
	}
	err = im.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		page, err := Problems(ctx, r, f.ImportID, "", maxProblems)
		f.addProblems(page.Problems)
		return err
	})
	return from, err
}

// advance notes what is done, in the chunk's own transaction.
func (im *importer) advance(ctx context.Context, tx *tenants.Tx, s step, rows []record, out *outcome, next int) error {
	id := s.report.ImportID
	problems, err := domain.JSON(out.problems)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE imports SET next_line = $2::integer, created = created + $3::integer, changed = changed + $4::integer,
		unchanged = unchanged + $5::integer, refused = refused + $6::integer WHERE id = $1::uuid`,
		id.String(), next, out.created, out.changed, out.unchanged, len(out.refused))
	if len(out.problems) > 0 {
		b.Queue(`INSERT INTO import_problems (import_id, line, field, reason) SELECT $1::uuid, p.line, left(p.field, 100), left(p.reason, 500)
			FROM jsonb_to_recordset($2::jsonb) AS p(line integer, field text, reason text)
			WHERE (SELECT refused FROM imports WHERE id = $1::uuid) <= $3::integer ON CONFLICT DO NOTHING`, id.String(), string(problems), 10*maxProblems)
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
		if _, err := tx.Exec(ctx, `UPDATE imports SET finished_at = $2::timestamptz WHERE id = $1::uuid`, f.ImportID.String(), im.now); err != nil {
			return err
		}
		tx.Record(audit.Entry{Action: "roster.import.end", ObjectKind: "import", ObjectID: f.ImportID.String(), After: map[string]any{"kind": s.kind,
			"created": f.Created, "changed": f.Changed, "unchanged": f.Unchanged, "refused": f.Refused}})
		return nil
	})
}

// ProblemPage is a page of what was wrong with an import's rows.
type ProblemPage struct {
	Problems []Problem `json:"problems"`
	Next     string    `json:"next,omitempty"`
}

// Problems lists what was wrong, by line. limit is 1 to 1000.
func Problems(ctx context.Context, q tenants.Querier, id uuid.UUID, after string, limit int) (ProblemPage, error) {
	var page ProblemPage
	if limit < 1 || limit > maxProblems {
		return page, domain.InvalidField("limit", "must be 1 to 1000")
	}
	at := []string{"0", ""}
	if after != "" {
		var err error
		if at, err = domain.ReadCursor(after, 2); err != nil {
			return page, err
		}
		if !isNumber(at[0]) {
			return page, domain.BadCursor()
		}
	}
	rows, err := q.Query(ctx, `SELECT line, field, reason FROM import_problems WHERE import_id = $1::uuid AND (line, field) > ($2::text::integer, $3::text)
		ORDER BY line, field LIMIT $4::integer`, id.String(), at[0], at[1], limit+1)
	if err != nil {
		return page, err
	}
	if page.Problems, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Problem]); err != nil {
		return page, err
	}
	if len(page.Problems) > limit {
		page.Problems = page.Problems[:limit]
		last := page.Problems[limit-1]
		page.Next = domain.Cursor(strconv.Itoa(last.Line), last.Field)
	}
	return page, nil
}
