package web

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// Each setting has its words, and no words are of a setting that is not there. What it is called on the page nothing else is called.
func TestEachSettingHasItsWords(t *testing.T) {
	known, labels := map[string]bool{}, map[string]string{}
	for _, s := range Settings {
		known[s.Name] = true
		if s.Section == "" || s.Label == "" {
			t.Errorf("the setting %s has no heading or no label: %+v", s.Name, s.SettingWords)
		}
		if other, ok := labels[s.Label]; ok {
			t.Errorf("%s and %s are both called %q", other, s.Name, s.Label)
		}
		labels[s.Label] = s.Name
		if called := slices.Sorted(maps.Keys(s.Called)); !slices.Equal(called, slices.Sorted(slices.Values(s.Choices))) {
			t.Errorf("of the setting %s one chooses among %q, and words are there for %q", s.Name, s.Choices, called)
		}
	}
	for name := range settingWords {
		if !known[name] {
			t.Errorf("there are words for %s, which is no setting", name)
		}
	}
	if len(known) < 5 {
		t.Errorf("only %d settings were looked at", len(known))
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
		default:
			before[f.Name], after[f.Name] = "2026-09-07", "audit.read" // what elsewhere is a date, and a permission
		}
	}
	entry := audit.Stored{ObjectKind: "tenant", ObjectID: "branding"}
	entry.Before, _ = json.Marshal(before)
	entry.After, _ = json.Marshal(after)
	told := map[string]Change{}
	for _, c := range (sayer{}).changes(&entry) {
		told[c.Label] = c
	}
	for _, s := range Settings {
		label := s.Trail
		if label == "" {
			label = s.Label
		}
		c, ok := told[label]
		if !ok || s.Kind == tenants.TextField && (c.Before != "2026-09-07" || c.After != "audit.read") {
			t.Errorf("of %s the trail tells %+v", s.Name, c)
		}
	}
	if c := told["Who decides about the leaderboard"]; c.Before != "Learner" || c.After != "Guardian" {
		t.Errorf("who decides: %+v", c)
	}
	entry.ObjectID = "jamaica"
	elsewhere := (sayer{}).changes(&entry)
	if !slices.ContainsFunc(elsewhere, func(c Change) bool { return c.Label == "Colour" && c.Before == date("2026-09-07") }) {
		t.Errorf("elsewhere: %+v", elsewhere)
	}
}
