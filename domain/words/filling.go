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
	var p parts
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		p = append(p, part{text[at:m[0]], text[m[2]:m[3]]})
		at = m[1]
	}
	p = append(p, part{text: text[at:]})
	for _, piece := range p {
		if strings.Contains(piece.text, "{{") || strings.Contains(piece.text, "}}") {
			return nil, fmt.Errorf("%q has braces that are no placeholder", text)
		}
	}
	return p, nil
}

// check tells whether every form of a message can be read.
func check(m *i18n.Message) error {
	for _, text := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		if _, err := (parser{}).Parse(text, "", ""); err != nil {
			return err
		}
	}
	return nil
}

// part is words, and the name of what stands behind them; "" behind the last.
type part struct{ text, name string }

type parts []part

// pairs are names and values in turn.
type pairs []any

// Execute is go-i18n's: data are pairs. What is missing leaves "…".
func (p parts) Execute(data any) (string, error) {
	given, _ := data.(pairs)
	if len(p) == 1 {
		return p[0].text, nil
	}
	var b strings.Builder
	for _, piece := range p {
		b.WriteString(piece.text)
		if piece.name != "" {
			given.write(&b, piece.name)
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
