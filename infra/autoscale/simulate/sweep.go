package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"text/tabwriter"
)

// GoalSaving is the share of static peak's cost by which ours has to be cheaper, in every year.
const GoalSaving = 0.6

// atOnce is how many years are simulated at the same time: each takes a processor, and some 50 MB.
const atOnce = 2

// Sweep is the comparison of one number of countries over several years, which differ in their seeds alone: users, noise, what
// exams bring, and the surges that nobody announced.
type Sweep struct {
	Countries int    `json:"countries"`
	Years     []Year `json:"years"` // by seed
	First     Size   `json:"-"`     // the first year's, with all that charts need
}

// Year is what one seed's year came to.
type Year struct {
	Seed    int64    `json:"seed"`
	Results []Result `json:"results"` // as of Size, without capacity by minute
}

// Years simulates all strategies for one number of countries in as many years as there are seeds, 1 to 1000: a.Seed and those
// after it. The figures do not depend on how many processors there are.
func Years(a Assumptions, countries, seeds int) (Sweep, error) {
	if seeds < 1 || seeds > 1000 {
		return Sweep{}, fmt.Errorf("%d seeds; there must be 1 to 1000", seeds)
	}
	sweep := Sweep{Countries: countries, Years: make([]Year, seeds)}
	failed := make([]error, seeds)
	var wait sync.WaitGroup
	next := make(chan int)
	for range min(atOnce, seeds) {
		wait.Go(func() {
			for i := range next {
				b := a
				b.Seed += int64(i)
				size, err := Compare(b, countries)
				if failed[i] = err; err != nil {
					continue
				}
				if i == 0 {
					sweep.First = size
				}
				sweep.Years[i] = Year{Seed: b.Seed, Results: slices.Clone(size.Results)}
				for k := range sweep.Years[i].Results {
					r := &sweep.Years[i].Results[k]
					r.Capacity, r.over = nil, nil // 2.5 MB a year and strategy
				}
			}
		})
	}
	for i := range seeds {
		next <- i
	}
	close(next)
	wait.Wait()
	for i, err := range failed {
		if err != nil {
			return Sweep{}, fmt.Errorf("seed %d: %w", a.Seed+int64(i), err)
		}
	}
	return sweep, nil
}

// of returns a strategy's result of a year, or nil.
func (y *Year) of(strategy string) *Result { return (&Size{Results: y.Results}).Of(strategy) }

// Missed says which goal the year misses, or nothing: ours must be cheaper than static peak by GoalSaving, and be over the
// objective in no minute in which static peak holds it.
func (y *Year) Missed() string {
	ours := y.of(Ours)
	switch {
	case ours.OverElsewhere > 0:
		return fmt.Sprintf("%s over the objective that static peak holds", plural(ours.OverElsewhere, "minute", "minutes"))
	case ours.Saving < GoalSaving:
		return fmt.Sprintf("%.1f %% less than static peak, the goal is %.0f %%", 100*ours.Saving, 100*GoalSaving)
	}
	return ""
}

// Goals returns an error that names every year in which a goal is missed.
func Goals(sweeps []Sweep) error {
	var wrong []error
	for _, s := range sweeps {
		for i := range s.Years {
			if why := s.Years[i].Missed(); why != "" {
				wrong = append(wrong, fmt.Errorf("%s, seed %d: %s", plural(s.Countries, "country", "countries"), s.Years[i].Seed, why))
			}
		}
	}
	return errors.Join(wrong...)
}

// Range is the lowest, the middle and the highest of the years.
type Range struct{ Min, Median, Max float64 }

// Across returns the range of a figure of one strategy, which must have been simulated.
func (s *Sweep) Across(strategy string, figure func(*Result) float64) Range {
	var all []float64
	for i := range s.Years {
		all = append(all, figure(s.Years[i].of(strategy)))
	}
	slices.SortFunc(all, cmp.Compare)
	return Range{all[0], (all[(len(all)-1)/2] + all[len(all)/2]) / 2, all[len(all)-1]}
}

// Over is the number of minutes over the objective in all years, or -1 for a strategy that was not simulated.
func (s *Sweep) Over(strategy string) int {
	sum := 0
	for i := range s.Years {
		r := s.Years[i].of(strategy)
		if r == nil {
			return -1
		}
		sum += r.MinutesOver
	}
	return sum
}

// Met is the number of years that meet both goals.
func (s *Sweep) Met() int {
	n := 0
	for i := range s.Years {
		if s.Years[i].Missed() == "" {
			n++
		}
	}
	return n
}

// Saving and Cost are figures for Across.
func Saving(r *Result) float64 { return r.Saving }

// Cost is in USD.
func Cost(r *Result) float64 { return r.Cost }

// WriteSweeps prints the years' comparison for a terminal.
func WriteSweeps(out io.Writer, sweeps []Sweep) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "all seeds\tseeds\tsaving min\tmedian\tmax\tseeds that meet both goals\tminutes over: ours\tstatic peak\tServerless v2 alone\tburstable pair"+
		"\tUSD (median): ours\tstatic peak\tburstable pair\tfailovers of ours")
	for i := range sweeps {
		s := &sweeps[i]
		saving := s.Across(Ours, Saving)
		pair, over := "none", "none"
		if n := s.Over(Burstable); n >= 0 {
			pair, over = Thousands(s.Across(Burstable, Cost).Median), Thousands(float64(n))
		}
		fmt.Fprintf(w, "  %s\t%d\t%.1f %%\t%.1f %%\t%.1f %%\t%d of %d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f at most\n", plural(s.Countries, "country", "countries"), len(s.Years),
			100*saving.Min, 100*saving.Median, 100*saving.Max, s.Met(), len(s.Years), Thousands(float64(s.Over(Ours))), Thousands(float64(s.Over(StaticPeak))),
			Thousands(float64(s.Over(Serverless))), over, Thousands(s.Across(Ours, Cost).Median), Thousands(s.Across(StaticPeak, Cost).Median), pair,
			s.Across(Ours, func(r *Result) float64 { return float64(r.Failovers) }).Max)
	}
	return w.Flush()
}
