package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/infra/autoscale"
)

// mostHeld bounds a hold, so that a forgotten one ends by itself.
const mostHeld = 7 * 24 * time.Hour

func capacityHold() *cobra.Command {
	var table, reason string
	var length time.Duration
	cmd := &cobra.Command{Use: "hold", Short: "Let the autoscaler change nothing for some time", Args: cobra.NoArgs,
		Long:    "Let the autoscaler change nothing for some time: what the cluster has then, it keeps. It takes AWS credentials that may write the table.",
		Example: "  lignum capacity hold --table prod-autoscale --for 3h --reason 'failover drill'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var wrong domain.Problems
			if length < time.Minute || length > mostHeld {
				wrong.AddIn("for", words.Plain(fmt.Sprintf("must be 1m to %s", mostHeld)))
			}
			if n := len(strings.TrimSpace(reason)); n < 3 || n > 200 {
				wrong.AddIn("reason", words.Plain("must have 3 to 200 characters"))
			}
			if err := wrong.Err(); err != nil {
				return err
			}
			h := autoscale.Hold{Until: time.Now().UTC().Add(length).Truncate(time.Second), By: operator().Name, Reason: strings.TrimSpace(reason)}
			if err := setHold(cmd.Context(), table, h); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "The autoscaler changes nothing until %s.\n", h.Until.Format(time.RFC3339))
			return err
		}}
	f := cmd.Flags()
	f.StringVar(&table, "table", "", "the autoscaler's DynamoDB table")
	f.DurationVar(&length, "for", 0, "how long, such as 90m; at most 168h")
	f.StringVar(&reason, "reason", "", "why, for whoever reads the log of decisions")
	_ = cmd.MarkFlagRequired("table") // the flag is there
	return cmd
}

func capacityRelease() *cobra.Command {
	var table string
	cmd := &cobra.Command{Use: "release", Short: "End a hold", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := setHold(cmd.Context(), table, autoscale.Hold{}); err != nil {
				return err
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "The autoscaler goes on at its next look, within a minute.")
			return err
		}}
	cmd.Flags().StringVar(&table, "table", "", "the autoscaler's DynamoDB table")
	_ = cmd.MarkFlagRequired("table") // the flag is there
	return cmd
}

func setHold(ctx context.Context, table string, h autoscale.Hold) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("AWS configuration: %w", err)
	}
	return autoscale.NewStore(cfg, table).SetHold(ctx, h)
}
