package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// machine is what the figures were taken on.
type machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	MemoryGiB float64 `json:"memory_gib"`
	Kernel    string  `json:"kernel"`
	Go        string  `json:"go"`
	Postgres  string  `json:"postgres"`
	PgBouncer string  `json:"pgbouncer"`
	Load      string  `json:"load"` // averages of the last 1, 5 and 15 minutes at the start: whether the machine was quiet
}

func (m machine) String() string {
	return fmt.Sprintf("%d cores (%s), %.0f GiB, %s, %s, %s, load before %s", m.Cores, m.Processor, m.MemoryGiB, m.Go, m.Postgres, m.PgBouncer, m.Load)
}

func lookAtMachine() machine {
	m := machine{Cores: runtime.NumCPU(), Go: runtime.Version(), Processor: afterColon("/proc/cpuinfo", "model name"), Kernel: firstLine("/proc/sys/kernel/osrelease")}
	kib, err := strconv.ParseFloat(strings.TrimSuffix(afterColon("/proc/meminfo", "MemTotal"), " kB"), 64)
	if err == nil {
		m.MemoryGiB = kib / (1 << 20)
	}
	if fields := strings.Fields(firstLine("/proc/loadavg")); len(fields) > 2 {
		m.Load = strings.Join(fields[:3], " ")
	}
	m.Postgres, m.PgBouncer = version(findTool("pgbench")), version(findTool("pgbouncer"))
	return m
}

// afterColon returns the value of the first line that begins with a name, in the manner of files under /proc.
func afterColon(path, name string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return line
}

func version(tool string, err error) string {
	if err != nil {
		return "unknown"
	}
	out, err := exec.Command(tool, "--version").Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// commit is that of the working directory, with "+" when files differ from it.
func commit() string {
	hash, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	text := strings.TrimSpace(string(hash))
	if changed, err := exec.Command("git", "status", "--porcelain").Output(); err != nil || len(changed) > 0 {
		text += "+"
	}
	return text
}
