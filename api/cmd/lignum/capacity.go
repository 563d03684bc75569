package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/infra/autoscale/simulate"
)

func capacityCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "capacity", Short: "Hold the autoscaler, compare ways to run the database"}
	cmd.AddCommand(capacitySimulate(), capacityHold(), capacityRelease())
	return cmd
}

// simulation is what the flags ask for.
type simulation struct {
	countries                   []int
	assumptions, prices, out    string
	chart                       string
	seed                        int64
	seeds                       int
	objective, scale            float64
	days                        int
	printAssumptions, noLiteral bool
}

func capacitySimulate() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{Use: "simulate", Short: "Replay years of learners against five ways to run the database", Args: cobra.NoArgs,
		Long: "Replay years of database load, minute by minute, against five ways to run the cluster: sized for the year's peak, class changes\n" +
			"on CPU, Serverless v2 alone, two burstable instances, and this platform's autoscaler. The load comes from the figures that AWS\n" +
			"published about One on One. The first year is told in full, the others together. It fails when in any year ours is not at least\n" +
			"60 % cheaper than static peak, or over the objective in a minute that static peak holds. It reaches no network. Every\n" +
			"assumption can be changed; the same seed gives the same figures.",
		Example: "  lignum capacity simulate\n  lignum capacity simulate --countries 3,10,30 --out report\n" +
			"  lignum capacity simulate --print-assumptions > mine.json\n  lignum capacity simulate --assumptions mine.json --prices prices.json\n" +
			"  lignum capacity simulate --countries 30 --no-literal --chart infra/autoscale/simulate/capacity.png",
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd) }}
	d := simulate.Default()
	f := cmd.Flags()
	f.IntSliceVar(&s.countries, "countries", []int{3, 10, 30}, "how many countries use the platform: 1 to 30; several with commas")
	f.StringVar(&s.assumptions, "assumptions", "", "JSON file with the assumptions to change")
	f.StringVar(&s.prices, "prices", "", "JSON file with a table of prices, as under prices in --print-assumptions")
	f.StringVar(&s.out, "out", "", "write report.html and its charts into this directory")
	f.StringVar(&s.chart, "chart", "", "write only the exam week of the last size to this PNG file")
	f.Int64Var(&s.seed, "seed", d.Seed, "of the first year; the same seed gives the same year")
	f.IntVar(&s.seeds, "seeds", 20, "years to simulate, each with the next seed, 1 to 1000")
	f.Float64Var(&s.objective, "objective", d.ObjectiveMs, "milliseconds that 99 of 100 requests may take")
	f.Float64Var(&s.scale, "scale", d.Scale, "multiplies users and requests")
	f.IntVar(&s.days, "days", d.Days, "days to simulate from 1 January, 1 to 365")
	f.BoolVar(&s.printAssumptions, "print-assumptions", false, "print the assumptions as JSON and simulate nothing")
	f.BoolVar(&s.noLiteral, "no-literal", false, "leave out the run for the post's literal 1,052,165 million requests a day")
	return cmd
}

func (s *simulation) run(cmd *cobra.Command) error {
	a, err := s.read(cmd)
	if err != nil {
		return err
	}
	if s.printAssumptions {
		return domain.WriteJSON(cmd.OutOrStdout(), a, "  ")
	}
	var sweeps []simulate.Sweep
	var sizes []simulate.Size
	for _, n := range s.countries {
		years, err := simulate.Years(a, n, s.seeds)
		if err != nil {
			return fmt.Errorf("%d countries: %w", n, err)
		}
		sweeps, sizes = append(sweeps, years), append(sizes, years.First)
	}
	if err := errors.Join(simulate.WriteTable(cmd.OutOrStdout(), sizes), simulate.WriteSweeps(cmd.OutOrStdout(), sweeps)); err != nil {
		return err
	}
	var literal *simulate.Size
	if !s.noLiteral {
		one, err := simulate.Literal(a)
		if err != nil {
			return fmt.Errorf("the literal 1,052,165 million requests a day: %w", err)
		}
		literal = &one
		fmt.Fprintln(cmd.OutOrStdout(), "\nIf the record day had been 1,052,165 million requests (costs of all clusters, the rest of one):")
		if err := simulate.WriteTable(cmd.OutOrStdout(), []simulate.Size{one}); err != nil {
			return err
		}
	}
	if err := s.write(cmd, a, sweeps, literal); err != nil {
		return err
	}
	if missed := simulate.Goals(sweeps); missed != nil {
		return fmt.Errorf("a goal is missed:\n%w", missed)
	}
	return nil
}

// read takes the assumptions, the files first, then the flags that were given.
func (s *simulation) read(cmd *cobra.Command) (simulate.Assumptions, error) {
	a := simulate.Default()
	for _, n := range s.countries {
		if n < 1 || n > 30 {
			return a, domain.InvalidFieldIn("--countries", words.Plain(fmt.Sprintf("must be 1 to 30, not %d", n)))
		}
	}
	if len(s.countries) == 0 || len(s.countries) > 10 {
		return a, domain.InvalidFieldIn("--countries", words.Plain("must be one to ten numbers, each 1 to 30"))
	}
	if s.seeds < 1 || s.seeds > 1000 {
		return a, domain.InvalidFieldIn("--seeds", words.Plain(fmt.Sprintf("must be 1 to 1000, not %d", s.seeds)))
	}
	if s.chart != "" && !strings.HasSuffix(s.chart, ".png") {
		return a, domain.InvalidFieldIn("--chart", words.Plain("must name a file that ends in .png"))
	}
	if s.assumptions != "" {
		f, err := os.Open(s.assumptions)
		if err != nil {
			return a, domain.InvalidFieldIn("--assumptions", words.Plain("must be a JSON file that can be read"))
		}
		defer f.Close()
		if a, err = simulate.ReadAssumptions(a, f); err != nil {
			return a, err
		}
	}
	if s.prices != "" {
		f, err := os.Open(s.prices)
		if err != nil {
			return a, domain.InvalidFieldIn("--prices", words.Plain("must be a JSON file that can be read"))
		}
		defer f.Close()
		if a.Prices, err = simulate.ReadPrices(f); err != nil {
			return a, err
		}
	}
	for name, set := range map[string]func(){"seed": func() { a.Seed = s.seed }, "objective": func() { a.ObjectiveMs = s.objective },
		"scale": func() { a.Scale = s.scale }, "days": func() { a.Days = s.days }} {
		if cmd.Flags().Changed(name) {
			set()
		}
	}
	if err := a.Check(); err != nil {
		return a, err
	}
	if s.out != "" || s.chart != "" {
		return a, a.CheckReport()
	}
	return a, nil
}

func (s *simulation) write(cmd *cobra.Command, a simulate.Assumptions, sweeps []simulate.Sweep, literal *simulate.Size) error {
	if s.out != "" {
		if err := simulate.WriteReport(s.out, a, sweeps, literal); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "report: "+filepath.Join(s.out, "report.html"))
	}
	if s.chart == "" {
		return nil
	}
	c, err := simulate.ExamWeek(sweeps[len(sweeps)-1].First)
	if err != nil {
		return err
	}
	return os.WriteFile(s.chart, c.PNG, 0o644)
}
