package simulate

import (
	"fmt"
	"math"
	"time"

	"github.com/go-analyze/charts"
)

// Chart is one picture of the report.
type Chart struct {
	Name    string // of its files, without their ending
	Finding string // the title: what it shows
	PNG     []byte
	SVG     []byte
}

// Colours differ in lightness too, so that they can be told apart on a grey print.
var (
	ink     = charts.ColorRGB(33, 37, 41)
	palette = map[string]charts.Color{
		StaticPeak: charts.ColorRGB(146, 43, 33), Reactive: charts.ColorRGB(230, 145, 56),
		Serverless: charts.ColorRGB(150, 155, 160), Burstable: charts.ColorRGB(72, 132, 90), Ours: charts.ColorRGB(21, 101, 176), "load": charts.ColorRGB(33, 37, 41),
	}
)

func theme(names ...string) charts.ColorPalette {
	colours := make([]charts.Color, len(names))
	for i, n := range names {
		colours[i] = palette[n]
	}
	return charts.GetTheme(charts.ThemeLight).WithSeriesColors(colours).WithTextColor(ink).WithBackgroundColor(charts.ColorWhite).
		WithAxisSplitLineColor(charts.ColorRGB(225, 228, 232)).WithXAxisColor(ink)
}

func font(size float64) charts.FontStyle { return charts.FontStyle{FontSize: size, FontColor: ink} }

// draw makes both files of a chart.
func draw(name, finding string, width, height int, paint func(p *charts.Painter) error) (Chart, error) {
	c := Chart{Name: name, Finding: finding}
	for format, into := range map[string]*[]byte{charts.ChartOutputPNG: &c.PNG, charts.ChartOutputSVG: &c.SVG} {
		p := charts.NewPainter(charts.PainterOptions{OutputFormat: format, Width: width, Height: height})
		if err := paint(p); err != nil {
			return Chart{}, fmt.Errorf("chart %s: %w", name, err)
		}
		data, err := p.Bytes()
		if err != nil {
			return Chart{}, fmt.Errorf("chart %s: %w", name, err)
		}
		*into = data
	}
	return c, nil
}

// lines is a chart of series over some days, a value each ten minutes.
func lines(name, finding, unit string, from time.Time, days int, names, legend []string, values [][]float64) (Chart, error) {
	opt := charts.NewLineChartOptionWithData(values)
	opt.Theme = theme(names...)
	opt.Title = charts.TitleOption{Text: finding, FontStyle: font(15), Offset: charts.OffsetStr{Left: charts.PositionLeft}}
	opt.Legend = charts.LegendOption{SeriesNames: legend, FontStyle: font(12), Offset: charts.OffsetStr{Left: charts.PositionLeft, Top: "30"}}
	opt.Padding = charts.NewBox(20, 15, 25, 20)
	opt.Symbol.Shape, opt.LineStrokeWidth = charts.SymbolNone, 2
	opt.XAxis.Labels = make([]string, len(values[0]))
	format := "Mon 2 Jan"
	if days > 8 {
		format = "2 Jan" // more do not fit
	}
	for i := range opt.XAxis.Labels {
		opt.XAxis.Labels[i] = from.Add(time.Duration(i) * 10 * time.Minute).Format(format)
	}
	opt.XAxis.Labels[len(opt.XAxis.Labels)-1] = "" // the midnight that ends the last day
	opt.XAxis.LabelCount, opt.XAxis.LabelFontStyle, opt.XAxis.BoundaryGap = days+1, font(11), charts.Ptr(false)
	opt.XAxis.Title, opt.XAxis.TitleFontStyle = "Jamaica's local time, midnight at each label", font(11)
	top := 0.0
	for _, v := range values {
		for _, x := range v {
			top = math.Max(top, x)
		}
	}
	top, steps := nice(1.02 * top)
	opt.YAxis = []charts.YAxisOption{{Title: unit, TitleFontStyle: font(11), LabelFontStyle: font(11), Min: charts.Ptr(0.0), Max: &top, LabelCount: steps + 1}}
	opt.ValueFormatter = func(v float64) string { return fmt.Sprintf("%.4g", v) }
	return draw(name, finding, 1100, 460, func(p *charts.Painter) error { return p.LineChart(opt) })
}

// nice rounds up to 1, 1.5, 2, 3, 4, 5, 6, 8 or 10 times a power of ten, and gives the number of equal steps to it that end on
// round figures.
func nice(v float64) (top float64, steps int) {
	if v <= 0 {
		return 1, 5
	}
	ten := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []struct {
		times float64
		steps int
	}{{1, 5}, {1.5, 3}, {2, 4}, {3, 3}, {4, 4}, {5, 5}, {6, 6}, {8, 4}} {
		if v <= k.times*ten {
			return k.times * ten, k.steps
		}
	}
	return 10 * ten, 5
}

// bars is a chart of groups; values are by series, then by group.
func bars(name, finding, unit string, names, groups []string, values [][]float64, format func(float64) string, labels bool) (Chart, error) {
	opt := charts.NewBarChartOptionWithData(values)
	opt.Theme = theme(names...)
	opt.Title = charts.TitleOption{Text: finding, FontStyle: font(15), Offset: charts.OffsetStr{Left: charts.PositionLeft}}
	opt.Legend = charts.LegendOption{SeriesNames: names, FontStyle: font(12), Offset: charts.OffsetStr{Left: charts.PositionLeft, Top: "30"}}
	opt.Padding = charts.NewBox(20, 15, 30, 15)
	opt.CategoryAxis.Labels, opt.CategoryAxis.LabelFontStyle = groups, font(12)
	opt.ValueAxis = []charts.ValueAxisOption{{Title: unit, TitleFontStyle: font(11), LabelFontStyle: font(11), Min: charts.Ptr(0.0)}}
	opt.ValueFormatter = format
	for i := range opt.SeriesList {
		opt.SeriesList[i].Label = charts.SeriesLabel{Show: charts.Ptr(labels), FontStyle: font(10), ValueFormatter: format}
	}
	return draw(name, finding, 1000, 440, func(p *charts.Painter) error { return p.BarChart(opt) })
}
