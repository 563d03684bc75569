package bills_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/verify"
	"lignum/tests/apitest"
	"lignum/tests/bills"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// From prices to a paid and a void bill, by those who may; others are refused, and a tenant sees its own alone.
func TestBillsByTheAPI(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	manager, operator := s.User("", "account_manager"), s.User("", "operator")
	admin, teacher, other := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "teacher"), s.User("bahamas", "tenant_administrator")
	const v1 = "/api/v1/platform"
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month()-2, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	put := func(u apitest.User, path string, body any) *apitest.Response {
		return s.Do(u, http.MethodPut, v1+path, body)
	}

	wrong := func(t *testing.T, r *apitest.Response, fields ...string) {
		t.Helper()
		names := strings.Join(r.Want(http.StatusUnprocessableEntity).Problem().Names(), " ")
		for _, f := range fields {
			if !strings.Contains(names, f) {
				t.Errorf("%s: %q is not among %s", r.What, f, names)
			}
		}
	}
	issuer := books.Issuer{Prefix: "LL", Party: bills.Issuer, Pay: []string{"Bank of the Caribbean, account 1"}, Zone: "America/Jamaica"}
	put(manager, "/issuers/lignum-jm", issuer).Want(http.StatusForbidden)
	put(operator, "/issuers/lignum-jm", issuer).Want(http.StatusOK)
	wrong(t, put(operator, "/issuers/lignum-jm", map[string]any{"prefix": "no", "party": bills.Issuer, "pay": []string{"x"}, "zone": "Mars/Olympus"}), "prefix", "zone")
	version := bills.Version("JMD")
	s.Post(manager, v1+"/prices", version).Want(http.StatusForbidden)
	s.Post(operator, v1+"/prices", version).Want(http.StatusCreated)
	wrong(t, s.Post(operator, v1+"/prices", version), "version")
	account := map[string]any{"issuer": "lignum-jm", "customer": invoice.Party{Name: "Ministry of Education", Address: []string{"Heroes Circle"}, Country: "JM"}, "to": []string{"accounts@example.org"}, "language": "en", "due_days": 30, "order": "", "exemptions": []any{}, "read_only_after": 0}
	s.Get(manager, v1+"/tenants/jamaica/billing").Want(http.StatusNotFound)
	put(manager, "/tenants/jamaica/billing", account).Want(http.StatusOK)
	put(admin, "/tenants/jamaica/billing", account).Want(http.StatusNotFound) // not on a tenant's host
	s.Post(manager, v1+"/tenants/jamaica/billing/plans", map[string]any{"plan": "country", "version": 1, "from": first}).Want(http.StatusOK)
	wrong(t, s.Post(manager, v1+"/tenants/jamaica/billing/plans", map[string]any{"plan": "country", "version": 9, "from": first}), "plan")
	s.Post(manager, v1+"/tenants/jamaica/billing/credits", map[string]any{"name": "outage", "title": "For the outage", "left": 100}).Want(http.StatusCreated)

	draft := apitest.As[books.Preview](s.Get(manager, v1+"/tenants/jamaica/billing/draft")).Draft
	if draft.Number != "" || draft.Period.From.String() != first {
		t.Errorf("the draft is %q of %v", draft.Number, draft.Period)
	}
	inv := apitest.As[invoice.Invoice](s.Post(manager, v1+"/tenants/jamaica/bills", map[string]any{}).Want(http.StatusCreated))
	if inv.Number != "LL-000001" || inv.Total != draft.Total {
		t.Errorf("%s comes to %d, the draft to %d", inv.Number, inv.Total, draft.Total)
	}
	s.Post(manager, v1+"/tenants/jamaica/bills", map[string]any{"period": inv.Period}).Want(http.StatusConflict)

	get := func(u apitest.User, path string) *apitest.Response {
		return s.Send(u, http.MethodGet, s.URL(u.Slug)+path, nil)
	}
	for _, at := range []struct {
		u           apitest.User
		path, files string
	}{{manager, v1 + "/bills/LL-000001", "/console/bills/LL-000001"}, {admin, "/api/v1/bills/LL-000001", "/bills/LL-000001"}} {
		pdf, evidence := get(at.u, at.files+"/pdf").Want(http.StatusOK), get(at.u, at.files+"/evidence").Want(http.StatusOK)
		if !bytes.HasPrefix(pdf.Body, []byte("%PDF")) || pdf.Header.Get("Content-Type") != "application/pdf" || !strings.Contains(pdf.Header.Get("Content-Disposition"), "LL-000001.pdf") {
			t.Errorf("%s is %.8q, %v", at.path, pdf.Body, pdf.Header)
		}
		if r, err := verify.Check(evidence.Body); err != nil || len(r.Differences) > 0 || r.Number != "LL-000001" {
			t.Errorf("%s: %+v, %v", at.path, r, err)
		}
		if b := apitest.As[books.Bill](s.Get(at.u, at.path)); b.Balance.Due != inv.Total || b.Hash == "" || len(b.Invoice.Lines) != len(inv.Lines) {
			t.Errorf("%s: %+v", at.path, b)
		}
	}
	for _, path := range []string{"", "/pdf", "/evidence"} {
		root, console := "", "/console"
		if path == "" {
			root, console = "/api/v1", v1
		}
		get(other, root+"/bills/LL-000001"+path).Want(http.StatusNotFound)
		get(teacher, root+"/bills/LL-000001"+path).Want(http.StatusForbidden)
		get(manager, console+"/bills/XX-1"+path).Want(http.StatusNotFound)
		get(manager, root+"/bills/LL-000001"+path).Want(http.StatusNotFound) // not on the platform's host
	}
	if l := apitest.As[struct{ Items []books.Document }](s.Get(other, "/api/v1/bills")); len(l.Items) != 0 {
		t.Errorf("another tenant sees %+v", l.Items)
	}
	s.Get(other, "/api/v1/tenant/billing").Want(http.StatusNotFound)
	s.Get(admin, "/api/v1/tenant/billing").Want(http.StatusOK)

	pay := map[string]any{"name": "b-1", "on": now.Format(time.DateOnly), "amount": inv.Total, "method": "transfer", "reference": "PO 7"}
	s.Post(manager, v1+"/bills/LL-000001/payments", map[string]any{"name": "b-1", "on": "2026-13-01", "amount": -1, "method": "transfer", "reference": ""}).Want(http.StatusUnprocessableEntity)
	if b := apitest.As[invoice.Balance](s.Post(manager, v1+"/bills/LL-000001/payments", pay)); b.State != invoice.Paid {
		t.Errorf("paid it is %+v", b)
	}
	if l := apitest.As[struct{ Items []books.Document }](s.Get(manager, v1+"/bills?state=paid&tenant=jamaica")); len(l.Items) != 1 {
		t.Errorf("paid are %+v", l.Items)
	}
	s.Post(manager, v1+"/bills/LL-000001/credit-notes", map[string]any{"reason": "Billed in error"}).Want(http.StatusCreated)
	s.Post(manager, v1+"/bills/LL-000001/payments", map[string]any{"name": "b-2", "on": now.Format(time.DateOnly), "amount": 5, "method": "transfer", "reference": ""}).Want(http.StatusConflict)
	if l := apitest.As[struct{ Items []books.Entry }](s.Get(manager, v1+"/tenants/jamaica/billing/statement")); len(l.Items) != 3 || l.Items[2].Balance != -inv.Total && l.Items[1].Balance != 0 {
		t.Errorf("the statement is %+v", l.Items)
	}
	s.Get(manager, v1+"/ageing").Want(http.StatusOK)

	// The bill was mailed with its paper, and leads to the tenant's own page.
	letters := s.Letters("")
	if len(letters) != 2 || len(letters[0].Files) != 1 || letters[0].Files[0].Name != "LL-000001.pdf" || !bytes.HasPrefix(letters[0].Files[0].Body, []byte("%PDF")) || !strings.Contains(letters[0].Text, s.URL("jamaica")+"/bills/LL-000001") {
		t.Errorf("%d letters: %+v", len(letters), letters)
	}
}
