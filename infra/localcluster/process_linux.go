package localcluster

import (
	"fmt"
	"os"
	"syscall"
)

// endWithParent has the kernel send the signal when the thread that starts the process ends.
func endWithParent(a *syscall.SysProcAttr, s syscall.Signal) { a.Pdeathsig = s }

// isPostmaster says whether the process is alive and is the PostgreSQL of this data directory, which
// is its working directory. A process id alone proves nothing: it may have been given away again.
func isPostmaster(pid int, dataDir string) bool {
	cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return err == nil && cwd == dataDir
}

// namespace tells machines in containers apart that share a file system.
func namespace() string {
	pids, _ := os.Readlink("/proc/self/ns/pid")
	mounts, _ := os.Readlink("/proc/self/ns/mnt")
	return pids + mounts
}
