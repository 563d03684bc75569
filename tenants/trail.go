package tenants

import (
	"context"
	"slices"
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
	Limit      int       // 1 to 200; 0: 30
}

// Trail reads a realm's audit trail, newest first. more tells that older entries follow. It returns domain.Invalid.
func Trail(ctx context.Context, q Querier, f TrailFilter) (list []audit.Stored, more bool, err error) {
	if f.Limit == 0 {
		f.Limit = domain.Rows
	}
	if err := f.Check(); err != nil {
		return nil, false, err
	}
	sql, args := f.statement()
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, false, err
	}
	list = make([]audit.Stored, 0, f.Limit+1)
	var e audit.Stored
	if _, err = pgx.ForEachRow(rows, []any{&e.ID, &e.At, &e.ActorID, &e.ActorName, &e.ActorRoles, &e.ActorRealm, &e.Address, &e.Action, &e.Outcome,
		&e.ObjectKind, &e.ObjectID, &e.Before, &e.After, &e.Reason, &e.RequestID, &e.ActorErased, &e.ContentErased}, func() error {
		list = append(list, e)
		return nil
	}); err != nil {
		return nil, false, err
	}
	if more = len(list) > f.Limit; more {
		list = list[:f.Limit]
	}
	return list, more, nil
}

// ofTrail reads entries of which a statement found the ids: first the page, and then what its entries say, so that what stands apart from them
// is looked for as often as the page has rows.
const ofTrail = `SELECT id, at, actor_id, actor_name, actor_roles, actor_realm, address, action, outcome, object_kind, object_id, before, after, reason, request_id,
		actor_erased, content_erased FROM audit_trail WHERE id IN (`

// statement makes the statement of a filter, so that whatever is asked for is found in the order of the trail through an index,
// and what it reads depends on the page and not on the trail. A thing and an actor have their own; so have refusals. Where none of them is named, an action, a kind of thing or an outcome is
// looked for by way of the kinds of entry, of which there are some hundred however many entries.
func (f *TrailFilter) statement() (string, []any) {
	args := []any{f.Limit + 1}
	arg := func(condition string, v any) string {
		args = append(args, v)
		return strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args)))
	}
	// The ids are in the order of time (UUIDv7), so a time is a place in every index.
	when := []string{"true"}
	if !f.From.IsZero() {
		when = append(when, arg("id >= ?::text::uuid", firstID(f.From.Add(-idsApart)).String()), arg("at >= ?::timestamptz", f.From.UTC()))
	}
	if !f.To.IsZero() {
		when = append(when, arg("id < ?::text::uuid", firstID(f.To.Add(idsApart)).String()), arg("at < ?::timestamptz", f.To.UTC()))
	}
	if f.Before != uuid.Nil {
		when = append(when, arg("id < ?::text::uuid", f.Before.String()))
	}
	var what []string // of an entry's kind: the same words hold for the columns of the table and of kinds
	prefix := "true"
	switch {
	case strings.HasSuffix(f.Action, "."):
		prefix = arg("starts_with(k.action, ?::text)", f.Action)
	case f.Action != "":
		prefix = arg("k.action = ?::text", f.Action)
	}
	if f.Action != "" {
		what = append(what, prefix)
	}
	if f.ObjectKind != "" {
		what = append(what, arg("k.object_kind = ?::text", f.ObjectKind))
	}
	if f.Outcome != "" {
		what = append(what, "k.outcome = '"+f.Outcome+"'") // checked; in the text, so that the index of refusals is known to hold it
	}
	direct := f.ActorID != uuid.Nil || f.ObjectID != "" || f.Action == "" && f.ObjectKind == "" && f.Outcome == "refused"
	if direct || len(what) == 0 {
		where, order := slices.Concat(when, what), "id DESC"
		// Between a value and itself: with equality PostgreSQL would know that the order of the ids is enough, and now and then walk through all of
		// the trail in it, where the value is frequent enough to be hoped for soon.
		if f.ActorID != uuid.Nil {
			where = append(where, arg("actor_id BETWEEN ?::text::uuid AND ?::text::uuid", f.ActorID.String()))
			order = "actor_id, id DESC"
		}
		if f.ObjectID != "" {
			where = append(where, "object_id <> ''", arg("object_id BETWEEN ?::text AND ?::text", f.ObjectID))
			order = "object_id, id DESC"
		}
		return ofTrail + "SELECT id FROM audit_entries k WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " LIMIT $1::integer) ORDER BY id DESC", args
	}
	first := ""
	if f.Action != "" {
		first = arg(`WHERE action COLLATE "C" >= ?::text`, f.Action)
	}
	const kind = `action COLLATE "C" AS action, object_kind COLLATE "C" AS object_kind, outcome COLLATE "C" AS outcome`
	return `WITH RECURSIVE kinds AS (
			(SELECT ` + kind + ` FROM audit_entries ` + first + ` ORDER BY 1, 2, 3 LIMIT 1)
			UNION ALL SELECT n.* FROM kinds k CROSS JOIN LATERAL (SELECT ` + kind + ` FROM audit_entries
				WHERE (action COLLATE "C", object_kind COLLATE "C", outcome COLLATE "C") > (k.action, k.object_kind, k.outcome) ORDER BY 1, 2, 3 LIMIT 1) n
			WHERE ` + prefix + `
		), found AS (
			SELECT e.id FROM kinds k CROSS JOIN LATERAL (SELECT id FROM audit_entries
				WHERE action COLLATE "C" = k.action AND object_kind COLLATE "C" = k.object_kind AND outcome COLLATE "C" = k.outcome AND ` + strings.Join(when, " AND ") + `
				ORDER BY id DESC LIMIT $1::integer) e
			WHERE ` + strings.Join(what, " AND ") + ` ORDER BY e.id DESC LIMIT $1::integer
		) ` + ofTrail + "SELECT id FROM found) ORDER BY id DESC", args
}

// idsApart is how far an entry's id may be from its time: it is made before its transaction is stored, and on another machine's clock.
const idsApart = time.Hour

// Check gives domain.Invalid for what makes no sense.
func (f *TrailFilter) Check() error {
	var p domain.Problems
	if f.Limit < 1 || f.Limit > 200 {
		p.Add("limit", "domain.must_be_1_to_200")
	}
	for name, v := range map[string]string{"action": f.Action, "object_kind": f.ObjectKind, "object": f.ObjectID} {
		if utf8.RuneCountInString(v) > 200 || !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			p.Add(name, "tenants.must_be_at_most_200")
		}
	}
	if f.Outcome != "" && f.Outcome != "done" && f.Outcome != "refused" {
		p.Add("outcome", "tenants.must_be_done_or_refused")
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.To.After(f.From) {
		p.Add("to", "tenants.must_be_after_from")
	}
	return p.Err()
}

// firstID is the lowest UUIDv7 of a moment.
func firstID(t time.Time) (id uuid.UUID) {
	ms := uint64(max(t.UnixMilli(), 0))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}
