package simulate

import (
	"math"
	"strings"
	"testing"
	"time"

	"lignum/infra/autoscale"
)

// flat is a load that is the same in every minute.
func flat(minutes int, writer, reader float64) *Load {
	l := &Load{Countries: 1, Minutes: minutes, HotSetGiB: 0.1}
	for range minutes {
		l.Writer, l.WriterBurst = append(l.Writer, writer), append(l.WriterBurst, writer)
		l.Reader, l.ReaderBurst = append(l.Reader, reader), append(l.ReaderBurst, reader)
		l.Requests = append(l.Requests, 60)
	}
	return l
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %.12g, by hand %.12g", what, got, want)
	}
}

func TestCostByHand(t *testing.T) {
	a := Default()
	// Two db.r8g.large for a day: 2 x 24 x 0.276.
	near(t, "provisioned", replay(a, flat(1440, 0.1, 0.1), shape{Class: 0, Readers: 1}, nobody{}).Cost, 13.248)
	// One instance fixed at 2 ACU for an hour: 2 x 0.12.
	near(t, "fixed", replay(a, flat(60, 0.1, 0.1), shape{Class: serverlessIndex, MinACU: 2, MaxACU: 2}, nobody{}).Cost, 0.24)
	// 0.5 ACU under 1 vCPU grows by 1 ACU, then by 1, then by half of what it has: 0.5, 1.5, 2.5, 3.75, the limit 4.
	// Paid is the mean of each minute: (1 + 2 + 3.125 + 3.875) x 0.12 / 60.
	near(t, "growing", replay(a, flat(4, 1, 0), shape{Class: serverlessIndex, MinACU: 0.5, MaxACU: 4}, nobody{}).Cost, 10.0*0.12/60)
}

func TestReaderComesLateAndIsPaidFor(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: 0}, 0.1)
	if err := c.do(autoscale.Action{Kind: autoscale.AddReader, Instance: "lignum-reader-1", Class: "db.r8g.large"}); err != nil {
		t.Fatal(err)
	}
	for m := 1; m <= a.AddReaderMinutes+1; m++ {
		out := c.minute(0.1, 0.1, 0.1, 0.1, 60)
		near(t, "cost", out.cost, 2*0.276/60)
		if there, due := out.capacity > 2, m >= a.AddReaderMinutes; there != due {
			t.Errorf("minute %d: the reader answers: %v", m, there)
		}
	}
}

func TestFailoverMakesWritesWaitOnce(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: 0, Readers: 1}, 0.1)
	c.minute(0.1, 0.1, 0.1, 0.1, 60)
	old, reader := c.members[0].id, c.members[1].id
	if err := c.do(autoscale.Action{Kind: autoscale.FailOver, Instance: reader}); err != nil {
		t.Fatal(err)
	}
	if p := c.minute(0.1, 0.1, 0.1, 0.1, 60).p99; p < 15_000 {
		t.Errorf("p99 of the failover's minute is %.0f ms", p)
	}
	if p := c.minute(0.1, 0.1, 0.1, 0.1, 60).p99; p > a.ObjectiveMs {
		t.Errorf("p99 of the minute after it is %.0f ms", p)
	}
	if err := c.do(autoscale.Action{Kind: autoscale.ResizeReader, Instance: old, Class: "db.r8g.xlarge"}); err != nil {
		t.Fatalf("the old writer is a reader now: %v", err)
	}
	away := 0
	for range 20 {
		if c.minute(0.1, 0.1, 0.1, 0.1, 60).capacity == 2 {
			away++
		}
	}
	if away != a.ResizeMinutes-1 || c.members[c.find(old)].class != 1 {
		t.Errorf("the reader was away in %d minutes, its class is %d", away, c.members[c.find(old)].class)
	}
}

func TestRangeIsSetAtOnceAndReachedSlowly(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: serverlessIndex, MinACU: 0.5, MaxACU: 4}, 0.1)
	if err := c.do(autoscale.Action{Kind: autoscale.SetRange, MinACU: 8, MaxACU: 32}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []float64{1.5, 2.5, 3.75, 5.625, 8, 8} {
		c.minute(0, 0, 0, 0, 0)
		near(t, "ACU", c.members[0].acu, want)
	}
	if err := c.do(autoscale.Action{Kind: autoscale.SetRange, MinACU: 0.5, MaxACU: 2}); err != nil {
		t.Fatal(err)
	}
	c.minute(0, 0, 0, 0, 0)
	near(t, "ACU after the range fell", c.members[0].acu, 7.5)
}

func TestShrinkingLeavesTheCacheCold(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: serverlessIndex, MinACU: 0.5, MaxACU: 8}, 2)
	for range 60 {
		c.minute(1, 0, 1, 0, 60)
	}
	warm := c.minute(0.5, 0, 0.5, 0, 60).p99
	for range 60 {
		c.minute(0, 0, 0, 0, 0)
	}
	c.members[0].acu = 8
	if cold := c.minute(0.5, 0, 0.5, 0, 60).p99; cold < warm+0.5*a.ColdMs {
		t.Errorf("after a night at 0.5 ACU p99 is %.0f ms, warm it was %.0f", cold, warm)
	}
}

func TestBacklogIsNotLost(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: 0}, 0.1)
	out := c.minute(3, 0, 3, 0, 60)
	if !out.short || out.p99 < 30_000 {
		t.Errorf("3.02 vCPU of work in 2: short %v, p99 %.0f ms; by hand 61.2 vCPU-seconds wait, 30.6 s", out.short, out.p99)
	}
	near(t, "backlog", c.waitingW, 1.02*60)
	c.minute(0.98, 0, 0.98, 0, 60)
	near(t, "backlog after a minute with 1 vCPU to spare", c.waitingW, 1.2)
}

func TestWhatRDSRefuses(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: 0, Readers: 1}, 0.1)
	writer := c.members[0].id
	for _, act := range []autoscale.Action{
		{Kind: autoscale.FailOver, Instance: writer}, {Kind: autoscale.RemoveReader, Instance: "nobody"},
		{Kind: autoscale.ResizeReader, Instance: c.members[1].id, Class: "db.none"},
		{Kind: autoscale.SetRange, MinACU: 4, MaxACU: 2}, {Kind: "dance", Instance: c.members[1].id},
	} {
		if err := c.do(act); err == nil {
			t.Errorf("%+v is done", act)
		}
	}
	if err := c.do(autoscale.Action{Kind: autoscale.AddReader, Instance: "lignum-reader-9", Class: "db.none"}); err == nil || !strings.Contains(err.Error(), "db.none") {
		t.Errorf("a class without a price: %v", err)
	}
}

// With one processor M/M/c is M/M/1, whose waiting time is known: ln(100 rho) / (mu (1 - rho)).
func TestWaitingByHand(t *testing.T) {
	near(t, "M/M/1 at half use", waiting(0.5, 1, 1), math.Log(50)/0.5)
	near(t, "half the processor, twice as long", waiting(0.25, 0.5, 1), 2*math.Log(50)/0.5)
	last := -1.0
	for use := 0.0; use < 4; use += 0.01 {
		w := waiting(use, 4, 0.65)
		if w < last {
			t.Fatalf("waiting falls at %.2f vCPU", use)
		}
		last = w
	}
}

func TestTheLoopAllocatesNothing(t *testing.T) {
	a := Default()
	c := newCluster(&a, shape{Class: serverlessIndex, Readers: 2, MinACU: 0.5, MaxACU: 64}, 0.5)
	if n := testing.AllocsPerRun(1000, func() { c.minute(0.1, 0.2, 0.2, 0.3, 100) }); n != 0 {
		t.Errorf("a minute allocates %g times", n)
	}
}

// pair is two db.t4g.medium, without a reader or with.
func pair(a Assumptions, readers int) shape {
	return shape{Class: a.class("db.t4g.medium"), Readers: readers}
}

// A db.t4g.medium earns 24 CPU credits an hour and keeps 576; RDS gives it none at launch.
func TestCreditsByHand(t *testing.T) {
	a := Default()
	a.BackgroundVCPU = 0
	c := newCluster(&a, pair(a, 0), 0.1)
	m := &c.members[0]
	near(t, "at launch", m.credits, 0)
	for range 60 {
		c.minute(0, 0, 0, 0, 0)
	}
	near(t, "after an hour of nothing", m.credits, 24)
	for range 24 * 60 {
		c.minute(0, 0, 0, 0, 0)
	}
	near(t, "after a day and an hour", m.credits, 576)
	c.minute(0.6, 0, 0.6, 0, 0) // half of 1.2: one vCPU for a minute, of which 0.4 are earned
	near(t, "after a minute of one vCPU", m.credits, 576-0.6)
}

// In unlimited mode nobody is slowed down: 576 credits are borrowed, what is above is charged for at 0.09 a vCPU-hour, and
// what is still owed when the instance goes too.
func TestBorrowedCreditsArePaidFor(t *testing.T) {
	a := Default()
	a.BackgroundVCPU = 0
	load := flat(10*60, 1.2, 0) // all of it for ten hours: 2 - 0.4 vCPU above the baseline
	r := replay(a, load, pair(a, 0), nobody{})
	near(t, "ten hours of all", r.Cost, 10*0.073+10*1.6*0.09)
	if r.BelowNeed > 0 || r.WorstP99 > 250 {
		t.Errorf("it is slowed down: %d minutes short, p99 %.0f ms", r.BelowNeed, r.WorstP99)
	}
	load = flat(5*60, 1.2, 0) // 480 vCPU-minutes, which may be borrowed
	near(t, "five hours of all, then the end", replay(a, load, pair(a, 0), nobody{}).Cost, 5*0.073+5*1.6*0.09)
	for range 20 * 60 {
		load.Writer, load.Reader, load.Requests = append(load.Writer, 0), append(load.Reader, 0), append(load.Requests, 0)
		load.WriterBurst, load.ReaderBurst = append(load.WriterBurst, 0), append(load.ReaderBurst, 0)
	}
	load.Minutes += 20 * 60 // 480 are earned in 20 hours
	near(t, "and a day's rest", replay(a, load, pair(a, 0), nobody{}).Cost, 25*0.073)

	c := newCluster(&a, pair(a, 1), 0.1)
	for range 60 {
		c.minute(0, 1.2, 0, 1.2, 60)
	}
	if err := c.do(autoscale.Action{Kind: autoscale.ResizeReader, Instance: c.members[1].id, Class: "db.r8g.large"}); err != nil {
		t.Fatal(err)
	}
	c.minute(0, 0, 0, 0, 0)
	near(t, "changing the class pays what is owed", c.minute(0, 0, 0, 0, 0).cost+c.owed, (0.073+0.276)/60)
}

// In standard mode it is slowed down to its baseline, 0.2 of 1.2, when its credits are gone.
func TestStandardModeSlowsDown(t *testing.T) {
	a := Default()
	a.CreditMode, a.BackgroundVCPU = Standard, 0
	c := newCluster(&a, pair(a, 0), 0.1)
	near(t, "without credits", c.minute(0.1, 0, 0.1, 0, 60).capacity, 0.24)
	c = newCluster(&a, pair(a, 0), 0.1)
	c.members[0].credits = 160 // a hundred minutes at 2 - 0.4
	for m := range 110 {
		out := c.minute(1.2, 0, 1.2, 0, 60)
		if slow := out.capacity < 1.1; slow != (m >= 100) {
			t.Fatalf("minute %d: %.2f vCPU", m, out.capacity)
		}
	}
	if c.owed != 0 || c.members[0].credits < 0 {
		t.Errorf("credits are borrowed: %g, USD %g", c.members[0].credits, c.owed)
	}
}

// The autoscaler sees the fewest credits of any instance, of the last fifth minute that CloudWatch has.
func TestCreditsAreSeenEveryFiveMinutes(t *testing.T) {
	a := Default()
	a.Days = 1
	load := mustLoad(t, a, 3)
	s, err := ladder(a, load)
	if err != nil {
		t.Fatal(err)
	}
	o, err := newAutoscaler(a, load, s)
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(&a, o.start(), load.HotSetGiB)
	var has []float64
	for m := range 30 {
		seen := o.input(load.Start.Add(time.Duration(m)*time.Minute), c).Observed.Credits
		if m >= 2 { // one minute late
			of := (m - 2) / 5 * 5
			near(t, "credits", seen.Value, has[of])
			if want := load.Start.Add(time.Duration(of+1) * time.Minute); !seen.At.Equal(want) {
				t.Errorf("in minute %d those of %s, wanted %s", m, seen.At, want)
			}
		}
		c.minute(0.3, 0.05, 0.3, 0.05, 60) // the writer has the fewest
		has = append(has, c.members[0].credits)
	}
	if has[29] >= 0 {
		t.Errorf("%g credits: the writer has borrowed none", has[29])
	}
}
