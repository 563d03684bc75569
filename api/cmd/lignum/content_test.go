package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tests/testkit"
)

func count(t *testing.T, w *testkit.World, sql string) (n int) {
	t.Helper()
	if err := w.Direct(t).QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// unpacked copies a built-in pack into a folder.
func unpacked(t *testing.T, name string) string {
	t.Helper()
	files, err := packs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestContentImport(t *testing.T) {
	w := installed(t)
	table := w.Tenant("jamaica").SchemaName
	courses := "SELECT count(*) FROM " + table + ".courses"
	dir := unpacked(t, "csec-principles-of-business")

	wants(t, must(t, "content", "import", "jamaica", dir, "--dry-run"), "is new", "Dry run: nothing was written")
	if n := count(t, w, courses); n != 0 {
		t.Fatalf("the dry run left %d courses", n)
	}
	wants(t, must(t, "content", "import", "jamaica", dir), "is new", "items")
	// The folder and the built-in pack are the same pack.
	wants(t, must(t, "content", "import", "jamaica", "--builtin", "csec-principles-of-business"), "nothing changed")
	if n := count(t, w, courses); n != 1 {
		t.Errorf("%d courses, not 1", n)
	}
	actor := "SELECT count(*) FROM " + table + ".audit_trail WHERE action = 'content.import' AND actor_name LIKE '%@%' AND actor_realm = 'platform'"
	if n := count(t, w, actor); n != 2 {
		t.Errorf("%d entries in the trail, not 2", n)
	}
	lessons, err := filepath.Glob(filepath.Join(dir, "lessons", "*.md"))
	if err != nil || len(lessons) == 0 {
		t.Fatal("no lessons", err)
	}
	appendTo(t, lessons[0], "\n\nOne more paragraph.\n")
	wants(t, must(t, "content", "import", "jamaica", dir), "lessons")
	if out := must(t, "content", "import", "jamaica", dir); !strings.Contains(out, "nothing changed") {
		t.Error(out)
	}
	// What an author can hardly mean is told by the check and by the import, with its place.
	bank := filepath.Join(dir, "items", "production-and-marketing.gift")
	source, err := os.ReadFile(bank)
	if err != nil {
		t.Fatal(err)
	}
	appendTo(t, bank, "\n\n::odd-1:: What is $$x^2$$?\n{=six\n=%50%SIX}\n")
	line := strings.Count(string(source), "\n") + 3
	odd := []string{fmt.Sprintf("WARNING items/production-and-marketing.gift:%d: the question is not shown as written: the formula $$x^2$$", line),
		fmt.Sprintf("WARNING items/production-and-marketing.gift:%d:1: answer 2 can never count", line+2)}
	wants(t, must(t, "content", "check", dir), odd...)
	wants(t, must(t, "content", "import", "jamaica", dir, "--dry-run"), odd...)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestContentRefuses(t *testing.T) {
	installed(t)
	dir := unpacked(t, "celearn-bookkeeping")
	refused(t, "name either the PATH", "content", "import", "jamaica")
	refused(t, "name either the PATH", "content", "import", "jamaica", dir, "--builtin", "bgcse-biology")
	refused(t, "--builtin: must be one of bgcse-biology", "content", "import", "jamaica", "--builtin", "../secret")
	refused(t, "PATH: there is no such file", "content", "import", "jamaica", filepath.Join(dir, "nowhere"))
	refused(t, "PATH: must be the folder or the zip", "content", "import", "jamaica", filepath.Join(dir, "pack.yaml"))
	if err := os.WriteFile(filepath.Join(dir, "pack.yaml"), []byte("format: lignum-pack/1\nname: Wrong Name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "the pack has errors; nothing was imported\npack.yaml", "content", "import", "jamaica", dir)
}

func TestContentCheck(t *testing.T) {
	good := unpacked(t, "celearn-bookkeeping")
	bad := filepath.Join(t.TempDir(), "bad.gift")
	if err := os.WriteFile(bad, []byte("::one:: What is 1 + 1? { =2 ~3 }\n\n::two:: Never closed { =yes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, must(t, "content", "check", good), "celearn-bookkeeping", "0 errors", "SECTION", "TEST")
	wants(t, refused(t, "what has errors cannot be imported", "content", "check", good, bad), "ERROR bad.gift", "bank")

	var reports []pack.Report
	if err := json.Unmarshal([]byte(refused(t, "error", "content", "check", "--json", good, bad)), &reports); err != nil {
		t.Fatal(err)
	}
	if len(reports) != 2 || !reports[0].OK || reports[1].OK || reports[1].Items != 1 {
		t.Errorf("%+v", reports)
	}
	refused(t, "requires at least 1 arg", "content", "check")
}

func TestContentList(t *testing.T) {
	wants(t, must(t, "content", "list"), packs.Names()...)
}
