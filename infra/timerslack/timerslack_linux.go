package timerslack

import (
	"os"
	"runtime"
	"syscall"
)

// of linux/prctl.h
const (
	setTimerSlack = 29
	getTimerSlack = 30
)

// begunAnew marks the program that Allow has started, so that a system which forgets the slack makes no circle.
const begunAnew = "LIGNUM_SLACK_ALLOWED"

// Allow lets all threads of the process sleep as much longer as is Allowed. A thread has its slack from the one that made it, and the
// runtime's own are made before any of our code runs, so the program begins anew in its own place: the process, its arguments,
// its environment and its open files stay. It must come first. Where the system does not let it, everything is as before.
func Allow() {
	if os.Getenv(begunAnew) != "" {
		_ = os.Unsetenv(begunAnew)
		return
	}
	runtime.LockOSThread() // the slack is this thread's, and what is executed inherits it
	defer runtime.UnlockOSThread()
	if current() >= uintptr(Allowed) {
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	if _, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, uintptr(Allowed), 0); failed != 0 {
		return
	}
	_ = syscall.Exec(program, os.Args, append(os.Environ(), begunAnew+"=1")) // it returns only when it cannot
}

// current is the slack of this thread in nanoseconds; 0 when it is not known.
func current() uintptr {
	n, _, failed := syscall.RawSyscall(syscall.SYS_PRCTL, getTimerSlack, 0, 0)
	if failed != 0 {
		return 0
	}
	return n
}
