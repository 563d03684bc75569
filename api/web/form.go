package web

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/words"
)

// Form is what somebody typed and what was wrong with it. The zero value is an empty form.
type Form struct {
	Values  url.Values
	Message words.Text     // what was wrong as a whole
	Errors  []domain.Field // what was wrong with which field
}

// maxFields bounds how many values a form may have.
const maxFields = 2000

// ReadForm takes what a form was sent with (application/x-www-form-urlencoded).
func ReadForm(fc *fiber.Ctx) *Form {
	f := &Form{Values: url.Values{}}
	n := 0
	for key, value := range fc.Request().PostArgs().All() {
		if n++; n > maxFields {
			break
		}
		f.Values.Add(string(key), string(value))
	}
	return f
}

// With gives the form with what was wrong with another, which a part of the same page sent; nil: nothing was.
func (f *Form) With(wrong *Form) *Form {
	if wrong != nil {
		f.Message, f.Errors = wrong.Message, wrong.Errors
	}
	return f
}

// Get is a field as it was typed; "" when it is not there.
func (f *Form) Get(name string) string { return f.Values.Get(name) }

// Has reports whether a field was sent, or filled in: whether this is the form that is shown again.
func (f *Form) Has(name string) bool { return f.Values.Has(name) }

// Text is a field without blanks around it.
func (f *Form) Text(name string) string { return strings.TrimSpace(f.Values.Get(name)) }

// Set fills a field in before the form is shown.
func (f *Form) Set(name, value string) *Form {
	if f.Values == nil {
		f.Values = url.Values{}
	}
	f.Values.Set(name, value)
	return f
}

// Fail notes what an error says, so that the form can be shown again. It gives false for an error that is
// no one's to correct: return that one from the handler.
func (f *Form) Fail(err error) bool {
	e, ok := err.(*domain.Error)
	if !ok {
		return false
	}
	f.say(e.Message, e.Fields)
	return true
}

// refused does the same with the problem that the error page is asked to show.
func (f *Form) refused(p *api.Problem) {
	_, q := plain(p, false)
	f.say(q.Detail, p.Errors)
}

// say takes what was wrong, in words for people. A place in a list is in the address, and nobody typed it.
func (f *Form) say(message words.Text, fields []domain.Field) {
	f.Message = plainMessage(message)
	f.Errors = slices.DeleteFunc(plainFields(fields), func(w domain.Field) bool {
		switch lastName(w.Name) {
		case "after", "cursor", "limit":
			f.Message = oldAddress
			return true
		}
		return false
	})
	for i := range f.Errors { // fields are known to people by their labels, not by where they stood in a body
		f.Errors[i].Name = strings.TrimPrefix(f.Errors[i].Name, "body.")
	}
}

// wrong is what was wrong with a field, or "". Fields of JSON bodies are known by their names as well.
func (f *Form) wrong(name string) words.Text {
	for _, e := range f.Errors {
		if e.Name == name || e.Name == "body."+name {
			return e.Reason
		}
	}
	return words.Text{}
}

// Again says how to show a form again when its change is refused with something to correct or to know: wrong
// fields, a full class, too many tries. Call it first in the handler of an api.Form.
func (f *Form) Again(fc *fiber.Ctx, show func(f *Form) error) {
	fc.Locals(againKey{}, func(p *api.Problem) error {
		f.refused(p)
		return show(f)
	})
}

type againKey struct{}

// Field is one labelled input, for the partial "field".
type Field struct {
	Name, Label, Kind, Value, Hint, Error string
	ID                                    string // of the page's elements: the name, unless it stands in two forms of one page
	Auto, Mode, Pattern                   string // autocomplete, inputmode, pattern
	Required, Focus                       bool
	Max, Rows                             int
	Choices                               []Choice // of a select
	Pick                                  *Pick
}

// Choice is an option of a select.
type Choice struct{ Value, Text string }

// Options are what one may choose from: a short list, or a Pick.
type Options struct {
	List []Choice
	Pick *Pick // nil: the list is all there is
}

// Pick chooses one of so many that no list shows them all. What is typed is sent as NAME_typed; the server finds whom or what it means, and
// asks when it may be several. NAME is the id of what NAME_found says.
type Pick struct {
	Typed   string
	Value   string   // the id of what was typed; "" when it is not settled
	Found   []Choice // to choose one of: what was typed means each of them
	More    bool     // and there are others
	Hint    string   // what to type
	Suggest string   // addresses that end with q=, a blank between them: what they list is offered while somebody types, where scripts run
}

// Field makes the input of a name with what was typed and what was wrong with it. What was typed into a password field
// is not shown again. Options by name: kind (text, password, search, date, datetime-local, number, email, textarea, select), hint, auto,
// mode, pattern, max, rows, required, focus, choices, of (Options: a select or a search), value (when nothing was typed), id (when the page has two of the name).
func (v *View) Field(name, label string, options ...any) (Field, error) {
	m, err := dict(options...)
	if err != nil {
		return Field{}, err
	}
	text := func(key, otherwise string) string {
		if s, ok := m[key].(string); ok {
			return s
		}
		return otherwise
	}
	whole := func(key string, otherwise int) int {
		if n, ok := m[key].(int); ok {
			return n
		}
		return otherwise
	}
	f := Field{Name: name, ID: text("id", name), Label: label, Kind: text("kind", "text"), Value: v.Form.Get(name), Hint: text("hint", ""), Error: v.Form.wrong(name).In(v.Language).String(),
		Auto: text("auto", "off"), Mode: text("mode", ""), Pattern: text("pattern", ""), Max: whole("max", 200), Rows: whole("rows", 4)}
	if !v.Form.Values.Has(name) {
		f.Value = text("value", "")
	}
	if f.Kind == "password" {
		f.Value = ""
	}
	f.Required, _ = m["required"].(bool)
	f.Focus, _ = m["focus"].(bool)
	f.Choices, _ = m["choices"].([]Choice)
	if of, given := m["of"].(Options); given {
		f.Kind, f.Choices, f.Pick = "select", of.List, of.Pick
		if of.Pick != nil {
			f.Kind, f.Hint = "pick", of.Pick.Hint
		}
	}
	return f, nil
}

// LocalPath returns a path of this host to go on to, or "" for anything else: another host, a scheme, a trick with slashes.
func LocalPath(next string) string {
	if len(next) > 1000 || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsFunc(next, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return ""
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil {
		return ""
	}
	return next
}
