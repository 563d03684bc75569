package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// group is where the limits of this process's control group are: a folder of a mounted hierarchy, and the folder at which what we
// can see of the hierarchy begins.
type group struct {
	folder, mount string
	files         []string // that hold a limit, in each folder
}

// cgroupLimit returns the memory that the control groups of this process allow it, and 0 when they set no limit or there are none.
// A group's limit holds for all below it, so the smallest on the way to the root counts. root is the file system from "/".
//
// See "Control Group v2" in the kernel's manual, cgroup-v1/memory.rst, and proc_pid_mountinfo(5).
func cgroupLimit(root fs.FS) (int64, error) {
	found, err := memoryGroup(root)
	if err != nil || found == nil {
		return 0, err
	}
	least := int64(0)
	for folder := found.folder; ; folder = path.Dir(folder) {
		for _, name := range found.files {
			limit, err := readLimit(root, path.Join(folder, name))
			if err != nil {
				return 0, err
			}
			if limit > 0 && (least == 0 || limit < least) {
				least = limit
			}
		}
		if folder == found.mount || folder == "/" || folder == "." {
			return least, nil
		}
	}
}

// memoryGroup finds the group that has a say about memory: of version 1 where its memory controller is mounted, else of version 2;
// nil where there is neither.
func memoryGroup(root fs.FS) (*group, error) {
	mine, err := fs.ReadFile(root, "proc/self/cgroup")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // no control groups here, as on anything but Linux
	}
	if err != nil {
		return nil, err
	}
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	var unified *group
	for line := range strings.Lines(string(mine)) { // 4:memory:/a/b, and of version 2 0::/a/b
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		if slices.Contains(strings.Split(parts[1], ","), "memory") {
			if g := mounted(string(mounts), "cgroup", "memory", parts[2]); g != nil {
				g.files = []string{"memory.limit_in_bytes"}
				return g, nil
			}
		}
		if parts[0] == "0" && parts[1] == "" {
			if unified = mounted(string(mounts), "cgroup2", "", parts[2]); unified != nil {
				unified.files = []string{"memory.max", "memory.high"} // above high a process is slowed down until it is of no use
			}
		}
	}
	return unified, nil
}

// mounted finds the folder of a group in a mounted hierarchy of a kind, with an option.
func mounted(mounts, kind, option, of string) *group {
	for line := range strings.Lines(mounts) { // 36 35 98:0 /root /mount/point rw,noatime master:1 - cgroup source rw,memory
		before, after, ok := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !ok || len(left) < 6 || len(right) < 3 || right[0] != kind || option != "" && !slices.Contains(strings.Split(right[2], ","), option) {
			continue
		}
		top, mount := unescape(left[3]), unescape(left[4])
		// A container often sees its own group as the top of what is mounted, and yet is told the whole path: then the top is its own.
		inside := "/"
		switch rest, below := strings.CutPrefix(of, strings.TrimSuffix(top, "/")); {
		case below && (rest == "" || rest[0] == '/'):
			inside = path.Clean("/" + rest)
		case top == "/":
			inside = path.Clean("/" + of)
		}
		return &group{folder: path.Join(mount, inside), mount: path.Clean(mount)}
	}
	return nil
}

// unescape undoes what mountinfo does to spaces, tabs, line ends and backslashes.
func unescape(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}

// unlimited is from where on a number means no limit: version 1 writes the largest number of whole pages.
const unlimited = 1 << 60

// readLimit reads a limit in bytes; 0: none.
func readLimit(root fs.FS, name string) (int64, error) {
	raw, err := fs.ReadFile(root, strings.TrimPrefix(name, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // the root has none, and neither has a group without the controller
	}
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(raw))
	if text == "max" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s says %q, which is no number of bytes", name, text)
	case n >= unlimited:
		return 0, nil
	}
	return max(int64(n), 1), nil // 0 is a limit as well: nothing fits
}
