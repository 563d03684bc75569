package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/words"
	"lignum/tenants/files"
)

func contentCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "content", Short: "Check, import and list course packs"}
	cmd.AddCommand(contentCheck(), contentImport(), contentList())
	return cmd
}

func contentCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "check PATH...", Short: "Read packs and say what was understood and what is wrong", Args: cobra.MinimumNArgs(1),
		Long: "Read course packs (folders or zip archives) or single item banks (.gift or .yaml), without an installation. It prints what was\n" +
			"understood, and every error with file, line and reason; it ends with 1 when there is an error.",
		Example: "  lignum content check ./csec-biology\n  lignum content check --json algebra.gift geometry.gift",
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, errs := make([]pack.Report, len(args)), 0
			for i, path := range args {
				reports[i] = pack.Check(path)
				errs += len(reports[i].Errors)
			}
			if asJSON {
				if err := domain.WriteJSON(cmd.OutOrStdout(), reports, "  "); err != nil {
					return err
				}
			} else {
				for i, rep := range reports {
					if i > 0 {
						fmt.Fprintln(cmd.OutOrStdout())
					}
					if err := rep.WriteText(cmd.OutOrStdout()); err != nil {
						return err
					}
				}
			}
			if errs > 0 {
				return errors.New(number(errs, "error") + "; what has errors cannot be imported")
			}
			return nil
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array with a report for each path")
	return cmd
}

func contentImport() *cobra.Command {
	var builtin string
	var dryRun bool
	cmd := &cobra.Command{Use: "import TENANT (PATH | --builtin NAME)", Short: "Bring a course pack into a tenant, whole or not at all", Args: cobra.RangeArgs(1, 2),
		Long: "Bring a course pack (a folder, a zip archive, or one that comes with the program) into a tenant, whole or not at all.\n" +
			"The same pack again changes nothing. A newer one updates in place: progress, links and attempts stay good.",
		Example: "  lignum content import jamaica --builtin csec-principles-of-business\n  lignum content import jamaica ./csec-biology --dry-run",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 2) == (builtin != "") {
				return errors.New("name either the PATH of a pack, or with --builtin one that comes with the program (lignum content list)")
			}
			path := ""
			if builtin == "" {
				path = args[1]
			}
			p, err := readPack(path, builtin)
			if err != nil {
				return err
			}
			return inTenant(cmd, args[0], func(ctx context.Context, in opened) error {
				var bucket *files.Bucket
				if len(p.Pictures) > 0 {
					if bucket, err = in.bucket(ctx); err != nil {
						return err
					}
					defer bucket.Close()
				}
				rep, err := catalog.ImportPack(ctx, in.db, bucket, operator(), p, dryRun, time.Now().UTC())
				if err != nil {
					return err
				}
				return printImport(cmd.OutOrStdout(), rep, p.Warnings, dryRun)
			})
		}}
	cmd.Flags().StringVar(&builtin, "builtin", "", "a pack that comes with the program")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "report what would change, and change nothing")
	return cmd
}

// readPack reads a whole pack. What is wrong comes back as one error, line by line.
func readPack(path, builtin string) (*pack.Pack, error) {
	if builtin != "" {
		files, err := packs.Open(builtin)
		if err != nil {
			return nil, domain.InvalidFieldIn("--builtin", words.Plain("must be one of "+strings.Join(packs.Names(), ", ")))
		}
		return checkedPack(files)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, domain.InvalidFieldIn("PATH", words.Plain("there is no such file or folder, or it may not be read"))
	}
	if info.IsDir() {
		root, err := os.OpenRoot(path) // links that lead out of the folder are not followed
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return checkedPack(root.FS())
	}
	if !strings.EqualFold(filepath.Ext(path), ".zip") {
		return nil, domain.InvalidFieldIn("PATH", words.Plain("must be the folder or the zip archive of a pack; an item bank alone is part of no course"))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files, err := pack.OpenZip(f, info.Size())
	if err != nil {
		return nil, domain.InvalidFieldIn("PATH", words.Plain(err.Error()))
	}
	return checkedPack(files)
}

func checkedPack(files fs.FS) (*pack.Pack, error) {
	p, err := pack.Read(files)
	if err != nil {
		return nil, fmt.Errorf("the pack has errors; nothing was imported\n%w", err)
	}
	return p, nil
}

// printImport writes what an import did, and what of the pack its author can hardly have meant.
func printImport(out io.Writer, rep catalog.ImportReport, warnings []pack.Error, dryRun bool) error {
	switch {
	case rep.Unchanged:
		_, err := fmt.Fprintf(out, "%s %s was there already: nothing changed\n", rep.Course, rep.Version)
		return err
	case rep.Was == "":
		fmt.Fprintf(out, "%s %s is new\n", rep.Course, rep.Version)
	default:
		fmt.Fprintf(out, "%s %s after %s\n", rep.Course, rep.Version, rep.Was)
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tadded\tchanged\tunchanged\tremoved\t")
	for _, k := range []struct {
		name string
		n    catalog.Counts
	}{{"sections", rep.Sections}, {"lessons", rep.Lessons}, {"items", rep.Items}, {"tests", rep.Tests}, {"resources", rep.Resources}, {"pictures", rep.Pictures}} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t\n", k.name, k.n.Added, k.n.Changed, k.n.Unchanged, k.n.Removed)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, warning := range warnings {
		fmt.Fprintf(out, "WARNING %s\n", warning.Error())
	}
	if dryRun {
		fmt.Fprintln(out, "Dry run: nothing was written.")
	}
	return nil
}

func contentList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the course packs that come with the program", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tVERSION\tTITLE\tSECTIONS\tITEMS\tTESTS\tLICENCE")
			for _, name := range packs.Names() {
				p, err := readPack("", name)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", p.Name, p.Version, p.Title, len(p.Sections), len(p.Items), len(p.Tests), p.Licence)
			}
			return w.Flush()
		}}
}
