// Package gift reads GIFT, Moodle's text format for questions, in the whole:
// comments, categories, titles, text formats, escapes, multiple choice with weights,
// true/false, short answer, matching, numeric, essay, missing word, description,
// feedback, general feedback, ids and tags.
//
// It is stricter than Moodle where Moodle guesses: what cannot be meant is an error with
// file, line and reason, and every error of a file is reported at once.
// See https://docs.moodle.org/en/GIFT_format for the format.
package gift

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// Limits of a file.
const (
	MaxBytes    = 4 << 20
	MaxItems    = 10_000
	MaxName     = 255   // characters of a title
	MaxCategory = 1_000 // characters of a category path
	MaxTag      = 100   // characters of a tag or an id
	MaxTags     = 50    // tags of one question
)

// Parsed is one question of a file.
type Parsed struct {
	Item     *item.Item
	Name     string   // the title between :: and ::, empty without one
	Category string   // of the last $CATEGORY line, empty before the first
	Line     int      // where the question begins, from 1
	ID       string   // of a comment // [id:...]
	Tags     []string // of comments // [tag:...]
	Warnings []Error  // what is allowed, yet probably not meant
}

// Error is one thing that is wrong in a file. Line and Column count from 1, Column in
// characters; 0 means not known.
type Error struct {
	File   string     `json:"file"`
	Line   int        `json:"line,omitempty"`
	Column int        `json:"column,omitempty"`
	Reason words.Text `json:"reason"`
}

// Error returns "file:line:column: reason".
func (e Error) Error() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(":%d", e.Line)
		if e.Column > 0 {
			s += fmt.Sprintf(":%d", e.Column)
		}
	}
	return s + ": " + e.Reason.String()
}

// Errors is everything that is wrong in a file.
type Errors []Error

// Error returns one line for each.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Parse reads a GIFT file; filename is only for the messages. It gives the questions that
// are right even when others are not; the error is then an Errors with all that is wrong,
// or the error of r.
func Parse(r io.Reader, filename string) ([]Parsed, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filename, err)
	}
	if len(data) > MaxBytes {
		return nil, Errors{{File: filename, Reason: words.Say("gift.the_file_is_larger_than", "Most", MaxBytes>>20)}}
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if errs := notUTF8(text, filename); len(errs) > 0 {
		return nil, errs
	}

	var (
		out      []Parsed
		errs     Errors
		category string
		count    int
	)
	for _, b := range blocks(text) {
		for len(b.lines) > 0 && isCategory(b.lines[0].text) {
			category = strings.TrimSpace(categoryLine.FindStringSubmatch(b.lines[0].text)[1])
			if utf8.RuneCountInString(category) > MaxCategory {
				errs = append(errs, Error{filename, b.lines[0].number, 0, words.Say("gift.the_category_is_longer_than", "Most", MaxCategory)})
				category = ""
			}
			b.lines = b.lines[1:]
		}
		if len(b.lines) == 0 {
			continue
		}
		if count++; count > MaxItems {
			errs = append(errs, Error{filename, b.lines[0].number, 0, words.Say("gift.more_than_questions_in_one", "Most", MaxItems)})
			break
		}
		p := &parser{file: filename, block: b}
		q := p.question()
		if len(p.errs) > 0 {
			errs = append(errs, p.errs...)
			continue
		}
		q.Category, q.Line, q.Warnings = category, b.lines[0].number, p.warnings
		out = append(out, q)
	}
	if len(errs) > 0 {
		return out, errs
	}
	return out, nil
}

func notUTF8(text, filename string) Errors {
	if utf8.ValidString(text) {
		return nil
	}
	var errs Errors
	for i, line := range strings.Split(text, "\n") {
		if !utf8.ValidString(line) {
			errs = append(errs, Error{filename, i + 1, 0, words.Say("gift.the_line_is_not_utf")})
			if len(errs) == 100 {
				break // a file in another encoding; a hundred lines make the point
			}
		}
	}
	return errs
}

// invalid turns what item.Validate found into errors of the question's line.
func (p *parser) invalid(err error) {
	var e *domain.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		p.errorIn(-1, words.Of(err))
		return
	}
	for _, f := range e.Fields {
		p.errorIn(-1, words.Join(": ", words.Plain(f.Name), f.Reason))
	}
}
