package tenants

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants/audit"
)

// TrailFilter narrows the audit trail. Zero fields narrow nothing.
type TrailFilter struct {
	ActorID    uuid.UUID
	Action     string // "class.register", or with a final ".": all of "class."
	ObjectKind string
	ObjectID   string
	Outcome    string    // "done" or "refused"
	From, To   time.Time // From is in, To is not
	Before     uuid.UUID // older than this entry: the last of the page before
	Limit      int       // 1 to 200; 0: 50
}

// Trail reads a realm's audit trail, newest first. more tells that older entries follow. It gives domain.Invalid.
func Trail(ctx context.Context, q Querier, f TrailFilter) (list []audit.Stored, more bool, err error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	if err := f.check(); err != nil {
		return nil, false, err
	}
	where, args := []string{"true"}, []any{f.Limit + 1}
	add := func(condition string, v any) {
		args = append(args, v)
		where = append(where, strings.Replace(condition, "?", "$"+strconv.Itoa(len(args)), 1))
	}
	if f.ActorID != uuid.Nil {
		add("actor_id = ?::text::uuid", f.ActorID.String())
	}
	if strings.HasSuffix(f.Action, ".") {
		add("starts_with(action, ?::text)", f.Action)
	} else if f.Action != "" {
		add("action = ?::text", f.Action)
	}
	if f.ObjectKind != "" {
		add("object_kind = ?::text", f.ObjectKind)
	}
	if f.ObjectID != "" {
		add("object_id = ?::text", f.ObjectID)
	}
	if f.Outcome != "" {
		add("outcome = ?::text", f.Outcome)
	}
	// The ids are in the order of time (UUIDv7), so a time is a place in the one index that all these lists use.
	if !f.From.IsZero() {
		add("id >= ?::text::uuid", firstID(f.From).String())
		add("at >= ?::timestamptz", f.From.UTC())
	}
	if !f.To.IsZero() {
		add("at < ?::timestamptz", f.To.UTC())
	}
	if f.Before != uuid.Nil {
		add("id < ?::text::uuid", f.Before.String())
	}
	rows, err := q.Query(ctx, `SELECT id, at, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id
		FROM audit_entries WHERE `+strings.Join(where, " AND ")+` ORDER BY id DESC LIMIT $1::integer`, args...)
	if err != nil {
		return nil, false, err
	}
	if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[audit.Stored]); err != nil {
		return nil, false, err
	}
	if more = len(list) > f.Limit; more {
		list = list[:f.Limit]
	}
	return list, more, nil
}

func (f *TrailFilter) check() error {
	var p domain.Problems
	if f.Limit < 1 || f.Limit > 200 {
		p.Add("limit", "must be 1 to 200")
	}
	for name, v := range map[string]string{"action": f.Action, "object_kind": f.ObjectKind, "object": f.ObjectID} {
		if utf8.RuneCountInString(v) > 200 || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			p.Add(name, "must be at most 200 characters")
		}
	}
	if f.Outcome != "" && f.Outcome != "done" && f.Outcome != "refused" {
		p.Add("outcome", "must be done or refused")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.To.After(f.From) {
		p.Add("to", "must be after from")
	}
	return p.Err()
}

// firstID is the lowest UUIDv7 of a moment, an hour earlier: an entry is made before its transaction is stored, and on
// another machine's clock.
func firstID(t time.Time) (id uuid.UUID) {
	ms := uint64(max(t.Add(-time.Hour).UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}
