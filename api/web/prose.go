package web

import (
	"html"
	"html/template"
	"regexp"
	"strings"

	"lignum/domain/words"
)

var (
	wideThing = regexp.MustCompile(`(?s)<table>(.*?)</table>|<pre>`)
	headCell  = regexp.MustCompile(`(?s)<th\b[^>]*>(.*?)</th>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

// mostLabel bounds the name of a table, in letters.
const mostLabel = 60

// Safe shows what the catalogue rendered and sanitised, and nothing else. What is wider than a phone scrolls by itself: it is
// made a region that the keyboard reaches and a screen reader names, by the heads of its columns. The catalogue's HTML has
// neither class nor role of its own, so that what is found here is as it was rendered.
func Safe(l words.Language, text string) template.HTML {
	if !strings.Contains(text, "<table>") && !strings.Contains(text, "<pre>") {
		return template.HTML(text)
	}
	return template.HTML(wideThing.ReplaceAllStringFunc(text, func(thing string) string {
		if thing == "<pre>" {
			return `<pre tabindex="0" role="region" aria-label="` + html.EscapeString(l.Say("page.fixed_spacing")) + `">`
		}
		var heads []string
		for _, m := range headCell.FindAllStringSubmatch(thing, -1) {
			if head := strings.TrimSpace(html.UnescapeString(anyTag.ReplaceAllString(m[1], ""))); head != "" {
				heads = append(heads, head)
			}
		}
		name := l.Say("page.table")
		if len(heads) > 0 {
			name = l.Say("page.table_of", "Heads", strings.Join(heads, ", "))
		}
		if letters := []rune(name); len(letters) > mostLabel {
			name = string(letters[:mostLabel]) + "…"
		}
		return `<div class="scroll" tabindex="0" role="region" aria-label="` + html.EscapeString(name) + `">` + thing + `</div>`
	}))
}
