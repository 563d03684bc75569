package autoscale

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/smithy-go"
)

// Refused is a definite no to an action: nothing was changed. Any other error of Act leaves open whether RDS has begun.
type Refused struct {
	Code, Message string
	Passing       bool // the next run may succeed without anybody's help: a state that ends, throttling, no capacity just now
}

func (r *Refused) Error() string { return fmt.Sprintf("refused (%s): %s", r.Code, r.Message) }

// Act makes one call that changes the cluster. It may be repeated: what is done already counts as done. The cluster is
// described anew before, since a failover of Aurora's own may have made another instance the writer.
func (c *Cluster) Act(ctx context.Context, a Action) error {
	cluster, err := c.cluster(ctx)
	if err != nil {
		return answered(err)
	}
	if why := c.unsafe(cluster, &a); why != "" {
		return &Refused{Code: "Unsafe", Message: why, Passing: true}
	}
	switch a.Kind {
	case SetRange:
		_, err = c.rds.ModifyDBCluster(ctx, &rds.ModifyDBClusterInput{DBClusterIdentifier: &c.id, ApplyImmediately: aws.Bool(true),
			ServerlessV2ScalingConfiguration: &rdstypes.ServerlessV2ScalingConfiguration{MinCapacity: &a.MinACU, MaxCapacity: &a.MaxACU}})
	case AddReader:
		err = c.addReader(ctx, cluster, &a)
	case RemoveReader:
		_, err = c.rds.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &a.Instance, SkipFinalSnapshot: aws.Bool(true)})
		if gone := (*rdstypes.DBInstanceNotFoundFault)(nil); errors.As(err, &gone) {
			return nil
		}
	case ResizeReader:
		_, err = c.rds.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &a.Instance, DBInstanceClass: &a.Class,
			ApplyImmediately: aws.Bool(true)})
	case FailOver:
		if writes(cluster, a.Instance) {
			return nil
		}
		_, err = c.rds.FailoverDBCluster(ctx, &rds.FailoverDBClusterInput{DBClusterIdentifier: &c.id, TargetDBInstanceIdentifier: &a.Instance})
	default:
		return &Refused{Code: "Unknown", Message: fmt.Sprintf("there is no action %q", a.Kind)}
	}
	return answered(err)
}

// unsafe says why an action must never be sent to RDS, or nothing.
func (c *Cluster) unsafe(cluster *rdstypes.DBCluster, a *Action) string {
	takes := a.Kind == RemoveReader || a.Kind == ResizeReader
	switch {
	case takes && writes(cluster, a.Instance):
		return a.Instance + " is the writer: it is neither removed nor resized"
	case a.Kind == RemoveReader && len(cluster.DBClusterMembers) < 2:
		return a.Instance + " is the last instance: it is not removed"
	case (a.Kind == RemoveReader || a.Kind == AddReader) && !strings.HasPrefix(a.Instance, c.id+"-reader-"):
		return fmt.Sprintf("%q is not named %s-reader-<n>: only such readers are the autoscaler's to add and to remove", a.Instance, c.id)
	}
	return ""
}

// addReader makes a reader as the others are. Its promotion tier, 2, lets it grow and shrink with its own work.
func (c *Cluster) addReader(ctx context.Context, cluster *rdstypes.DBCluster, a *Action) error {
	in := &rds.CreateDBInstanceInput{DBInstanceIdentifier: &a.Instance, DBInstanceClass: &a.Class, DBClusterIdentifier: &c.id,
		Engine: cluster.Engine, PromotionTier: aws.Int32(2), PubliclyAccessible: aws.Bool(false), AutoMinorVersionUpgrade: aws.Bool(true),
		Tags: []rdstypes.Tag{{Key: aws.String("Name"), Value: &a.Instance}}}
	for _, t := range cluster.TagList {
		if key := aws.ToString(t.Key); key != "Name" && !strings.HasPrefix(key, "aws:") { // aws: is for AWS alone to write
			in.Tags = append(in.Tags, t)
		}
	}
	_, err := c.rds.CreateDBInstance(ctx, in)
	if there := (*rdstypes.DBInstanceAlreadyExistsFault)(nil); errors.As(err, &there) {
		return nil // the name follows from the cluster: an earlier run has made it
	}
	return err
}

// passing are the codes of refusals that end by themselves.
var passing = map[string]bool{
	"InvalidDBClusterStateFault": true, "InvalidDBInstanceState": true, "InsufficientDBInstanceCapacity": true,
	"Throttling": true, "ThrottlingException": true, "RequestLimitExceeded": true,
}

// answered turns an error that RDS itself has answered with into a Refused. Its own faults (5xx) leave the outcome open.
func answered(err error) error {
	var api smithy.APIError
	if err == nil || !errors.As(err, &api) || api.ErrorFault() == smithy.FaultServer {
		return err
	}
	return &Refused{Code: api.ErrorCode(), Message: api.ErrorMessage(), Passing: passing[api.ErrorCode()]}
}
