package autoscale

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

const (
	lookBack = 20 * time.Minute // metrics come one to three minutes late, credits more; Settings.Stale judges what is too old

	period        = 60  // seconds
	creditsPeriod = 300 // CloudWatch has CPU credits no finer
)

// A series is one metric of the last minutes, by the start of the minute.
type series map[time.Time]float64

// newest returns the latest value times a factor.
func (s series) newest(factor float64) (r Reading) {
	for at, v := range s {
		if r.At.IsZero() || at.After(r.At) {
			r = Reading{Value: v * factor, At: at}
		}
	}
	return r
}

// measure fills in the readings, all by one call of GetMetricData. An instance's limit of connections makes a share of their number.
func (c *Cluster) measure(ctx context.Context, now time.Time, connections float64, o *Observed) error {
	metrics, err := c.read(ctx, now, c.queries(o))
	if err != nil {
		return err
	}
	o.Credits = credits(metrics, o)
	for i := range o.Instances {
		in := &o.Instances[i]
		use, acu := metrics[queryID("cpu", i)].newest(0.01), Reading{}
		if in.Class == Serverless {
			use, acu = serverlessUse(metrics[queryID("cpu", i)], metrics[queryID("acu", i)], o.MaxACU)
		}
		switch {
		case in.Writer:
			o.WriterCPU, o.ACU = use, acu
			o.Connections = metrics[queryID("connections", i)].newest(1 / connections)
		case o.ReaderCPU.At.IsZero() || use.Value > o.ReaderCPU.Value:
			o.ReaderCPU, o.ReaderACU = use, acu
		}
	}
	o.Borrow = metrics["borrow"].newest(1e-6)
	o.ReplicaLag = metrics["lag"].newest(1e-3)
	o.Queue = metrics["queue"].newest(1)
	return nil
}

// credits are those of the burstable instance that has the fewest, less what it has borrowed. One that tells nothing, such as
// a new one, is left out.
func credits(metrics map[string]series, o *Observed) (fewest Reading) {
	for i := range o.Instances {
		r := metrics[queryID("credits", i)].newest(1)
		if r.At.IsZero() {
			continue
		}
		if owed, ok := metrics[queryID("borrowed", i)][r.At]; ok {
			r.Value -= owed
		}
		if fewest.At.IsZero() || r.Value < fewest.Value {
			fewest = r
		}
	}
	return fewest
}

// serverlessUse is the share of the present ACU in use, and those ACU, of the newest minute that has both: of a Serverless v2
// instance CloudWatch tells the processor's use as a share of what the cluster's upper limit would have (Aurora User Guide,
// Important CloudWatch metrics for Aurora Serverless v2).
func serverlessUse(cpu, acu series, most float64) (use, present Reading) {
	for at, percent := range cpu {
		if have := acu[at]; have > 0 && most > 0 && (use.At.IsZero() || at.After(use.At)) {
			use, present = Reading{percent / 100 * most / have, at}, Reading{have, at}
		}
	}
	return use, present
}

func queryID(metric string, instance int) string { return fmt.Sprintf("%s%d", metric, instance) }

func (c *Cluster) queries(o *Observed) []cwtypes.MetricDataQuery {
	every := func(seconds int32, id, namespace, metric, stat string, dimension ...string) cwtypes.MetricDataQuery {
		m := &cwtypes.Metric{Namespace: &namespace, MetricName: &metric}
		if len(dimension) == 2 {
			m.Dimensions = []cwtypes.Dimension{{Name: &dimension[0], Value: &dimension[1]}}
		}
		return cwtypes.MetricDataQuery{Id: &id, MetricStat: &cwtypes.MetricStat{Metric: m, Period: &seconds, Stat: &stat}}
	}
	query := func(id, namespace, metric, stat string, dimension ...string) cwtypes.MetricDataQuery {
		return every(period, id, namespace, metric, stat, dimension...)
	}
	const instance = "DBInstanceIdentifier"
	all := []cwtypes.MetricDataQuery{
		query("borrow", "AWS/RDS", "DatabaseConnectionsBorrowLatency", "Average", "ProxyName", c.proxy), // microseconds
		query("lag", "AWS/RDS", "AuroraReplicaLagMaximum", "Maximum", "DBClusterIdentifier", c.id),      // milliseconds
		query("queue", "Lignum", "lignum_transactions_waiting", "Maximum"),
	}
	for i, in := range o.Instances {
		all = append(all, query(queryID("cpu", i), "AWS/RDS", "CPUUtilization", "Average", instance, in.ID)) // percent
		if in.Class == Serverless {
			all = append(all, query(queryID("acu", i), "AWS/RDS", "ServerlessDatabaseCapacity", "Average", instance, in.ID))
		}
		if strings.HasPrefix(in.Class, burstableClass) { // as many of each as vCPU-minutes
			all = append(all, every(creditsPeriod, queryID("credits", i), "AWS/RDS", "CPUCreditBalance", "Minimum", instance, in.ID),
				every(creditsPeriod, queryID("borrowed", i), "AWS/RDS", "CPUSurplusCreditBalance", "Maximum", instance, in.ID))
		}
		if in.Writer {
			all = append(all, query(queryID("connections", i), "AWS/RDS", "DatabaseConnections", "Maximum", instance, in.ID))
		}
	}
	return all
}

func (c *Cluster) read(ctx context.Context, now time.Time, queries []cwtypes.MetricDataQuery) (map[string]series, error) {
	minute := now.Truncate(time.Minute)
	out, err := c.metrics.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{MetricDataQueries: queries,
		StartTime: aws.Time(minute.Add(-lookBack).Truncate(creditsPeriod * time.Second)), EndTime: aws.Time(minute.Add(time.Minute)), ScanBy: cwtypes.ScanByTimestampDescending})
	if err != nil {
		return nil, err
	}
	all := map[string]series{}
	for _, r := range out.MetricDataResults {
		s := series{}
		for i := range min(len(r.Timestamps), len(r.Values)) {
			s[r.Timestamps[i].UTC()] = r.Values[i]
		}
		all[aws.ToString(r.Id)] = s
	}
	return all, nil
}

// Publish tells CloudWatch what a decision wanted and what there is, for the dashboard; Rung is -1 below the smallest.
func (c *Cluster) Publish(ctx context.Context, s *Settings, o *Observed, d *Decision) error {
	_, rung := present(s, o)
	datum := func(name string, v float64) cwtypes.MetricDatum {
		return cwtypes.MetricDatum{MetricName: &name, Value: &v, Timestamp: &d.At}
	}
	_, err := c.metrics.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("Lignum/Autoscale"),
		MetricData: []cwtypes.MetricDatum{datum("Need", d.Need), datum("Capacity", observedCapacity(s, o)), datum("Rung", float64(rung))}})
	if err != nil {
		return fmt.Errorf("the autoscaler's own metrics could not be published: %w", err)
	}
	return nil
}
