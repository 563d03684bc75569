//go:build cloud

package autoscale

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Of two watches at once one acts; the other says why it does not.
func TestTwoWatchesAtOnceActOnce(t *testing.T) {
	w := newCloud(t)
	w.minutes(2, 0.05)
	w.load(0.6)
	inside, release := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	w.net.pause = func(call string) { // the first to come this far waits there until the second is done
		if call == "DescribeDBClusters" && first.CompareAndSwap(false, true) {
			close(inside)
			<-release
		}
	}
	second := w.autoscaler(w.net)
	done := make(chan error)
	go func() { done <- w.a.HandleWatch(w.request("one")) }()
	<-inside
	must(t, second.HandleWatch(w.request("two")))
	if said := w.log.String(); !strings.Contains(said, "the run watch/one/") || !strings.Contains(said, "has the lock") {
		t.Errorf("the loser does not say why: %s", said)
	}
	close(release)
	must(t, <-done)
	w.wantChanges("ModifyDBCluster")
	if n := len(w.entries()); n != 3 {
		t.Errorf("%d decisions: the loser has decided, too", n)
	}
}

func TestManyWatchesAtOnceActOnce(t *testing.T) {
	w := newCloud(t)
	w.minutes(2, 0.05)
	w.load(0.6)
	var all sync.WaitGroup
	for range 6 {
		a := w.autoscaler(w.net)
		all.Go(func() {
			if err := a.HandleWatch(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.wantChanges("ModifyDBCluster")
}

func TestARetryOfARequestActsOnce(t *testing.T) {
	w := newCloud(t)
	w.load(0.6)
	ctx := w.request("the same")
	must(t, w.a.HandleWatch(ctx))
	w.wantChanges("ModifyDBCluster")
	n := len(w.entries())
	w.pass(5 * time.Minute) // beyond every cool-down
	w.load(2)
	must(t, w.a.HandleWatch(ctx))
	w.wantChanges("ModifyDBCluster")
	if len(w.entries()) != n {
		t.Error("the retry has decided again")
	}
	w.watch()
	if n := len(w.net.changes()); n != 2 {
		t.Errorf("%d changes: a new request does not act: %s", n, w.lastEntry())
	}
}

func TestOneMinuteHasOneAction(t *testing.T) {
	w := newCloud(t)
	w.a.Settings.UpCoolDown = 0
	w.load(1.5)
	w.watch()
	w.pass(10 * time.Second) // the schedule delivers twice
	w.watch()
	w.wantChanges("ModifyDBCluster")
	w.pass(time.Minute)
	w.load(1.9)
	w.watch()
	if n := len(w.net.changes()); n != 2 {
		t.Errorf("%d changes in two minutes: %s", n, w.lastEntry())
	}
}

// A run that dies between announcing and acting leaves an announcement; the next takes it up.
func TestACrashBeforeTheActionIsTakenUp(t *testing.T) {
	w := newCloud(t)
	w.load(0.6)
	ctx, die := context.WithCancel(w.request("dies"))
	var announced bool
	w.net.pause = func(call string) {
		if call == "TransactWriteItems" {
			announced = true
		} else if announced {
			die()
		}
	}
	if err := w.a.HandleWatch(ctx); err == nil {
		t.Fatal("a run that died gave no error")
	}
	w.net.pause = nil
	w.wantChanges()
	if e := w.last(); e.Outcome != "" || e.Decision.Action.Kind != SetRange {
		t.Fatalf("what the dead run left: %+v", e)
	}
	w.watch()
	w.wantChanges() // its lock is still there
	w.pass(2 * time.Minute)
	w.load(0.6)
	w.watch()
	w.wantChanges("ModifyDBCluster")
	all := w.entries()
	if got := all[len(all)-2].Outcome; !strings.Contains(got, "no effect was seen") {
		t.Errorf("the dead run's decision ended as %q", got)
	}
}

// The answer of RDS is lost: the call has been accepted, nobody knows. Nothing is done twice.
func TestALostAnswerIsSeenByTheNextRun(t *testing.T) {
	w := newCloud(t)
	w.a.Settings.Rungs = []Rung{serverless(1, 1, maxACU), serverless(2, 1, maxACU)}
	w.a.Settings.Rungs[1].VCPU, w.a.Settings.DayFloor = 0.3, 0
	w.load(0.24)
	w.net.after = func(call string, body []byte) ([]byte, error) {
		if call == "CreateDBInstance" {
			return nil, errors.New("connection reset by peer")
		}
		return body, nil
	}
	if err := w.a.HandleWatch(w.request("lost")); err == nil || !strings.HasPrefix(w.last().Outcome, "not known: ") {
		t.Fatalf("a lost answer: %v, %s", err, w.lastEntry())
	}
	w.net.after = nil
	w.wantShape("1 ACU, 3 instances")
	tries := len(w.net.changes())
	w.pass(2 * time.Minute)
	w.load(0.24)
	must(t, w.a.HandleWatch(w.request("lost"))) // Lambda's retry
	if got := len(w.net.changes()); got != tries {
		t.Errorf("%d more calls", got-tries)
	}
	w.wantShape("1 ACU, 3 instances")
	if first := w.entries()[0]; first.Outcome != "done, as the next run saw" {
		t.Errorf("the first run's decision ended as %q", first.Outcome)
	}
}

// A hold that comes while a run decides stops its action.
func TestAHoldThatComesWhileDecidingIsObeyed(t *testing.T) {
	w := newCloud(t)
	w.load(0.6)
	var once sync.Once
	w.net.pause = func(call string) {
		if call == "GetMetricData" {
			once.Do(func() {
				must(t, w.a.Store.SetHold(t.Context(), Hold{w.now().Add(time.Hour), "Ann", "maintenance"}))
			})
		}
	}
	w.watch()
	w.wantChanges()
	if e := w.last(); !strings.Contains(e.Outcome, "a hold was set") {
		t.Errorf("outcome: %q", e.Outcome)
	}
	w.pass(time.Minute)
	w.minutes(1, 0.6)
	w.wantReason("held by Ann")
}

// A run that was stopped for so long that its lock expired writes nothing over its successor's memory.
func TestALateRunWritesNothing(t *testing.T) {
	for name, vcpu := range map[string]float64{"that would act": 0.6, "that only looks": 0.05} {
		t.Run(name, func(t *testing.T) {
			w := newCloud(t)
			w.load(vcpu)
			second := w.autoscaler(&wire{})
			var once sync.Once
			w.net.pause = func(call string) {
				if call == "GetMetricData" {
					once.Do(func() {
						w.pass(3 * time.Minute)
						w.load(0.05)
						must(t, second.HandleWatch(w.request("successor")))
					})
				}
			}
			must(t, w.a.HandleWatch(w.request("late")))
			w.wantNoChanges()
			if all := w.entries(); len(all) != 1 || all[0].Request != "successor" || all[0].Token != 2 {
				t.Errorf("decisions: %+v", all)
			}
			if !strings.Contains(w.log.String(), ErrLost.Error()) {
				t.Error("the late run does not say that it lost")
			}
		})
	}
}

func TestWhileSomethingIsModifyingNothingElseIsDone(t *testing.T) {
	w := newCloud(t)
	w.minutes(1, 0.6)
	w.wantChanges("ModifyDBCluster")
	w.net.after = func(call string, body []byte) ([]byte, error) {
		if call == "DescribeDBClusters" {
			body = bytes.ReplaceAll(body, []byte("<Status>available</Status>"), []byte("<Status>modifying</Status>"))
		}
		return body, nil
	}
	w.minutes(12, 2)
	w.wantChanges("ModifyDBCluster")
	w.wantReason("the cluster is modifying")
	w.net.after = nil
	w.minutes(1, 2)
	if n := len(w.net.changes()); n != 2 {
		t.Errorf("%d changes: the next step was not taken: %s", n, w.lastEntry())
	}
}

func TestRefusalsAreToldAndTriedAgainByALaterRun(t *testing.T) {
	for _, r := range []struct {
		status  int
		code    string
		calls   int // within one run
		passing bool
	}{{400, "InvalidDBClusterStateFault", 1, true}, {400, "Throttling", attempts, true}, {403, "AccessDenied", 1, false}} {
		t.Run(r.code, func(t *testing.T) {
			w := newCloud(t)
			calls := 0
			w.net.before = func(call string) *http.Response {
				if call != "ModifyDBCluster" {
					return nil
				}
				calls++
				return no(r.status, r.code, "not now")
			}
			w.minutes(1, 0.6)
			if calls != r.calls {
				t.Errorf("%d calls in one run, not %d", calls, r.calls)
			}
			w.wantReason("refused (" + r.code + "): not now")
			if loud := strings.Contains(w.log.String(), `"level":"ERROR"`); loud == r.passing {
				t.Errorf("told as an error: %v, ends by itself: %v", loud, r.passing)
			}
			var refused *Refused
			err := w.a.Cluster.Act(t.Context(), Action{Kind: SetRange, MinACU: 2, MaxACU: maxACU})
			if !errors.As(err, &refused) || refused.Passing != r.passing {
				t.Errorf("%v, passing %v", err, refused)
			}
			w.net.before = nil
			w.minutes(5, 0.6)
			if n := len(w.net.changes()); n == 0 {
				t.Errorf("never tried again: %s", w.lastEntry())
			}
		})
	}
}

func TestRDSThatDoesNotAnswerIsAnError(t *testing.T) {
	w := newCloud(t)
	w.load(0.6)
	w.net.before = func(call string) *http.Response {
		if call == "DescribeDBClusters" {
			return no(503, "ServiceUnavailable", "come back later")
		}
		return nil
	}
	if err := w.a.HandleWatch(w.request("r")); err == nil || !strings.Contains(err.Error(), clusterID) {
		t.Errorf("no cluster to be seen, and yet: %v", err)
	}
	w.net.before = nil
	must(t, w.a.HandleWatch(w.request("r"))) // Lambda's retry: the lock was given back
	w.wantChanges("ModifyDBCluster")
}

func TestMetricsThatCannotBeReadAreMissing(t *testing.T) {
	w := newCloud(t)
	w.load(0.6)
	w.net.before = func(call string) *http.Response {
		if call == "GetMetricData" {
			return no(500, "InternalFailure", "sorry")
		}
		return nil
	}
	w.watch()
	w.wantChanges()
	w.wantReason("the metrics could not be read")
}

// Night and morning come at the same second as a watch, and wait for it.
func TestTheMorningWaitsForTheWatch(t *testing.T) {
	w := newCloud(t)
	must(t, w.a.Cluster.Act(t.Context(), Action{Kind: SetRange, MinACU: 0.5, MaxACU: maxACU}))
	w.at("05:30")
	l, err := w.a.Store.Lock(t.Context(), "watch", w.now(), time.Minute)
	must(t, err)
	time.AfterFunc(1500*time.Millisecond, func() { _ = w.a.Store.Unlock(context.Background(), l) })
	must(t, w.a.HandleMorning(w.request("m"), ZoneInput{"America/Jamaica"}))
	w.wantShape("1 ACU, 2 instances")

	_, err = w.a.Store.Lock(t.Context(), "watch", w.now(), time.Minute)
	must(t, err)
	short, cancel := context.WithTimeout(w.request("m2"), closing+1500*time.Millisecond)
	defer cancel()
	if err := w.a.HandleMorning(short, ZoneInput{"America/Jamaica"}); err == nil {
		t.Error("a morning that never got the lock asks for no retry")
	}
}

func TestTheWriterAndTheLastInstanceAreSafe(t *testing.T) {
	w := newCloud(t)
	refuse := func(a Action, why string) {
		t.Helper()
		var refused *Refused
		if err := w.a.Cluster.Act(t.Context(), a); !errors.As(err, &refused) || !strings.Contains(refused.Message, why) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	writer := clusterID + "-one"
	refuse(Action{Kind: RemoveReader, Instance: writer}, "is the writer")
	refuse(Action{Kind: ResizeReader, Instance: writer, Class: "db.r8g.large"}, "is the writer")
	refuse(Action{Kind: RemoveReader, Instance: clusterID + "-two"}, "only such readers")
	refuse(Action{Kind: AddReader, Instance: "elsewhere", Class: Serverless}, "only such readers")
	refuse(Action{Kind: "drop_everything"}, "no action")
	w.wantNoChanges()

	act := func(a Action) {
		t.Helper()
		for range 2 { // each may be repeated
			must(t, w.a.Cluster.Act(t.Context(), a))
		}
	}
	reader := clusterID + "-reader-1"
	act(Action{Kind: AddReader, Instance: reader, Class: "db.r8g.large"})
	w.wantShape("1 ACU, 3 instances")
	act(Action{Kind: FailOver, Instance: reader}) // by Aurora, say: now it is the writer
	refuse(Action{Kind: RemoveReader, Instance: reader}, "is the writer")
	act(Action{Kind: FailOver, Instance: writer})
	act(Action{Kind: ResizeReader, Instance: reader, Class: "db.r8g.xlarge"})
	act(Action{Kind: RemoveReader, Instance: reader})
	w.wantShape("1 ACU, 2 instances")
}

func TestAChangeOfClassThatHasNotBegunCountsAsModifying(t *testing.T) {
	w := newCloud(t)
	w.net.after = func(call string, body []byte) ([]byte, error) {
		if call == "DescribeDBInstances" {
			body = bytes.Replace(body, []byte("<DBInstanceStatus>"),
				[]byte("<PendingModifiedValues><DBInstanceClass>db.r8g.large</DBInstanceClass></PendingModifiedValues><DBInstanceStatus>"), 1)
		}
		return body, nil
	}
	o, err := w.a.Cluster.describe(t.Context())
	must(t, err)
	if o.Instances[0].Status != "modifying" || o.Instances[1].Status != "available" {
		t.Errorf("%+v", o.Instances)
	}
}

func TestAClusterThatIsNotThereIsNamed(t *testing.T) {
	w := newCloud(t)
	c := NewCluster(awsConfig(w.net), "nowhere", proxyName)
	if _, err := c.Observe(t.Context(), w.now(), 2000); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%v", err)
	}
}

func TestABrokenMemoryIsNotOverwritten(t *testing.T) {
	w := newCloud(t)
	w.minutes(1, 0.05)
	_, err := w.a.Store.db.UpdateItem(t.Context(), brokenMemory())
	must(t, err)
	if err := w.a.HandleWatch(w.request("r")); err == nil || !strings.Contains(err.Error(), "the stored memory is not readable") {
		t.Errorf("%v", err)
	}
	out, err := w.a.Store.db.GetItem(t.Context(), stateItem())
	must(t, err)
	if textOf(out.Item, "memory") != "{" {
		t.Errorf("memory: %q", textOf(out.Item, "memory"))
	}
}
