package console

import (
	"slices"
	"strings"

	"lignum/api/web"
	"lignum/domain/words"
	"lignum/tenants"
)

// country is what a new tenant of a country begins with. Everything of it can be changed in the form.
type country struct {
	code           string // ISO 3166-1 alpha-2; its name stands in country.yaml
	zone, locale   string // IANA, BCP 47
	currency, exam string // ISO 4217
	colour, accent string // after the flag, dark enough for white letters
}

// countries are those of the region. Exam schemes: CSEC is the Caribbean Examinations Council's; The Bahamas
// sets its own BGCSE; where neither is sat the school-leaving examination of the country stands.
var countries = []country{
	{"AI", "America/Anguilla", "en-AI", "XCD", "CSEC", "#012169", "#f58220"},
	{"AG", "America/Antigua", "en-AG", "XCD", "CSEC", "#9f1239", "#facc15"},
	{"BS", "America/Nassau", "en-BS", "BSD", "BGCSE", "#155e75", "#facc15"},
	{"BB", "America/Barbados", "en-BB", "BBD", "CSEC", "#00267f", "#ffc726"},
	{"BZ", "America/Belize", "en-BZ", "BZD", "CSEC", "#003f87", "#ce1126"},
	{"KY", "America/Cayman", "en-KY", "KYD", "CSEC", "#012169", "#2dd4bf"},
	{"DM", "America/Dominica", "en-DM", "XCD", "CSEC", "#00582e", "#fcd116"},
	{"GD", "America/Grenada", "en-GD", "XCD", "CSEC", "#007a5e", "#fcd116"},
	{"GY", "America/Guyana", "en-GY", "GYD", "CSEC", "#00643a", "#fcd116"},
	{"HT", "America/Port-au-Prince", "fr-HT", "HTG", "Baccalauréat", "#00209f", "#d21034"},
	{"JM", "America/Jamaica", "en-JM", "JMD", "CSEC", "#14532d", "#eab308"},
	{"MS", "America/Montserrat", "en-MS", "XCD", "CSEC", "#012169", "#84cc16"},
	{"KN", "America/St_Kitts", "en-KN", "XCD", "CSEC", "#00613a", "#fcd116"},
	{"LC", "America/St_Lucia", "en-LC", "XCD", "CSEC", "#075985", "#fcd116"},
	{"VC", "America/St_Vincent", "en-VC", "XCD", "CSEC", "#00558c", "#fcd116"},
	{"SR", "America/Paramaribo", "nl-SR", "SRD", "VOS", "#295e37", "#ecc81d"},
	{"TT", "America/Port_of_Spain", "en-TT", "TTD", "CSEC", "#991b1b", "#d4d4d4"},
	{"TC", "America/Grand_Turk", "en-TC", "USD", "CSEC", "#012169", "#fb923c"},
	{"VG", "America/Tortola", "en-VG", "USD", "CSEC", "#012169", "#4ade80"},
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

// nameOf is a country's name in a language; of one that is not of the region, the code.
func nameOf(l words.Language, code string) string {
	if _, ok := countryByCode(code); ok {
		return l.Say("country." + strings.ToLower(code))
	}
	return code
}

// countryChoices offers the countries in the order of their names.
func countryChoices(l words.Language) []web.Choice {
	choices := make([]web.Choice, 0, len(countries))
	for _, c := range countries {
		choices = append(choices, web.Choice{Value: c.code, Text: nameOf(l, c.code)})
	}
	slices.SortFunc(choices, func(a, b web.Choice) int { return strings.Compare(a.Text, b.Text) })
	return choices
}

func planChoices(l words.Language) []web.Choice {
	var choices []web.Choice
	for _, p := range tenants.Plans {
		choices = append(choices, web.Choice{Value: p.Name, Text: l.Word(p.Name)})
	}
	return choices
}
