package files

import (
	"context"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"errors"
	"hash"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// An upload is a file that comes in parts, over connections that break: announced with its whole size, for which the room is taken then (Begin), sent part by part
// from the offset that it has come to (Append), and in the end a file of the same id. What has arrived is in the bucket in pieces of pieceSize, and the rest that
// is no whole piece yet beside them, its tail. The row says how far all of it is and goes last: what lies there beyond it is not of the upload.

// UploadTime is how long an upload may take from its announcement to its last byte.
const UploadTime = 3 * 24 * time.Hour

// PartBytes is the most of one part.
const PartBytes = 64 << 20

// mostOpen is how many uploads one person may have begun and not ended: each keeps room for itself.
const mostOpen = 20

// takeover is by how much the numbers of pieces go on when somebody takes an upload from a sender of whom nothing was heard: more than that one can still be
// writing, of the part that it had.
const takeover = PartBytes/pieceSize + 2

// UploadState is how far an upload is.
type UploadState string

// The states of an upload.
const (
	Underway UploadState = "open"     // bytes are missing, or it is being put together
	Complete UploadState = "complete" // it is a file
)

// Upload is a file that comes in parts.
type Upload struct {
	ID        uuid.UUID // the file's, when there is one
	OwnerID   uuid.UUID
	Purpose   Purpose
	Name      string
	Size      int64  // bytes, of the whole
	Received  int64  // bytes that are kept: where the next part begins
	SHA256    string // of the whole, in hexadecimal: as announced, "" for nothing; when it is complete, what it is
	State     UploadState
	CreatedAt time.Time
	ExpiresAt time.Time

	contentType string
	hash        []byte // the state of SHA-256 over all that is kept
	lastFrom    int64  // where the part before began, of which all up to Received is kept
	lastSHA256  []byte // of that
	handle      string // the bucket's, of the pieces; "": there are none
	begun       int    // the highest number that a piece may have
	numbers     []int32
	tags        []string // of the pieces, as the bucket wants them
	tail        string   // behind the file's key and a dot; "": there is none
	tailSize    int64
}

const uploadColumns = "id,owner_id,purpose,name,size,received,sha256,state,created_at,expires_at,content_type,hash,last_from,last_sha256,handle,begun,numbers,tags,tail,tail_size"

func (u *Upload) scan(row pgx.Row) error {
	return row.Scan(&u.ID, &u.OwnerID, &u.Purpose, &u.Name, &u.Size, &u.Received, &u.SHA256, &u.State, &u.CreatedAt, &u.ExpiresAt, &u.contentType, &u.hash, &u.lastFrom, &u.lastSHA256, &u.handle,
		&u.begun, &u.numbers, &u.tags, &u.tail, &u.tailSize)
}

// key is where the file will lie. All that there is of the upload before lies beside it.
func (u *Upload) key(realm tenants.Realm) string { return keyOf(realm, u.Purpose, u.ID) }

func (u *Upload) tailKey(realm tenants.Realm) string { return u.key(realm) + "." + u.tail }

func (u *Upload) pieces() []piece {
	list := make([]piece, len(u.numbers))
	for i := range list {
		list[i] = piece{int(u.numbers[i]), u.tags[i]}
	}
	return list
}

func (u *Upload) told() any {
	return map[string]any{"purpose": u.Purpose, "file_name": u.Name, "bytes": u.Size}
}

// Announced is what somebody says of a file before it comes in parts.
type Announced struct {
	Purpose Purpose
	Name    string // as the sender calls it
	Size    int64  // bytes
	SHA256  string // of the whole, in hexadecimal; "": it is not known
}

var hexSHA256 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Begin announces an upload of who, and takes its room. It gives domain.Invalid, domain.TooLarge beyond the bound of the purpose, domain.OverQuota where the
// plan has no room, and domain.Conflict for somebody who has many uploads open.
func (b *Bucket) Begin(ctx context.Context, tx *tenants.Tx, who audit.Actor, a Announced, now time.Time) (Upload, error) {
	var u Upload
	if err := b.ready(); err != nil {
		return u, err
	}
	r, known := rules[a.Purpose]
	var wrong domain.Problems
	if !known || r.side > 0 {
		wrong.Add("purpose", "files.does_not_come_in_parts")
	}
	if a.Size < 1 {
		wrong.Add("bytes", "files.must_be_the_size")
	}
	if a.SHA256 != "" && !hexSHA256.MatchString(a.SHA256) {
		wrong.Add("sha256", "files.must_be_a_sha256")
	}
	if err := wrong.Err(); err != nil {
		return u, err
	}
	if a.Size > r.most {
		err := tooLarge(r.most)
		err.Fields[0].Name = "bytes"
		return u, err
	}
	if err := takeRoom(ctx, tx, a.Size); err != nil {
		return u, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	u = Upload{ID: audit.NewID(), OwnerID: who.ID, Purpose: a.Purpose, Name: CleanName(a.Name), Size: a.Size, SHA256: a.SHA256, State: Underway, CreatedAt: now, ExpiresAt: now.Add(UploadTime)}
	// Whoever begins another has taken room as well, and so comes before or after: the count is exact.
	n, err := tx.Exec(ctx, `INSERT INTO uploads (id, owner_id, purpose, name, size, sha256, state, created_at, expires_at, hash)
		SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::bigint, $6::text, 'open', $7::timestamptz, $8::timestamptz, $9::bytea
		WHERE (SELECT count(*) FROM uploads WHERE owner_id = $2::uuid AND state = 'open') < $10::integer`,
		u.ID, u.OwnerID, string(u.Purpose), u.Name, u.Size, u.SHA256, u.CreatedAt, u.ExpiresAt, stateOf(sha256.New()), mostOpen)
	if err == nil && n == 0 {
		err = domain.Refuse(domain.Conflict, "files.many_are_open", "Most", mostOpen)
	}
	if err != nil {
		return u, err
	}
	tx.Record(audit.Entry{Action: "upload.begin", ObjectKind: "upload", ObjectID: u.ID.String(), After: u.told()})
	return u, nil
}

// UploadOf gives an upload of somebody's, or domain.NotFound: also of one that is another's.
func UploadOf(ctx context.Context, q tenants.Querier, owner, id uuid.UUID) (u Upload, err error) {
	err = u.scan(q.QueryRow(ctx, "SELECT "+uploadColumns+" FROM uploads WHERE id = $1::uuid AND owner_id = $2::uuid", id, owner))
	if errors.Is(err, pgx.ErrNoRows) {
		err = noUpload()
	}
	return u, err
}

// OpenUploads gives those that somebody has begun and not ended, the newest first; there are few.
func OpenUploads(ctx context.Context, q tenants.Querier, owner uuid.UUID) ([]Upload, error) {
	rows, err := q.Query(ctx, "SELECT "+uploadColumns+" FROM uploads WHERE owner_id = $1::uuid AND state = 'open' ORDER BY id DESC LIMIT $2::integer", owner, mostOpen)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Upload, err error) { return u, u.scan(row) })
}

// openAmong tells which of some ids are of uploads that are open.
func openAmong(ctx context.Context, q tenants.Querier, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = id.String()
	}
	rows, err := q.Query(ctx, "SELECT id FROM uploads WHERE id = ANY($1::text[]::uuid[]) AND state = 'open'", texts)
	if err != nil {
		return nil, err
	}
	open := map[uuid.UUID]bool{}
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		open[id] = true
		return nil
	})
	return open, err
}

func noUpload() error { return domain.Refuse(domain.NotFound, "files.there_is_no_such_upload") }

// Cancel ends an upload of somebody's, and gives its room back. It gives domain.NotFound, and domain.Conflict when it is a file already. What came of it goes
// when the transaction is committed: hand what Cancel gives to Forget.
func Cancel(ctx context.Context, tx *tenants.Tx, owner, id uuid.UUID) (Upload, error) {
	u, err := endUpload(ctx, tx, "upload.cancel", "id = $1::uuid AND owner_id = $2::uuid", id, owner)
	if err != nil || len(u) > 0 {
		return first(u), err
	}
	if _, err := UploadOf(ctx, tx, owner, id); err != nil {
		return Upload{}, err
	}
	return Upload{}, domain.Refuse(domain.Conflict, "files.the_upload_is_complete")
}

func first(list []Upload) (u Upload) {
	if len(list) > 0 {
		u = list[0]
	}
	return u
}

// endUpload takes away open uploads that meet a condition, and gives back their room.
func endUpload(ctx context.Context, tx *tenants.Tx, action, where string, args ...any) ([]Upload, error) {
	if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil { // in the order of those who begin one
		return nil, err
	}
	rows, err := tx.Query(ctx, "DELETE FROM uploads WHERE state = 'open' AND "+where+" RETURNING "+uploadColumns, args...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u Upload, err error) { return u, u.scan(row) })
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var size int64
	for i := range list {
		size += list[i].Size
		tx.Record(audit.Entry{Action: action, ObjectKind: "upload", ObjectID: list[i].ID.String(), Before: list[i].told()})
	}
	return list, limits.GiveBack(ctx, tx, limits.Storage, size)
}

// Forget removes what came of uploads whose rows are gone, as far as the bucket lets it; the rest is for Sweep, and for the bucket's own rule.
func (b *Bucket) Forget(ctx context.Context, realm tenants.Realm, list ...Upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for i := range list {
		u := &list[i]
		if u.handle != "" {
			_ = b.store.abandon(ctx, u.key(realm), u.handle, u.pieces())
		}
		if u.tail != "" {
			_ = b.store.remove(ctx, u.tailKey(realm))
		}
	}
}

// expireStep is how many uploads one transaction of Expire ends.
const expireStep = 100

// Expire ends uploads whose time is over, and forgets those that are files since. It reports whether there may be more.
func (b *Bucket) Expire(ctx context.Context, db *tenants.DB, who audit.Actor, now time.Time) (more bool, err error) {
	if err := b.ready(); err != nil {
		return false, err
	}
	var late, done bool
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, `SELECT EXISTS (SELECT FROM uploads WHERE state = 'open' AND expires_at <= $1::timestamptz), EXISTS (SELECT FROM uploads WHERE state = 'complete' AND expires_at <= $1::timestamptz)`,
			now).Scan(&late, &done)
	}); err != nil {
		return false, err
	}
	if done {
		forget := &pgx.Batch{}
		forget.Queue("DELETE FROM uploads WHERE state = 'complete' AND expires_at <= $1::timestamptz", now)
		if err := db.WriteOneTrip(ctx, forget, func(res pgx.BatchResults) error { _, err := res.Exec(); return err }); err != nil {
			return false, err
		}
	}
	if !late {
		return false, nil
	}
	var gone []Upload
	err = db.Write(ctx, who, func(tx *tenants.Tx) (err error) {
		gone, err = endUpload(ctx, tx, "upload.expire", "id IN (SELECT id FROM uploads WHERE state = 'open' AND expires_at <= $1::timestamptz ORDER BY id LIMIT $2::integer)", now, expireStep)
		if err == nil && len(gone) == 0 {
			err = errNothing
		}
		return err
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	if err == nil {
		b.Forget(ctx, db.Realm(), gone...)
	}
	return len(gone) == expireStep, err
}

// stateOf is how far a hash is.
func stateOf(h hash.Hash) []byte {
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // SHA-256 of the standard library has no such error
	}
	return state
}

// hashFrom goes on with a hash from there.
func hashFrom(state []byte) (hash.Hash, error) {
	h := sha256.New()
	return h, h.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
}

func hexOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }
