package pack_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
)

const goodYAML = `format: lignum-pack/1
name: sample
version: 1.0.0
title: Sample
subject: Mathematics
level: Grade 10
scheme: CSEC
language: en
licence: CC-BY-4.0
author: Lignum
summary: A sample.
sections:
  - code: sets
    title: Sets
    lessons:
      - file: lessons/sets-venn.md
        minutes: 20
  - code: algebra
    title: Algebra
banks:
  - file: items/sets.gift
    section: sets
tests:
  - slug: paper-1
    title: Paper 1
    kind: practice
    minutes: 90
    instructions: "**Read** well."
    attempts: 0
    feedback: on_submit
    shuffle: true
    blueprint:
      sets: 2
    grades:
      - {grade: I, percent: 75}
      - {grade: II, percent: 60}
resources:
  - {kind: lab, title: Venn lab, section: sets, minutes: 3, url: https://example.org/venn}
`

func good() map[string]string {
	return map[string]string{
		"pack.yaml":            goodYAML,
		"lessons/sets-venn.md": "# Venn *diagrams*\n\nA ∪ B\n\n| A | B |\n|---|---|\n| 1 | 2 |\n",
		"items/sets.gift":      "$CATEGORY: unions\n\n::sets-1:: {1} ∪ {2}? {=x}\n",
	}
}

func fsOf(files map[string]string) fstest.MapFS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return out
}

func sample() map[string]string {
	files := good()
	files["items/sets.gift"] = "$CATEGORY: unions\n\n// [tag:easy]\n::sets-1:: 1 ∈ \\{1\\} {T}\n\n::sets-2:: How many? {#2}\n\n::sets-note:: Read this.\n"
	return files
}

func TestReadAGoodPack(t *testing.T) {
	p, err := pack.Read(fsOf(sample()))
	if err != nil || len(p.Warnings) > 0 {
		t.Fatalf("%v, warnings %v", err, p.Warnings)
	}
	l := p.Sections[0].Lessons[0]
	if l.Slug != "sets-venn" || l.Title != "Venn diagrams" || l.Minutes != 20 || !strings.HasPrefix(l.HTML, "<p>A ∪ B</p>\n<table>") {
		t.Errorf("lesson %+v", l)
	}
	if len(p.Items) != 3 || p.Items[0].Name != "sets-1" || p.Items[0].Section != "sets" || p.Items[0].Category != "unions" || p.Items[1].Item.Kind != item.Numeric {
		t.Errorf("items %+v", p.Items)
	}
	test := p.Tests[0]
	if test.Items() != 2 || test.HTML != "<p><strong>Read</strong> well.</p>" || !test.Shuffle || test.Grades[1].Percent != 60 || p.Resources[0].Kind != "lab" {
		t.Errorf("test %+v", test)
	}
	changed := sample()
	changed["lessons/sets-venn.md"] += "."
	if q, _ := pack.Read(fsOf(changed)); q.Hash == p.Hash || len(p.Hash) != 64 {
		t.Error("the hash does not cover the lessons")
	}
	changed["lessons/sets-venn.md"] = "# T\n\n" + strings.Repeat("_a*", 80_000)
	if _, err := pack.Read(fsOf(changed)); err == nil || !strings.Contains(err.Error(), "sets-venn.md:3: a paragraph") {
		t.Errorf("a huge paragraph: %v", err)
	}
}

func TestReadReportsEverythingAtOnce(t *testing.T) {
	files := sample()
	yaml := files["pack.yaml"]
	for from, to := range map[string]string{
		"version: 1.0.0":          "version: one",
		"name: sample":            "name: Sample!\ncolour: blue",
		"minutes: 20":             "minutes: 241",
		"sets: 2":                 "sets: 9\n      physics: 1",
		"attempts: 0":             "attempts: many",
		"percent: 60":             "percent: 80",
		"https://example.org":     "http://example.org",
		"title: Algebra":          "code: sets",
		"feedback: on_submit":     "feedback: later",
		"language: en":            "language: englishlanguage",
		"  - file: items/sets.gi": "  - file: ../up.gift\n    section: sets\n  - file: items/none.gift\n    section: nowhere\n  - file: items/sets.gi",
	} {
		if !strings.Contains(yaml, from) {
			t.Fatalf("%q is not in the sample", from)
		}
		yaml = strings.Replace(yaml, from, to, 1)
	}
	files["pack.yaml"] = yaml
	files["lessons/sets-venn.md"] = "No title\n\n<script>x</script>\n\ntext <b>bold</b>\n"
	files["items/sets.gift"] = "::a:: x {T}\n\nnameless {T}\n\n::a:: again {T}\n\n::b:: open {\n"
	_, err := pack.Read(fsOf(files))
	var errs pack.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("no Errors: %v", err)
	}
	for _, want := range []string{
		`pack.yaml:2:1: name: "Sample!" is not`, `pack.yaml:3:1: colour: unknown key`, `pack.yaml:4:1: version: "one"`,
		`language: "englishlanguage"`, "sections[0].lessons[0].minutes: a whole number from 1 to 240", "sections[1].code: is given twice", "sections[1].title: is missing",
		"banks[0].file: a relative path", "banks[1].file: there is no file items/none.gift", `banks[1].section: there is no section "nowhere"`,
		"tests[0].blueprint.sets: 9 items are drawn, the banks of section \"sets\" hold 1", `tests[0].blueprint.physics: there is no section`,
		"tests[0].attempts: a whole number", `tests[0].feedback: "later" is none of`, "tests[0].grades[1]: grades go from the best down", "resources[0].url: an https address",
		"lessons/sets-venn.md:1: the lesson has no title", "lessons/sets-venn.md:3: raw HTML", "lessons/sets-venn.md:5: raw HTML",
		"items/sets.gift:3: the item has no name", `items/sets.gift:5: the name "a" is already used in items/sets.gift:1`, "items/sets.gift:7:12: the answers opened",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("got:\n%v", err)
	}
}

func TestReadWarns(t *testing.T) {
	files := sample()
	files["items/sets.gift"] += "\n::sets-3:: Discuss {}\n"
	files["items/forgotten.gift"] = "::f:: x {T}\n"
	files["pictures/old.PNG"] = "not even a picture"
	p, err := pack.Read(fsOf(files))
	if err != nil {
		t.Fatal(err)
	}
	all := pack.Errors(p.Warnings).Error()
	for _, want := range []string{"1 of the 3 items of section \"sets\" is an essay", "items/forgotten.gift: the file is not named", "pictures/old.PNG: no lesson shows the picture"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in:\n%s", want, all)
		}
	}
}

func TestReadSurvivesAnyManifest(t *testing.T) {
	for _, yaml := range []string{"", "a", "- a\n- b", "a: [", "a: &x 1\nb: *x\n", "? [a]\n: b\n", "---\na: 1\n---\nb: 2\n", "\xff\xfe", "<<: {a: 1}", "sections: {a: 1}\ntests: 3\nbanks: null", "name: |\n  x\n  y\n", strings.Repeat("[", 250_000), strings.Repeat("- ", 120_000), strings.Repeat("k: 1\n", 50_000), strings.Repeat("k:\n- a\n", 30_000), "tests:\n - blueprint: [1]\n   grades: [x]\n"} {
		if _, err := pack.Read(fsOf(map[string]string{"pack.yaml": yaml})); err == nil {
			t.Errorf("%.40q was read as a pack", yaml)
		}
	}
	if _, err := pack.Read(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "pack.yaml: there is no file") {
		t.Errorf("empty folder: %v", err)
	}
}

func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLinksAreNotFollowed(t *testing.T) {
	outside := write(t, t.TempDir(), map[string]string{"secret.gift": "::s:: secret {T}\n"})
	dir := write(t, t.TempDir(), sample())
	if err := os.Remove(filepath.Join(dir, "items", "sets.gift")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret.gift"), filepath.Join(dir, "items", "sets.gift")); err != nil {
		t.Fatal(err)
	}
	if rep := pack.Check(dir); rep.OK || rep.Items != 0 {
		t.Errorf("a link out of the pack was followed: %+v", rep)
	}
	if err := os.RemoveAll(filepath.Join(dir, "items")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "items")); err != nil {
		t.Fatal(err)
	}
	if rep := pack.Check(dir); rep.OK || rep.Items != 0 {
		t.Errorf("a linked folder was followed: %+v", rep)
	}
}

func zipped(t *testing.T, prefix string, files map[string]string, headers ...zip.FileHeader) string {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range files {
		headers = append(headers, zip.FileHeader{Name: prefix + name, Method: zip.Deflate, Comment: text})
	}
	for _, h := range headers {
		text := h.Comment
		h.Comment = ""
		w, err := z.CreateHeader(&h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pack.zip")
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckFolderZipAndBank(t *testing.T) {
	folder := pack.Check(write(t, t.TempDir(), sample()))
	flat := pack.Check(zipped(t, "", sample()))
	nested := pack.Check(zipped(t, "sample-1.0/", sample(), zip.FileHeader{Name: "__MACOSX/pack.txt", Comment: "x"}))
	for name, rep := range map[string]pack.Report{"folder": folder, "zip": flat, "zip with a folder": nested} {
		if !rep.OK || rep.Hash != folder.Hash || rep.Items != 3 || rep.Lessons != 1 || rep.Sections[0].Minutes != 20 ||
			!maps.Equal(rep.Kinds, map[item.Kind]int{item.TrueFalse: 1, item.Numeric: 1, item.Description: 1}) ||
			len(rep.Tests) != 1 || rep.Tests[0].Blueprint[0] != (pack.DrawReport{Section: "sets", Items: 2, Bank: 2}) {
			t.Errorf("%s: %+v", name, rep)
		}
	}
	bank := pack.Check(filepath.Join(write(t, t.TempDir(), map[string]string{"b.gift": "::a:: x {T}\n\n::a:: y {}\n\n::c:: {\n"}), "b.gift"))
	if bank.Type != "bank" || bank.OK || bank.Items != 2 || len(bank.Errors) != 1 || bank.Errors[0].Line != 5 || len(bank.Warnings) != 1 {
		t.Errorf("bank: %+v", bank)
	}
	var text bytes.Buffer
	if err := bank.WriteText(&text); err != nil || !strings.Contains(text.String(), "ERROR b.gift:5:7: the answers opened") || !strings.Contains(text.String(), "1 error, 1 warning") {
		t.Errorf("%v\n%s", err, text.String())
	}
	text.Reset()
	if err := folder.WriteText(&text); err != nil || !strings.Contains(text.String(), "3 items: 1 true false, 1 numeric, 1 description") || !strings.Contains(text.String(), "sets: 2 of 2") {
		t.Errorf("%v\n%s", err, text.String())
	}
	data, err := json.Marshal(bank)
	if err != nil || !bytes.Contains(data, []byte(`"errors":[{"file":"b.gift","line":5,"column":7,"reason":`)) {
		t.Errorf("%v %s", err, data)
	}
}

func TestZipLimits(t *testing.T) {
	link := zip.FileHeader{Name: "items/link.gift", Comment: "/etc/passwd"}
	link.SetMode(os.ModeSymlink | 0o777)
	var many []zip.FileHeader
	for i := range pack.MaxZipEntries + 1 {
		many = append(many, zip.FileHeader{Name: "f" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + "/" + strings.Repeat("y", i/200)})
	}
	for want, path := range map[string]string{
		"not a relative path": zipped(t, "", sample(), zip.FileHeader{Name: "../evil.md", Comment: "x"}),
		"a link":              zipped(t, "", sample(), link),
		"twice":               zipped(t, "", sample(), zip.FileHeader{Name: "PACK.yaml", Comment: "x"}),
		"entries":             zipped(t, "", sample(), many...),
		"unpacks to more":     zipped(t, "", sample(), zip.FileHeader{Name: "bomb.md", Method: zip.Deflate, Comment: strings.Repeat("0", 41<<20)}),
		"no pack.yaml":        zipped(t, "a/b/", sample()),
		"is larger than":      zipped(t, "", map[string]string{"pack.yaml": goodYAML, "lessons/sets-venn.md": "# x\n" + strings.Repeat("y\n\n", 90<<10), "items/sets.gift": ""}),
		"not a zip archive":   filepath.Join(write(t, t.TempDir(), map[string]string{"x.zip": "PK\x03\x04 not really"}), "x.zip"),
		"no such file":        filepath.Join(t.TempDir(), "missing.zip"),
	} {
		rep := pack.Check(path)
		if rep.OK || !strings.Contains(pack.Errors(rep.Errors).Error(), want) {
			t.Errorf("%s: %+v", want, rep.Errors)
		}
	}
}
