package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"lignum/domain/roster"
	"lignum/tenants"
)

func rosterCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "roster", Short: "Import schools, people, classes and enrolments"}
	cmd.AddCommand(rosterImport())
	return cmd
}

// shownProblems is how many refused rows of a file are printed; --report takes the others.
const shownProblems = 20

func rosterImport() *cobra.Command {
	var opts roster.Options
	var reportPath string
	cmd := &cobra.Command{Use: "import TENANT FILE.csv|DIR|ZIP", Short: "Import OneRoster CSV files; interrupted, it may simply be repeated", Args: cobra.ExactArgs(2),
		Long: "Import OneRoster 1.1 or 1.2 CSV files (orgs, academicSessions, users, roles, classes, enrollments) into a tenant. Rows that are\n" +
			"right are taken, the others are refused and reported by line; then the command ends with 1. An interrupted import goes on\n" +
			"where it was when the same command is given again, and the same files again change nothing. Every line of a file is in one\n" +
			"of the counts, which add up to LINES.\n\n" +
			"Files are told by their column names. Commas, semicolons or tabs stand between the cells, in UTF-8, UTF-16 or Windows-1252, as\n" +
			"Excel writes them. What is left out is named; when it was meant to be imported, the command ends with 1 too.",
		Example: "  lignum roster import jamaica ./roster --dry-run\n  lignum roster import jamaica roster.zip --report refused.csv",
		RunE: func(cmd *cobra.Command, args []string) error {
			if opts.Seats < 0 || opts.Seats > 10_000 {
				return errors.New("--seats must be 0 to 10000")
			}
			files, closer, err := roster.Open(args[1])
			if err != nil {
				return err
			}
			defer closer.Close()
			report, err := openReport(reportPath)
			if err != nil {
				return err
			}
			defer report.Close()
			return inTenant(cmd, args[0], func(ctx context.Context, in opened) error {
				rules, err := in.enforcer(ctx)
				if err != nil {
					return err
				}
				opts.Roles, opts.Progress = rules.Roles(), rosterProgress(cmd)
				rep, err := roster.Import(ctx, in.db, operator(), files, opts, time.Now().UTC())
				fmt.Fprintln(cmd.ErrOrStderr()) // the line of the progress
				return errors.Join(printRoster(cmd.OutOrStdout(), rep), report.fill(context.WithoutCancel(ctx), in.db, rep), rosterError(ctx, rep, err))
			})
		}}
	cmd.Flags().BoolVar(&opts.DryRun, "dry-run", false, "read and report, and change nothing")
	cmd.Flags().StringVar(&reportPath, "report", "", "write what is wrong with refused rows to this CSV file: at most 10,000 of each file, in a dry run 1,000")
	cmd.Flags().IntVar(&opts.Seats, "seats", 40, "seats of a new class whose row has no metadata.seats")
	return cmd
}

// rosterError says how the run ended. What a refused row lacks was printed before.
func rosterError(ctx context.Context, rep roster.Report, err error) error {
	refused, files := 0, 0
	for _, f := range rep.Files {
		refused += f.Refused
		if f.Needed {
			files++
		}
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted; what was imported stays, and the same command goes on from there")
	case err == nil && refused > 0 && files > 0:
		return errors.New(number(refused, "row") + " refused and " + number(files, "file") + " left out; correct and import again, all others stay as they are")
	case err == nil && refused > 0:
		return errors.New(number(refused, "row") + " refused; correct and import again, all others stay as they are")
	case err == nil && files > 0:
		return errors.New(number(files, "file") + " left out; correct and import again, all others stay as they are")
	}
	return err
}

// rosterProgress shows how far each file is, on the command's error output. How many rows are to come is not known.
func rosterProgress(cmd *cobra.Command) func(kind string, line int) {
	var bar *progressbar.ProgressBar
	at := ""
	return func(kind string, line int) {
		if kind != at {
			if bar != nil {
				fmt.Fprintln(cmd.ErrOrStderr())
			}
			at = kind
			bar = progressbar.NewOptions(-1, progressbar.OptionSetWriter(cmd.ErrOrStderr()), progressbar.OptionSetDescription(fmt.Sprintf("%-18s line", kind)),
				progressbar.OptionShowCount(), progressbar.OptionSetElapsedTime(false), progressbar.OptionSetSpinnerChangeInterval(0), progressbar.OptionSetWidth(10))
		}
		_ = bar.Set(line) // a bar that cannot be drawn is no reason to stop
	}
}

func printRoster(out io.Writer, rep roster.Report) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "FILE\tKIND\tCREATED\tCHANGED\tUNCHANGED\tREFUSED\tIGNORED\tLINES")
	for _, f := range rep.Files {
		if f.Kind == "" {
			fmt.Fprintf(w, "%s\tleft out\t-\t-\t-\t-\t-\t-\n", plain(f.Name))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\n", plain(f.Name), f.Kind, f.Created, f.Changed, f.Unchanged, f.Refused, f.Ignored, f.Lines)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range rep.Files {
		if f.Resumed {
			fmt.Fprintf(out, "%s: went on with an interrupted import\n", plain(f.Name))
		}
		for _, note := range f.Notes {
			fmt.Fprintf(out, "%s: %s\n", plain(f.Name), plain(note.String()))
		}
		for i, p := range f.Problems {
			if i == shownProblems {
				fmt.Fprintf(out, "%s: and %d more; --report FILE.csv takes them\n", plain(f.Name), len(f.Problems)-i+f.More)
				break
			}
			fmt.Fprintf(out, "%s line %d: %s\n", plain(f.Name), p.Line, plain(strings.TrimSpace(p.Field+" "+p.Reason.String())))
		}
	}
	if rep.DryRun {
		fmt.Fprintln(out, "Dry run: nothing was changed.")
	}
	return nil
}

// rowReport is the file of refused rows; without a file it does nothing.
type rowReport struct{ f *os.File }

// openReport makes the file before the import begins: a report that cannot be written should stop it.
func openReport(path string) (rowReport, error) {
	if path == "" {
		return rowReport{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // it may tell of children
	return rowReport{f}, err
}

func (r rowReport) Close() {
	if r.f != nil {
		_ = r.f.Close() // fill has told whether all is on the disk
	}
}

func (r rowReport) fill(ctx context.Context, db *tenants.DB, rep roster.Report) error {
	if r.f == nil {
		return nil
	}
	w := csv.NewWriter(r.f)
	if err := w.Write([]string{"file", "kind", "line", "field", "reason"}); err != nil {
		return err
	}
	for _, f := range rep.Files {
		problems, err := allProblems(ctx, db, f, rep.DryRun)
		if err != nil {
			return err
		}
		for _, p := range problems {
			if err := w.Write([]string{cell(f.Name), f.Kind, strconv.Itoa(p.Line), cell(p.Field), cell(p.Reason.String())}); err != nil {
				return err
			}
		}
	}
	w.Flush()
	return errors.Join(w.Error(), r.f.Sync())
}

// allProblems are those of the report and, when it could not carry all, those that were stored.
func allProblems(ctx context.Context, db *tenants.DB, f roster.FileReport, dryRun bool) ([]roster.Problem, error) {
	if f.More == 0 || dryRun || f.ImportID == uuid.Nil { // what is only read is stored nowhere
		return f.Problems, nil
	}
	var all []roster.Problem
	err := db.ReadFresh(ctx, func(r *tenants.Reader) error {
		for after := ""; ; {
			page, err := roster.Problems(ctx, r, f.ImportID, after, 1000)
			if err != nil {
				return err
			}
			all = append(all, page.Problems...)
			if after = page.Next; after == "" {
				return nil
			}
		}
	})
	return all, err
}

// cell keeps a spreadsheet from taking text of a roster for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
