package item

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// Picture is one as a lesson shows it.
type Picture struct {
	Path          string // on the tenant's host
	Width, Height int    // pixels
}

// decorative in the place of a caption marks a picture that says nothing: it has an empty alternative text, and assistive technology passes it over (WCAG 2.2,
// technique H67).
const decorative = "decorative"

// Shown says how a picture of a lesson is shown: its alternative text, its caption, and whether it is marked as one that says nothing, which has neither. All
// are plain text. alone: it is all that its paragraph holds, so that it may have a caption.
func Shown(n *ast.Image, source []byte) (alt, caption string, isDecorative, alone bool) {
	var text bytes.Buffer
	_ = ast.Walk(n, func(child ast.Node, entering bool) (ast.WalkStatus, error) { // the function gives no error
		if entering {
			switch child := child.(type) {
			case *ast.Text:
				text.Write(child.Value(source))
				if child.SoftLineBreak() || child.HardLineBreak() {
					text.WriteByte(' ')
				}
			case *ast.String:
				text.Write(child.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	alt = strings.TrimSpace(unescaped(text.Bytes()))
	caption = strings.TrimSpace(unescaped(n.Title))
	if alt == "" && caption == decorative {
		caption, isDecorative = "", true
	}
	p, inParagraph := n.Parent().(*ast.Paragraph)
	return alt, caption, isDecorative, inParagraph && p.ChildCount() == 1
}

func unescaped(text []byte) string {
	return string(util.UnescapePunctuations(util.ResolveEntityNames(util.ResolveNumericReferences(text))))
}

// RenderLesson is RenderHTML for the Markdown of a lesson, whose pictures are shown, each as its destination finds it; those that are not found are left out.
func RenderLesson(body string, pictures map[string]Picture) string {
	if len(pictures) == 0 {
		return RenderHTML(body, Markdown)
	}
	md := newMarkdown(util.Prioritized(pictureHTML(pictures), 90))
	var buf bytes.Buffer
	if err := md.Convert([]byte(body), &buf); err != nil {
		return plainHTML(body) // writing to memory does not fail
	}
	return strings.TrimSpace(lessonPolicy().Sanitize(buf.String()))
}

// pictureHTML writes pictures, and paragraphs that are nothing but a picture with its caption.
type pictureHTML map[string]Picture

// RegisterFuncs is goldmark's.
func (p pictureHTML) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		image := n.(*ast.Image)
		if at, known := p[string(image.Destination)]; known && entering {
			alt, _, _, _ := Shown(image, source)
			_, _ = fmt.Fprintf(w, `<img src="%s" alt="%s" width="%d" height="%d" loading="lazy">`, html.EscapeString(at.Path), html.EscapeString(alt), at.Width, at.Height)
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindParagraph, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		open, shut := "<p>", "</p>\n"
		if image, is := n.FirstChild().(*ast.Image); is && n.ChildCount() == 1 {
			if _, caption, _, _ := Shown(image, source); caption != "" {
				open, shut = "<figure>", "<figcaption>"+html.EscapeString(caption)+"</figcaption></figure>\n"
			}
		}
		if !entering {
			open = shut
		}
		_, _ = w.WriteString(open)
		return ast.WalkContinue, nil
	})
}

// lessonPolicy is policy with pictures of the tenant's own courses, which tell no stranger's server who reads.
var lessonPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := textPolicy()
	p.AllowElements("figure", "figcaption")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^/courses/[a-z0-9-]+/lessons/[a-z0-9-]+/pictures/[0-9a-f]{64}$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[1-9][0-9]{0,4}$`)).OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowRelativeURLs(true)
	p.AllowAttrs("href").Matching(regexp.MustCompile(`(?i)^https://`)).OnElements("a")
	return p
})
