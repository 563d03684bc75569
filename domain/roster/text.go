package roster

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"lignum/domain"
	"lignum/domain/words"
)

// fileText is what a file's bytes are: its encoding and how its lines end. Excel writes UTF-8 with a byte order mark ('CSV UTF-8'), UTF-16
// ('Unicode Text'), or the code page of Windows ('CSV'), which in the Caribbean is Windows-1252.
type fileText struct {
	encoding string
	endsInCR bool // as old Macs wrote
	start    []byte
	carry    []byte // the beginning of a character whose rest is in the next bytes
	lf, cr   int
	nul      int
	letters  int // of more than one byte, valid UTF-8
	strays   int // bytes that are no UTF-8
}

const (
	utf8Text    = "UTF-8"
	utf16Text   = "UTF-16"
	windowsText = "Windows-1252"
)

// look takes the file's next bytes.
func (t *fileText) look(b []byte) {
	if room := 4 - len(t.start); room > 0 {
		t.start = append(t.start, b[:min(room, len(b))]...)
	}
	t.lf += bytes.Count(b, []byte{'\n'})
	t.cr += bytes.Count(b, []byte{'\r'})
	t.nul += bytes.Count(b, []byte{0})
	if len(t.carry) > 0 {
		b = append(t.carry, b...)
	}
	for len(b) > 0 {
		i := bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
		if i < 0 {
			break
		}
		b = b[i:]
		r, n := utf8.DecodeRune(b)
		switch {
		case !utf8.FullRune(b):
			t.carry = bytes.Clone(b)
			return
		case r == utf8.RuneError && n == 1:
			t.strays++
		default:
			t.letters++
		}
		b = b[n:]
	}
	t.carry = nil
}

// settle says what the bytes were, or why they cannot be read. A file that is mostly UTF-8 stays UTF-8; its broken lines are refused
// one by one.
func (t *fileText) settle() (why words.Text) {
	t.endsInCR = t.lf == 0 && t.cr > 0
	starts := func(mark string) bool { return bytes.HasPrefix(t.start, []byte(mark)) }
	switch t.strays += len(t.carry); {
	case len(t.start) == 0:
		return words.Say("roster.is_empty")
	case starts("\xff\xfe\x00\x00"), starts("\x00\x00\xfe\xff"):
		return words.Say("roster.is_utf_32_save_it")
	case starts("\xff\xfe"), starts("\xfe\xff"):
		t.encoding = utf16Text
	case starts("PK\x03\x04"), starts("\xd0\xcf\x11\xe0"):
		return words.Say("roster.is_a_spreadsheet_or_an")
	case starts("\xef\xbb\xbf"):
		t.encoding = utf8Text
	case t.nul > (t.lf+t.cr)*2 && t.nul > 8:
		return words.Say("roster.holds_nul_characters_as_utf")
	case t.strays > t.letters:
		t.encoding = windowsText
	default:
		t.encoding = utf8Text
	}
	return words.Text{}
}

// maxLine bounds the bytes of one line.
const maxLine = 256 << 10

// textLine is one line of a file, without its end. no counts from 1.
type textLine struct {
	no   int
	text string
	long bool // and cut
}

// lineReader gives the lines of a file, and lets some be looked at before they are taken.
type lineReader struct {
	in    *bufio.Reader
	end   byte
	read  int // lines that were read
	ahead []textLine
}

// reader returns the file's characters in UTF-8 without a byte order mark.
func (t *fileText) reader(in io.Reader) *lineReader {
	switch t.encoding {
	case utf16Text:
		in = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Reader(in)
	case windowsText:
		in = charmap.Windows1252.NewDecoder().Reader(in)
	}
	l := &lineReader{in: bufio.NewReaderSize(in, 64<<10), end: '\n'}
	if t.endsInCR {
		l.end = '\r'
	}
	if start, _ := l.in.Peek(3); bytes.Equal(start, []byte("\xef\xbb\xbf")) {
		_, _ = l.in.Discard(3) // they were peeked at
	}
	return l
}

// take returns the next line, or io.EOF.
func (l *lineReader) take() (textLine, error) {
	if len(l.ahead) > 0 {
		next := l.ahead[0]
		l.ahead = l.ahead[1:]
		return next, nil
	}
	return l.readLine()
}

// peek returns the line that stands n lines (0 or more) after the next one; it reports whether there is one.
func (l *lineReader) peek(n int) (textLine, bool) {
	for len(l.ahead) <= n {
		next, err := l.readLine()
		if err != nil {
			return textLine{}, false // take says what it was, if it was not the end
		}
		l.ahead = append(l.ahead, next)
	}
	return l.ahead[n], true
}

func (l *lineReader) readLine() (textLine, error) {
	line := textLine{no: l.read + 1}
	part, err := l.in.ReadSlice(l.end)
	var whole []byte
	for err == bufio.ErrBufferFull {
		if len(whole)+len(part) <= maxLine {
			whole = append(whole, part...)
		} else {
			line.long = true
		}
		part, err = l.in.ReadSlice(l.end)
	}
	switch line.long = line.long || len(whole)+len(part) > maxLine; {
	case line.long:
	case whole == nil:
		whole = part // good until the next read; it becomes text below
	default:
		whole = append(whole, part...)
	}
	switch {
	case err == io.EOF && len(whole) == 0 && !line.long:
		return line, io.EOF
	case err != nil && err != io.EOF:
		return line, domain.InvalidField("file", "roster.cannot_be_read_to_its")
	}
	l.read++
	line.text = strings.TrimSuffix(strings.TrimSuffix(string(whole), string(l.end)), "\r")
	return line, nil
}
