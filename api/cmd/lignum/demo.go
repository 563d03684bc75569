package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"lignum/domain/demo"
	"lignum/domain/identity"
)

func demoCommand() *cobra.Command {
	var scale string
	var really bool
	cmd := &cobra.Command{Use: "demo", Short: "Fill the demo tenants with people, courses and work; may be repeated", Args: cobra.NoArgs,
		Long: "Fill the tenants jamaica, bahamas and celearn with invented people, courses and work. All of them sign in with one\n" +
			"public password, so this is for an installation to look around in. What is there already stays as it is.\n" +
			"--scale=post makes a country's year: 44,025 students and all that comes with them, in a few minutes.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if scale != "small" && scale != "post" {
				return errors.New("--scale must be small or post")
			}
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			if in.cfg.Scheme == "https" && !really {
				return errors.New("this installation is served over https, so it may be a real one, and demo people have a public password; --yes-really insists")
			}
			input, err := in.demoInput(cmd.Context())
			if err != nil {
				return err
			}
			input.Actor, input.Progress = operator(), progressTo(cmd)
			fill := demo.Small
			if scale == "post" {
				fill = demo.Post
			}
			sum, err := fill(cmd.Context(), input)
			if err != nil {
				return err
			}
			return printDemo(cmd, sum)
		}}
	cmd.AddCommand(demoCode())
	cmd.Flags().StringVar(&scale, "scale", "small", "small or post")
	cmd.Flags().BoolVar(&really, "yes-really", false, "also into an installation that is served over https")
	return cmd
}

// demoCode stands in for the telephone of the demo platform staff. It knows the demo's public key alone, and asks no database.
func demoCode() *cobra.Command {
	return &cobra.Command{Use: "code", Short: "The code that the platform's demo accounts are asked for now", Args: cobra.NoArgs,
		Long: "The platform always asks its staff for a second factor. This prints what the authenticator app of manager1 and operator1 would\n" +
			"show now. The key of the app is public, as is their password.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			code, left, err := identity.TOTPCode(demo.OTPSecret, time.Now())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s for another %s\n", code, left)
			return err
		}}
}

// progressTo shows a bar for each stage on the command's error output.
func progressTo(cmd *cobra.Command) func(stage string, done, total int) {
	var bar *progressbar.ProgressBar
	var at string
	return func(stage string, done, total int) {
		if stage != at {
			at = stage
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription(fmt.Sprintf("%-24s", stage)),
				progressbar.OptionSetWidth(30), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false),
				progressbar.OptionOnCompletion(func() { fmt.Fprintln(cmd.ErrOrStderr()) }))
		}
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
	}
}

func printDemo(cmd *cobra.Command, sum demo.Summary) error {
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "TENANT\tSCHOOLS\tLEARNERS\tSTAFF\tCLASSES\tENROLMENTS\tTESTS\tANIMATIONS\tLABS\tLEARNER-DAYS\tBUSIEST DAY\tMOST USERS\t")
	for _, c := range sum.Tenants {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.Tenant, c.Schools, c.Learners, c.Staff, c.Classes, c.Enrolments, c.Tests,
			c.Animations, c.Labs, c.LearnerDays, c.BusiestDay, c.MostUsersDay)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "Done in %s. Sign in as student1 to student30, coach1, teacher1, school1, official1, guardian1 or admin1 in a tenant,\n"+
		"as manager1 or operator1 on the platform; the password is: %s\n"+
		"On the platform a code is asked for as well: lignum demo code\n", sum.Took.Round(10*time.Millisecond), demo.Password)
	return err
}
