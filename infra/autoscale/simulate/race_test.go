//go:build race

package simulate

// The race detector makes a whole year take more than a minute: the first half alone, which has most of the exams, so ours
// costs more in it than over the year.
const (
	goalDays   = 181
	goalSaving = 0.55
)
