package autoscale

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Capacity is the load, in vCPU, that the rung holds when readShare of it may go to readers: what does not may take no
// more than the writer, what does no more than the readers together.
func (r Rung) Capacity(readShare float64) float64 {
	if r.Readers == 0 || readShare <= 0 {
		return r.VCPU
	}
	return math.Min(r.VCPU/(1-readShare), float64(r.Readers)*r.VCPU/readShare)
}

// lasting is what one instance does for ever: a burstable one spends credits on more.
func (r Rung) lasting() float64 {
	if r.Baseline > 0 {
		return r.VCPU * r.Baseline
	}
	return r.VCPU
}

// sustained is the load, in vCPU, that the rung holds for ever.
func (r Rung) sustained(readShare float64) float64 {
	r.VCPU = r.lasting()
	return r.Capacity(readShare)
}

// capacity is that of the rung with an index.
func (s *Settings) capacity(rung int) float64 { return s.Rungs[rung].Capacity(s.ReadShare) }

// holding is the lowest rung from floor on that holds a need, and an expected load for as long as it lasts; the ceiling when
// none does.
func (v *view) holding(need, load float64, floor int) int {
	s := &v.in.Settings
	for i := floor; i < len(s.Rungs); i++ {
		if s.capacity(i) >= need && v.lasts(i, load) {
			return i
		}
	}
	return len(s.Rungs) - 1
}

// lasts reports whether a rung holds a load for more than minutes: within its baseline, or with credits that are saved up.
// Instances of another class would begin with none, as RDS gives none at launch. Credits that are not known count as saved:
// RDS lets a burstable instance borrow, so that to be wrong costs money, and a class changed in the dark costs a pause.
func (v *view) lasts(rung int, load float64) bool {
	s := &v.in.Settings
	r := &s.Rungs[rung]
	return r.Baseline == 0 || load <= r.sustained(s.ReadShare) || v.class == r.Class && !v.spent
}

// present is the rung that the cluster has, to which no step is left, or -1 when it is between two; and the highest rung that it has at least, or -1
// when it has less than the smallest.
func present(s *Settings, o *Observed) (exact, counts int) {
	exact, counts = -1, -1
	for i := range s.Rungs {
		r := &s.Rungs[i]
		if r.covered(s, o) {
			counts = i
		}
		if step(s, r, o).Kind == "" {
			exact = i
		}
	}
	return exact, counts
}

// observedCapacity is the load, in vCPU, that the instances hold which answer.
func observedCapacity(s *Settings, o *Observed) float64 {
	var writer, readers float64
	for i := range o.Instances {
		if in := &o.Instances[i]; in.Writer {
			writer = s.vcpu(in.Class, o)
		} else if in.Status == available {
			readers += s.vcpu(in.Class, o)
		}
	}
	if readers == 0 || s.ReadShare <= 0 {
		return writer
	}
	return math.Min(writer/(1-s.ReadShare), readers/s.ReadShare)
}

// processors are those of the instances that answer: of the writer, and of all readers together. Of a Serverless instance they are
// what its present capacity is, which is more than the least that it may have while it is busy.
func processors(s *Settings, o *Observed, now time.Time) (writer, readers float64) {
	of := func(in *Instance, acu Reading) float64 {
		cores := s.vcpu(in.Class, o)
		if strings.HasPrefix(in.Class, burstableClass) {
			cores /= burstableSpeed // as many as others, but slower
		}
		if in.Class == Serverless && !acu.At.IsZero() && now.Sub(acu.At) <= s.Stale && acu.Value <= o.MaxACU {
			cores = math.Max(cores, acu.Value*VCPUPerACU)
		}
		return cores
	}
	for i := range o.Instances {
		switch in := &o.Instances[i]; {
		case in.Writer:
			writer = of(in, o.ACU)
		case in.Status == available:
			readers += of(in, o.ReaderACU)
		}
	}
	return writer, readers
}

// covered reports whether the cluster has a writer and readers that answer, each at least as large as the rung's. The sum of
// their capacity is not enough: a large reader does not make a small writer larger.
func (r *Rung) covered(s *Settings, o *Observed) bool {
	readers, writer := 0, false
	for i := range o.Instances {
		in := &o.Instances[i]
		switch {
		case s.small(in.Class, r, o):
		case in.Writer:
			writer = true
		case in.Status == available:
			readers++
		}
	}
	return writer && readers >= r.Readers
}

// vcpu is what one instance of a class does, ready at once. The size of a class that is on no rung, because somebody has
// changed the cluster by hand, is told from its name: it must not pass for nothing, or the cluster would be made smaller.
func (s *Settings) vcpu(class string, o *Observed) float64 {
	if class == Serverless {
		return o.MinACU * VCPUPerACU
	}
	for i := range s.Rungs {
		if s.Rungs[i].Class == class {
			return s.Rungs[i].VCPU
		}
	}
	if strings.HasPrefix(class, burstableClass) {
		return 2 * burstableSpeed
	}
	size := class[strings.LastIndexByte(class, '.')+1:]
	if size == "xlarge" {
		return 4
	}
	if times, ok := strings.CutSuffix(size, "xlarge"); ok {
		if n, err := strconv.Atoi(times); err == nil && n > 0 {
			return 4 * float64(n)
		}
	}
	return 2 // large
}

// small reports whether an instance of a class is too small for a rung: it does less at once, or for ever.
func (s *Settings) small(class string, r *Rung, o *Observed) bool {
	return s.vcpu(class, o) < r.VCPU || s.lasting(class, o) < r.lasting()
}

// lasting is what one instance of a class does for ever. Of a burstable class that is on no rung the smallest baseline is taken.
func (s *Settings) lasting(class string, o *Observed) float64 {
	for i := range s.Rungs {
		if s.Rungs[i].Class == class && class != Serverless {
			return s.Rungs[i].lasting()
		}
	}
	if strings.HasPrefix(class, burstableClass) {
		return 0.2 * s.vcpu(class, o)
	}
	return s.vcpu(class, o)
}

func (s *Settings) name(rung int) string {
	return fmt.Sprintf("rung %d (%s)", rung, s.Rungs[rung].Name)
}

// floor is the lowest rung that the time of day allows.
func (v *view) floor() int {
	if v.asleep && !v.anything {
		return 0
	}
	return v.in.Settings.DayFloor
}

// wanted is the capacity for an expected load: by day with room for what nobody announced, by night, when few are there to
// be surprised, with less.
func (v *view) wanted(load float64) float64 {
	s := &v.in.Settings
	if v.floor() < s.DayFloor {
		return load / max(s.TargetUse, s.HighUse*comeBack)
	}
	return max(load/s.TargetUse, (load+s.Reserve)/s.HighUse)
}

// expect is the load to be ready for: what is on now and grows, or what is usual with what is known to come.
func (v *view) expect(m *Memory, events float64) float64 {
	return max(v.load+max(0, v.load-m.Trend), m.usual(v.in.Now)+events)
}

// target is the rung to have, and the need that asks for it.
func (v *view) target(m *Memory, say func(string, ...any)) (rung int, need float64) {
	s := &v.in.Settings
	floor := v.floor()
	if !v.forecast {
		say("the forecast could not be read: events to come are not known")
	}
	if !v.known {
		say("the load is not known")
		if v.ahead == 0 {
			return max(v.counts, floor), 0
		}
		load := m.usual(v.in.Now) + v.ahead
		need = v.wanted(load)
		say("usual %.2f vCPU, events %.2f: %.2f vCPU wanted", m.usual(v.in.Now), v.ahead, need)
		return max(v.counts, v.holding(need, load, floor)), need
	}
	load := v.expect(m, v.ahead)
	need = v.wanted(load)
	rung = v.holding(need, load, floor)
	if v.spent {
		say("an instance has %.0f CPU credits: burstable ones count with their baseline alone", v.in.Observed.Credits.Value)
	}
	say("load %.2f vCPU, usual %.2f, events %.2f: %.2f vCPU wanted, which %s holds", v.load, m.usual(v.in.Now), v.ahead, need, s.name(rung))
	if later := v.expect(m, v.unbroken); later > load {
		if r := v.holding(v.wanted(later), later, floor); r > rung {
			rung, need = r, v.wanted(later)
			say("%.2f vCPU while exams follow one another without a pause: %s is made ready before them", v.unbroken, s.name(r))
		}
	}
	if s.capacity(rung) < need {
		say("no more than %.2f: it is the ceiling", s.capacity(rung))
	}
	if v.pressure != "" {
		rung = max(rung, v.pressed(say))
	}
	return v.lower(rung), need
}

// lower is the next rung down when less is wanted than there is, one at a time; whether it may be left is asked for the step.
// A rung that differs only by readers which cannot be removed is no step.
func (v *view) lower(wanted int) int {
	for rung := v.counts - 1; rung > wanted; rung-- {
		if step(&v.in.Settings, &v.in.Settings.Rungs[rung], &v.in.Observed).Kind != "" {
			return rung
		}
	}
	return wanted
}

// pressed is the rung that pressure asks for: one more, or two when the load may be larger than the cluster lets it be.
func (v *view) pressed(say func(string, ...any)) int {
	more, top := 1, len(v.in.Settings.Rungs)-1
	if v.use >= clippedUse {
		more = 2
	}
	if more = min(more, top-v.counts); more <= 0 {
		say("%s, and the cluster is at its ceiling", v.pressure)
		return top
	}
	say("%s: at least %d more", v.pressure, more)
	return v.counts + more
}
