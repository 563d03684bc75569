package simulate

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// sizeStatic returns the cheapest shape without any change that holds every minute of the year at the objective: each provisioned
// class that is not burstable and each fixed size of Serverless v2, with at least some readers. It knows the whole year
// beforehand, surprises too, which nobody who buys a database does. Burstable ones are told beside it, since AWS recommends
// them for development and tests: what is bought once for a peak, and not watched, has none of them.
func sizeStatic(a Assumptions, load *Load, readers int) (shape, error) {
	var all []shape
	for n := readers; n < mostInstances; n++ {
		for i := range a.Prices.fixed() {
			all = append(all, shape{Class: i, Readers: n})
		}
		for acu := 0.5; acu <= 256; acu += 0.5 + float64(int(acu/16)) {
			all = append(all, shape{Class: serverlessIndex, Readers: n, MinACU: acu, MaxACU: acu})
		}
	}
	if s, ok := cheapest(a, load, all); ok {
		return s, nil
	}
	return shape{}, errors.New("no single cluster holds the year's highest minute at the objective; divide the tenants among more clusters")
}

// sizeBurstable returns the cheapest burstable shape without any change that holds every minute of the year, or the dearest pair
// when none does, and whether there is a burstable class at all. What it pays for borrowed credits is not known beforehand.
func sizeBurstable(a Assumptions, load *Load, readers int) (shape, bool) {
	var all []shape
	for n := readers; n < mostInstances; n++ {
		for i := a.Prices.fixed(); i < len(a.Prices.Classes); i++ {
			all = append(all, shape{Class: i, Readers: n})
		}
	}
	if len(all) == 0 {
		return shape{}, false
	}
	s, ok := cheapest(a, load, all)
	if !ok {
		s = shape{Class: len(a.Prices.Classes) - 1, Readers: readers}
	}
	return s, true
}

// cheapest is the first of the shapes, by price, that holds every minute.
func cheapest(a Assumptions, load *Load, all []shape) (shape, bool) {
	slices.SortStableFunc(all, func(x, y shape) int { return cmp.Compare(x.hour(a), y.hour(a)) })
	highest := worst(load)
	for _, s := range all {
		if !tooSmall(a, load, s, highest) && holds(a, load, s) {
			return s, true
		}
	}
	return shape{}, false
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

// worst returns the minute with the highest work.
func worst(load *Load) int {
	at := 0
	for m := range load.Minutes {
		if load.WriterBurst[m]+load.ReaderBurst[m] > load.WriterBurst[at]+load.ReaderBurst[at] {
			at = m
		}
	}
	return at
}

// tooSmall tries the highest minute alone, which rules most shapes out at once. Burstable ones have all the credits that they can.
func tooSmall(a Assumptions, load *Load, s shape, m int) bool {
	c := newCluster(&a, s, load.HotSetGiB)
	for i := range c.n {
		if s.Class != serverlessIndex {
			c.members[i].credits = a.Prices.Classes[s.Class].mostCredits()
		}
	}
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
