package roster

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lignum/domain/words"
)

// The rows of a file are read line by line, so that whatever is wrong with a line, every other one is still found. A cell in quotation marks may go over
// several lines; a quotation mark that only opens would swallow all that follows. Which of the two it is can be told when the next line is a row by itself.

// Bounds of one row.
const (
	maxCell      = 4000 // bytes of a cell
	maxCellLines = 20   // lines that a row in quotation marks may go over
)

// separators are what may stand between cells; Excel takes what the language of the computer asks for.
const separators = ",;\t|"

// record is one row of a file.
type record struct {
	line    int // on which it begins; the first line of the file is 1
	cells   []string
	columns map[string]int
}

// get returns a cell without blanks around it; "" when the row or the file has none.
func (r record) get(column string) string {
	i, ok := r.columns[column]
	if !ok || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// list returns the parts of a cell that holds several values with commas between them (OneRoster 1.1 CSV, 'list of').
func (r record) list(column string) []string {
	parts := strings.Split(r.get(column), ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(s string) bool { return s == "" })
}

// reading is what a reader found on one line: a row, or what is wrong with it, or nothing (empty).
type reading struct {
	at      int // line
	row     record
	problem *Problem
	empty   bool
	more    int // lines after it that the row's cells go over
}

type recordReader struct {
	io.Closer
	lines     *lineReader
	separator string
	header    []string
	columns   map[string]int
	must      []int // columns that no row goes without, as the kind of the file has it
	at        int   // the last line that was taken
	headerAt  int
	spoilt    int // the line with an open quotation mark to which the next lines may belong; 0: none
}

// rows opens the file behind its header. What it gives as why is wrong with the header, in words that go behind the file's name.
func (s *sourceFile) rows() (r *recordReader, why words.Text) {
	in, err := s.Open()
	if err != nil {
		return nil, words.Say("roster.cannot_be_read_now")
	}
	r = &recordReader{Closer: in, lines: s.text.reader(in), columns: map[string]int{}}
	if why := r.readHeader(); !why.IsZero() {
		_ = in.Close()
		return nil, why
	}
	for _, k := range kinds {
		if k.kind == s.kind {
			for _, c := range k.must {
				r.must = append(r.must, r.columns[c])
			}
		}
	}
	return r, words.Text{}
}

// readHeader finds the line of column names: the first that is not empty.
func (r *recordReader) readHeader() (why words.Text) {
	var text string
	for strings.Trim(text, separators+" \"") == "" {
		line, err := r.lines.take()
		switch {
		case err == io.EOF && r.at == 0:
			return words.Say("roster.is_empty")
		case err == io.EOF:
			return words.Say("roster.holds_empty_lines_only")
		case err != nil:
			return words.Say("roster.cannot_be_read_to_its")
		}
		r.at, r.headerAt = line.no, line.no
		if text = line.text; !utf8.ValidString(text) || line.long {
			return words.Say("roster.has_a_first_line_that")
		}
		// Excel's own way to say what stands between the cells.
		if sep, ok := strings.CutPrefix(strings.ToLower(text), "sep="); ok && len(sep) == 1 && strings.Contains(separators, sep) {
			r.separator, text = sep, ""
		}
	}
	var header []string
	best, choices := -1, separators
	if r.separator != "" {
		choices = r.separator
	}
	for _, sep := range strings.Split(choices, "") {
		cells, open, wrong := splitCells(text, sep)
		if open || wrong != "" {
			continue
		}
		known := 0
		for _, c := range cells {
			if knownColumn(strings.ToLower(strings.TrimSpace(c))) {
				known++
			}
		}
		if known > best || known == best && len(cells) > len(header) {
			best, header, r.separator = known, cells, sep
		}
	}
	if header == nil {
		return words.Say("roster.has_a_header_line_with")
	}
	for len(header) > 1 && strings.TrimSpace(header[len(header)-1]) == "" { // Excel leaves separators at the end
		header = header[:len(header)-1]
	}
	for i, c := range header {
		c = strings.TrimSpace(c)
		name := strings.ToLower(c)
		if _, twice := r.columns[name]; twice && name != "" {
			return words.Say("roster.has_the_column_twice", "Column", fmt.Sprintf("%q", clipText(c, 60)))
		}
		r.columns[name] = i
		r.header = append(r.header, c)
	}
	return words.Text{}
}

// splitCells parts a row. open: a cell in quotation marks has no end. wrong is the key of the message that says what is no CSV (RFC 4180).
func splitCells(text, sep string) (cells []string, open bool, wrong string) {
	if !strings.Contains(text, `"`) {
		return strings.Split(text, sep), false, ""
	}
	for {
		if !strings.HasPrefix(text, `"`) {
			cell, rest, more := strings.Cut(text, sep)
			if strings.Contains(cell, `"`) {
				return nil, false, "roster.a_quotation_mark_stands_inside"
			}
			cells = append(cells, cell)
			if text = rest; !more {
				return cells, false, ""
			}
			continue
		}
		var cell strings.Builder
		for text = text[1:]; ; {
			part, rest, closed := strings.Cut(text, `"`)
			if cell.WriteString(part); !closed {
				return nil, true, ""
			}
			if text = rest; !strings.HasPrefix(text, `"`) {
				break
			}
			cell.WriteByte('"')
			text = text[1:]
		}
		cells = append(cells, cell.String())
		switch {
		case text == "":
			return cells, false, ""
		case !strings.HasPrefix(text, sep):
			return nil, false, "roster.text_follows_the_quotation_mark"
		}
		text = text[len(sep):]
	}
}

// trim takes off the empty cells that Excel leaves behind the last column.
func (r *recordReader) trim(cells []string) []string {
	for len(cells) > len(r.header) && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

// whole reports whether cells are a row with all that a row of the file needs.
func (r *recordReader) whole(cells []string) bool {
	if cells = r.trim(cells); len(cells) > len(r.header) {
		return false
	}
	for _, i := range r.must {
		if i >= len(cells) || strings.TrimSpace(cells[i]) == "" {
			return false
		}
	}
	return true
}

// standsAlone reports whether a line looks like a row by itself, and not like the rest of one.
func (r *recordReader) standsAlone(text string) bool {
	if strings.Count(text, r.separator)+1 == len(r.header) {
		return true
	}
	cells, open, wrong := splitCells(text, r.separator)
	return !open && wrong == "" && r.whole(cells)
}

// next returns what is on the next line, or io.EOF.
func (r *recordReader) next() (reading, error) {
	line, err := r.lines.take()
	if err != nil {
		return reading{}, err
	}
	r.at = line.no
	reject := func(key string, pairs ...any) (reading, error) {
		return reading{at: line.no, problem: &Problem{line.no, "", words.Say(key, pairs...)}}, nil
	}
	if line.long {
		return reject("roster.is_longer_than_bytes", "Most", maxLine)
	}
	if strings.Trim(line.text, r.separator+" \t\r\x1a") == "" {
		return reading{at: line.no, empty: true}, nil
	}
	if r.spoilt > 0 && !r.standsAlone(line.text) {
		return reject("roster.may_belong_to_the_cell", "Line", strconv.Itoa(r.spoilt))
	}
	r.spoilt = 0
	cells, open, wrong := splitCells(line.text, r.separator)
	more := 0
	if open {
		if cells, more = r.goOn(line.text); cells == nil {
			r.spoilt = line.no
			return reject("roster.is_not_valid_csv_a")
		}
	}
	if wrong != "" {
		return reject("roster.is_not_csv_why", "Why", words.Say(wrong))
	}
	cells = r.trim(cells)
	for range more {
		taken, _ := r.lines.take() // goOn looked at it
		r.at = taken.no
	}
	if wrong := r.checkCells(line.no, cells, more > 0 || !plainText(line.text)); wrong != nil {
		return reading{at: line.no, problem: wrong, more: more}, nil
	}
	if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return reading{at: line.no, empty: true, more: more}, nil
	}
	return reading{at: line.no, row: record{line.no, cells, r.columns}, more: more}, nil
}

// goOn joins a row whose quotation mark is open with the lines after it, and tells how many those are. No cells: it is no such row.
func (r *recordReader) goOn(text string) (cells []string, more int) {
	for more < maxCellLines {
		line, ok := r.lines.peek(more)
		if !ok || line.long || r.standsAlone(line.text) {
			return nil, 0
		}
		more++
		text += "\n" + line.text
		cells, open, wrong := splitCells(text, r.separator)
		switch {
		case wrong != "":
			return nil, 0
		case !open && r.whole(cells):
			return cells, more
		case !open:
			return nil, 0
		}
	}
	return nil, 0
}

// plainText reports whether all characters are of ASCII and none is NUL, as in most lines.
func plainText(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf || text[i] == 0 {
			return false
		}
	}
	return true
}

// checkCells says what is wrong with the cells. letters: they may hold characters that cannot be read.
func (r *recordReader) checkCells(line int, cells []string, letters bool) *Problem {
	if len(cells) > len(r.header) {
		return &Problem{line, "", words.Say("roster.has_cells_the_header_has", "N", len(cells), "Header", len(r.header))}
	}
	for i, c := range cells {
		switch {
		case len(c) > maxCell:
			return &Problem{line, r.header[i], words.Say("roster.is_longer_than_bytes", "Most", maxCell)}
		case !letters:
		case !utf8.ValidString(c), strings.ContainsRune(c, utf8.RuneError), strings.ContainsFunc(c, func(c rune) bool { return c >= 0x80 && c < 0xa0 }):
			return &Problem{line, r.header[i], words.Say("roster.holds_characters_that_cannot_be")}
		case strings.ContainsRune(c, 0):
			return &Problem{line, r.header[i], words.Say("roster.holds_a_nul_character")}
		}
	}
	return nil
}
