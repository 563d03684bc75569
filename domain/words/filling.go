package words

import (
	"fmt"
	"strings"
	"unicode"
)

// A message is filled by name, {{.Seats}}, and knows nothing else of Go's templates: so nothing is computed in a message file, and a brace that is not meant
// so is found when the file is read.

// Piece is a part of a message: words, and the name of what stands behind them, "Seats"; "" when nothing does.
type Piece struct{ Text, Name string }

// Pieces takes the text of a message apart where something fills it. The last piece has no name.
func Pieces(text string) []Piece {
	var all []Piece
	for {
		p, rest := next(text)
		all = append(all, p)
		if p.Name == "" {
			return all
		}
		text = rest
	}
}

// next takes the first piece off a text. One without a name is all that is left.
func next(text string) (p Piece, rest string) {
	before, behind, _ := strings.Cut(text, "{{.")
	name, rest, closed := strings.Cut(behind, "}}")
	if !closed || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
		return Piece{Text: text}, ""
	}
	return Piece{before, name}, rest
}

// check gives an error for a text with braces that are no placeholder.
func check(text string) error {
	for _, p := range Pieces(text) {
		if strings.Contains(p.Text, "{{") || strings.Contains(p.Text, "}}") {
			return fmt.Errorf("%q has braces that are no placeholder", text)
		}
	}
	return nil
}

// filling is what stands for a name in a message.
type filling struct{ name, value string }

// fill puts values where a text names them. What is missing leaves "…".
func fill(text string, given []filling) string {
	p, rest := next(text)
	if p.Name == "" {
		return text
	}
	var b strings.Builder
	for ; p.Name != ""; p, rest = next(rest) {
		b.WriteString(p.Text)
		value := "…"
		for _, g := range given {
			if g.name == p.Name {
				value = g.value
				break
			}
		}
		b.WriteString(value)
	}
	b.WriteString(p.Text)
	return b.String()
}
