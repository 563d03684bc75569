//go:build cloud

// Package release_test builds a release twice and looks into what is delivered. It needs buildah, and no network once the
// tools are built.
package release_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// checkout is a commit, with a tag, of the sources as they are now, in a folder of its own.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `set -e
		(cd "$1" && git ls-files -z --cached --others --exclude-standard) | while IFS= read -r -d '' file; do
			if [ -e "$1/$file" ]; then mkdir -p "$2/$(dirname "$file")"; cp -p "$1/$file" "$2/$file"; fi
		done
		cd "$2"
		git init -q
		git add -A
		git -c user.name=release -c user.email=release@lignum.example commit -q -m release
		git tag v0.0.1
		mkdir .lignum && ln -s "$1/.lignum/tools" .lignum/tools`
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, ".lignum/tools"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", "-c", script, "checkout", root, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// run runs a script of a checkout.
func run(t *testing.T, dir, script string, env ...string) (said string, status int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, script))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func digest(data []byte) string { return fmt.Sprintf("%x", sha256.Sum256(data)) }

// TestRelease builds what is delivered in two folders.
func TestRelease(t *testing.T) {
	one, two := checkout(t), checkout(t)
	for _, dir := range []string{one, two} {
		if said, status := run(t, dir, "infra/release/build.sh", "ARCHES="+runtime.GOARCH); status != 0 {
			t.Fatalf("exit status %d:\n%s", status, said)
		}
	}
	sums := string(read(t, one, "dist/SHA256SUMS"))
	if other := string(read(t, two, "dist/SHA256SUMS")); sums != other {
		t.Errorf("two builds differ:\n%s\n%s", sums, other)
	}
	entries, err := os.ReadDir(filepath.Join(one, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if line := digest(read(t, one, "dist", e.Name())) + "  " + e.Name() + "\n"; e.Name() != "SHA256SUMS" && !strings.Contains(sums, line) {
			t.Errorf("SHA256SUMS has not the line %s", line)
		}
	}
	if n := strings.Count(sums, "\n"); n != len(entries)-1 || n != 5 {
		t.Errorf("%d hashes of %d files:\n%s", n, len(entries), sums)
	}
	if said, err := exec.Command("git", "-C", one, "status", "--porcelain").Output(); err != nil || len(said) > 0 {
		t.Errorf("a release changes the checkout: %v\n%s", err, said)
	}
	program := filepath.Join(one, "dist/lignum-linux-"+runtime.GOARCH)
	t.Run("what is in the program", func(t *testing.T) { checkList(t, read(t, one, "dist/lignum.cdx.json"), program) })
	t.Run("what is in the functions", func(t *testing.T) {
		bootstrap := filepath.Join(t.TempDir(), "bootstrap")
		out, err := exec.Command("unzip", "-p", filepath.Join(one, "dist/autoscale.zip"), "bootstrap").Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(bootstrap, out, 0o755); err != nil {
			t.Fatal(err)
		}
		checkList(t, read(t, one, "dist/autoscale.cdx.json"), bootstrap)
	})
	t.Run("the image has the same program", func(t *testing.T) {
		images, err := filepath.Glob(filepath.Join(one, "dist/lignum-image-*.tar"))
		if err != nil || len(images) != 1 {
			t.Fatalf("images: %q, %v", images, err)
		}
		arch := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(images[0]), "lignum-image-"), ".tar")
		want := digest(read(t, one, "dist/lignum-linux-"+arch))
		if got := digest(fileOf(t, read(t, images[0]), "lignum")); got != want {
			t.Errorf("the image's program is %s, the one beside it %s", got, want)
		}
	})
}

// checkList holds a CycloneDX list against what Go itself says of the program.
func checkList(t *testing.T, list []byte, program string) {
	t.Helper()
	type component struct {
		Name, Version, PURL string
		BOMRef              string `json:"bom-ref"`
		Hashes              []struct{ Alg, Content string }
	}
	var bom struct {
		BOMFormat, SpecVersion, SerialNumber string
		Version                              int
		Metadata                             struct{ Component component }
		Components                           []component
		Dependencies                         []struct{ Ref string }
	}
	if err := json.Unmarshal(list, &bom); err != nil {
		t.Fatal(err)
	}
	if bom.BOMFormat != "CycloneDX" || bom.SpecVersion != "1.6" || bom.Version != 1 || bom.Metadata.Component.Name != "lignum" || bom.Metadata.Component.Version != "v0.0.1" {
		t.Errorf("the list is of %+v: %s %s", bom.Metadata.Component, bom.BOMFormat, bom.SpecVersion)
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + info.GoVersion}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		want = append(want, d.Path+" "+d.Version)
	}
	var got []string
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range bom.Components {
		got = append(got, c.Name+" "+c.Version)
		refs[c.BOMRef] = true
		if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@"+c.Version) {
			t.Errorf("%s has the address %s", c.Name, c.PURL)
		}
		if c.Name != "std" && (len(c.Hashes) != 1 || c.Hashes[0].Alg != "SHA-256" || len(c.Hashes[0].Content) != 64) {
			t.Errorf("%s has the hashes %v", c.Name, c.Hashes)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) < 5 {
		t.Errorf("listed: %q\nin the program: %q", got, want)
	}
	for _, d := range bom.Dependencies {
		if !refs[d.Ref] {
			t.Errorf("a dependency of %s, which is not listed", d.Ref)
		}
	}
}

// fileOf finds a file in the layers of an OCI archive.
func fileOf(t *testing.T, image []byte, name string) []byte {
	t.Helper()
	var found []byte
	each(t, bytes.NewReader(image), func(_ string, blob []byte) {
		z, err := gzip.NewReader(bytes.NewReader(blob))
		if err != nil {
			return // not a layer
		}
		each(t, z, func(in string, data []byte) {
			if in == name {
				found = data
			}
		})
	})
	if found == nil {
		t.Fatalf("no layer has %s", name)
	}
	return found
}

func each(t *testing.T, from io.Reader, do func(name string, data []byte)) {
	t.Helper()
	for files := tar.NewReader(from); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(files)
		if err != nil {
			t.Fatal(err)
		}
		do(h.Name, data)
	}
}

func TestNothingIsReleasedOf(t *testing.T) {
	for _, c := range []struct {
		name, change, says string
		env                []string
	}{
		{"a changed file", "echo >>README.md", " M README.md", nil},
		{"a file that is not committed", "echo >new.go", "?? new.go", nil},
		{"a file that was taken away", "rm README.md", " D README.md", nil},
		{"an unpacked archive", "rm -rf .git", "a git checkout", nil},
		{"sources that nobody could check for vulnerabilities", "true", "nothing is released unchecked", []string{"GOVULNDB=http://127.0.0.1:1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := checkout(t)
			if out, err := exec.Command("sh", "-c", `cd "$1" && eval "$2"`, "change", dir, c.change).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said, status := run(t, dir, "infra/release/release.sh", append(c.env, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))...)
			if status == 0 || !strings.Contains(said, c.says) {
				t.Errorf("exit status %d; it does not say %q:\n%s", status, c.says, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "dist")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was built: %v", err)
			}
		})
	}
}
