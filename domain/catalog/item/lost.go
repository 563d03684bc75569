package item

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
	"golang.org/x/net/html"

	"lignum/domain/words"
)

// Lost says what a learner would not see of a text as its author wrote it: each piece once, ready to be listed after
// "is not shown as written". Empty: everything is shown.
func Lost(t Text) []words.Text {
	var out []words.Text
	note := func(what words.Text) {
		if said := what.String(); !slices.ContainsFunc(out, func(t words.Text) bool { return t.String() == said }) {
			out = append(out, what)
		}
	}
	source := ""
	switch t.Format {
	case HTML:
		source = t.Body
	case Moodle:
		source = moodleHTML(t.Body)
		for _, tag := range anyTag.FindAllString(t.Body, -1) {
			if moodleTag.FindString(tag) != tag {
				note(words.Plain(shorten(tag)))
			}
		}
	case Markdown:
		source = markdownLost(t.Body, note)
	case Plain: // is shown as typed
	}
	elementsLost(source, note)
	if strings.Contains(t.Body, "@@PLUGINFILE@@") {
		note(words.Say("catalog.a_file_of_the_moodle"))
	}
	if f := formula.FindString(t.Body); f != "" {
		note(words.Say("catalog.lost_formula", "Formula", shorten(f)))
	}
	return out
}

// markdownLost notes raw HTML, which is shown as text, and gives what Markdown makes of the rest.
func markdownLost(body string, note func(words.Text)) string {
	source := []byte(body)
	md := NewMarkdown()
	doc := md.Parser().Parse(text.NewReader(source))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below gives no error
		if entering {
			switch n := n.(type) {
			case *ast.RawHTML:
				note(words.Plain(shorten(string(n.Segments.Value(source)))))
			case *ast.HTMLBlock:
				note(words.Plain(shorten(strings.TrimSpace(string(n.Lines().Value(source))))))
			}
		}
		return ast.WalkContinue, nil
	})
	var buf bytes.Buffer
	if err := md.Renderer().Render(&buf, source, doc); err != nil {
		return ""
	}
	return buf.String()
}

// elementsLost notes what the policy takes out of HTML.
func elementsLost(source string, note func(words.Text)) {
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken, html.EndTagToken, html.CommentToken, html.DoctypeToken:
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if !slices.Contains(shownTags, t.Data) {
				if !slices.Contains(plainTags, t.Data) {
					note(words.Plain("<" + shorten(t.Data) + ">"))
				}
				continue
			}
			for _, a := range t.Attr {
				switch {
				case a.Key == "href" && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "https://"):
					note(words.Say("catalog.lost_link", "Address", shorten(a.Val)))
				case a.Key == "style" && telling.MatchString(a.Val), a.Key == "color", a.Key == "bgcolor":
					note(words.Say("catalog.colours_and_styles"))
				}
			}
		}
	}
}

var (
	shownTags = append(strings.Split(textTags, "|"), "a")
	// plainTags say nothing by themselves: their text is shown and nothing is missed.
	plainTags = strings.Split("html|head|body|main|section|article|header|footer|address|figure|figcaption|label|center|font|wbr|nobr|abbr|cite|kbd|samp|tt|var|col|colgroup", "|")
	telling   = regexp.MustCompile(`(?i)color|background|decoration|vertical-align|weight|font-style|display|visibility|list-style`)
	// anyTag is what looks exactly like a tag of HTML, harmless or not.
	anyTag = regexp.MustCompile(`(?i)<(?:!--.*?--|/?(?:` + textTags + `|a|img|iframe|video|audio|source|track|object|embed|param|script|style|link|font|center|input|button|form|select|option|` +
		`textarea|svg|math|canvas|map|area|figure|figcaption|section|article|kbd|samp|var|abbr|cite|q|mark|ins|strike|big|tt|label|picture|ruby|rt|rp)(?:\s+[a-z][a-z0-9:-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=]+))?)*\s*/?)>`)
	// formula is TeX as Moodle's filters take it.
	formula = regexp.MustCompile(`(?s)\$\$.+?\$\$|\\\(.+?\\\)|\\\[.+?\\\]|\[tex\]|<tex>|\\(?:begin|frac|dfrac|tfrac|sqrt|times|div|cdot|pm|leq?|geq?|neq|approx|equiv|infty|sum|prod|int|lim|log|sin|cos|tan|pi|theta|alpha|beta|gamma|delta|` +
		`lambda|mu|sigma|omega|Delta|Omega|text|mathrm|mathbf|mathbb|left|right|overline|underline|bar|hat|vec|angle|triangle|circ|degree|rightarrow|Rightarrow|to|in|cup|cap|subset|emptyset)(?:\b|[0-9_])`)
)

// shorten keeps a quotation from the source readable in a message.
func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
