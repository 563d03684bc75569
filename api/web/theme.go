package web

import (
	"encoding/hex"
	"fmt"
	"html/template"
	"math"

	lru "github.com/hashicorp/golang-lru/v2"
)

// rgb is a colour of sRGB.
type rgb [3]uint8

var (
	white = rgb{255, 255, 255}
	ink   = rgb{5, 5, 7} // near black: with a lighter one, neither it nor white reaches 4.5 on mid-greys
)

// parseColour reads "#rrggbb"; ok is false for anything else, so that nothing else ever reaches a style sheet.
func parseColour(s string) (c rgb, ok bool) {
	if len(s) != 7 || s[0] != '#' {
		return c, false
	}
	raw, err := hex.DecodeString(s[1:])
	if err != nil {
		return c, false
	}
	return rgb(raw), true
}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// luminance is the relative luminance of WCAG 2.2, 0 (black) to 1 (white).
func (c rgb) luminance() float64 {
	var l [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			l[i] = s / 12.92
		} else {
			l[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
}

// contrast is the contrast ratio of WCAG 2.2, 1 to 21.
func contrast(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// readable is the better of white and ink as text on a colour: one of them always reaches 4.5.
func readable(on rgb) rgb {
	if contrast(white, on) >= contrast(ink, on) {
		return white
	}
	return ink
}

// mix is share parts of a in b, 0 to 1.
func mix(a, b rgb, share float64) rgb {
	var m rgb
	for i := range m {
		m[i] = uint8(math.Round(float64(a[i])*share + float64(b[i])*(1-share)))
	}
	return m
}

// onWhite darkens a colour until it has the contrast ratio on white and on the page's tinted ground.
func onWhite(c rgb, ratio float64) rgb {
	for share := 1.0; share > 0; share -= 0.05 {
		if m := mix(c, rgb{}, share); contrast(m, white)*0.9 >= ratio {
			return m
		}
	}
	return rgb{}
}

// theme returns a realm's colours as custom properties, with text colours that can be read on them (WCAG 2.2 AA, 1.4.3:
// 4.5 to 1). A tenant may choose any colour; links and buttons take a darker shade of a pale one.
func theme(colour, accent string) template.CSS {
	key := [2]string{colour, accent}
	if css, ok := themes.Get(key); ok {
		return css
	}
	css := newTheme(colour, accent)
	themes.Add(key, css)
	return css
}

// themes remembers the last ones: a page is shown a thousand times as often as a tenant chooses its colours.
var themes = func() *lru.Cache[[2]string, template.CSS] {
	kept, err := lru.New[[2]string, template.CSS](1000)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return kept
}()

func newTheme(colour, accent string) template.CSS {
	brand, ok := parseColour(colour)
	if !ok {
		brand = rgb{0x1f, 0x29, 0x37}
	}
	second, ok := parseColour(accent)
	if !ok {
		second = rgb{0xf5, 0x9e, 0x0b}
	}
	action := onWhite(brand, 4.5)
	return template.CSS(fmt.Sprintf("--brand:%s;--on-brand:%s;--accent:%s;--on-accent:%s;--action:%s;--action-dark:%s;--tint:%s;--tint-2:%s;--accent-tint:%s",
		brand, readable(brand), second, readable(second), action, mix(action, rgb{}, 0.78), mix(brand, white, 0.05), mix(brand, white, 0.14), mix(second, white, 0.16)))
}
