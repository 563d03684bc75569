package web

import "lignum/tenants"

// SettingWords are what people read of a setting of a tenant.
type SettingWords struct {
	Section string            // of the page: the heading under which it stands, with the others of the same
	Label   string            // on the page
	Hint    string            // on the page; of a switch, what follows its label
	Trail   string            // what the audit trail calls it; "": as on the page
	Called  map[string]string // of a choice: what each word of it is called on the page
}

// settingWords are the words of each field of tenants.Branding, by its name.
var settingWords = map[string]SettingWords{
	"name":   {Section: "Name and looks", Label: "Name that people see", Trail: "Name"},
	"colour": {Section: "Name and looks", Label: "Main colour", Trail: "Colour"},
	"accent": {Section: "Name and looks", Label: "Second colour", Trail: "Accent"},
	"staff_second_factor": {Section: "Signing in", Label: "Staff need an authenticator app", Trail: "Staff need an app's code",
		Hint: "Without it they see their own account and nothing of learners. Set up your own app first."},
	"leaderboard_by": {Section: "Leaderboard", Label: "Who decides whether a learner takes part", Trail: "Who decides about the leaderboard",
		Hint:   "Nobody takes part before. When you change this, everybody is taken off, and those who decide now choose again.",
		Called: map[string]string{"learner": "The learner", "guardian": "The parent or guardian"}},
}

// Setting is a setting of a tenant with its words.
type Setting struct {
	tenants.Field
	SettingWords
}

// Settings are those of tenants.Branding, in its order.
var Settings = func() (list []Setting) {
	for _, f := range tenants.BrandingFields {
		list = append(list, Setting{f, settingWords[f.Name]})
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
