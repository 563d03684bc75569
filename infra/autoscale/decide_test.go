package autoscale

import (
	"math"
	"strings"
	"testing"
	"time"
)

// noon is a Wednesday's, by the clocks of Jamaica.
var noon = time.Date(2027, 5, 12, 17, 0, 0, 0, time.UTC)

// situation is an input that a test changes: at noon, all readings fresh and low, the forecast known and empty, the last
// change long ago, and a ladder whose rungs hold 1, 2, 4, 8 (provisioned) and 16 vCPU.
func situation() Input {
	s := Settings{
		Rungs: []Rung{
			{"tiny", Serverless, 0, 4, 64, 1, 0}, {"small", Serverless, 1, 4, 64, 1, 0}, {"middle", Serverless, 1, 8, 64, 2, 0},
			{"xlarge", "db.r8g.xlarge", 1, 0, 0, 4, 0}, {"2xlarge", "db.r8g.2xlarge", 1, 0, 0, 8, 0},
		},
		DayFloor: 1, TargetUse: 0.5, HighUse: 0.75, ReadShare: 0.5,
		LeadTime: 30 * time.Minute, UpCoolDown: 3 * time.Minute, DownCoolDown: 15 * time.Minute, Stale: 5 * time.Minute,
		Nights:     []NightHours{{"America/Jamaica", "23:00", "05:30"}},
		PerLearner: map[string]float64{"exam": 0.001, "live": 0.0005, "import": 0.0001},
	}
	in := Input{Now: noon, Settings: s, ForecastAt: noon.Add(-time.Minute)}
	in.Memory.LastAction, in.Memory.QuietSince, in.Memory.Measured = noon.Add(-time.Hour), noon.Add(-time.Hour), noon.Add(-2*time.Minute)
	in.have(1)
	in.busy(0.1)
	return in
}

// have makes the cluster have a rung; its first reader is the template's, the others the autoscaler's own.
func (in *Input) have(rung int) {
	r := in.Settings.Rungs[rung]
	in.Observed = Observed{Cluster: "c", Status: available, MinACU: r.MinACU, MaxACU: r.MaxACU,
		Instances: []Instance{{ID: "c-one", Class: r.Class, Status: available, Writer: true}}}
	if r.Readers > 0 {
		in.Observed.Instances = append(in.Observed.Instances, Instance{ID: "c-reader-1", Class: r.Class, Status: available})
	}
	in.Memory.QuietRung = max(rung-1, 0)
	in.busy(0.1)
}

// busy gives the writer and the reader a share of what they have.
func (in *Input) busy(share float64) {
	at := in.Now.Add(-time.Minute)
	o := &in.Observed
	o.WriterCPU, o.ReaderCPU, o.ReplicaLag, o.Connections = Reading{share, at}, Reading{share, at}, Reading{0.02, at}, Reading{0.1, at}
	if o.ACU = (Reading{}); o.MinACU > 0 {
		o.ACU = Reading{o.MinACU, at}
	}
	in.Memory.Trend = in.Settings.vcpu(o.Instances[0].Class, o) * share * float64(len(o.Instances))
}

// asleep makes it three in the morning, and the zone sleep.
func (in *Input) asleep() {
	in.Now = time.Date(2027, 5, 13, 8, 0, 0, 0, time.UTC)
	in.ForecastAt = in.Now.Add(-time.Minute)
	in.Memory.LastAction, in.Memory.QuietSince, in.Memory.Measured = in.Now.Add(-time.Hour), in.Now.Add(-time.Hour), in.Now.Add(-2*time.Minute)
	in.Memory.Night = map[string]time.Time{"America/Jamaica": in.Now.Add(150 * time.Minute)}
}

// exam is one that begins after some minutes and lasts two hours.
func (in *Input) exam(minutes, learners int) {
	start := in.Now.Add(time.Duration(minutes) * time.Minute)
	in.Events = append(in.Events, Event{"jamaica", "exam", "1", start, start.Add(2 * time.Hour), learners})
}

func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		given  func(*Input)
		does   string // the action's kind and instance; empty for none
		rung   int
		reason string // a piece of one
	}{
		"little load on the day's floor": {func(in *Input) {}, "", 1, "rung 1 (small) holds"},
		"more load than the rung holds with room": {func(in *Input) { in.busy(0.6) }, "set_range", 2,
			"load 1.20 vCPU, usual 0.36, events 0.00: 2.40 vCPU wanted, which rung 2 (middle) holds"},
		"the load grows": {func(in *Input) { in.busy(0.45); in.Memory.Trend = 0.2 }, "set_range", 2, "2.92 vCPU wanted"},
		"the writer alone is busy": {func(in *Input) { in.busy(0.1); in.Observed.WriterCPU.Value = 0.8 }, "set_range", 2,
			"the writer is at 80 %: at least 1 more"},
		"a load that capacity clips": {func(in *Input) { in.busy(0.1); in.Observed.WriterCPU.Value = 0.93 }, "resize_reader c-reader-1", 3,
			"the writer is at 93 %: at least 2 more"},
		"connections run out": {func(in *Input) { in.Observed.Connections.Value = 0.8 }, "set_range", 2, "80 % of the connections are in use"},
		"transactions wait":   {func(in *Input) { in.Observed.Queue = Reading{12, in.Now} }, "set_range", 2, "12 transactions wait in the API"},
		"the proxy is slow":   {func(in *Input) { in.Observed.Borrow = Reading{0.2, in.Now} }, "set_range", 2, "borrowing a connection takes 200 ms"},
		"everything is busy at the ceiling": {func(in *Input) { in.have(4); in.busy(1) }, "", 4,
			"the writer is at 100 %, and the cluster is at its ceiling"},
		"this hour is usually busy": {func(in *Input) { in.Memory.Profile[hourOfWeek(noon)] = 1.8 }, "set_range", 2, "usual 1.80"},
		"the next hour usually is":  {func(in *Input) { in.Memory.Profile[hourOfWeek(noon)+1] = 1.8 }, "set_range", 2, "usual 1.80"},

		"an exam within the lead time": {func(in *Input) { in.exam(29, 1500) }, "set_range", 2,
			"exam of jamaica (1500 learners, 17:29 to 19:29 UTC) is on or near"},
		"an exam later":               {func(in *Input) { in.exam(31, 1500) }, "", 1, "events 0.00"},
		"two exams at once":           {func(in *Input) { in.exam(10, 800); in.exam(20, 800) }, "set_range", 2, "events 1.60"},
		"one exam after another":      {func(in *Input) { in.exam(-119, 800); in.exam(10, 800) }, "", 1, "events 0.80"},
		"an exam of far too many":     {func(in *Input) { in.exam(10, 9_000_000) }, "resize_reader c-reader-1", 4, "it is the ceiling"},
		"an exam with learned costs":  {func(in *Input) { in.exam(10, 1500); in.Memory.PerLearner = map[string]float64{"exam": 0.0002} }, "", 1, "events 0.30"},
		"learned costs of nothing":    {func(in *Input) { in.exam(10, 8000); in.Memory.PerLearner = map[string]float64{"exam": 0} }, "", 1, "events 0.80"},
		"an exam that ends before it": {func(in *Input) { in.exam(10, 9000); in.Events[0].End = in.Events[0].Start }, "", 1, "events 0.00"},
		"a test open for a week":      {func(in *Input) { in.exam(10, 9000); in.Events[0].End = noon.AddDate(0, 0, 7) }, "", 1, "events 0.00"},
		"a forecast of long ago":      {func(in *Input) { in.exam(10, 9000); in.ForecastAt = noon.Add(-3 * time.Hour) }, "", 1, "the forecast could not be read"},
		"a forecast of the future":    {func(in *Input) { in.exam(10, 9000); in.ForecastAt = noon.Add(time.Hour) }, "", 1, "the forecast could not be read"},

		"no metrics":                  {func(in *Input) { in.busy(0.9); in.Observed.WriterCPU = Reading{} }, "", 1, "the load is not known"},
		"old metrics":                 {func(in *Input) { in.busy(0.9); in.Observed.WriterCPU.At = noon.Add(-6 * time.Minute) }, "", 1, "the load is not known"},
		"metrics of the future":       {func(in *Input) { in.busy(0.9); in.Observed.WriterCPU.At = noon.Add(6 * time.Minute) }, "", 1, "the load is not known"},
		"a metric that is no number":  {func(in *Input) { in.busy(0.9); in.Observed.WriterCPU.Value = math.NaN() }, "", 1, "the load is not known"},
		"a metric below zero":         {func(in *Input) { in.Observed.WriterCPU.Value = -1 }, "", 1, "the load is not known"},
		"no capacity of Serverless":   {func(in *Input) { in.busy(0.9); in.Observed.ACU = Reading{} }, "", 1, "the load is not known"},
		"an exam without metrics":     {func(in *Input) { in.Observed.WriterCPU = Reading{}; in.exam(10, 1500) }, "set_range", 2, "the load is not known"},
		"below the floor, no metrics": {func(in *Input) { in.have(0); in.Observed.WriterCPU = Reading{} }, "add_reader c-reader-1", 1, "towards rung 1 (small)"},

		"less would do for long": {func(in *Input) { in.have(2) }, "set_range", 1, "set_range to 4 to 64 ACU towards rung 1 (small)"},
		"less would do, one rung at a time": {func(in *Input) { in.asleep(); in.have(4); in.busy(0.01) }, "resize_reader c-reader-1", 3,
			"resize_reader c-reader-1 (db.r8g.xlarge) towards rung 3 (xlarge)"},
		"a smaller class by day": {func(in *Input) { in.have(4); in.busy(0.01) }, "", 3, "it is done when all zones are asleep"},
		"a smaller class, but no night is set": {func(in *Input) { in.Settings.Nights = nil; in.have(4); in.busy(0.01) }, "resize_reader c-reader-1", 3,
			"towards rung 3 (xlarge)"},
		"a smaller class, but the day will be usual": {func(in *Input) {
			in.asleep()
			in.have(4)
			in.busy(0.01)
			in.Memory.Profile[hourOfWeek(in.Now.Add(12*time.Hour))] = 4
		}, "", 3, "also for what is known to come within 24h0m0s"},
		"a smaller class, but an exam in the evening": {func(in *Input) { in.asleep(); in.have(4); in.busy(0.01); in.exam(15*60, 4000) }, "", 3,
			"also for what is known to come within 24h0m0s"},
		"a smaller class, and an exam in two days": {func(in *Input) { in.asleep(); in.have(4); in.busy(0.01); in.exam(48*60, 4000) }, "resize_reader c-reader-1", 3,
			"towards rung 3 (xlarge)"},
		"less would do since 10 minutes": {func(in *Input) { in.have(2); in.Memory.QuietSince = noon.Add(-10 * time.Minute) }, "", 1,
			"it has been enough for 10m0s only, less than 15m0s"},
		"a rung further down would do since now": {func(in *Input) { in.have(2); in.Memory.QuietRung = 2 }, "", 1, "it has been enough for 0s only"},
		"nobody looked for a while":              {func(in *Input) { in.have(2); in.Memory.Measured = noon.Add(-11 * time.Minute) }, "", 1, "enough for 0s only"},
		"a change 10 minutes ago": {func(in *Input) { in.have(2); in.Memory.LastAction = noon.Add(-10 * time.Minute) }, "", 1,
			"the last change was 10m0s ago, less than 15m0s"},
		"less would do, but without room":        {func(in *Input) { in.have(2); in.busy(0.23) }, "", 1, "would not do with room to spare"},
		"less would do, but the writer is busy":  {func(in *Input) { in.have(2); in.busy(0); in.Observed.WriterCPU.Value = 0.35; in.Memory.Trend = 0.7 }, "", 1, "would not do"},
		"less would do, but an exam comes":       {func(in *Input) { in.have(2); in.exam(29, 10) }, "", 1, "is on or near: nothing is taken away"},
		"less would do, but not within the hour": {func(in *Input) { in.have(2); in.exam(80, 1500) }, "", 1, "also for what is known to come within 1h30m0s"},
		"less would do, but a reader is behind":  {func(in *Input) { in.have(2); in.Observed.ReplicaLag.Value = 4 }, "", 1, "a reader is 4.0 s behind"},
		"less would do, but the lag is unknown":  {func(in *Input) { in.have(2); in.Observed.ReplicaLag = Reading{} }, "", 1, "lag is not known"},
		"less would do, but the forecast fails":  {func(in *Input) { in.have(2); in.ForecastAt = time.Time{} }, "", 1, "the forecast is not known"},
		"less would do, but metrics are missing": {func(in *Input) { in.have(2); in.Observed.WriterCPU = Reading{} }, "", 2, "the load is not known"},

		"a hold": {func(in *Input) { in.busy(0.9); in.Memory.Hold = Hold{noon.Add(time.Hour), "ann", "migration"} }, "", 3,
			"held by ann until 12 May 18:00 UTC (migration): nothing is changed"},
		"a hold that is over":      {func(in *Input) { in.busy(0.6); in.Memory.Hold = Hold{noon, "ann", "migration"} }, "set_range", 2, "set_range"},
		"a cluster in maintenance": {func(in *Input) { in.busy(0.6); in.Observed.Status = "maintenance" }, "", 2, "the cluster is maintenance: one change at a time"},
		"a cluster failing over":   {func(in *Input) { in.busy(0.6); in.Observed.Status = "failing-over" }, "", 2, "the cluster is failing-over"},
		"an instance is modified": {func(in *Input) { in.busy(0.6); in.Observed.Instances[1].Status = "modifying" }, "", 1,
			"c-reader-1 is modifying: one change at a time"},
		"no writer": {func(in *Input) { in.Observed.Instances[0].Writer = false }, "", 1, "the cluster shows 0 writers"},
		"an action that does not show yet": {func(in *Input) {
			in.busy(0.6)
			in.Memory.Pending = &Action{Kind: SetRange, MinACU: 8, MaxACU: 64, Begun: noon.Add(-4 * time.Minute)}
		}, "", 2, "set_range to 8 to 64 ACU, begun at 16:56:00 UTC, has not shown its effect yet"},
		"an action that was lost": {func(in *Input) {
			in.busy(0.6)
			in.Memory.Pending = &Action{Kind: SetRange, MinACU: 8, MaxACU: 64, Begun: noon.Add(-16 * time.Minute)}
		}, "set_range", 2, "towards rung 2"},
		"a change 2 minutes ago": {func(in *Input) { in.busy(0.6); in.Memory.LastAction = noon.Add(-2 * time.Minute) }, "", 2,
			"the last change was 2m0s ago, less than 3m0s"},
		"a change in the future": {func(in *Input) { in.busy(0.6); in.Memory.LastAction = noon.AddDate(1, 0, 0) }, "", 2, "the last change was 0s ago"},

		"to a class: the reader first": {func(in *Input) { in.have(2); in.busy(0.7) }, "resize_reader c-reader-1", 3, "db.r8g.xlarge"},
		"then the writer's place": {func(in *Input) { in.have(2); in.Observed.Instances[1].Class = "db.r8g.xlarge"; in.busy(0.35) },
			"fail_over c-reader-1", 3, "towards rung 3"},
		"then the old writer": {func(in *Input) {
			in.have(3)
			in.Observed.Instances[1].Class, in.Observed.MinACU = Serverless, 8
			in.busy(0.5)
		}, "resize_reader c-reader-1", 3, "towards rung 3"},
		"a large reader of another class takes over": {func(in *Input) {
			in.have(2)
			in.Observed.Instances[1].Class = "db.r7g.4xlarge"
			in.Memory.Profile[hourOfWeek(noon)] = 3.5
		}, "fail_over c-reader-1", 3, "towards rung 3"},
		"a small reader too many is not made larger": {func(in *Input) {
			in.have(3)
			in.Observed.Instances = append(in.Observed.Instances, Instance{ID: "c-reader-2", Class: "db.r8g.large", Status: available})
			in.Memory.QuietRung = 3
			in.busy(0.3)
			in.Memory.Trend = 10
		}, "remove_reader c-reader-2", 3, "remove_reader c-reader-2"},
		"without readers one is added": {func(in *Input) { in.have(0); in.busy(0.8) }, "add_reader c-reader-1", 1, "add_reader c-reader-1 (db.serverless)"},
		"no failover while an exam is on": {func(in *Input) {
			in.have(2)
			in.Observed.Instances[1].Class = "db.r8g.xlarge"
			in.exam(-10, 3000)
		}, "", 3, "is on and the writer copes: no failover"},
		"no reader is resized while an exam is on": {func(in *Input) { in.have(2); in.exam(-10, 3000) }, "", 3, "is on and the writer copes: no reader is resized"},
		"a failover before the exam": {func(in *Input) { in.have(2); in.Observed.Instances[1].Class = "db.r8g.xlarge"; in.exam(10, 3000) },
			"fail_over c-reader-1", 3, "fail_over c-reader-1"},
		"a failover when the writer no longer copes": {func(in *Input) {
			in.have(2)
			in.Observed.Instances[1].Class = "db.r8g.xlarge"
			in.busy(0.2)
			in.Observed.WriterCPU.Value = 0.8
			in.exam(-10, 3000)
		}, "fail_over c-reader-1", 3, "fail_over c-reader-1"},
		"a writer made larger by hand": {func(in *Input) { in.have(1); in.Observed.Instances[0].Class = "db.r7g.16xlarge"; in.busy(0.01) }, "", 1, "fail_over"},
		"a reader added by hand": {func(in *Input) {
			in.Observed.Instances = append(in.Observed.Instances, Instance{ID: "c-reader-7", Class: Serverless, Status: available})
			in.Memory.QuietRung = 1
		}, "remove_reader c-reader-7", 1, "remove_reader c-reader-7"},
		"a reader of the template": {func(in *Input) {
			in.Observed.Instances[1].ID = "c-two"
			in.Observed.Instances = append(in.Observed.Instances, Instance{ID: "c-three", Class: Serverless, Status: available})
		}, "", 1, "rung 1 (small) holds"},
	} {
		t.Run(name, func(t *testing.T) {
			in := situation()
			c.given(&in)
			d := Decide(in)
			does := strings.TrimSpace(d.Action.Kind + " " + d.Action.Instance)
			if does != c.does || d.Rung != c.rung || !strings.Contains(strings.Join(d.Reasons, "\n"), c.reason) {
				t.Errorf("does %q towards rung %d; wanted %q towards %d, because %q:\n%s", does, d.Rung, c.does, c.rung, c.reason, strings.Join(d.Reasons, "\n"))
			}
		})
	}
}

func TestSettingsWithoutRungsDecideNothing(t *testing.T) {
	for _, floor := range []int{-1, 0, 9} {
		in := situation()
		if in.Settings.DayFloor = floor; floor == 0 {
			in.Settings.Rungs = nil
		}
		if d := Decide(in); d.Action.Kind != "" || !strings.Contains(d.Reasons[0], "no day floor") {
			t.Errorf("floor %d: %+v", floor, d)
		}
	}
}
