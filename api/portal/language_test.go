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

	"lignum/api/account"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tests/apitest"
)

// Every page of a tenant that speaks the pseudo language is walked. Each message in it stands between marks; what does not must be what somebody
// wrote, and so be stored, or a name that every language has. Nothing else is said on a page.
func TestPagesSpeakOneLanguage(t *testing.T) {
	t.Parallel()
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
					if _, known := left[rest]; !known && !ofAll.MatchString(rest) && !strings.Contains(stored, lettersOf(rest)) {
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
// the platform, places of the time zones, codes, a language's name of itself, and the answers of an item, which are in the language that it is written in.
var ofAll = regexp.MustCompile(`^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|January|February|March|April|June|July|August|September|October|November|December|GB|KB|JM|JMD|CSEC|Lignum|English|True|False|[\d\s.,:;·–—/%()−+×]|America/Jamaica)+)$`)

// everything is all that is stored of a tenant, in one text with single blanks.
func everything(s *town) string {
	var b strings.Builder
	for _, table := range strings.Fields(s.Text("jamaica", `SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
		AND has_table_privilege(oid, 'SELECT')`)) {
		b.WriteString(s.Text("jamaica", `SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM `+table+` t`))
		b.WriteByte(' ')
	}
	b.WriteString(s.Text("jamaica", `SELECT string_agg(concat_ws(' ', given_name, family_name) || ' ' || concat_ws(', ', family_name, given_name) || ' ' || given_name || ' ' || left(family_name, 1) || '.', ' ') FROM users`)) // as pages write them
	text := strings.NewReplacer(`\n`, " ", `\"`, `"`, `\\`, `\`, `\u003c`, "<", `\u003e`, ">", `**`, "", "`", "", "*", "").Replace(b.String())
	return lettersOf(text)
}

// lettersOf leaves letters and digits, with one blank for all between: what was written in Markdown is so found again on a page.
func lettersOf(text string) string { return notLetters.ReplaceAllString(text, " ") }

var notLetters = regexp.MustCompile(`[^\pL\pN]+`)

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
	for _, part := range regexp.MustCompile(`\n| · | \(|_{3,}`).Split(text, -1) {
		part = strings.Join(strings.Fields(part), " ")
		part = strings.Trim(part, " ,;:·–—→←()“”|/%")
		if strings.ContainsFunc(part, unicode.IsLetter) {
			rest = append(rest, part)
		}
	}
	return rest
}

// Somebody is spoken with in the language that they chose; before that in what their browser accepts, as far as the tenant has it; else in the tenant's.
func TestThePersonsLanguageGoesBeforeTheBrowsers(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	pupil := s.User("jamaica", "student")
	lang := func(accept string) string {
		t.Helper()
		body := string(s.Send(pupil, http.MethodGet, s.URL("jamaica")+"/classes", nil, "Accept-Language", accept).Want(http.StatusOK).Body)
		_, after, _ := strings.Cut(body, `<html lang="`)
		tag, _, _ := strings.Cut(after, `"`)
		if marked := strings.Contains(body, words.PseudoOpen); marked != (tag == string(words.Pseudo)) {
			t.Errorf("the page says that it is in %q, and is marked: %t", tag, marked)
		}
		return tag
	}
	settle := func(languages ...words.Language) {
		t.Helper()
		boss := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
		s.Do(boss, http.MethodPut, "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false, "languages": languages}).Want(http.StatusOK)
		if err := s.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := lang("en-XA"); got != "en" {
		t.Errorf("a tenant with one language speaks %q", got)
	}
	if page := s.Get(pupil, "/account").Want(http.StatusOK); strings.Contains(string(page.Body), `action="/account/language"`) {
		t.Error("where there is nothing to choose, a choice is shown")
	}
	settle(words.English, words.Pseudo)
	if en, asked := lang(""), lang("en-XA, en;q=0.5"); en != "en" || asked != "en-XA" {
		t.Errorf("before a choice: %q without a wish, %q by the browser's", en, asked)
	}
	// A refusal is in the language too, and a field's reason.
	refused := s.Send(pupil, http.MethodGet, s.URL("jamaica")+"/api/v1/classes?limit=nothing", nil, "Accept-Language", "en-XA").Problem()
	gone := s.Send(pupil, http.MethodGet, s.URL("jamaica")+"/api/v1/classes/0190a1b2-0000-7000-8000-000000000000", nil, "Accept-Language", "en-XA").Want(http.StatusNotFound).Problem()
	if !strings.HasPrefix(gone.Detail, words.PseudoOpen) || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("refused with %+v and %+v", gone, refused)
	}
	wrong := s.Do(pupil, http.MethodPut, "/api/v1/me/language", map[string]string{"locale": "fr"}).Want(http.StatusUnprocessableEntity).Problem()
	if len(wrong.Errors) != 1 || wrong.Errors[0].Name != "body.locale" {
		t.Errorf("a language that the tenant has not: %+v", wrong)
	}
	// By the form of the account page.
	s.form(pupil, "/account/language", url.Values{"locale": {"en-XA"}}).Want(http.StatusSeeOther)
	if stored := s.Text("jamaica", `SELECT locale FROM users WHERE id = $1::uuid`, pupil.ID.String()); stored != "en-XA" {
		t.Errorf("stored is %q", stored)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action = 'user.language' AND object_id = $1::text`, pupil.ID.String()); n != 1 {
		t.Errorf("%d entries tell of it", n)
	}
	if page := string(s.Get(pupil, "/account").Want(http.StatusOK).Body); !strings.Contains(page, `<option value="en-XA" selected>`) {
		t.Error("the page of the account does not show what was chosen")
	}
	// From the next token on it holds, whatever the browser asks: signed in anew, and by a refresh.
	s.ChoosePassword(pupil)
	tokens := s.SignIn(pupil)
	if pupil.Token = tokens.AccessToken; lang("en") != "en-XA" {
		t.Error("signed in anew, they are not spoken with as they chose")
	}
	pupil.Token = apitest.As[account.TokenAnswer](s.Post(apitest.Anonymous("jamaica"), "/api/v1/token/refresh", map[string]string{"refresh_token": tokens.RefreshToken})).AccessToken
	if lang("en") != "en-XA" {
		t.Error("after a refresh they are not spoken with as they chose")
	}
	// And no longer than the tenant has the language.
	settle(words.English)
	if got := lang("en-XA"); got != "en" {
		t.Errorf("the tenant has it no more, and speaks %q", got)
	}
}

// Who is refused on the way, before the tenant's rules are asked for, is told why in the language that they read: a token that is not good, a tenant
// that is suspended.
func TestARefusalOnTheWayIsInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	boss := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	s.Do(boss, http.MethodPut, "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false,
		"languages": []words.Language{words.English, words.Pseudo}}).Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	asked := func(u apitest.User, accept string, status int) {
		t.Helper()
		p := s.Send(u, http.MethodGet, s.URL("jamaica")+"/api/v1/classes", nil, "Accept-Language", accept).Want(status).Problem()
		if marked := strings.HasPrefix(p.Detail, words.PseudoOpen); marked != (accept == string(words.Pseudo)) {
			t.Errorf("%d to a reader of %q says %q", status, accept, p.Detail)
		}
	}
	both := func(u apitest.User, status int) {
		t.Helper()
		asked(u, "en", status)
		asked(u, "en-XA", status)
	}
	bad := s.User("jamaica", "student")
	bad.Token += "x"
	both(bad, http.StatusUnauthorized)
	err := s.DB("").Write(t.Context(), s.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetState(t.Context(), tx, "jamaica", tenants.Suspended, "hurricane", tenants.By{Server: true})
		return err
	})
	if err == nil {
		err = s.Registry.Refresh(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	both(bad, http.StatusForbidden)
}
