package tenants

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
)

// Once makes a request that is sent twice happen once (draft-ietf-httpapi-idempotency-key-header). The answer is
// stored in the change's own transaction and kept for at least 24 hours.
type Once struct {
	Actor    uuid.UUID
	Key      string // 1 to 200 characters, chosen by the client
	Route    string
	BodyHash []byte
	Now      time.Time
}

// maxAnswer is what is stored of an answer, in bytes.
const maxAnswer = 65536

func bucketOf(t time.Time) int { return int(t.Unix()/86400) % 3 }

// Find returns the stored answer of the same request. A request with the same key that is under way is waited for, by the row
// with which it claims the key: it goes with the transaction that made it, committed, rolled back or cut off. One row for all
// days, since two that are sent around midnight fall into different buckets. The same key with another body or route gives
// domain.Invalid; waiting longer than the login's lock_timeout gives domain.Unavailable.
func (o *Once) Find(ctx context.Context, tx *Tx) (answer string, found bool, err error) {
	b := &pgx.Batch{}
	b.Queue("INSERT INTO idempotency_claims (actor_id, key) VALUES ($1::uuid, $2::text) ON CONFLICT (actor_id, key) DO UPDATE SET key = excluded.key",
		o.Actor.String(), o.Key)
	b.Queue("SELECT route, body_hash, answer FROM idempotency_keys WHERE bucket = ANY (ARRAY[0, 1, 2]::smallint[]) AND actor_id = $1::uuid AND key = $2::text AND created_at > $3::timestamptz",
		o.Actor.String(), o.Key, o.Now.Add(-24*time.Hour))
	tx.Last("DELETE FROM idempotency_claims WHERE actor_id = $1::uuid AND key = $2::text", o.Actor.String(), o.Key)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	if _, err := res.Exec(); err != nil {
		return "", false, err
	}
	var route string
	var hash []byte
	switch err := res.QueryRow().Scan(&route, &hash, &answer); {
	case errors.Is(err, pgx.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, err
	case route != o.Route || string(hash) != string(o.BodyHash):
		return "", false, domain.InvalidField("header.Idempotency-Key", "tenants.was_used_before_for_another")
	}
	return answer, true, nil
}

// Store keeps the answer; it travels with the commit.
func (o *Once) Store(tx *Tx, status int, answer string) error {
	if len(answer) > maxAnswer {
		return errors.New("the answer is too large to be kept for an idempotency key")
	}
	tx.Last(`INSERT INTO idempotency_keys (bucket, actor_id, key, route, body_hash, status, answer, created_at)
		VALUES ($1::smallint, $2::uuid, $3::text, $4::text, $5::bytea, $6::smallint, $7::text, $8::timestamptz)`,
		bucketOf(o.Now), o.Actor.String(), o.Key, o.Route, o.BodyHash, status, answer, o.Now)
	return nil
}

// EmptyBucket drops, all at once, the answers that are older than 24 hours for certain: the bucket that comes next.
func (db *DB) EmptyBucket(ctx context.Context, now time.Time) error {
	tables := [3]string{"idempotency_keys_0", "idempotency_keys_1", "idempotency_keys_2"}
	table := tables[(bucketOf(now)+1)%3]
	var any bool
	err := db.ReadFresh(ctx, func(r *Reader) error { return r.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+")").Scan(&any) })
	if err != nil || !any {
		return err
	}
	b := &pgx.Batch{}
	b.Queue("TRUNCATE " + table)
	return db.WriteOneTrip(ctx, b, func(res pgx.BatchResults) error {
		_, err := res.Exec()
		return err
	})
}
