package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// An account manager gives a country limits of its own, one of them below what it uses; its administrator reads what is left and is warned, and so is the account manager.
func TestACountryIsNearItsLimits(t *testing.T) {
	s := serve(t)
	manager, small := open(t, s, "", "manager1", 1280), open(t, s, "", "operator1", 360)
	manager.signIn()
	small.signIn()
	watch := func() {
		t.Helper()
		if err := s.DB("jamaica").Write(t.Context(), s.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "usage.publish", ObjectKind: "day"})
			return insight.WatchQuotas(t.Context(), tx, s.Tenant("jamaica").Today(time.Now()), time.Now())
		}); err != nil {
			t.Fatal(err)
		}
		if err := insight.TellQuotas(t.Context(), s.DB(""), s.Actor, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	watch()
	manager.visit("/console/tenants/jamaica")
	manager.press(`form[action$="/limits"] summary`)
	manager.do(chromedp.SetValue("#f-learners", "many", chromedp.ByQuery), chromedp.SetValue("#f-classes", "1", chromedp.ByQuery))
	manager.click(`form[action$="/limits"] button`)
	manager.wants("must be a whole number")
	manager.shot("quotas-wrong")
	manager.do(chromedp.SetValue("#f-learners", "1000", chromedp.ByQuery))
	manager.click(`form[action$="/limits"] button`)
	manager.wants("The limits are changed")
	watch()
	seen(manager, small, "/console/tenants/jamaica", "quotas-console")
	manager.wants("no more", "it does so each hour")
	manager.visit("/notices")
	manager.wants("Ministry of Education, Jamaica uses all that its plan allows of: Running classes")
	manager.shot("quotas-console-notice")

	admin, phone := open(t, s, "jamaica", "admin1", 1280), open(t, s, "jamaica", "admin1", 360)
	admin.signIn()
	phone.signIn()
	admin.visit("/notices")
	admin.wants("All that your plan allows is used of: Running classes")
	admin.shot("quotas-notice")
	seen(admin, phone, "/settings", "quotas-settings")
	admin.wants("there can be no more until it is less", "Letters sent in a day")
}
