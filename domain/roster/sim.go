package roster

import (
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/tenants/limits"
)

// simulation is what a dry run would have written so far, so that a class is found whose school stands in an earlier file.
type simulation struct {
	schools  map[string]*people.SourcedSchool
	terms    map[string]*calendar.Term
	users    map[string]*people.SourcedUser
	classes  map[string]*classes.SourcedClass
	places   map[classes.Seat]*classes.SourcedPlace
	placesAs map[string]*classes.SourcedPlace
	ties     map[people.Tie]bool
	names    *people.UserNames
	used     map[limits.Kind]int64
}

func newSimulation() *simulation {
	return &simulation{map[string]*people.SourcedSchool{}, map[string]*calendar.Term{}, map[string]*people.SourcedUser{}, map[string]*classes.SourcedClass{},
		map[classes.Seat]*classes.SourcedPlace{}, map[string]*classes.SourcedPlace{}, map[people.Tie]bool{}, people.NewUserNames(), map[limits.Kind]int64{}}
}

// use notes what a chunk would have taken of quotas.
func (sim *simulation) use(quotas limits.Counts) {
	for kind, n := range quotas.Changed() {
		sim.used[kind] += n
	}
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

// column returns one column of many rows, without the empty cells.
func column(rows []record, name string) []string {
	out := make([]string, 0, len(rows))
	for _, r := range rows {
		if v := r.get(name); v != "" {
			out = append(out, v)
		}
	}
	return out
}
