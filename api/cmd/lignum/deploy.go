package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/infra/aws"
)

func deployCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "deploy", Short: "Plan a deployment to AWS, check its templates, build its functions"}
	cmd.AddCommand(deployPlan(), deployCheck(), deployZip())
	return cmd
}

func deployPlan() *cobra.Command {
	var s aws.Settings
	cmd := &cobra.Command{Use: "plan", Short: "Print the commands that install or update the platform on AWS, in order", Args: cobra.NoArgs,
		Long: "Print the commands that install or update the platform on AWS, in order, for an operator to read and run.\n" +
			"It changes nothing itself, needs no credentials and prints no secret.",
		Example: "  lignum deploy plan --installation prod --base-domain lignum.example --sandbox-domain lignum-packages.example --region us-east-1 --size country \\\n" +
			"    --version v1.2.3 --hosted-zone Z0123456789ABC --sandbox-zone Z9876543210ABC --alarm-email alarms@lignum.example",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var wrong domain.Problems
			s.Check(wrong.Add)
			if err := wrong.Err(); err != nil {
				return err
			}
			_, err := fmt.Fprint(cmd.OutOrStdout(), aws.Plan(s))
			return err
		}}
	f := cmd.Flags()
	f.StringVar(&s.Installation, "installation", "", "prefix of all names, such as prod")
	f.StringVar(&s.BaseDomain, "base-domain", "", "tenants are <slug>.<base domain>")
	f.StringVar(&s.Sandbox, "sandbox-domain", "", "packages with scripts are below it; of another registrable domain than the base domain")
	f.StringVar(&s.Region, "region", "us-east-1", "of all but the edge, which is in us-east-1")
	f.StringVar(&s.Size, "size", "small", "one of "+strings.Join(aws.Sizes, ", "))
	f.StringVar(&s.Version, "version", "", "of the release, such as v1.2.3")
	f.StringVar(&s.HostedZone, "hosted-zone", "", "Route 53's id of the base domain's zone")
	f.StringVar(&s.SandboxZone, "sandbox-zone", "", "Route 53's id of the sandbox domain's zone")
	f.StringVar(&s.AlarmEmail, "alarm-email", "", "who hears of alarms (default: nobody by mail)")
	return cmd
}

func deployCheck() *cobra.Command {
	return &cobra.Command{Use: "check [DIR]", Short: "Check the CloudFormation templates by the platform's own rules", Args: cobra.MaximumNArgs(1),
		Long: "Check the templates in a directory, or those that come with the program, by rules that cfn-lint does not know: who reaches the\n" +
			"database, what is encrypted and kept, who may do what. It ends with 1 when something must not be deployed.",
		Example: "  lignum deploy check\n  lignum deploy check infra/aws/templates",
		RunE: func(cmd *cobra.Command, args []string) error {
			stacks := aws.Templates()
			if len(args) == 1 {
				var err error
				if stacks, err = aws.ReadTemplates(os.DirFS(args[0])); err != nil {
					return domain.InvalidFieldIn("DIR", words.Plain(err.Error()))
				}
			}
			out := cmd.OutOrStdout()
			findings := aws.Check(stacks)
			for _, f := range findings {
				fmt.Fprintln(out, f)
			}
			if len(findings) > 0 {
				return fmt.Errorf("%d findings in %d templates", len(findings), len(stacks))
			}
			unused, err := aws.Unused(stacks)
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "%d templates, nothing found\n", len(stacks))
			if len(unused) > 0 {
				fmt.Fprintf(out, "exported and imported by no stack (people and scripts may read them): %s\n", strings.Join(unused, ", "))
			}
			return nil
		}}
}

func deployZip() *cobra.Command {
	var file string
	cmd := &cobra.Command{Use: "zip", Short: "Build the autoscaler's functions into a zip for Lambda", Args: cobra.NoArgs,
		Long:    "Build the autoscaler's functions for Lambda (arm64) into a zip, the same bytes from the same source and Go. It runs in the root of the source.",
		Example: "  lignum deploy zip --out dist/autoscale.zip",
		RunE: func(cmd *cobra.Command, _ []string) error {
			sum, err := aws.BuildZip(cmd.Context(), ".", aws.AutoscalePackage, file)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s  %s\n", sum, file)
			return nil
		}}
	cmd.Flags().StringVar(&file, "out", "", "the zip file to write")
	if err := cmd.MarkFlagRequired("out"); err != nil {
		panic(err) // no such flag
	}
	return cmd
}
