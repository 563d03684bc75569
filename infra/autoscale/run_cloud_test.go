//go:build cloud

package autoscale

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	schedulertypes "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/google/uuid"
)

func TestHighLoadEnlargesAndQuietShrinksAfterTheCoolDown(t *testing.T) {
	w := newCloud(t)
	w.minutes(3, 0.05)
	w.wantChanges()
	w.minutes(1, 0.6)
	o := w.last().Observed
	if use := o.WriterCPU.Value; use < 0.99 || use > 1.01 || o.Connections.Value < 0.01 || o.Borrow.Value != 0.0009 || o.ReplicaLag.Value != 0.02 {
		t.Errorf("observed: %+v", o)
	}
	if use, acu := o.ReaderCPU.Value, o.ReaderACU.Value; use < 0.99 || use > 1.01 || acu < 1.19 || acu > 1.21 || o.ReaderACU.At != o.ReaderCPU.At {
		t.Errorf("the reader has %g of %g ACU in use", use, acu)
	}
	w.minutes(30, 0.6)
	w.wantShape("8 ACU, 2 instances")
	grown := len(w.net.changes())
	w.minutes(15, 0.05)
	if got := len(w.net.changes()); got != grown {
		t.Fatalf("changed %d times within the cool-down: %s", got-grown, w.lastEntry())
	}
	w.every(3*time.Minute, 25, 0.05)
	w.wantShape("1 ACU, 2 instances")
	for _, e := range w.entries() {
		if e.Outcome == "" || e.Ended.IsZero() || len(e.Decision.Reasons) == 0 || e.Token == 0 {
			t.Fatalf("an entry of the log is not whole: %+v", e)
		}
	}
}

func TestAReaderIsAddedAndRemoved(t *testing.T) {
	w := newCloud(t)
	w.minutes(40, 1.9)
	w.wantShape("8 ACU, 3 instances")
	o, err := w.a.Cluster.describe(t.Context())
	must(t, err)
	if o.Instances[1].ID != clusterID+"-reader-1" || o.Instances[1].Writer {
		t.Errorf("the reader: %+v", o.Instances)
	}
	if got := w.rdsTag(clusterID+"-reader-1", "Installation"); got != "test" {
		t.Errorf("the new reader belongs to installation %q", got)
	}
	w.every(3*time.Minute, 40, 0.05)
	w.wantShape("1 ACU, 2 instances")
}

// schedules makes the pair of a zone as the template does, and gives what each sends.
func (w *cloud) schedules(zone string) map[string][]byte {
	w.t.Helper()
	c := scheduler.NewFromConfig(awsConfig(w.net))
	sent := map[string][]byte{}
	for name, cron := range map[string]string{"night": "cron(0 23 * * ? *)", "morning": "cron(30 5 * * ? *)"} {
		_, err := c.CreateSchedule(w.t.Context(), &scheduler.CreateScheduleInput{Name: &name, ScheduleExpression: &cron, ScheduleExpressionTimezone: &zone,
			FlexibleTimeWindow: &schedulertypes.FlexibleTimeWindow{Mode: "OFF"},
			Target: &schedulertypes.Target{Arn: aws.String("arn:aws:lambda:us-east-1:123456789012:function:" + name),
				RoleArn: aws.String("arn:aws:iam::123456789012:role/r"), Input: aws.String(`{"zone": "` + zone + `"}`)}})
		must(w.t, err)
		s, err := c.GetSchedule(w.t.Context(), &scheduler.GetScheduleInput{Name: &name})
		must(w.t, err)
		sent[name] = []byte(*s.Target.Input)
	}
	return sent
}

// invoke has Lambda's own runtime code decode what a schedule sends.
func (w *cloud) invoke(handler any, payload []byte) {
	w.t.Helper()
	_, err := lambda.NewHandler(handler).Invoke(w.request(uuid.NewString()), payload)
	must(w.t, err)
}

func TestNightShrinksAndMorningRestores(t *testing.T) {
	w := newCloud(t)
	sent := w.schedules("America/Jamaica")
	w.at("22:30")
	w.every(2*time.Minute, 15, 0.02)
	w.wantShape("1 ACU, 2 instances")
	w.load(0.02)
	w.invoke(w.a.HandleNight, sent["night"])
	w.wantReason("America/Jamaica sleeps until 10:30 UTC")
	w.pass(time.Minute)
	w.every(2*time.Minute, 15, 0.02)
	w.wantShape("0.5 ACU, 2 instances")
	w.at("05:30")
	w.load(0.02)
	w.invoke(w.a.HandleMorning, sent["morning"])
	w.wantShape("1 ACU, 2 instances")
	w.wantReason("America/Jamaica wakes up")
}

func TestMorningWithoutANightRestores(t *testing.T) {
	w := newCloud(t)
	must(t, w.a.Cluster.Act(t.Context(), Action{Kind: SetRange, MinACU: 0.5, MaxACU: maxACU})) // by hand, say
	w.at("05:30")
	must(t, w.a.HandleMorning(w.request("m"), ZoneInput{"America/Jamaica"})) // without metrics, too
	w.wantShape("1 ACU, 2 instances")
}

func TestAMorningThatNeverRunsIsMadeUpForByTheWatch(t *testing.T) {
	w := newCloud(t)
	w.at("23:00")
	w.load(0.02)
	must(t, w.a.HandleNight(w.request("n"), ZoneInput{"America/Jamaica"}))
	w.pass(time.Minute)
	w.every(2*time.Minute, 15, 0.02)
	w.wantShape("0.5 ACU, 2 instances")
	w.at("05:31")
	w.minutes(1, 0.02)
	w.wantShape("1 ACU, 2 instances")
}

func TestAnExamTomorrowHasItsCapacityBeforeItBegins(t *testing.T) {
	w := newCloud(t)
	w.event("exam", 22*time.Hour, 2*time.Hour, 500) // half a vCPU at 0.001 each
	w.minutes(10, 0.05)
	w.wantChanges()
	w.pass(22*time.Hour - 10*time.Minute - 31*time.Minute)
	w.published()
	w.minutes(1, 0.05)
	w.wantChanges()
	w.pass(time.Minute)
	w.published()
	w.minutes(29, 0.05)
	w.wantShape("4 ACU, 2 instances")
	w.published()
	w.minutes(40, 0.05) // not what was expected, but it is on: nothing is taken away
	w.wantShape("4 ACU, 2 instances")
	w.wantReason("exam of jamaica (500 learners")
}

func TestNightLeavesTheClusterAloneForAnExam(t *testing.T) {
	w := newCloud(t)
	w.at("23:00")
	w.event("exam", 10*time.Minute, 2*time.Hour, 100)
	w.load(0.02)
	must(t, w.a.HandleNight(w.request("n"), ZoneInput{"America/Jamaica"}))
	w.wantReason("America/Jamaica does not go to sleep: exam of jamaica")
	w.minutes(20, 0.02)
	if got := w.shape(); strings.HasPrefix(got, "0.5") {
		t.Errorf("%s while an exam is on", got)
	}
}

func TestAnUnreadableForecastIsNoEnd(t *testing.T) {
	w := newCloud(t)
	w.minutes(2, 0.05)
	elsewhere := proxied.Copy()
	elsewhere.User = "nobody_at_all"
	w.a.Forecast = &Forecast{door{elsewhere, func(context.Context) (string, error) { return "a-secret-token", nil }}}
	w.a.Tell = (&Processes{w.a.Forecast.door}).Tell
	w.minutes(1, 0.6)
	w.wantReason("the forecast could not be read")
	if !strings.Contains(w.log.String(), "the serving processes could not be told") {
		t.Error("nobody hears that the processes were not told")
	}
	w.wantChanges("ModifyDBCluster") // load enlarges all the same
	w.every(3*time.Minute, 30, 0.05)
	w.wantReason("the forecast is not known")
	if strings.Contains(w.lastEntry()+w.log.String(), "a-secret-token") {
		t.Error("the token is told")
	}
}

// The serving processes are told each minute what there is, which grows with the cluster.
func TestTheProcessesAreToldHowLargeTheDatabaseIs(t *testing.T) {
	w := newCloud(t)
	told := func() (writer, readers float64) {
		t.Helper()
		must(t, direct.QueryRow(t.Context(), `SELECT max(cores) FILTER (WHERE endpoint = 'writer'), max(cores) FILTER (WHERE endpoint = 'readers')
			FROM control.database_capacity`).Scan(&writer, &readers))
		return writer, readers
	}
	w.minutes(2, 0.05)
	if writer, readers := told(); writer < 0.25 || writer > 0.5 || readers < 0.25 || readers > 0.5 {
		t.Errorf("with one ACU a writer of %g and readers of %g processors", writer, readers)
	}
	w.every(3*time.Minute, 6, 1.5)
	if writer, _ := told(); writer < 1 {
		t.Errorf("under load a writer of %g processors, the cluster is %s", writer, w.shape())
	}
}

func TestATokenIsSentToNobodyWithoutTLS(t *testing.T) {
	asked := 0
	f, err := NewForecast(proxied.Host+":"+uitoa(proxied.Port), proxied.Database, proxied.User,
		func(context.Context) (string, error) { asked++; return "token", nil })
	must(t, err)
	if c := f.config.TLSConfig; c == nil || c.ServerName != proxied.Host || c.InsecureSkipVerify || len(f.config.Fallbacks) > 0 {
		t.Fatalf("TLS: %+v, fallbacks %d", c, len(f.config.Fallbacks))
	}
	if _, _, err := f.Read(t.Context(), time.Now()); err == nil || !strings.Contains(err.Error(), "TLS") || asked != 1 {
		t.Errorf("a server without TLS, and yet: %v", err)
	}
}

func uitoa(n uint16) string { b, _ := json.Marshal(n); return string(b) }

func TestAHoldStopsEverything(t *testing.T) {
	w := newCloud(t)
	if err := w.a.Store.SetHold(t.Context(), Hold{Until: w.now().Add(time.Hour)}); err == nil {
		t.Error("a hold of nobody for no reason was stored")
	}
	must(t, w.a.Store.SetHold(t.Context(), Hold{w.now().Add(20 * time.Minute), "Ann", "migration"}))
	w.minutes(10, 0.6)
	w.wantChanges()
	w.wantReason("held by Ann")
	must(t, w.a.Store.SetHold(t.Context(), Hold{}))
	w.minutes(1, 0.6)
	w.wantChanges("ModifyDBCluster")
}

func TestADryRunChangesNothing(t *testing.T) {
	w := newCloud(t)
	w.a.DryRun = true
	w.minutes(10, 0.6)
	w.wantChanges()
	if e := w.last(); e.Decision.Action.Kind != SetRange || !strings.HasPrefix(e.Outcome, "dry run") {
		t.Errorf("last decision: %s", w.lastEntry())
	}
	w.a.DryRun = false
	w.minutes(1, 0.6)
	w.wantChanges("ModifyDBCluster")
}

func TestWithoutMetricsNothingIsDone(t *testing.T) {
	w := newCloud(t)
	for range 20 {
		w.watch()
		w.pass(time.Minute)
	}
	w.wantChanges()
	w.wantReason("the load is not known")
	w.minutes(1, 0.6)
	w.pass(6 * time.Minute) // metrics stop coming, under high load
	before := len(w.net.changes())
	w.watch()
	if len(w.net.changes()) != before {
		t.Errorf("acted on old metrics: %s", w.lastEntry())
	}
}

func TestADecisionIsPublished(t *testing.T) {
	w := newCloud(t)
	w.minutes(2, 0.05)
	out, err := w.cw.ListMetrics(t.Context(), &cloudwatch.ListMetricsInput{Namespace: aws.String("Lignum/Autoscale")})
	must(t, err)
	got := map[string]bool{}
	for _, m := range out.Metrics {
		got[*m.MetricName] = true
	}
	if !got["Need"] || !got["Capacity"] || !got["Rung"] || len(got) != 3 {
		t.Errorf("published: %v", got)
	}
}

func TestATransactionQueueIsPressure(t *testing.T) {
	w := newCloud(t)
	w.minutes(2, 0.05)
	at, name, waiting := w.now().Truncate(time.Minute), "lignum_transactions_waiting", 40.0
	w.putMetric("Lignum", name, waiting, at)
	w.minutes(1, 0.05)
	w.wantReason("40 transactions wait in the API")
	w.wantChanges("ModifyDBCluster")
}
