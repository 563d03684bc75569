package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// Upload is what somebody sends.
type Upload struct {
	Purpose Purpose
	Name    string // as the sender calls it
	Body    io.Reader
}

// Put keeps an upload: its bytes as they come, then in one transaction the tenant's quota, the row, the audit entry, and whatever use does with the file. The
// owner is who. It gives domain.Invalid for what is no file of the purpose, domain.TooLarge beyond its bound, domain.OverQuota where the plan has no
// room, domain.Unavailable where the bucket does not take it, and the errors of the body and of use; then nothing is kept.
func (b *Bucket) Put(ctx context.Context, db *tenants.DB, who audit.Actor, up Upload, now time.Time, use func(tx *tenants.Tx, f *File) error) (*File, error) {
	if err := b.ready(); err != nil {
		return nil, err
	}
	f := &File{ID: audit.NewID(), Purpose: up.Purpose, State: Stored, Name: CleanName(up.Name), CreatedAt: now.UTC().Truncate(time.Microsecond)}
	if who.ID != uuid.Nil {
		f.OwnerID = &who.ID
	}
	body := up.Body
	if r := rules[up.Purpose]; r.side > 0 {
		p, err := readPicture(ctx, up.Body, r)
		if err != nil {
			return nil, err
		}
		f.ContentType, f.Width, f.Height, body = p.contentType, p.width, p.height, bytes.NewReader(p.bytes)
	}
	realm := db.Realm()
	if err := b.write(ctx, realm, f, body); err != nil {
		return nil, err
	}
	refused := false
	err := db.Write(ctx, who, func(tx *tenants.Tx) error {
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
	room, err := limits.Take(ctx, tx, limits.Storage, f.Size)
	if err != nil {
		return err
	}
	if !room {
		return domain.Refuse(domain.OverQuota, "files.the_plan_has_no_room")
	}
	if err := tenants.Entity[File](tx).Create(ctx, f); err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "file.store", ObjectKind: "file", ObjectID: f.ID.String(), After: f.told()})
	return nil
}

// told is what the trail says of a file.
func (f *File) told() any {
	return map[string]any{"purpose": f.Purpose, "file_name": f.Name, "content_type": f.ContentType, "bytes": f.Size, "sha256": f.SHA256}
}

// write streams the bytes into the bucket, no more than the purpose allows, and notes their number, hash and, unless it is known, type.
func (b *Bucket) write(ctx context.Context, realm tenants.Realm, f *File, body io.Reader) error {
	most := rules[f.Purpose].most
	head := make([]byte, 512)
	n, err := io.ReadFull(body, head)
	switch {
	case err == io.EOF:
		return domain.InvalidField("file", "files.is_empty")
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	if head = head[:n]; f.ContentType == "" {
		f.ContentType = http.DetectContentType(head)
	}
	ctx, abandon := context.WithCancel(ctx)
	defer abandon()
	var local *os.File // of a directory
	w, err := b.blobs.NewWriter(ctx, keyOf(realm, f.Purpose, f.ID), &blob.WriterOptions{ContentType: f.ContentType, MaxConcurrency: 2,
		BeforeWrite: func(as func(any) bool) error { as(&local); return nil }})
	if err != nil {
		return away(err)
	}
	hash, from := sha256.New(), &source{r: io.MultiReader(bytes.NewReader(head), io.LimitReader(body, most+1-int64(n)))}
	f.Size, err = io.Copy(io.MultiWriter(w, hash), from)
	switch {
	case from.err != nil:
		err = from.err
	case err != nil:
		err = away(err)
	case f.Size > most:
		err = tooLarge(most)
	case local != nil:
		if err = local.Sync(); err != nil { // or a row could outlive its bytes when the power fails
			err = away(err)
		}
	}
	if err != nil {
		abandon()
		_ = w.Close() // which then keeps nothing
		return err
	}
	if err := w.Close(); err != nil {
		return away(err)
	}
	if local != nil {
		if err := syncFolder(filepath.Dir(local.Name())); err != nil {
			return away(err)
		}
	}
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return nil
}

// syncFolder makes the name of a new file last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// source tells the errors of reading from those of writing.
type source struct {
	r   io.Reader
	err error
}

// Read is io.Reader's.
func (s *source) Read(p []byte) (n int, err error) {
	n, err = s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func tooLarge(most int64) error {
	e := domain.Refuse(domain.TooLarge, "files.is_too_large")
	e.Fields = []domain.Field{{Name: "file", Reason: words.Say("files.must_have_at_most", "Most", most>>20)}}
	return e
}

// Discard takes the rows of files away, those that are still there, and gives back their room. action names it in the trail. Their bytes go when the
// transaction is committed: hand what it gives to Erase.
func Discard(ctx context.Context, tx *tenants.Tx, action string, ids ...uuid.UUID) ([]File, error) {
	// Whoever adds a file counts it first and touches rows afterwards: in the same order nobody waits in a circle.
	if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil {
		return nil, err
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
	if _, err := tenants.Entity[File](tx).Scopes(tenants.OneOf("id", ids)).Delete(ctx); err != nil {
		return nil, err
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
		_ = b.erase(ctx, keyOf(realm, list[i].Purpose, list[i].ID)) // Sweep sees it otherwise
	}
}

func (b *Bucket) erase(ctx context.Context, key string) error {
	err := b.blobs.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return err
}
