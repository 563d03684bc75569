package words

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// A message is filled by name, {{.Seats}}, and knows nothing else of Go's templates: so nothing is computed in a message file, a brace that is not meant so
// is found when the program starts, and filling one takes a tenth of the time that text/template takes.

var placeholder = regexp.MustCompile(`\{\{\.(\w+)\}\}`)

// parser reads messages for go-i18n, which keeps what it gives.
type parser struct{}

// Cacheable is go-i18n's.
func (parser) Cacheable() bool { return true }

// Parse is go-i18n's. The error names a text with braces that are no placeholder.
func (parser) Parse(text, _, _ string) (template.ParsedTemplate, error) {
	p := pieces(Pieces(text))
	for _, piece := range p {
		if strings.Contains(piece.Text, "{{") || strings.Contains(piece.Text, "}}") {
			return nil, fmt.Errorf("%q has braces that are no placeholder", text)
		}
	}
	return p, nil
}

// Pieces takes the text of a message apart where something fills it. The last piece has no name.
func Pieces(text string) []Piece {
	var all []Piece
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		all = append(all, Piece{text[at:m[0]], text[m[2]:m[3]]})
		at = m[1]
	}
	return append(all, Piece{Text: text[at:]})
}

// Piece is a part of a message: words, and the name of what stands behind them, "Seats"; "" when nothing does.
type Piece struct{ Text, Name string }

// check tells whether every form of a message can be read.
func check(m *i18n.Message) error {
	for _, form := range Forms(m) {
		if _, err := (parser{}).Parse(form.Text, "", ""); err != nil {
			return err
		}
	}
	return nil
}

type pieces []Piece

// pairs are names and values in turn.
type pairs []any

// Execute is go-i18n's: data are pairs. What is missing leaves "…".
func (p pieces) Execute(data any) (string, error) {
	given, _ := data.(pairs)
	if len(p) == 1 {
		return p[0].Text, nil
	}
	var b strings.Builder
	for _, piece := range p {
		b.WriteString(piece.Text)
		if piece.Name != "" {
			given.write(&b, piece.Name)
		}
	}
	return b.String(), nil
}

func (given pairs) write(b *strings.Builder, name string) {
	for i := 0; i+1 < len(given); i += 2 {
		if given[i] == name {
			if said, ok := given[i+1].(string); ok {
				b.WriteString(said)
			} else {
				fmt.Fprint(b, given[i+1])
			}
			return
		}
	}
	b.WriteString("…")
}
