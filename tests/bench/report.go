package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// report is one run: on what, of what, and all that was measured.
type report struct {
	Started time.Time `json:"started"`
	Commit  string    `json:"commit"` // with "+" when files were changed since
	Machine machine   `json:"machine"`
	Parts   []result  `json:"parts"`
}

// result is what one part gave.
type result struct {
	Name    string   `json:"name"`
	About   string   `json:"about"`
	Seconds float64  `json:"seconds"`
	Figures []figure `json:"figures"`
	Error   string   `json:"error,omitempty"` // why it could not be measured
}

func (r *result) print() {
	for _, f := range r.Figures {
		fmt.Printf("%-86s %s %s  %s\n", f.Name, f.value(), f.Unit, f.verdict())
	}
	if r.Error != "" {
		fmt.Printf("FAILED: %s\n", r.Error)
	}
	fmt.Printf("(%.0f s)\n", r.Seconds)
}

// save writes the run as JSON, and beside it as the Markdown table that README shows.
func (r *report) save(path string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(raw, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(strings.TrimSuffix(path, filepath.Ext(path))+".md", []byte(r.table()), 0o644)
}

// table is the run as Markdown.
func (r *report) table() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Commit %s, %s, %s\n\n| what | figure | goal |\n| --- | --- | --- |\n", r.Commit, r.Started.Format(time.DateOnly), r.Machine)
	for _, p := range r.Parts {
		for _, f := range p.Figures {
			goal := f.Goal
			if !f.Met {
				goal += ": **not met**"
			}
			fmt.Fprintf(&text, "| %s | %s %s | %s |\n", f.Name, f.value(), f.Unit, goal)
		}
		if p.Error != "" {
			fmt.Fprintf(&text, "| %s | **could not be measured** | |\n", p.Name)
		}
	}
	return text.String()
}

// verdict is an error that names the goals that were missed and the parts that could not be measured; nil when there are none.
func (r *report) verdict() error {
	var wrong []error
	for _, p := range r.Parts {
		if p.Error != "" {
			wrong = append(wrong, fmt.Errorf("%s could not be measured: %s", p.Name, p.Error))
		}
		for _, f := range p.Figures {
			if !f.Met {
				wrong = append(wrong, fmt.Errorf("not met: %s is %s %s, the goal %s", f.Name, f.value(), f.Unit, f.Goal))
			}
		}
	}
	return errors.Join(wrong...)
}

func heading(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Printf("\n%s\n%s\n", text, strings.Repeat("-", len(text)))
}
