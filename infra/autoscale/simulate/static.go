package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// sizeStatic gives the cheapest shape without any change that holds every minute of the year at the objective: each provisioned
// class and each fixed size of Serverless v2, with at least some readers. It knows the whole year beforehand, surprises too,
// which nobody who buys a database does.
func sizeStatic(a Assumptions, load *Load, readers int) (shape, error) {
	var all []shape
	for n := readers; n < mostInstances; n++ {
		for i := range a.Prices.Classes {
			all = append(all, shape{Class: i, Readers: n})
		}
		for acu := 0.5; acu <= 256; acu += 0.5 + float64(int(acu/16)) {
			all = append(all, shape{Class: serverlessIndex, Readers: n, MinACU: acu, MaxACU: acu})
		}
	}
	slices.SortStableFunc(all, func(x, y shape) int { return cmp.Compare(x.hour(a), y.hour(a)) })
	highest := worst(load)
	for _, s := range all {
		if tooSmall(a, load, s, highest) {
			continue
		}
		if holds(a, load, s) {
			return s, nil
		}
	}
	return shape{}, errors.New("no single cluster holds the year's highest minute at the objective; divide the tenants among more clusters")
}

// hour is what a shape costs an hour, USD.
func (s shape) hour(a Assumptions) float64 {
	one := s.MaxACU * a.Prices.ACU
	if s.Class != serverlessIndex {
		one = a.Prices.Classes[s.Class].Hour
	}
	return one * float64(s.Readers+1)
}

func (s shape) describe(a Assumptions) string {
	switch {
	case s.Class != serverlessIndex:
		return fmt.Sprintf("%d x %s", s.Readers+1, a.Prices.Classes[s.Class].Name)
	case s.MinACU == s.MaxACU:
		return fmt.Sprintf("%d x %g ACU", s.Readers+1, s.MaxACU)
	}
	return fmt.Sprintf("%d x %g to %g ACU", s.Readers+1, s.MinACU, s.MaxACU)
}

// worst gives the minute with the highest work.
func worst(load *Load) int {
	at := 0
	for m := range load.Minutes {
		if load.WriterBurst[m]+load.ReaderBurst[m] > load.WriterBurst[at]+load.ReaderBurst[at] {
			at = m
		}
	}
	return at
}

// tooSmall tries the highest minute alone, which rules most shapes out at once.
func tooSmall(a Assumptions, load *Load, s shape, m int) bool {
	c := newCluster(&a, s, load.HotSetGiB)
	return c.minute(load.Writer[m], load.Reader[m], load.WriterBurst[m], load.ReaderBurst[m], load.Requests[m]).p99 > a.ObjectiveMs
}

// holds says whether a shape keeps the objective in every minute.
func holds(a Assumptions, load *Load, s shape) bool {
	c := newCluster(&a, s, load.HotSetGiB)
	for m := range load.Minutes {
		if c.minute(load.Writer[m], load.Reader[m], load.WriterBurst[m], load.ReaderBurst[m], load.Requests[m]).p99 > a.ObjectiveMs {
			return false
		}
	}
	return true
}
