package api

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"lignum/domain"
)

// PostgreSQL stores no text with a NUL in it and none that is not UTF-8, and JSON can write half of a character (a lone surrogate)
// that neither holds. All of that is refused here, once for every string that comes from outside, with the name of the field.

const badText = "api.must_be_text_no_nul"

func isText(s []byte) bool { return utf8.Valid(s) && bytes.IndexByte(s, 0) < 0 }

// cleanText leaves out what is no text.
func cleanText(s string) string {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	}
	return s
}

// textHeaders are the headers that are stored or compared as they come. The User-Agent is cleaned instead: browsers' makers choose it.
var textHeaders = []string{"Idempotency-Key", deviceHeader}

// head checks what the request's head brings: the parts of the path, the query, and the headers that are kept.
func (c *Call) head() error {
	var p domain.Problems
	uri := c.fc.Context().URI()
	if raw := uri.PathOriginal(); !unescaped(raw) {
		for _, name := range parameters(c.route.Path) {
			if v, err := url.PathUnescape(c.fc.Params(name)); err != nil || !isText([]byte(v)) {
				p.Add("path."+name, badText)
			}
		}
	}
	if raw := uri.QueryString(); !unescaped(raw) {
		badArgs(&p, "query.", uri.QueryArgs())
	}
	for _, name := range textHeaders {
		if !isText(c.fc.Request().Header.Peek(name)) {
			p.Add("header."+name, badText)
		}
	}
	return p.Err()
}

// unescaped tells a piece of an address that is text as it stands: printable ASCII without escapes.
func unescaped(raw []byte) bool {
	for _, b := range raw {
		if b <= ' ' || b >= 0x7f || b == '%' {
			return false
		}
	}
	return true
}

// parameters are the names in braces of a route's path.
func parameters(path string) (names []string) {
	for {
		_, rest, ok := strings.Cut(path, "{")
		if !ok {
			return names
		}
		name, after, _ := strings.Cut(rest, "}")
		names, path = append(names, name), after
	}
}

func badArgs(p *domain.Problems, where string, args *fasthttp.Args) {
	for key, value := range args.All() {
		if !isText(key) || !isText(value) {
			p.Add(where+fieldName(string(key)), badText)
		}
	}
}

// fieldName is a field's name as it may be shown: it came from outside.
func fieldName(name string) string {
	if name = cleanText(name); len(name) > 100 {
		name = cleanText(name[:100]) + "…"
	}
	return name
}

// bodyText checks a body by what it says it is. Bytes that are none of these, such as pictures, are for their route to judge.
func bodyText(contentType string, body []byte) error {
	if len(body) == 0 {
		return nil
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		kind = strings.TrimSpace(kind)
	}
	var p domain.Problems
	switch {
	case kind == "", strings.Contains(kind, "json"):
		if at, bad := badJSON(body); bad {
			p.Add(at, badText)
		}
	case strings.HasPrefix(kind, fiber.MIMEApplicationForm): // fasthttp looks at the beginning as well
		var args fasthttp.Args
		args.ParseBytes(body)
		badArgs(&p, "", &args)
	case strings.HasPrefix(kind, fiber.MIMEMultipartForm):
		badParts(&p, multipart.NewReader(bytes.NewReader(body), params["boundary"]))
	case strings.HasPrefix(kind, "text/"):
		if !isText(body) {
			p.Add("body", badText)
		}
	}
	return p.Err()
}

// badParts looks at the fields of a form in parts, and at the names of its files. What a file holds is for its route to judge.
func badParts(p *domain.Problems, r *multipart.Reader) {
	for {
		part, err := r.NextRawPart()
		if err != nil {
			return // its end; or no such form, as its reader will say
		}
		ok := isText([]byte(part.FormName())) && isText([]byte(part.FileName()))
		if ok && part.FileName() == "" {
			value, _ := io.ReadAll(part)
			ok = isText(value)
		}
		if !ok {
			p.Add(fieldName(part.FormName()), badText)
		}
	}
}

// badJSON finds the first string in a JSON text that cannot be stored, and gives where it is: "body.items[3].title". What is no JSON
// at all is for the decoder to say.
func badJSON(text []byte) (at string, bad bool) {
	if isText(text) && !bytes.Contains(text, []byte(`\u`)) {
		return "", false
	}
	type level struct {
		list  bool
		index int
		key   string
		name  bool // the next string is a key
	}
	var in []level
	where := func() string {
		path := "body"
		for _, l := range in {
			switch {
			case l.list:
				path += "[" + strconv.Itoa(l.index) + "]"
			case l.key != "":
				path += "." + l.key
			}
		}
		return path
	}
	for i := 0; i < len(text); i++ {
		top := len(in) - 1
		switch text[i] {
		case '{', '[':
			if len(in) == 1000 { // deeper than anything that is meant
				return where(), true
			}
			in = append(in, level{list: text[i] == '[', name: text[i] == '{'})
		case '}', ']':
			if top < 0 {
				return "", false
			}
			in = in[:top]
		case ',':
			if top >= 0 {
				in[top].index++
				in[top].name, in[top].key = !in[top].list, ""
			}
		case ':':
			if top >= 0 {
				in[top].name = false
			}
		case '"':
			end := stringEnd(text, i+1)
			if end < 0 {
				return "", false
			}
			raw := text[i+1 : end]
			if top >= 0 && in[top].name {
				in[top].key = fieldName(string(raw))
			}
			if !isText(raw) || !escapesAreText(raw) {
				return where(), true
			}
			i = end
		default:
			if text[i] == 0 || text[i] >= utf8.RuneSelf {
				return where(), true
			}
		}
	}
	return "", false
}

// stringEnd is where the quotation mark is that ends a JSON string; -1: nowhere.
func stringEnd(text []byte, from int) int {
	for i := from; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// escapesAreText reports whether the escapes in a JSON string make characters that can be stored. What is no escape is for the decoder.
func escapesAreText(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		r, ok := hexEscape(raw, i)
		switch {
		case !ok:
			continue
		case r == 0:
			return false
		case utf16.IsSurrogate(r):
			second, ok := rune(0), false
			if i+5 < len(raw) && raw[i+5] == '\\' {
				second, ok = hexEscape(raw, i+6)
			}
			if !ok || utf16.DecodeRune(r, second) == utf8.RuneError {
				return false
			}
			i += 6
		}
		i += 4
	}
	return true
}

// hexEscape reads the "u1234" that is at i.
func hexEscape(raw []byte, i int) (rune, bool) {
	if i+5 > len(raw) || raw[i] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(raw[i+1:i+5]), 16, 32)
	return rune(n), err == nil
}
