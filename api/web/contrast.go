package web

import (
	"fmt"

	"lignum/domain/words"
)

// Readability says in one sentence how a colour does as the ground of letters and as a link, by WCAG 2.2 AA: 4.5 to 1.
// main is for the colour that buttons and links take. "" is for what is no colour of the form #rrggbb.
func Readability(l words.Language, colour string, main bool) string {
	c, ok := parseColour(colour)
	if !ok {
		return ""
	}
	letters := "page.letters_white"
	if readable(c) == ink {
		letters = "page.letters_dark"
	}
	said := l.Say(letters, "Contrast", fmt.Sprintf("%.1f", contrast(readable(c), c)))
	if main && contrast(c, white) < 4.5 {
		said += " " + l.Say("page.it_is_pale")
	}
	return said
}
