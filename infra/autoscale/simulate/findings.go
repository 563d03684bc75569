package simulate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// jamaica is five hours behind UTC all year.
var jamaica = time.FixedZone("Jamaica", -5*3600)

// Charts draws the report's pictures: each title says what the figures show, whatever they are.
func Charts(sizes []Size) ([]Chart, error) {
	last := sizes[len(sizes)-1]
	var out []Chart
	for _, make := range []func() (Chart, error){
		func() (Chart, error) { return costChart(sizes) },
		func() (Chart, error) { return ExamWeek(last) },
		func() (Chart, error) { return stormChart(sizes[0]) },
		func() (Chart, error) { return monthChart(last) },
		func() (Chart, error) { return changesChart(sizes) },
	} {
		c, err := make()
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func groups(sizes []Size) (names []string) {
	for _, s := range sizes {
		names = append(names, plural(s.Countries, "country", "countries"))
	}
	return names
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

var strategies = []string{StaticPeak, Reactive, Serverless, Burstable, Ours}

func costChart(sizes []Size) (Chart, error) {
	values := make([][]float64, len(strategies))
	low, high := math.Inf(1), math.Inf(-1)
	for _, s := range sizes {
		for i, r := range s.Results {
			values[i] = append(values[i], r.Cost)
		}
		low, high = math.Min(low, s.Of(Ours).Saving), math.Max(high, s.Of(Ours).Saving)
	}
	finding := fmt.Sprintf("Ours costs %.0f %% less than a cluster sized for the peak", 100*low)
	if math.Round(100*low) != math.Round(100*high) {
		finding = fmt.Sprintf("Ours costs %.0f to %.0f %% less than a cluster sized for the peak", 100*low, 100*high)
	}
	return bars("cost", finding, "USD for the time simulated", strategies, groups(sizes), values, dollars, true)
}

func dollars(v float64) string { return "$" + Thousands(v) }

// Thousands writes a number with commas, without decimals.
func Thousands(v float64) string {
	s := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if v <= -0.5 {
		s = "-" + s
	}
	return s
}

// window takes ten-minute steps: the highest load of each, the lowest capacity.
func window(size Size, from, days int) (load, static, ours []float64) {
	for at := from; at <= from+days*1440; at += 10 {
		l, s, o := 0.0, math.Inf(1), math.Inf(1)
		for m := max(0, at); m < min(at+10, size.Load.Minutes); m++ {
			l = math.Max(l, size.Load.WriterBurst[m]+size.Load.ReaderBurst[m])
			s = math.Min(s, float64(size.Of(StaticPeak).Capacity[m]))
			o = math.Min(o, float64(size.Of(Ours).Capacity[m]))
		}
		if math.IsInf(s, 1) { // outside the time simulated
			l, s, o = 0, 0, 0
		}
		load, static, ours = append(load, l), append(static, s), append(ours, o)
	}
	return load, static, ours
}

const (
	vcpu    = "vCPU of the database"
	busiest = "load (busiest seconds of each 10 minutes)"
)

// ExamWeek shows the week of the record day, load against capacity.
func ExamWeek(size Size) (Chart, error) {
	day := size.Load.Start.Add(time.Duration(size.Load.RecordAt) * time.Minute).In(jamaica)
	from := size.Load.RecordAt - 1440*((int(day.Weekday())+6)%7) // Monday
	load, static, ours := window(size, from, 7)
	start := size.Load.Start.Add(time.Duration(from) * time.Minute).In(jamaica)
	what := "capacity rises for large exams"
	if slices.Min(ours) == slices.Max(ours) {
		what = "the smallest rung holds every exam"
	}
	cheaper := fmt.Sprintf("%.0f %% cheaper a year", 100*size.Of(Ours).Saving)
	if size.Of(Ours).Saving < 0 {
		cheaper = fmt.Sprintf("%.0f %% dearer a year", -100*size.Of(Ours).Saving)
	}
	who := plural(size.Countries, "country", "countries")
	if size.Load.Scale != 1 {
		who += fmt.Sprintf(", %g times the users", size.Load.Scale)
	}
	finding := fmt.Sprintf("Exam week, %s: %s (%s)", who, what, cheaper)
	return lines("exam-week", finding, vcpu, start, 7, []string{StaticPeak, Ours, "load"},
		[]string{"capacity paid for: static peak", "capacity paid for: ours", busiest}, [][]float64{static, ours, load})
}

func stormChart(size Size) (Chart, error) {
	from := size.Load.StormAt - 3*1440
	load, _, ours := window(size, from, 14)
	start := size.Load.Start.Add(time.Duration(from) * time.Minute).In(jamaica)
	finding := fmt.Sprintf("Hurricane of %s, %s: capacity held the flood after it, which nobody forecast",
		start.AddDate(0, 0, 3).Format("2 January"), plural(size.Countries, "country", "countries"))
	if over := overBetween(size.Of(Ours), from, 14); over > 0 {
		finding = fmt.Sprintf("Hurricane of %s, %s: %d minutes were over the objective",
			start.AddDate(0, 0, 3).Format("2 January"), plural(size.Countries, "country", "countries"), over)
	}
	return lines("hurricane", finding, vcpu, start, 14, []string{Ours, "load"}, []string{"capacity paid for: ours", busiest}, [][]float64{ours, load})
}

func overBetween(r *Result, from, days int) (n int) {
	for m := max(0, from); m < min(len(r.over), from+days*1440); m++ {
		if r.over[m] {
			n++
		}
	}
	return n
}

func monthChart(size Size) (Chart, error) {
	months := []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	values := make([][]float64, len(strategies))
	for i, r := range size.Results {
		values[i] = r.MonthCost[:]
	}
	what := "ours follows the school year"
	if bill := size.Of(Ours).MonthCost; slices.Min(bill[:]) > 0.85*slices.Max(bill[:]) { // February is 0.9 of March
		what = "ours is the same each month"
	}
	finding := fmt.Sprintf("The year's bill, %s: %s", plural(size.Countries, "country", "countries"), what)
	return bars("months", finding, "USD a month", strategies, months, values, dollars, false)
}

func changesChart(sizes []Size) (Chart, error) {
	size := sizes[len(sizes)-1]
	values := make([][]float64, len(strategies))
	for i, r := range size.Results {
		for _, k := range kindNames {
			values[i] = append(values[i], float64(r.Changes[k]))
		}
	}
	finding := fmt.Sprintf("Changes, %s: ours made %s", plural(size.Countries, "country", "countries"), plural(size.Of(Ours).Failovers, "failover", "failovers"))
	kinds := []string{"range set", "reader added", "reader removed", "reader resized", "failover"}
	return bars("changes", finding, "changes in the time simulated", strategies, kinds, values, Thousands, true)
}
