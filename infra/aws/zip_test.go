package aws

import (
	"archive/zip"
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tiny writes a program of its own module into a new directory.
func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":           "module tiny\n\ngo 1.26\n",
		"cmd/tiny/main.go": "package main\n\nimport \"os\"\n\nfunc main() { os.Exit(3) }\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestZipIsTheSameFromEveryDirectory(t *testing.T) {
	out := filepath.Join(t.TempDir(), "tiny.zip")
	first, err := BuildZip(t.Context(), tiny(t), "./cmd/tiny", out)
	if err != nil {
		t.Fatal(err)
	}
	second, err := BuildZip(t.Context(), tiny(t), "./cmd/tiny", filepath.Join(t.TempDir(), "other name.zip"))
	if err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Errorf("SHA-256 %s, and from another directory %s", first, second)
	}

	r, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(r.File) != 1 || r.File[0].Name != "bootstrap" || r.File[0].Mode().Perm() != 0o755 || r.File[0].Modified.Year() != 1980 {
		t.Errorf("the zip holds %+v", r.File)
	}
	f, err := r.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	program := filepath.Join(t.TempDir(), "bootstrap")
	w, err := os.Create(program)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReadFrom(f); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Machine != elf.EM_AARCH64 || e.Section(".interp") != nil {
		t.Errorf("machine %s, interpreter %v: wanted a static program for arm64", e.Machine, e.Section(".interp"))
	}
}

func TestZipTellsWhatDoesNotBuild(t *testing.T) {
	out := filepath.Join(t.TempDir(), "none.zip")
	_, err := BuildZip(t.Context(), tiny(t), "./cmd/other", out)
	if err == nil || !strings.Contains(err.Error(), "./cmd/other") || !strings.Contains(err.Error(), "root of the source") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a file was left: %v", err)
	}
}
