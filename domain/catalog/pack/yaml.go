package pack

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"lignum/domain/words"
)

// The YAML library's own strict decoding stops at the first unknown key. Authors shall
// hear of everything at once, with lines, so the syntax tree is read here.

// node is a value of pack.yaml or of a bank in YAML; a zero node is one that is missing.
type node struct {
	r    *reader
	file string
	n    ast.Node
	path string // for messages: "tests[0].minutes"
	line int
	col  int
}

func (r *reader) parseYAML(file string, data []byte) node {
	if !utf8.Valid(data) {
		r.wrongAt(file, 0, 0, "pack.the_file_is_not_utf")
		return node{}
	}
	tokens := lexer.Tokenize(string(data))
	if t := tooMuch(tokens); t != nil {
		r.wrongAt(file, t.Position.Line, t.Position.Column, "pack.too_many_keys_in_one")
		return node{}
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil {
			r.wrongIn(file, syntax.Token.Position.Line, syntax.Token.Position.Column, words.Plain(syntax.Message))
		} else {
			r.wrongIn(file, 0, 0, words.Plain(strings.SplitN(err.Error(), "\n", 2)[0]))
		}
		return node{}
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		r.wrongAt(file, 0, 0, "pack.one_yaml_document_expected")
		return node{}
	}
	return node{r: r, file: file}.at(tree.Docs[0].Body, "")
}

// tooMuch returns the first token beyond a nesting, or a number of keys in one map, that
// the format never needs. The parser's time grows with the square of both: 64 KB of "["
// take 12 s, 50,000 keys 10 s.
func tooMuch(tokens token.Tokens) *token.Token {
	const maxDepth, maxKeys = 16, 1_000
	flow, entries, line := 0, 0, 0
	keys := map[int]int{} // column -> keys of the block map that stands there
	outdent := func(column int) {
		for c := range keys {
			if c > column {
				delete(keys, c)
			}
		}
	}
	for _, t := range tokens {
		if t.Position.Line != line {
			line, entries = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.MappingKeyType, token.AnchorType, token.TagType:
			entries++
		case token.SequenceEntryType:
			entries++
			outdent(t.Position.Column)
		case token.MappingValueType:
			if flow == 0 && t.Prev != nil {
				column := t.Prev.Position.Column
				outdent(column)
				keys[column]++
				if keys[column] > maxKeys {
					return t
				}
			}
		}
		if flow > maxDepth || entries > maxDepth {
			return t
		}
	}
	return nil
}

// at is a value of the same file.
func (n node) at(value ast.Node, path string) node {
	out := node{r: n.r, file: n.file, n: value, path: path}
	if t := value.GetToken(); t != nil && t.Position != nil {
		out.line, out.col = t.Position.Line, t.Position.Column
	}
	return out
}

// fail notes what is wrong with the value; the reason is the message of a key, filled with pairs of name and value.
func (n node) fail(key string, pairs ...any) { n.failIn(words.Say(key, pairs...)) }

// failIn is fail with a reason that is there already.
func (n node) failIn(reason words.Text) {
	if n.r != nil {
		n.r.wrongIn(n.file, n.line, n.col, n.about(reason))
	}
}

func (n node) hint(key string, pairs ...any) { n.hintIn(words.Say(key, pairs...)) }

func (n node) hintIn(reason words.Text) { n.r.doubtIn(n.file, n.line, n.col, n.about(reason)) }

// about puts before a reason which value it is about.
func (n node) about(reason words.Text) words.Text {
	if n.path == "" {
		return reason
	}
	return words.Join(": ", words.Plain(n.path), reason)
}

func (n node) exists() bool { return n.n != nil }

// fields reads a mapping with string keys, in order. Null is an empty mapping.
func (n node) fields() (keys []string, values map[string]node) {
	values = map[string]node{}
	var pairs []*ast.MappingValueNode
	switch m := n.n.(type) {
	case nil, *ast.NullNode:
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		n.fail("pack.keys_with_values_expected")
	}
	for _, p := range pairs {
		key, ok := p.Key.(ast.Node).(*ast.StringNode)
		if !ok {
			at := n.at(p.Key, n.path)
			at.fail("pack.a_plain_word_is_expected")
			continue
		}
		path := key.Value
		if n.path != "" {
			path = n.path + "." + path
		}
		v := n.at(p.Value, path)
		at := n.at(p.Key, path)
		v.line, v.col = at.line, at.col // the key's place is what an author looks for
		if _, twice := values[key.Value]; twice {
			v.fail("pack.is_given_twice")
			continue
		}
		keys = append(keys, key.Value)
		values[key.Value] = v
	}
	return keys, values
}

// object reads a mapping and refuses keys that the format does not know.
func (n node) object(known ...string) func(key string) node {
	keys, values := n.fields()
	for _, k := range keys {
		if !slices.Contains(known, k) {
			values[k].fail("pack.unknown_key_known_are", "Known", strings.Join(known, ", "))
		}
	}
	return func(key string) node {
		v, ok := values[key]
		if !ok {
			path := key
			if n.path != "" {
				path = n.path + "." + key
			}
			return node{r: n.r, file: n.file, path: path, line: n.line, col: n.col}
		}
		return v
	}
}

// list reads a sequence of at most limit entries; missing or null is an empty one.
func (n node) list(limit int) []node {
	switch s := n.n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.SequenceNode:
		if len(s.Values) > limit {
			n.fail("pack.entries_at_most_are_allowed", "Entries", len(s.Values), "Most", limit)
			return nil
		}
		out := make([]node, 0, len(s.Values))
		for i, v := range s.Values {
			out = append(out, n.at(v, fmt.Sprintf("%s[%d]", n.path, i)))
		}
		return out
	}
	n.fail("pack.a_list_is_expected")
	return nil
}

// text reads a string of 1 to limit characters.
func (n node) text(limit int) string {
	if !n.exists() {
		n.fail("pack.is_missing")
		return ""
	}
	return n.optionalText(limit)
}

func (n node) optionalText(limit int) string {
	var s string
	switch v := n.n.(type) {
	case nil:
		return ""
	case *ast.StringNode:
		s = v.Value
	case *ast.LiteralNode:
		s = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		s = v.GetToken().Value // version: 1.0 is text to its author
	default:
		n.fail("pack.text_is_expected_put_it")
		return ""
	}
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		n.fail("pack.is_empty")
	case utf8.RuneCountInString(s) > limit:
		n.fail("pack.characters_at_most_are_allowed", "Characters", utf8.RuneCountInString(s), "Most", limit)
	case strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' }):
		n.fail("pack.contains_control_characters")
	}
	return s
}

// oneOf reads one of the given words; the first is the default of a missing one.
func (n node) oneOf(known ...string) string {
	if !n.exists() {
		return known[0]
	}
	s := n.text(100)
	if s != "" && !slices.Contains(known, s) {
		n.fail("pack.is_none_of", "Given", fmt.Sprintf("%q", s), "Known", strings.Join(known, ", "))
	}
	return s
}

// number reads an integer between low and high.
func (n node) number(low, high int) int {
	if !n.exists() {
		n.fail("pack.is_missing")
		return low
	}
	v, ok := n.n.(*ast.IntegerNode)
	value := math.MinInt
	if ok {
		if i, err := strconv.Atoi(v.GetToken().Value); err == nil {
			value = i
		}
	}
	if value < low || value > high {
		n.fail("pack.a_whole_number_from_to", "Low", low, "High", high)
		return low
	}
	return value
}

func (n node) boolean(missing bool) bool {
	switch v := n.n.(type) {
	case nil:
		return missing
	case *ast.BoolNode:
		return v.Value
	}
	n.fail("pack.true_or_false_is_expected")
	return missing
}
