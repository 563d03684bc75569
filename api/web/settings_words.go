package web

import (
	"lignum/domain/words"
	"lignum/tenants"
)

// Setting is a setting of a tenant as people read it. Its words stand in the message file setting.yaml, under its name: label, and where it has them
// hint (on the page; of a switch, what follows its label), trail (what the audit trail calls it) and choice (what each word of a choice is called).
type Setting struct{ tenants.Field }

// Settings are those of tenants.Branding, in its order.
var Settings = func() (list []Setting) {
	for _, f := range tenants.BrandingFields {
		list = append(list, Setting{f})
	}
	return list
}()

// settingOf finds a setting by its name; nil: there is none.
func settingOf(name string) *Setting {
	for i := range Settings {
		if Settings[i].Name == name {
			return &Settings[i]
		}
	}
	return nil
}

// Heading is the heading of the page under which the setting stands.
func (s Setting) Heading(l words.Language) string { return l.Say("setting.section." + s.Section) }

// Label is what the setting is called on its page.
func (s Setting) Label(l words.Language) string { return l.Say("setting." + s.Name + ".label") }

// Hint says on its page what it does; "" where the label says it.
func (s Setting) Hint(l words.Language) string { return s.maybe(l, "hint", "") }

// Trail is what the audit trail calls it.
func (s Setting) Trail(l words.Language) string { return s.maybe(l, "trail", s.Label(l)) }

// Called is what a word that one can choose is called.
func (s Setting) Called(l words.Language, word string) string {
	if s.Kind == tenants.SetField { // of languages, each by its own name
		return words.Language(word).Name()
	}
	return l.Say("setting." + s.Name + ".choice." + word)
}

func (s Setting) maybe(l words.Language, what, otherwise string) string {
	if key := "setting." + s.Name + "." + what; l.Message(key) != nil {
		return l.Say(key)
	}
	return otherwise
}
