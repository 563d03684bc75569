//go:build race

package simulate

// The race detector makes a whole year take more than a minute: the first half alone, which has most of the exams and the
// highest minute, and few seeds. make test-cloud runs all of it without.
const (
	goalDays  = 181
	goalSeeds = 2
)
