package mailcatcher

import (
	_ "embed"
	"html/template"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"join": strings.Join, "linked": linked}).Parse(pageHTML))

var address = regexp.MustCompile(`https?://[^\s<>"]+`)

// linked is a text with its addresses as links.
func linked(text string) template.HTML {
	var b strings.Builder
	at := 0
	for _, m := range address.FindAllStringIndex(text, -1) {
		link := template.HTMLEscapeString(text[m[0]:m[1]])
		b.WriteString(template.HTMLEscapeString(text[at:m[0]]) + `<a href="` + link + `">` + link + `</a>`)
		at = m[1]
	}
	b.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML(b.String())
}

// ServeHTTP shows the letters: the list at /, one at /N, its HTML at /N/html, its source at /N/source, and what is attached at /N/0 and so on. It shows them to whoever asks: serve it on this machine alone.
func (c *Catcher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	if r.Method != http.MethodGet {
		http.Error(w, "only to be looked at", http.StatusMethodNotAllowed)
		return
	}
	letters := c.Letters()
	number, form, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	if number == "" {
		slices.Reverse(letters)
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = page.ExecuteTemplate(w, "list", letters) // the browser may be gone
		return
	}
	n, err := strconv.Atoi(number)
	i := slices.IndexFunc(letters, func(l Letter) bool { return l.ID == n })
	if err != nil || i < 0 {
		http.NotFound(w, r)
		return
	}
	switch l := letters[i]; form {
	case "":
		h.Set("Content-Type", "text/html; charset=utf-8")
		_ = page.ExecuteTemplate(w, "one", l) // as above
	case "html":
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'")
		_, _ = w.Write([]byte(strings.Replace(l.HTML, "<head>", `<head><base target="_blank">`, 1))) // as above
	case "source":
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(l.Raw) // as above
	default:
		if i, err := strconv.Atoi(form); err == nil && i >= 0 && i < len(l.Files) {
			h.Set("Content-Type", "application/octet-stream") // whatever it is, it is saved
			h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": l.Files[i].Name}))
			_, _ = w.Write(l.Files[i].Body) // as above
			return
		}
		http.NotFound(w, r)
	}
}
