package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Incoming is what somebody sends.
type Incoming struct {
	Purpose Purpose
	Name    string // as the sender calls it
	Type    string // of what the program itself wrote, as a media type; "": it is found in the content
	Body    io.Reader
}

// Put keeps what comes in one request: its bytes as they come, then in one transaction the tenant's quota, the row, the audit entry, and whatever use does with the file. The
// owner is who. It gives domain.Invalid for what is no file of the purpose, domain.TooLarge beyond its bound, domain.OverQuota where the plan has no
// room, domain.Unavailable where the bucket does not take it, and the errors of the body and of use; then nothing is kept.
func (b *Bucket) Put(ctx context.Context, db *tenants.DB, who audit.Actor, in Incoming, now time.Time, use func(tx *tenants.Tx, f *File) error) (*File, error) {
	if err := b.ready(); err != nil {
		return nil, err
	}
	f := &File{ID: audit.NewID(), Purpose: in.Purpose, State: Stored, ContentType: in.Type, Name: CleanName(in.Name), CreatedAt: now.UTC().Truncate(time.Microsecond)}
	if who.ID != uuid.Nil {
		f.OwnerID = &who.ID
	}
	realm := db.Realm()
	var err error
	if r := rules[in.Purpose]; r.side > 0 {
		err = b.writePicture(ctx, realm, f, in.Body, r)
	} else {
		err = b.write(ctx, realm, f, in.Body)
	}
	if err != nil {
		return nil, err
	}
	refused := false
	err = db.Write(ctx, who, func(tx *tenants.Tx) error {
		err := f.enter(ctx, tx)
		if err == nil {
			err = use(tx, f)
		}
		refused = err != nil
		return err
	})
	// What failed while it was being committed may be committed all the same: then the bytes stay, and Sweep sees whether there is a row.
	if refused {
		b.Erase(ctx, realm, []File{*f})
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// enter counts the file and writes its row and its entry.
func (f *File) enter(ctx context.Context, tx *tenants.Tx) error {
	if err := takeRoom(ctx, tx, f.Size); err != nil {
		return err
	}
	return f.store(ctx, tx)
}

// store writes the row of a file that is counted, and its entry.
func (f *File) store(ctx context.Context, tx *tenants.Tx) error {
	tx.Record(audit.Entry{Action: "file.store", ObjectKind: "file", ObjectID: f.ID.String(), After: f.told()})
	return tenants.Entity[File](tx).Create(ctx, f)
}

// takeRoom counts so many bytes more, or gives domain.OverQuota. The platform's own realm has no quotas.
func takeRoom(ctx context.Context, tx *tenants.Tx, size int64) error {
	if tx.Realm().IsPlatform() {
		return nil
	}
	room, err := limits.Take(ctx, tx, limits.Storage, size)
	if err == nil && !room {
		err = domain.Refuse(domain.OverQuota, "files.the_plan_has_no_room")
	}
	return err
}

// told is what the trail says of a file.
func (f *File) told() any {
	return map[string]any{"purpose": f.Purpose, "file_name": f.Name, "content_type": f.ContentType, "bytes": f.Size, "sha256": f.SHA256}
}

// writePicture keeps a picture as the program itself writes it.
func (b *Bucket) writePicture(ctx context.Context, realm tenants.Realm, f *File, body io.Reader, r rule) error {
	p, err := readPicture(ctx, body, r)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(p.bytes)
	f.ContentType, f.Width, f.Height, f.Size, f.SHA256 = p.contentType, p.width, p.height, int64(len(p.bytes)), hex.EncodeToString(sum[:])
	if err := b.store.put(ctx, keyOf(realm, f.Purpose, f.ID), headOf(f.Purpose, f.Name, f.ContentType), p.bytes); err != nil {
		return away(err)
	}
	return nil
}

// write keeps bytes piece by piece as they come, no more than the purpose allows, and notes their number, hash and type.
func (b *Bucket) write(ctx context.Context, realm tenants.Realm, f *File, body io.Reader) error {
	most := rules[f.Purpose].most
	buffer, err := b.senders.enter(ctx, realm)
	if err != nil {
		return err
	}
	defer b.senders.leave(realm, buffer)
	key, hash, handle, pieces := keyOf(realm, f.Purpose, f.ID), sha256.New(), "", []piece(nil)
	from := io.LimitReader(body, most+1)
	for more := true; more; {
		n, err := io.ReadFull(from, buffer)
		f.Size += int64(n)
		more = err == nil
		switch {
		case err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF):
		case f.Size == 0:
			err = domain.InvalidField("file", "files.is_empty")
		case f.Size > most:
			err = tooLarge(most)
		default:
			data := buffer[:n]
			hash.Write(data)
			if f.ContentType == "" {
				f.ContentType = http.DetectContentType(data)
			}
			if pieces, err = b.put(ctx, key, headOf(f.Purpose, f.Name, f.ContentType), &handle, pieces, data, more); err != nil {
				err = away(err)
			}
		}
		if err != nil {
			if handle != "" {
				_ = b.store.abandon(ctx, key, handle, pieces) // a sweep, or the bucket's own rule, sees what stays
			}
			return err
		}
	}
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// put keeps one more piece of an object that comes in order, or the whole of one that has no more than one; after the last one it is there.
func (b *Bucket) put(ctx context.Context, key string, h head, handle *string, pieces []piece, data []byte, more bool) ([]piece, error) {
	if *handle == "" && !more {
		return nil, b.store.put(ctx, key, h, data)
	}
	if *handle == "" {
		var err error
		if *handle, err = b.store.begin(ctx, key, h); err != nil {
			return nil, err
		}
	}
	if len(data) > 0 {
		number := len(pieces) + 1
		tag, err := b.store.add(ctx, key, *handle, number, data)
		pieces = append(pieces, piece{number, tag})
		if err != nil {
			return pieces, err
		}
	}
	if more {
		return pieces, nil
	}
	return pieces, b.store.join(ctx, key, *handle, pieces)
}

func tooLarge(most int64) *domain.Error {
	e := domain.Refuse(domain.TooLarge, "files.is_too_large")
	e.Fields = []domain.Field{{Name: "file", Reason: words.Say("files.must_have_at_most", "Most", most>>20)}}
	return e
}

// Discard takes the rows of files away, those that are still there, and gives back their room. action names it in the trail. Their bytes go when the
// transaction is committed: hand what it gives to Erase.
func Discard(ctx context.Context, tx *tenants.Tx, action string, ids ...uuid.UUID) ([]File, error) {
	// Whoever adds a file counts it first and touches rows afterwards: in the same order nobody waits in a circle.
	if !tx.Realm().IsPlatform() {
		if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil {
			return nil, err
		}
	}
	list, err := tenants.Entity[File](tx, tenants.Held).Scopes(tenants.OneOf("id", ids)).Order("id").Find(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var size int64
	for i := range list {
		f := &list[i]
		size += f.Size
		tx.Record(audit.Entry{Action: action, ObjectKind: "file", ObjectID: f.ID.String(), Before: f.told()})
	}
	if _, err := tenants.Entity[File](tx).Scopes(tenants.OneOf("id", ids)).Delete(ctx); err != nil || tx.Realm().IsPlatform() {
		return list, err
	}
	return list, limits.GiveBack(ctx, tx, limits.Storage, size)
}

// DiscardLogos is Discard for the tenant's logos but one; uuid.Nil: for all.
func DiscardLogos(ctx context.Context, tx *tenants.Tx, but uuid.UUID) ([]File, error) {
	if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil { // whoever changes the logo at the same moment is through then
		return nil, err
	}
	list, err := tenants.Entity[File](tx).Select("id").Where("purpose = ? AND id <> ?", Logo, but).Find(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	return Discard(ctx, tx, "file.remove", ids...)
}

// Erase removes the bytes of files whose rows are gone, as far as the bucket lets it; the rest is for Sweep.
func (b *Bucket) Erase(ctx context.Context, realm tenants.Realm, list []File) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for i := range list {
		_ = b.store.remove(ctx, keyOf(realm, list[i].Purpose, list[i].ID)) // Sweep sees it otherwise
	}
}
