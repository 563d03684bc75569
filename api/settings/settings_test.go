package settings_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"lignum/api"
	"lignum/api/settings"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// used is how much is used of each limit that whoever asks sees the use of.
func used(s *apitest.Server, who apitest.User) map[string]int64 {
	s.T.Helper()
	all := map[string]int64{}
	for _, q := range apitest.As[api.List[tenants.Quota]](s.Get(who, "/api/v1/tenant/quotas").Want(http.StatusOK)).Items {
		if q.Used != nil {
			all[q.Name] = *q.Used
		}
	}
	return all
}

func TestATenantSeesItsQuotasAndChangesItsLooks(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	before := apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant"))
	if used(s, admin)["staff"] != 2 || before.Limits.Learners == 0 || before.Slug != "jamaica" || before.Branding.Colour != "#14532d" {
		t.Errorf("%+v", before)
	}
	looks := tenants.Branding{Name: "Ministry", Colour: "#ABCDEF", Accent: "#000000", Languages: []words.Language{words.English}}
	s.Do(admin, http.MethodPut, "/api/v1/tenant/branding", looks).Want(http.StatusOK)
	if after := apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant")); after.Branding.Colour != "#abcdef" || after.Branding.Name != "Ministry" {
		t.Errorf("%+v", after)
	}
	looks.StaffSecondFactor = true
	s.Do(admin, http.MethodPut, "/api/v1/tenant/branding", looks).Want(http.StatusConflict) // they would shut themselves out
	strong := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	s.Do(strong, http.MethodPut, "/api/v1/tenant/branding", looks).Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := s.Get(admin, "/api/v1/users").Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "second_factor_needed") {
		t.Errorf("%+v", p)
	}
	s.Get(s.User("jamaica", "student"), "/api/v1/classes").Want(http.StatusOK)
}

// A change by the API that lacks a setting leaves it as it is; one that has it out of bounds is refused with its name.
func TestTheAPIKeepsTheSettingsThatAChangeLacks(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	decided := func() tenants.Branding {
		return apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant")).Branding
	}
	required := map[string]bool{"name": true, "colour": true, "accent": true, "staff_second_factor": true}
	put := func(body map[string]any) *apitest.Response {
		return s.Do(admin, http.MethodPut, "/api/v1/tenant/branding", body)
	}
	whole := func() (body map[string]any) {
		raw, err := json.Marshal(decided())
		if err == nil {
			err = json.Unmarshal(raw, &body)
		}
		if err != nil {
			t.Fatal(err)
		}
		delete(body, "version")
		return body
	}
	for _, f := range tenants.BrandingFields {
		is := decided()
		if err := f.Set(&is, testkit.OtherSetting(f, f.Text(&is))); err != nil {
			t.Fatal(err)
		}
		s.Do(admin, http.MethodPut, "/api/v1/tenant/branding", is).Want(http.StatusOK)
		is = decided()
		lacking := whole()
		delete(lacking, f.Name)
		if required[f.Name] {
			put(lacking).Want(http.StatusUnprocessableEntity)
		} else {
			put(lacking).Want(http.StatusOK)
		}
		if now := decided(); !reflect.DeepEqual(now, is) {
			t.Errorf("without %s it is %+v, was %+v", f.Name, now, is)
		}
		for _, wrong := range testkit.WrongSettings(f) {
			body := whole()
			if body[f.Name] = any(wrong); f.Kind == tenants.SetField {
				body[f.Name] = strings.Fields(wrong)
			} else if f.Kind == tenants.NumberField {
				body[f.Name] = json.RawMessage(wrong)
				if !json.Valid([]byte(wrong)) {
					continue
				}
			}
			p := put(body).Want(http.StatusUnprocessableEntity).Problem()
			if len(p.Errors) != 1 || !strings.HasPrefix(strings.TrimPrefix(p.Errors[0].Name, "body."), f.Name) || p.Errors[0].Reason.IsZero() {
				t.Errorf("%s takes %.50q: %+v", f.Name, wrong, p)
			}
		}
		if now := decided(); !reflect.DeepEqual(now, is) {
			t.Errorf("refused with %s it is %+v, was %+v", f.Name, now, is)
		}
	}
}
