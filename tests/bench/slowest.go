package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lignum/tests/load"
)

// slowestShown is how many statements of the record day are shown.
const slowestShown = 10

// slowest tells the statements of the day that took PostgreSQL longest in total, and writes their plans to .lignum/plans: what PostgreSQL
// does when it is asked by the pages themselves, seen by auto_explain while some more of them are loaded.
func (b *bench) slowest(ctx context.Context, d *dayOf) ([]figure, error) {
	top := d.top[:min(slowestShown, len(d.top))]
	total := 0.0
	for _, s := range d.top {
		total += s.Total
	}
	plans, err := b.plans(ctx, d)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(filepath.Dir(home), "plans")
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	fmt.Printf("  the %d statements that took longest in total, of %.0f s of execution in all; their plans are in %s\n", len(top), total/1000, dir)
	seen := 0
	for i, s := range top {
		line := strings.Join(strings.Fields(s.Text), " ")
		fmt.Printf("  %2d. %5.1f %%  %8d times  %7.3f ms  %s\n", i+1, 100*s.Total/max(total, 1e-9), s.Calls, s.Total/float64(s.Calls), clip(line, 110))
		plan, ok := plans[skeleton(s.Text)]
		if ok {
			seen++
		} else {
			plan = "(no plan was seen)\n"
		}
		text := fmt.Sprintf("query id %d: %d calls, %.1f ms in all, %.3f ms each, %d rows\n\n%s\n\n%s", s.ID, s.Calls, s.Total, s.Total/float64(s.Calls), s.Rows, s.Text, plan)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%02d.txt", i+1)), []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return []figure{
		told("record day: share of the execution time that the ten slowest statements take", 100*sumOf(top)/max(total, 1e-9), "%"),
		atLeast("record day: plans of these that were seen", float64(seen), "", float64(len(top))),
	}, nil
}

func sumOf(list []statement) (total float64) {
	for _, s := range list {
		total += s.Total
	}
	return total
}

// plans lets some people go through another day with auto_explain at work, and gives the slowest plan of each statement by its skeleton.
func (b *bench) plans(ctx context.Context, d *dayOf) (plans map[string]string, err error) {
	undo, err := b.forRole(ctx, d.role, [][2]string{{"session_preload_libraries", "auto_explain"}, {"auto_explain.log_min_duration", "0"}, {"auto_explain.log_analyze", "on"},
		{"auto_explain.log_buffers", "on"}, {"auto_explain.log_verbose", "on"}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, undo()) }()
	plans = map[string]string{}
	longest := map[string]float64{}
	wanted := func() bool {
		return slices.ContainsFunc(d.top[:min(slowestShown, len(d.top))], func(s statement) bool { return plans[skeleton(s.Text)] == "" })
	}
	steps := load.Plan(60, d.replay.Country.Staff[:min(3, len(d.replay.Country.Staff))], 1000)
	for begin := 0; begin < len(steps) && wanted(); begin += 30 {
		text, err := logDuring(func() error {
			d.replay.Run(ctx, steps[begin:min(len(steps), begin+30)], load.NewTally())
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
		readPlans(text, plans, longest)
	}
	return plans, nil
}

var planStart = regexp.MustCompile(`LOG:  duration: ([0-9.]+) ms  plan:\x00\s*Query Text: `)

// readPlans collects what auto_explain wrote, the slowest of each statement, by the statement's skeleton. A line that begins with a tab belongs
// to the one before.
func readPlans(text string, plans map[string]string, longest map[string]float64) {
	for entry := range strings.SplitSeq(strings.ReplaceAll(text, "\n\t", "\x00"), "\n") {
		m := planStart.FindStringSubmatchIndex(entry)
		if m == nil {
			continue
		}
		took, _ := strconv.ParseFloat(entry[m[2]:m[3]], 64) // the pattern is a number
		rest := strings.ReplaceAll(entry[m[1]:], "\x00", "\n")
		at := planLine.FindStringIndex(rest)
		if at == nil {
			continue
		}
		if key := skeleton(rest[:at[0]]); took >= longest[key] {
			plans[key], longest[key] = fmt.Sprintf("%.3f ms\n%s\n", took, rest[at[0]:]), took
		}
	}
}

// planLine is the first of a plan, after the statement's text.
var planLine = regexp.MustCompile(`(?m)^\S[^\n]*\(cost=`)

var constant = regexp.MustCompile(`(?i)\$\d+|\be?'(?:[^']|'')*'|'(?:[^']|'')*'|-?\b\d+(?:\.\d+)?(?:e\d+)?\b|\b(?:true|false|null)\b`)

var extracted = regexp.MustCompile(`(?i)\bextract\((?:\w+|\$\d+)`) // what is extracted is a constant, to PostgreSQL

// skeleton is a statement without its constants and its spacing: the same for what was sent and for what pg_stat_statements shows of it. PostgreSQL 15
// writes no query id beside a plan.
func skeleton(sql string) string {
	sql = extracted.ReplaceAllString(sql, "extract(?")
	return strings.Join(strings.Fields(constant.ReplaceAllString(sql, " ? ")), " ")
}
