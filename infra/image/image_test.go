//go:build cloud

// Package image_test builds the image and looks into it. It needs buildah, and no network.
package image_test

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Alone in a store of its own, without overlays and namespaces, so that it also runs inside a container.
var storage []string

const mostBytes = 80 << 20 // of the program and the certificates

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if _, err := exec.LookPath("buildah"); err != nil {
			fmt.Fprintln(os.Stderr, "buildah is missing: run infra/setup/install.sh cloud, or: sudo apt-get install --no-install-recommends buildah")
			return 1
		}
		dir, err := os.MkdirTemp("", "lignum-image")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		storage = []string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver", "vfs"}
		return m.Run()
	}())
}

func buildah(t *testing.T, args ...string) string {
	t.Helper()
	return output(t, exec.Command("buildah", slices.Concat(storage, args)...))
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		var ended *exec.ExitError
		said := ""
		if errors.As(err, &ended) {
			said = string(ended.Stderr)
		}
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args, " "), err, out, said)
	}
	return strings.TrimSpace(string(out))
}

// sources copies the module, since somebody may be writing in it, to a folder of another name each time.
func sources(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "." {
			return err
		}
		switch {
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || rel == "bin"):
			return filepath.SkipDir
		case d.IsDir():
			return os.Mkdir(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// build builds the image of some sources and gives the folder in which its files are, and a container of it.
func build(t *testing.T, module, name string) (root, container string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(module, "infra/image/build.sh"), name)
	cmd.Env = append(os.Environ(), "VERSION=image-test", "CONTAINER=buildah "+strings.Join(storage, " "), "BUILD_FLAGS=--isolation chroot")
	output(t, cmd)
	container = buildah(t, "from", "--pull-never", "localhost/"+name)
	t.Cleanup(func() { buildah(t, "rm", container) })
	return buildah(t, "mount", container), container
}

func digest(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestImage(t *testing.T) {
	module := sources(t, "../..")
	root, container := build(t, module, "lignum-test:one")
	t.Run("holds the program and the certificates, and no shell", func(t *testing.T) { checkFiles(t, root) })
	t.Run("its program is static", func(t *testing.T) { checkStatic(t, filepath.Join(root, "lignum")) })
	t.Run("has a folder for uploads, of the user that it runs as", func(t *testing.T) {
		info, err := os.Stat(filepath.Join(root, "files"))
		if err != nil {
			t.Fatal(err)
		}
		if of, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || of.Uid != 65532 || of.Gid != 65532 {
			t.Errorf("%v, %+v", info.Mode(), of)
		}
	})
	t.Run("runs as nobody in particular", func(t *testing.T) { checkConfig(t, "localhost/lignum-test:one") })
	t.Run("runs", func(t *testing.T) {
		if said := buildah(t, "run", "--isolation", "chroot", container, "/lignum", "version"); !strings.HasPrefix(said, "lignum image-test, migrations ") {
			t.Errorf("lignum version: %q", said)
		}
		serve := exec.Command("buildah", slices.Concat(storage, []string{"run", "--isolation", "chroot", container, "/lignum", "serve"})...)
		if out, err := serve.CombinedOutput(); err == nil || !strings.Contains(string(out), "LIGNUM_MASTER_KEY") {
			t.Errorf("serve without settings: %v\n%s", err, out)
		}
	})
	t.Run("is the same when it is built again, in another folder", func(t *testing.T) {
		again, _ := build(t, sources(t, module), "lignum-test:two")
		if one, two := digest(t, filepath.Join(root, "lignum")), digest(t, filepath.Join(again, "lignum")); one != two {
			t.Errorf("two builds: %s and %s", one, two)
		}
	})
}

// checkFiles lists everything in the image. What an engine itself adds to a container (/dev, /proc, /etc/hosts) is empty.
func checkFiles(t *testing.T, root string) {
	var files []string
	var size int64
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		rel, err := filepath.Rel(root, path)
		files = append(files, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	if want := []string{"etc/ssl/certs/ca-certificates.crt", "lignum"}; !slices.Equal(files, want) {
		t.Errorf("the files are %q, want %q", files, want)
	}
	if t.Logf("%d bytes", size); size > mostBytes {
		t.Errorf("%d bytes, want at most %d", size, mostBytes)
	}
	if pem, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt")); err != nil || !strings.Contains(string(pem), "BEGIN CERTIFICATE") {
		t.Errorf("the certificates: %v", err)
	}
}

func checkStatic(t *testing.T, path string) {
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program wants an interpreter")
		}
	}
	if libraries, err := f.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the program wants %q: %v", libraries, err)
	}
}

func checkConfig(t *testing.T, name string) {
	var image struct {
		OCIv1 struct {
			Config struct {
				User       string
				Entrypoint []string
				Cmd        []string
				Env        []string
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(buildah(t, "inspect", "--type", "image", name)), &image); err != nil {
		t.Fatal(err)
	}
	c := image.OCIv1.Config
	if c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/lignum"}) || !slices.Equal(c.Cmd, []string{"serve"}) {
		t.Errorf("%+v", c)
	}
	if strings.Contains(strings.Join(c.Env, " "), "LIGNUM_") {
		t.Errorf("the image holds settings: %q", c.Env)
	}
}
