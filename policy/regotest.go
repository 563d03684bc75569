package policy

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"

	"lignum/domain"
	"lignum/domain/words"
)

// testLimit bounds one test of a bundle, suiteLimit all of them.
const (
	testLimit  = 2 * time.Second
	suiteLimit = 20 * time.Second
)

// TestReport is what the tests of a bundle said.
type TestReport struct {
	Version                 string // of the bundle
	Passed, Failed, Skipped int
	Coverage                float64 // percent of the lines of the rules, tests left out, that some test evaluated
	Uncovered               []string
	Results                 []TestResult // by file and line
}

// TestResult is one test of a bundle.
type TestResult struct {
	Name    string
	Place   string // "learning_test.rego:12"
	Passed  bool
	Skipped bool   // its name starts with todo_
	Message string // of an error, or what the test printed
	file    string
	row     int
}

// RunTests runs the tests of a bundle, the embedded one for nil, without loading it anywhere. The error says why they
// could not be run; that a test fails is in the report, and in its Err.
func RunTests(ctx context.Context, files fs.FS) (TestReport, error) {
	if files == nil {
		files = Embedded()
	}
	b, err := readBundle(files)
	if err != nil {
		return TestReport{}, err
	}
	if _, err := compile(b.rules); err != nil {
		return TestReport{}, err
	}
	return b.runTests(ctx)
}

func (b *bundle) runTests(ctx context.Context) (TestReport, error) {
	ctx, cancel := context.WithTimeout(ctx, suiteLimit)
	defer cancel()
	coverage := cover.New()
	compiler := newCompiler().WithEnablePrintStatements(true)
	results, err := tester.NewRunner().SetCompiler(compiler).SetStore(inmem.New()).SetModules(b.all).
		SetTimeout(testLimit).CapturePrintOutput(true).RaiseBuiltinErrors(true).
		SetCoverageQueryTracer(coverage).SetCoverageRuns(nil).RunTests(ctx, nil)
	if err != nil {
		var wrong domain.Problems
		addRegoErrors(&wrong, "bundle", err)
		return TestReport{}, wrong.Err()
	}
	report := TestReport{Version: b.version}
	for r := range results {
		t := TestResult{Name: r.Name, Place: place(r.Location), Passed: r.Pass() && !r.Skip, Skipped: r.Skip,
			Message: strings.TrimSpace(string(r.Output)), file: r.Location.File, row: r.Location.Row}
		if r.Error != nil {
			t.Message = r.Error.Error()
		}
		switch {
		case t.Skipped:
			report.Skipped++
		case t.Passed:
			report.Passed++
		default:
			report.Failed++
		}
		report.Results = append(report.Results, t)
	}
	if err := ctx.Err(); err != nil {
		return TestReport{}, &domain.Error{Code: domain.Invalid, Message: words.Say("policy.the_tests_of_the_bundle"), Cause: err}
	}
	slices.SortFunc(report.Results, func(a, b TestResult) int {
		return cmp.Or(strings.Compare(a.file, b.file), a.row-b.row, strings.Compare(a.Name, b.Name))
	})
	report.cover(coverage, b)
	return report, nil
}

func (r *TestReport) cover(c *cover.Cover, b *bundle) {
	covered, missed := 0, 0
	for name, file := range c.Report(b.rules).Files {
		if _, isRule := b.rules[name]; !isRule {
			continue
		}
		covered += file.CoveredLines
		missed += file.NotCoveredLines
		for _, rng := range file.NotCovered {
			r.Uncovered = append(r.Uncovered, fmt.Sprintf("%s:%d", name, rng.Start.Row))
		}
	}
	slices.Sort(r.Uncovered)
	if covered+missed > 0 {
		r.Coverage = 100 * float64(covered) / float64(covered+missed)
	}
}

// Err is nil when there are tests and all of them passed; else of code Invalid, with each that did not.
func (r TestReport) Err() error {
	var wrong domain.Problems
	if len(r.Results) == 0 {
		wrong.Add("bundle", "policy.holds_no_tests_rules_are")
	}
	for _, t := range r.Results {
		switch {
		case t.Skipped:
			wrong.Add(t.Place, "policy.is_skipped_a_test_must", "Name", t.Name)
		case !t.Passed:
			wrong.Add(t.Place, "policy.fails", "Name", t.Name, "Message", t.Message)
		}
	}
	return wrong.Err()
}

// WriteText writes the report for a terminal: each test that did not pass, then the sums.
func (r TestReport) WriteText(w io.Writer) error {
	for _, t := range r.Results {
		if t.Passed {
			continue
		}
		word := "FAIL"
		if t.Skipped {
			word = "SKIP"
		}
		if _, err := fmt.Fprintf(w, "%s  %s  %s  %s\n", word, t.Place, t.Name, t.Message); err != nil {
			return err
		}
	}
	if len(r.Uncovered) > 0 {
		if _, err := fmt.Fprintf(w, "never evaluated: %s\n", strings.Join(r.Uncovered, ", ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "bundle %s: %d passed, %d failed, %d skipped, %.1f %% of the rules' lines covered\n",
		r.Version, r.Passed, r.Failed, r.Skipped, r.Coverage)
	return err
}
