// Package files keeps what people upload: the bytes in a bucket of the installation, a directory or one of S3, and a row for each file in its tenant's
// schema. Other rooms name a file by its id, and say with its purpose how large it may be and whether it is a picture; what it is used for is theirs.
//
// A file's key in the bucket is <login of the realm>/<purpose>/<id>: nothing that somebody typed is in a path, and two installations may share a bucket.
//
// # Order
//
// Bytes are written first and then the row, in one transaction with the tenant's quota, the audit entry and what uses the file (Put). A row goes first and
// then its bytes (Discard, Erase). So whatever ends in between, a process or a machine, leaves bytes without a row, which Sweep finds, and never a row without
// its bytes.
//
// # What is in a file
//
// Its type is found in its content; what its sender says of it is not asked. Pictures are decoded, within bounds that are read from their heads first, and
// written anew, turned as their camera noted: what came with them, a place, a script or an archive behind their end, is gone.
//
// # Who reads it
//
// Files leave by a signed link, which is good for at most five minutes, for one file of one realm (Link); whoever hands it out has asked the policy. What is
// the same for many has a path of its own instead: the logo everybody's, a lesson's picture one that asks each time whether the lesson may be read, a package its
// host (tenants/packages). Where a distribution of CloudFront stands before the bucket (Edge), links to what is personal lead there; else, since a directory can sign
// nothing, the signature is ours and the program itself passes the bytes on. They are answered as an attachment or, where the program wrote them itself, as a
// picture, never as something that a browser would run (api.Download, and the headers of the distribution in infra/aws/templates/edge.yaml).
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/tenants"
)

// Purpose is what a file is for. It decides how large the file may be, and whether it is a picture.
type Purpose string

// The purposes.
const (
	Logo    Purpose = "logo"    // a tenant's, on all its pages; there is one
	General Purpose = "general" // any file that one person hands to others; nothing takes one from people yet
	Roster  Purpose = "roster"  // schools and people that are to be imported; it is read by the room that imports it, and no link leads to it
	Lesson  Purpose = "lesson"  // a picture in lessons, once whatever number of them show it (Stage)
	Package Purpose = "package" // what tenants/packages keeps, which alone hands it out
	Export  Purpose = "export"  // what the program wrote for one person, who alone gets links to it
)

// rule is what holds for the files of a purpose.
type rule struct {
	most   int64 // bytes of an upload
	side   int   // of a picture: it is made to fit into a square of so many pixels; 0: any file
	within bool  // it never leaves: no link leads to it
	apart  bool  // it is personal, and leaves by the distribution where there is one (Edge)
}

var rules = map[Purpose]rule{Logo: {most: LogoBytes, side: 512}, General: {most: 4 << 30, apart: true}, Lesson: {most: LessonBytes, side: 1600}, Package: {most: PackageBytes, within: true}, Export: {most: ExportBytes, apart: true}, Roster: {most: RosterBytes + 1<<20, within: true}}

// RosterBytes is the most that may be uploaded as a roster, all its files together. Where they are put into one archive it is a little larger.
const RosterBytes = 200 << 20

// LogoBytes is the most that may be uploaded as a logo.
const LogoBytes = 2 << 20

// ExportBytes is the most that is written into one file for somebody.
const ExportBytes = 2 << 30

// PackageBytes is the most that a package may unpack to.
const PackageBytes = 128 << 20

// State is how far a file is.
type State string

// The states of a file.
const (
	Stored State = "stored" // all its bytes are in the bucket
)

// File is one that is kept.
type File struct {
	ID          uuid.UUID
	Purpose     Purpose
	State       State
	SHA256      string `gorm:"column:sha256"` // of the bytes as they are kept, in hexadecimal
	ContentType string // as found in the content, or of what the program itself wrote
	Size        int64  // bytes
	Width       int    // of a picture, in pixels; 0: it is none
	Height      int
	Name        string     // as its sender called it, cleaned; 1 to 200 characters
	OwnerID     *uuid.UUID // who sent it
	CreatedAt   time.Time
}

// TableName is GORM's.
func (File) TableName() string { return "files" }

// Leaves reports whether a link may lead to the file.
func (f *File) Leaves() bool { return !rules[f.Purpose].within }

// Picture reports whether the file is a picture that the program itself wrote.
func (f *File) Picture() bool { return rules[f.Purpose].side > 0 }

// ByID gives a file, or domain.NotFound.
func ByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (File, error) {
	f, err := tenants.Entity[File](q).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return f, domain.Refuse(domain.NotFound, "files.there_is_no_such_file")
	}
	return f, err
}

// LogoOf gives the tenant's logo; nil: there is none.
func LogoOf(ctx context.Context, q tenants.Querier) (*File, error) {
	list, err := tenants.Entity[File](q).Where("purpose = ?", Logo).Order("id DESC").Limit(1).Find(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Bucket is where the bytes of an installation lie. It is safe for concurrent use. A nil one keeps nothing: each of its methods gives domain.Unavailable.
type Bucket struct {
	store   store
	senders *senders
	edge    *Edge // nil: links lead through the program
}

// Open opens the bucket of an address as LIGNUM_FILES has it: a directory, which is made where it is missing, or s3://NAME?region=REGION, of which nothing is
// asked yet.
func Open(ctx context.Context, address string) (*Bucket, error) {
	if !strings.HasPrefix(address, "s3://") {
		d, err := openDirectory(address)
		if err != nil {
			return nil, fmt.Errorf("the directory of files: %w", err)
		}
		return newBucket(d), nil
	}
	s, err := openS3(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("the bucket of files: %w", err)
	}
	return newBucket(s), nil
}

func newBucket(s store) *Bucket { return &Bucket{store: s, senders: newSenders(MostSenders)} }

// Close ends the use of the bucket.
func (b *Bucket) Close() error { return b.store.close() }

// ready gives domain.Unavailable where there is no bucket.
func (b *Bucket) ready() error {
	if b == nil {
		return away(errors.New("this process was given no bucket"))
	}
	return nil
}

// away is the refusal of what the bucket did not do.
func away(cause error) error {
	e := domain.Refuse(domain.Unavailable, "files.cannot_be_kept_just_now")
	e.RetryAfter, e.Cause = time.Minute, cause
	return e
}

// keyOf is where the bytes of a file lie.
func keyOf(realm tenants.Realm, p Purpose, id uuid.UUID) string {
	return prefixOf(realm) + string(p) + "/" + id.String()
}

func prefixOf(realm tenants.Realm) string { return realm.Login + "/" }

// Read gives n bytes of a file from an offset on; -1: all the rest. It gives domain.NotFound where the bytes are gone. ctx must live until the reader is
// closed.
func (b *Bucket) Read(ctx context.Context, realm tenants.Realm, f *File, offset, n int64) (io.ReadCloser, error) {
	if err := b.ready(); err != nil {
		return nil, err
	}
	r, err := b.store.get(ctx, keyOf(realm, f.Purpose, f.ID), offset, n)
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, errNone):
		return nil, domain.Refuse(domain.NotFound, "files.there_is_no_such_file")
	}
	return nil, away(err)
}

// Whole is a file that can be read in any order. Close it.
type Whole struct {
	io.ReaderAt
	io.Closer
	Size int64
}

// Open gives a file to be read in any order: a bucket's of a directory as it lies there, and a copy of any other, which has no name on this machine and is gone
// when it is closed or the process ends. It gives domain.NotFound where the bytes are gone.
func (b *Bucket) Open(ctx context.Context, realm tenants.Realm, f *File) (*Whole, error) {
	r, err := b.Read(ctx, realm, f, 0, -1)
	if err != nil {
		return nil, err
	}
	if local, ok := r.(*os.File); ok {
		return &Whole{local, local, f.Size}, nil
	}
	defer r.Close()
	nameless, err := os.CreateTemp("", "lignum-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(nameless.Name()) // what is open stays until it is closed
	if err == nil {
		_, err = io.Copy(nameless, r)
	}
	if err != nil {
		_ = nameless.Close() // nothing of it is wanted
		return nil, away(err)
	}
	return &Whole{nameless, nameless, f.Size}, nil
}
