package autoscale

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"
)

// world is a cluster that obeys as Aurora does: a change shows after a while and takes minutes, some are refused, and
// metrics may be missing.
type world struct {
	t         *rapid.T
	s         Settings
	now       time.Time
	o         Observed
	changes   []change
	minutes   int // that a change takes
	memory    Memory
	events    []Event
	load      float64
	readShare float64 // of the load, whatever the settings suppose
	credits   Reading // of burstable instances; the zero At: not known
	silent    bool    // no metrics
	blind     bool    // no forecast
	thorough  bool    // every decision is made twice and compared
	turns     []bool  // of the actions that began: true is towards a larger rung
}

// change is an action that Aurora has accepted: it shows at one minute and is done at another.
type change struct {
	Action
	shows, done time.Time
}

var ladders = []string{"small", "country", "region", "provisioned", "mixed"}

func ladder(t interface{ Fatal(...any) }, name string) Settings {
	size := name
	if name == "provisioned" || name == "mixed" {
		size = "country"
	}
	s, err := DefaultSettings(size)
	if err != nil {
		t.Fatal(err)
	}
	if name != size {
		s.TargetUse, s.Reserve = 0.35, 0
	}
	large := func(readers int) Rung { return provisioned("db.r8g.large", readers, 2) }
	xlarge := func(readers int) Rung { return provisioned("db.r8g.xlarge", readers, 4) }
	switch name {
	case "provisioned":
		s.ReadShare = 0.6
		s.Rungs, s.LeadTime = []Rung{large(0), large(1), xlarge(1), xlarge(2), provisioned("db.r8g.2xlarge", 2, 8)}, 2*time.Hour
	case "mixed":
		s.ReadShare = 0.6
		s.Rungs, s.LeadTime = []Rung{serverless(0, 0.5, 16), serverless(1, 1, 16), serverless(1, 4, 16), large(1), xlarge(1), xlarge(2)}, 2*time.Hour
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t *rapid.T, at time.Time) *world {
	w := &world{t: t, s: ladder(t, rapid.SampledFrom(ladders).Draw(t, "ladder")), now: at}
	w.minutes = rapid.IntRange(1, 8).Draw(t, "minutes of a change")
	w.readShare = w.s.ReadShare
	w.o = Observed{Cluster: "c", Status: available}
	w.become(w.s.DayFloor)
	return w
}

// become makes the cluster have a rung at once; the readers are the autoscaler's own.
func (w *world) become(rung int) {
	r := w.s.Rungs[rung]
	w.o.MinACU, w.o.MaxACU, w.changes = r.MinACU, r.MaxACU, nil
	w.o.Instances = []Instance{{"c-one", r.Class, available, true, w.now.AddDate(0, -1, 0)}}
	for i := range r.Readers {
		w.o.Instances = append(w.o.Instances, Instance{fmt.Sprintf("c-reader-%d", i+1), r.Class, available, false, w.now.AddDate(0, -1, 0)})
	}
}

// pass lets minutes go by, in which changes come nearer to their end.
func (w *world) pass(minutes int) {
	w.now = w.now.Add(time.Duration(minutes) * time.Minute)
	w.changes = slices.DeleteFunc(w.changes, func(c change) bool {
		if !w.now.Before(c.shows) {
			w.o = during(w.o, c.Action)
		}
		if !w.now.Before(c.done) {
			w.o = after(w.o, c.Action)
		}
		return !w.now.Before(c.done)
	})
}

// during is what a cluster looks like while an action goes on.
func during(o Observed, a Action) Observed {
	o.Instances = slices.Clone(o.Instances)
	i := o.find(a.Instance)
	switch {
	case a.Kind == SetRange:
		o.Status = "modifying"
	case a.Kind == FailOver:
		o.Status = "failing-over"
	case a.Kind == AddReader && i < 0:
		o.Instances = append(o.Instances, Instance{ID: a.Instance, Class: a.Class, Status: "creating"})
	case a.Kind == ResizeReader && i >= 0:
		o.Instances[i].Status = "modifying"
	case a.Kind == RemoveReader && i >= 0:
		o.Instances[i].Status = "deleting"
	}
	return o
}

// after is what it looks like when the action is done.
func after(o Observed, a Action) Observed {
	o.Status, o.Instances = available, slices.Clone(o.Instances)
	i := o.find(a.Instance)
	switch {
	case a.Kind == SetRange:
		o.MinACU, o.MaxACU = a.MinACU, a.MaxACU
	case a.Kind == AddReader && i < 0:
		o.Instances = append(o.Instances, Instance{ID: a.Instance, Class: a.Class, Status: available})
	case i < 0:
	case a.Kind == RemoveReader:
		o.Instances = slices.Delete(o.Instances, i, i+1)
	case a.Kind == FailOver:
		for j := range o.Instances {
			o.Instances[j].Writer = j == i
		}
	default:
		o.Instances[i].Class, o.Instances[i].Status = a.Class, available
		if a.Class == "" {
			o.Instances[i].Class = Serverless
		}
	}
	return o
}

func (o *Observed) find(id string) int {
	return slices.IndexFunc(o.Instances, func(in Instance) bool { return in.ID == id })
}

// obey begins an action as Aurora would, after as many minutes as it takes to show.
func (w *world) obey(a Action, shows int) {
	i := w.o.find(a.Instance)
	switch a.Kind {
	case AddReader:
		if i >= 0 {
			w.t.Fatalf("%s is there already", a.Instance)
		}
	case RemoveReader, ResizeReader, FailOver:
		if i < 0 || w.o.Instances[i].Writer {
			w.t.Fatalf("%s of %s, which is no reader", a.Kind, a.Instance)
		}
	}
	at := w.now.Add(time.Duration(shows) * time.Minute)
	w.changes = append(w.changes, change{a, at, at.Add(time.Duration(w.minutes) * time.Minute)})
	w.pass(0)
}

func (w *world) input() Input {
	in := Input{Now: w.now, Observed: w.o, Memory: w.memory, Settings: w.s, Events: w.events, ForecastAt: w.now.Add(-time.Minute)}
	if w.blind {
		in.Events, in.ForecastAt = nil, time.Time{}
	}
	if w.silent {
		return in
	}
	at, o := w.now.Add(-time.Minute), &in.Observed
	writer, reader, readers := w.load, 0.0, 0
	class := ""
	for _, one := range o.Instances {
		if one.Writer {
			class = one.Class
		} else if one.Status == available {
			readers++
		}
	}
	if readers > 0 {
		writer, reader = w.load*(1-w.readShare), w.load*w.readShare/float64(readers)
	}
	// Serverless grows by itself up to its maximum, so that it is less than 70 % busy.
	acu := min(max(o.MinACU, max(writer, reader)/VCPUPerACU/0.7), max(o.MaxACU, o.MinACU))
	size := func(class string) float64 {
		if class == Serverless {
			return acu * VCPUPerACU
		}
		return w.s.vcpu(class, o)
	}
	if class == Serverless {
		o.ACU = Reading{acu, at}
	}
	o.WriterCPU = Reading{min(1, writer/size(class)), at}
	for _, one := range o.Instances {
		if !one.Writer && one.Status == available {
			o.ReaderCPU = Reading{max(o.ReaderCPU.Value, min(1, reader/size(one.Class))), at}
			o.ReaderACU, o.ReplicaLag = Reading{acu, at}, Reading{0.02, at}
		}
	}
	o.Connections = Reading{0.1, at}
	o.Credits = w.credits
	return in
}

// How a call may end.
const (
	fine       = iota
	refused        // RDS does not take the action, and the handler says so in the memory
	diedBefore     // the call dies after it has saved its memory and before it acts
	diedAfter      // it acts, and dies before its memory is saved
	overtaken      // its lock has gone to another: the store refuses the memory, and it does not act
	showsLate      // Aurora shows the change a minute later
	endings    = 6 // how many there are
)

// call makes one decision with fn, checks what holds for every one, and obeys.
func (w *world) call(fn func(Input) Decision, ending int) Decision {
	in := w.input()
	before := ""
	if w.thorough {
		before = encoded(in)
	}
	d := fn(in)
	if w.thorough {
		if now := encoded(in); now != before {
			w.t.Fatalf("the input was changed:\n%s\n%s", before, now)
		}
		again := fn(in)
		if a, b := encoded(d, d.Memory), encoded(again, again.Memory); a != b {
			w.t.Fatalf("the same input, another decision:\n%s\n%s", a, b)
		}
	}
	w.check(&in, &d)
	if ending == overtaken {
		return d
	}
	if ending != diedAfter {
		w.memory = d.Memory
	}
	if d.Action.Kind == "" {
		return d
	}
	_, had := present(&w.s, &in.Observed)
	w.turns = append(w.turns, d.Rung > had)
	switch ending {
	case refused:
		w.memory.Pending = nil
	case diedBefore:
	case showsLate:
		w.obey(d.Action, 1)
	default:
		w.obey(d.Action, 0)
	}
	return d
}

func encoded(of ...any) string {
	out, err := json.Marshal(of)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// day tells, by the clocks on the walls and the words of the night function, whether the day's floor holds.
func (w *world) day(m *Memory) bool {
	for _, n := range w.s.Nights {
		loc, err := time.LoadLocation(n.Zone)
		if err != nil {
			w.t.Fatal(err)
		}
		clock := w.now.In(loc).Format("15:04")
		if !w.now.Before(m.Night[n.Zone]) || clock >= n.Until && clock < n.From {
			return true
		}
	}
	return false
}

// has is the highest rung that a cluster is at least, every instance counted.
func (w *world) has(o Observed) int {
	o.Instances = slices.Clone(o.Instances)
	for i := range o.Instances {
		o.Instances[i].Status = available
	}
	_, counts := present(&w.s, &o)
	return counts
}

// check is what holds for every decision.
func (w *world) check(in *Input, d *Decision) {
	a := d.Action
	if len(d.Reasons) == 0 || d.Rung < 0 || d.Rung >= len(w.s.Rungs) {
		w.t.Fatalf("rung %d, reasons %v", d.Rung, d.Reasons)
	}
	for kind, learned := range d.Memory.PerLearner {
		if learned < 0.1*w.s.PerLearner[kind]*0.999 {
			w.t.Fatalf("a learner of %s is learned to cost %g", kind, learned)
		}
	}
	if a.Kind == "" {
		return
	}
	fail := func(what string) { w.t.Fatalf("%s %+v: %q\n%+v", what, a, d.Reasons, in.Observed) }
	if w.now.Before(in.Memory.Hold.Until) {
		fail("under a hold")
	}
	if in.Observed.Status != available || slices.ContainsFunc(in.Observed.Instances, func(i Instance) bool { return i.Status != available }) {
		fail("while a change goes on")
	}
	if p := in.Memory.Pending; p != nil && w.now.Sub(p.Begun) < 15*time.Minute && !settled(p, &in.Observed, w.now) {
		fail("while an action is pending")
	}
	w.checkBounds(in, d, fail)
	w.checkTaking(in, d, fail)
}

// checkBounds: never below the floor, never above the ceiling, nothing of the template's removed.
func (w *world) checkBounds(in *Input, d *Decision, fail func(string)) {
	a, then := d.Action, after(in.Observed, d.Action)
	floor, top := 0, w.s.Rungs[len(w.s.Rungs)-1]
	if w.day(&d.Memory) {
		floor = w.s.DayFloor
	}
	if had, has := w.has(in.Observed), w.has(then); has < floor && has < had {
		fail("below the floor:")
	}
	if a.Kind == SetRange && !slices.ContainsFunc(w.s.Rungs, func(r Rung) bool { return r.MinACU == a.MinACU && r.MaxACU == a.MaxACU }) {
		fail("a range of no rung:")
	}
	if a.Kind == AddReader && len(then.Instances)-1 > max(top.Readers, 1) {
		fail("above the ceiling:")
	}
	if (a.Kind == AddReader || a.Kind == ResizeReader) && !slices.ContainsFunc(w.s.Rungs, func(r Rung) bool { return r.Class == a.Class }) {
		fail("a class of no rung:")
	}
	if a.Kind == RemoveReader && in.Observed.Instances[in.Observed.find(a.Instance)].ID[:len("c-reader-")] != "c-reader-" {
		fail("the template's own:")
	}
}

// checkTaking: nothing is taken away in a hurry, in the dark, or before something that is known to come.
func (w *world) checkTaking(in *Input, d *Decision, fail func(string)) {
	had, has := w.has(in.Observed), w.has(after(in.Observed, d.Action))
	if in.Observed.WriterCPU.At.IsZero() {
		coming := slices.ContainsFunc(in.Events, func(e Event) bool {
			return e.End.After(w.now) && !e.Start.After(w.now.Add(w.s.LeadTime))
		})
		if had >= w.s.DayFloor && !coming {
			fail("without metrics:")
		}
	}
	if d.Action.Kind != RemoveReader && has >= had {
		return
	}
	if w.silent || w.blind {
		fail("without metrics or forecast:")
	}
	if w.now.Sub(in.Memory.LastAction) < w.s.DownCoolDown {
		fail("too soon:")
	}
	for _, e := range in.Events {
		if e.Kind != "live" && e.End.After(w.now) && !e.Start.After(w.now.Add(w.s.LeadTime)) {
			fail("before or during " + e.Kind)
		}
	}
	if had-has > 1 && d.Now >= 0 {
		fail("more than one rung down:")
	}
}
