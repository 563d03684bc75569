package render

import (
	"strings"
	"sync"

	"github.com/mozillazg/go-unidecode"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// letters tells which characters the fonts have. Both have the same.
var letters = sync.OnceValue(func() func(rune) bool {
	font, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic(err) // it is part of the program
	}
	var mu sync.Mutex
	var buffer sfnt.Buffer
	return func(r rune) bool {
		mu.Lock()
		defer mu.Unlock()
		at, err := font.GlyphIndex(&buffer, r)
		return err == nil && at != 0
	}
})

// printable is a text in letters that the fonts have: accents that follow their letter are made one with it, and what is in no alphabet of the fonts is written in Latin letters, or as a
// question mark.
func printable(text string) string {
	var b strings.Builder
	for _, r := range norm.NFC.String(text) {
		switch {
		case letters()(r):
			b.WriteRune(r)
		default:
			if latin := strings.TrimSpace(unidecode.Unidecode(string(r))); latin != "" {
				b.WriteString(latin)
			} else {
				b.WriteByte('?')
			}
		}
	}
	return b.String()
}
