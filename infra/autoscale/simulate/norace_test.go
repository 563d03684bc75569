//go:build !race

package simulate

const (
	goalDays  = 365
	goalSeeds = 20
)
