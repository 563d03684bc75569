package load

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tally counts what came back. It is safe for concurrent use; read it when all is over.
type Tally struct {
	mu       sync.Mutex
	Requests int                        // that were answered with success
	Refused  map[int]int                // by status: 429 over a quota, 503 asked to come back; 0: no answer, or not as it should be
	Waited   map[string][]time.Duration // of those answered with success, by kind, from when each was due
	Took     time.Duration              // from the first that was due to the last answer
	first    string                     // the first that went wrong
}

// NewTally is empty.
func NewTally() *Tally { return &Tally{Refused: map[int]int{}, Waited: map[string][]time.Duration{}} }

// Note counts one request that was due at a time and has ended now.
func (t *Tally) Note(kind string, due time.Time, err error) {
	waited := time.Since(due)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.Refused[statusOf(err)]++
		if t.first == "" {
			t.first = err.Error()
		}
		return
	}
	t.Requests++
	t.Waited[kind] = append(t.Waited[kind], waited)
}

// Failed is how many were not answered with success.
func (t *Tally) Failed() (n int) {
	for _, k := range t.Refused {
		n += k
	}
	return n
}

// Err tells how many went wrong, by status, and what the first one said; nil when none did. Statuses in allowed are no error.
func (t *Tally) Err(allowed ...int) error {
	var list []string
	for _, status := range slices.Sorted(maps.Keys(t.Refused)) {
		if !slices.Contains(allowed, status) {
			list = append(list, fmt.Sprintf("%d with status %d", t.Refused[status], status))
		}
	}
	if list == nil {
		return nil
	}
	return fmt.Errorf("of %d requests went wrong %s; the first: %s", t.Requests+t.Failed(), strings.Join(list, ", "), t.first)
}

// PerSecond is how many were answered with success in a second.
func (t *Tally) PerSecond() float64 { return float64(t.Requests) / max(t.Took.Seconds(), 1e-9) }

// All returns every waiting, or those of some kinds.
func (t *Tally) All(kinds ...string) (all []time.Duration) {
	for kind, list := range t.Waited {
		if len(kinds) == 0 || slices.Contains(kinds, kind) {
			all = append(all, list...)
		}
	}
	return all
}

// Percentile returns the waiting in milliseconds that a share p of them, 0 to 1, did not exceed; 0 for none.
func Percentile(waited []time.Duration, p float64) float64 {
	if len(waited) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(waited))
	return float64(s[min(len(s)-1, int(float64(len(s))*p))]) / float64(time.Millisecond)
}
