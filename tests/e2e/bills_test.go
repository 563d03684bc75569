package e2e

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/verify"
	"lignum/tenants"
	"lignum/tests/bills"
)

// A country is billed: an account manager says who, by which plan, issues last month's bill, which is mailed; the country's administrator reads it line by line, saves it and what it follows from, which an outsider
// computes again; and it is paid.
func TestACountryIsBilled(t *testing.T) {
	s := serve(t)
	operator, phone := open(t, s, "", "operator1", 1280), open(t, s, "", "manager1", 360)
	operator.signIn()
	phone.signIn()
	now := time.Now().UTC()
	first := billing.On(now.Year(), now.Month()-1, 1)

	// Who bills, and a plan.
	operator.visit("/console/prices")
	operator.wants("Nobody bills yet")
	operator.press(`form[action$="/issuers"] summary`)
	operator.do(chromedp.SetValue("#f-issuer", `{"name": "lignum-jm", "prefix": "LL", "zone": "Mars"}`, chromedp.ByQuery))
	operator.click(`form[action$="/issuers"] button`)
	operator.wants("zone Mars is no time zone")
	operator.shot("bills-issuer-wrong")
	s.Write("", func(tx *tenants.Tx) error {
		if err := books.PutIssuer(t.Context(), tx, books.Issuer{Name: "lignum-jm", Prefix: "LL", Party: bills.Issuer, Pay: []string{"Bank of the Caribbean, Half Way Tree", "Account 000-123-456, JMD"}, Zone: "America/Jamaica"}); err != nil {
			return err
		}
		v := bills.Version("JMD")
		v.From = bills.Date("2025-01-01")
		return books.AddVersion(t.Context(), tx, v, now)
	})
	seen(operator, phone, "/console/prices", "bills-prices")

	// Who is billed.
	operator.visit("/console/tenants/jamaica/bills")
	operator.do(chromedp.SetValue(`[name="customer.address"]`, "2–4 National Heroes Circle\nKingston 4", chromedp.ByQuery), chromedp.SetValue("#f-to", "accounts", chromedp.ByQuery))
	operator.click(`form[action$="/account"] button`)
	operator.wants("must be an e-mail address")
	operator.shot("bills-account-wrong")
	operator.do(chromedp.SetValue("#f-to", "accounts@moe.example", chromedp.ByQuery))
	operator.click(`form[action$="/account"] button`)
	operator.wants("The next bill goes by it", "No plan is in force")
	operator.do(chromedp.SetValue("#f-plan", "country 1", chromedp.ByQuery), chromedp.SetValue("#f-from", first.String(), chromedp.ByQuery))
	operator.click(`form[action$="/plan"] button`)
	operator.wants("The plan is set", "Comes to")
	seen(operator, phone, "/console/tenants/jamaica/bills", "bills-before")

	operator.press(`form[action$="/jamaica/bills"] summary`)
	operator.click(`form[action$="/jamaica/bills"] button`)
	operator.wants("issued and on its way", "LL-000001")
	seen(operator, phone, "/console/bills", "bills-console")
	seen(operator, phone, "/console/bills/LL-000001", "bills-one-console")
	letters := s.Letters("")
	if len(letters) != 1 || len(letters[0].Files) != 1 || letters[0].Files[0].Name != "LL-000001.pdf" {
		t.Fatalf("%d letters: %+v", len(letters), letters)
	}

	// The country.
	admin, small := open(t, s, "jamaica", "admin1", 1280), open(t, s, "jamaica", "admin1", 360)
	admin.signIn()
	small.signIn()
	seen(admin, small, "/bills", "bills-own")
	admin.wants("Lignum for countries", "LL-000001")
	seen(admin, small, "/bills/LL-000001", "bills-one-own")
	admin.wants("Tax", "GCT 15 %", "SHA-256")
	evidence := admin.saved(`a[href$="/evidence"]`, ".json")
	report, err := verify.Check(evidence)
	if err != nil || len(report.Differences) > 0 || report.Number != "LL-000001" {
		t.Errorf("an outsider finds %+v: %v", report, err)
	}

	// It is paid.
	operator.visit("/console/bills/LL-000001")
	operator.do(chromedp.SetValue("#f-amount", "1.234", chromedp.ByQuery), chromedp.SetValue("#f-on", now.Format(time.DateOnly), chromedp.ByQuery), chromedp.SetValue("#f-name", "NCB 77-1", chromedp.ByQuery))
	operator.click(`form[action$="/payments"] button`)
	operator.wants("at most 2 digits")
	operator.do(chromedp.SetValue("#f-amount", report.Total, chromedp.ByQuery))
	operator.click(`form[action$="/payments"] button`)
	operator.wants("The payment is noted", "Paid")
	operator.shot("bills-paid")
	admin.visit("/bills")
	admin.wants("Paid")
}
