// Package timerslack lets the threads of this process sleep a little longer than they asked for, so that fewer of them are woken for
// nothing.
//
// One of the threads of Go's runtime (sysmon) looks after the others: every 20 microseconds while there is work, and whenever work
// comes after a moment without any it is woken first. A server that waits for its database is idle for a moment several times a
// request, so that this one thread took a fifth of what an audited write costs the program (127 microseconds in place of 167, measured
// in turn on a virtual machine, where it is dear to put a thread to sleep). Linux adds 50 microseconds to each sleep of its own accord,
// the timer slack (prctl(2), PR_SET_TIMERSLACK), and adds more where it is told to.
//
// The price: a timer may go off so much later, and so may a goroutine give way that computes without a pause, which it does after ten
// milliseconds. Nothing here counts in so few, and the runtime itself lets that thread sleep for ten of them when it has found nothing
// to do for a while.
package timerslack

import "time"

// Allowed is how much longer a thread may sleep.
const Allowed = 5 * time.Millisecond
