package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Part is a part of an upload as somebody sends it.
type Part struct {
	Offset int64     // where it begins
	Length int64     // bytes, as far as that is known before; -1: it is not
	SHA256 []byte    // of the part; nil: it is not known
	Body   io.Reader // at most PartBytes
}

// Append keeps a part of an upload of who, as far as it arrives, and makes the file when it was the last: the upload that it gives says how far it is, also with an
// error. A part that has a hash is kept whole or not at all. The part before may be sent again, whole or longer: what is kept of it is not kept twice.
//
// It gives domain.NotFound for an upload that is not the person's, domain.Gone for one whose time is over, domain.Conflict for a part that begins elsewhere or
// differs from the one that was there, and where somebody else went on meanwhile with the same upload: the one who came first, who is perhaps gone and nobody
// knows it yet, keeps nothing any more. It gives domain.Invalid for what is longer than was announced or has another hash, domain.Unavailable, and the errors of
// the body.
func (b *Bucket) Append(ctx context.Context, db *tenants.DB, who audit.Actor, id uuid.UUID, p Part, now time.Time) (Upload, error) {
	if err := b.ready(); err != nil {
		return Upload{}, err
	}
	realm := db.Realm()
	buffer, err := b.senders.enter(ctx, realm)
	if err != nil {
		return Upload{}, err
	}
	defer b.senders.leave(realm, buffer)
	s := &sending{bucket: b, db: db, by: audit.NewID(), buffer: buffer, whole: p.SHA256 != nil, part: sha256.New()}
	if err := s.take(ctx, who.ID, id, p.Offset, now); err != nil {
		return s.u, err
	}
	err = s.receive(ctx, p)
	s.leave(ctx)
	if err == nil && s.u.State == Underway && s.u.Received == s.u.Size {
		return b.finish(ctx, db, who, s.u, buffer, now)
	}
	return s.u, err
}

// sending is one part on its way.
type sending struct {
	bucket *Bucket
	db     *tenants.DB
	u      Upload // as it is stored
	by     uuid.UUID
	whole  bool // the part counts whole or not at all
	left   bool // the upload is not this sender's any more
	unsure bool // whether what was to be stored is

	to     Upload    // as it is to be stored next
	all    hash.Hash // over the upload as far as it was read
	part   hash.Hash // over the part
	buffer []byte    // of pieceSize
	n      int       // of which so much is filled
}

// take makes the sender the one who may go on with the upload, if the part begins where that is, or where the part before began.
func (s *sending) take(ctx context.Context, owner, id uuid.UUID, offset int64, now time.Time) error {
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE uploads SET sender = $3::uuid, begun = begun + CASE WHEN sender IS NULL THEN 0 ELSE $6::integer END
		WHERE id = $1::uuid AND owner_id = $2::uuid AND state = 'open' AND expires_at > $5::timestamptz AND $4::bigint IN (received, last_from) RETURNING `+uploadColumns, id, owner, s.by, offset, now, takeover)
	err := s.db.WriteOneTrip(ctx, batch, func(res pgx.BatchResults) error { return s.u.scan(res.QueryRow()) })
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	s.left = true
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		s.u, err = UploadOf(ctx, r, owner, id)
		return err
	}); err != nil {
		return err
	}
	switch {
	case s.u.State == Complete && (offset == s.u.Received || offset == s.u.lastFrom):
		return nil
	case s.u.State == Underway && !s.u.ExpiresAt.After(now):
		return domain.Refuse(domain.Gone, "files.the_upload_is_over")
	}
	return elsewhere(&s.u)
}

// elsewhere is the refusal of a part that does not begin where the upload is.
func elsewhere(u *Upload) error {
	e := domain.Refuse(domain.Conflict, "files.the_upload_is_elsewhere")
	e.Fields = []domain.Field{{Name: "header.Upload-Offset", Reason: words.Say("files.must_be_the_offset", "Offset", u.Received)}}
	return e
}

func longer(u *Upload) error {
	return domain.InvalidField("body", "files.is_longer_than_announced", "Size", u.Size)
}

// receive reads the part and keeps what arrives.
func (s *sending) receive(ctx context.Context, p Part) (err error) {
	if p.Length > s.u.Size-p.Offset {
		return longer(&s.u)
	}
	s.to = s.u
	s.to.lastFrom = p.Offset
	if s.all, err = hashFrom(s.u.hash); err != nil {
		return err
	}
	if err := s.compare(p); err != nil {
		return err
	}
	if s.u.State == Underway {
		if err := s.fetchTail(ctx); err != nil {
			return err
		}
	}
	cut, err := s.fill(ctx, p.Body)
	switch {
	case err != nil:
		return err
	case cut != nil && s.whole:
		return cut
	case s.whole && subtle.ConstantTimeCompare(s.part.Sum(nil), p.SHA256) == 0:
		return domain.InvalidField("header.Content-Digest", "files.the_part_has_another_hash")
	case s.to.Received > s.u.Received:
		if err := s.keepTail(ctx); err != nil {
			return err
		}
	}
	return cut
}

// compare reads what is kept of a part already.
func (s *sending) compare(p Part) error {
	kept := s.u.Received - p.Offset
	if kept == 0 {
		return nil
	}
	if _, err := io.CopyN(s.part, p.Body, kept); err == io.EOF {
		return elsewhere(&s.u)
	} else if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare(s.part.Sum(nil), s.u.lastSHA256) == 0 {
		return domain.Refuse(domain.Conflict, "files.the_part_was_another")
	}
	return nil
}

// fetchTail begins with what is no whole piece yet.
func (s *sending) fetchTail(ctx context.Context) error {
	n, err := s.bucket.readTail(ctx, s.db.Realm(), &s.u, s.buffer)
	if s.n = n; err == nil {
		return nil
	}
	var mine bool
	if asked := s.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, "SELECT EXISTS (SELECT FROM uploads WHERE id = $1::uuid AND sender = $2::uuid)", s.u.ID, s.by).Scan(&mine)
	}); asked != nil {
		return asked
	}
	if !mine { // whoever has it has kept more, and removed this
		s.left = true
		return somebodyElse()
	}
	return away(err)
}

func somebodyElse() error { return domain.Refuse(domain.Conflict, "files.somebody_else_sends") }

func (b *Bucket) readTail(ctx context.Context, realm tenants.Realm, u *Upload, into []byte) (int, error) {
	if u.tail == "" {
		return 0, nil
	}
	r, err := b.store.get(ctx, u.tailKey(realm), 0, u.tailSize)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	return io.ReadFull(r, into[:u.tailSize])
}

// fill reads the body to its end and keeps each whole piece. cut says why the body ended before.
func (s *sending) fill(ctx context.Context, body io.Reader) (cut, err error) {
	for {
		left := s.u.Size - s.to.Received
		room := s.buffer[s.n:]
		if left < int64(len(room)) {
			room = room[:max(left, 1)] // one more shows that it is longer
		}
		n, end := body.Read(room)
		if int64(n) > left {
			return nil, longer(&s.u)
		}
		s.all.Write(room[:n])
		s.part.Write(room[:n])
		s.n, s.to.Received = s.n+n, s.to.Received+int64(n)
		if s.n == len(s.buffer) {
			if err := s.keepPiece(ctx); err != nil {
				return nil, err
			}
		}
		switch {
		case end == io.EOF:
			return nil, nil
		case end != nil:
			return end, nil
		}
	}
}

// keepPiece keeps the piece that is full.
func (s *sending) keepPiece(ctx context.Context) (err error) {
	to := &s.to
	if to.handle == "" {
		to.contentType = http.DetectContentType(s.buffer)
		if to.handle, err = s.bucket.store.begin(ctx, to.key(s.db.Realm()), headOf(to.Purpose, to.Name, to.contentType)); err != nil {
			return away(err)
		}
	}
	if to.begun++; to.begun >= mostPieces {
		return domain.Refuse(domain.Conflict, "files.the_upload_broke_too_often")
	}
	tag, err := s.bucket.store.add(ctx, to.key(s.db.Realm()), to.handle, to.begun, s.buffer)
	if err != nil {
		return away(err)
	}
	to.numbers, to.tags = append(slices.Clip(to.numbers), int32(to.begun)), append(slices.Clip(to.tags), tag)
	to.tail, to.tailSize, s.n = "", 0, 0
	if s.whole {
		return nil
	}
	return s.commit(ctx, false)
}

// keepTail keeps the rest, and leaves the upload to the next.
func (s *sending) keepTail(ctx context.Context) error {
	if s.to.tail, s.to.tailSize = "", int64(s.n); s.n > 0 {
		s.to.tail = rand.Text()
		if err := s.bucket.store.put(ctx, s.to.tailKey(s.db.Realm()), head{contentType: "application/octet-stream"}, s.buffer[:s.n]); err != nil {
			return away(err)
		}
	}
	return s.commit(ctx, true)
}

// commit stores how far the upload is, while it is this sender's.
func (s *sending) commit(ctx context.Context, leave bool) error {
	to := &s.to
	to.hash, to.lastSHA256 = stateOf(s.all), s.part.Sum(nil)
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE uploads SET received = $3::bigint, content_type = $4::text, hash = $5::bytea, last_from = $6::bigint, last_sha256 = $7::bytea, handle = $8::text, begun = $9::integer,
			numbers = $10::integer[], tags = $11::text[], tail = $12::text, tail_size = $13::bigint, sender = CASE WHEN $14::boolean THEN NULL ELSE sender END
		WHERE id = $1::uuid AND sender = $2::uuid`, to.ID, s.by, to.Received, to.contentType, to.hash, to.lastFrom, to.lastSHA256, to.handle, to.begun, to.numbers, to.tags, to.tail, to.tailSize, leave)
	var found int64
	err := s.db.WriteOneTrip(ctx, batch, func(res pgx.BatchResults) error {
		tag, err := res.Exec()
		found = tag.RowsAffected()
		return err
	})
	realm := s.db.Realm()
	switch {
	case err != nil:
		s.unsure = true
		return err
	case found == 0:
		s.left = true
		s.remove(ctx, realm, to.tail, s.u.tail)
		return somebodyElse()
	}
	s.remove(ctx, realm, s.u.tail, to.tail)
	s.u, s.left = s.to, leave
	return nil
}

// remove removes a tail that is not the other.
func (s *sending) remove(ctx context.Context, realm tenants.Realm, tail, but string) {
	if tail != "" && tail != but {
		_ = s.bucket.store.remove(ctx, s.u.key(realm)+"."+tail) // a sweep sees it otherwise
	}
}

// leave leaves the upload to the next, who need not fear then that something is still being written.
func (s *sending) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if s.to.handle != "" && s.u.handle == "" && !s.unsure {
		_ = s.bucket.store.abandon(ctx, s.u.key(s.db.Realm()), s.to.handle, s.to.pieces()) // the bucket's own rule, or a sweep, sees it otherwise
	}
	if s.left {
		return
	}
	batch := &pgx.Batch{}
	batch.Queue("UPDATE uploads SET sender = NULL, begun = greatest(begun, $3::integer) WHERE id = $1::uuid AND sender = $2::uuid", s.u.ID, s.by, s.to.begun)
	_ = s.db.WriteOneTrip(ctx, batch, func(res pgx.BatchResults) error { _, err := res.Exec(); return err }) // the next takes it over otherwise
}

// finish makes a file of an upload whose bytes are all there. Whoever finds it so may do it, and do it again.
func (b *Bucket) finish(ctx context.Context, db *tenants.DB, who audit.Actor, u Upload, buffer []byte, now time.Time) (Upload, error) {
	all, err := hashFrom(u.hash)
	if err != nil {
		return u, err
	}
	realm, sum := db.Realm(), hexOf(all)
	if u.SHA256 != "" && u.SHA256 != sum {
		return u, b.refuse(ctx, db, who, u)
	}
	if err := b.assemble(ctx, realm, &u, buffer); err != nil {
		return u, away(err)
	}
	f := &File{ID: u.ID, Purpose: u.Purpose, State: Stored, SHA256: sum, ContentType: u.contentType, Size: u.Size, Name: u.Name, OwnerID: &u.OwnerID, CreatedAt: now.UTC().Truncate(time.Microsecond)}
	err = db.Write(ctx, who, func(tx *tenants.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE uploads SET state = 'complete', sha256 = $2::text, sender = NULL, handle = '', numbers = '{}', tags = '{}', tail = '', tail_size = 0 WHERE id = $1::uuid AND state = 'open'`, u.ID, sum)
		if err == nil && n == 0 {
			err = errNothing
		}
		if err != nil {
			return err
		}
		return f.store(ctx, tx)
	})
	if errors.Is(err, errNothing) { // somebody else did, or it was cancelled
		err = db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			u, err = UploadOf(ctx, r, u.OwnerID, u.ID)
			return err
		})
		if domain.CodeOf(err) == domain.NotFound {
			_ = b.store.remove(ctx, keyOf(realm, f.Purpose, f.ID)) // a sweep sees it otherwise
		}
		return u, err
	}
	if err != nil {
		return u, err
	}
	if u.tail != "" {
		_ = b.store.remove(ctx, u.tailKey(realm)) // a sweep sees it otherwise
	}
	u.State, u.SHA256 = Complete, sum
	return u, nil
}

// assemble makes one object of the pieces and the tail.
func (b *Bucket) assemble(ctx context.Context, realm tenants.Realm, u *Upload, buffer []byte) error {
	pieces := u.pieces()
	err := func() error {
		n, err := b.readTail(ctx, realm, u, buffer)
		if err != nil {
			return err
		}
		data := buffer[:n]
		if u.handle == "" {
			u.contentType = http.DetectContentType(data)
			return b.store.put(ctx, u.key(realm), headOf(u.Purpose, u.Name, u.contentType), data)
		}
		if n > 0 {
			tag, err := b.store.add(ctx, u.key(realm), u.handle, u.begun+1, data)
			if err != nil {
				return err
			}
			pieces = append(pieces, piece{u.begun + 1, tag})
		}
		return b.store.join(ctx, u.key(realm), u.handle, pieces)
	}()
	if err != nil { // perhaps it was done, and whoever did it ended before it could say so: nothing else makes an object of this name
		if is, err := b.store.size(ctx, u.key(realm)); err == nil && is == u.Size {
			_ = b.store.abandon(ctx, u.key(realm), u.handle, pieces) // what was added just now
			return nil
		}
	}
	return err
}

// refuse ends an upload that is not what was announced.
func (b *Bucket) refuse(ctx context.Context, db *tenants.DB, who audit.Actor, u Upload) error {
	var gone []Upload
	if err := db.Write(ctx, who, func(tx *tenants.Tx) (err error) {
		gone, err = endUpload(ctx, tx, "upload.refuse", "id = $1::uuid", u.ID)
		if err == nil && len(gone) == 0 {
			err = noUpload()
		}
		return err
	}); err != nil {
		return err
	}
	b.Forget(ctx, db.Realm(), gone...)
	return domain.InvalidField("sha256", "files.the_whole_has_another_hash")
}
