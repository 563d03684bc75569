package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/limits"
)

// LessonBytes is the most that a picture of a lesson may have, as it is sent and as it is kept.
const LessonBytes = 2 << 20

// Picture is one as it is kept: written anew, so that nothing but its pixels is left.
type Picture struct {
	Name          string // as its author calls it
	Bytes         []byte
	SHA256        string // of Bytes, in hexadecimal
	ContentType   string
	Width, Height int // pixels
}

// Redraw reads a picture and writes it anew as a purpose keeps it, without a bucket. It gives domain.Invalid and domain.TooLarge as Put does, and
// domain.TooLarge where what is written anew is beyond the purpose's bound: a photograph in WebP becomes a PNG.
func Redraw(ctx context.Context, p Purpose, name string, body io.Reader) (Picture, error) {
	r := rules[p]
	drawn, err := readPicture(ctx, body, r)
	if err != nil {
		return Picture{}, err
	}
	if int64(len(drawn.bytes)) > r.most {
		return Picture{}, tooLarge(r.most)
	}
	sum := sha256.Sum256(drawn.bytes)
	return Picture{CleanName(name), drawn.bytes, hex.EncodeToString(sum[:]), drawn.contentType, drawn.width, drawn.height}, nil
}

// Staged are pictures whose bytes are in the bucket, for the transaction that uses them. Whatever comes of it, Done must follow.
type Staged struct {
	bucket  *Bucket
	realm   tenants.Realm
	of      Purpose
	asked   []string        // hashes of all
	rows    map[string]File // of those that the realm did not have, by hash
	entered map[string]bool // of rows
}

// Stage brings pictures of a purpose into the bucket, each content once. Of what the realm has already only bytes that were lost are written again. It gives
// domain.Unavailable where the bucket does not take them.
func (b *Bucket) Stage(ctx context.Context, db *tenants.DB, of Purpose, list []Picture, now time.Time) (*Staged, error) {
	s := &Staged{bucket: b, realm: db.Realm(), of: of, rows: map[string]File{}, entered: map[string]bool{}}
	if len(list) == 0 {
		return s, nil
	}
	if err := b.ready(); err != nil {
		return nil, err
	}
	for i := range list {
		s.asked = append(s.asked, list[i].SHA256)
	}
	var have map[string]File
	if err := db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		have, err = s.known(ctx, r)
		return err
	}); err != nil {
		return nil, err
	}
	for i := range list {
		p := &list[i]
		f, known := have[p.SHA256]
		if known {
			if _, err := b.store.size(ctx, keyOf(s.realm, of, f.ID)); err == nil {
				continue
			} else if !errors.Is(err, errNone) {
				s.Done(ctx, true)
				return nil, away(err)
			}
		} else if _, twice := s.rows[p.SHA256]; twice {
			continue
		} else {
			f = File{ID: audit.NewID(), Purpose: of, State: Stored, Name: p.Name, ContentType: p.ContentType, Width: p.Width, Height: p.Height, Size: int64(len(p.Bytes)), SHA256: p.SHA256, CreatedAt: now.UTC().Truncate(time.Microsecond)}
		}
		if err := b.store.put(ctx, keyOf(s.realm, of, f.ID), headOf(of, f.Name, f.ContentType), p.Bytes); err != nil {
			s.Done(ctx, true)
			return nil, away(err)
		}
		if !known {
			s.rows[p.SHA256] = f
		}
	}
	return s, nil
}

// known gives the files of the purpose that have one of the hashes, by hash.
func (s *Staged) known(ctx context.Context, q tenants.Querier) (map[string]File, error) {
	list, err := tenants.Entity[File](q).Where("purpose = ?", s.of).Scopes(tenants.OneOf("sha256", s.asked)).Find(ctx)
	found := make(map[string]File, len(list))
	for i := range list {
		found[list[i].SHA256] = list[i]
	}
	return found, err
}

// Enter counts what is new and writes its rows and entries, and reports how many those are. Until the transaction ends nobody takes any of the pictures
// away. It gives domain.OverQuota where the plan has no room, and domain.Conflict where one was taken away since it was staged.
func (s *Staged) Enter(ctx context.Context, tx *tenants.Tx) (added int, err error) {
	if len(s.asked) == 0 {
		return 0, nil
	}
	if _, err := limits.Lock(ctx, tx, limits.Storage); err != nil { // as whoever takes files away
		return 0, err
	}
	have, err := s.known(ctx, tx)
	if err != nil {
		return 0, err
	}
	fresh := make([]File, 0, len(s.rows))
	var size int64
	for _, hash := range s.asked {
		f, staged := s.rows[hash]
		switch _, known := have[hash]; {
		case known: // another transaction was first; what this one staged is for Done
		case !staged:
			return 0, domain.Refuse(domain.Conflict, "files.a_picture_went_away")
		default:
			fresh, size = append(fresh, f), size+f.Size
			have[hash], s.entered[hash] = f, true
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	if room, err := limits.Take(ctx, tx, limits.Storage, size); err != nil {
		return 0, err
	} else if !room {
		return 0, domain.Refuse(domain.OverQuota, "files.the_plan_has_no_room")
	}
	for i := range fresh {
		tx.Record(audit.Entry{Action: "file.store", ObjectKind: "file", ObjectID: fresh[i].ID.String(), After: fresh[i].told()})
	}
	return len(fresh), tenants.Entity[File](tx).CreateInBatches(ctx, &fresh, 100)
}

// Done removes the bytes that got no row: of what Enter did not take and, where nothing of its transaction was committed, of all. A transaction that failed while
// it was being committed may be committed all the same, so its bytes stay, and Sweep sees whether there are rows.
func (s *Staged) Done(ctx context.Context, refused bool) {
	var left []File
	for hash, f := range s.rows {
		if refused || !s.entered[hash] {
			left = append(left, f)
		}
	}
	if s.rows = nil; len(left) > 0 {
		s.bucket.Erase(ctx, s.realm, left)
	}
}
