package localcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// account is the system user that the servers run as.
type account struct {
	name     string
	uid, gid uint32
	switchTo bool // it is not ours: this program is root
}

// serverAccount returns our own user, or, for root, the one that owns the existing data, else postgres or lignum-db.
func serverAccount(dir string, old state) (account, error) {
	if os.Geteuid() != 0 {
		u, err := user.Current()
		if err != nil {
			return account{}, fmt.Errorf("localcluster: who am I: %w", err)
		}
		return accountOf(u, false)
	}
	for _, data := range []string{filepath.Join(dir, "data"), filepath.Join(old.Home, "data")} {
		if uid := ownerOf(data); uid > 0 {
			if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
				return accountOf(u, true)
			}
		}
	}
	for _, name := range []string{"postgres", "lignum-db"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u, true)
		}
	}
	return account{}, errors.New("localcluster: PostgreSQL refuses to run as root, and there is no system user postgres or lignum-db to run it as: " +
		"create one (useradd --system --no-create-home --shell /usr/sbin/nologin lignum-db) or start as another user")
}

func accountOf(u *user.User, switchTo bool) (account, error) {
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), switchTo: switchTo}, errors.Join(err1, err2)
}

// ownerOf returns the user id that owns a folder, -1 when it is no folder or a link.
func ownerOf(path string) int {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return -1
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// makeDir makes Dir if missing. As root it stays passable for the account of the servers, and unreadable.
func makeDir(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	err := os.Mkdir(dir, mode)
	if err == nil {
		err = os.Chmod(dir, mode) // whatever the umask
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("localcluster: %w", err)
	}
	// Others may plant a folder of the expected name where everybody can write (/tmp, /dev/shm).
	if owner := ownerOf(dir); owner != os.Geteuid() && os.Geteuid() != 0 {
		return fmt.Errorf("localcluster: %s is not a folder of the user who starts this", dir)
	}
	if err := os.MkdirAll(filepath.Join(dir, "log"), 0o700); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	return nil
}

// settle finds the folders for data and sockets and makes them the account's. Data lives in Dir, or,
// when the account cannot reach Dir (a checkout under a closed home directory), in a folder of its
// own under /var/tmp that cluster.json remembers.
func (c *Cluster) settle() error {
	old := c.state
	data := filepath.Join(c.opts.Dir, "data")
	switch {
	case ownerOf(data) >= 0 || c.account.canEnter(c.opts.Dir):
		c.state.Home = c.opts.Dir
	case strings.HasPrefix(old.Home, farHomes) && ownerOf(old.Home) == int(c.account.uid):
	default:
		home, err := os.MkdirTemp(filepath.Dir(farHomes), "lignum-"+c.opts.Name+"-")
		if err != nil {
			return fmt.Errorf("localcluster: %w", err)
		}
		if err := c.account.own(home); err != nil {
			return err
		}
		c.state.Home = home
		c.opts.Log.Info("database files live elsewhere, because their user cannot reach the directory",
			"dir", c.opts.Dir, "user", c.account.name, "data", home)
	}
	if strings.HasPrefix(old.Sockets, shortDirs) { // of a program that was killed
		if ownerOf(old.Sockets) == int(c.account.uid) {
			_ = os.RemoveAll(old.Sockets)
		}
	}
	c.state.Sockets = filepath.Join(c.state.Home, "run")
	if !plainPath.MatchString(c.state.Sockets) || len(c.state.Sockets) > longestSocketDir {
		short, err := os.MkdirTemp(filepath.Dir(shortDirs), "lg-"+c.opts.Name+"-")
		if err != nil {
			return fmt.Errorf("localcluster: %w", err)
		}
		c.state.Sockets = short
	}
	_ = os.RemoveAll(c.state.Sockets) // stale sockets; what cannot go is reported by Mkdir
	if err := os.Mkdir(c.state.Sockets, 0o700); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	return c.account.own(c.state.Sockets)
}

const (
	farHomes  = "/var/tmp/lignum-" // how the names of data folders outside Dir begin
	shortDirs = "/tmp/lg-"         // and those of socket folders outside Home
	// A unix socket's path has at most 107 bytes (sun_path), and ours end in "/.s.PGSQL.65535.lock".
	longestSocketDir = 107 - 20
)

// plainPath is what needs no quoting in any configuration file.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

// canEnter says whether the account can use a folder, by trying: modes alone do not tell.
func (a account) canEnter(dir string) bool {
	if !a.switchTo {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", ":")
	cmd.Dir = dir // entered after the change of user
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
	return cmd.Run() == nil
}

// own gives a file or folder to the account.
func (a account) own(path string) error {
	if !a.switchTo {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	return nil
}

// writeFile writes a configuration file that the account alone can read.
func (a account) writeFile(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("localcluster: %w", err)
	}
	return a.own(path)
}

// remove clears an ephemeral cluster away, and nothing that this package did not make. The users'
// lock goes last: whoever waits for it finds an empty place then.
func (c *Cluster) remove() error {
	var errs []error
	paths := []string{c.state.Sockets}
	if strings.HasPrefix(c.state.Home, farHomes) {
		paths = append(paths, c.state.Home)
	}
	for _, name := range []string{"data", "data.new", "run", "log", "cluster.json", "cluster.json.new", "start.lock", "lock", "users.lock"} {
		paths = append(paths, filepath.Join(c.opts.Dir, name))
	}
	for _, path := range paths {
		if path != "" {
			errs = append(errs, os.RemoveAll(path))
		}
	}
	if err := os.Remove(c.opts.Dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, os.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
