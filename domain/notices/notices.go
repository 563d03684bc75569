// Package notices tells people what happened to their account, their classes and their work: a line in their list of notices, and until they have seen it on
// their home page too, written in the transaction of the change that it is about, so that neither is there without the other. It knows people by
// their ids alone; who is told is for the room that makes the change to say.
package notices

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Params are what a notice's sentence names. Values are cut at 200 characters.
type Params map[string]string

const maxParam = 200

// Tell leaves a notice for people in the change's own transaction; to may be empty, and somebody named twice is told once. Each of them must
// have an account that was not erased: the room that makes the change sees to it where it reads whom it concerns.
// It is one statement, however many are told. What it stores is part of the change, and needs no audit entry of its own.
func Tell(ctx context.Context, tx *tenants.Tx, k Kind, p Params, to []uuid.UUID, now time.Time) error {
	if _, known := paths[k.name]; !known {
		return fmt.Errorf("notices: there is no kind %q", k.name)
	}
	if len(to) == 0 {
		return nil
	}
	raw, err := json.Marshal(p.cut())
	if err != nil {
		return err
	}
	var ids, users []string
	named := make(map[uuid.UUID]bool, len(to)) // a class has up to 100,000 learners
	for _, id := range to {
		if id != uuid.Nil && !named[id] {
			named[id] = true
			ids, users = append(ids, audit.NewID().String()), append(users, id.String())
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO notices (id, user_id, kind, params, created_at)
		SELECT n.id::uuid, n.user_id::uuid, $3::text, $4::text::jsonb, $5::timestamptz FROM unnest($1::text[], $2::text[]) AS n(id, user_id)`,
		ids, users, k.name, string(raw), now.UTC())
	return err
}

func (p Params) cut() Params {
	cut := make(Params, len(p))
	for name, v := range p {
		if utf8.RuneCountInString(v) > maxParam {
			v = string([]rune(v)[:maxParam-1]) + "…"
		}
		cut[name] = v
	}
	return cut
}

// Notice is one thing that somebody was told.
type Notice struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"`
	Text      words.Text `json:"text" doc:"The sentence to show, as plain text"`
	Path      string     `json:"path,omitempty" doc:"The path of the page that the notice is about"`
	CreatedAt time.Time  `json:"created_at"`
	SeenAt    *time.Time `json:"seen_at,omitempty" doc:"When it was marked as seen"`
}

// scan reads a notice. One of a kind that the program does not know has no text.
func scan(row pgx.CollectableRow) (n Notice, err error) {
	var raw string
	if err := row.Scan(&n.ID, &n.Kind, &raw, &n.CreatedAt, &n.SeenAt); err != nil {
		return n, err
	}
	var p Params
	if err := json.Unmarshal([]byte(raw), &p); err != nil {
		return n, fmt.Errorf("notice %s: %w", n.ID, err)
	}
	if path, known := paths[n.Kind]; known {
		n.Text, n.Path = text(n.Kind, p), fill(path, p)
	}
	return n, nil
}

// shown bounds what the home page has.
const shown = 20

// QueueUnseen asks, in a batch, for what somebody has not seen yet, the newest first, at most 20. Notices of kinds that the program
// does not know are left out. The list is there when the batch is closed.
func QueueUnseen(b *pgx.Batch, user uuid.UUID, list *[]Notice) {
	b.Queue(`SELECT id, kind, params::text, created_at, seen_at FROM notices WHERE user_id = $1::uuid AND seen_at IS NULL ORDER BY id DESC LIMIT $2::integer`,
		user.String(), shown).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, scan)
		*list = slices.DeleteFunc(all, func(n Notice) bool { return n.Text.IsZero() })
		return err
	})
}

// MostCounted is how far QueueCount counts.
const MostCounted = 10

// QueueCount asks, in a batch, how many notices somebody has not seen yet, of which it counts MostCounted at most. The number is there when the batch is closed.
func QueueCount(b *pgx.Batch, user uuid.UUID, n *int) {
	b.Queue(`SELECT count(*) FROM (SELECT FROM notices WHERE user_id = $1::uuid AND seen_at IS NULL LIMIT $2::integer) AS unseen`,
		user.String(), MostCounted).QueryRow(func(row pgx.Row) error { return row.Scan(n) })
}

// List gives all that somebody was told and that is still kept, seen or not, the newest first. One of a kind that the program does not know, such as a newer
// program's, says that it cannot be shown.
func List(ctx context.Context, q tenants.Querier, user uuid.UUID, page domain.Page) (domain.List[Notice], error) {
	var none domain.List[Notice]
	limit, before, err := page.Read(0, 1)
	if err != nil {
		return none, err
	}
	if before == nil {
		before = []string{uuid.Max.String()}
	}
	rows, err := q.Query(ctx, `SELECT id, kind, params::text, created_at, seen_at FROM notices WHERE user_id = $1::uuid AND id < $2::uuid ORDER BY id DESC LIMIT $3::integer`,
		user.String(), before[0], limit+1)
	if err != nil {
		return none, err
	}
	list, err := pgx.CollectRows(rows, scan)
	for i := range list {
		if list[i].Text.IsZero() {
			list[i].Text = words.Say("notices.cannot_be_shown")
		}
	}
	return domain.Cut(list, limit, func(n Notice) []string { return []string{n.ID.String()} }), err
}

// See marks a notice as seen, which takes it off somebody's home page; it stays in their list. It returns domain.NotFound for a notice that is not theirs. One
// that was seen before stays as it was.
func See(ctx context.Context, tx *tenants.Tx, user, id uuid.UUID, now time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE notices SET seen_at = coalesce(seen_at, $3::timestamptz) WHERE id = $1::uuid AND user_id = $2::uuid`,
		id.String(), user.String(), now.UTC())
	if err != nil {
		return err
	}
	if n == 0 {
		return domain.Refuse(domain.NotFound, "notices.there_is_no_such_notice")
	}
	tx.Record(audit.Entry{Action: "notice.seen", ObjectKind: "notice", ObjectID: id.String()})
	return nil
}

// MostSeen is how many notices SeeAll marks at once.
const MostSeen = 1000

// SeeAll marks what somebody has not seen yet as seen, the newest MostSeen of it at most, and tells how many. With until, which is one of their notices, what came
// after it stays as it is: nobody has shown it to them. The zero id is no bound.
func SeeAll(ctx context.Context, tx *tenants.Tx, user, until uuid.UUID, now time.Time) (int, error) {
	if until == uuid.Nil {
		until = uuid.Max
	}
	n, err := tx.Exec(ctx, `UPDATE notices SET seen_at = $3::timestamptz WHERE seen_at IS NULL AND id IN (
		SELECT id FROM notices WHERE user_id = $1::uuid AND seen_at IS NULL AND id <= $2::uuid ORDER BY id DESC LIMIT $4::integer)`, user.String(), until.String(), now.UTC(), MostSeen)
	if err != nil {
		return 0, err
	}
	tx.Record(audit.Entry{Action: "notice.seen", ObjectKind: "notice", After: map[string]any{"notices": n}})
	return int(n), nil
}

// How long notices are kept.
const (
	seenKept = 90 * 24 * time.Hour  // from the moment at which they were seen
	allKept  = 400 * 24 * time.Hour // from the moment at which they were told
)

// MostSwept is how many notices of each sort Sweep takes away at once.
const MostSwept = 10_000

// Sweep takes away notices that were seen more than 90 days ago, and all that are older than 400 days, MostSwept of each at most. It tells whether there may
// be more: then it wants to be called again, in another transaction. For a daily job; several at once do no harm.
func Sweep(ctx context.Context, tx *tenants.Tx, now time.Time) (more bool, err error) {
	n, err := tx.Exec(ctx, `DELETE FROM notices WHERE id IN (
		(SELECT id FROM notices WHERE seen_at < $1::timestamptz ORDER BY seen_at LIMIT $3::integer)
		UNION ALL (SELECT id FROM notices WHERE id < $2::uuid ORDER BY id LIMIT $3::integer))`, now.Add(-seenKept).UTC(), firstID(now.Add(-allKept)).String(), MostSwept)
	if err != nil {
		return false, err
	}
	tx.Record(audit.Entry{Action: "notice.sweep", ObjectKind: "notice", After: map[string]any{"notices": n}})
	return n >= MostSwept, nil
}

// firstID is less than each id that was made at a moment or later (audit.NewID), which begins with its milliseconds.
func firstID(at time.Time) (id uuid.UUID) {
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(at.UnixMilli()))
	copy(id[:6], ms[2:])
	return id
}
