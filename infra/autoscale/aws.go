package autoscale

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// attempts is how often a call to AWS is tried within one run; what still fails waits for the next run, a minute later.
const attempts = 2

// A Cluster is the Aurora cluster and its proxy as their APIs show them.
type Cluster struct {
	id, proxy string
	rds       *rds.Client
	metrics   *cloudwatch.Client
}

// NewCluster takes the cluster's identifier and the proxy's name.
func NewCluster(cfg aws.Config, id, proxy string) *Cluster {
	return &Cluster{id: id, proxy: proxy,
		rds:     rds.NewFromConfig(cfg, func(o *rds.Options) { o.RetryMaxAttempts = attempts }),
		metrics: cloudwatch.NewFromConfig(cfg, func(o *cloudwatch.Options) { o.RetryMaxAttempts = attempts })}
}

// ErrNoMetrics says that the cluster was described but its load could not be read.
var ErrNoMetrics = errors.New("the metrics could not be read")

// Observe reads the cluster and its load; connections is the limit of an instance. With ErrNoMetrics the description is right and all readings are missing.
func (c *Cluster) Observe(ctx context.Context, now time.Time, connections float64) (Observed, error) {
	o, err := c.describe(ctx)
	if err != nil {
		return o, err
	}
	if err := c.measure(ctx, now, connections, &o); err != nil {
		return o, fmt.Errorf("%w: %w", ErrNoMetrics, err)
	}
	return o, nil
}

func (c *Cluster) describe(ctx context.Context) (Observed, error) {
	o := Observed{Cluster: c.id}
	cluster, err := c.cluster(ctx)
	if err != nil {
		return o, err
	}
	instances, err := c.instances(ctx)
	if err != nil {
		return o, err
	}
	o.Status = aws.ToString(cluster.Status)
	if s := cluster.ServerlessV2ScalingConfiguration; s != nil {
		o.MinACU, o.MaxACU = aws.ToFloat64(s.MinCapacity), aws.ToFloat64(s.MaxCapacity)
	}
	for _, in := range instances {
		o.Instances = append(o.Instances, Instance{ID: aws.ToString(in.DBInstanceIdentifier), Class: aws.ToString(in.DBInstanceClass),
			Status: status(&in), Writer: writes(cluster, aws.ToString(in.DBInstanceIdentifier)), Created: aws.ToTime(in.InstanceCreateTime)})
	}
	for _, m := range cluster.DBClusterMembers { // a member that is not described has no status, so that nothing is changed
		id := aws.ToString(m.DBInstanceIdentifier)
		if !slices.ContainsFunc(o.Instances, func(in Instance) bool { return in.ID == id }) {
			o.Instances = append(o.Instances, Instance{ID: id, Writer: aws.ToBool(m.IsClusterWriter)})
		}
	}
	slices.SortFunc(o.Instances, func(a, b Instance) int { return strings.Compare(a.ID, b.ID) })
	return o, nil
}

func (c *Cluster) cluster(ctx context.Context) (*rdstypes.DBCluster, error) {
	out, err := c.rds.DescribeDBClusters(ctx, &rds.DescribeDBClustersInput{DBClusterIdentifier: &c.id})
	if err != nil {
		return nil, fmt.Errorf("the cluster %s could not be described: %w", c.id, err)
	}
	if len(out.DBClusters) != 1 {
		return nil, fmt.Errorf("%d clusters are called %s, not one", len(out.DBClusters), c.id)
	}
	return &out.DBClusters[0], nil
}

func (c *Cluster) instances(ctx context.Context) ([]rdstypes.DBInstance, error) {
	// A cluster has 16 instances at most, which is less than a page.
	out, err := c.rds.DescribeDBInstances(ctx, &rds.DescribeDBInstancesInput{
		Filters: []rdstypes.Filter{{Name: aws.String("db-cluster-id"), Values: []string{c.id}}}})
	if err != nil {
		return nil, fmt.Errorf("the instances of %s could not be described: %w", c.id, err)
	}
	return out.DBInstances, nil
}

func writes(cluster *rdstypes.DBCluster, instance string) bool {
	return slices.ContainsFunc(cluster.DBClusterMembers, func(m rdstypes.DBClusterMember) bool {
		return aws.ToString(m.DBInstanceIdentifier) == instance && aws.ToBool(m.IsClusterWriter)
	})
}

// status is what RDS says, but for a change of class that was accepted and has not begun: RDS still says available then.
func status(in *rdstypes.DBInstance) string {
	if p := in.PendingModifiedValues; p != nil && p.DBInstanceClass != nil {
		return "modifying"
	}
	return aws.ToString(in.DBInstanceStatus)
}
