package catalog_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

const manifest = `format: lignum-pack/1
name: sample
version: VERSION
title: Sample
subject: Mathematics
level: Grade 10
scheme: CSEC
language: en
licence: CC-BY-4.0
author: Lignum
summary: A sample of 100% sets.
sections:
  - code: sets
    title: Sets
    lessons:
      - {file: lessons/venn.md, minutes: 20}
      - {file: lessons/union.md, minutes: 10}
  - code: algebra
    title: Algebra
    lessons:
      - {file: lessons/terms.md, minutes: 15}
banks:
  - {file: items/sets.gift, section: sets}
tests:
  - slug: paper-1
    title: Paper 1
    kind: practice
    minutes: 90
    instructions: "**Read** well."
    attempts: 0
    feedback: on_submit
    shuffle: true
    blueprint: {sets: 2}
    grades: [{grade: I, percent: 75}]
resources:
  - {kind: lab, title: Venn lab, section: sets, minutes: 3, url: https://example.org/venn}
  - {kind: video, title: Venn film, section: sets, minutes: 5}
`

func sample() map[string]string {
	return map[string]string{
		"pack.yaml":        strings.ReplaceAll(manifest, "VERSION", "1.0.0"),
		"lessons/venn.md":  "# Venn diagrams\n\nA ∪ B\n",
		"lessons/union.md": "# Unions\n\nAll of both.\n",
		"lessons/terms.md": "# Terms\n\n2x\n",
		"items/sets.gift":  "::s-1:: 1 ∈ \\{1\\} {T}\n\n::s-2:: How many? {#2}\n\n::s-3:: Which? {=a ~b ~c}\n",
	}
}

func read(t testing.TB, files map[string]string) *pack.Pack {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	p, err := pack.Read(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func load(t testing.TB, w *testkit.World, p *pack.Pack) catalog.ImportReport {
	t.Helper()
	var rep catalog.ImportReport
	err := w.DB("jamaica").Write(context.Background(), w.Actor, func(tx *tenants.Tx) (err error) {
		rep, err = catalog.Import(context.Background(), tx, p, nil, now)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// dump is every row of the catalogue as text, with the transaction that wrote it.
func dump(t testing.TB, w *testkit.World) string {
	t.Helper()
	conn := w.Direct(t)
	var all strings.Builder
	for _, table := range []string{"courses", "course_sections", "lessons", "items", "tests", "resources"} {
		rows, err := conn.Query(context.Background(), "SELECT xmin::text || t::text FROM "+w.Tenant("jamaica").SchemaName+"."+table+" t ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, table, strings.Join(lines, "\n"))
	}
	return all.String()
}

func TestTheSamePackAgainChangesNothing(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	p := read(t, sample())
	rep := load(t, w, p)
	if rep.Unchanged || rep.Lessons.Added != 3 || rep.Items.Added != 3 || rep.Tests.Added != 1 || rep.Resources.Added != 2 || rep.Sections.Added != 2 {
		t.Fatalf("first import: %+v", rep)
	}
	before := dump(t, w)
	again := load(t, w, p)
	if !again.Unchanged || again.CourseID != rep.CourseID || again.Lessons.Unchanged != 3 || again.Items.Unchanged != 3 {
		t.Errorf("second import: %+v", again)
	}
	if after := dump(t, w); after != before {
		t.Errorf("the second import touched rows:\n%s\n---\n%s", before, after)
	}
	var entries int
	if err := w.Direct(t).QueryRow(context.Background(), "SELECT count(*) FROM "+w.Tenant("jamaica").SchemaName+".audit_entries WHERE action = 'content.import'").Scan(&entries); err != nil || entries != 2 {
		t.Errorf("%d entries in the audit trail, want 2 (%v)", entries, err)
	}
}

func TestTwoAtOnceImportOnce(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	p := read(t, sample())
	var wg sync.WaitGroup
	fresh := make(chan bool, 4)
	for range 4 {
		wg.Go(func() {
			err := w.DB("jamaica").Write(context.Background(), w.Actor, func(tx *tenants.Tx) error {
				rep, err := catalog.Import(context.Background(), tx, p, nil, now)
				fresh <- !rep.Unchanged
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	close(fresh)
	n := 0
	for yes := range fresh {
		if yes {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d imports wrote, want 1", n)
	}
}

func TestANewVersionKeepsWhatWasDone(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	ctx := context.Background()
	first := load(t, w, read(t, sample()))
	var before, after *catalog.CourseDetail
	var itemIDs []uuid.UUID
	db := w.DB("jamaica")
	get := func() (d *catalog.CourseDetail) {
		if err := db.Read(ctx, func(r *tenants.Reader) (err error) { d, err = catalog.CourseBySlug(ctx, r, "sample"); return err }); err != nil {
			t.Fatal(err)
		}
		return d
	}
	before = get()
	if err := db.Read(ctx, func(r *tenants.Reader) error {
		rows, err := r.Query(ctx, "SELECT id FROM items ORDER BY name")
		if err != nil {
			return err
		}
		itemIDs, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		tx.Record(auditEntry("calendar.change"))
		_, err := tx.Exec(ctx, "UPDATE tests SET opens_at = $1", now)
		return err
	}); err != nil {
		t.Fatal(err)
	}

	files := sample()
	files["pack.yaml"] = strings.NewReplacer("VERSION", "1.1.0", "      - {file: lessons/union.md, minutes: 10}\n", "",
		"  - {kind: video, title: Venn film, section: sets, minutes: 5}\n", "", "minutes: 90", "minutes: 80").Replace(manifest)
	delete(files, "lessons/union.md")
	files["lessons/venn.md"] = "# Venn diagrams\n\nA ∩ B\n"
	files["items/sets.gift"] = "::s-1:: 1 ∈ \\{1\\} {T}\n\n::s-2:: How many now? {#3}\n\n::s-4:: New? {=yes ~no}\n"
	rep := load(t, w, read(t, files))
	want := catalog.ImportReport{CourseID: first.CourseID, Course: "sample", Version: "1.1.0", Was: "1.0.0",
		Sections: catalog.Counts{Unchanged: 2}, Lessons: catalog.Counts{Changed: 2, Removed: 1}, // terms moved up one place
		Items: catalog.Counts{Added: 1, Changed: 1, Unchanged: 1, Removed: 1}, Tests: catalog.Counts{Changed: 1},
		Resources: catalog.Counts{Unchanged: 1, Removed: 1}}
	if rep != want {
		t.Fatalf("report\n%+v\nwant\n%+v", rep, want)
	}
	after = get()
	if len(after.Outline) != 2 || after.Outline[0].ID != before.Outline[0].ID || after.Outline[1].ID != before.Outline[2].ID {
		t.Errorf("lessons lost their ids:\n%+v\n%+v", before.Outline, after.Outline)
	}
	if p := after.Papers[0]; p.ID != before.Papers[0].ID || p.Minutes != 80 || p.OpensAt == nil {
		t.Errorf("the test lost its id or its window: %+v", p)
	}
	if after.Minutes != 35 || after.Lessons != 2 || after.Items != 3 {
		t.Errorf("counts of the course: %+v", after.Course)
	}

	// An attempt that began with the old version still finds it.
	memory, err := catalog.NewItems(100)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Read(ctx, func(r *tenants.Reader) error {
		old, err := memory.Get(ctx, r, "jamaica", itemIDs)
		if err != nil {
			return err
		}
		if old[1].Name != "s-2" || !strings.Contains(old[1].Shown.Stem, "How many?") || old[1].Section != "sets" {
			t.Errorf("old version: %+v", old[1])
		}
		again, err := memory.Get(ctx, r, "jamaica", itemIDs)
		if err != nil || again[0] != old[0] {
			t.Errorf("the second look-up read again (%v)", err)
		}
		if _, err := memory.Get(ctx, r, "jamaica", []uuid.UUID{uuid.New()}); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("an unknown item gives %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// What one tenant's memory holds is nothing to another tenant.
	if err := w.DB("bahamas").Read(ctx, func(r *tenants.Reader) error {
		if _, err := memory.Get(ctx, r, "bahamas", itemIDs); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("another tenant's item gives %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}

	// Back to the first version: its rows come back into use, none is made.
	back := load(t, w, read(t, sample()))
	if back.Items != (catalog.Counts{Added: 1, Changed: 1, Unchanged: 1, Removed: 1}) || back.Lessons.Added != 0 {
		t.Errorf("the way back: %+v", back)
	}
	var rows, active int
	if err := w.Direct(t).QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE active) FROM "+w.Tenant("jamaica").SchemaName+".items").Scan(&rows, &active); err != nil || rows != 5 || active != 3 {
		t.Errorf("%d versions, %d active, want 5 and 3 (%v)", rows, active, err)
	}
}

func TestALargePack(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	files := sample()
	var bank strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&bank, "::n-%d:: What is %d + 1? {#%d}\n\n", i, i, i+1)
	}
	files["items/sets.gift"] = bank.String()
	if rep := load(t, w, read(t, files)); rep.Items.Added != 3000 {
		t.Errorf("%+v", rep)
	}
}
