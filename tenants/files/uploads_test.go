package files_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// noise is so many bytes that are nowhere the same.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 1})
	data := make([]byte, n)
	_, _ = r.Read(data) // it has no error
	return data
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// sender is somebody who may upload.
func (s *shelf) sender() audit.Actor {
	s.t.Helper()
	return audit.Actor{ID: school.People(s.t, s.db, school.Person{Roles: []string{"teacher"}})[0], Name: "teacher", Realm: "jamaica"}
}

func (s *shelf) begin(who audit.Actor, a files.Announced) (u files.Upload, err error) {
	if a.Purpose == "" {
		a.Purpose = files.General
	}
	err = s.db.Write(s.t.Context(), who, func(tx *tenants.Tx) (err error) {
		u, err = s.bucket.Begin(s.t.Context(), tx, who, a, noon)
		return err
	})
	return u, err
}

func (s *shelf) mustBegin(who audit.Actor, size int, sum string) files.Upload {
	s.t.Helper()
	u, err := s.begin(who, files.Announced{Name: "lesson.mp4", Size: int64(size), SHA256: sum})
	if err != nil {
		s.t.Fatal(err)
	}
	return u
}

func (s *shelf) part(who audit.Actor, id uuid.UUID, p files.Part) (files.Upload, error) {
	return s.bucket.Append(s.t.Context(), s.db, who, id, p, noon)
}

// send sends bytes from an offset on, and fails the test unless they are kept.
func (s *shelf) send(who audit.Actor, id uuid.UUID, offset int, data []byte) files.Upload {
	s.t.Helper()
	u, err := s.part(who, id, files.Part{Offset: int64(offset), Length: int64(len(data)), Body: bytes.NewReader(data)})
	if err != nil || u.Received != int64(offset+len(data)) {
		s.t.Fatalf("%d of %d bytes, sent from %d on: %v", u.Received, offset+len(data), offset, err)
	}
	return u
}

func (s *shelf) cancel(who audit.Actor, id uuid.UUID) error {
	var gone files.Upload
	err := s.db.Write(s.t.Context(), who, func(tx *tenants.Tx) (err error) {
		gone, err = files.Cancel(s.t.Context(), tx, who.ID, id)
		return err
	})
	if err == nil {
		s.bucket.Forget(s.t.Context(), s.db.Realm(), gone)
	}
	return err
}

// is fails the test unless an upload is a file with this content.
func (s *shelf) is(id uuid.UUID, data []byte) {
	s.t.Helper()
	var f files.File
	if err := s.db.ReadFresh(s.t.Context(), func(r *tenants.Reader) (err error) {
		f, err = files.ByID(s.t.Context(), r, id)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	if got := s.read(&f); f.SHA256 != sumOf(data) || f.Size != int64(len(data)) || got != string(data) {
		s.t.Errorf("the file says %d bytes with %s, and has %d with %s; %d with %s were sent", f.Size, f.SHA256, len(got), sumOf([]byte(got)), len(data), sumOf(data))
	}
}

// trail are the actions that the trail tells of an upload and its file, in their order.
func (s *shelf) trail(id uuid.UUID) (actions string) {
	s.t.Helper()
	if err := s.db.ReadFresh(s.t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(s.t.Context(), "SELECT coalesce(string_agg(action, ' ' ORDER BY id), '') FROM audit_trail WHERE object_id = $1::text", id.String()).Scan(&actions)
	}); err != nil {
		s.t.Fatal(err)
	}
	return actions
}

func TestAFileComesInParts(t *testing.T) {
	s := newShelf(t)
	who, size := s.sender(), int64(0)
	for i, c := range []struct{ size, part int }{{1, 1}, {1000, 300}, {files.Piece, files.Piece}, {files.Piece + 1, 2 << 20}, {2 * files.Piece, 3 << 20}, {3*files.Piece - 1, 11 << 20}} {
		data := noise(uint64(i), c.size)
		copy(data, "%PDF-1.7")
		u := s.mustBegin(who, c.size, sumOf(data))
		if u.Received != 0 || u.State != files.Underway || !u.ExpiresAt.Equal(noon.Add(files.UploadTime)) {
			t.Errorf("%+v", u)
		}
		for at := 0; at < c.size; at += c.part {
			if u.State != files.Underway {
				t.Errorf("%d bytes are complete at %d", c.size, at)
			}
			u = s.send(who, u.ID, at, data[at:min(at+c.part, c.size)])
		}
		if u.State != files.Complete || u.SHA256 != sumOf(data) {
			t.Errorf("%+v", u)
		}
		s.is(u.ID, data)
		if said := s.trail(u.ID); said != "upload.begin file.store" {
			t.Errorf("the trail says %s", said)
		}
		size += int64(c.size)
		s.has(int64(i)+1, size, int64(i)+1)
	}
	var kinds string
	if err := s.db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT string_agg(DISTINCT content_type || ' ' || name || ' ' || (owner_id = $1::text::uuid), ',') FROM files WHERE size > 10", who.ID.String()).Scan(&kinds)
	}); err != nil || kinds != "application/pdf lesson.mp4 true" {
		t.Errorf("%q, %v", kinds, err)
	}
}

// Whoever does not know whether a part has arrived sends it again.
func TestAPartIsSentAgain(t *testing.T) {
	s := newShelf(t)
	who, data := s.sender(), noise(1, files.Piece+3000)
	u := s.mustBegin(who, len(data), "")
	again := func(what string, offset, end int, other byte, code domain.Code, received int) {
		t.Helper()
		body := bytes.Clone(data[offset:end])
		body[0] ^= other
		got, err := s.part(who, u.ID, files.Part{Offset: int64(offset), Length: -1, Body: bytes.NewReader(body)})
		if domain.CodeOf(err) != code || (err == nil) != (code == "") || got.Received != int64(received) {
			t.Errorf("%s: %v, it is at %d; want %q at %d", what, err, got.Received, code, received)
		}
	}
	again("the first", 0, 1000, 0, "", 1000)
	again("the same", 0, 1000, 0, "", 1000)
	again("the same, and more", 0, 1500, 0, "", 1500)
	again("less of it", 0, 700, 0, domain.Conflict, 1500)
	again("another in its place", 0, 1500, 1, domain.Conflict, 1500)
	again("from its middle on", 700, 2000, 0, domain.Conflict, 1500)
	again("too far on", 1501, 2000, 0, domain.Conflict, 1500)
	again("nothing", 1500, 1501, 0, "", 1501)
	again("across the end of a piece", 1501, files.Piece+2000, 0, "", files.Piece+2000)
	again("and again", 1501, files.Piece+2000, 0, "", files.Piece+2000)
	again("the last", files.Piece+2000, len(data), 0, "", len(data))
	again("the last again", files.Piece+2000, len(data), 0, "", len(data))
	again("another in place of the last", files.Piece+2000, len(data), 1, domain.Conflict, len(data))
	s.is(u.ID, data)
	s.has(1, int64(len(data)), 1)
	if said := s.trail(u.ID); said != "upload.begin file.store" {
		t.Errorf("the trail says %s", said)
	}
}

// A connection that breaks takes away only what it did not bring, unless the part has a hash, which nobody can check then.
func TestAPartThatIsCutKeepsWhatArrived(t *testing.T) {
	s := newShelf(t)
	who, data, gone := s.sender(), noise(2, 3*files.Piece+77), errors.New("gone")
	cut := func(from, to int, sum []byte) (files.Upload, error) {
		return s.part(who, s.u(who).ID, files.Part{Offset: int64(from), Length: int64(len(data) - from), SHA256: sum, Body: io.MultiReader(bytes.NewReader(data[from:to]), iotest.ErrReader(gone))})
	}
	u := s.mustBegin(who, len(data), "")
	at := 0
	for _, to := range []int{100, 100, 4000, files.Piece + 5, 2*files.Piece + 6} {
		got, err := cut(at, to, nil)
		if !errors.Is(err, gone) || got.Received != int64(to) {
			t.Fatalf("cut at %d: %v, it is at %d", to, err, got.Received)
		}
		at = to
	}
	rest := sha256.Sum256(data[at:])
	if got, err := cut(at, len(data)-1, rest[:]); !errors.Is(err, gone) || got.Received != int64(at) {
		t.Errorf("cut, with a hash: %v, it is at %d", err, got.Received)
	}
	wrong := sha256.Sum256(data)
	got, err := s.part(who, u.ID, files.Part{Offset: int64(at), Length: -1, SHA256: wrong[:], Body: bytes.NewReader(data[at:])})
	var d *domain.Error
	if !errors.As(err, &d) || d.Code != domain.Invalid || d.Fields[0].Name != "header.Content-Digest" || got.Received != int64(at) {
		t.Errorf("with another hash: %v, it is at %d", err, got.Received)
	}
	got, err = s.part(who, u.ID, files.Part{Offset: int64(at), Length: -1, SHA256: rest[:], Body: bytes.NewReader(data[at:])})
	if err != nil || got.State != files.Complete {
		t.Fatalf("%+v, %v", got, err)
	}
	s.is(u.ID, data)
	if err := s.sweepAll(noon.Add(100 * time.Hour)); err != nil { // what the part with another hash has left
		t.Fatal(err)
	}
	s.has(1, int64(len(data)), 1)
}

// u is the one open upload of somebody.
func (s *shelf) u(who audit.Actor) files.Upload {
	s.t.Helper()
	var list []files.Upload
	if err := s.db.ReadFresh(s.t.Context(), func(r *tenants.Reader) (err error) {
		list, err = files.OpenUploads(s.t.Context(), r, who.ID)
		return err
	}); err != nil || len(list) != 1 {
		s.t.Fatalf("%d uploads are open, %v", len(list), err)
	}
	return list[0]
}

func (s *shelf) sweepAll(now time.Time) error {
	for m := (files.Mark{}); !m.Done(); {
		var err error
		if _, m, err = s.bucket.Sweep(s.t.Context(), s.db, nobody, m, now); err != nil {
			return err
		}
	}
	return nil
}

// What comes of two who send at once is one of them: the second goes on, and the first, of whom nobody knows whether it still lives, is told.
func TestTwoWhoSendAtOnceAreNotMixed(t *testing.T) {
	s := newShelf(t)
	who, mine, other := s.sender(), noise(3, 3*files.Piece), noise(4, 3*files.Piece)
	for _, before := range []int{0, 100, files.Piece - 1, files.Piece + 100} { // how much of the first has come when the second begins
		u := s.mustBegin(who, len(mine), "")
		from, to := io.Pipe()
		first := make(chan error, 1)
		go func() {
			_, err := s.part(who, u.ID, files.Part{Length: -1, Body: from})
			_ = from.CloseWithError(err)
			first <- err
		}()
		if _, err := to.Write(other[:before]); err != nil {
			t.Fatal(err)
		}
		if before == 0 {
			time.Sleep(50 * time.Millisecond) // whether it has begun or not, it ends alike
		}
		at := before / files.Piece * files.Piece // what is kept of it
		for wait := 0; s.u(who).Received != int64(at); wait++ {
			if time.Sleep(20 * time.Millisecond); wait > 500 {
				t.Fatal("the first piece is not kept")
			}
		}
		got, err := s.part(who, u.ID, files.Part{Offset: int64(at), Length: -1, Body: bytes.NewReader(mine[at : len(mine)-1])})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = to.Write(other[before:]) // it is refused on the way
		_ = to.Close()                  // a pipe has no error
		if err := <-first; domain.CodeOf(err) != domain.Conflict {
			t.Errorf("at %d: the first is told %v", before, err)
		}
		got = s.send(who, u.ID, int(got.Received), mine[got.Received:])
		s.is(got.ID, append(bytes.Clone(other[:at]), mine[at:]...))
	}
}

// However parts come, cut, twice, too late and from several at once, the file is what was sent.
func TestPartsInAnyOrderOfEvents(t *testing.T) {
	s := newShelf(t)
	who, data := s.sender(), noise(5, 4*files.Piece+4321)
	u := s.mustBegin(who, len(data), sumOf(data))
	var all sync.WaitGroup
	var done atomic.Int64
	for i := range 3 {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 7))
			now := u
			for try := 0; try < 400; try++ {
				at := now.Received
				n := min(int64(len(data))-at, r.Int64N(2*files.Piece))
				var body io.Reader = bytes.NewReader(data[at : at+n])
				if r.IntN(3) == 0 {
					body = io.MultiReader(io.LimitReader(body, r.Int64N(n+1)), iotest.ErrReader(io.ErrUnexpectedEOF))
				}
				got, err := s.part(who, u.ID, files.Part{Offset: at, Length: -1, Body: body})
				if err != nil && domain.CodeOf(err) != domain.Conflict && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error(err, errors.Unwrap(err))
					return
				}
				if err != nil { // as a sender does whom somebody else was before
					time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
				}
				if now = got; got.State == files.Complete {
					done.Add(1)
					return
				}
			}
		})
	}
	all.Wait()
	if done.Load() != 3 {
		t.Errorf("%d of 3 saw the end", done.Load())
	}
	s.is(u.ID, data)
	if said := s.trail(u.ID); said != "upload.begin file.store" {
		t.Errorf("the trail says %s", said)
	}
}

func TestAnUploadIsItsSendersAlone(t *testing.T) {
	s := newShelf(t)
	mine, other := s.sender(), s.sender()
	u := s.mustBegin(mine, 1000, "")
	s.send(mine, u.ID, 0, noise(6, 10))
	foreign := s.DB("bahamas")
	for what, c := range map[string]struct {
		db  *tenants.DB
		who audit.Actor
	}{"another's": {s.db, other}, "in another realm": {foreign, mine}} {
		if _, err := s.bucket.Append(t.Context(), c.db, c.who, u.ID, files.Part{Offset: 10, Length: 1, Body: strings.NewReader("x")}, noon); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%s: %v", what, err)
		}
		if err := c.db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
			_, err := files.UploadOf(t.Context(), r, c.who.ID, u.ID)
			return err
		}); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%s: %v", what, err)
		}
		if err := c.db.Write(t.Context(), c.who, func(tx *tenants.Tx) error {
			_, err := files.Cancel(t.Context(), tx, c.who.ID, u.ID)
			return err
		}); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	if now := s.u(mine); now.Received != 10 {
		t.Errorf("%+v", now)
	}
}

func TestWhatIsAnnouncedIsHeld(t *testing.T) {
	s := newShelf(t)
	who, data := s.sender(), noise(7, 1000)
	for _, c := range []struct {
		a     files.Announced
		code  domain.Code
		field string
	}{
		{files.Announced{Name: "x", Size: 0}, domain.Invalid, "bytes"}, {files.Announced{Name: "x", Size: -1}, domain.Invalid, "bytes"},
		{files.Announced{Name: "x", Size: 4<<30 + 1}, domain.TooLarge, "bytes"}, {files.Announced{Name: "x", Size: 1, SHA256: "abc"}, domain.Invalid, "sha256"},
		{files.Announced{Name: "x", Size: 1, Purpose: files.Logo}, domain.Invalid, "purpose"}, {files.Announced{Name: "x", Size: 1, Purpose: "x"}, domain.Invalid, "purpose"},
	} {
		_, err := s.begin(who, c.a)
		var d *domain.Error
		if !errors.As(err, &d) || d.Code != c.code || len(d.Fields) != 1 || d.Fields[0].Name != c.field {
			t.Errorf("%+v: %v", c.a, err)
		}
	}
	s.has(0, 0, 0)
	u := s.mustBegin(who, len(data), sumOf(data))
	for _, length := range []int64{-1, 1001} {
		got, err := s.part(who, u.ID, files.Part{Length: length, Body: bytes.NewReader(append(bytes.Clone(data), 'x'))})
		if domain.CodeOf(err) != domain.Invalid || got.State != files.Underway || got.Received != 0 {
			t.Errorf("longer than announced: %+v, %v", got, err)
		}
	}
	_, err := s.part(who, u.ID, files.Part{Length: -1, Body: bytes.NewReader(noise(8, 1000))})
	var d *domain.Error
	if !errors.As(err, &d) || d.Code != domain.Invalid || d.Fields[0].Name != "sha256" {
		t.Errorf("with another hash: %v", err)
	}
	if _, err := s.part(who, u.ID, files.Part{Length: -1, Body: bytes.NewReader(data)}); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("afterwards: %v", err)
	}
	if said := s.trail(u.ID); said != "upload.begin upload.refuse" {
		t.Errorf("the trail says %s", said)
	}
	s.has(0, 0, 0)
	for range 20 {
		s.mustBegin(who, 1, "")
	}
	if _, err := s.begin(who, files.Announced{Name: "x", Size: 1}); domain.CodeOf(err) != domain.Conflict {
		t.Errorf("the 21st: %v", err)
	}
	s.has(0, 20, 0)
}

// Fifty who begin, send in parts and cancel at once get exactly the room that there is.
func TestUploadsInPartsAreCountedExactly(t *testing.T) {
	s := newShelf(t)
	const size, fit = 1000, 20
	s.limit(fit*size + size - 1)
	who := []audit.Actor{s.sender(), s.sender(), s.sender()}
	var begun, refused atomic.Int64
	var all sync.WaitGroup
	kept := make(chan files.Upload, 50)
	for i := range 50 {
		all.Go(func() {
			u, err := s.begin(who[i%3], files.Announced{Name: "x", Size: size})
			switch {
			case err == nil:
				begun.Add(1)
				kept <- u
			case domain.CodeOf(err) == domain.OverQuota:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(kept)
	if begun.Load() != fit || refused.Load() != 50-fit {
		t.Errorf("%d have begun, %d are refused", begun.Load(), refused.Load())
	}
	s.has(0, fit*size, 0)
	i := 0
	for u := range kept { // half of them become files while the others are cancelled, twice each
		owner := who[slices.IndexFunc(who, func(a audit.Actor) bool { return a.ID == u.OwnerID })]
		if i++; i%2 == 0 {
			all.Go(func() {
				for at := 0; at < size; at += 250 {
					if _, err := s.part(owner, u.ID, files.Part{Offset: int64(at), Length: 250, Body: bytes.NewReader(noise(1, size)[at : at+250])}); err != nil {
						t.Error(err)
					}
				}
			})
			continue
		}
		for range 2 {
			all.Go(func() {
				if err := s.cancel(owner, u.ID); err != nil && domain.CodeOf(err) != domain.NotFound {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	s.has(fit/2, fit/2*size, fit/2)
	if _, err := s.put(files.General, "x", bytes.NewReader(make([]byte, fit/2*size+size))); domain.CodeOf(err) != domain.OverQuota {
		t.Error(err)
	}
}

func TestUploadsEndWithTheirTime(t *testing.T) {
	s := newShelf(t)
	who, data := s.sender(), noise(9, 2*files.Piece)
	late, done := s.mustBegin(who, len(data), ""), s.mustBegin(who, 5, "")
	s.send(who, late.ID, 0, data[:files.Piece+9])
	s.send(who, done.ID, 0, []byte("whole"))
	expire := func(now time.Time) {
		t.Helper()
		for range 2 { // again does no harm
			if more, err := s.bucket.Expire(t.Context(), s.db, nobody, now); err != nil || more {
				t.Errorf("%t, %v", more, err)
			}
		}
	}
	expire(late.ExpiresAt.Add(-time.Second))
	if err := s.sweepAll(time.Now().Add(100 * time.Hour)); err != nil { // what is underway is nobody's orphan
		t.Fatal(err)
	}
	if now := s.u(who); now.Received != files.Piece+9 {
		t.Errorf("%+v", now)
	}
	if _, err := s.bucket.Append(t.Context(), s.db, who, late.ID, files.Part{Offset: files.Piece + 9, Length: -1, Body: strings.NewReader("x")}, late.ExpiresAt); domain.CodeOf(err) != domain.Gone {
		t.Errorf("when its time is over: %v", err)
	}
	expire(late.ExpiresAt)
	s.has(1, 5, 1)
	if said := s.trail(late.ID); said != "upload.begin upload.expire" {
		t.Errorf("the trail says %s", said)
	}
	if said := s.trail(done.ID); said != "upload.begin file.store" {
		t.Errorf("the trail says %s", said)
	}
	var n int
	if err := s.db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT count(*) FROM uploads").Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("%d rows, %v", n, err)
	}
	if err := s.cancel(who, done.ID); domain.CodeOf(err) != domain.NotFound {
		t.Error(err)
	}
}

// A process that dies when the bytes are together and before anybody knows it, leaves an upload that wants an empty part.
func TestAFileThatWasPutTogetherUnseen(t *testing.T) {
	s := newShelf(t)
	who := s.sender()
	for i, size := range []int{10, files.Piece, 2*files.Piece + 5} {
		data := noise(uint64(i), size)
		u := s.mustBegin(who, size, "")
		s.bucket.Breaking(func() {
			got, err := s.part(who, u.ID, files.Part{Length: -1, Body: bytes.NewReader(data)})
			if domain.CodeOf(err) != domain.Unavailable || got.State != files.Underway || got.Received != int64(size) {
				t.Errorf("%+v, %v", got, err)
			}
		})
		if err := s.sweepAll(time.Now().Add(48 * time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got, err := s.part(who, u.ID, files.Part{Offset: int64(size), Length: 0, Body: strings.NewReader("")}); err != nil || got.State != files.Complete {
			t.Errorf("%+v, %v", got, err)
		}
		s.is(u.ID, data)
		if err := s.cancel(who, u.ID); domain.CodeOf(err) != domain.Conflict {
			t.Error(err)
		}
	}
	s.has(3, 10+files.Piece+2*files.Piece+5, 3)
}

// A disk that is full in the middle of a part keeps what was there before, and the upload goes on when there is room.
func TestADiskThatIsFullInTheMiddleOfAPart(t *testing.T) {
	s := newShelfAt(t, filepath.Join(t.TempDir(), "files"))
	who, data := s.sender(), noise(10, 2*files.Piece)
	u := s.mustBegin(who, len(data), "")
	s.send(who, u.ID, 0, data[:1000])
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3 << 20, files.Piece + 5} { // of what is no piece yet, and of a piece
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		got, err := s.part(who, u.ID, files.Part{Offset: 1000, Length: -1, Body: bytes.NewReader(data[1000 : 1000+n])})
		if back := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); back != nil {
			t.Fatal(back)
		}
		if domain.CodeOf(err) != domain.Unavailable || got.Received != 1000 {
			t.Errorf("%v, it is at %d", err, got.Received)
		}
	}
	s.send(who, u.ID, 1000, data[1000:])
	s.is(u.ID, data)
	s.has(1, int64(len(data)), 1)
}

// What a removed tenant kept is erased, and nobody else's.
func TestWhatARemovedTenantKeptIsErased(t *testing.T) {
	s := newShelf(t)
	kept, spec := s.mustPut(files.General, "kept"), testkit.Fixtures[0]
	spec.Slug = "t" + uuid.NewString()[:8] // logins are of the whole cluster
	made, err := s.Provisioner.Create(t.Context(), spec, s.Actor)
	if err != nil {
		t.Fatal(err)
	}
	login := made.Tenant.LoginRole
	for i := range 3 {
		if err := s.bucket.Lay(fmt.Sprintf("%s/general/%s", login, uuid.NewString())); err != nil {
			t.Fatal(err)
		}
		if err := s.bucket.Lay(fmt.Sprintf("%s%d/general/x", login, i)); err != nil { // another installation's, whose name begins alike
			t.Fatal(err)
		}
	}
	erase := func(now time.Time) {
		t.Helper()
		if err := s.bucket.EraseRemoved(t.Context(), s.DB(""), nobody, now); err != nil {
			t.Fatal(err)
		}
	}
	erase(time.Now().Add(2 * time.Hour))
	if n := len(s.keys()); n != 7 {
		t.Errorf("%d objects while the tenant is there", n)
	}
	if err := s.Provisioner.Drop(t.Context(), spec.Slug, spec.Slug); err != nil {
		t.Fatal(err)
	}
	erase(time.Now()) // a process may not know it yet
	if n := len(s.keys()); n != 7 {
		t.Errorf("%d objects right after", n)
	}
	for range 2 {
		erase(time.Now().Add(2 * time.Hour))
	}
	if n := len(s.keys()); n != 4 || s.read(kept) != "kept" {
		t.Errorf("%d objects are left: %q", n, s.keys())
	}
	var said string
	if err := s.DB("").ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT string_agg(object_id || ' ' || (after->>'files'), ',') FROM audit_trail WHERE action = 'file.erase_removed'").Scan(&said)
	}); err != nil || said != login+" 3" {
		t.Errorf("the trail says %q, %v", said, err)
	}
}
