//go:build !race

package simulate

const (
	goalDays   = 365
	goalSaving = 0.6
)
