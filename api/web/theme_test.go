package web

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestContrastIsThatOfWCAG(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want float64
	}{
		{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#0000ff", "#ffffff", 8.59}, {"#ff0000", "#ffffff", 4.00},
	} {
		a, ok1 := parseColour(c.a)
		b, ok2 := parseColour(c.b)
		if got := contrast(a, b); !ok1 || !ok2 || math.Abs(got-c.want) > 0.01 || got != contrast(b, a) {
			t.Errorf("contrast of %s and %s: %.3f, want %.2f", c.a, c.b, got, c.want)
		}
	}
}

// Whatever colours a tenant chooses, text on them and links on our grounds can be read.
func TestEveryThemeCanBeRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		colour := rapid.StringMatching(`#[0-9a-f]{6}`)
		props := map[string]rgb{}
		for _, p := range strings.Split(string(theme(colour.Draw(t, "colour"), colour.Draw(t, "accent"))), ";") {
			name, value, _ := strings.Cut(p, ":")
			c, ok := parseColour(value)
			if !ok {
				t.Fatalf("%s is no colour: %q", name, value)
			}
			props[name] = c
		}
		ground := rgb{0xf6, 0xf7, 0xf8}
		for _, pair := range [][2]rgb{{props["--on-brand"], props["--brand"]}, {props["--on-accent"], props["--accent"]}, {props["--action"], white},
			{props["--action"], ground}, {white, props["--action"]}, {white, props["--action-dark"]}, {props["--action"], props["--tint"]}} {
			if contrast(pair[0], pair[1]) < 4.5 {
				t.Fatalf("%s on %s has contrast %.2f", pair[0], pair[1], contrast(pair[0], pair[1]))
			}
		}
	})
}

func TestOnlyColoursReachTheStyleSheet(t *testing.T) {
	for _, bad := range []string{"", "red", "#fff", "#12345g", "#123456;}", "#1234567", "#</sty"} {
		if _, ok := parseColour(bad); ok {
			t.Errorf("%q passed for a colour", bad)
		}
		if css := string(theme(bad, bad)); strings.ContainsAny(css, "}<>\"") {
			t.Errorf("%q gave %s", bad, css)
		}
	}
}
