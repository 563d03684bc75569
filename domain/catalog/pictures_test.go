package catalog_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"path/filepath"
	"testing"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tenants/files"
	"lignum/tests/testkit"
)

// square is a PNG of one colour.
func square(t *testing.T, red uint8) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 30, 20))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []byte{red, 0, 0, 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// gallery is a tenant whose courses have pictures.
type gallery struct {
	*testkit.World
	t      *testing.T
	db     *tenants.DB
	dir    string
	bucket *files.Bucket
}

func newGallery(t *testing.T) *gallery {
	t.Helper()
	g := &gallery{World: testkit.New(t), t: t, dir: t.TempDir()}
	g.db = g.DB("jamaica")
	var err error
	if g.bucket, err = files.Open(t.Context(), g.dir); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gallery) take(p *pack.Pack, dryRun bool) (catalog.ImportReport, error) {
	return catalog.ImportPack(g.t.Context(), g.db, g.bucket, g.Actor, p, dryRun, now)
}

// kept fails unless so many pictures are kept, each with its bytes, and counted.
func (g *gallery) kept(want int) {
	g.t.Helper()
	var n, sum, used int
	if err := g.db.ReadFresh(g.t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(g.t.Context(), "SELECT count(*), coalesce(sum(size), 0)::bigint, (SELECT n FROM usage_counts WHERE kind = 'storage_bytes') FROM files WHERE purpose = 'lesson'").Scan(&n, &sum, &used)
	}); err != nil {
		g.t.Fatal(err)
	}
	stored, err := filepath.Glob(filepath.Join(g.dir, "*", "lesson", "*"))
	if err != nil || n != want || len(stored) != want || sum != used {
		g.t.Errorf("%d pictures of %d bytes, %d counted, %d in the bucket; want %d (%v)", n, sum, used, len(stored), want, err)
	}
}

// withPictures has two contents, of which one has two names.
func withPictures(t *testing.T) map[string]string {
	t.Helper()
	all := sample()
	all["pictures/red.png"], all["pictures/again.png"], all["pictures/black.png"] = square(t, 200), square(t, 200), square(t, 0)
	all["lessons/venn.md"] += "\n![Red as a rose](pictures/red.png \"A rose\")\n\n![All black](pictures/black.png)\n"
	all["lessons/union.md"] += "\n![Red as blood](pictures/again.png)\n"
	return all
}

func TestPicturesComeOnceAndGoWhenNothingShowsThem(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	all := withPictures(t)
	p := read(t, all)
	if rep, err := g.take(p, true); err != nil || rep.Pictures.Added != 2 {
		t.Fatalf("dry run: %+v, %v", rep, err)
	}
	g.kept(0)
	rep, err := g.take(p, false)
	if err != nil || rep.Pictures != (catalog.Counts{Added: 2}) {
		t.Fatalf("%+v, %v", rep, err)
	}
	g.kept(2)
	before := dump(t, g.World)
	if rep, err := g.take(p, false); err != nil || !rep.Unchanged || rep.Pictures != (catalog.Counts{Unchanged: 2}) {
		t.Errorf("again: %+v, %v", rep, err)
	}
	if g.kept(2); dump(t, g.World) != before {
		t.Error("the same pack again touched rows")
	}

	// Another course shows one of them too.
	other := maps.Clone(all)
	other["pack.yaml"] = string(bytes.Replace([]byte(other["pack.yaml"]), []byte("name: sample"), []byte("name: other"), 1))
	if rep, err := g.take(read(t, other), false); err != nil || rep.Pictures != (catalog.Counts{Unchanged: 2}) {
		t.Errorf("another course: %+v, %v", rep, err)
	}
	g.kept(2)

	// A new version of both shows one no longer; it goes with the sweep, and not the one that is shown.
	delete(all, "pictures/black.png")
	all["lessons/venn.md"] = "# Venn diagrams\n\n![Red as a rose](pictures/red.png)\n"
	for _, name := range []string{"sample", "other"} {
		sweep := func(want int) {
			t.Helper()
			if err := catalog.SweepPictures(t.Context(), g.db, g.bucket, g.Actor); err != nil {
				t.Fatal(err)
			}
			g.kept(want)
		}
		sweep(2)
		next := maps.Clone(all)
		next["pack.yaml"] = string(bytes.Replace([]byte(next["pack.yaml"]), []byte("name: sample"), []byte("name: "+name), 1))
		if _, err := g.take(read(t, next), false); err != nil {
			t.Fatal(err)
		}
		if g.kept(2); name == "other" {
			sweep(1)
		}
	}
	// A lesson that is no longer offered is kept for the records, with its picture.
	for _, name := range []string{"sample", "other"} {
		next := sample()
		next["pack.yaml"] = string(bytes.Replace(bytes.Replace([]byte(next["pack.yaml"]), []byte("name: sample"), []byte("name: "+name), 1), []byte("      - {file: lessons/venn.md, minutes: 20}\n"), nil, 1))
		delete(next, "lessons/venn.md")
		if _, err := g.take(read(t, next), false); err != nil {
			t.Fatal(err)
		}
	}
	if err := catalog.SweepPictures(t.Context(), g.db, g.bucket, g.Actor); err != nil {
		t.Fatal(err)
	}
	g.kept(1)
}

func TestNothingIsImportedWhereThePicturesDoNotFit(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	limit := func(n int) {
		t.Helper()
		if _, err := g.Direct(t).Exec(t.Context(), fmt.Sprintf("UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{storage_bytes}', '%d')", n)); err != nil {
			t.Fatal(err)
		}
	}
	p := read(t, withPictures(t))
	room := len(p.Pictures[0].Bytes) + len(p.Pictures[1].Bytes)
	limit(room - 1)
	if _, err := g.take(p, false); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("a byte over the quota: %v", err)
	}
	g.kept(0)
	if err := g.db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		_, err := catalog.CourseBySlug(t.Context(), r, "sample")
		return err
	}); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("the course came without its pictures: %v", err)
	}
	limit(room)
	if _, err := g.take(p, false); err != nil {
		t.Error(err)
	}
	g.kept(2)
	if err := g.db.Write(t.Context(), g.Actor, func(tx *tenants.Tx) error {
		_, err := catalog.Import(t.Context(), tx, p, nil, now)
		return err
	}); err == nil {
		t.Error("a pack was imported whose pictures nobody staged")
	}
}

// Bytes that were lost come back with the same pack, whose rows stay as they are.
func TestTheSamePackBringsLostPicturesBack(t *testing.T) {
	t.Parallel()
	g := newGallery(t)
	p := read(t, withPictures(t))
	if _, err := g.take(p, false); err != nil {
		t.Fatal(err)
	}
	before := dump(t, g.World)
	g.dir = t.TempDir()
	var err error
	if g.bucket, err = files.Open(t.Context(), g.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := g.take(p, false); err != nil {
		t.Fatal(err)
	}
	if g.kept(2); dump(t, g.World) != before {
		t.Error("rows were touched")
	}
	var f files.File
	if err := g.db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT id, purpose, sha256 FROM files WHERE sha256 = $1", p.Pictures[0].SHA256).Scan(&f.ID, &f.Purpose, &f.SHA256)
	}); err != nil {
		t.Fatal(err)
	}
	r, err := g.bucket.Read(t.Context(), g.db.Realm(), &f, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if m, err := png.Decode(r); err != nil || m.At(1, 1) != (color.RGBA{200, 0, 0, 255}) {
		t.Error(m, err)
	}
}
