// Package web is what the pages of tenants (portal) and of the platform (console) share: the layout with a realm's name
// and colours, the menu, forms that keep what was typed, notices after a change, the error page, and the static files.
//
// A page is a file pages/<name>.html that defines the block "main"; see Parse and (*Pages).Render. What one thing on a page looks
// like in each of its kinds stands in kinds/<kind>.html: {{partial "answer" .Kind .}}. Everything works
// without JavaScript; static/lignum.js only adds to it. Nothing comes from another host, and the
// Content-Security-Policy allows neither inline styles nor handlers in attributes.
package web

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/files"
)

//go:embed templates/*.html
var templates embed.FS

// Pages are the parsed pages of one package, in each language.
type Pages struct {
	files fs.FS
	in    map[words.Language]func() *language // parsed when somebody reads that language
}

// language is all pages in one language: the layout, what pages share, and of each page its "main" and what it defines beside. They are one set, since each
// copy of it is memory that lives.
type language struct {
	all *template.Template
}

// Parse reads pages/*.html and kinds/*.html of files. It panics on a page that does not parse: the files are part of the program.
func Parse(files fs.FS) *Pages {
	p := &Pages{files: files, in: map[words.Language]func() *language{}}
	for _, l := range append(words.Languages(), words.Pseudo) {
		p.in[l] = sync.OnceValue(func() *language { return p.parse(l) })
	}
	p.in[words.English]()
	return p
}

// parse makes the pages of a language.
func (p *Pages) parse(l words.Language) *language {
	in := &language{}
	fns := functions(l)
	fns["partial"] = in.partial
	in.all = template.New("base").Funcs(fns)
	read := func(files fs.FS, pattern string) (sources [][2]string) {
		found, err := fs.Glob(files, pattern)
		if err != nil {
			panic(err)
		}
		for _, file := range found {
			text, err := fs.ReadFile(files, file)
			if err != nil {
				panic(err)
			}
			sources = append(sources, [2]string{file, translated(l, path.Base(file), string(text))})
		}
		return sources
	}
	for _, shared := range read(templates, "templates/*.html") {
		template.Must(in.all.Parse(shared[1]))
	}
	own := read(p.files, "pages/*.html")
	for i, file := range append(own, read(p.files, "kinds/*.html")...) {
		page := strings.TrimSuffix(path.Base(file[0]), ".html")
		for _, t := range template.Must(template.New("").Funcs(fns).Parse(file[1])).Templates() {
			name := t.Name()
			switch {
			case name == "main" && i < len(own):
				name = mainOf(page)
			case t.Tree == nil || name == "":
				continue
			case in.all.Lookup(name) != nil:
				panic(fmt.Sprintf("%s defines %q, which is there already", file[0], name))
			}
			template.Must(in.all.AddParseTree(name, t.Tree))
		}
	}
	return in
}

// partial is the template that says what something looks like in one kind of it: "answer essay". kind is a text of whatever type.
func (p *language) partial(what string, kind, data any) (template.HTML, error) {
	var out strings.Builder
	out.Grow(1 << 10)
	err := p.all.ExecuteTemplate(&out, what+" "+reflect.ValueOf(kind).String(), data)
	return template.HTML(out.String()), err
}

// mainOf is the name of the template "main" of a page.
func mainOf(page string) string { return "main of " + page }

// Page is what a handler says about the page that it shows.
type Page struct {
	Title string // for the browser's tab, and the level-one heading unless the page brings its own
	Data  any    // .Data in the template
	Form  *Form  // what was typed and what was wrong with it; nil: an empty form
	Wide  bool   // tables that want the whole window
	Plain bool   // no menu: signing in, choosing a password
	Frame string // address of what the page shows in a frame; "": it shows none
}

// View is the dot of every template.
type View struct {
	Page
	Brand  tenants.Branding
	Theme  template.CSS // custom properties
	Logo   *files.File  // nil: the realm has none
	Nonce  string
	Who    *identity.Claims // nil: nobody is signed in
	Menu   []Link
	Notice string
	Inbox  bool // they have a list of notices; the head of the page leads to it
	Unseen int  // how many of those are new, notices.MostCounted at most; -1: not known
	Path   string
	Tenant bool
	Main   template.HTML // what the page's "main" made, for the layout
	// ReadOnly says in words that nothing can be changed just now, and why; "" in a tenant that takes changes.
	ReadOnly string

	Language words.Language
	call     *api.Call
	zone     *time.Location
}

// Render shows a page. It sets the Content-Security-Policy with a fresh nonce, and takes the notice that Notify left.
// The status stays as fc has it.
func (p *Pages) Render(c *api.Call, fc *fiber.Ctx, name string, page Page) error {
	parsed, ok := p.in[c.Language]
	if !ok { // before anybody chose, or a language that went away
		parsed = p.in[words.English]
	}
	all := parsed().all
	if all.Lookup(mainOf(name)) == nil {
		return fmt.Errorf("there is no page %q", name)
	}
	v := newView(c, fc, page)
	var out bytes.Buffer
	if err := all.ExecuteTemplate(&out, mainOf(name), v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	v.Main = template.HTML(out.String())
	out.Reset()
	if err := all.ExecuteTemplate(&out, "layout", v); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	fc.Set(fiber.HeaderContentSecurityPolicy, contentPolicy(v.Nonce, v.Frame))
	if v.ReadOnly != "" {
		return send(c, fc, withoutChanges(c, out.Bytes()))
	}
	return send(c, fc, out.Bytes())
}

func newView(c *api.Call, fc *fiber.Ctx, page Page) *View {
	if c.Nonce == "" {
		c.Nonce = newNonce()
	}
	if page.Form == nil {
		page.Form = &Form{}
	}
	if c.Language != words.English {
		page.Data, page.Form = domain.In(page.Data, c.Language), domain.In(page.Form, c.Language)
	}
	v := &View{Page: page, Nonce: c.Nonce, Who: c.Claims, Path: strings.Clone(fc.Path()), Tenant: c.Tenant != nil, Language: c.Language, call: c, zone: time.UTC,
		Brand: tenants.Branding{Name: "Lignum", Colour: "#1f2937", Accent: "#f59e0b"}}
	if c.State != nil {
		v.Brand, v.Logo = c.State.Branding, c.State.Logo
		v.Notice = takeNotice(c, fc)
		if !page.Plain {
			v.Menu = menuFor(c, v.Path)
			v.Unseen, v.Inbox = c.Unseen()
		}
	}
	if c.Tenant != nil {
		v.zone, v.ReadOnly = c.Tenant.Location(), readOnly(c)
	}
	v.Theme = theme(v.Brand.Colour, v.Brand.Accent)
	return v
}

// contentPolicy lets a page load from its own host alone, and run only the script that carries the nonce. What it frames may not lead its frame elsewhere.
func contentPolicy(nonce, frame string) string {
	if frame != "" {
		frame = "; frame-src " + frame
	}
	return "default-src 'none'; script-src 'nonce-" + nonce + "'; style-src 'self' 'nonce-" + nonce + "'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'" + frame
}

func newNonce() string {
	var raw [16]byte
	rand.Read(raw[:])
	return base64.RawStdEncoding.EncodeToString(raw[:])
}

// May reports whether there may be something that the person can do with a permission now, to show or hide what leads there:
// {{if .May "class.manage"}}. One of their roles holds it, and neither the state of the tenant nor the person's own standing stops it.
func (v *View) May(permission string) (bool, error) {
	p, ok := policy.Lookup(permission)
	if !ok {
		return false, fmt.Errorf("there is no permission %q", permission)
	}
	return v.call.State != nil && v.call.Could(p), nil
}

// Day is a date where the tenant is: "Tue 8 Sep 2026".
func (v *View) Day(t any) string { return v.format(t, "day") }

// Clock is a time of day where the tenant is: "16:00".
func (v *View) Clock(t any) string { return v.format(t, "clock") }

// When is a date and time where the tenant is: "Tue 8 Sep, 16:00"; with the year when it is not this one.
func (v *View) When(t any) string {
	if at := moment(t); !at.IsZero() && at.In(v.zone).Year() != v.call.Now.In(v.zone).Year() {
		return v.format(t, "day_and_time")
	}
	return v.format(t, "day_and_time_this_year")
}

func (v *View) format(t any, layout string) string {
	at := moment(t)
	if at.IsZero() {
		return ""
	}
	return v.call.Language.Format(at.In(v.zone), layout)
}

// moment takes a time, a pointer to one, or a date such as "2026-09-08", which is the same day in every zone.
func moment(t any) time.Time {
	switch t := t.(type) {
	case time.Time:
		return t
	case *time.Time:
		if t != nil {
			return *t
		}
	}
	return time.Time{}
}
