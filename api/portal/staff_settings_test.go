package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lignum/api/settings"
	"lignum/api/web"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

// decided reads a tenant's settings by the API.
func (s *staffed) decided(u apitest.User) tenants.Branding {
	s.t.Helper()
	return apitest.As[settings.TenantSettings](s.Get(u, "/api/v1/tenant")).Branding
}

// Whatever a tenant decides is shown by the form of its page, which changes it, and otherwise leaves it as it is: also what somebody else decided since by
// the API, what the form shows again when it was refused, and what it does not ask at all.
func TestTheFormOfSettingsShowsAndKeepsEachOfThem(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	admin := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	before := s.decided(admin)
	to := before
	for _, f := range tenants.BrandingFields {
		if err := f.Set(&to, testkit.OtherSetting(f, f.Text(&before))); err != nil {
			t.Fatal(err)
		}
	}
	s.Do(admin, http.MethodPut, "/api/v1/tenant/branding", to).Want(http.StatusOK)
	to = s.decided(admin)

	form := filled(t, s.Get(admin, "/settings"), "/settings")
	for _, f := range tenants.BrandingFields {
		sent := form[f.Name]
		if f.Kind == tenants.SetField { // the words, after the blank that every set sends
			sent = []string{strings.Join(sent[min(1, len(sent)):], " ")}
		}
		if len(sent) == 0 || sent[len(sent)-1] != f.Text(&to) || f.Text(&to) == f.Text(&before) {
			t.Errorf("%s is %q, was %q, and the form shows %q", f.Name, f.Text(&to), f.Text(&before), sent)
		}
		if f.Kind == tenants.SwitchField && !slices.Equal(slices.Compact([]string{"no", f.Text(&to)}), sent) {
			t.Errorf("%s is sent as %q, so that off would not be", f.Name, sent)
		}
	}
	s.form(admin, "/settings", form).Want(http.StatusSeeOther)
	if now := s.decided(admin); !reflect.DeepEqual(now, to) {
		t.Errorf("saved as it was shown it is %+v, was %+v", now, to)
	}
	s.form(admin, "/settings", url.Values{"version": {to.Version}}).Want(http.StatusSeeOther)
	if now := s.decided(admin); !reflect.DeepEqual(now, to) {
		t.Errorf("saved with nothing it is %+v, was %+v", now, to)
	}

	for _, set := range web.Settings { // one by one, from what it is to something else
		f := set.Field
		was := s.decided(admin)
		form := filled(t, s.Get(admin, "/settings"), "/settings")
		other := testkit.OtherSetting(f, f.Text(&was))
		switch form.Set(f.Name, other); {
		case f.Kind == tenants.SwitchField && other == "yes":
			form[f.Name] = []string{"no", "yes"}
		case f.Kind == tenants.SetField:
			form[f.Name] = append([]string{""}, strings.Fields(other)...)
		}
		s.form(admin, "/settings", form).Want(http.StatusSeeOther)
		now := s.decided(admin)
		if err := f.Set(&was, other); err != nil || f.Text(&now) != other {
			t.Errorf("%s was made %q and is %q, %v", f.Name, other, f.Text(&now), err)
		}
		if was.Version = now.Version; !reflect.DeepEqual(now, was) {
			t.Errorf("with %s changed it is %+v, want %+v", f.Name, now, was)
		}
		for _, wrong := range testkit.WrongSettings(f) {
			refused := s.form(admin, "/settings", url.Values{f.Name: {wrong}}).Want(http.StatusUnprocessableEntity)
			s.shows(refused, `href="#f-`+f.Name+`"`, html.EscapeString(set.Label(words.English))+" ")
			again := filled(t, &apitest.Response{T: t, What: refused.What, Status: http.StatusOK, Body: refused.Body}, "/settings")
			for _, rest := range tenants.BrandingFields {
				sent := again[rest.Name]
				if rest.Kind == tenants.SetField {
					sent = []string{strings.Join(sent[min(1, len(sent)):], " ")}
				}
				if rest.Name != f.Name && (len(sent) == 0 || sent[len(sent)-1] != rest.Text(&now)) {
					t.Errorf("with %s refused the form shows %s as %q, is %q", f.Name, rest.Name, sent, rest.Text(&now))
				}
			}
		}
		if again := s.decided(admin); !reflect.DeepEqual(again, now) {
			t.Errorf("refused with %s it is %+v, was %+v", f.Name, again, now)
		}
	}
}
