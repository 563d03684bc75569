package people

import (
	"github.com/google/uuid"

	"lignum/domain"
)

// simulation is what a dry run would have written so far, so that a class is found whose school stands in an earlier file.
type simulation struct {
	schools    map[string]*rosterSchool
	terms      map[string]*rosterTerm
	users      map[string]*rosterUser
	classes    map[string]*rosterClass
	enrolments map[[2]uuid.UUID]*rosterEnrolment
	enrolledAs map[string]*rosterEnrolment
	ties       map[[2]uuid.UUID]bool
	names      *userNames
	used       map[string]int64
}

func newSimulation() *simulation {
	return &simulation{map[string]*rosterSchool{}, map[string]*rosterTerm{}, map[string]*rosterUser{}, map[string]*rosterClass{},
		map[[2]uuid.UUID]*rosterEnrolment{}, map[string]*rosterEnrolment{}, map[[2]uuid.UUID]bool{}, &userNames{map[string]bool{}, map[string]int64{}}, map[string]int64{}}
}

// overlay puts what was simulated over what was read. It does nothing when nothing was simulated.
func overlay[K comparable, V any](read, simulated map[K]V, keys []K) {
	for _, k := range keys {
		if v, ok := simulated[k]; ok {
			read[k] = v
		}
	}
}

// keep remembers what a chunk has planned.
func keep[K comparable, V any](simulated, planned map[K]V) {
	for k, v := range planned {
		simulated[k] = v
	}
}

// jsonRows is how many rows travel as one parameter: jsonb_to_recordset reads them.
func jsonRows[T any](rows []T) string {
	raw, err := domain.JSON(rows)
	if err != nil {
		panic(err) // plain structs of text, numbers and ids
	}
	return string(raw)
}

// column gives one column of many rows, without the empty cells.
func column(rows []rosterRow, name string) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		if v := r.get(name); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// seatCount is a quota inside one chunk: its row is locked, so the room is exact.
type seatCount struct {
	used, limit, before int64
}

func (c *seatCount) take() bool {
	if c.used >= c.limit {
		return false
	}
	c.used++
	return true
}

func (c *seatCount) free() { c.used = max(0, c.used-1) }
