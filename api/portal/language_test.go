package portal_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"lignum/domain/words"
	"lignum/policy"
	"lignum/tests/apitest"
)

// Every page of a tenant that speaks the pseudo language is walked. Each message in it stands between marks; what does not must be what somebody
// wrote, and so be stored, or a name that every language has. Nothing else is said on a page.
func TestPagesSpeakOneLanguage(t *testing.T) {
	s := newTown(t)
	boss := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	s.Do(boss, http.MethodPut, "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false,
		"languages": []words.Language{words.Pseudo}}).Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored := everything(s)
	left, pages, said := map[string]string{}, 0, 0
	for _, role := range policy.SystemRoles(policy.Tenant) {
		if s.who[role].Slug == "" {
			continue
		}
		c := &crawl{town: s, u: s.who[role], role: "pseudo " + role, from: map[string]string{}, forms: map[string]url.Values{}}
		c.look = func(path, body string) {
			pages++
			if !strings.Contains(body, `<html lang="`+string(words.Pseudo)+`"`) {
				t.Errorf("%s is not in the language of the tenant", path)
			}
			for _, text := range visible(body) {
				said += strings.Count(text, words.PseudoOpen)
				for _, rest := range unmarked(text) {
					if _, known := left[rest]; !known && !ofAll.MatchString(rest) && !strings.Contains(stored, rest) {
						left[rest] = idsOfPath.ReplaceAllString(path, "…")
					}
				}
			}
		}
		c.run("/")
	}
	for _, text := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("%q on %s came from no message and from nobody", text, left[text])
	}
	if pages < 200 || said < 5_000 {
		t.Errorf("only %d messages on %d pages were looked at", said, pages)
	}
}

// ofAll are words that stand alike in every language: days and months, which the pseudo language writes as English does, units, names of programs and of
// the platform, places of the time zones, and codes.
var ofAll = regexp.MustCompile(`^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December|GB|KB|JM|JMD|CSEC|Lignum|[\d\s.,:;·–—/%()−+×]|America/Jamaica)+)$`)

// everything is all that is stored of a tenant, in one text with single blanks.
func everything(s *town) string {
	var b strings.Builder
	for _, table := range strings.Fields(s.Text("jamaica", `SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
		AND has_table_privilege(oid, 'SELECT')`)) {
		b.WriteString(s.Text("jamaica", `SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM `+table+` t`))
		b.WriteByte(' ')
	}
	text := strings.NewReplacer(`\n`, " ", `\"`, `"`, `\\`, `\`, `**`, "", "`", "", "*", "").Replace(b.String())
	return strings.Join(strings.Fields(text), " ")
}

var (
	hiddenParts = regexp.MustCompile(`(?s)<(?:script|style|math)\b.*?</(?:script|style|math)>|<!--.*?-->|<!doctype[^>]*>`)
	pageTag     = regexp.MustCompile(`<[^>]*>`)
	spokenPart  = regexp.MustCompile(`\b(?:aria-label|title|placeholder|alt)="([^"]*)"`)
	inner       = regexp.MustCompile(words.PseudoOpen + `[^` + words.PseudoOpen + words.PseudoClose + `]*` + words.PseudoClose)
)

// visible gives the texts of a page that people see, or hear read out: from one tag to the next, where no message goes over tags.
func visible(body string) (texts []string) {
	body = hiddenParts.ReplaceAllString(body, " ")
	for _, m := range spokenPart.FindAllStringSubmatch(body, -1) {
		texts = append(texts, html.UnescapeString(m[1]))
	}
	for inner.MatchString(pageTag.ReplaceAllString(body, "")) { // messages first, with the tags in them
		before := body
		body = regexp.MustCompile(`(?s)`+words.PseudoOpen+`[^`+words.PseudoOpen+words.PseudoClose+`]*`+words.PseudoClose).ReplaceAllStringFunc(body, func(m string) string {
			texts = append(texts, words.PseudoOpen+words.PseudoClose)
			return " "
		})
		if body == before {
			break
		}
	}
	for _, text := range pageTag.Split(body, -1) {
		texts = append(texts, html.UnescapeString(text))
	}
	return texts
}

// unmarked gives what of a text stands outside of messages, if there are letters in it.
func unmarked(text string) (rest []string) {
	for inner.MatchString(text) {
		text = inner.ReplaceAllString(text, "\n")
	}
	for _, part := range strings.Split(text, "\n") {
		part = strings.Join(strings.Fields(part), " ")
		part = strings.Trim(part, " ,;:·–—→()“”|/%")
		if strings.ContainsFunc(part, unicode.IsLetter) {
			rest = append(rest, part)
		}
	}
	return rest
}
