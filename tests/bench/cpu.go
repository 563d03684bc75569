package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of /proc/PID/stat on every Linux that Go runs on.
const ticksPerSecond = 100

// usage is the processor time that the parts of the platform have used, in seconds.
type usage struct{ api, bouncer, postgres float64 }

func (u usage) minus(v usage) usage {
	return usage{u.api - v.api, u.bouncer - v.bouncer, u.postgres - v.postgres}
}

// processorTime returns user and system time of a process, with that of its children that have ended when waited is set.
func processorTime(pid int, waited bool) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
	last := 13 // utime, stime
	if waited {
		last = 15 // and cutime, cstime
	}
	sum := 0
	for _, f := range fields[11:last] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0
		}
		sum += n
	}
	return float64(sum) / ticksPerSecond
}

// children lists the processes whose parent is pid.
func children(pid int) (list []int) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	for _, path := range all {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+2:]))
		if parent, _ := strconv.Atoi(fields[1]); parent == pid {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			list = append(list, child)
		}
	}
	return list
}

func (b *bench) usage() usage {
	pg, bouncer := b.cluster.PIDs()
	u := usage{api: processorTime(b.apiPID, false), bouncer: processorTime(bouncer, false), postgres: processorTime(pg, true)}
	for _, child := range children(pg) {
		u.postgres += processorTime(child, false)
	}
	return u
}

// resident is the memory that the API holds now, in megabytes of 1,000,000 bytes.
func (b *bench) resident() float64 { return b.status("VmRSS") }

// status is a size in /proc/PID/status of the API, in megabytes.
func (b *bench) status(name string) float64 {
	kib, err := strconv.ParseFloat(strings.TrimSuffix(afterColon(fmt.Sprintf("/proc/%d/status", b.apiPID), name), " kB"), 64)
	if err != nil {
		return 0
	}
	return kib * 1024 / 1e6
}

// sample is what one run of a load did.
type sample struct {
	requests int
	took     time.Duration
	used     usage
	failed   int
}

func (s sample) perSecond() float64 { return float64(s.requests) / s.took.Seconds() }

func micros(seconds float64, requests int) float64 { return seconds / float64(max(1, requests)) * 1e6 }
