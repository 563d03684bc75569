//go:build cloud

// Package release_test builds a release twice and looks into what is delivered. It needs buildah, and no network once the
// tools are built.
package release_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
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

	"lignum/tests/tenth"
)

// checkout is a commit, with a tag, of the sources as they are now, in a folder of its own.
func checkout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := `set -e -o pipefail
		git -C "$1" ls-files -z --cached --others --exclude-standard |
			tar -C "$1" --null -T - --ignore-failed-read -cf - 2>/dev/null | tar -C "$2" -xf - # a file may just have been taken away
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

// run runs a script of a checkout, or a program in it.
func run(t *testing.T, dir, script string, env ...string) (said string, status int) {
	t.Helper()
	cmd := exec.Command("sh", "-c", `umask "${UMASK:-022}" && exec "$@"`, "run", filepath.Join(dir, script))
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

// TestRelease builds what is delivered in two folders, in the second as somebody who has set Go, git and the shell for other work.
func TestRelease(t *testing.T) {
	one, two := checkout(t), checkout(t)
	settings := filepath.Join(t.TempDir(), "goenv")
	if err := os.WriteFile(settings, []byte("GOFLAGS=-tags=other\nGOAMD64=v3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	again := tenth.Of(t, []string{"amd64", "arm64"})
	other := []string{"ARCHES=" + strings.Join(again, " "), "GOENV=" + settings, "GOFLAGS=", "GOOS=plan9", "GOARCH=386", "GOARM64=v9.0", "TZ=Asia/Tokyo", "UMASK=077", "VERSION=other"}
	for dir, env := range map[string][]string{one: {"ARCHES="}, two: other} {
		if said, status := run(t, dir, "infra/release/build.sh", env...); status != 0 {
			t.Fatalf("exit status %d:\n%s", status, said)
		}
	}
	sums := string(read(t, one, "dist/SHA256SUMS"))
	hashes := strings.SplitAfter(string(read(t, two, "dist/SHA256SUMS")), "\n")
	if len(hashes) != 2+3*len(again)+1 {
		t.Errorf("delivered of %q: %q", again, hashes)
	}
	for _, line := range hashes {
		if !strings.Contains(sums, line) {
			t.Errorf("two builds differ: the second has %s\nthe first\n%s", line, sums)
		}
	}
	entries, err := os.ReadDir(filepath.Join(one, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		if line := digest(read(t, one, "dist", e.Name())) + "  " + e.Name() + "\n"; e.Name() != "SHA256SUMS" && !strings.Contains(sums, line) {
			t.Errorf("SHA256SUMS has not the line %s", line)
		}
	}
	if want := []string{"SHA256SUMS", "autoscale.cdx.json", "autoscale.zip", "lignum-image-amd64.tar", "lignum-image-arm64.tar",
		"lignum-linux-amd64", "lignum-linux-amd64.cdx.json", "lignum-linux-arm64", "lignum-linux-arm64.cdx.json"}; !slices.Equal(names, want) {
		t.Errorf("delivered: %q\nwanted: %q", names, want)
	}
	if n := strings.Count(sums, "\n"); n != len(entries)-1 {
		t.Errorf("%d hashes of %d files:\n%s", n, len(entries), sums)
	}
	for _, dir := range []string{one, two} {
		if said, err := exec.Command("git", "-C", dir, "status", "--porcelain").Output(); err != nil || len(said) > 0 {
			t.Errorf("a release changes the checkout: %v\n%s", err, said)
		}
		if left, err := filepath.Glob(filepath.Join(dir, ".lignum/release.*")); err != nil || left != nil {
			t.Errorf("a release leaves behind %q, %v", left, err)
		}
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		program := filepath.Join(one, "dist/lignum-linux-"+arch)
		t.Run("the program for "+arch, func(t *testing.T) { checkProgram(t, program, machine, one) })
		t.Run("what is in the program for "+arch, func(t *testing.T) { checkList(t, read(t, program+".cdx.json"), program) })
		t.Run("the image for "+arch, func(t *testing.T) {
			checkImage(t, filepath.Join(one, "dist/lignum-image-"+arch+".tar"), arch, read(t, program))
		})
	}
	t.Run("the program runs", func(t *testing.T) {
		said, err := exec.Command(filepath.Join(one, "dist/lignum-linux-"+runtime.GOARCH), "version").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(said), "lignum v0.0.1, ") {
			t.Errorf("%v: %s", err, said)
		}
	})
	t.Run("the functions", func(t *testing.T) {
		z, err := zip.OpenReader(filepath.Join(one, "dist/autoscale.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		if len(z.File) != 1 || z.File[0].Name != "bootstrap" || z.File[0].Mode() != 0o755 {
			t.Fatalf("autoscale.zip has %v", z.File)
		}
		f, err := z.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f) // the zip's own checksum is compared here
		if err != nil {
			t.Fatal(err)
		}
		bootstrap := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(bootstrap, data, 0o755); err != nil {
			t.Fatal(err)
		}
		checkProgram(t, bootstrap, elf.EM_AARCH64, one)
		checkList(t, read(t, one, "dist/autoscale.cdx.json"), bootstrap)
	})
}

// checkProgram looks at a program as it is delivered: for Linux, without a loader, and without a word of where it was built.
func checkProgram(t *testing.T, program string, machine elf.Machine, checkout string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.Machine != machine || f.Type != elf.ET_EXEC || slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Errorf("%s is for %v, a %v", program, f.Machine, f.Type)
	}
	text := read(t, program)
	for _, variable := range []string{"GOROOT", "GOMODCACHE", "GOCACHE"} {
		place, err := exec.Command("go", "env", variable).Output()
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.TrimSpace(place); len(at) < 4 || bytes.Contains(text, at) {
			t.Errorf("%s has the path %q in it", program, at)
		}
	}
	if bytes.Contains(text, []byte(checkout)) || bytes.Contains(text, []byte(filepath.Dir(checkout))) {
		t.Errorf("%s has the path of its sources in it", program)
	}
}

// checkImage reads an OCI archive from its index down, as whoever loads it does, and compares each digest on the way.
func checkImage(t *testing.T, archive, arch string, program []byte) {
	t.Helper()
	files := map[string][]byte{}
	each(t, bytes.NewReader(read(t, archive)), func(h *tar.Header, data []byte) { files[h.Name] = data })
	type descriptor struct {
		MediaType, Digest string
		Size              int
		Annotations       map[string]string
	}
	blobs := map[string]bool{}
	blob := func(d descriptor) []byte {
		t.Helper()
		name := "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:")
		data, there := files[name]
		if !there || "sha256:"+digest(data) != d.Digest || len(data) != d.Size {
			t.Fatalf("%s, %d bytes: there %v, %d bytes of %s", d.Digest, d.Size, there, len(data), digest(data))
		}
		blobs[name] = true
		return data
	}
	parse := func(data []byte, into any) {
		t.Helper()
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
	}
	if layout := strings.ReplaceAll(string(files["oci-layout"]), " ", ""); layout != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout: %s", layout)
	}
	var index struct {
		SchemaVersion int
		Manifests     []descriptor
	}
	parse(files["index.json"], &index)
	if index.SchemaVersion != 2 || len(index.Manifests) != 1 || index.Manifests[0].MediaType != "application/vnd.oci.image.manifest.v1+json" ||
		index.Manifests[0].Annotations["org.opencontainers.image.ref.name"] != "lignum:v0.0.1" {
		t.Fatalf("index.json: %s", files["index.json"])
	}
	var manifest struct {
		SchemaVersion int
		Config        descriptor
		Layers        []descriptor
	}
	parse(blob(index.Manifests[0]), &manifest)
	if manifest.SchemaVersion != 2 || manifest.Config.MediaType != "application/vnd.oci.image.config.v1+json" || len(manifest.Layers) != 1 ||
		manifest.Layers[0].MediaType != "application/vnd.oci.image.layer.v1.tar+gzip" {
		t.Fatalf("the manifest: %+v", manifest)
	}
	var image struct {
		Architecture, OS string
		Config           struct {
			User                 string
			Env, Entrypoint, Cmd []string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	parse(blob(manifest.Config), &image)
	if image.Architecture != arch || image.OS != "linux" || image.Config.User != "65532:65532" ||
		!slices.Equal(image.Config.Entrypoint, []string{"/lignum"}) || !slices.Equal(image.Config.Cmd, []string{"serve"}) ||
		len(image.Config.Env) != 1 || !strings.HasPrefix(image.Config.Env[0], "PATH=") {
		t.Errorf("the image: %+v", image)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(blob(manifest.Layers[0])))
	if err != nil {
		t.Fatal(err)
	}
	layer, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"sha256:" + digest(layer)}; !slices.Equal(image.RootFS.DiffIDs, want) {
		t.Errorf("the layer is %q, and the image wants %q", want, image.RootFS.DiffIDs)
	}
	var inside []string
	each(t, bytes.NewReader(layer), func(h *tar.Header, data []byte) {
		inside = append(inside, fmt.Sprintf("%04o %d:%d %s", h.Mode&0o7777, h.Uid, h.Gid, h.Name))
		if h.Name == "lignum" && !bytes.Equal(data, program) {
			t.Errorf("the image's program is %s, the one beside it %s", digest(data), digest(program))
		}
	})
	if want := []string{"0755 0:0 etc/", "0755 0:0 etc/ssl/", "0755 0:0 etc/ssl/certs/", "0644 0:0 etc/ssl/certs/ca-certificates.crt", "0755 65532:65532 files/", "0755 0:0 lignum"}; !slices.Equal(inside, want) {
		t.Errorf("the image has %q\nwanted: %q", inside, want)
	}
	// What older Dockers look for leads to the same image.
	var docker []struct {
		Config           string
		RepoTags, Layers []string
	}
	parse(files["manifest.json"], &docker)
	if len(docker) != 1 || docker[0].Config != "blobs/sha256/"+strings.TrimPrefix(manifest.Config.Digest, "sha256:") ||
		!slices.Equal(docker[0].RepoTags, []string{"lignum:v0.0.1"}) || !slices.Equal(docker[0].Layers, []string{"blobs/sha256/" + strings.TrimPrefix(manifest.Layers[0].Digest, "sha256:")}) {
		t.Errorf("manifest.json: %s", files["manifest.json"])
	}
	for name, data := range files {
		if len(data) > 0 && strings.HasPrefix(name, "blobs/") && !blobs[name] {
			t.Errorf("%s belongs to nothing", name)
		}
	}
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

func each(t *testing.T, from io.Reader, do func(h *tar.Header, data []byte)) {
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
		do(h, data)
	}
}

func TestNothingIsReleasedOf(t *testing.T) {
	found, err := filepath.Abs("../../tests/lint/testdata/vulnerabilities/found")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, change, script, says string
		env                        []string
	}{
		{"a changed file", "echo >>README.md", "release.sh", " M README.md", nil},
		{"a change that waits for its commit", "echo >>README.md; git add .", "release.sh", "M  README.md", nil},
		{"a file that is not committed", "echo >api/new.go", "release.sh", "?? api/new.go", nil},
		{"a file that was taken away", "rm README.md", "release.sh", " D README.md", nil},
		{"a file that a setting hides", "echo >new.go; git config status.showUntrackedFiles no", "release.sh", "?? new.go", nil},
		{"a file that is left out here alone", "echo >new.go; echo new.go >>.git/info/exclude", "release.sh", "?? new.go", nil},
		{"a changed file that git was told not to look at", "echo >>README.md; git update-index --assume-unchanged README.md", "release.sh", "h README.md", nil},
		{"a changed file that git was told to skip", "echo >>README.md; git update-index --skip-worktree README.md", "release.sh", "S README.md", nil},
		{"an unpacked archive", "rm -rf .git", "release.sh", "a git checkout", nil},
		{"sources that nobody could check for vulnerabilities", "true", "release.sh", "nothing is released unchecked", []string{"GOVULNDB=http://127.0.0.1:1"}},
		{"sources with a known vulnerability", leaveOut, "release.sh", "config.Load calls env.Parse", []string{"GOVULNDB=file://" + found}},
		// The program is built when these are found.
		{"a list of another form than CycloneDX's", damage("s/\"library\"/\"book\"/"), "build.sh", "is not a list of what is in", nil},
		{"an image that nobody can build", "echo 'COPY nothing /' >>infra/image/Containerfile", "build.sh", "nothing", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := checkout(t)
			// What an earlier release has left must not be taken for this one's.
			change := "mkdir dist; echo >dist/lignum-linux-amd64; " + c.change
			if out, err := exec.Command("sh", "-c", `cd "$1" && eval "$2"`, "change", dir, change).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			said, status := run(t, dir, "infra/release/"+c.script, append(c.env, "ARCHES="+runtime.GOARCH, "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))...)
			if status == 0 || !strings.Contains(said, c.says) {
				t.Errorf("exit status %d; it does not say %q:\n%s", status, c.says, said)
			}
			if _, err := os.Stat(filepath.Join(dir, "dist")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something is delivered: %v", err)
			}
		})
	}
}

// leaveOut commits infra/config alone, with what it stands on, since to look through everything takes a minute.
const leaveOut = `git ls-files '*.go' | grep -Ev '^infra/(config|memory|pooling)/' | xargs git rm -q --
	git -c user.name=release -c user.email=release@lignum.example commit -q -m less`

// damage edits, with sed, each list that the tool of the lists has made.
func damage(edit string) string {
	return `tool=$(infra/setup/tool.sh cyclonedx-gomod)
		cat >damaged <<END
#!/bin/sh
"$tool" "\$@" || exit 1
for word; do
	[ "\$before" != -output ] || sed -i '` + edit + `' "\$word"
	before=\$word
done
END
		chmod +x damaged
		printf '#!/bin/sh\necho "%s"\n' "$PWD/damaged" >infra/setup/tool.sh`
}
