package packages

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
)

// Limits of a package.
const (
	MostArchive = 64 << 20 // bytes of the archive
	MostEntries = 2_000
	mostName    = 200 // bytes
)

// kinds are what a package may hold, by the ends of the names, and how a browser is told of it. Whatever it is told it believes (nosniff).
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".txt": "text/plain; charset=utf-8", ".xml": "application/xml", ".xsd": "application/xml", ".vtt": "text/vtt; charset=utf-8", ".wasm": "application/wasm",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".mp3": "audio/mpeg", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp4": "video/mp4", ".webm": "video/webm",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
}

// Store reads a package from a zip archive of so many bytes and keeps it. The same content again gives the package that is there. It gives domain.Invalid,
// with what is wrong, for what is no archive or beyond the bounds, domain.OverQuota where the plan has no room for what it unpacks to, and
// domain.Unavailable where the bucket does not take it; then nothing is kept.
func Store(ctx context.Context, bucket *files.Bucket, db *tenants.DB, who audit.Actor, title string, archive io.ReaderAt, size int64, now time.Time) (*Package, error) {
	if title = strings.TrimSpace(title); title == "" || utf8.RuneCountInString(title) > 200 || strings.ContainsFunc(title, unicode.IsControl) {
		return nil, domain.InvalidField("title", "packages.is_no_title")
	}
	list, err := open(archive, size)
	if err != nil {
		return nil, err
	}
	body := &unpacking{list: list, hash: sha256.New()}
	p := &Package{ID: audit.NewID(), Title: title, CreatedAt: now.UTC().Truncate(time.Microsecond)}
	_, err = bucket.Put(ctx, db, who, files.Incoming{Purpose: files.Package, Name: title + ".zip", Body: body}, now, func(tx *tenants.Tx, f *files.File) error {
		p.FileID, p.Origin = f.ID, origin(db, hex.EncodeToString(body.hash.Sum(nil)))
		known, err := tenants.Entity[Package](tx).Where("origin = ?", p.Origin).Find(ctx)
		if err != nil {
			return err
		}
		if len(known) > 0 {
			*p = known[0]
			return errKnown
		}
		if err := tenants.Entity[Package](tx).Create(ctx, p); err != nil {
			return err
		}
		tx.Record(audit.Entry{Action: "package.store", ObjectKind: "package", ObjectID: p.ID.String(), After: map[string]any{"title": p.Title, "entries": len(list), "bytes": f.Size}})
		return enter(ctx, tx, p, list)
	})
	if err != nil && !errors.Is(err, errKnown) {
		return nil, err
	}
	return p, nil
}

// errKnown takes back what was stored of a package that is there already.
var errKnown = errors.New("the package is there already")

// enter writes a row for each entry, in one statement.
func enter(ctx context.Context, tx *tenants.Tx, p *Package, list []*zip.File) error {
	names, kindsOf, sizes := make([]string, len(list)), make([]string, len(list)), make([]int64, len(list))
	for i, f := range list {
		names[i], kindsOf[i], sizes[i] = f.Name, kinds[strings.ToLower(path.Ext(f.Name))], int64(f.UncompressedSize64)
	}
	_, err := tx.Exec(ctx, `INSERT INTO package_entries (package_id, path, at, size, content_type)
		SELECT $1::uuid, path, sum(size) OVER (ORDER BY n) - size, size, content_type FROM unnest($2::text[], $3::bigint[], $4::text[]) WITH ORDINALITY AS e (path, size, content_type, n)`,
		p.ID.String(), names, sizes, kindsOf)
	return err
}

// open gives the entries of an archive, in the order of their names, whose names, kinds and sizes are in order.
func open(archive io.ReaderAt, size int64) ([]*zip.File, error) {
	wrong := func(reason words.Text) ([]*zip.File, error) { return nil, domain.InvalidFieldIn("file", reason) }
	if size > MostArchive {
		return wrong(words.Say("packages.is_too_large", "Most", MostArchive>>20))
	}
	z, err := zip.NewReader(archive, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return wrong(words.Say("packages.is_no_archive"))
	}
	if len(z.File) > MostEntries {
		return wrong(words.Say("packages.has_too_many_entries", "Entries", len(z.File), "Most", MostEntries))
	}
	list, seen := make([]*zip.File, 0, len(z.File)), map[string]bool{}
	var total uint64
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 { // a folder
			continue
		}
		told := fmt.Sprintf("%.100q", f.Name)
		switch {
		case !fs.ValidPath(f.Name) || len(f.Name) > mostName || strings.ContainsFunc(f.Name, func(r rune) bool { return r == '\\' || r == ':' || r == '%' || !unicode.IsPrint(r) }):
			return wrong(words.Say("packages.entry_has_no_good_name", "Entry", told, "Most", mostName))
		case f.Mode()&^fs.ModePerm != 0:
			return wrong(words.Say("packages.entry_is_a_link", "Entry", told))
		case f.Flags&1 != 0:
			return wrong(words.Say("packages.entry_is_encrypted", "Entry", told))
		case seen[strings.ToLower(f.Name)]:
			return wrong(words.Say("packages.entry_is_there_twice", "Entry", told))
		case kinds[strings.ToLower(path.Ext(f.Name))] == "":
			return wrong(words.Say("packages.entry_is_of_no_kind", "Entry", told))
		case f.UncompressedSize64 > files.PackageBytes || total+f.UncompressedSize64 > files.PackageBytes: // after each, so that sizes near 2^64 do not wrap around
			return wrong(words.Say("packages.unpacks_to_too_much", "Most", files.PackageBytes>>20))
		}
		seen[strings.ToLower(f.Name)] = true
		total += f.UncompressedSize64
		list = append(list, f)
	}
	if !slices.ContainsFunc(list, func(f *zip.File) bool { return f.Name == Start }) {
		return wrong(words.Say("packages.has_no_beginning", "Start", Start))
	}
	slices.SortFunc(list, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// unpacking is the content of all entries, one behind the other. archive/zip gives an error for what is longer or shorter than the archive said, or has another
// sum: so a bomb goes off at the first byte too many.
type unpacking struct {
	list []*zip.File
	at   int
	open io.ReadCloser // of the entry that is read; nil: none yet
	hash hash.Hash     // over names, sizes and contents
}

// Read is io.Reader's.
func (u *unpacking) Read(p []byte) (int, error) {
	for {
		if u.open == nil {
			if u.at == len(u.list) {
				return 0, io.EOF
			}
			f := u.list[u.at]
			var err error
			if u.open, err = f.Open(); err != nil {
				return 0, broken(f.Name)
			}
			var sizes [16]byte
			binary.BigEndian.PutUint64(sizes[:], uint64(len(f.Name)))
			binary.BigEndian.PutUint64(sizes[8:], f.UncompressedSize64)
			u.hash.Write(sizes[:])
			u.hash.Write([]byte(f.Name))
		}
		name := u.list[u.at].Name
		n, err := u.open.Read(p)
		if err != nil && err != io.EOF {
			return 0, broken(name)
		}
		u.hash.Write(p[:n])
		if err == io.EOF {
			_ = u.open.Close() // nothing was written
			u.open = nil
			u.at++
		}
		if n > 0 {
			return n, nil
		}
	}
}

func broken(name string) error {
	return domain.InvalidField("file", "packages.entry_is_broken", "Entry", fmt.Sprintf("%.100q", name))
}
