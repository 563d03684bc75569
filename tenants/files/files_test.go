package files_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var (
	nobody = audit.Actor{Name: "test"}
	noon   = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

// address is where the bucket of a test lies: in a directory or, with the tag cloud, on an emulator of S3 (s3_cloud_test.go).
var address = func(t *testing.T) string { return filepath.Join(t.TempDir(), "files") }

// shelf is a world with a bucket.
type shelf struct {
	*testkit.World
	t      *testing.T
	bucket *files.Bucket
	db     *tenants.DB
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	return newShelfAt(t, address(t))
}

func newShelfAt(t *testing.T, at string) *shelf {
	t.Helper()
	s := &shelf{World: testkit.New(t), t: t}
	s.db = s.DB("jamaica")
	var err error
	if s.bucket, err = files.Open(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(at, "s3:") {
		s.bucket.JoinAlone()
	}
	t.Cleanup(func() {
		if err := s.bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func nothingElse(*tenants.Tx, *files.File) error { return nil }

// put uploads something for a purpose.
func (s *shelf) put(p files.Purpose, name string, body io.Reader) (*files.File, error) {
	return s.bucket.Put(s.t.Context(), s.db, nobody, files.Incoming{Purpose: p, Name: name, Body: body}, noon, nothingElse)
}

func (s *shelf) mustPut(p files.Purpose, body string) *files.File {
	s.t.Helper()
	f, err := s.put(p, "x", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	return f
}

// read gives the bytes of a file; "": there are none.
func (s *shelf) read(f *files.File) string {
	s.t.Helper()
	r, err := s.bucket.Read(s.t.Context(), s.db.Realm(), f, 0, -1)
	if err != nil {
		return ""
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(raw)
}

// has fails the test unless there are so many files, with so many bytes counted for them and for open uploads, and so many objects in the bucket, whatever they
// are called.
func (s *shelf) has(rows, size, kept int64) {
	s.t.Helper()
	var n, sum, used int64
	if err := s.db.ReadFresh(s.t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(s.t.Context(), `SELECT count(*), (coalesce(sum(size), 0) + (SELECT coalesce(sum(size), 0) FROM uploads WHERE state = 'open'))::bigint,
			(SELECT n FROM usage_counts WHERE kind = 'storage_bytes') FROM files`).Scan(&n, &sum, &used)
	}); err != nil {
		s.t.Fatal(err)
	}
	if keys := s.keys(); n != rows || sum != used || used != size || int64(len(keys)) != kept {
		s.t.Errorf("%d rows of %d bytes, %d are counted, %d objects lie there: %.20q; want %d rows of %d bytes, and %d objects", n, sum, used, len(keys), keys, rows, size, kept)
	}
}

// keys are all that lies in the bucket.
func (s *shelf) keys() []string {
	s.t.Helper()
	keys, err := s.bucket.Keys("")
	if err != nil {
		s.t.Fatal(err)
	}
	return keys
}

// limit sets how much the tenant may keep.
func (s *shelf) limit(n int) {
	s.t.Helper()
	if _, err := s.Direct(s.t).Exec(s.t.Context(), fmt.Sprintf("UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{storage_bytes}', '%d')", n)); err != nil {
		s.t.Fatal(err)
	}
}

func TestAFileIsWhatItHolds(t *testing.T) {
	s := newShelf(t)
	const page = "<!doctype html><title>x</title>"
	f, err := s.put(files.General, "../../etc/cron.d/pass\x00wd\u202egpj.exe ", strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(page))
	if f.ContentType != "text/html; charset=utf-8" || f.SHA256 != hex.EncodeToString(sum[:]) || f.Size != int64(len(page)) || f.Name != "passwdgpj.exe" || f.State != files.Stored || f.ID.Version() != 7 {
		t.Errorf("%+v", f)
	}
	if keys := s.keys(); s.read(f) != page || len(keys) != 1 || keys[0] != "test_jamaica/general/"+f.ID.String() {
		t.Errorf("there lies %q in %q", s.read(f), keys)
	}
	var stored files.File
	var entry string
	if err := s.db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
		if stored, err = files.ByID(t.Context(), r, f.ID); err != nil {
			return err
		}
		return r.QueryRow(t.Context(), "SELECT action || ' ' || (after->>'sha256') FROM audit_trail WHERE object_id = $1::text", f.ID.String()).Scan(&entry)
	}); err != nil || stored.SHA256 != f.SHA256 || stored.Name != f.Name || !stored.CreatedAt.Equal(noon) || entry != "file.store "+f.SHA256 {
		t.Errorf("%+v, %q, %v", stored, entry, err)
	}
	s.has(1, int64(len(page)), 1)
}

func TestNamesAreClean(t *testing.T) {
	for name, want := range map[string]string{
		"logo.png": "logo.png", "../../x.png": "x.png", `C:\Users\a\x.png`: "x.png", "..": "file", "": "file", "/": "file", "a/": "file", " .hidden. ": "hidden",
		"a\r\nSet-Cookie: b": "a  Set-Cookie: b", "\xff\xfeé.pdf": "é.pdf", "a\tb": "a b", "\u202e\u200b": "file", strings.Repeat("é", 300) + ".pdf": strings.Repeat("é", 196) + ".pdf",
	} {
		if got := files.CleanName(name); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

// Fifty uploads at once get exactly the room that there is, through the pooler; of those that were refused nothing is left.
func TestStorageIsCountedExactly(t *testing.T) {
	s := newShelf(t)
	const size, fit = 1000, 20
	s.limit(fit*size + size - 1)
	var stored, refused atomic.Int64
	var all sync.WaitGroup
	kept := make(chan *files.File, 50)
	for i := range 50 {
		all.Go(func() {
			f, err := s.put(files.General, "x", strings.NewReader(strings.Repeat(fmt.Sprint(i%10), size)))
			switch {
			case err == nil:
				stored.Add(1)
				kept <- f
			case domain.CodeOf(err) == domain.OverQuota:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(kept)
	if stored.Load() != fit || refused.Load() != 50-fit {
		t.Errorf("%d are stored, %d refused", stored.Load(), refused.Load())
	}
	s.has(fit, fit*size, fit)
	for f := range kept { // all go at once, each twice: room is given back once
		for range 2 {
			all.Go(func() {
				err := s.db.Write(t.Context(), nobody, func(tx *tenants.Tx) error {
					gone, err := files.Discard(t.Context(), tx, "file.remove", f.ID)
					tx.Record(audit.Entry{Action: "file.remove", ObjectKind: "file"})
					s.bucket.Erase(t.Context(), s.db.Realm(), gone)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	s.has(0, 0, 0)
}

// What uses a file may refuse it, its sender may go away, send too much or nothing: then nothing is kept.
func TestNothingIsHalfStored(t *testing.T) {
	s := newShelf(t)
	mine := errors.New("mine")
	if _, err := s.bucket.Put(t.Context(), s.db, nobody, files.Incoming{Purpose: files.General, Body: strings.NewReader("x")}, noon,
		func(*tenants.Tx, *files.File) error { return mine }); !errors.Is(err, mine) {
		t.Error(err)
	}
	gone := io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000)), failing{mine})
	if _, err := s.put(files.General, "x", gone); !errors.Is(err, mine) {
		t.Error(err)
	}
	if _, err := s.put(files.General, "x", strings.NewReader("")); domain.CodeOf(err) != domain.Invalid {
		t.Error(err)
	}
	if _, err := s.put(files.Note, "x", io.LimitReader(endless{}, 1<<20+1)); domain.CodeOf(err) != domain.TooLarge {
		t.Error(err)
	}
	if _, err := s.put(files.Logo, "x", io.LimitReader(endless{}, files.LogoBytes+1)); domain.CodeOf(err) != domain.TooLarge {
		t.Error(err)
	}
	s.has(0, 0, 0)
	var none *files.Bucket
	if _, err := none.Put(t.Context(), s.db, nobody, files.Incoming{Purpose: files.General, Body: strings.NewReader("x")}, noon, nothingElse); domain.CodeOf(err) != domain.Unavailable {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A large upload passes through and is not held: 200 MB with LIGNUM_TEST_ALL, a tenth of it otherwise.
func TestUploadsAreNotHeldInMemory(t *testing.T) {
	s := newShelf(t)
	size := int64(20 << 20)
	if os.Getenv("LIGNUM_TEST_ALL") != "" {
		size = 200 << 20
	}
	var most atomic.Uint64
	watch := &watched{r: io.LimitReader(endless{}, size), most: &most}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f, err := s.put(files.General, "x", watch)
	if err != nil || f.Size != size {
		t.Fatal(f, err)
	}
	grown := int64(most.Load()) - int64(before.HeapAlloc)
	t.Logf("%d MB, at most %d KB more on the heap", size>>20, grown>>10)
	if grown > 4<<20+files.Piece {
		t.Errorf("%d MB of %d were held", grown>>20, size>>20)
	}
}

// watched notes the most that lies on the heap while something is read.
type watched struct {
	r    io.Reader
	n    int64
	most *atomic.Uint64
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if w.n += int64(n); w.n>>20 != (w.n-int64(n))>>20 {
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		w.most.Store(max(w.most.Load(), now.HeapAlloc))
	}
	return n, err
}

func TestASweepRemovesOrphansBothWays(t *testing.T) {
	s := newShelf(t)
	ctx, now := t.Context(), time.Now()
	kept, lost := s.mustPut(files.General, "kept"), s.mustPut(files.General, "lost")
	lay := func(key string) {
		t.Helper()
		if err := s.bucket.Lay(key); err != nil {
			t.Fatal(err)
		}
	}
	lay("test_jamaica/general/" + uuid.NewString())          // left behind by a crash
	lay("test_jamaica/general/" + uuid.NewString() + ".tmp") // and while it was being written
	lay("test_jamaica/logo/" + kept.ID.String())             // a row's id at another purpose
	lay("test_jamaica/general/readme.txt")                   // not ours
	lay("test_jamaica2/general/" + uuid.NewString())         // another realm's, and another installation's
	lay("other_jamaica/general/" + uuid.NewString())
	if err := s.bucket.Take(files.KeyOf(s.db.Realm(), lost)); err != nil {
		t.Fatal(err)
	}
	sweep := func() (sum files.Swept, err error) {
		t.Helper()
		for m, steps := (files.Mark{}), 0; !m.Done(); steps++ {
			var did files.Swept
			if did, m, err = s.bucket.Sweep(ctx, s.db, nobody, m, now); err != nil {
				return sum, err
			}
			if sum.Blobs, sum.Rows = sum.Blobs+did.Blobs, sum.Rows+did.Rows; steps > 10 {
				t.Fatal("it does not end")
			}
		}
		return sum, nil
	}
	now = now.Add(50 * time.Minute)
	if did, err := sweep(); err != nil || did != (files.Swept{Rows: 1}) { // perhaps their rows are on their way
		t.Errorf("%+v, %v", did, err)
	}
	now = now.Add(20 * time.Minute)
	if did, err := sweep(); err != nil || did != (files.Swept{Blobs: 3}) {
		t.Errorf("%+v, %v", did, err)
	}
	s.has(1, 4, 4) // kept, the one that is not ours, and the others'
	if s.read(kept) != "kept" {
		t.Error("what has a row is gone")
	}
	var entry string
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		return r.QueryRow(ctx, "SELECT string_agg(action, ',') FROM audit_trail WHERE object_id = $1::text AND action <> 'file.store'", lost.ID.String()).Scan(&entry)
	}); err != nil || entry != "file.lost" {
		t.Errorf("the trail says %q, %v", entry, err)
	}
	if did, err := sweep(); err != nil || did != (files.Swept{}) {
		t.Errorf("again: %+v, %v", did, err)
	}
	// An empty bucket in place of the right one is no reason to give up everything.
	for _, key := range s.keys() {
		if err := s.bucket.Take(key); err != nil {
			t.Fatal(err)
		}
	}
	if did, err := sweep(); !errors.Is(err, files.ErrAllMissing) || did.Rows != 0 {
		t.Errorf("%+v, %v", did, err)
	}
}

// More than one step has are swept in several.
func TestASweepGoesInSteps(t *testing.T) {
	s := newShelf(t)
	ctx, now := t.Context(), time.Now()
	const n = files.Step + 3
	if _, err := s.Direct(t).Exec(ctx, fmt.Sprintf(`INSERT INTO tenant_jamaica.files SELECT gen_random_uuid(), 'general', 'stored', repeat('0', 64), 'text/plain', 1, 0, 0, 'x', NULL, now() FROM generate_series(1, %d);
		UPDATE tenant_jamaica.usage_counts SET n = %d WHERE kind = 'storage_bytes'`, n, n)); err != nil {
		t.Fatal(err)
	}
	if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error {
		list, err := tenants.Entity[files.File](r).Select("id, purpose").Where("TRUE").Order("id").Find(ctx)
		for i := range list {
			if i%2 == 0 { // every other is lost
				continue
			}
			if err := s.bucket.Lay(files.KeyOf(s.db.Realm(), &list[i])); err != nil {
				return err
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var rows []int
	for m := (files.Mark{}); !m.Done(); {
		did, next, err := s.bucket.Sweep(ctx, s.db, nobody, m, now)
		if err != nil {
			t.Fatal(err)
		}
		rows, m = append(rows, did.Rows), next
	}
	if fmt.Sprint(rows) != "[250 2]" {
		t.Errorf("removed in steps %v", rows)
	}
	s.has(n-252, n-252, n-252)
}

func TestLinksAreForOneFileOfOneRealmForFiveMinutes(t *testing.T) {
	s := newShelf(t)
	id := audit.NewID()
	link := s.bucket.Link(s.db, files.General, id, noon)
	_, query, _ := strings.Cut(link, "?")
	part := func(name string) string {
		for p := range strings.SplitSeq(query, "&") {
			if v, ok := strings.CutPrefix(p, name+"="); ok {
				return v
			}
		}
		t.Fatalf("%s has no %s", link, name)
		return ""
	}
	until, signature := part("until"), part("signature")
	later := fmt.Sprint(noon.Add(10 * time.Minute).Unix())
	for _, c := range []struct {
		what      string
		db        *tenants.DB
		id, until string
		signature string
		at        time.Time
		code      domain.Code
	}{
		{"as it is", s.db, id.String(), until, signature, noon, ""},
		{"just before its end", s.db, id.String(), until, signature, noon.Add(5*time.Minute - time.Second), ""},
		{"at its end", s.db, id.String(), until, signature, noon.Add(5 * time.Minute), domain.Gone},
		{"at another realm", s.DB("bahamas"), id.String(), until, signature, noon, domain.NotFound},
		{"at the platform", s.DB(""), id.String(), until, signature, noon, domain.NotFound},
		{"for another file", s.db, audit.NewID().String(), until, signature, noon, domain.NotFound},
		{"for longer", s.db, id.String(), later, signature, noon, domain.NotFound},
		{"with another signature", s.db, id.String(), until, "A" + signature[1:], noon, domain.NotFound},
		{"without a signature", s.db, id.String(), until, "", noon, domain.NotFound},
		{"with the id in capitals", s.db, strings.ToUpper(id.String()), until, signature, noon, domain.NotFound},
		{"with no id", s.db, "..", until, signature, noon, domain.NotFound},
	} {
		got, err := files.CheckLink(c.db, c.id, c.until, c.signature, c.at)
		if domain.CodeOf(err) != c.code || (err == nil) != (c.code == "") || err == nil && got != id {
			t.Errorf("%s: %v, %v", c.what, got, err)
		}
	}
	if n := noon.Add(files.LinkTime).Unix(); until != fmt.Sprint(n) || files.LinkTime > 5*time.Minute {
		t.Errorf("good until %s, want %d", until, n)
	}
}

// A file is read in any order where it lies; of a bucket elsewhere, from a copy that has no name, so that nothing of it is left whatever ends the process.
func TestAFileIsReadInAnyOrder(t *testing.T) {
	s := newShelf(t)
	t.Setenv("TMPDIR", t.TempDir())
	for what, bucket := range map[string]*files.Bucket{"of a directory": s.bucket, "of another": s.bucket.Elsewhere()} {
		s := &shelf{World: s.World, t: t, db: s.db, bucket: bucket}
		f, err := s.put(files.Note, "note", strings.NewReader("0123456789"))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := bucket.Open(t.Context(), s.db.Realm(), f)
		if err != nil {
			t.Fatal(what, err)
		}
		if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
			t.Errorf("%s: %d temporary files have names, %v", what, len(left), err)
		}
		for _, from := range []int64{7, 2} {
			part := make([]byte, 3)
			if _, err := whole.ReadAt(part, from); err != nil || string(part) != "0123456789"[from:from+3] {
				t.Errorf("%s: from %d on it is %q, %v", what, from, part, err)
			}
		}
		if err := whole.Close(); err != nil || whole.Size != 10 {
			t.Errorf("%s: %d bytes, %v", what, whole.Size, err)
		}
		bucket.Erase(t.Context(), s.db.Realm(), []files.File{*f})
		if _, err := bucket.Open(t.Context(), s.db.Realm(), f); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%s: gone, yet %v", what, err)
		}
	}
}
