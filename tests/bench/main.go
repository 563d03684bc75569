// Command bench measures what the platform is judged by: what a read and an audited write cost, against pgbench with the same
// statements through the same PgBouncer; what neighbours feel of a surge; whether the record day of the reference passes without a failed
// request; memory, and what many tenants cost. It runs the binary that is delivered as a process of its own, with the settings that are
// delivered, talks to loopback only, and ends by itself.
//
//	go run ./tests/bench                      every part
//	go run ./tests/bench -list                their names, a line each
//	go run ./tests/bench -only read,write     some of them
//
// The figures go to .lignum/bench.json, with the machine and the commit, and as a Markdown table to .lignum/bench.md. A goal that is
// missed ends the run with status 1, after everything was measured and printed.
//
// # A profile for the compiler
//
// With -profile FILE the run keeps a profile of the API's processor time, of all that it measured: to look at (go tool pprof), and to
// compile the program for what it does most (go build -pgo=FILE ./api/cmd/lignum, https://go.dev/doc/pgo). None is delivered:
// what it brings could not yet be told from noise, and it means compiling every package once more.
//
// # Adding a part
//
// A part is a name, a line that says what it measures, and a function (parts.go):
//
//	run func(ctx context.Context, b *bench) ([]figure, error)
//
// It stands in a file of its own, attempt.go say, and takes one line in the list of parts. Before it runs, main starts a fresh API:
// b.apiAddr answers for the tenants jamaica, bahamas and celearn, without quotas, b.apiPID is its process, b.issuer(slug) what tokens must say.
// b.store and b.registry reach the same database without it, b.cluster is PostgreSQL and PgBouncer, b.world(ctx, slug) a tenant with a course, a
// class and thirty learners with tokens. b.length and b.pairs are how long one measurement takes, and how often two sides are
// compared. b.usage() is the processor time of API, PgBouncer and PostgreSQL so far. A part that needs more begins with b.on(ctx, dataset): another
// database (kept.go), with the quotas of the tenants' plans. Figures are made with told, atMost and atLeast; resident memory is added to each part's by main.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

func main() {
	seconds := flag.Int("seconds", 4, "length of each measurement")
	pairs := flag.Int("pairs", 3, "how often each pair of measurements is taken in turn")
	windows := flag.Int("windows", 10, "how often a neighbour is measured alone and beside somebody")
	many := flag.Int("tenants", 1000, "how many tenants many are, 3 to 1000")
	crowd := flag.Int("crowd", 2000, "learners of one surge")
	share := flag.Float64("share", 1, "of the record day that is replayed, 0 to 1")
	entries := flag.Int("entries", 10_000_000, "of the trail of the large country, in what grows")
	match := flag.String("match", "", "of what grows, only what has this in its role and address")
	only := flag.String("only", "", "parts to run, separated by commas; all of them when empty")
	list := flag.Bool("list", false, "name the parts and end")
	profile := flag.String("profile", "", "keep a profile of the API's processor time in this file")
	out := flag.String("out", ".lignum/bench.json", "where the figures are kept, and the table beside it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	debug.SetGCPercent(400) // what the load takes for itself, the program does not have
	if flag.Arg(0) == besideCommand {
		if err := beside(ctx, flag.Arg(1)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if *list {
		listParts()
		return
	}
	b := &bench{length: time.Duration(*seconds) * time.Second, pairs: *pairs, windows: *windows, tenants: *many, crowd: *crowd, share: *share, entries: *entries, match: *match, profile: *profile}
	if err := run(ctx, b, *only, *out); err != nil {
		fmt.Fprintf(os.Stderr, "\nbench: %v\n", err)
		os.Exit(1)
	}
}

// run measures the parts one after the other. One that fails does not keep the others from being measured.
func run(ctx context.Context, b *bench, only, out string) (err error) {
	list, err := chosen(only)
	if err != nil {
		return err
	}
	r := report{Started: time.Now().UTC(), Commit: commit(), Machine: lookAtMachine()}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(ctx); err != nil {
		return err
	}
	for _, p := range list {
		heading("%s: %s", p.name, p.about)
		res := b.measure(ctx, p)
		res.print()
		r.Parts = append(r.Parts, res)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := errors.Join(r.save(out), b.saveProfile(ctx)); err != nil {
		return err
	}
	return r.verdict()
}

// measure runs one part against a fresh API, so that what it leaves in memory is its own.
func (b *bench) measure(ctx context.Context, p part) result {
	res := result{Name: p.name, About: p.about}
	start := time.Now()
	err := func() error {
		defer b.leave()
		defer b.stop()
		if err := b.enter(ctx, small); err != nil {
			return err
		}
		if err := b.lift(ctx); err != nil {
			return err
		}
		if err := b.serve(ctx); err != nil {
			return err
		}
		stop := b.profiling(ctx)
		figures, err := p.run(ctx, b)
		stop()
		if res.Figures = figures; !slices.ContainsFunc(figures, func(f figure) bool { return strings.HasPrefix(f.Name, "resident memory") }) {
			res.Figures = append(figures, told("resident memory of the API after "+p.name, b.resident(), "MB"))
		}
		return err
	}()
	res.Seconds = time.Since(start).Seconds()
	if err != nil {
		res.Error = err.Error()
	}
	return res
}
