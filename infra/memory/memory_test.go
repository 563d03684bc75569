package memory

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"
	"testing/fstest"
)

// files is a machine's file system in small.
func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal:       16777216 kB\nMemFree:         1024 kB\n")}}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1] + "\n")}
	}
	return fsys
}

const (
	mounts2  = "24 1 0:22 / /proc rw,nosuid - proc proc rw\n30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
	mounts1  = "31 23 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n32 23 0:28 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
	hybrid   = mounts1 + "33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	noLimit1 = "9223372036854771712"
	half     = "536870912"
)

func TestTheControlGroupsLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		files fstest.MapFS
		want  int64
	}{
		{"none at all", fstest.MapFS{}, 0},
		{"version 2, a container's own", files("proc/self/cgroup", "0::/", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/memory.max", half), 512 * mib},
		{"version 2, a service", files("proc/self/cgroup", "0::/system.slice/lignum.service", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/system.slice/lignum.service/memory.max", half), 512 * mib},
		{"version 2, max", files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/a/memory.max", "max"), 0},
		{"version 2, the group above is smaller", files("proc/self/cgroup", "0::/pod/box/main", "proc/self/mountinfo", mounts2,
			"sys/fs/cgroup/pod/memory.max", half, "sys/fs/cgroup/pod/box/memory.max", "max", "sys/fs/cgroup/pod/box/main/memory.max", "1073741824"), 512 * mib},
		{"version 2, the group above is larger", files("proc/self/cgroup", "0::/pod/box", "proc/self/mountinfo", mounts2,
			"sys/fs/cgroup/pod/memory.max", "1073741824", "sys/fs/cgroup/pod/box/memory.max", half), 512 * mib},
		{"version 2, slowed down before it is refused", files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", mounts2,
			"sys/fs/cgroup/a/memory.max", "1073741824", "sys/fs/cgroup/a/memory.high", half), 512 * mib},
		{"version 2, a group without the controller", files("proc/self/cgroup", "0::/pod/box", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/pod/memory.max", half), 512 * mib},
		{"version 2, a neighbour's is not ours", files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/b/memory.max", half), 0},
		{"version 2, the path as the host sees it", files("proc/self/cgroup", "0::/docker/abc", "proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max", half), 512 * mib},
		{"version 2, a path of another container's view", files("proc/self/cgroup", "0::/docker/outer/docker/abc", "proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/memory.max", half), 512 * mib},
		{"version 2, below what is mounted", files("proc/self/cgroup", "0::/docker/abc/web", "proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/web/memory.max", half), 512 * mib},
		{"version 2, a name that begins alike", files("proc/self/cgroup", "0::/docker/abcdef", "proc/self/mountinfo", "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
			"sys/fs/cgroup/def/memory.max", "1"), 0},
		{"version 2, mounted where there is a space", files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", `30 23 0:26 / /mnt/control\040groups rw - cgroup2 cgroup2 rw`,
			"mnt/control groups/a/memory.max", half), 512 * mib},
		{"version 1", files("proc/self/cgroup", "4:memory:/docker/abc\n1:cpu,cpuacct:/x", "proc/self/mountinfo", mounts1, "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", half), 512 * mib},
		{"version 1, no limit", files("proc/self/cgroup", "4:memory:/a", "proc/self/mountinfo", mounts1, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", noLimit1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes", noLimit1), 0},
		{"version 1, the group above is smaller", files("proc/self/cgroup", "4:memory:/pod/box", "proc/self/mountinfo", mounts1,
			"sys/fs/cgroup/memory/pod/memory.limit_in_bytes", half, "sys/fs/cgroup/memory/pod/box/memory.limit_in_bytes", noLimit1), 512 * mib},
		{"version 1, the path as the host sees it", files("proc/self/cgroup", "4:memory:/docker/abc", "proc/self/mountinfo", "32 23 0:28 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes", half), 512 * mib},
		{"both, memory by version 1", files("proc/self/cgroup", "4:memory:/a\n0::/b", "proc/self/mountinfo", hybrid, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", half,
			"sys/fs/cgroup/unified/b/memory.max", "1"), 512 * mib},
		{"both, and version 1 without memory", files("proc/self/cgroup", "2:cpu:/a\n0::/b", "proc/self/mountinfo", hybrid, "sys/fs/cgroup/unified/b/memory.max", half), 512 * mib},
	} {
		if got, err := cgroupLimit(c.files); err != nil || got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
	for name, fsys := range map[string]fstest.MapFS{
		"memory.max":  files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/a/memory.max", "plenty"),
		"memory.high": files("proc/self/cgroup", "0::/a", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/a/memory.high", "-1"),
		"mountinfo":   files("proc/self/cgroup", "0::/a"),
	} {
		if got, err := cgroupLimit(fsys); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("a %s that cannot be read: %d, %v", name, got, err)
		}
	}
}

func TestWhatAProcessMayUse(t *testing.T) {
	group := func(limit string) fstest.MapFS {
		return files("proc/self/cgroup", "0::/", "proc/self/mountinfo", mounts2, "sys/fs/cgroup/memory.max", limit)
	}
	machine := func(kb string) fstest.MapFS {
		return fstest.MapFS{"proc/meminfo": {Data: []byte("MemTotal: " + kb + " kB\n")}}
	}
	for _, c := range []struct {
		name    string
		files   fstest.MapFS
		setting int64
		want    int64
		from    string
	}{
		{"said", files(), 512 * mib, 512 * mib, "LIGNUM_MEMORY"},
		{"said, and the group allows more", group("1073741824"), 512 * mib, 512 * mib, "LIGNUM_MEMORY"},
		{"said, and the group allows less", group(half), 2 * gib, 512 * mib, "the control group"},
		{"said, and the group cannot be understood", group("plenty"), 512 * mib, 512 * mib, "LIGNUM_MEMORY"},
		{"not said", group(half), 0, 512 * mib, "the control group"},
		{"a large group is taken whole", group("68719476736"), 0, 64 * gib, "the control group"},
		{"a large machine", files(), 0, gib, "the machine"},
		{"a group without a limit", group("max"), 0, gib, "the machine"},
		{"a machine of 2 GiB", machine("2097152"), 0, 512 * mib, "the machine"},
		{"a machine of 256 MiB", machine("262144"), 0, Least, "the machine"},
		{"a machine that does not say", machine("much"), 0, gib, "the machine"},
		{"nothing to read", fstest.MapFS{}, 0, gib, "the machine"},
	} {
		s, err := find(c.files, "", c.setting)
		if err != nil || s.Total != c.want || s.Source != c.from || s.Go != (c.want-64*mib)/2 {
			t.Errorf("%s: %+v, %v; want %d from %s", c.name, s, err, c.want, c.from)
		}
	}
	if s, err := find(group("plenty"), "", 0); err == nil || !strings.Contains(err.Error(), "LIGNUM_MEMORY") {
		t.Errorf("a limit that cannot be understood, and nothing said: %+v, %v", s, err)
	}
	if s, err := find(group("67108864"), "", 0); err == nil || !strings.Contains(err.Error(), "64 MiB") || !strings.Contains(err.Error(), "128") {
		t.Errorf("a group of 64 MiB: %+v, %v", s, err)
	}
}

func TestAnOperatorsOwnLimitGoesFirst(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	if s, err := find(files(), "1GiB", 512*mib); err == nil || !strings.Contains(err.Error(), "both") {
		t.Errorf("GOMEMLIMIT and LIGNUM_MEMORY: %+v, %v", s, err)
	}
	debug.SetMemoryLimit(300 * mib) // as the runtime does with GOMEMLIMIT=300MiB
	s, err := find(files(), "300MiB", 0)
	if err != nil || s.Go != 300*mib || s.Source != "GOMEMLIMIT" {
		t.Errorf("%+v, %v", s, err)
	}
	debug.SetMemoryLimit(math.MaxInt64)
	if s, err := find(files(), "off", 0); err != nil || s.Go != 0 || s.Fits(1, 7) != 7 {
		t.Errorf("GOMEMLIMIT=off: %+v, %v", s, err)
	}
}

func TestHoldLeavesAnOperatorsSettingsAlone(t *testing.T) {
	limit, percent := debug.SetMemoryLimit(-1), debug.SetGCPercent(100)
	defer func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}()
	set := func(limit int64, percent int) {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
	are := func(what string, wantLimit int64, wantPercent int) {
		t.Helper()
		if l, p := debug.SetMemoryLimit(-1), debug.SetGCPercent(100); l != wantLimit || p != wantPercent {
			t.Errorf("%s: limit %d, percent %d; want %d and %d", what, l, p, wantLimit, wantPercent)
		}
	}
	share := Share{Total: 512 * mib, Go: 224 * mib}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	set(math.MaxInt64, 100)
	share.Hold()
	are("nothing said", 224*mib, 400)
	t.Setenv("GOGC", "50")
	set(math.MaxInt64, 50)
	share.Hold()
	are("GOGC=50", 224*mib, 50)
	t.Setenv("GOMEMLIMIT", "1GiB")
	set(gib, 50)
	share.Hold()
	are("both said", gib, 50)
}

func TestSizesAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]int64{"512MiB": 512 * mib, "536870912": 512 * mib, "536870912B": 512 * mib, "524288KiB": 512 * mib, "2GiB": 2 * gib, "128MiB": Least, "1024GiB": 1024 * gib, "1TiB": 1024 * gib} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "512", "512MB", "512M", "512mib", " 512MiB", "512 MiB", "-512MiB", "0.5GiB", "1e9", "0x20000000", "127MiB", "1025GiB", "2TiB", "99999999999999999999", "999999999999999999GiB", "512MiB\n", "off", "max"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q was taken for %d bytes", text, got)
		}
	}
}

func TestAsMuchAsFits(t *testing.T) {
	s := Share{Total: 512 * mib, Go: 224 * mib} // a quarter is 56 MiB
	for _, c := range []struct {
		each int64
		most int
		want int
	}{{19 * mib, 2, 2}, {19 * mib, 16, 2}, {100 * mib, 4, 1}, {1, 5, 5}} {
		if got := s.Fits(c.each, c.most); got != c.want {
			t.Errorf("of %d bytes each, at most %d: %d, want %d", c.each, c.most, got, c.want)
		}
	}
}
