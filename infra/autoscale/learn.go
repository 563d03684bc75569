package autoscale

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// How fast the memory follows what is seen: of the difference to the profile, a minute above it teaches a part of 0.3, a
// minute below it one of 0.002, so that an hour of the week forgets an eighth in a week. An event that was dearer than
// thought teaches 0.5 of the difference, one that was cheaper 0.2: too little is worse than too much.
const (
	learnUp      = 0.3
	learnDown    = 0.002
	learnDearer  = 0.5
	learnCheaper = 0.2
	trendShare   = 0.2
	trendGap     = 10 * time.Minute // after a longer time without readings the trend begins anew
)

// What an event can teach: one that is lost in the usual load, or in the other events, teaches noise. The last also bounds
// Memory.Running to a hundred entries.
const (
	leastLoad  = 0.1  // vCPU that counts as usual at least
	ofTheUsual = 0.25 // events must be expected to cost this part of the usual load, or are taken for a part of it
	ofTheSum   = 0.01 // of what all events cost that are on
)

// Bounds of what a learner is learned to cost, as shares of the setting: no exam that nobody came to makes the next one free.
const (
	leastCost = 0.1
	mostCost  = 20
)

// hourOfWeek is 0 for Monday, 0:00 to 0:59 UTC.
func hourOfWeek(at time.Time) int {
	at = at.UTC()
	return (int(at.Weekday())+6)%7*24 + at.Hour()
}

// usual is the highest load that this hour of the week and the next have usually.
func (m *Memory) usual(now time.Time) float64 {
	return max(m.Profile[hourOfWeek(now)], m.Profile[hourOfWeek(now.Add(time.Hour))])
}

// usualWithin is the highest load that the hours from now until another time have usually, a week's at most.
func (m *Memory) usualWithin(now time.Time, d time.Duration) float64 {
	highest := 0.0
	for at := now; !at.After(now.Add(min(d, 7*24*time.Hour))); at = at.Add(time.Hour) {
		highest = max(highest, m.Profile[hourOfWeek(at)])
	}
	return highest
}

// cost is the vCPU that a learner takes at the peak of an event of a kind.
func cost(s *Settings, m *Memory, kind string) float64 {
	if learned, ok := m.PerLearner[kind]; ok {
		return bounded(s, kind, learned)
	}
	return s.PerLearner[kind]
}

func bounded(s *Settings, kind string, learned float64) float64 {
	return min(max(learned, leastCost*s.PerLearner[kind]), mostCost*s.PerLearner[kind])
}

func expected(s *Settings, m *Memory, e *Event) float64 {
	return float64(max(e.Learners, 0)) * cost(s, m, e.Kind)
}

// learn takes a reading of the whole load into the memory, once: as this hour's usual, or, while something is on, as what
// that cost. Without a forecast nobody can tell which.
func (v *view) learn(m *Memory) {
	at := v.in.Observed.WriterCPU.At
	if !v.whole || !at.After(m.Measured) {
		return
	}
	if at.Sub(m.Measured) > trendGap {
		m.Trend = v.load
	}
	m.Measured = at
	m.Trend += trendShare * (v.load - m.Trend)
	if !v.forecast {
		return
	}
	usual := &m.Profile[hourOfWeek(v.in.Now)]
	on := 0.0
	for i := range v.in.Events {
		if e := &v.in.Events[i]; concerns(e, v.in.Now, v.in.Now) {
			on += expected(&v.in.Settings, m, e)
		}
	}
	if on < ofTheUsual*max(*usual, leastLoad) {
		part, rest := learnDown, max(0, v.load-on)
		if rest > *usual {
			part = learnUp
		}
		*usual += part * (rest - *usual)
		v.watchEvents(m, *usual, 0)
		return
	}
	v.watchEvents(m, *usual, on)
}

// watchEvents notes the highest cost a learner that the events which are on have shown, and learns from those that are over.
// All that is above the usual load is theirs, each event's share as large as expected. Nothing is on when the sum is 0.
func (v *view) watchEvents(m *Memory, usual, sum float64) {
	if sum == 0 && len(m.Running) == 0 {
		return
	}
	s := &v.in.Settings
	running := map[string]float64{}
	for i := range v.in.Events {
		e := &v.in.Events[i]
		if sum == 0 || !concerns(e, v.in.Now, v.in.Now) || expected(s, m, e) < ofTheSum*sum || e.Learners <= 0 {
			continue
		}
		key := e.Kind + "|" + e.Tenant + "|" + e.ID
		seen := max(0, v.load-usual) / sum * cost(s, m, e.Kind)
		if v.use >= clippedUse {
			seen = max(seen, cost(s, m, e.Kind)) // it may have been more than could be seen
		}
		running[key] = max(m.Running[key], seen)
	}
	after := *m
	after.PerLearner, after.Running = maps.Clone(m.PerLearner), running
	if after.PerLearner == nil {
		after.PerLearner = map[string]float64{}
	}
	for _, key := range slices.Sorted(maps.Keys(m.Running)) { // in order: several may end at once
		if _, still := running[key]; still {
			continue
		}
		kind, _, _ := strings.Cut(key, "|")
		after.PerLearner[kind] = bounded(s, kind, taught(cost(s, &after, kind), m.Running[key]))
	}
	*m = after
}

func taught(old, seen float64) float64 {
	if seen > old {
		return old + learnDearer*(seen-old)
	}
	return old + learnCheaper*(seen-old)
}
