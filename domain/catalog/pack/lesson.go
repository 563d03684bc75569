package pack

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// lesson reads one Markdown file: its first "# " heading is the title; raw HTML is
// refused, because what a lesson needs Markdown can say and nothing else is shown.
func (r *reader) lesson(n node, file string) (Lesson, bool) {
	slug, isMarkdown := strings.CutSuffix(path.Base(file), ".md")
	switch {
	case !isMarkdown:
		n.fail("pack.a_lessons_name_ends_in")
		return Lesson{}, false
	case !slugPattern.MatchString(slug):
		n.fail("pack.file_is_no_slug", "Slug", fmt.Sprintf("%q", slug))
		return Lesson{}, false
	case r.lessons[slug]:
		n.fail("pack.lesson_is_given_twice", "Lesson", fmt.Sprintf("%q", slug))
		return Lesson{}, false
	}
	r.lessons[slug] = true
	data, err := r.load(file, MaxLesson)
	if err != nil {
		n.failIn(words.Of(err))
		return Lesson{}, false
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		r.wrongAt(file, 0, 0, "pack.the_file_is_not_utf")
		return Lesson{}, false
	}
	source := bytes.ReplaceAll(bytes.TrimPrefix(data, []byte("\ufeff")), []byte("\r\n"), []byte("\n"))
	if line := longBlock(source); line > 0 {
		r.wrongAt(file, line, 0, "pack.a_paragraph_list_or_table", "Most", maxBlock)
		return Lesson{}, false
	}
	l := Lesson{Slug: slug, Markdown: string(source), shown: map[string]item.Picture{}}
	title, body := r.inspect(file, source, &l)
	switch {
	case title == "":
		r.wrongAt(file, 1, 0, "pack.the_lesson_has_no_title")
	case utf8.RuneCountInString(title) > 200:
		r.wrongAt(file, 1, 0, "pack.the_title_is_longer_than")
	}
	for _, gone := range item.Lost(item.Text{Body: string(body), Format: item.Markdown}) {
		if !strings.HasPrefix(gone.String(), "<") { // pictures are shown, and raw HTML was told with its line
			r.doubtAt(file, 0, "pack.not_shown", "Lost", gone)
		}
	}
	l.Title, l.HTML = title, item.RenderLesson(string(body), l.shown)
	return l, true
}

// maxBlock limits the bytes between two blank lines of a lesson. The time of the Markdown
// library grows with the square of some blocks: 250 KB of "_a*" in one take 42 s.
const maxBlock = 10_000

// longBlock returns the line where the first block over the limit begins, 0 without one.
func longBlock(source []byte) int {
	start, size := 0, 0
	for i, l := range bytes.Split(source, []byte("\n")) {
		if len(bytes.TrimSpace(l)) == 0 {
			size = 0
			continue
		}
		if size == 0 {
			start = i + 1
		}
		if size += len(l) + 1; size > maxBlock {
			return start
		}
	}
	return 0
}

// inspect walks the syntax tree of a lesson. It gives the title and the source without
// the title's line, and what pictures there are to the lesson.
func (r *reader) inspect(file string, source []byte, l *Lesson) (title string, body []byte) {
	body = source
	lineOf := func(offset int) int { return bytes.Count(source[:min(offset, len(source))], []byte("\n")) + 1 }
	doc := item.NewMarkdown().Parser().Parse(text.NewReader(source))
	block := 0   // offset of the block around an inline node, for those that know no place
	picture := 0 // offset behind the last picture's beginning
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if n.Type() == ast.TypeBlock && n.Lines().Len() > 0 {
			block = n.Lines().At(0).Start
		}
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 1 && title == "" && n.Lines().Len() > 0 {
				first, last := n.Lines().At(0), n.Lines().At(n.Lines().Len()-1)
				title = item.PlainText(item.Text{Body: string(n.Lines().Value(source)), Format: item.Markdown})
				body = withoutHeading(source, first.Start, last.Stop)
			}
		case *ast.HTMLBlock:
			r.wrongAt(file, lineOf(block), 0, "pack.raw_html_is_not_allowed")
		case *ast.RawHTML:
			at := block
			if n.Segments.Len() > 0 {
				at = n.Segments.At(0).Start
			}
			r.wrongAt(file, lineOf(at), 0, "pack.raw_html_is_not_allowed")
		case *ast.Image:
			at := block
			if text, is := n.FirstChild().(*ast.Text); is {
				at = text.Segment.Start
			} else if i := bytes.Index(source[picture:], append([]byte("]("), n.Destination...)); i >= 0 && picture+i > block {
				at = picture + i
			}
			picture = at + 1
			r.image(file, lineOf(at), n, source, l)
		}
		return ast.WalkContinue, nil
	})
	return title, body
}

// withoutHeading takes the lines of a heading out, with the underline of a heading that
// is written with one.
func withoutHeading(source []byte, start, stop int) []byte {
	start = bytes.LastIndexByte(source[:start], '\n') + 1
	rest := source[stop:]
	if _, after, found := bytes.Cut(rest, []byte("\n")); found && stop > 0 && source[stop-1] != '\n' {
		rest = after
	} else if !found && source[stop-1] != '\n' {
		rest = nil
	}
	if !bytes.HasPrefix(bytes.TrimLeft(source[start:], " "), []byte("#")) {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	return append(bytes.Clone(source[:start]), rest...)
}
