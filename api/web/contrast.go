package web

import "fmt"

// Readability says in one sentence how a colour does as the ground of letters and as a link, by WCAG 2.2 AA: 4.5 to 1.
// main is for the colour that buttons and links take. "" is for what is no colour of the form #rrggbb.
func Readability(colour string, main bool) string {
	c, ok := parseColour(colour)
	if !ok {
		return ""
	}
	letters := "white"
	if readable(c) == ink {
		letters = "dark"
	}
	text := fmt.Sprintf("Letters on it will be %s (contrast %.1f to 1; 4.5 is needed).", letters, contrast(readable(c), c))
	if main && contrast(c, white) < 4.5 {
		text += " It is pale: buttons and links take a darker shade of it."
	}
	return text
}
