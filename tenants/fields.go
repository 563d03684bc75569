package tenants

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lignum/domain"
	"lignum/domain/words"
)

// Field is one setting of a tenant, as its field of Branding declares it: by its type, and by the tags with which the API's reference is made. So
// bounds stand once, whoever asks for them.
type Field struct {
	Section     string // of the page, with the others of the same
	Name        string // in JSON, in the document that is stored, on the page, in the audit trail
	Kind        FieldKind
	Least, Most int      // of a text: characters; of a number: its value
	Choices     []string // of a choice, or a set

	index int // of the struct's field
}

// FieldKind says what a field holds, and so how it is asked.
type FieldKind string

// The kinds of fields.
const (
	TextField   FieldKind = "text"   // one line: a string with a maxLength and perhaps a minLength
	ColourField FieldKind = "colour" // #rrggbb: a string with the pattern of colours
	SwitchField FieldKind = "switch" // on or off: a bool
	ChoiceField FieldKind = "choice" // one of several words: a string with an enum
	SetField    FieldKind = "set"    // some of several words, at least one, in an order: a list with an enum
	NumberField FieldKind = "number" // a whole number: an int with a minimum and a maximum
)

// typedColour is the tag of a colour as people may write it; stored it is in small letters.
const typedColour = `^#[0-9a-fA-F]{6}$`

// ColourPattern is a colour as it is stored, #rrggbb in lower case.
var ColourPattern = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// BrandingFields are the settings, in the order of Branding.
var BrandingFields = fieldsOf(reflect.TypeFor[Branding]())

// fieldsOf reads the fields of a struct, but for the version, which names the others. It panics on one without bounds: the program does not start with it.
func fieldsOf(of reflect.Type) (fields []Field) {
	for i := range of.NumField() {
		declared := of.Field(i)
		name, _, _ := strings.Cut(declared.Tag.Get("json"), ",")
		if name == "version" {
			continue
		}
		f := Field{Name: name, Section: declared.Tag.Get("section"), index: i}
		if f.Section == "" {
			panic(fmt.Sprintf("the setting %s.%s has no section", of.Name(), declared.Name))
		}
		bound := func(tag string, must bool) int {
			text, ok := declared.Tag.Lookup(tag)
			n, err := strconv.Atoi(text)
			if (ok || must) && err != nil {
				panic(fmt.Sprintf("the setting %s.%s has no %s", of.Name(), declared.Name, tag))
			}
			return n
		}
		enum := declared.Tag.Get("enum")
		switch kind := declared.Type.Kind(); {
		case kind == reflect.Bool:
			f.Kind = SwitchField
		case kind == reflect.Int:
			f.Kind, f.Least, f.Most = NumberField, bound("minimum", true), bound("maximum", true)
		case kind == reflect.Slice && declared.Type.Elem().Kind() == reflect.String && enum != "":
			f.Kind, f.Choices = SetField, strings.Split(enum, ",")
		case kind == reflect.String && enum != "":
			f.Kind, f.Choices = ChoiceField, strings.Split(enum, ",")
		case kind == reflect.String && declared.Tag.Get("pattern") == typedColour:
			f.Kind = ColourField
		case kind == reflect.String:
			f.Kind, f.Least, f.Most = TextField, bound("minLength", false), bound("maxLength", true)
		default:
			panic(fmt.Sprintf("the setting %s.%s is of no kind that a setting can have", of.Name(), declared.Name))
		}
		fields = append(fields, f)
	}
	return fields
}

// in returns the field of a document, which is a pointer to the struct that declares it.
func (f Field) in(document any) reflect.Value { return reflect.ValueOf(document).Elem().Field(f.index) }

// Text returns the field of a *Branding as a form holds it: a switch is "yes" or "no", the words of a set have blanks between them.
func (f Field) Text(document any) string {
	v := f.in(document)
	switch f.Kind {
	case SwitchField:
		if v.Bool() {
			return "yes"
		}
		return "no"
	case NumberField:
		return strconv.FormatInt(v.Int(), 10)
	case SetField:
		list := make([]string, v.Len())
		for i := range list {
			list[i] = v.Index(i).String()
		}
		return strings.Join(list, " ")
	case TextField, ColourField, ChoiceField:
	}
	return v.String()
}

// Set sets the field of a *Branding to what a form holds. It returns domain.Invalid for what is no number where one is asked for; whether
// all is in bounds, EditBranding finds out.
func (f Field) Set(document any, text string) error {
	v := f.in(document)
	switch f.Kind {
	case SwitchField:
		v.SetBool(text == "yes")
	case NumberField:
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return domain.InvalidFieldIn(f.Name, f.bounds())
		}
		v.SetInt(n)
	case SetField:
		list := reflect.MakeSlice(v.Type(), 0, 0)
		for _, word := range strings.Fields(text) {
			list = reflect.Append(list, reflect.ValueOf(word).Convert(v.Type().Elem()))
		}
		v.Set(list)
	case TextField, ColourField, ChoiceField:
		v.SetString(text)
	}
	return nil
}

// bounds says what the field must be.
func (f Field) bounds() words.Text {
	switch f.Kind {
	case ColourField:
		return words.Say("tenants.must_be_a_colour")
	case ChoiceField:
		last := len(f.Choices) - 1
		if last == 0 {
			return words.Say("tenants.must_be_the_choice", "Choice", f.Choices[0])
		}
		return words.Say("tenants.must_be_one_of_two", "Choices", strings.Join(f.Choices[:last], ", "), "Last", f.Choices[last])
	case SetField:
		return words.Say("tenants.must_be_some_of", "Choices", strings.Join(f.Choices, ", "))
	case NumberField:
		return words.Say("tenants.must_be_a_whole_number", "Least", f.Least, "Most", f.Most)
	case TextField, SwitchField:
	}
	if f.Least == 0 {
		return words.Say("tenants.must_be_one_line_of_at_most", "Most", f.Most)
	}
	return words.Say("tenants.must_be_one_line_of", "Least", f.Least, "Most", f.Most)
}

// holds puts the field of a document into its normal form, and reports whether it is in bounds.
func (f Field) holds(document any) bool {
	v := f.in(document)
	switch f.Kind {
	case TextField:
		text := strings.TrimSpace(v.String())
		v.SetString(text)
		n := utf8.RuneCountInString(text)
		return n >= f.Least && n <= f.Most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
	case ColourField:
		v.SetString(strings.ToLower(v.String()))
		return ColourPattern.MatchString(v.String())
	case ChoiceField:
		for _, choice := range f.Choices {
			if v.String() == choice {
				return true
			}
		}
		return false
	case SetField:
		seen := map[string]bool{}
		for i := range v.Len() {
			word := v.Index(i).String()
			if seen[word] || !slices.Contains(f.Choices, word) {
				return false
			}
			seen[word] = true
		}
		return len(seen) > 0
	case NumberField:
		return v.Int() >= int64(f.Least) && v.Int() <= int64(f.Most)
	case SwitchField:
	}
	return true
}

// checkFields puts a document into its normal form. It returns domain.Invalid with each field that is out of bounds.
func checkFields(fields []Field, document any) error {
	var p domain.Problems
	for _, f := range fields {
		if !f.holds(document) {
			p.AddIn(f.Name, f.bounds())
		}
	}
	return p.Err()
}
