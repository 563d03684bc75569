package web

import (
	"fmt"
	"html"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"lignum/domain/words"
)

// A page names its sentences, {{t "learner.my_classes"}}, with what fills them, {{t "learner.seats" "Taken" .Taken "Seats" .Seats}}; the number that
// chooses a plural form is N. Before a page is parsed for a language the words take the place of the names, so that showing it costs no more than if it
// had been written in that language, and whatever fills a sentence is escaped for the place where it stands. A message is text; of
// markup it may hold the plain tags of inline: a link to a page of ours stands in its sentence, and so do words that are only read out.

var (
	inline  = regexp.MustCompile(`</?(?:strong|em|kbd|code|small|b|i|span)>|<br>|<span class="hidden">|<a href="/[a-z/-]*">|</a>`)
	literal = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;")
)

// translated gives the source of a template file with its sentences in a language. It panics on a sentence without words, or one that is not
// filled as its message wants: both are faults of the program, found when it starts.
func translated(l words.Language, file, source string) string {
	trees := map[string]*parse.Tree{}
	top := parse.New(file)
	top.Mode = parse.SkipFuncCheck
	if _, err := top.Parse(source, "", "", trees); err != nil {
		panic(err)
	}
	s := speaker{l: l, file: file}
	names := make([]string, 0, len(trees))
	for name := range trees {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == file {
			continue // what stands between definitions
		}
		fmt.Fprintf(&s.b, "{{define %q}}", name)
		s.list(trees[name].Root)
		s.b.WriteString("{{end}}")
	}
	return s.b.String()
}

type speaker struct {
	l    words.Language
	file string
	b    strings.Builder
}

func (s *speaker) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			s.branch("if", &n.BranchNode)
		case *parse.RangeNode:
			s.branch("range", &n.BranchNode)
		case *parse.WithNode:
			s.branch("with", &n.BranchNode)
		case *parse.ActionNode:
			s.action(n)
		case *parse.TemplateNode:
			s.pipe(n.Pipe)
			s.b.WriteString(n.String())
		default:
			s.b.WriteString(n.String())
		}
	}
}

func (s *speaker) branch(word string, n *parse.BranchNode) {
	s.pipe(n.Pipe)
	fmt.Fprintf(&s.b, "{{%s %s}}", word, n.Pipe)
	s.list(n.List)
	if n.ElseList != nil {
		s.b.WriteString("{{else}}")
		s.list(n.ElseList)
	}
	s.b.WriteString("{{end}}")
}

func (s *speaker) action(n *parse.ActionNode) {
	if len(n.Pipe.Decl) == 0 && len(n.Pipe.Cmds) == 1 {
		if key, pairs, ok := saying(n.Pipe.Cmds[0]); ok {
			s.say(key, pairs)
			return
		}
	}
	s.pipe(n.Pipe)
	s.b.WriteString(n.String())
}

// pipe puts the words of sentences where their names stand among arguments: (dict "label" (t "learner.done")). What something fills is put together when
// the page is shown, by filled; what counts is said then, by t.
func (s *speaker) pipe(p *parse.PipeNode) {
	if p == nil {
		return
	}
	for _, cmd := range p.Cmds {
		for i, arg := range cmd.Args {
			inner, ok := arg.(*parse.PipeNode)
			if !ok {
				continue
			}
			s.pipe(inner)
			if len(inner.Cmds) != 1 {
				continue
			}
			if key, pairs, ok := saying(inner.Cmds[0]); ok {
				m := s.message(key, pairs)
				if len(pairs) == 0 {
					cmd.Args[i] = &parse.StringNode{NodeType: parse.NodeString, Quoted: strconv.Quote(m.Other()), Text: m.Other()}
				}
			}
		}
		if key, pairs, ok := saying(cmd); ok { // {{$x := t "..."}}, or a pipe among arguments
			if m := s.message(key, pairs); len(pairs) > 0 && !m.Counts() {
				cmd.Args = parts(m.Other(), pairs)
			}
		}
	}
}

// parts makes a call of filled: the text of a message and what fills it, in turn.
func parts(text string, pairs []parse.Node) []parse.Node {
	args := []parse.Node{parse.NewIdentifier("filled")}
	for _, piece := range words.Pieces(text) {
		args = append(args, &parse.StringNode{NodeType: parse.NodeString, Quoted: strconv.Quote(piece.Text), Text: piece.Text})
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i].(*parse.StringNode).Text == piece.Name {
				args = append(args, pairs[i+1])
			}
		}
	}
	return args
}

// filled puts a sentence together of its parts, as words.Language.Say does.
func filled(l words.Language, parts ...any) string {
	var b strings.Builder
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			b.WriteString(v)
		case int:
			b.WriteString(l.Number(v))
		case words.Text:
			b.WriteString(v.In(l).String())
		default:
			if at := reflect.ValueOf(v); at.Kind() == reflect.Pointer && !at.IsNil() {
				v = filled(l, at.Elem().Interface())
			}
			fmt.Fprint(&b, v)
		}
	}
	return b.String()
}

// saying takes {{t "key" "Name" value ...}} apart.
func saying(cmd *parse.CommandNode) (key string, pairs []parse.Node, ok bool) {
	if name, is := cmd.Args[0].(*parse.IdentifierNode); !is || name.Ident != "t" || len(cmd.Args) < 2 {
		return "", nil, false
	}
	text, is := cmd.Args[1].(*parse.StringNode)
	if !is {
		return "", nil, false
	}
	return text.Text, cmd.Args[2:], true
}

// message finds the words of a key, and sees that they are filled as they want.
func (s *speaker) message(key string, pairs []parse.Node) words.Message {
	m := s.l.Message(key)
	if m == nil {
		panic(fmt.Sprintf("%s: %q has no words", s.file, key))
	}
	given := map[string]bool{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(*parse.StringNode)
		if !ok {
			panic(fmt.Sprintf("%s: %q is not filled by pairs of name and value", s.file, key))
		}
		given[name.Text] = true
	}
	for _, form := range m {
		for _, piece := range words.Pieces(form.Text) {
			if piece.Name != "" && !given[piece.Name] {
				panic(fmt.Sprintf("%s: %q wants %s, which it is not given", s.file, key, piece.Name))
			}
		}
	}
	return m
}

// say writes a sentence where it stands on the page.
func (s *speaker) say(key string, pairs []parse.Node) {
	m := s.message(key, pairs)
	values := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if inner, ok := pairs[i+1].(*parse.PipeNode); ok {
			s.pipe(inner)
		}
		values[pairs[i].(*parse.StringNode).Text] = source(pairs[i+1])
	}
	n, counts := values["N"]
	if counts {
		values["N"] = "number " + n
	}
	forms := m
	if !counts {
		forms = forms[len(forms)-1:]
	}
	for i, form := range forms {
		switch other := i == len(forms)-1; {
		case other && i > 0:
			s.b.WriteString("{{else}}")
		case i > 0:
			fmt.Fprintf(&s.b, "{{else if eq (form %s) %q}}", n, form.Category)
		case !other:
			fmt.Fprintf(&s.b, "{{if eq (form %s) %q}}", n, form.Category)
		}
		s.fill(form.Text, values)
	}
	if len(forms) > 1 {
		s.b.WriteString("{{end}}")
	}
}

// fill writes a form of a message with what fills it.
func (s *speaker) fill(text string, values map[string]string) {
	for _, piece := range words.Pieces(text) {
		s.text(piece.Text)
		if piece.Name != "" {
			fmt.Fprintf(&s.b, "{{%s}}", values[piece.Name])
		}
	}
}

// text writes words as HTML: plain tags stay.
func (s *speaker) text(said string) {
	at := 0
	for _, tag := range inline.FindAllStringIndex(said, -1) {
		s.b.WriteString(literal.Replace(html.UnescapeString(said[at:tag[0]])))
		s.b.WriteString(said[tag[0]:tag[1]])
		at = tag[1]
	}
	s.b.WriteString(literal.Replace(html.UnescapeString(said[at:])))
}

// source is the text of an argument, as it can stand among others.
func source(n parse.Node) string {
	if _, ok := n.(*parse.PipeNode); ok {
		return "(" + n.String() + ")"
	}
	return n.String()
}
