package simulate

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lignum/tests/tenth"
)

// The goals: ours costs at least 60 % less than static peak, and misses the objective in no minute in which static peak holds it.
func TestGoals(t *testing.T) {
	for _, countries := range tenth.Of(t, []int{3, 10, 30}) {
		t.Run(plural(countries, "country", "countries"), func(t *testing.T) {
			t.Parallel()
			a := Default()
			a.Days = goalDays
			s, err := Compare(a, countries)
			if err != nil {
				t.Fatal(err)
			}
			static, ours := s.Of(StaticPeak), s.Of(Ours)
			if ours.Saving < goalSaving {
				t.Errorf("ours costs $%.0f, %.1f %% less than static peak's $%.0f; the goal is %.0f %%", ours.Cost, 100*ours.Saving, static.Cost, 100*goalSaving)
			}
			if ours.OverElsewhere > 0 || static.MinutesOver > 0 {
				t.Errorf("minutes over the objective: ours %d (%d of them its own), static peak %d", ours.MinutesOver, ours.OverElsewhere, static.MinutesOver)
			}
			if ours.Failovers > 0 {
				t.Errorf("%d failovers", ours.Failovers)
			}
		})
	}
}

func TestTheSameAssumptionsGiveTheSameFigures(t *testing.T) {
	a := Default()
	a.Days = 21
	var all [2]string
	for i := range all {
		s, err := Compare(a, 2)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := WriteTable(&out, []Size{s}); err != nil {
			t.Fatal(err)
		}
		all[i] = out.String()
	}
	if all[0] != all[1] {
		t.Errorf("two runs differ:\n%s\n%s", all[0], all[1])
	}
}

func TestReportStandsAlone(t *testing.T) {
	a := Default()
	a.Days = 268
	s, err := Compare(a, 1)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	if err := WriteReport(dir, a, []Size{s}, nil); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append([]string{"1 country", dollars(s.Of(Ours).Cost), "&#34;read_ms&#34;: 0.8", a.Prices.Source}, strategies...) {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not have %q", want)
		}
	}
	for _, not := range []string{`src="http`, "<script", `href="`, "ZgotmplZ"} {
		if bytes.Contains(page, []byte(not)) {
			t.Errorf("the report needs something from elsewhere: %s", not)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(pictures) != 5 {
		t.Fatalf("%d pictures, %v", len(pictures), err)
	}
	for _, p := range pictures {
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(data)); err != nil || len(data) > 100_000 {
			t.Errorf("%s: %d bytes, %v", filepath.Base(p), len(data), err)
		}
	}
	var out strings.Builder
	if err := WriteTable(&out, []Size{s}); err != nil || !strings.Contains(out.String(), "less than static peak") {
		t.Errorf("the table: %v\n%s", err, &out)
	}
}

// The literal run is on paper: the work of all clusters together must be that of the whole.
func TestLiteralDividesTheWholeLoad(t *testing.T) {
	a := Default()
	a.Scale = LiteralScale
	load := mustLoad(t, a, 1)
	if day := sum(load.Requests[load.RecordAt:load.RecordAt+1440]) / 1_052_165e6; day < 0.99 || day > 1.01 {
		t.Errorf("the literal record day has %.3f of 1,052,165 million requests", day)
	}
	part := load.divide(1000)
	near(t, "work of 1,000 clusters", 1000*sum(part.Writer), sum(load.Writer))
	if load.Events[0].Learners < 999*(part.Events[0].Learners-1) || len(part.Events) != len(load.Events) {
		t.Error("the events are not divided")
	}
	s, err := ladder(a, load)
	if err != nil {
		t.Fatal(err)
	}
	n := clustersFor(a, load, s)
	if n < 2 || clustersFor(a, load.divide(n), s) != 1 {
		t.Errorf("%d clusters, and each would need %d", n, clustersFor(a, load.divide(n), s))
	}
}
