//go:build cloud

package autoscale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
)

const (
	clusterID, proxyName, tableName = "test-data", "test-data", "test-autoscale"
	maxACU                          = 16
)

// cloudSettings have set_range steps and one that adds a reader.
func cloudSettings() Settings {
	s := Settings{DayFloor: 1, TargetUse: 0.5, Connections: 2000, HighUse: 0.75, ReadShare: 0.5, LeadTime: 30 * time.Minute, UpCoolDown: 3 * time.Minute,
		DownCoolDown: 15 * time.Minute, Stale: 5 * time.Minute, Nights: []NightHours{{"America/Jamaica", "23:00", "05:30"}},
		PerLearner: map[string]float64{"exam": 0.001, "live": 0.0001, "import": 0.0001}}
	for _, least := range []float64{0.5, 1, 2, 4, 8} {
		s.Rungs = append(s.Rungs, serverless(1, least, maxACU))
	}
	s.Rungs = append(s.Rungs, serverless(2, 8, maxACU))
	return s
}

// A cloud is an account with a cluster of a writer and a reader, the autoscaler on it, and a clock that tests move. It
// begins at ten in the morning in Jamaica, on rung 1, the day's floor.
type cloud struct {
	t    *testing.T
	a    *Autoscaler
	net  *wire
	cw   *cloudwatch.Client
	rds  *rds.Client
	mu   sync.Mutex
	time time.Time
	log  *journal
}

func (w *cloud) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *cloud) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// at moves the clock on to the next time of day in Jamaica.
func (w *cloud) at(clock string) {
	w.t.Helper()
	zone, err := time.LoadLocation("America/Jamaica")
	must(w.t, err)
	day, err := time.ParseInLocation("2006-01-02 15:04", w.now().In(zone).Format("2006-01-02 ")+clock, zone)
	must(w.t, err)
	for !day.After(w.now()) {
		day = day.AddDate(0, 0, 1)
	}
	w.pass(day.Sub(w.now()))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// made is must for what begins a world in an emulator that was just emptied: what is there already, a first try made whose answer was lost.
func made(t *testing.T, err error) {
	t.Helper()
	var api smithy.APIError
	if errors.As(err, &api) && (strings.Contains(api.ErrorCode(), "AlreadyExists") || strings.Contains(api.ErrorCode(), "InUse")) {
		return
	}
	must(t, err)
}

func awsConfig(transport http.RoundTripper) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &awsURL, HTTPClient: &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "not-a-real-secret"}, nil
		})}
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	resp, err := http.Post(awsURL+"/moto-api/reset", "", nil)
	must(t, err)
	resp.Body.Close()
	_, err = direct.Exec(t.Context(), `TRUNCATE control.capacity_forecast, control.database_capacity`)
	must(t, err)
	plain := awsConfig(http.DefaultTransport)
	w := &cloud{t: t, net: &wire{}, cw: cloudwatch.NewFromConfig(plain), rds: rds.NewFromConfig(plain), log: &journal{},
		time: time.Date(2026, 3, 2, 15, 0, 5, 0, time.UTC)}
	_, err = dynamodb.NewFromConfig(plain).CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: aws.String(tableName),
		BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"},
			{AttributeName: aws.String("sk"), AttributeType: "S"}},
		KeySchema: []ddbtypes.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"},
			{AttributeName: aws.String("sk"), KeyType: "RANGE"}}})
	made(t, err)
	_, err = w.rds.CreateDBCluster(t.Context(), &rds.CreateDBClusterInput{DBClusterIdentifier: aws.String(clusterID),
		Engine: aws.String("aurora-postgresql"), MasterUsername: aws.String("platformadmin"), ManageMasterUserPassword: aws.Bool(true),
		Tags:                             []rdstypes.Tag{{Key: aws.String("Installation"), Value: aws.String("test")}},
		ServerlessV2ScalingConfiguration: &rdstypes.ServerlessV2ScalingConfiguration{MinCapacity: aws.Float64(1), MaxCapacity: aws.Float64(maxACU)}})
	made(t, err)
	for i, name := range []string{"one", "two"} {
		w.instance(clusterID+"-"+name, int32(i))
	}
	w.a = w.autoscaler(w.net)
	return w
}

func (w *cloud) instance(id string, tier int32) {
	w.t.Helper()
	_, err := w.rds.CreateDBInstance(w.t.Context(), &rds.CreateDBInstanceInput{DBInstanceIdentifier: &id, DBClusterIdentifier: aws.String(clusterID),
		Engine: aws.String("aurora-postgresql"), DBInstanceClass: aws.String(Serverless), PromotionTier: &tier})
	made(w.t, err)
}

func (w *cloud) autoscaler(transport http.RoundTripper) *Autoscaler {
	cfg := awsConfig(transport)
	token := door{proxied, func(context.Context) (string, error) { return "token", nil }}
	return &Autoscaler{Cluster: NewCluster(cfg, clusterID, proxyName), Store: NewStore(cfg, tableName),
		Forecast: &Forecast{token}, Tell: (&Processes{token}).Tell,
		Settings: cloudSettings(), Now: w.now, Log: slog.New(slog.NewJSONHandler(w.log, nil))}
}

// A journal keeps what all autoscalers of a test log.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// request is the context of one invocation.
func (w *cloud) request(id string) context.Context {
	return lambdacontext.NewContext(w.t.Context(), &lambdacontext.LambdaContext{AwsRequestID: id})
}

func (w *cloud) watch() {
	w.t.Helper()
	must(w.t, w.a.HandleWatch(w.request(uuid.NewString())))
}

// load publishes this minute's metrics as AWS would: vCPU of work on the writer, half as much on each reader.
func (w *cloud) load(vcpu float64) {
	w.t.Helper()
	o, err := w.a.Cluster.describe(w.t.Context())
	must(w.t, err)
	at := w.now().Truncate(time.Minute)
	datum := func(name, dimension, value string, v float64) cwtypes.MetricDatum {
		return cwtypes.MetricDatum{MetricName: &name, Value: &v, Timestamp: &at, Dimensions: []cwtypes.Dimension{{Name: &dimension, Value: &value}}}
	}
	data := []cwtypes.MetricDatum{datum("DatabaseConnectionsBorrowLatency", "ProxyName", proxyName, 900),
		datum("AuroraReplicaLagMaximum", "DBClusterIdentifier", clusterID, 20)}
	for _, in := range o.Instances {
		v := vcpu
		if !in.Writer {
			v /= 2
		}
		present := min(max(o.MinACU, v/VCPUPerACU), o.MaxACU)
		data = append(data, datum("CPUUtilization", "DBInstanceIdentifier", in.ID, 100*v/(maxACU*VCPUPerACU)),
			datum("ServerlessDatabaseCapacity", "DBInstanceIdentifier", in.ID, present),
			datum("DatabaseConnections", "DBInstanceIdentifier", in.ID, 40))
	}
	_, err = w.cw.PutMetricData(w.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: aws.String("AWS/RDS"), MetricData: data})
	must(w.t, err)
}

// minutes lets the watch run each minute under a load.
func (w *cloud) minutes(n int, vcpu float64) {
	w.t.Helper()
	w.every(time.Minute, n, vcpu)
}

// every lets the watch run n times, so far apart.
func (w *cloud) every(apart time.Duration, n int, vcpu float64) {
	w.t.Helper()
	for range n {
		w.load(vcpu)
		w.watch()
		w.pass(apart)
	}
}

// event publishes an exam, or something else that is known to come.
func (w *cloud) event(kind string, in, lasts time.Duration, learners int) {
	w.t.Helper()
	_, err := direct.Exec(w.t.Context(), `INSERT INTO control.capacity_forecast VALUES ('jamaica', $1, $2, $3, $4, $5, $6)`,
		kind, uuid.New(), w.now().Add(in), w.now().Add(in+lasts), learners, w.now())
	must(w.t, err)
}

// published says that the tenants have just told their forecast again.
func (w *cloud) published() {
	w.t.Helper()
	_, err := direct.Exec(w.t.Context(), `UPDATE control.capacity_forecast SET published_at = $1`, w.now())
	must(w.t, err)
}

// shape is what the cluster is now: least ACU and number of instances.
func (w *cloud) shape() string {
	w.t.Helper()
	o, err := w.a.Cluster.describe(w.t.Context())
	must(w.t, err)
	return fmt.Sprintf("%g ACU, %d instances", o.MinACU, len(o.Instances))
}

func (w *cloud) wantShape(want string) {
	w.t.Helper()
	if got := w.shape(); got != want {
		w.t.Fatalf("the cluster has %s, not %s; last decision: %s", got, want, w.lastEntry())
	}
}

// entries are all decisions of this month and the last.
func (w *cloud) entries() []Entry {
	w.t.Helper()
	all, err := w.a.Store.Decisions(w.t.Context(), w.now())
	must(w.t, err)
	return all
}

func (w *cloud) last() Entry {
	w.t.Helper()
	all := w.entries()
	if len(all) == 0 {
		w.t.Fatal("no decision was written")
	}
	return all[len(all)-1]
}

func (w *cloud) lastEntry() string {
	e := w.last()
	return fmt.Sprintf("%s %q outcome %q: %s", e.Function, e.Decision.Action.Kind, e.Outcome, strings.Join(e.Decision.Reasons, "; "))
}

// wantReason wants the last decision to say something.
func (w *cloud) wantReason(part string) {
	w.t.Helper()
	if got := w.lastEntry(); !strings.Contains(got, part) {
		w.t.Fatalf("the last decision does not say %q: %s", part, got)
	}
}

// wantChanges wants the RDS calls that change something to have been these, in order.
func (w *cloud) wantChanges(want ...string) {
	w.t.Helper()
	if got := w.net.changes(); !slices.Equal(got, want) {
		w.t.Fatalf("changes: %v, not %v; last decision: %s", got, want, w.lastEntry())
	}
}

// putMetric publishes one value; a dimension is a name and a value.
func (w *cloud) putMetric(namespace, name string, v float64, at time.Time, dimension ...string) {
	w.t.Helper()
	datum := cwtypes.MetricDatum{MetricName: &name, Value: &v, Timestamp: &at}
	if len(dimension) == 2 {
		datum.Dimensions = []cwtypes.Dimension{{Name: &dimension[0], Value: &dimension[1]}}
	}
	_, err := w.cw.PutMetricData(w.t.Context(), &cloudwatch.PutMetricDataInput{Namespace: &namespace, MetricData: []cwtypes.MetricDatum{datum}})
	must(w.t, err)
}

// metrics publishes this minute's metrics of classes that are not Serverless: the share of each instance that is busy.
func (w *cloud) metrics(share float64) {
	w.t.Helper()
	o, err := w.a.Cluster.describe(w.t.Context())
	must(w.t, err)
	at := w.now().Truncate(time.Minute)
	w.putMetric("AWS/RDS", "AuroraReplicaLagMaximum", 20, at, "DBClusterIdentifier", clusterID)
	for _, in := range o.Instances {
		w.putMetric("AWS/RDS", "CPUUtilization", 100*share, at, "DBInstanceIdentifier", in.ID)
		w.putMetric("AWS/RDS", "DatabaseConnections", 40, at, "DBInstanceIdentifier", in.ID)
	}
}

func (w *cloud) rdsTag(instance, key string) string {
	w.t.Helper()
	out, err := w.rds.DescribeDBInstances(w.t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &instance})
	must(w.t, err)
	for _, tag := range out.DBInstances[0].TagList {
		if aws.ToString(tag.Key) == key {
			return aws.ToString(tag.Value)
		}
	}
	return ""
}

func (w *cloud) wantNoChanges() {
	w.t.Helper()
	if got := w.net.changes(); len(got) > 0 {
		w.t.Fatalf("changes: %v", got)
	}
}

func stateItem() *dynamodb.GetItemInput {
	return &dynamodb.GetItemInput{TableName: aws.String(tableName), Key: stateAt(), ConsistentRead: aws.Bool(true)}
}

// brokenMemory is what no program of ours writes.
func brokenMemory() *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{TableName: aws.String(tableName), Key: stateAt(), UpdateExpression: aws.String("SET #memory = :m"),
		ExpressionAttributeNames: names("memory"), ExpressionAttributeValues: item{":m": text("{")}}
}

// Decisions gives the log of a month (UTC), oldest first.
func (s *Store) Decisions(ctx context.Context, in time.Time) ([]Entry, error) {
	pages := dynamodb.NewQueryPaginator(s.db, &dynamodb.QueryInput{TableName: &s.table, KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: item{":pk": text(month(in))}})
	var all []Entry
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the decisions could not be read: %w", err)
		}
		for _, i := range page.Items {
			var e Entry
			if err := decode(i, "entry", &e); err != nil {
				return nil, err
			}
			all = append(all, e)
		}
	}
	return all, nil
}
