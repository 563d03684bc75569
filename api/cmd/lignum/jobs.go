package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/jobs"
)

func jobsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "jobs", Short: "See what is done in the background, start it again, cancel it"}
	cmd.AddCommand(jobsList(), jobsChange("retry", "Start a job again that failed, was given up or was cancelled", "is started again", jobs.Retry),
		jobsChange("cancel", "Cancel a job that waits, or keep one that runs from being tried again", "is cancelled", jobs.Cancel))
	return cmd
}

func jobsList() *cobra.Command {
	var f jobs.Filter
	var state, after string
	var n int
	var asJSON bool
	cmd := &cobra.Command{Use: "list [REALM]", Short: "List jobs, the newest first", Args: cobra.MaximumNArgs(1),
		Long:    "List jobs, the newest first: those of a tenant (its slug) or of all realms.",
		Example: "  lignum jobs list --state failing\n  lignum jobs list jamaica --kind usage.publish -n 100\n  lignum jobs list --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			realm := "platform" // which sees those of all
			if len(args) > 0 {
				realm = args[0]
			}
			f.State = jobs.State(state)
			return inRealm(cmd, realm, func(ctx context.Context, in opened) error {
				var list domain.List[jobs.Stored]
				err := in.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
					list, err = jobs.List(ctx, r, f, domain.Page{After: after, Limit: n})
					return err
				})
				if err != nil {
					return err
				}
				if asJSON {
					out := json.NewEncoder(cmd.OutOrStdout())
					for _, j := range list.Items {
						if err := out.Encode(j); err != nil {
							return err
						}
					}
					return nil
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "JOB\tREALM\tKIND\tABOUT\tSTATE\tTRY\tDUE\tFAULT")
				for _, j := range list.Items {
					fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%d of %d\t%s\t%s\n", j.ID, j.Realm, j.Kind, cmp.Or(j.About, "-"), j.State, j.Attempt, j.MaxAttempts,
						j.DueAt.UTC().Format(time.RFC3339), j.Fault)
				}
				if err := w.Flush(); err != nil || list.Next == "" {
					return err
				}
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), "More: --after %s\n", list.Next)
				return err
			})
		}}
	flags := cmd.Flags()
	flags.StringVar(&f.Kind, "kind", "", "only this kind, such as usage.publish")
	flags.StringVar(&state, "state", "", "only those that are waiting, running, failing, done, given_up or cancelled")
	flags.StringVar(&after, "after", "", "the next page, as the one before names it")
	flags.IntVarP(&n, "lines", "n", 30, "how many, 1 to 200")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func jobsChange(use, short, done string, do func(ctx context.Context, tx *tenants.Tx, job int64) error) *cobra.Command {
	return &cobra.Command{Use: use + " JOB", Short: short, Args: cobra.ExactArgs(1), Example: "  lignum jobs " + use + " 4711",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || id < 1 {
				return domain.InvalidFieldIn("JOB", words.Plain("must be the number of a job, as list shows it"))
			}
			return inRealm(cmd, "platform", func(ctx context.Context, in opened) error {
				if err := in.db.Write(ctx, operator(), func(tx *tenants.Tx) error { return do(ctx, tx, id) }); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "Job %d %s.\n", id, done)
				return err
			})
		}}
}
