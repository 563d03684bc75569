package pack

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"lignum/domain/catalog/item"
)

// WriteText writes the report for a person at a terminal. The error is that of w.
func (rep Report) WriteText(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: %s", rep.Path, rep.Type)
	if rep.Name != "" {
		fmt.Fprintf(out, " %s %s, %s", rep.Name, rep.Version, rep.Title)
	}
	fmt.Fprintf(out, "\n%s, %s%s\n", count(rep.Lessons, "lesson"), count(rep.Items, "item"), kinds(rep.Kinds))
	for _, kind := range slices.Sorted(maps.Keys(rep.Resources)) {
		fmt.Fprintf(out, "%s of kind %s\n", count(rep.Resources[kind], "resource"), kind)
	}
	if len(rep.Sections) > 0 {
		fmt.Fprintln(out)
		table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "SECTION\tLESSONS\tMINUTES\tITEMS\tKINDS")
		for _, s := range rep.Sections {
			fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%s\n", orDash(s.Code), s.Lessons, s.Minutes, s.Items, strings.TrimPrefix(kinds(s.Kinds), ": "))
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	for _, t := range rep.Tests {
		fmt.Fprintf(out, "\nTEST %s (%s): %s, %s, %d minutes\n", t.Slug, t.Kind, t.Title, count(t.Items, "item"), t.Minutes)
		for _, d := range t.Blueprint {
			fmt.Fprintf(out, "  %s: %d of %d\n", d.Section, d.Items, d.Bank)
		}
	}
	list(out, "WARNING", rep.Warnings)
	list(out, "ERROR", rep.Errors)
	fmt.Fprintf(out, "\n%s, %s\n", count(len(rep.Errors), "error"), count(len(rep.Warnings), "warning"))
	return out.Flush()
}

func list(out io.Writer, label string, errs []Error) {
	if len(errs) > 0 {
		fmt.Fprintln(out)
	}
	for _, e := range errs {
		fmt.Fprintf(out, "%s %s\n", label, e.Error())
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func kinds(by map[item.Kind]int) string {
	var parts []string
	for _, k := range item.Kinds {
		if by[k] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", by[k], strings.ReplaceAll(string(k), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
