package main

import (
	"fmt"
	"slices"
)

// figure is one line of the report.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Low   float64 `json:"low,omitempty"`  // of the interval in which the value lies; both are 0 when none was taken
	High  float64 `json:"high,omitempty"` //
	Goal  string  `json:"goal,omitempty"` // "at least 0.5", or "" for what is only told
	Met   bool    `json:"met"`            // true where there is no goal
}

// told is a figure without a goal.
func told(name string, value float64, unit string) figure {
	return figure{Name: name, Value: value, Unit: unit, Met: true}
}

func atLeast(name string, value float64, unit string, goal float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("at least %g", goal), Met: value >= goal}
}

func atMost(name string, value float64, unit string, goal float64) figure {
	return figure{Name: name, Value: value, Unit: unit, Goal: fmt.Sprintf("at most %g", goal), Met: value <= goal}
}

// between adds the interval.
func (f figure) between(low, high float64) figure {
	f.Low, f.High = low, high
	return f
}

// value is the figure as it is read: with its interval, if it has one.
func (f figure) value() string {
	text := amount(f.Value)
	if f.Low != 0 || f.High != 0 {
		text += " (" + amount(f.Low) + " to " + amount(f.High) + ")"
	}
	return text
}

// amount writes a number with as many digits as mean something.
func amount(v float64) string {
	switch {
	case v == float64(int64(v)), v >= 100, v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// verdict is what came of the goal.
func (f figure) verdict() string {
	switch {
	case f.Goal == "":
		return ""
	case f.Met:
		return f.Goal + ": met"
	}
	return f.Goal + ": NOT MET"
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(values))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}
