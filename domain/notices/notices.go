// Package notices tells people what happened to their account, their classes and their work: a line on their home page,
// written in the transaction of the change that it is about, so that neither is there without the other. It knows people by
// their ids alone; whose home a notice belongs on is for the room that makes the change to say.
package notices

import (
	"context"
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

// Notice is one line for somebody's home page.
type Notice struct {
	ID        uuid.UUID  `json:"id"`
	Kind      string     `json:"kind"`
	Text      words.Text `json:"text" doc:"The sentence to show, as plain text"`
	Path      string     `json:"path,omitempty" doc:"The path of the page that the notice is about"`
	CreatedAt time.Time  `json:"created_at"`
}

// shown bounds what one reading gives.
const shown = 20

// QueueUnseen asks, in a batch, for what somebody has not seen yet, the newest first, at most 20. Notices of kinds that the program
// no longer knows are left out. The list is there when the batch is closed.
func QueueUnseen(b *pgx.Batch, user uuid.UUID, list *[]Notice) {
	b.Queue(`SELECT id, kind, params::text, created_at FROM notices WHERE user_id = $1::uuid AND seen_at IS NULL ORDER BY id DESC LIMIT $2::integer`,
		user.String(), shown).Query(func(rows pgx.Rows) error {
		all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (n Notice, err error) {
			var raw string
			if err := row.Scan(&n.ID, &n.Kind, &raw, &n.CreatedAt); err != nil {
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
		})
		*list = slices.DeleteFunc(all, func(n Notice) bool { return n.Text.IsZero() })
		return err
	})
}

// See takes a notice off somebody's home page; it stays stored. It returns domain.NotFound for a notice that is not theirs. One
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
