package autoscale

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	_ "lignum/tests/tenth"
)

// someTime is any minute of a year, and often one near a change of The Bahamas' clocks.
func someTime(t *rapid.T) time.Time {
	return rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 525599), func(m int) time.Time { return time.Date(2027, 1, 1, 0, m, 0, 0, time.UTC) }),
		rapid.Map(rapid.IntRange(0, 2879), func(m int) time.Time { return time.Date(2027, 3, 13, 12, m, 0, 0, time.UTC) }),
		rapid.Map(rapid.IntRange(0, 2879), func(m int) time.Time { return time.Date(2027, 11, 6, 12, m, 0, 0, time.UTC) }),
	).Draw(t, "now")
}

// Whatever load, clocks, failures, holds, hands and repeated, lost or late calls do, what call checks holds.
func TestNothingMakesADecisionUnsafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, someTime(t))
		w.thorough, w.load = true, w.s.capacity(len(w.s.Rungs)-1)*rapid.Float64Range(0, 0.3).Draw(t, "first load")
		most := w.s.capacity(len(w.s.Rungs) - 1)
		ending := rapid.IntRange(0, endings-1)
		zone := rapid.Map(rapid.IntRange(0, len(w.s.Nights)-1), func(i int) string { return w.s.Nights[i].Zone })
		t.Repeat(map[string]func(*rapid.T){
			"watch": func(t *rapid.T) { w.pass(1); w.call(Decide, ending.Draw(t, "ending")) },
			"watch on": func(t *rapid.T) {
				for range rapid.IntRange(5, 60).Draw(t, "minutes") {
					w.pass(1)
					w.call(Decide, fine)
				}
			},
			"watch again, the same minute": func(t *rapid.T) { w.call(Decide, ending.Draw(t, "ending")) },
			"lost calls":                   func(t *rapid.T) { w.pass(rapid.IntRange(2, 600).Draw(t, "minutes")) },
			"night": func(t *rapid.T) {
				z := zone.Draw(t, "zone")
				w.call(func(in Input) Decision { return Night(in, z) }, ending.Draw(t, "ending"))
			},
			"all sleep": func(t *rapid.T) {
				for _, n := range w.s.Nights {
					w.call(func(in Input) Decision { return Night(in, n.Zone) }, fine)
				}
			},
			"morning": func(t *rapid.T) {
				z := zone.Draw(t, "zone")
				w.call(func(in Input) Decision { return Morning(in, z) }, ending.Draw(t, "ending"))
			},
			"load": func(t *rapid.T) {
				w.load, w.readShare = most*rapid.Float64Range(0, 1.2).Draw(t, "load"), rapid.Float64Range(0, 1).Draw(t, "reads")
			},
			"no load": func(*rapid.T) { w.load = 0 },
			"credits": func(t *rapid.T) {
				w.credits = Reading{rapid.Float64Range(-900, 900).Draw(t, "credits"), w.now.Add(time.Duration(rapid.IntRange(-30, 5).Draw(t, "read")) * time.Minute)}
			},
			"metrics":  func(t *rapid.T) { w.silent = rapid.Bool().Draw(t, "silent") },
			"forecast": func(t *rapid.T) { w.blind = rapid.Bool().Draw(t, "blind") },
			"hold": func(t *rapid.T) {
				w.memory.Hold = Hold{w.now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "held")) * time.Minute), "operator", "drill"}
			},
			"by hand": w.byHand,
			"event": func(t *rapid.T) {
				start := w.now.Add(time.Duration(rapid.IntRange(-60, 240).Draw(t, "in")) * time.Minute)
				kind := rapid.SampledFrom([]string{"exam", "live", "import"}).Draw(t, "kind")
				w.events = append(slices.Clone(w.events), Event{"jamaica", kind, fmt.Sprint(len(w.events)), start,
					start.Add(90 * time.Minute), rapid.IntRange(0, 50000).Draw(t, "learners")})
			},
		})
	})
}

// byHand is somebody who changes the cluster in the console.
func (w *world) byHand(t *rapid.T) {
	if len(w.changes) > 0 {
		return
	}
	w.o.Instances = slices.Clone(w.o.Instances)
	one := &w.o.Instances[rapid.IntRange(0, len(w.o.Instances)-1).Draw(t, "instance")]
	switch rapid.IntRange(0, 3).Draw(t, "hand") {
	case 0:
		w.o.MinACU, w.o.MaxACU = rapid.Float64Range(0.5, 20).Draw(t, "acu"), 64
	case 1:
		one.Class = rapid.SampledFrom([]string{Serverless, "db.r8g.large", "db.r7g.4xlarge", "db.t4g.medium"}).Draw(t, "class")
		w.o.MinACU, w.o.MaxACU = max(w.o.MinACU, 0.5), max(w.o.MaxACU, 16)
	case 2:
		if len(w.o.Instances) < 5 {
			id := fmt.Sprintf("c-%s-%d", rapid.SampledFrom([]string{"reader", "theirs"}).Draw(t, "whose"), 3+len(w.o.Instances))
			if w.o.find(id) < 0 {
				w.o.Instances = append(w.o.Instances, Instance{id, one.Class, available, false, w.now})
			}
		}
	case 3:
		if !one.Writer {
			id := one.ID
			w.o.Instances = slices.DeleteFunc(w.o.Instances, func(in Instance) bool { return in.ID == id })
		}
	}
}

// From any cluster the steps reach any rung, never lose what it has when they have once gained it, and come to an end.
func TestTheStepsReachEveryRung(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, someTime(t))
		for range rapid.IntRange(0, 8).Draw(t, "hands") {
			w.byHand(t)
		}
		rung := rapid.IntRange(0, len(w.s.Rungs)-1).Draw(t, "rung")
		r, o, covered := &w.s.Rungs[rung], w.o, false
		for n := 0; ; n++ {
			now := r.covered(&w.s, &o)
			if covered && !now {
				t.Fatalf("the cluster had the rung and has lost it: %+v", o)
			}
			covered = now
			a := step(&w.s, r, &o)
			if a.Kind == "" {
				break
			}
			if n > 30 {
				t.Fatalf("30 steps do not reach %+v: %s in %+v", *r, words(a), o)
			}
			o = after(o, a)
		}
		if writer := slices.IndexFunc(o.Instances, func(in Instance) bool { return in.Writer }); !covered || o.Instances[writer].Class != r.Class {
			t.Fatalf("no step is left to %+v in %+v", *r, o)
		}
	})
}

// A steady load settles, however it is divided: what was taken away is not added again.
func TestASteadyLoadSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, someTime(t))
		w.become(rapid.IntRange(0, len(w.s.Rungs)-1).Draw(t, "from"))
		w.load = w.s.capacity(len(w.s.Rungs)-1) * rapid.Float64Range(0, 0.4).Draw(t, "load")
		w.readShare = rapid.Float64Range(0, 1).Draw(t, "reads")
		for range 8 * 60 {
			w.pass(1)
			w.call(Decide, fine)
		}
		for i, up := range w.turns {
			if up && i > 0 && !w.turns[i-1] {
				t.Fatalf("under a steady load of %.2f vCPU it went down and up again: %v", w.load, w.turns)
			}
		}
	})
}

// By a quarter of an hour after the first zone's morning the day's floor is back, although the morning's function never
// runs, no metric arrives any more, and a third of the calls is lost.
func TestTheMorningComesByItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.SampledFrom([]int{5, 73, 310, 200}).Draw(t, "day") // 14 March and 6 November 2027 change The Bahamas' clocks
		w := newWorld(t, time.Date(2027, 1, 1+day, 5, 0, 0, 0, time.UTC))
		w.minutes = min(w.minutes, 4)
		for _, n := range w.s.Nights {
			if d := w.call(func(in Input) Decision { return Night(in, n.Zone) }, fine); d.Memory.Night[n.Zone].IsZero() {
				t.Fatalf("%s does not sleep: %v", n.Zone, d.Reasons)
			}
		}
		for w.pass(1); !w.day(&w.memory); w.pass(1) {
			w.call(Decide, fine)
		}
		if w.has(w.o) != 0 {
			t.Fatalf("the cluster never slept: %+v", w.o)
		}
		first := w.now
		w.silent, w.blind = rapid.Bool().Draw(t, "silent"), rapid.Bool().Draw(t, "blind")
		for ; w.now.Before(first.Add(14 * time.Minute)); w.pass(1) {
			if rapid.IntRange(0, 2).Draw(t, "lost") > 0 || w.now.Equal(first.Add(3*time.Minute)) {
				w.call(Decide, fine)
			}
		}
		if _, has := present(&w.s, &w.o); has < w.s.DayFloor {
			t.Fatalf("at %s: %+v", w.now, w.o)
		}
	})
}

// An exam that is known for its lead time finds its capacity, or the ceiling, when it begins; without metrics too.
func TestAKnownExamFindsItsCapacity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, someTime(t))
		start := w.now.Add(w.s.LeadTime + time.Duration(rapid.IntRange(0, 90).Draw(t, "further"))*time.Minute)
		e := Event{"jamaica", "exam", "1", start, start.Add(90 * time.Minute), rapid.IntRange(1, 60000).Draw(t, "learners")}
		w.events, w.silent = []Event{e}, rapid.Bool().Draw(t, "silent")
		if rapid.Bool().Draw(t, "asleep") {
			w.become(0)
			for _, n := range w.s.Nights {
				w.memory.Night = map[string]time.Time{n.Zone: w.now.Add(5 * time.Hour)}
			}
		}
		for refusals := 2; !w.now.After(start); w.pass(1) {
			how := fine
			if refusals > 0 {
				if how = rapid.IntRange(0, endings-1).Draw(t, "ending"); how == diedBefore {
					how = refused // whoever dies so loses a quarter of an hour
				}
				refusals--
			}
			w.call(Decide, how)
		}
		need := min(expected(&w.s, &w.memory, &e)/w.s.TargetUse, w.s.capacity(len(w.s.Rungs)-1))
		if has := w.has(w.o); has < 0 || w.s.capacity(has) < need*0.999 {
			t.Fatalf("%d learners begin, %.2f vCPU are wanted and rung %d is there", e.Learners, need, has)
		}
	})
}
