package gift

import (
	"regexp"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"lignum/domain/words"
)

const categoryMark = "$CATEGORY:"

// categoryLine takes what is meant for that mark too.
var categoryLine = regexp.MustCompile(`(?i)^\s*\$CATEGORY\s*:(.*)$`)

// line is one line of the file with its number.
type line struct {
	number int
	text   string
}

// block is what stands between two blank lines: comments apart, one question.
type block struct {
	lines []line
	notes []line // the text of comments
}

// blocks splits a file at its blank lines. A comment does not end a question.
func blocks(text string) []block {
	var out []block
	var cur block
	flush := func() {
		if len(cur.lines) > 0 || len(cur.notes) > 0 {
			out = append(out, cur)
		}
		cur = block{}
	}
	number := 0
	for len(text) > 0 {
		var s string
		s, text, _ = strings.Cut(text, "\n")
		number++
		switch trimmed := strings.TrimSpace(s); {
		case trimmed == "":
			flush()
		case strings.HasPrefix(trimmed, "//"):
			cur.notes = append(cur.notes, line{number, trimmed[2:]})
		default:
			cur.lines = append(cur.lines, line{number, s})
		}
	}
	flush()
	return out
}

func isCategory(s string) bool { return categoryLine.MatchString(s) }

// A value in square brackets; brackets and backslashes inside it are escaped.
var notePattern = regexp.MustCompile(`\[(id|tag):((?:\\[\[\]\\]|[^\[\]])+)\]`)

var noteUnescape = strings.NewReplacer(`\\`, `\`, `\]`, `]`, `\[`, `[`)

// notesOf reads ids and tags from the comments of a question; the first id counts.
func (p *parser) notesOf() (id string, tags []string) {
	for _, note := range p.block.notes {
		for _, m := range notePattern.FindAllStringSubmatch(note.text, -1) {
			value := strings.TrimSpace(noteUnescape.Replace(m[2]))
			if value == "" {
				continue
			}
			if utf8.RuneCountInString(value) > MaxTag {
				p.errs = append(p.errs, Error{p.file, note.number, 0, words.Say("gift.an_id_or_tag_is")})
				continue
			}
			if m[1] == "tag" {
				tags = append(tags, value)
			} else if id == "" {
				id = value
			} else {
				p.warnings = append(p.warnings, Error{p.file, note.number, 0, words.Say("gift.a_second_id_is_ignored")})
			}
		}
	}
	if len(tags) > MaxTags {
		p.errs = append(p.errs, Error{p.file, p.block.notes[0].number, 0, words.Say("gift.more_than_50_tags")})
	}
	return id, tags
}

// char is one character of a question after its escapes are resolved. An escaped one is
// text, whatever it is; only others have a meaning in the format.
type char struct {
	r       rune
	escaped bool
	off     int // byte offset in the block's text
}

// chars is a stretch of a question.
type chars []char

// lex resolves the escapes of a block: a backslash before one of ~=#{}: or itself makes
// it text, \n is a new line, and -\> is an arrow that does not match (Moodle has no way
// to write one). Any other backslash is a backslash, as in Moodle.
func (p *parser) lex() chars {
	var text strings.Builder
	p.starts = p.starts[:0]
	for i, l := range p.block.lines {
		if i > 0 {
			text.WriteByte('\n')
		}
		p.starts = append(p.starts, text.Len())
		text.WriteString(l.text)
	}
	p.text = text.String()
	cs := make(chars, 0, len(p.text))
	for i, size := 0, 0; i < len(p.text); i += size {
		var r rune
		r, size = utf8.DecodeRuneInString(p.text[i:])
		c := char{r: r, off: i}
		if r == '\\' && i+1 < len(p.text) {
			switch next := p.text[i+1]; {
			case next == 'n':
				c.r, c.escaped, size = '\n', true, 2
			case strings.IndexByte(`~=#{}:\`, next) >= 0,
				next == '>' && i > 0 && p.text[i-1] == '-':
				c.r, c.escaped, size = rune(next), true, 2
			}
		}
		cs = append(cs, c)
	}
	return cs
}

// position returns line and column of a byte offset of the block's text.
func (p *parser) position(off int) (lineNumber, column int) {
	if len(p.block.lines) == 0 {
		return 0, 0
	}
	if off < 0 {
		return p.block.lines[0].number, 0
	}
	i := max(0, sort.SearchInts(p.starts, off+1)-1)
	return p.block.lines[i].number, utf8.RuneCountInString(p.text[p.starts[i]:off]) + 1
}

func (cs chars) String() string {
	var b strings.Builder
	for _, c := range cs {
		b.WriteRune(c.r)
	}
	return b.String()
}

func (cs chars) trimLeft() chars {
	for len(cs) > 0 && unicode.IsSpace(cs[0].r) {
		cs = cs[1:]
	}
	return cs
}

func (cs chars) trimRight() chars {
	for len(cs) > 0 && unicode.IsSpace(cs[len(cs)-1].r) {
		cs = cs[:len(cs)-1]
	}
	return cs
}

func (cs chars) trim() chars { return cs.trimLeft().trimRight() }

// index finds a mark of the format, that is one without escapes; -1 if there is none.
func (cs chars) index(mark string) int {
	for i := range cs {
		if cs[i:].startsWith(mark) {
			return i
		}
	}
	return -1
}

// startsWith reports whether a mark, which is ASCII, stands at the beginning.
func (cs chars) startsWith(mark string) bool {
	if len(cs) < len(mark) {
		return false
	}
	for i := range len(mark) {
		if cs[i].escaped || cs[i].r != rune(mark[i]) {
			return false
		}
	}
	return true
}

func (cs chars) has(mark string) bool { return cs.index(mark) >= 0 }

// cut splits at the first mark; found is false, and before everything, without one.
func (cs chars) cut(mark string) (before, after chars, found bool) {
	if i := cs.index(mark); i >= 0 {
		return cs[:i], cs[i+len(mark):], true
	}
	return cs, nil, false
}
