package web

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	_ "lignum/tests/tenth"

	"lignum/domain/words"
)

// column is a drawn rect.
type column struct {
	class               string
	x, width, y, height float64
	tip                 string
}

// drawn reads a chart back as a browser would, and fails when it is not well-formed.
func drawn(t interface{ Fatalf(string, ...any) }, ch Chart) (columns []column, texts []string, title, desc string) {
	d := xml.NewDecoder(strings.NewReader(string(ch.SVG(words.English))))
	var path []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, ch.SVG(words.English))
		}
		switch e := token.(type) {
		case xml.StartElement:
			path = append(path, e.Name.Local)
			at := map[string]string{}
			for _, a := range e.Attr {
				at[a.Name.Local] = a.Value
			}
			length := func(name string) float64 {
				f, err := strconv.ParseFloat(strings.TrimSuffix(at[name], "%"), 64)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				return f
			}
			if e.Name.Local == "rect" {
				columns = append(columns, column{at["class"], length("x"), length("width"), length("y"), length("height"), ""})
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			switch strings.Join(path, "/") {
			case "svg/title":
				title += string(e)
			case "svg/desc":
				desc += string(e)
			case "svg/text":
				texts = append(texts, string(e))
			case "svg/rect/title":
				columns[len(columns)-1].tip += string(e)
			}
		}
	}
}

func TestChartDrawsEveryColumnInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 400).Draw(t, "n")
		ch := Chart{ID: "c", Title: rapid.StringMatching(`[ -~]{1,40}`).Draw(t, "title")}
		for i := range n {
			ch.Bars = append(ch.Bars, Bar{Label: fmt.Sprintf("%d <&\">", i), Value: rapid.IntRange(-3, 50_000_000).Draw(t, "value"), Few: rapid.IntRange(0, 9).Draw(t, "few") == 0})
		}
		columns, texts, title, desc := drawn(t, ch)
		if len(columns) != n || title != ch.Title || desc != ch.Words(words.English) {
			t.Fatalf("%d columns of %d, title %q, desc %q", len(columns), n, title, desc)
		}
		for i, c := range columns {
			if c.x < 0 || c.x+c.width > 100.01 || c.width <= 0 || c.y < chartTop-0.1 || c.height < 0 || c.y+c.height > chartFloor+0.2 {
				t.Fatalf("column %d is outside: %+v", i, c)
			}
			if i > 0 && c.x <= columns[i-1].x+columns[i-1].width-0.01 {
				t.Fatalf("columns %d and %d overlap", i-1, i)
			}
			if ch.Bars[i].Few != (c.class == "few") {
				t.Fatalf("column %d: %+v for %+v", i, c, ch.Bars[i])
			}
			if ch.Bars[i].Few && strings.Contains(c.tip, words.English.Number(ch.Bars[i].Value)) && ch.Bars[i].Value > 5 && !strings.Contains(ch.Bars[i].Label, strconv.Itoa(ch.Bars[i].Value)) {
				t.Fatalf("column %d tells a withheld figure: %q", i, c.tip)
			}
			for k := range i {
				if !ch.Bars[i].Few && !ch.Bars[k].Few && ch.Bars[i].Value > ch.Bars[k].Value && c.height < columns[k].height {
					t.Fatalf("%d is drawn lower than %d", ch.Bars[i].Value, ch.Bars[k].Value)
				}
			}
		}
		under := 0
		for _, text := range texts {
			if strings.Contains(text, "<&") {
				under++
			}
		}
		if under < 1 || under > mostLabels {
			t.Fatalf("%d labels under the axis", under)
		}
	})
}

func TestChartScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(0, 1<<40).Draw(t, "most")
		top, step := Chart{Bars: []Bar{{Value: most}}}.scale()
		if top < most || top < 1 || top%step != 0 || top/step > 5 || top-most >= step && most > 0 {
			t.Fatalf("scale of %d: %d by %d", most, top, step)
		}
		if lead := strings.TrimRight(strconv.Itoa(step), "0"); lead != "1" && lead != "2" && lead != "5" {
			t.Fatalf("step %d", step)
		}
	})
}

func TestChartOfFewTellsNoFigure(t *testing.T) {
	ch := Chart{ID: "x", Title: "Attendance", Few: "fewer than 5", Bars: []Bar{{Label: "Mon", Value: 3, Few: true}, {Label: "Tue", Value: 900}}}
	columns, _, _, desc := drawn(t, ch)
	if columns[0].tip != "Mon: fewer than 5" || columns[1].tip != "Tue: 900" {
		t.Fatal(columns)
	}
	if want := "2 columns. Highest: 900 on Tue. Lowest: 900 on Tue. Withheld (fewer than 5): 1 column. The table has every figure."; desc != want {
		t.Fatalf("%q", desc)
	}
	if (Chart{}).SVG(words.English) != "" {
		t.Fatal("an empty chart draws something")
	}
}

func TestReadability(t *testing.T) {
	for colour, want := range map[string]string{
		"#000000": "Letters on it will be white (contrast 21.0 to 1; 4.5 is needed).",
		"#eab308": "Letters on it will be dark (contrast 10.6 to 1; 4.5 is needed). It is pale: buttons and links take a darker shade of it.",
		"red":     "", "#12345g": "", "": "",
	} {
		if got := Readability(words.English, colour, true); got != want {
			t.Errorf("%s: %q", colour, got)
		}
	}
}
