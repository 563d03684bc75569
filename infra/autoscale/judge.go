package autoscale

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// view is what a decision works with: the input, judged.
type view struct {
	in            *Input
	known         bool    // the writer's load is
	whole         bool    // and that of the readers, and how far they are behind
	load          float64 // vCPU in use; 0 when unknown
	writer        float64 // of it on the writer
	readers       float64 // and on all readers
	writerUse     float64 // share of the writer's present capacity
	use           float64 // the highest share of anything that can run out, 0 to 1
	pressure      string  // why that is too high; empty when it is not
	class         string  // of the writer
	spent         bool    // burstable instances have too few credits left to count for more than their baseline
	forecast      bool    // the forecast is fresh
	ahead         float64 // vCPU expected of events that are on or begin within the lead time
	further       float64 // the same within an hour more
	unbroken      float64 // the same until no exam or import is on any more: as long as one is, no class is changed
	anything      bool    // an event is on or begins within the lead time
	on, near      string  // an exam or import that is on; one that is on or begins within the lead time
	exact, counts int     // the rung that the cluster has, or -1; the highest that it has at least, or -1
	asleep        bool    // every zone is
}

// judge reads the observations. The memory must be a remembered one.
func judge(in *Input, m *Memory) *view {
	s := &in.Settings
	v := &view{in: in}
	age := in.Now.Sub(in.ForecastAt)
	v.forecast = !in.ForecastAt.IsZero() && age <= forecastStale && age >= -tooNew
	v.exact, v.counts = present(s, &in.Observed)
	v.asleep = asleep(s, m, in.Now)
	v.spent = v.creditsKnown() && in.Observed.Credits.Value < s.CreditsLeft
	for i := range in.Observed.Instances {
		if one := &in.Observed.Instances[i]; one.Writer {
			v.class = one.Class
		}
	}
	v.measure()
	if v.forecast {
		v.foresee(m)
	}
	return v
}

// remembered is the memory without times that cannot be: a clock that was wrong once must not stop the autoscaler.
func remembered(in *Input) Memory {
	m := in.Memory
	for _, at := range []*time.Time{&m.LastAction, &m.LastUp} {
		if at.After(in.Now) {
			*at = in.Now
		}
	}
	if m.Measured.After(in.Now.Add(tooNew)) {
		m.Measured = time.Time{}
	}
	if m.QuietSince.After(in.Now) || in.Now.Sub(m.Measured) > 2*in.Settings.Stale {
		m.QuietSince = time.Time{} // nobody looked for a while: that is not quiet
	}
	return m
}

// fresh reports whether a reading says something of now. NaN and what is below zero say nothing.
func (v *view) fresh(r Reading) bool {
	age := v.in.Now.Sub(r.At)
	return !r.At.IsZero() && age <= v.in.Settings.Stale && age >= -tooNew && r.Value >= 0 && !math.IsInf(r.Value, 1)
}

// creditsStale is after how long CPU credits say nothing: CloudWatch tells them every five minutes, and late.
const creditsStale = 15 * time.Minute

// creditsKnown reports whether the credits were read lately. They may be below zero: borrowed ones.
func (v *view) creditsKnown() bool {
	r := v.in.Observed.Credits
	age := v.in.Now.Sub(r.At)
	return !r.At.IsZero() && age <= creditsStale && age >= -tooNew && !math.IsNaN(r.Value) && !math.IsInf(r.Value, 0)
}

// measure takes the load, and every sign that something runs out.
func (v *view) measure() {
	o := &v.in.Observed
	writer, each, n, ok := v.atPresent()
	if !ok || !v.fresh(o.WriterCPU) {
		return
	}
	v.known = true
	v.writerUse = min(o.WriterCPU.Value, 1)
	v.writer = v.writerUse * writer
	v.sign(v.writerUse, "the writer is at %.0f %%", 100*v.writerUse)
	v.whole = n == 0 || v.fresh(o.ReaderCPU) && v.fresh(o.ReplicaLag)
	if n > 0 && v.fresh(o.ReaderCPU) {
		use := min(o.ReaderCPU.Value, 1)
		v.readers = use * each * float64(n)
		v.sign(use, "a reader is at %.0f %%", 100*use)
	}
	v.load = v.writer + v.readers
	if v.fresh(o.Connections) {
		use := min(o.Connections.Value, 1)
		v.sign(use, "%.0f %% of the connections are in use", 100*use)
	}
	high := v.in.Settings.HighUse
	if v.fresh(o.Queue) && o.Queue.Value >= queueLimit {
		v.sign(high, "%.0f transactions wait in the API", o.Queue.Value)
	}
	if v.fresh(o.Borrow) && o.Borrow.Value >= borrowLimit {
		v.sign(high, "borrowing a connection takes %.0f ms", 1000*o.Borrow.Value)
	}
}

// atPresent is the vCPU that the writer has now, the least that a reader has, and the number of readers that answer: reads
// are spread evenly, so that the smallest reader is the busiest. It is not known of Serverless whose present capacity is not.
func (v *view) atPresent() (writer, reader float64, readers int, known bool) {
	s, o := &v.in.Settings, &v.in.Observed
	known = true
	for i := range o.Instances {
		in := &o.Instances[i]
		have := s.vcpu(in.Class, o)
		if in.Class == Serverless {
			acu := o.ACU
			if !in.Writer && v.fresh(o.ReaderACU) {
				acu = o.ReaderACU
			}
			if v.fresh(acu) {
				have = max(have, acu.Value*VCPUPerACU)
			} else if in.Writer {
				known = false
			}
		}
		if in.Writer {
			writer = have
		} else if in.Status == available {
			if readers == 0 || have < reader {
				reader = have
			}
			readers++
		}
	}
	return writer, reader, readers, known && writer > 0
}

// sign notes a share as use, and its words as the pressure when it is too high and the highest yet.
func (v *view) sign(share float64, format string, value float64) {
	if share >= v.in.Settings.HighUse && (v.pressure == "" || share > v.use) {
		v.pressure = fmt.Sprintf(format, value)
	}
	v.use = max(v.use, share)
}

// foresee looks at what is known to come.
func (v *view) foresee(m *Memory) {
	s, now := &v.in.Settings, v.in.Now
	lead := now.Add(s.LeadTime)
	v.ahead = peak(s, m, v.in.Events, now, lead)
	v.further, v.unbroken = v.ahead, v.ahead
	if until := lead.Add(undoneWithin); more(v.in.Events, now, lead, until) {
		v.further = peak(s, m, v.in.Events, now, until)
	}
	if until := unbroken(v.in.Events, now, lead); v.class != Serverless && more(v.in.Events, now, lead, until) {
		v.unbroken = peak(s, m, v.in.Events, now, until)
	}
	for i := range v.in.Events {
		e := &v.in.Events[i]
		if !concerns(e, now, lead) {
			continue
		}
		v.anything = true
		if e.Kind == "live" {
			continue
		}
		if v.near == "" {
			v.near = describe(e)
		}
		if v.on == "" && !e.Start.After(now) {
			v.on = describe(e)
		}
	}
}

// longEvent is the length from which a window is homework: its learners come when they like, so that it is no event that
// the cluster must be made larger for. What they cost is learned as usual load.
const longEvent = 12 * time.Hour

// concerns reports whether an event is on at some time from now until another.
func concerns(e *Event, now, until time.Time) bool {
	return e.End.After(now) && !e.Start.After(until) && e.Start.Before(e.End) && e.End.Sub(e.Start) <= longEvent
}

// more reports whether an event concerns a longer time that does not concern a shorter one: without, both have the same peak.
func more(events []Event, now, shorter, longer time.Time) bool {
	return slices.ContainsFunc(events, func(e Event) bool { return e.Start.After(shorter) && concerns(&e, now, longer) })
}

// unbroken is the end of the exams and imports that follow one another without a pause from now or the lead time on, within a day.
func unbroken(events []Event, now, until time.Time) time.Time {
	most := now.Add(classWithin)
	for grown := true; grown; {
		grown = false
		for i := range events {
			e := &events[i]
			if e.Kind != "live" && e.End.After(until) && concerns(e, now, until) {
				until, grown = e.End, true
			}
		}
	}
	if until.After(most) {
		return most
	}
	return until
}

// peak is the highest vCPU that events cost together at any time from now until another. One that begins as another ends
// overlaps with it: the last submit while the first press 'start'.
func peak(s *Settings, m *Memory, events []Event, now, until time.Time) float64 {
	type change struct {
		at   time.Time
		cost float64
	}
	var changes []change
	for i := range events {
		e := &events[i]
		if !concerns(e, now, until) {
			continue
		}
		if c := expected(s, m, e); c > 0 {
			if changes == nil {
				changes = make([]change, 0, 2*(len(events)-i))
			}
			changes = append(changes, change{e.Start, c}, change{e.End, -c})
		}
	}
	slices.SortFunc(changes, func(a, b change) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		if a.cost > b.cost { // beginnings first
			return -1
		} else if a.cost < b.cost {
			return 1
		}
		return 0
	})
	var sum, highest float64
	for _, c := range changes {
		sum += c.cost
		highest = max(highest, sum)
	}
	return highest
}

func describe(e *Event) string {
	return fmt.Sprintf("%s of %s (%d learners, %s to %s)", e.Kind, e.Tenant, e.Learners,
		e.Start.UTC().Format("15:04"), e.End.UTC().Format("15:04 MST"))
}
