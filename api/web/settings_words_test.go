package web

import (
	"encoding/json"
	"slices"
	"testing"

	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Each setting has its words, and no words are of a setting that is not there. What it is called on the page nothing else is called.
func TestEachSettingHasItsWords(t *testing.T) {
	wanted, labels := map[string]bool{}, map[string]string{}
	for _, s := range Settings {
		wanted["section."+s.Section], wanted[s.Name+".label"] = true, true
		for _, word := range s.Choices {
			wanted[s.Name+".choice."+word] = s.Kind == tenants.ChoiceField
		}
		for _, may := range []string{".hint", ".trail"} {
			if words.English.Message("setting."+s.Name+may) != nil {
				wanted[s.Name+may] = true
			}
		}
		if other, ok := labels[s.Label(words.English)]; ok {
			t.Errorf("%s and %s are both called %q", other, s.Name, s.Label(words.English))
		}
		labels[s.Label(words.English)] = s.Name
	}
	for key, must := range wanted {
		if must && words.English.Message("setting."+key) == nil {
			t.Errorf("setting.%s has no words", key)
		}
	}
	for _, key := range words.Keys("setting") {
		if !wanted[key] {
			t.Errorf("there are words for setting.%s, which is no setting", key)
		}
	}
	if len(labels) < 6 {
		t.Errorf("only %d settings were looked at", len(labels))
	}
}

// The trail tells of a setting by its own words, and of the same name elsewhere as ever.
func TestTheTrailCallsSettingsByTheirWords(t *testing.T) {
	before, after := map[string]any{}, map[string]any{}
	for _, f := range tenants.BrandingFields {
		switch f.Kind {
		case tenants.SwitchField:
			before[f.Name], after[f.Name] = false, true
		case tenants.NumberField:
			before[f.Name], after[f.Name] = f.Least, f.Most
		case tenants.ChoiceField:
			before[f.Name], after[f.Name] = f.Choices[0], f.Choices[1]
		case tenants.SetField:
			before[f.Name], after[f.Name] = []string{"en"}, []string{"es", "en"}
		default:
			before[f.Name], after[f.Name] = "2026-09-07", "audit.read" // what elsewhere is a date, and a permission
		}
	}
	entry := audit.Stored{ObjectKind: "tenant", ObjectID: "branding"}
	entry.Before, _ = json.Marshal(before)
	entry.After, _ = json.Marshal(after)
	told := map[string]Change{}
	for _, c := range (sayer{l: words.English}).changes(&entry) {
		told[c.Label] = c
	}
	for _, s := range Settings {
		c, ok := told[s.Trail(words.English)]
		if !ok || s.Kind == tenants.TextField && (c.Before != "2026-09-07" || c.After != "audit.read") {
			t.Errorf("of %s the trail tells %+v", s.Name, c)
		}
	}
	if c := told["Who decides about the leaderboard"]; c.Before != "Learner" || c.After != "Guardian" {
		t.Errorf("who decides: %+v", c)
	}
	entry.ObjectID = "jamaica"
	elsewhere := (sayer{l: words.English}).changes(&entry)
	if !slices.ContainsFunc(elsewhere, func(c Change) bool { return c.Label == "Colour" && c.Before == date(words.English, "2026-09-07") }) {
		t.Errorf("elsewhere: %+v", elsewhere)
	}
}
