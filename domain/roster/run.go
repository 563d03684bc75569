package roster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"lignum/domain"
	"lignum/tenants"
)

// run does one pass: whole chunks, each its own transaction.
func (im *importer) run(ctx context.Context, s step) error {
	if s.report == nil {
		if err := im.begin(ctx, s.task); err != nil {
			return err
		}
	}
	if s.over {
		im.skipped = im.skipped || s.kind == "users"
		return nil
	}
	src, why := s.file.rows()
	if !why.IsZero() {
		return domain.InvalidField("file", "roster.file_left_out", "Name", s.file.Name, "Why", why)
	}
	defer src.Close()
	if what := fmt.Sprint(s.kind, s.pass); im.seen == nil || im.seen.what != what {
		im.seen = newSeen(what)
	}
	im.seen.in(s.file.Name)
	chunk := make([]record, 0, chunkRows)
	var bad []Problem
	for {
		line, err := src.next()
		if err != nil && err != io.EOF {
			return err
		}
		ended := err == io.EOF
		if !ended {
			row, problem := im.sift(s, line)
			switch {
			case problem != nil && s.position(problem.Line) >= s.from:
				bad = append(bad, *problem)
			case row != nil && s.position(row.line) >= s.from:
				chunk = append(chunk, *row)
			}
		}
		if len(chunk)+len(bad) < chunkRows && !ended {
			continue
		}
		if len(chunk)+len(bad) > 0 {
			next := s.position(src.at) + 1
			if err := im.doChunk(ctx, s, chunk, bad, next); err != nil {
				return err
			}
			s.from = next
			if im.opts.Progress != nil {
				im.opts.Progress(s.kind, src.at)
			}
		}
		if ended {
			if s.pass == freeing {
				return nil
			}
			s.report.Lines = src.at - 1
			s.tell()
			return im.close(ctx, s.task)
		}
		chunk, bad = make([]record, 0, chunkRows), nil
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// sift returns what of a line belongs to the pass: a row, or what is wrong with it. What is no row is counted, in the pass that comes last.
func (im *importer) sift(s step, line reading) (*record, *Problem) {
	last := s.pass != freeing
	if last && line.more > 0 {
		s.ignore(inCellAbove, line.at+1, line.more)
	}
	if line.empty {
		if last {
			s.ignore(isEmpty, line.at, 1)
		}
		return nil, nil
	}
	problem := line.problem
	if problem == nil {
		problem = im.seen.check(s.kind, line.row)
	}
	if problem == nil && last {
		s.clip(line.row)
	}
	switch {
	case problem == nil && s.kind == "users":
		if role := im.roles[line.row.get("sourcedid")]; role != nil {
			role.used = true
		}
	case problem != nil && last && s.kind == "guardians":
		s.ignore("roster.refused_above_among_the_accounts", line.at, 1)
		return nil, nil
	}
	switch {
	case problem != nil && last:
		return nil, problem
	case problem != nil, s.pass != allRows && line.row.freesSeats(s.kind) != (s.pass == freeing):
		return nil, nil
	}
	return &line.row, nil
}

// doChunk plans and does one chunk, again when the database was away for a moment.
func (im *importer) doChunk(ctx context.Context, s step, rows []record, bad []Problem, next int) error {
	f := s.report
	for try := 1; ; try++ {
		out := &outcome{refused: map[int]bool{}}
		for _, p := range bad {
			out.refuseIn(p.Line, p.Field, p.Reason)
		}
		err := im.tryChunk(ctx, s, rows, out, next)
		if err == nil {
			f.Created, f.Changed, f.Unchanged, f.Refused = f.Created+out.created, f.Changed+out.changed, f.Unchanged+out.unchanged, f.Refused+len(out.refused)
			f.addProblems(out.problems)
			s.warned = s.warnedWith(out.warned)
			return nil
		}
		if domain.CodeOf(err) != domain.Unavailable || try == 5 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 300 * time.Millisecond):
		}
	}
}

func (im *importer) tryChunk(ctx context.Context, s step, rows []record, out *outcome, next int) error {
	if im.opts.DryRun {
		return im.db.ReadFresh(ctx, func(r *tenants.Reader) error {
			_, err := s.plan(ctx, r, rows, out)
			return err
		})
	}
	return im.db.Write(ctx, im.actor, func(tx *tenants.Tx) error {
		is, err := hold(ctx, tx, s.report.ImportID, s.from)
		if err != nil {
			return err
		}
		apply, err := s.plan(ctx, tx, rows, out)
		if err != nil {
			return err
		}
		if apply != nil {
			if err := apply(tx); err != nil {
				return err
			}
		}
		return im.advance(ctx, tx, is, s, rows, out, next)
	})
}

// digest is of the rows as they were read, for the trail.
func digest(rows []record) string {
	h := sha256.New()
	for _, r := range rows {
		fmt.Fprintf(h, "%q\n", r.cells)
	}
	return hex.EncodeToString(h.Sum(nil))
}
