package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

func policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Test the rules, explain a decision, list the permissions"}
	cmd.AddCommand(policyTest(), policyExplain(), policyPermissions())
	return cmd
}

// bundle is a directory of Rego rules, or nil, which means those that come with the program.
func bundle(dir string) (fs.FS, error) {
	if dir == "" {
		return nil, nil
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, domain.InvalidFieldIn("DIR", words.Plain("must be a directory with .rego files"))
	}
	return os.DirFS(dir), nil
}

func policyTest() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "test [DIR]", Short: "Run the tests of a bundle of rules", Args: cobra.MaximumNArgs(1),
		Long: "Run the tests (files that end in _test.rego) of the contextual rules in a directory, or of those that come with the program.\n" +
			"It needs no installation, and ends with 1 when a test does not pass or there are none.",
		Example: "  lignum policy test\n  lignum policy test ./rules --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := bundle(strings.Join(args, ""))
			if err != nil {
				return err
			}
			rep, err := policy.RunTests(cmd.Context(), files)
			if err != nil {
				return err
			}
			if asJSON {
				err = domain.WriteJSON(cmd.OutOrStdout(), testReport(rep), "")
			} else {
				err = rep.WriteText(cmd.OutOrStdout())
			}
			if err != nil {
				return err
			}
			if rep.Err() != nil {
				return fmt.Errorf("%d of %d tests did not pass; a bundle needs tests, and all of them must pass", rep.Failed+rep.Skipped, len(rep.Results))
			}
			return nil
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

type testJSON struct {
	Version   string           `json:"version"`
	Passed    int              `json:"passed"`
	Failed    int              `json:"failed"`
	Skipped   int              `json:"skipped"`
	Coverage  float64          `json:"coverage_percent"`
	Uncovered []string         `json:"uncovered"`
	Results   []testResultJSON `json:"results"`
}

type testResultJSON struct {
	Name    string `json:"name"`
	Place   string `json:"place"`
	Passed  bool   `json:"passed"`
	Skipped bool   `json:"skipped,omitempty"`
	Message string `json:"message,omitempty"`
}

func testReport(r policy.TestReport) testJSON {
	out := testJSON{r.Version, r.Passed, r.Failed, r.Skipped, r.Coverage, append([]string{}, r.Uncovered...), []testResultJSON{}}
	for _, t := range r.Results {
		out.Results = append(out.Results, testResultJSON{t.Name, t.Place, t.Passed, t.Skipped, t.Message})
	}
	return out
}

// facts are what --fact can state, by the names that the rules use.
var facts = []struct {
	name  string
	about string
	set   func(f *policy.Facts, n int)
	count bool // takes a number: name=3
}{
	{"listing", "the route gives a list", func(f *policy.Facts, _ int) { f.Listing = true }, false},
	{"owner", "the thing is the person's own", func(f *policy.Facts, _ int) { f.Owner = true }, false},
	{"enrolled", "has a place in a class that has the lesson or test", func(f *policy.Facts, _ int) { f.Enrolled = true }, false},
	{"coach_of", "is the coach of the learner", func(f *policy.Facts, _ int) { f.CoachOf = true }, false},
	{"teaches", "teaches the class, or a class of the learner", func(f *policy.Facts, _ int) { f.Teaches = true }, false},
	{"same_school", "the thing or the learner belongs to the own school", func(f *policy.Facts, _ int) { f.SameSchool = true }, false},
	{"guardian_of", "is tied to the learner as a guardian", func(f *policy.Facts, _ int) { f.GuardianOf = true }, false},
	{"guardian_consent", "consent stands on that tie", func(f *policy.Facts, _ int) { f.GuardianConsent = true }, false},
	{"on_leaderboard", "the learner takes part in the leaderboard", func(f *policy.Facts, _ int) { f.OnLeaderboard = true }, false},
	{"covers", "holds all that the other's roles hold, and reaches as far", func(f *policy.Facts, _ int) { f.Covers = true }, false},
	{"unclaimed", "nobody has chosen a password for the account yet", func(f *policy.Facts, _ int) { f.Unclaimed = true }, false},
	{"reset_approved", "the school approved a new card for the account", func(f *policy.Facts, _ int) { f.ResetApproved = true }, false},
	{"class_open", "the class takes registrations now", func(f *policy.Facts, _ int) { f.ClassOpen = true }, false},
	{"window_open", "now is inside the test's window", func(f *policy.Facts, _ int) { f.WindowOpen = true }, false},
	{"attempt_open", "the attempt is not handed in yet", func(f *policy.Facts, _ int) { f.AttemptOpen = true }, false},
	{"within_deadline", "the attempt's deadline is not over", func(f *policy.Facts, _ int) { f.WithinDeadline = true }, false},
	{"within_grace", "the deadline and the grace are not over", func(f *policy.Facts, _ int) { f.WithinGrace = true }, false},
	{"attempts_left", "how many attempts may still be started", func(f *policy.Facts, n int) { f.AttemptsLeft = n }, true},
	{"reason_length", "characters of the stated reason", func(f *policy.Facts, n int) { f.ReasonLength = n }, true},
}

// parseFacts reads "owner" and "attempts_left=3". The error names every one that is wrong.
func parseFacts(stated []string) (f policy.Facts, err error) {
	var wrong domain.Problems
next:
	for _, s := range stated {
		name, value, given := strings.Cut(s, "=")
		for _, known := range facts {
			if known.name != name {
				continue
			}
			n, err := strconv.Atoi(value)
			switch {
			case known.count && (err != nil || n < 0):
				wrong.AddIn("--fact", words.Plain(fmt.Sprintf("%s needs a number, such as %s=3", name, name)))
			case !known.count && given:
				wrong.AddIn("--fact", words.Plain(fmt.Sprintf("%s takes no value; leave it out when it does not hold", name)))
			default:
				known.set(&f, n)
			}
			continue next
		}
		wrong.AddIn("--fact", words.Plain(fmt.Sprintf("%q is not known; lignum policy explain --help lists the facts", s)))
	}
	return f, wrong.Err()
}

func factsHelp() string {
	var b strings.Builder
	for _, f := range facts {
		name := f.name
		if f.count {
			name += "=N"
		}
		fmt.Fprintf(&b, "  %-18s %s\n", name, f.about)
	}
	return b.String()
}

// permissionsHelp is the catalogue in lines that a terminal holds.
func permissionsHelp() string {
	var b strings.Builder
	for line := range slices.Chunk(permissionNames(), 6) {
		b.WriteString("  " + strings.Join(line, ", ") + "\n")
	}
	return b.String()
}

func permissionNames() []string {
	var names []string
	for _, p := range policy.Catalogue() {
		names = append(names, p.Name())
	}
	return names
}

func policyExplain() *cobra.Command {
	var input policy.Input
	var stated []string
	var dir, state string
	var asJSON bool
	cmd := &cobra.Command{Use: "explain REALM PERMISSION --role ROLE...", Short: "Say whether roles may do a thing, and why", Args: cobra.ExactArgs(2),
		Long: "Ask both engines what they answer to somebody with these roles, by the roles' rules that the realm (a tenant's slug, or platform)\n" +
			"has now, and say why. Facts that are not stated do not hold.\n\nFacts:\n" + factsHelp() +
			"\nPermissions (lignum policy permissions says what they mean):\n" + permissionsHelp(),
		Example: "  lignum policy explain jamaica class.register --role student --fact owner --fact class_open\n" +
			"  lignum policy explain jamaica learner.progress --role coach --fact coach_of --tenant-state read_only",
		RunE: func(cmd *cobra.Command, args []string) error {
			p, ok := policy.Lookup(args[1])
			if !ok {
				return domain.InvalidFieldIn("PERMISSION", words.Plain(plain(args[1])+" is not in the catalogue; lignum policy permissions lists it"))
			}
			if state != "" {
				of, known := tenants.StateOf(state)
				if !known {
					return domain.InvalidFieldIn("--tenant-state", words.Plain(fmt.Sprintf("must be one of %v", tenants.States())))
				}
				input.TenantTakes = of.Allows().Takes
			}
			if input.ActorState != "active" && input.ActorState != "suspended" {
				return domain.InvalidFieldIn("--actor-state", words.Plain("must be active or suspended"))
			}
			var err error
			if input.Facts, err = parseFacts(stated); err != nil {
				return err
			}
			input.Permission = p
			if args[0] == policy.PlatformRealm && !cmd.Flags().Changed("second-factor") {
				input.SecondFactor = true
			}
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				x, err := in.explain(ctx, input, dir)
				if err != nil {
					return err
				}
				if asJSON {
					return domain.WriteJSON(cmd.OutOrStdout(), x, "")
				}
				return x.WriteText(cmd.OutOrStdout())
			})
		}}
	f := cmd.Flags()
	f.StringSliceVar(&input.Roles, "role", nil, "a role of the person; may be repeated")
	f.StringArrayVar(&stated, "fact", nil, "a fact that holds, such as owner or attempts_left=2; may be repeated")
	f.StringVar(&state, "tenant-state", "", "one of the states of a tenant, such as active, read_only or closing (default: what the tenant is now)")
	f.StringVar(&input.ActorState, "actor-state", "active", "active or suspended")
	f.BoolVar(&input.SecondFactor, "second-factor", false, "the session has proven a second factor (on the platform, where it is always asked for: unless it is said to be false)")
	f.BoolVar(&input.SecondFactorRequired, "second-factor-required", false, "the realm wants one of this person")
	f.BoolVar(&input.MustChangePassword, "must-change-password", false, "signed in with a password that must be changed")
	f.StringVar(&dir, "rules", "", "directory of contextual rules to ask in place of those in use")
	f.BoolVar(&asJSON, "json", false, "print the explanation as JSON")
	if err := cmd.MarkFlagRequired("role"); err != nil {
		panic(err) // no such flag
	}
	return cmd
}

func (in opened) explain(ctx context.Context, input policy.Input, dir string) (policy.Explanation, error) {
	e, err := in.enforcer(ctx)
	if err != nil {
		return policy.Explanation{}, err
	}
	for _, role := range input.Roles {
		if !slices.Contains(e.Roles(), role) {
			return policy.Explanation{}, domain.InvalidFieldIn("--role", words.Plain(fmt.Sprintf("%q is no role here; there are %s", role, strings.Join(e.Roles(), ", "))))
		}
	}
	if dir == "" {
		dir = in.cfg.PolicyDir
	}
	files, err := bundle(dir)
	if err != nil {
		return policy.Explanation{}, err
	}
	engine, err := policy.NewEngine(files)
	if err != nil {
		return policy.Explanation{}, err
	}
	input.Realm = policy.KindOf(in.db.Realm().Name())
	switch {
	case in.tenant == nil && input.TenantTakes != "":
		return policy.Explanation{}, domain.InvalidFieldIn("--tenant-state", words.Plain("is for tenants; the platform has no state"))
	case in.tenant != nil && input.TenantTakes == "":
		input.TenantTakes = in.tenant.Allows().Takes
	}
	return policy.Explain(e, engine, input), nil
}

func policyPermissions() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "permissions", Short: "List every permission there is", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON {
				type row struct {
					Name        string `json:"name"`
					Realm       string `json:"realm"`
					Changes     bool   `json:"changes"`
					Description string `json:"description"`
				}
				var rows []row
				for _, p := range policy.Catalogue() {
					rows = append(rows, row{p.Name(), p.Realm().String(), p.Mutating(), p.Description().String()})
				}
				return domain.WriteJSON(cmd.OutOrStdout(), rows, "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "PERMISSION\tREALM\tCHANGES\tWHAT IT LETS SOMEBODY DO")
			for _, p := range policy.Catalogue() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name(), p.Realm(), yesNo(p.Mutating()), p.Description())
			}
			return w.Flush()
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
