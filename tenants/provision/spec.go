package provision

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"lignum/domain"
	"lignum/tenants"
)

// Spec is what an account manager says of a new tenant.
type Spec struct {
	Slug       string `json:"slug" doc:"The subdomain: 3 to 32 characters of a-z, 0-9 and single hyphens" minLength:"3" maxLength:"32"`
	Name       string `json:"name" doc:"The name that people see, such as the ministry's" minLength:"1" maxLength:"120"`
	Country    string `json:"country" doc:"The country as a code of ISO 3166-1 alpha-2, such as JM" minLength:"2" maxLength:"2"`
	Plan       string `json:"plan" enum:"school,college,country" doc:"The plan, which sets the limits"`
	TimeZone   string `json:"time_zone" doc:"The time zone by its IANA name, such as America/Jamaica" maxLength:"64"`
	Locale     string `json:"locale" doc:"The language as a tag of BCP 47, such as en" maxLength:"16"`
	Currency   string `json:"currency" doc:"The currency as a code of ISO 4217, such as JMD" minLength:"3" maxLength:"3"`
	ExamScheme string `json:"exam_scheme" doc:"The examinations that learners sit, such as CSEC or BGCSE" minLength:"1" maxLength:"64"`
	Colour     string `json:"colour" doc:"Main colour of the pages, #rrggbb" pattern:"^#[0-9a-fA-F]{6}$"`
	Accent     string `json:"accent" doc:"Second colour, #rrggbb" pattern:"^#[0-9a-fA-F]{6}$"`
	Admin      Admin  `json:"admin" doc:"The first tenant administrator, who is invited"`
}

// Admin is the person who gets a tenant's first invitation.
type Admin struct {
	UserName   string `json:"user_name" minLength:"1" maxLength:"64" doc:"The name to sign in with"`
	GivenName  string `json:"given_name" minLength:"1" maxLength:"100" doc:"The given name"`
	FamilyName string `json:"family_name" minLength:"1" maxLength:"100" doc:"The family name"`
	Email      string `json:"email" maxLength:"254" format:"email" doc:"The email address"`
}

var (
	countryPattern  = regexp.MustCompile(`^[A-Z]{2}$`)
	currencyPattern = regexp.MustCompile(`^[A-Z]{3}$`)
	localePattern   = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// Validate checks a spec and puts it into its normal form; it reports all that is wrong at once.
func (s *Spec) Validate() error {
	s.Country, s.Currency = strings.ToUpper(s.Country), strings.ToUpper(s.Currency)
	s.Colour, s.Accent = strings.ToLower(s.Colour), strings.ToLower(s.Accent)
	s.Admin.UserName = strings.ToLower(strings.TrimSpace(s.Admin.UserName))
	var p domain.Problems
	if err := tenants.CheckSlug(s.Slug); err != nil {
		p.AddIn("slug", err.(*domain.Error).Fields[0].Reason)
	}
	text := func(name, v string, most int) {
		if n := utf8.RuneCountInString(strings.TrimSpace(v)); n < 1 || n > most {
			p.Add(name, "tenants.must_have_1_to_characters", "Most", most)
		}
	}
	text("name", s.Name, 120)
	text("exam_scheme", s.ExamScheme, 64)
	text("admin.given_name", s.Admin.GivenName, 100)
	text("admin.family_name", s.Admin.FamilyName, 100)
	match := func(name, v string, re *regexp.Regexp, key string) {
		if !re.MatchString(v) {
			p.Add(name, key)
		}
	}
	match("country", s.Country, countryPattern, "tenants.must_be_country")
	match("currency", s.Currency, currencyPattern, "tenants.must_be_currency")
	match("colour", s.Colour, tenants.ColourPattern, "tenants.must_be_a_colour_such")
	match("accent", s.Accent, tenants.ColourPattern, "tenants.must_be_accent")
	match("locale", s.Locale, localePattern, "tenants.must_be_locale")
	match("admin.user_name", s.Admin.UserName, tenants.UserNamePattern, "tenants.must_be_user_name")
	if _, err := time.LoadLocation(s.TimeZone); err != nil || s.TimeZone == "" || s.TimeZone == "Local" {
		p.Add("time_zone", "tenants.must_be_an_iana_time")
	}
	if _, ok := tenants.PlanByName(s.Plan); !ok {
		p.Add("plan", "tenants.must_be_one_of_school")
	}
	return p.Err()
}
