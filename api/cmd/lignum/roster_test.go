package main

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const orgs = "sourcedId,status,name,type,parentSourcedId\nd1,active,Region 1,district,\ns1,active,Kingston College,school,d1\n"

func students(n int) string {
	var b strings.Builder
	b.WriteString("sourcedId,status,enabledUser,orgSourcedIds,role,givenName,familyName,grades\n")
	for i := range n {
		fmt.Fprintf(&b, "u%d,active,true,s1,student,Given,Family,10\n", i)
	}
	return b.String()
}

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRosterImport(t *testing.T) {
	w := installed(t)
	users := "SELECT count(*) FROM " + w.Tenant("jamaica").SchemaName + ".users WHERE source_id LIKE 'u%'"
	dir := folder(t, map[string]string{"orgs.csv": orgs, "users.csv": students(30)})
	wants(t, must(t, "roster", "import", "jamaica", dir, "--dry-run"), "Dry run: nothing was changed")
	if n := count(t, w, users); n != 0 {
		t.Fatalf("the dry run made %d accounts", n)
	}
	wants(t, must(t, "roster", "import", "jamaica", dir), "users.csv", "30")
	if n := count(t, w, users); n != 30 {
		t.Fatalf("%d accounts, not 30", n)
	}
	archive := filepath.Join(t.TempDir(), "roster.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	if err := z.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	out := must(t, "roster", "import", "jamaica", archive)
	if fields := strings.Fields(out[strings.Index(out, "users.csv"):])[:6]; strings.Join(fields, " ") != "users.csv users 0 0 30 0" {
		t.Errorf("the same again: %s", fields)
	}
	wants(t, must(t, "user", "cards", "jamaica", "--school", "s1"), "30 cards")
}

func TestRosterReport(t *testing.T) {
	installed(t)
	bad := students(2) + "=cmd,active,true,s1,pirate,Anne,Bonny,10\nx2,active,true,nowhere,student,Lost,Child,10\n"
	for i := range 30 {
		bad += fmt.Sprintf("y%d,active,true,s1,pirate,Anne,Bonny,10\n", i)
	}
	dir := folder(t, map[string]string{"orgs.csv": orgs, "users.csv": bad, "notes.csv": "a,b\n1,2\n"})
	path := filepath.Join(t.TempDir(), "refused.csv")
	out := refused(t, "rows refused", "roster", "import", "jamaica", dir, "--report", path)
	wants(t, out, "users.csv line 4: ", "and 12 more", "left out", "notes.csv")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != 33 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		if row[0] != "users.csv" || row[1] != "users" || row[4] == "" {
			t.Errorf("%q", row)
		}
	}
	refused(t, "file: cannot be read", "roster", "import", "jamaica", filepath.Join(dir, "nowhere"))
	refused(t, "no such file or directory", "roster", "import", "jamaica", dir, "--report", filepath.Join(dir, "nowhere", "x.csv"))
	refused(t, "--seats must be", "roster", "import", "jamaica", dir, "--seats", "-1")
	refused(t, "none of the files", "roster", "import", "jamaica", filepath.Join(dir, "notes.csv"))
}

// What is not imported is named, and when it was meant to be, the command says so with its exit status.
func TestRosterNamesWhatItLeavesOut(t *testing.T) {
	w := installed(t)
	dir := folder(t, map[string]string{"orgs.csv": orgs, "users.csv": strings.ReplaceAll(students(3), ",", ";"), "photo.jpg": "x", "courses.csv": "sourcedId,title,courseCode\n"})
	out := must(t, "roster", "import", "jamaica", dir)
	wants(t, out, "users.csv", "photo.jpg: is no CSV file; left out", "courses.csv: courses come from content packs")
	if n := count(t, w, "SELECT count(*) FROM "+w.Tenant("jamaica").SchemaName+".users WHERE source_id LIKE 'u%'"); n != 3 {
		t.Errorf("%d accounts of a file with semicolons, not 3", n)
	}
	for name, text := range map[string]string{"users.csv": "Name;Form\nAnn;10\n", "users.xlsx": "PK\x03\x04", "classes.csv": "sourcedId,title\nc1,Maths\n", "enrollments.csv": ""} {
		dir := folder(t, map[string]string{"orgs.csv": orgs, name: text})
		wants(t, refused(t, "1 file left out; correct and import again", "roster", "import", "jamaica", dir, "--dry-run"), name, "left out", "orgs.csv")
	}
	bad := students(2) + "u9,active,true,s1,student,\"Given,Family,10\n" + "v1,active,true,s1,student,A,B,10\nv2,active,true,s1,student,A,B,10\nv3,active,true,s1,student,A,B,10\n"
	out = refused(t, "1 row refused", "roster", "import", "jamaica", folder(t, map[string]string{"orgs.csv": orgs, "users.csv": bad}))
	wants(t, out, "users.csv line 4: is not valid CSV: a quotation mark opens a cell and is not closed")
	if fields := strings.Fields(out[strings.Index(out, "users.csv"):])[:8]; strings.Join(fields, " ") != "users.csv users 3 0 2 1 0 6" {
		t.Errorf("%s", fields)
	}
}

// An import of which the table keeps more problems than one report carries.
func TestRosterReportIsWhole(t *testing.T) {
	installed(t)
	bad := strings.ReplaceAll(students(1500), ",student,", ",pirate,")
	dir := folder(t, map[string]string{"orgs.csv": orgs, "users.csv": bad})
	path := filepath.Join(t.TempDir(), "refused.csv")
	refused(t, "1500 rows refused", "roster", "import", "jamaica", dir, "--report", path)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(raw), "\n"); n != 1501 {
		t.Errorf("%d lines, not 1501", n)
	}
}

func TestRosterGoesOn(t *testing.T) {
	w := installed(t)
	table := w.Tenant("jamaica").SchemaName
	dir := folder(t, map[string]string{"orgs.csv": orgs, "users.csv": students(6000)})
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	watcher := w.Direct(t)
	done := make(chan error, 1)
	go func() { // Ctrl-C once the first chunk is in
		for n := 0; n == 0; {
			if err := watcher.QueryRow(ctx, "SELECT count(*) FROM "+table+".users WHERE source_id = 'u1'").Scan(&n); err != nil {
				done <- err
				return
			}
		}
		interrupt()
		done <- nil
	}()
	_, err := commandIn(t, ctx, "roster", "import", "jamaica", dir)
	if err == nil || !strings.Contains(err.Error(), "the same command goes on from there") {
		t.Fatal("not interrupted:", err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := count(t, w, "SELECT count(*) FROM "+table+".imports WHERE kind = 'users' AND finished_at IS NULL AND next_line > 1"); n != 1 {
		t.Fatalf("%d interrupted imports", n)
	}
	wants(t, must(t, "roster", "import", "jamaica", dir), "went on with an interrupted import", "6000")
	if n := count(t, w, "SELECT count(*) FROM "+table+".users WHERE source_id LIKE 'u%'"); n != 6000 {
		t.Errorf("%d accounts, not 6000", n)
	}
}

func TestCell(t *testing.T) {
	for in, want := range map[string]string{"": "", "plain": "plain", "=1+1": "'=1+1", "@x": "'@x", "-1": "'-1", "+1": "'+1", "a=b": "a=b"} {
		if got := cell(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}
