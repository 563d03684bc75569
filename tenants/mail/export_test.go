package mail

import (
	"testing"
	"time"
)

// Impatient lets the mail server take less time, while a test runs.
func Impatient(t *testing.T, answer time.Duration) {
	before := patience
	patience = answer
	t.Cleanup(func() { patience = before })
}

// Rested forgets that the mail server could not be reached a moment ago.
func (p *Post) Rested() { p.away = time.Time{} }
