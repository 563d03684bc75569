package testkit

import (
	"slices"
	"strconv"
	"strings"

	"lignum/tenants"
)

// OtherSetting returns a value of a setting, as a form holds it, that is in bounds, at one of them where there are any, and not what it is.
func OtherSetting(f tenants.Field, is string) string {
	var others []string
	switch f.Kind {
	case tenants.TextField:
		others = []string{strings.Repeat("é", f.Most), strings.Repeat("x", max(1, f.Least))}
	case tenants.ColourField:
		others = []string{"#123456", "#abcdef"}
	case tenants.SwitchField:
		others = []string{"yes", "no"}
	case tenants.ChoiceField:
		others = f.Choices
	case tenants.SetField:
		others = []string{strings.Join(f.Choices, " "), f.Choices[0]} // the first of several stays so: of languages it is what tests read
	case tenants.NumberField:
		others = []string{strconv.Itoa(f.Most), strconv.Itoa(f.Least)}
	}
	return others[slices.IndexFunc(others, func(other string) bool { return other != is })]
}

// WrongSettings returns values of a setting, as a form holds them, that are out of bounds.
func WrongSettings(f tenants.Field) []string {
	switch f.Kind {
	case tenants.TextField:
		wrong := []string{strings.Repeat("é", f.Most+1), "two\nlines"}
		if f.Least > 0 {
			wrong = append(wrong, strings.Repeat("x", f.Least-1), strings.Repeat(" ", f.Least))
		}
		return wrong
	case tenants.ColourField:
		return []string{"", "red", "#12345", "#12345g", "#123456;"}
	case tenants.ChoiceField:
		return []string{"", f.Choices[0] + ","}
	case tenants.SetField:
		return []string{"", "x", f.Choices[0] + " " + f.Choices[0]}
	case tenants.NumberField:
		return []string{"", "x", "1.5", strconv.Itoa(f.Least - 1), strconv.Itoa(f.Most + 1)}
	case tenants.SwitchField:
	}
	return nil
}
