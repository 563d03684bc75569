//go:build !linux

package localcluster

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// endWithParent does nothing: only Linux ends children with their parent. After a kill of this
// program PostgreSQL runs on until the next Start ends it.
func endWithParent(*syscall.SysProcAttr, syscall.Signal) {}

// isPostmaster says whether the process is alive and is a PostgreSQL; the caller knows the id from this data directory.
func isPostmaster(pid int, _ string) bool {
	out, err := exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(pid)).Output()
	return err == nil && strings.Contains(string(out), "postgres")
}

func namespace() string { return "" }
