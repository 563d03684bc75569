package web

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"lignum/domain/words"
)

// Chart is a row of columns, drawn by the server: it needs no script, takes the realm's colours from the style sheet,
// and is said in words to those who cannot see it. A table with the same figures belongs beside it.
type Chart struct {
	ID    string // unique on the page; a-z, 0-9 and -
	Title string // what is counted: "Learners in attendance a day"
	Few   string // how a withheld figure is written; empty: "not shown"
	Bars  []Bar
}

// Bar is one column.
type Bar struct {
	Label string // short, under the axis: "8 Sep"
	Value int    // below 0 counts as 0
	Few   bool   // the count is withheld because it would single people out; Value is not looked at
}

const (
	chartHeight = 240.0 // pixels; the width is that of the page
	chartTop    = 12.0
	chartFloor  = 206.0 // where zero is
	mostLabels  = 6     // under the axis: more do not fit on a phone
	barShare    = 0.74  // of the place that a column has
)

// Empty reports whether there is nothing to draw.
func (ch Chart) Empty() bool { return len(ch.Bars) == 0 }

// SVG draws the chart. Places across are percentages, so that it is as wide as the window and its letters stay as large
// as the page's.
func (ch Chart) SVG(l words.Language) template.HTML {
	if ch.Empty() {
		return ""
	}
	top, step := ch.scale()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg role="img" width="100%%" height="%.0f" aria-labelledby="%s-t %s-d"><title id="%s-t">%s</title><desc id="%s-d">%s</desc>`,
		chartHeight, escape(ch.ID), escape(ch.ID), escape(ch.ID), escape(ch.Title), escape(ch.ID), escape(ch.Words(l)))
	for v := 0; v <= top; v += step {
		y := chartY(v, top)
		fmt.Fprintf(&b, `<line class="rule" x1="0" x2="100%%" y1="%.1f" y2="%.1f"/><text class="scale" x="-8" y="%.1f" dy=".35em" text-anchor="end">%s</text>`, y, y, y, l.Number(v))
	}
	slot := 100 / float64(len(ch.Bars))
	every := (len(ch.Bars) + mostLabels - 1) / mostLabels
	for i, bar := range ch.Bars {
		x, y, class, says := (float64(i)+(1-barShare)/2)*slot, chartY(bar.Value, top), "bar", l.Number(max(0, bar.Value))
		if bar.Few {
			y, class, says = chartFloor-5, "few", escape(ch.few(l))
		}
		fmt.Fprintf(&b, `<rect class="%s" x="%.3f%%" width="%.3f%%" y="%.1f" height="%.1f"><title>%s: %s</title></rect>`,
			class, x, slot*barShare, y, chartFloor-y, escape(bar.Label), says)
		if i%every == every/2 {
			class := "" // a narrow window hides every second label
			if i/every%2 == 1 {
				class = ` class="alternate"`
			}
			fmt.Fprintf(&b, `<text%s x="%.3f%%" y="%.0f" text-anchor="middle">%s</text>`, class, (float64(i)+0.5)*slot, chartFloor+20, escape(bar.Label))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}

// Words says what a look at the chart tells: how many columns, the highest and the lowest.
func (ch Chart) Words(l words.Language) string {
	high, low, few := -1, -1, 0
	for i, bar := range ch.Bars {
		switch {
		case bar.Few:
			few++
		case high < 0:
			high, low = i, i
		default:
			if bar.Value > ch.Bars[high].Value {
				high = i
			}
			if bar.Value < ch.Bars[low].Value {
				low = i
			}
		}
	}
	said := []string{l.Say("page.chart_columns", "N", len(ch.Bars))}
	if high >= 0 {
		said = append(said, l.Say("page.chart_ends", "Highest", l.Number(max(0, ch.Bars[high].Value)), "HighestOn", ch.Bars[high].Label,
			"Lowest", l.Number(max(0, ch.Bars[low].Value)), "LowestOn", ch.Bars[low].Label))
	}
	if few > 0 {
		said = append(said, l.Say("page.chart_withheld", "N", few, "Few", ch.few(l)))
	}
	return strings.Join(append(said, l.Say("page.chart_table")), " ")
}

func (ch Chart) few(l words.Language) string {
	if ch.Few == "" {
		return l.Say("page.not_shown")
	}
	return ch.Few
}

// scale returns the top of the axis and the distance of its lines: 1, 2 or 5 times a power of ten, three to six of them.
func (ch Chart) scale() (top, step int) {
	most := 1
	for _, bar := range ch.Bars {
		if !bar.Few {
			most = max(most, bar.Value)
		}
	}
	step = 1
	for factors := []int{2, 5, 10}; most > 5*step; {
		power := int(math.Pow10(int(math.Log10(float64(step)))))
		for _, f := range factors {
			if f*power > step {
				step = f * power
				break
			}
		}
	}
	return (most + step - 1) / step * step, step
}

func chartY(v, top int) float64 {
	return chartFloor - (chartFloor-chartTop)*float64(max(0, min(v, top)))/float64(top)
}

func escape(s string) string { return template.HTMLEscapeString(strings.ToValidUTF8(s, "�")) }
