package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// The life of a signing key: it is published ten minutes before it signs, so that every process and every reader of the
// JWKS knows it; it signs for thirty days; it verifies for a day after its successor took over.
const (
	keyNotice  = 10 * time.Minute
	keySigns   = 30 * 24 * time.Hour
	keyOutlive = 24 * time.Hour
	keyPurpose = "signing-key"
)

// EnsureKeys makes the realm's first signing key, or the next one when it is due. It may be called by every process at
// every start and every few minutes; it changes nothing when nothing is due.
func EnsureKeys(ctx context.Context, db *tenants.DB, now time.Time) error {
	due := false
	err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		_, due, err = nextKey(ctx, r, now)
		return err
	})
	if err != nil || !due {
		return err
	}
	stop := fmt.Errorf("another process made the key")
	err = db.Write(ctx, audit.Actor{Realm: db.Realm().Name()}, func(tx *tenants.Tx) error {
		if err := tx.Lock(ctx, "signing_keys"); err != nil {
			return err
		}
		from, due, err := nextKey(ctx, tx, now)
		if err != nil {
			return err
		}
		if !due {
			return stop
		}
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return err
		}
		kid := keyID(public)
		sealed := db.Vault().Seal(db.Realm().Name(), keyPurpose, private.Seed())
		if _, err := tx.Exec(ctx, `INSERT INTO signing_keys (kid, public_key, sealed_key, created_at, signs_from, retires_at)
			VALUES ($1::text, $2::bytea, $3::text, $4::timestamptz, $5::timestamptz, $6::timestamptz)`,
			kid, []byte(public), sealed, now, from, from.Add(keySigns+keyOutlive)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM signing_keys WHERE retires_at < $1::timestamptz`, now.Add(-keySigns)); err != nil {
			return err
		}
		tx.Record(audit.Entry{Action: "signing_key.create", ObjectKind: "signing_key", ObjectID: kid, After: map[string]any{"signs_from": from.UTC()}})
		tx.Bump("keys")
		return nil
	})
	if err == stop {
		return nil
	}
	return err
}

// nextKey reports whether a key is due, and from when it signs: at once when no other can.
func nextKey(ctx context.Context, q tenants.Querier, now time.Time) (from time.Time, due bool, err error) {
	var youngest, retires *time.Time
	if err := q.QueryRow(ctx, `SELECT max(signs_from), max(retires_at) FROM signing_keys`).Scan(&youngest, &retires); err != nil {
		return from, false, err
	}
	switch {
	case youngest == nil, retires.Before(now.Add(keyNotice + 2*TokenLife)):
		return now.Truncate(time.Second), true, nil // times in a token are whole seconds (RFC 7519 section 2)
	case youngest.Add(keySigns - keyNotice).After(now):
		return from, false, nil
	}
	return now.Add(keyNotice), true, nil
}

// LoadKeys opens the keys of the realm of that name (tenants.Realm.Name). It gives an empty ring, which signs and verifies nothing, before EnsureKeys.
func LoadKeys(ctx context.Context, q tenants.Querier, vault *tenants.Vault, realm string) (*KeyRing, error) {
	rows, err := q.Query(ctx, `SELECT kid, sealed_key, signs_from, retires_at FROM signing_keys ORDER BY signs_from, kid`)
	if err != nil {
		return nil, err
	}
	ring := &KeyRing{keys: map[string]signingKey{}}
	var sealed string
	var key signingKey
	_, err = pgx.ForEachRow(rows, []any{&key.kid, &sealed, &key.signsFrom, &key.retiresAt}, func() error {
		seed, err := vault.Open(realm, keyPurpose, sealed)
		if err != nil {
			return err
		}
		if len(seed) != ed25519.SeedSize {
			return fmt.Errorf("signing key %s is damaged", key.kid)
		}
		key.private = ed25519.NewKeyFromSeed(seed)
		key.public = key.private.Public().(ed25519.PublicKey)
		ring.keys[key.kid] = key
		ring.list = append(ring.list, key)
		return nil
	})
	return ring, err
}
