package console

import (
	"lignum/api/web"
	"lignum/tenants"
)

// country is what a new tenant of a country begins with. Everything of it can be changed in the form.
type country struct {
	code, name     string // ISO 3166-1 alpha-2
	zone, locale   string // IANA, BCP 47
	currency, exam string // ISO 4217
	colour, accent string // after the flag, dark enough for white letters
}

// countries are those of the region by name. Exam schemes: CSEC is the Caribbean Examinations Council's; The Bahamas
// sets its own BGCSE; where neither is sat the school-leaving examination of the country stands.
var countries = []country{
	{"AI", "Anguilla", "America/Anguilla", "en-AI", "XCD", "CSEC", "#012169", "#f58220"},
	{"AG", "Antigua and Barbuda", "America/Antigua", "en-AG", "XCD", "CSEC", "#9f1239", "#facc15"},
	{"BS", "Bahamas", "America/Nassau", "en-BS", "BSD", "BGCSE", "#155e75", "#facc15"},
	{"BB", "Barbados", "America/Barbados", "en-BB", "BBD", "CSEC", "#00267f", "#ffc726"},
	{"BZ", "Belize", "America/Belize", "en-BZ", "BZD", "CSEC", "#003f87", "#ce1126"},
	{"KY", "Cayman Islands", "America/Cayman", "en-KY", "KYD", "CSEC", "#012169", "#2dd4bf"},
	{"DM", "Dominica", "America/Dominica", "en-DM", "XCD", "CSEC", "#00582e", "#fcd116"},
	{"GD", "Grenada", "America/Grenada", "en-GD", "XCD", "CSEC", "#007a5e", "#fcd116"},
	{"GY", "Guyana", "America/Guyana", "en-GY", "GYD", "CSEC", "#00643a", "#fcd116"},
	{"HT", "Haiti", "America/Port-au-Prince", "fr-HT", "HTG", "Baccalauréat", "#00209f", "#d21034"},
	{"JM", "Jamaica", "America/Jamaica", "en-JM", "JMD", "CSEC", "#14532d", "#eab308"},
	{"MS", "Montserrat", "America/Montserrat", "en-MS", "XCD", "CSEC", "#012169", "#84cc16"},
	{"KN", "Saint Kitts and Nevis", "America/St_Kitts", "en-KN", "XCD", "CSEC", "#00613a", "#fcd116"},
	{"LC", "Saint Lucia", "America/St_Lucia", "en-LC", "XCD", "CSEC", "#075985", "#fcd116"},
	{"VC", "Saint Vincent and the Grenadines", "America/St_Vincent", "en-VC", "XCD", "CSEC", "#00558c", "#fcd116"},
	{"SR", "Suriname", "America/Paramaribo", "nl-SR", "SRD", "VOS", "#295e37", "#ecc81d"},
	{"TT", "Trinidad and Tobago", "America/Port_of_Spain", "en-TT", "TTD", "CSEC", "#991b1b", "#d4d4d4"},
	{"TC", "Turks and Caicos Islands", "America/Grand_Turk", "en-TC", "USD", "CSEC", "#012169", "#fb923c"},
	{"VG", "Virgin Islands (British)", "America/Tortola", "en-VG", "USD", "CSEC", "#012169", "#4ade80"},
}

func countryByCode(code string) (country, bool) {
	for _, c := range countries {
		if c.code == code {
			return c, true
		}
	}
	return country{}, false
}

// fill puts a country's usual values into the fields that are still empty or hold another country's usual value.
func (c country) fill(f *web.Form) {
	for name, value := range c.values() {
		typed := f.Text(name)
		usual := typed == ""
		for _, o := range countries {
			usual = usual || o.values()[name] == typed
		}
		if usual {
			f.Set(name, value)
		}
	}
}

func (c country) values() map[string]string {
	return map[string]string{"time_zone": c.zone, "locale": c.locale, "currency": c.currency, "exam_scheme": c.exam, "colour": c.colour, "accent": c.accent}
}

func countryChoices() []web.Choice {
	choices := make([]web.Choice, 0, len(countries))
	for _, c := range countries {
		choices = append(choices, web.Choice{Value: c.code, Text: c.name})
	}
	return choices
}

func planChoices() []web.Choice {
	var choices []web.Choice
	for _, p := range tenants.Plans {
		choices = append(choices, web.Choice{Value: p.Name, Text: p.Title})
	}
	return choices
}
