package verify

import (
	"fmt"
	"time"
)

// count gives what a meter counts on the days of a period.
func (e evidence) count(name string, p period, at clocks) (int64, error) {
	var m meter
	for _, one := range e.Meters {
		if one.Name == name {
			m = one
		}
	}
	first, end := at.starts(p.From), at.starts(p.To)
	within := func(f fact) bool { return !f.At.Before(first) && f.At.Before(end) }
	switch m.Aggregate {
	case "sum":
		sum := int64(0)
		for _, f := range e.Facts {
			if f.Meter == name && within(f) {
				sum += f.Quantity
			}
		}
		return sum, nil
	case "distinct":
		of := m.Of
		if len(of) == 0 {
			of = []string{name}
		}
		in := make([]map[string]bool, len(of))
		for n, meter := range of {
			in[n] = map[string]bool{}
			for _, f := range e.Facts {
				if f.Meter == meter && f.Quantity > 0 && within(f) {
					in[n][f.Subject] = true
				}
			}
		}
		count := int64(0)
		for subject := range in[0] {
			everywhere := true
			for _, set := range in[1:] {
				everywhere = everywhere && set[subject]
			}
			if everywhere {
				count++
			}
		}
		return count, nil
	case "latest":
		return e.levels(name, end), nil
	case "by_day":
		sum := int64(0)
		for d := p.From.number(); d < p.To.number(); d++ {
			sum += e.levels(name, at.starts(dateOf(d+1)))
		}
		return sum, nil
	case "highest":
		highest := e.levels(name, first)
		for _, f := range e.Facts {
			if f.Meter == name && within(f) {
				highest = max(highest, e.levels(name, f.At.Add(1))) // and with all that happened at the same moment
			}
		}
		return highest, nil
	}
	return 0, fmt.Errorf("%q is counted by %q, which is not known here", name, m.Aggregate)
}

// levels adds up the levels that hold just before a moment: of each subject that of its last fact, by time and then by key.
func (e evidence) levels(name string, before time.Time) int64 {
	last := map[string]fact{}
	for _, f := range e.Facts {
		if f.Meter != name || !f.At.Before(before) {
			continue
		}
		if l, known := last[f.Subject]; !known || l.At.Before(f.At) || l.At.Equal(f.At) && l.Key < f.Key {
			last[f.Subject] = f
		}
	}
	sum := int64(0)
	for _, f := range last {
		sum += f.Quantity
	}
	return sum
}
