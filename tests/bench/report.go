package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// figure is one line of the report.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Goal  string  `json:"goal"` // "at least 0.5", or "" for what is only told
	Met   bool    `json:"met"`
}

type report struct{ figures []figure }

func (r *report) tell(name string, value float64, unit string) {
	r.add(figure{Name: name, Value: value, Unit: unit, Met: true})
}

func (r *report) atLeast(name string, value float64, unit string, goal float64) {
	r.add(figure{name, value, unit, fmt.Sprintf("at least %g", goal), value >= goal})
}

func (r *report) atMost(name string, value float64, unit string, goal float64) {
	r.add(figure{name, value, unit, fmt.Sprintf("at most %g", goal), value <= goal})
}

func (r *report) add(f figure) {
	r.figures = append(r.figures, f)
	mark := ""
	if f.Goal != "" {
		mark = "  " + f.Goal + ": met"
		if !f.Met {
			mark = "  " + f.Goal + ": NOT MET"
		}
	}
	fmt.Printf("%-72s %10.2f %-10s%s\n", f.Name, f.Value, f.Unit, mark)
}

// save merges the figures into path: those of the same name are replaced, those of other benchmarks stay.
func (r *report) save(path string) error {
	var old []figure
	if raw, err := os.ReadFile(path); err == nil {
		if err := json.Unmarshal(raw, &old); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	old = slices.DeleteFunc(old, func(f figure) bool {
		return slices.ContainsFunc(r.figures, func(n figure) bool { return n.Name == f.Name })
	})
	raw, err := json.MarshalIndent(append(old, r.figures...), "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o644)
}

func (r *report) missed() (names []string) {
	for _, f := range r.figures {
		if !f.Met {
			names = append(names, f.Name)
		}
	}
	return names
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

func heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Printf("\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}
