package packages_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/packages"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// rack is a tenant that keeps packages.
type rack struct {
	*testkit.World
	t      *testing.T
	dir    string
	bucket *files.Bucket
}

func newRack(t *testing.T) *rack {
	t.Helper()
	r := &rack{World: testkit.New(t), t: t, dir: t.TempDir()}
	var err error
	if r.bucket, err = files.Open(t.Context(), r.dir); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rack) store(slug string, archive []byte) (*packages.Package, error) {
	return packages.Store(r.t.Context(), r.bucket, r.DB(slug), audit.Actor{Name: "operator", Realm: "platform"}, "Pendulum", bytes.NewReader(archive), int64(len(archive)), time.Now())
}

// kept fails unless so many packages are kept in a tenant and so many files lie in the bucket, and all bytes are counted.
func (r *rack) kept(slug string, want, inBucket int) {
	r.t.Helper()
	var n, entries, size, used int
	if err := r.DB(slug).ReadFresh(r.t.Context(), func(q *tenants.Reader) error {
		return q.QueryRow(r.t.Context(), `SELECT (SELECT count(*) FROM packages), (SELECT coalesce(sum(size), 0)::bigint FROM package_entries), (SELECT coalesce(sum(size), 0)::bigint FROM files WHERE purpose = 'package'),
			(SELECT n FROM usage_counts WHERE kind = 'storage_bytes')`).Scan(&n, &entries, &size, &used)
	}); err != nil {
		r.t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(r.dir, "*", "package", "*"))
	if err != nil || n != want || len(found) != inBucket || entries != size || used != size {
		r.t.Errorf("%d packages with %d bytes in %d bytes of files, %d counted, %d files in the bucket; want %d and %d (%v)", n, entries, size, used, len(found), want, inBucket, err)
	}
}

func (r *rack) read(slug, origin, path string) (string, string) {
	r.t.Helper()
	var e packages.Entry
	db := r.DB(slug)
	if err := db.ReadFresh(r.t.Context(), func(q *tenants.Reader) (err error) {
		e, err = packages.Find(r.t.Context(), q, origin, path)
		return err
	}); err != nil {
		return "", err.Error()
	}
	body, err := r.bucket.Read(r.t.Context(), db.Realm(), &e.File, e.At, e.Size)
	if err != nil {
		return "", err.Error()
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text), e.ContentType
}

type entry struct {
	name, text string
	mode       os.FileMode
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		head := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		head.SetMode(e.mode | 0o644)
		w, err := z.CreateHeader(head)
		if err == nil && e.text != "" {
			_, err = w.Write([]byte(e.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAPackageIsKeptOnceAndFoundByItsOrigin(t *testing.T) {
	t.Parallel()
	r := newRack(t)
	good := archive(t, entry{name: "pictures/"}, entry{name: "pictures/a.svg", text: "<svg/>"}, entry{name: "index.html", text: "<p>hello"}, entry{name: "empty.js"}, entry{name: "z/Data.JSON", text: "{}"})
	p, err := r.store("jamaica", good)
	if err != nil {
		t.Fatal(err)
	}
	r.kept("jamaica", 1, 1)
	for path, want := range map[string][2]string{"index.html": {"<p>hello", "text/html; charset=utf-8"}, "pictures/a.svg": {"<svg/>", "image/svg+xml"}, "z/Data.JSON": {"{}", "application/json"},
		"z/data.json": {"", "There is nothing at this address."}, "pictures/": {"", "There is nothing at this address."}, "pictures": {"", "There is nothing at this address."}, "": {"", "There is nothing at this address."}} {
		if text, kind := r.read("jamaica", p.Origin, path); text != want[0] || kind != want[1] {
			t.Errorf("%q is %q, %s", path, text, kind)
		}
	}
	if slug, origin, ok := packages.Split(p.Label("jamaica")); !ok || slug != "jamaica" || origin != p.Origin {
		t.Error(p.Label("jamaica"), slug, origin)
	}
	again, err := r.store("jamaica", good)
	if err != nil || again.ID != p.ID {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	r.kept("jamaica", 1, 1)
	// The same content is at another origin in another tenant, and other content in the same one.
	foreign, err := r.store("bahamas", good)
	if err != nil || foreign.Origin == p.Origin {
		t.Errorf("%+v, %v", foreign, err)
	}
	if text, _ := r.read("bahamas", p.Origin, "index.html"); text != "" {
		t.Error("an origin leads to another tenant's package")
	}
	other, err := r.store("jamaica", archive(t, entry{name: "index.html", text: "<p>hello."}))
	if err != nil || other.Origin == p.Origin {
		t.Errorf("%+v, %v", other, err)
	}
	r.kept("jamaica", 2, 3)
	// Where the content of two entries is divided otherwise, it is another package.
	one, err := r.store("jamaica", archive(t, entry{name: "a.js", text: "12"}, entry{name: "index.html", text: "3"}))
	two, err2 := r.store("jamaica", archive(t, entry{name: "a.js", text: "1"}, entry{name: "index.html", text: "23"}))
	if err != nil || err2 != nil || one.Origin == two.Origin {
		t.Error(err, err2)
	}
}

func TestArchivesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newRack(t)
	index := entry{name: "index.html", text: "<p>hello"}
	many := []entry{index}
	for i := range packages.MostEntries {
		many = append(many, entry{name: fmt.Sprintf("%d.txt", i), text: "x"})
	}
	lying, bomb := sized(t, 8), sized(t, 129<<20)
	locked := archive(t, index)
	for at := 0; ; { // the first bit of the flags says that it is encrypted
		i := bytes.Index(locked[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		locked[at+i+8] |= 1
		at += i + 4
	}
	damaged := archive(t, entry{name: "index.html", text: strings.Repeat("hello ", 1000)})
	damaged[60] ^= 0xff
	for what, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"no archive":         {[]byte("hello"), "must be a zip archive"},
		"too large":          {make([]byte, packages.MostArchive+1), "must have at most 64 MB"},
		"no beginning":       {archive(t, entry{name: "site/index.html", text: "x"}), "holds no index.html"},
		"too many":           {archive(t, many...), "holds 2,001 files; at most 2,000"},
		"a bomb":             {bomb, "unpacks to more than 128 MB"},
		"a bomb that lies":   {lying, "is broken: it is not what the archive says"},
		"damaged":            {damaged, `"index.html" is broken`},
		"encrypted":          {locked, "is encrypted"},
		"a link":             {archive(t, index, entry{name: "a.js", text: "/etc/passwd", mode: os.ModeSymlink}), `"a.js" is a link`},
		"out of the package": {archive(t, index, entry{name: "../a.js", text: "x"}), `"../a.js" is no name`},
		"out by a folder":    {archive(t, index, entry{name: "a/../../b.js", text: "x"}), "is no name"},
		"absolute":           {archive(t, index, entry{name: "/etc/a.js", text: "x"}), "is no name"},
		"backwards":          {archive(t, index, entry{name: `a\b.js`, text: "x"}), "is no name"},
		"of a drive":         {archive(t, index, entry{name: "c:a.js", text: "x"}), "is no name"},
		"encoded":            {archive(t, index, entry{name: "%2e%2e/a.js", text: "x"}), "is no name"},
		"with a control":     {archive(t, index, entry{name: "a\x00.js", text: "x"}), "is no name"},
		"a long name":        {archive(t, index, entry{name: strings.Repeat("a", 198) + ".js", text: "x"}), "is no name"},
		"twice":              {archive(t, index, entry{name: "INDEX.html", text: "x"}), "is there twice"},
		"a program":          {archive(t, index, entry{name: "setup.exe", text: "x"}), `"setup.exe" is of a kind`},
		"of no kind":         {archive(t, index, entry{name: "README", text: "x"}), "is of a kind"},
	} {
		_, err := r.store("jamaica", c.archive)
		if domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	r.kept("jamaica", 0, 0)
	if _, err := r.Direct(t).Exec(t.Context(), "UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{storage_bytes}', '7')"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.store("jamaica", archive(t, index)); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("eight bytes where there is room for seven: %v", err)
	}
	r.kept("jamaica", 0, 0)
}

// sized is an archive whose entry says that it unpacks to so many bytes, and unpacks to a megabyte.
func sized(t *testing.T, says uint32) []byte {
	t.Helper()
	a := archive(t, entry{name: "index.html", text: strings.Repeat("\x00", 1<<20)})
	central := bytes.Index(a, []byte("PK\x01\x02"))
	if central < 0 {
		t.Fatal("no directory")
	}
	binary.LittleEndian.PutUint32(a[central+24:], says)
	return a
}
