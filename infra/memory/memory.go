// Package memory finds out how much memory this process may use, holds Go's runtime to it, and shares it out: so much for what
// is remembered between requests, so many passwords hashed at once, so many connections.
package memory

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"
)

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30

	// Least is what the program needs at least.
	Least = 128 * mib
	// Greatest is the most that can be asked for.
	Greatest = 1024 * gib
	// most is what it takes of a machine when nobody says anything: a quarter, and not more than this.
	most = 1 * gib
	// outside is what Go's runtime does not count: the pages of the program itself.
	outside = 64 * mib
)

// Share is what a process may use. The zero value is no limit.
type Share struct {
	Total  int64  // bytes in all, the program's own pages and the kernel's buffers of its connections included; 0: no limit known
	Go     int64  // bytes that Go's runtime is held to, softly: it collects garbage before it takes more
	Source string // who said so: LIGNUM_MEMORY, GOMEMLIMIT, the control group, the machine
}

// Find tells what this process may use: what LIGNUM_MEMORY says (setting, in bytes; 0: nothing) or its control groups allow,
// whichever is less; where neither says anything a quarter of the machine, at most 1 GiB. An operator's own GOMEMLIMIT is
// followed in place of all that; with LIGNUM_MEMORY beside it that is an error, since they contradict each other. Less than 128 MiB is
// an error as well.
func Find(setting int64) (Share, error) { return find(os.DirFS("/"), os.Getenv("GOMEMLIMIT"), setting) }

func find(root fs.FS, goLimit string, setting int64) (Share, error) {
	if goLimit != "" { // the runtime has read it and ended the process if it could not
		if setting != 0 {
			return Share{}, errors.New("GOMEMLIMIT and LIGNUM_MEMORY are both set; LIGNUM_MEMORY is enough, and Go's limit follows from it")
		}
		limit := debug.SetMemoryLimit(-1)
		if limit == math.MaxInt64 {
			return Share{Source: "GOMEMLIMIT"}, nil
		}
		return Share{Total: 2*limit + outside, Go: limit, Source: "GOMEMLIMIT"}, nil
	}
	group, err := cgroupLimit(root)
	s := Share{Total: setting, Source: "LIGNUM_MEMORY"}
	switch {
	case err != nil && setting == 0:
		return Share{}, fmt.Errorf("how much memory this process may use is not known (%w); set LIGNUM_MEMORY, such as LIGNUM_MEMORY=512MiB", err)
	case err == nil && group != 0 && (setting == 0 || group < setting):
		s = Share{Total: group, Source: "the control group"}
	case setting == 0:
		s = Share{Total: max(Least, min(machine(root)/4, most)), Source: "the machine"}
	}
	if s.Total < Least {
		return Share{}, fmt.Errorf("%s gives this process %d MiB of memory; it needs %d", s.Source, s.Total/mib, Least/mib)
	}
	s.Go = (s.Total - outside) / 2
	return s, nil
}

// machine is the machine's memory in bytes, or enough for the most that we take where that cannot be told.
func machine(root fs.FS) int64 {
	raw, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return 4 * most
	}
	for line := range strings.Lines(string(raw)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "MemTotal:" && f[2] == "kB" {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil && n < unlimited/kib {
				return n * kib
			}
		}
	}
	return 4 * most
}

// gcPercent trades memory for processor time: most of a request's memory is garbage a moment later, so garbage may be four times what
// lives, as long as the limit leaves room for it.
const gcPercent = 400

// Hold holds Go's runtime to the share. A GOGC or GOMEMLIMIT from the environment goes before it.
func (s Share) Hold() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" && s.Go > 0 {
		debug.SetMemoryLimit(s.Go)
	}
}

// Quarter is the fourth part of what Go's runtime may use, in bytes: one is for what is remembered between requests, one for the
// passwords that are hashed at once, the rest for the requests under way and their garbage. Without a limit it is 1 TiB.
func (s Share) Quarter() int64 {
	if s.Go == 0 {
		return Greatest
	}
	return s.Go / 4
}

// Fits is how many things of so many bytes each fit into a quarter, at most most and at least one.
func (s Share) Fits(each int64, most int) int {
	return int(max(1, min(int64(most), s.Quarter()/each)))
}

var size = regexp.MustCompile(`^([0-9]{1,18})(B|KiB|MiB|GiB|TiB)?$`)

// Parse reads a size as Go's own GOMEMLIMIT is written: a whole number of bytes, or of KiB, MiB, GiB or TiB, such as 512MiB. It refuses
// less than 128 MiB and more than 1 TiB.
func Parse(text string) (int64, error) {
	unit := map[string]int64{"": 1, "B": 1, "KiB": kib, "MiB": mib, "GiB": gib, "TiB": 1024 * gib}
	m := size.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("must be a whole number of bytes, KiB, MiB, GiB or TiB, such as 512MiB")
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > Greatest/unit[m[2]] || n*unit[m[2]] < Least {
		return 0, fmt.Errorf("must be from %dMiB to %dTiB", Least/mib, Greatest/gib/1024)
	}
	return n * unit[m[2]], nil
}
