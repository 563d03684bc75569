package console

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"lignum/api/web"
	"lignum/domain/words"
	"lignum/tenants/provision"
)

func TestEveryCountryBeginsWithWhatATenantTakes(t *testing.T) {
	var names []string
	for _, c := range countries {
		name := nameOf(words.English, c.code)
		spec := provision.Spec{Slug: "trial-" + strings.ToLower(c.code), Name: "Ministry of Education, " + name, Country: c.code, Plan: "country", TimeZone: c.zone, Locale: c.locale,
			Currency: c.currency, ExamScheme: c.exam, Colour: c.colour, Accent: c.accent,
			Admin: provision.Admin{UserName: "a.clarke", GivenName: "Ada", FamilyName: "Clarke"}}
		if err := spec.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(web.Readability(words.English, c.colour, true), "white") {
			t.Errorf("%s: %s", name, web.Readability(words.English, c.colour, true))
		}
		names = append(names, name)
		for _, l := range words.Languages() {
			if l.Message("country."+strings.ToLower(c.code)) == nil {
				t.Errorf("%s has no name in %s", c.code, l)
			}
		}
	}
	if own := words.Keys("country"); len(own) != len(countries) {
		t.Errorf("%d names of %d countries: %v", len(own), len(countries), own)
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(countries) {
		t.Error("not in the order of their names, or one twice")
	}
}

func TestFillKeepsWhatWasTyped(t *testing.T) {
	f := &web.Form{Values: url.Values{"exam_scheme": {"Own certificate"}, "currency": {"JMD"}}}
	barbados, _ := countryByCode("BB")
	barbados.fill(f)
	if f.Get("exam_scheme") != "Own certificate" {
		t.Error("what was typed is gone")
	}
	if f.Get("currency") != "BBD" || f.Get("time_zone") != "America/Barbados" {
		t.Error("the usual values of another country stay:", f.Values)
	}
	if _, ok := countryByCode("XX"); ok {
		t.Error("XX is a country")
	}
}
