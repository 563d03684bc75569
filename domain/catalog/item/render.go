package item

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// blank is what stands for the missing word in a sentence, as in Moodle.
const blank = "_____"

// NewMarkdown gives the one dialect of Markdown that lessons and items use: CommonMark
// with tables and strikethrough. Raw HTML is shown as typed instead of vanishing, so
// that "a<b>c" in a formula loses nothing.
var NewMarkdown = sync.OnceValue(func() goldmark.Markdown { return newMarkdown() })

// newMarkdown is NewMarkdown with further renderers.
func newMarkdown(more ...util.PrioritizedValue) goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)),
			extension.Strikethrough),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(append(more, util.Prioritized(rawHTMLAsText{}, 100))...)),
	)
}

type rawHTMLAsText struct{}

func (rawHTMLAsText) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString(html.EscapeString(string(n.(*ast.RawHTML).Segments.Value(source))))
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			text := string(n.Lines().Value(source))
			if block := n.(*ast.HTMLBlock); block.HasClosure() {
				text += string(block.ClosureLine.Value(source))
			}
			_, _ = w.WriteString("<p>" + html.EscapeString(strings.TrimSpace(text)) + "</p>\n")
		}
		return ast.WalkSkipChildren, nil
	})
}

const textTags = "b|i|em|strong|u|s|del|sub|sup|small|code|pre|p|br|hr|blockquote|ul|ol|li|dl|dt|dd|div|span|" +
	"table|caption|thead|tbody|tfoot|tr|th|td|h1|h2|h3|h4|h5|h6"

// policy allows text and nothing that loads, runs or tracks: no images, frames, forms,
// styles or scripts. The readers are children, and an image from a stranger's server
// would tell that server who reads.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := textPolicy()
	p.AllowAttrs("href").OnElements("a")
	return p
})

// textPolicy is what every policy allows, without the addresses of links.
func textPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(strings.Split(textTags, "|")...)
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|right|center)$`)).OnElements("th", "td")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("th", "td")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col)$`)).OnElements("th")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("ol")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[a-z0-9-]{1,20}$`)).OnElements("code")
	p.AllowAttrs("lang").Matching(regexp.MustCompile(`^[A-Za-z0-9-]{1,20}$`)).OnElements("span", "p", "div")
	p.AllowURLSchemes("https")
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AddTargetBlankToFullyQualifiedLinks(true)
	return p
}

// Moodle's own format means HTML tags where they are tags and text everywhere else;
// whatever does not look exactly like a harmless tag is text ("a<b and c>d").
var moodleTag = regexp.MustCompile(`(?i)</?(?:` + textTags + `|a)(?:\s+[a-z-]+="[^"<>]*")*\s*/?>`)

// RenderHTML returns safe HTML for a text: what it returns may be put into a page as it is.
// An unknown format is treated as Plain.
func RenderHTML(text string, format Format) string {
	switch format {
	case Markdown:
		var buf bytes.Buffer
		if err := NewMarkdown().Convert([]byte(text), &buf); err != nil {
			return plainHTML(text) // writing to memory does not fail; never show less than the text
		}
		return strings.TrimSpace(policy().Sanitize(buf.String()))
	case HTML:
		return strings.TrimSpace(policy().Sanitize(text))
	case Moodle:
		return strings.TrimSpace(policy().Sanitize(moodleHTML(text)))
	case Plain:
	}
	return plainHTML(text)
}

func plainHTML(text string) string {
	return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n")
}

var moodleText = strings.NewReplacer("<", "&lt;", ">", "&gt;", "\n", "<br>\n")

func moodleHTML(text string) string {
	var out strings.Builder
	at := 0
	for _, tag := range moodleTag.FindAllStringIndex(text, -1) {
		out.WriteString(moodleText.Replace(text[at:tag[0]]))
		out.WriteString(text[tag[0]:tag[1]])
		at = tag[1]
	}
	out.WriteString(moodleText.Replace(text[at:]))
	return out.String()
}

// renderInline is RenderHTML without the paragraph that Markdown puts around one line,
// for choices and sides of pairs.
func renderInline(t Text) string {
	h := RenderHTML(t.Body, t.Format)
	if inner, ok := strings.CutPrefix(h, "<p>"); ok {
		if inner, ok = strings.CutSuffix(inner, "</p>"); ok && !strings.Contains(inner, "<p>") {
			return inner
		}
	}
	return h
}

var strict = sync.OnceValue(bluemonday.StrictPolicy)

// PlainText returns a text without any markup. It is not HTML: escape it to show it.
func PlainText(t Text) string {
	if t.Format == Plain {
		return t.Body
	}
	return strings.TrimSpace(html.UnescapeString(strict().Sanitize(RenderHTML(t.Body, t.Format))))
}
