package api_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"lignum/api"
	"lignum/api/account"
	peopleapi "lignum/api/people"
	"lignum/api/platform"
	"lignum/api/settings"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/provision"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestAnAccountManagerRunsTenants(t *testing.T) {
	s := apitest.New(t)
	manager := s.User("", "account_manager")
	list := apitest.As[api.List[platform.TenantInfo]](s.Get(manager, "/api/v1/platform/tenants?limit=2"))
	if len(list.Items) != 2 || list.Items[0].Slug != "bahamas" || list.Next != "celearn" || list.Items[0].URL != s.URL("bahamas") {
		t.Errorf("%+v", list)
	}
	s.Get(manager, "/api/v1/platform/tenants/atlantis").Want(http.StatusNotFound)

	plan := path("/platform/tenants/celearn/plan")
	info := apitest.As[platform.TenantInfo](s.Do(manager, http.MethodPut, plan, map[string]any{"plan": "country"}))
	if info.Plan != "country" || info.Limits.Learners != 250_000 {
		t.Errorf("%+v", info)
	}
	s.Do(manager, http.MethodPut, plan, map[string]any{"plan": "galaxy"}).Want(http.StatusUnprocessableEntity)
	suspension := path("/platform/tenants/celearn/suspension")
	s.Post(manager, suspension, map[string]string{"state": "suspended", "reason": "short"}).Want(http.StatusUnprocessableEntity)
	if p := s.Post(manager, suspension, map[string]string{"state": "suspended", "reason": "          "}).Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "reason_required") {
		t.Errorf("%+v", p)
	} else if len(p.Errors) != 1 || p.Errors[0].Name != "body.reason" {
		t.Errorf("the field of the reason is not named: %+v", p.Errors)
	}
	s.Post(manager, suspension, map[string]string{"state": "suspended", "reason": "The invoice of March is not paid."}).Want(http.StatusOK)
	// The change is in both trails.
	for _, slug := range []string{"", "celearn"} {
		if n := s.Number(slug, `SELECT count(*) FROM audit_trail WHERE action = 'platform.tenant.suspend' AND outcome = 'done' AND actor_id = $1::uuid AND reason LIKE 'The invoice%'`, manager.ID.String()); n != 1 {
			t.Errorf("%d entries in the trail of %q", n, slug)
		}
	}
	s.Get(manager, "/api/v1/platform/users").Want(http.StatusForbidden)
}

func TestATenantIsOpenedAndReachedAtOnce(t *testing.T) {
	s := apitest.New(t)
	operator := s.User("", "operator")
	slug := "t" + strings.ToLower(rand.Text()[:10])
	spec := provision.Spec{Slug: slug, Name: "Antigua", Country: "AG", Plan: "school", TimeZone: "America/Antigua", Locale: "en-AG", Currency: "XCD",
		ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: provision.Admin{UserName: "ada", GivenName: "Ada", FamilyName: "Min", Email: "ada@antigua.example"}}
	t.Cleanup(func() {
		if err := s.Provisioner.Drop(context.Background(), slug, slug); err != nil {
			t.Error(err) // its roles would outlive the test's database
		}
	})
	made := apitest.As[provision.Provisioned](s.Post(operator, "/api/v1/platform/tenants", spec).Want(http.StatusCreated))
	s.Get(apitest.Anonymous(slug), "/api/v1/me").Want(http.StatusUnauthorized)
	again := apitest.As[provision.Provisioned](s.Post(operator, "/api/v1/platform/tenants", spec).Want(http.StatusCreated))
	redeem := func(code string) *apitest.Response {
		return s.Post(apitest.Anonymous(slug), "/api/v1/sign-in/card", map[string]string{"code": code, "password": apitest.Password})
	}
	redeem(made.Invitation).Want(http.StatusUnprocessableEntity) // void: another was made in its place
	admin := apitest.Anonymous(slug)
	admin.Token = apitest.As[account.TokenAnswer](redeem(again.Invitation)).AccessToken
	if settings := apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant")); settings.Plan != "school" {
		t.Errorf("%+v", settings)
	}
}

func TestAProcessThatMayNotProvisionSaysSo(t *testing.T) {
	w := testkit.New(t)
	w.Provisioner = nil
	s := apitest.Serve(t, w)
	spec := provision.Spec{Slug: "antigua", Name: "Antigua", Country: "AG", Plan: "school", TimeZone: "America/Antigua", Locale: "en-AG", Currency: "XCD",
		ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: provision.Admin{UserName: "ada", GivenName: "Ada", FamilyName: "Min", Email: "ada@antigua.example"}}
	p := s.Post(s.User("", "operator"), "/api/v1/platform/tenants", spec).Want(http.StatusServiceUnavailable).Problem()
	if !strings.Contains(p.Detail, "lignum tenant create") {
		t.Errorf("%+v", p)
	}
}

func TestUsageIsWhatTenantsPublished(t *testing.T) {
	s := apitest.New(t)
	manager := s.User("", "account_manager")
	s.Exec("jamaica", `SELECT gate.publish_usage('2026-11-20', 12000, 11000, 44025, 600, 900)`)
	const days = "from=2026-11-01&to=2026-11-30"
	list := apitest.As[api.List[tenants.UsageDay]](s.Get(manager, "/api/v1/platform/tenants/jamaica/usage?"+days))
	if len(list.Items) != 1 || list.Items[0].Learners != 44025 || list.Items[0].Day != "2026-11-20" {
		t.Errorf("%+v", list)
	}
	if list = apitest.As[api.List[tenants.UsageDay]](s.Get(manager, "/api/v1/platform/usage?"+days)); len(list.Items) != 1 {
		t.Errorf("%+v", list)
	}
	s.Get(manager, "/api/v1/platform/usage?from=2026-01-01&to=2026-11-30").Want(http.StatusUnprocessableEntity)
	s.Get(manager, "/api/v1/platform/usage?from=2026-11-30&to=2026-11-01").Want(http.StatusUnprocessableEntity)
	s.Get(manager, "/api/v1/platform/usage?from=yesterday").Want(http.StatusUnprocessableEntity)
	s.Get(manager, "/api/v1/platform/tenants/atlantis/usage").Want(http.StatusNotFound)
}

func TestOpeningATenantIsCheckedBeforeAnythingIsMade(t *testing.T) {
	s := apitest.New(t)
	manager := s.User("", "account_manager")
	spec := provision.Spec{Slug: "www", Name: "Antigua", Country: "AG", Plan: "country", TimeZone: "Nowhere/Land", Locale: "en-AG", Currency: "XCD",
		ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: provision.Admin{UserName: "admin", GivenName: "Ada", FamilyName: "Min", Email: "ada@antigua.example"}}
	p := s.Post(manager, "/api/v1/platform/tenants", spec).Want(http.StatusUnprocessableEntity).Problem()
	if got := strings.Join(names(p.Errors), " "); got != "slug time_zone" {
		t.Errorf("fields: %s", got)
	}
	spec = provision.Spec{Slug: "jamaica", Name: "Another", Country: "JM", Plan: "country", TimeZone: "America/Jamaica", Locale: "en-JM", Currency: "JMD",
		ExamScheme: "CSEC", Colour: "#14532d", Accent: "#eab308", Admin: spec.Admin}
	s.Post(manager, "/api/v1/platform/tenants", spec).Want(http.StatusConflict)
}

func TestThePlatformsOwnAccounts(t *testing.T) {
	s := apitest.New(t)
	operator := s.User("", "operator")
	body := map[string]any{"given_name": "Max", "family_name": "Manager", "email": "max@lignum.example", "roles": []string{"account_manager"}}
	made := apitest.As[peopleapi.NewAccount](s.Post(operator, "/api/v1/platform/users", body).Want(http.StatusCreated))
	list := apitest.As[api.List[people.User]](s.Get(operator, "/api/v1/platform/users?q=man"))
	if len(list.Items) != 1 || list.Items[0].ID != made.User.ID {
		t.Errorf("%+v", list)
	}
	user := path("/platform/users/%s", made.User.ID)
	s.Get(operator, user).Want(http.StatusOK)
	s.Post(operator, user+"/suspension", map[string]string{"reason": "on leave"}).Want(http.StatusOK)
	s.Do(operator, http.MethodDelete, user+"/suspension", nil).Want(http.StatusOK)
	if card := apitest.As[identity.Card](s.Post(operator, user+"/reset", nil)); card.UserID != made.User.ID {
		t.Errorf("%+v", card)
	}
	if roles := apitest.As[api.List[settings.Role]](s.Get(operator, "/api/v1/platform/roles")); len(roles.Items) != 3 {
		t.Errorf("%+v", roles)
	}
}

func TestTheTrailIsReadNewestFirst(t *testing.T) {
	s := apitest.New(t)
	admin, student := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "student")
	for range 3 {
		s.Get(student, "/api/v1/users").Want(http.StatusForbidden)
	}
	query := "/api/v1/audit?outcome=refused&action=user.&limit=2&actor=" + student.ID.String()
	first := apitest.As[api.List[audit.Stored]](s.Get(admin, query))
	if len(first.Items) != 2 || first.Next == "" || first.Items[0].ID.String() < first.Items[1].ID.String() || first.Items[0].ActorName != student.UserName {
		t.Fatalf("%+v", first)
	}
	if rest := apitest.As[api.List[audit.Stored]](s.Get(admin, query+"&cursor="+first.Next)); len(rest.Items) != 1 || rest.Next != "" {
		t.Errorf("%+v", rest)
	}
	if none := apitest.As[api.List[audit.Stored]](s.Get(admin, "/api/v1/audit?to=2020-01-01T00:00:00Z")); len(none.Items) != 0 {
		t.Errorf("%+v", none)
	}
	if all := apitest.As[api.List[audit.Stored]](s.Get(admin, "/api/v1/audit?from=2020-01-01T00:00:00Z")); len(all.Items) < 5 {
		t.Errorf("%+v", all)
	}
	s.Get(admin, "/api/v1/audit?cursor=x").Want(http.StatusUnprocessableEntity)
	s.Get(student, "/api/v1/audit").Want(http.StatusForbidden)
	s.Get(s.User("", "account_manager"), "/api/v1/platform/audit").Want(http.StatusOK)
}

func TestATenantSeesItsQuotasAndChangesItsLooks(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	before := apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant"))
	if before.Used["staff"] != 2 || before.Limits.Learners == 0 || before.Slug != "jamaica" || before.Branding.Colour != "#14532d" {
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
