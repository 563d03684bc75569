package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/limits"
)

// ImportPack is Import in a transaction of its own, with the pack's pictures, which go into the bucket first. dryRun: everything is taken back in the end.
// Beside Import's errors it gives domain.OverQuota where the plan has no room for the pictures, and domain.Unavailable where the bucket does not take them.
func ImportPack(ctx context.Context, db *tenants.DB, bucket *files.Bucket, who audit.Actor, p *pack.Pack, dryRun bool, now time.Time) (rep ImportReport, err error) {
	pictures, err := bucket.Stage(ctx, db, files.Lesson, p.Pictures, now)
	if err != nil {
		return rep, err
	}
	refused := false
	err = db.Write(ctx, who, func(tx *tenants.Tx) (err error) {
		if rep, err = Import(ctx, tx, p, pictures, now); err == nil && dryRun {
			err = errDryRun
		}
		refused = err != nil
		return err
	})
	pictures.Done(ctx, refused)
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return rep, err
}

// errDryRun takes an import back that was only to be reported.
var errDryRun = errors.New("dry run")

// Picture is one that a lesson shows.
type Picture struct {
	Path    string `json:"path" doc:"Where the tenant's host answers with it, to those who may read the lesson. It changes with the picture"`
	Alt     string `json:"alt" doc:"Alternative text; empty: it is there for its looks alone"`
	Caption string `json:"caption,omitempty"`
	Width   int    `json:"width" doc:"Pixels"`
	Height  int    `json:"height" doc:"Pixels"`
}

func (l *Lesson) takePictures(raw []byte) error {
	var list []pack.Shown
	if err := json.Unmarshal(raw, &list); err != nil {
		return err
	}
	l.Pictures = make([]Picture, len(list))
	for i, p := range list {
		l.Pictures[i] = Picture{pack.PicturePath(l.Course, l.Slug, p.SHA256), p.Alt, p.Caption, p.Width, p.Height}
	}
	return nil
}

// QueuePicture adds the file of a picture that a lesson of a published course shows to a batch, by the hash of its bytes: f is filled when the batch is
// closed, which gives domain.NotFound where the lesson shows no such picture.
func QueuePicture(b *pgx.Batch, courseSlug, lessonSlug, hash string, f *files.File) {
	b.Queue(`SELECT id, purpose, state, sha256, content_type, size, width, height, name, created_at FROM lesson_picture($1::text, $2::text, $3::text)`,
		courseSlug, lessonSlug, hash).QueryRow(func(row pgx.Row) error {
		err := row.Scan(&f.ID, &f.Purpose, &f.State, &f.SHA256, &f.ContentType, &f.Size, &f.Width, &f.Height, &f.Name, &f.CreatedAt)
		return notFound(err, "files.there_is_no_such_file")
	})
}

// sweepStep is how many pictures one step takes away.
const sweepStep = 100

// unusedPictures are those that no lesson shows, not even one that is no longer offered and kept for the records.
const unusedPictures = `SELECT id FROM files WHERE purpose = $1::text
	AND sha256 NOT IN (SELECT p ->> 'sha256' FROM lessons CROSS JOIN LATERAL jsonb_array_elements(pictures) p) ORDER BY id LIMIT $2::integer`

// SweepPictures takes away the pictures that no lesson shows any more, and gives back their room.
func SweepPictures(ctx context.Context, db *tenants.DB, bucket *files.Bucket, who audit.Actor) error {
	for {
		var gone []files.File
		err := db.Write(ctx, who, func(tx *tenants.Tx) (err error) {
			gone, err = discardUnused(ctx, tx)
			if err == nil && len(gone) == 0 {
				err = errNothing
			}
			return err
		})
		if err != nil {
			if errors.Is(err, errNothing) {
				err = nil
			}
			return err
		}
		bucket.Erase(ctx, db.Realm(), gone)
	}
}

// errNothing ends a transaction in which there was nothing left to do.
var errNothing = errors.New("no picture is left to remove")

func discardUnused(ctx context.Context, tx *tenants.Tx) ([]files.File, error) {
	// An import enters its pictures under the same lock, and what it names is committed when the lock is free.
	if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, unusedPictures, string(files.Lesson), sweepStep)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	return files.Discard(ctx, tx, "file.remove", ids...)
}
