package simulate

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"dollars": dollars,
	"saving":  func(s Sweep) Range { return s.Across(Ours, Saving) },
	"median":  func(s Sweep, strategy string) float64 { return s.Across(strategy, Cost).Median },
	"over": func(s Sweep, strategy string) string {
		if n := s.Over(strategy); n >= 0 {
			return Thousands(float64(n))
		}
		return "none"
	},
	"met":       func(s Sweep) int { return s.Met() },
	"percent":   func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
	"thousands": Thousands,
	"whole":     func(n int) string { return Thousands(float64(n)) },
	"total": func(m map[string]int) (sum int) {
		for _, n := range m {
			sum += n
		}
		return sum
	},
	"picture": func(c Chart) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(c.PNG))
	},
	"countries": func(n int) string { return plural(n, "country", "countries") },
	"last":      func(s []Result) Result { return s[len(s)-1] },
}).Parse(reportHTML))

// WriteTable prints the comparison for a terminal.
func WriteTable(out io.Writer, sizes []Size) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range sizes {
		fmt.Fprintf(w, "%s%s\tcost USD\tless than static peak\tminutes over\t"+
			"of them not in static peak\trequests in them\tbelow need\tworst p99 ms\tchanges\tfailovers\truns on\n",
			plural(s.Countries, "country", "countries"), ofClusters(s.Clusters))
		for _, r := range s.Results {
			changes := 0
			for _, n := range r.Changes {
				changes += n
			}
			fmt.Fprintf(w, "  %s\t%s\t%.1f %%\t%d\t%d\t%s\t%d\t%.0f\t%d\t%d\t%s\n", r.Strategy, Thousands(r.Cost), 100*r.Saving, r.MinutesOver,
				r.OverElsewhere, Thousands(r.RequestsOver), r.BelowNeed, r.WorstP99, changes, r.Failovers, r.Sizing)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func ofClusters(n int) string {
	if n == 1 {
		return ""
	}
	return fmt.Sprintf(", %s clusters", Thousands(float64(n)))
}

// WriteReport writes report.html, which needs no other file, and each chart as PNG and SVG into a directory, which it makes.
// literal may be nil.
func WriteReport(dir string, a Assumptions, sweeps []Sweep, literal *Size) error {
	var sizes []Size
	for i := range sweeps {
		sizes = append(sizes, sweeps[i].First)
	}
	pictures, err := Charts(sizes)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, c := range pictures {
		if err := os.WriteFile(filepath.Join(dir, c.Name+".png"), c.PNG, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, c.Name+".svg"), c.SVG, 0o644); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return err
	}
	assumptions, err := json.MarshalIndent(a, "", "  ")
	if err == nil {
		err = reportPage.Execute(f, map[string]any{"A": a, "Sizes": sizes, "Sweeps": sweeps, "Charts": pictures, "Literal": literal, "All": string(assumptions)})
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
