package console

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	billsapi "lignum/api/bills"
	exportsapi "lignum/api/exports"
	"lignum/api/platform"
	"lignum/api/web"
	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/domain/exports"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var (
	accountSaved = web.Notice("bill-account", "bill.account_saved")
	planSet      = web.Notice("bill-plan", "bill.plan_saved")
	creditNoted  = web.Notice("bill-credit", "bill.credit_saved")
	billIssued   = web.Notice("bill-issued", "bill.issued_notice")
	paymentNoted = web.Notice("bill-paid", "bill.payment_saved")
	noteIssued   = web.Notice("bill-note", "bill.note_issued")
	pricesSaved  = web.Notice("bill-prices", "bill.prices_saved")
	issuerSaved  = web.Notice("bill-issuer", "bill.issuer_saved")
)

// billPages are what is billed: all bills, one, those of a tenant with what they follow from, and prices.
func billPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/console/bills", Permission: policy.PlatformBillRead, Summary: "Bills of all tenants, and what is owed"}, showAllBills)
	api.Form(s, api.Route{Path: "/console/bills/export", Permission: policy.PlatformBillRead, Summary: "Ask for a file with what all tenants were billed and paid"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			return web.Exports(ctx, c, tx, fc, func(*web.Form) error { return showAllBills(ctx, c, fc) }, func(as exports.Format) (*exportsapi.Asked, error) {
				return exportsapi.AskBills(ctx, c, tx, as, exportsapi.Days{From: c.Now.AddDate(-1, 0, 1).Format(time.DateOnly), To: c.Now.Format(time.DateOnly)})
			})
		})
	api.Page(s, api.Route{Path: "/console/bills/{number}", Permission: policy.PlatformBillRead, Summary: "A bill"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showBill(ctx, c, fc, &web.Form{}) })
	api.Form(s, api.Route{Path: "/console/bills/{number}/payments", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead}, Summary: "Note a payment"},
		billForm(paymentNoted, payBill))
	api.Form(s, api.Route{Path: "/console/bills/{number}/credit", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead}, Summary: "Issue a credit note"},
		billForm(noteIssued, creditBill))
	api.Page(s, api.Route{Path: "/console/tenants/{tenant}/bills", Permission: policy.PlatformBillRead, Parts: []policy.Permission{policy.PlatformTenantRead}, Summary: "A tenant's bills, and what they follow from"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showTenantBills(ctx, c, fc, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/bills/account", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead, policy.PlatformTenantRead}, Summary: "Say who is billed"},
		tenantBillForm(accountSaved, saveAccount))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/bills/plan", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead, policy.PlatformTenantRead}, Summary: "Say by which plan it is billed"},
		tenantBillForm(planSet, setBillPlan))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/bills/credits", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead, policy.PlatformTenantRead}, Summary: "Note a sum that it is owed"},
		tenantBillForm(creditNoted, oweTenant))
	api.Form(s, api.Route{Path: "/console/tenants/{tenant}/bills", Permission: policy.PlatformBillChange, Parts: []policy.Permission{policy.PlatformBillRead, policy.PlatformTenantRead}, Summary: "Issue the next bill"},
		tenantBillForm(billIssued, func(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, _ *web.Form) error {
			_, err := billsapi.Issue(ctx, c, tx, slug, billing.Period{})
			return err
		}))
	api.Page(s, api.Route{Path: "/console/prices", Permission: policy.PlatformBillRead, Summary: "Plans, prices and who bills"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showPrices(ctx, c, fc, &web.Form{})
		})
	api.Form(s, api.Route{Path: "/console/prices", Permission: policy.PlatformPriceChange, Parts: []policy.Permission{policy.PlatformBillRead}, Summary: "Add a version of a plan"},
		priceForm(pricesSaved, func(ctx context.Context, c *api.Call, tx *tenants.Tx, f *web.Form) error {
			v, err := typedJSON[plan.Version](f, "version")
			if err == nil {
				_, err = billsapi.AddVersion(ctx, c, tx, v)
			}
			return gathered(err, "version")
		}))
	api.Form(s, api.Route{Path: "/console/issuers", Permission: policy.PlatformPriceChange, Parts: []policy.Permission{policy.PlatformBillRead}, Summary: "Add or change who bills"},
		priceForm(issuerSaved, func(ctx context.Context, c *api.Call, tx *tenants.Tx, f *web.Form) error {
			s, err := typedJSON[books.Issuer](f, "issuer")
			if err == nil {
				_, err = billsapi.PutIssuer(ctx, c, tx, s)
			}
			return gathered(err, "issuer")
		}))
}

// onDay is the day in UTC, by which the platform reckons what is late.
func onDay(c *api.Call) billing.Date { return billing.On(c.Now.UTC().Date()) }

type allBillsData struct {
	Ages         []books.Age
	State        string
	States       []web.Choice
	Bills        []web.Bill
	Newer, Older string
}

func showAllBills(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	d := allBillsData{State: fc.Query("state"), States: []web.Choice{{Value: "", Text: c.Say("bill.all")}, {Value: "overdue", Text: c.Say("bill.overdue")}}}
	for _, s := range []string{"open", "partial", "paid", "overpaid", "void", "note"} {
		d.States = append(d.States, web.Choice{Value: s, Text: c.Say("bill.state." + s)})
	}
	list, err := billsapi.List(ctx, c, "", d.State, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	ages, err := billsapi.Ageing(ctx, c, "")
	if err != nil {
		return err
	}
	d.Ages, d.Bills, d.Newer, d.Older = ages.Items, web.Bills(list.Items, onDay(c)), web.FirstPage(fc), web.NextPage(fc, list.Next)
	return pages.Render(c, fc, "bills", web.Page{Title: c.Say("bill.bills"), Data: d})
}

type billData struct {
	web.Bill
	MayChange bool
	Methods   []web.Choice
	Lines     []web.Choice // of which something can be credited
}

func showBill(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.PlatformBillRead)
	if err != nil {
		return err
	}
	b, err := billsapi.Show(ctx, reading, fc.Params("number"))
	if err != nil {
		return err
	}
	d := billData{Bill: web.Bill{Bill: *b, At: "/console/bills", Overdue: b.Overdue(onDay(c))}, MayChange: c.Could(policy.PlatformBillChange) && b.Kind == invoice.Bill && b.State != string(invoice.Void),
		Lines: []web.Choice{{Value: "", Text: c.Say("bill.whole_invoice")}}}
	for _, m := range books.Methods() {
		d.Methods = append(d.Methods, web.Choice{Value: m, Text: c.Say("bill.method." + m)})
	}
	for _, l := range b.Invoice.Lines {
		if l.Amount > 0 {
			d.Lines = append(d.Lines, web.Choice{Value: l.ID, Text: l.Title + ", " + b.Currency.Money(l.Amount).In(c.Language)})
		}
	}
	return pages.Render(c, fc, "bill", web.Page{Title: web.BillTitle(c.Language, b.Kind, b.Number), Form: f, Data: d})
}

// billForm is a form of a bill's page: it changes, and goes back to the page.
func billForm(notice string, change func(context.Context, *api.Call, *tenants.Tx, string, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showBill(ctx, c, fc, f) })
		number := fc.Params("number")
		if err := change(ctx, c, tx, number, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/console/bills/" + number, nil
	}
}

// minor reads a sum of money as it is typed, such as 1234.50 or 1,234.50.
func minor(f *web.Form, name string, currency billing.Currency) (int64, error) {
	typed := billing.Decimal(strings.ReplaceAll(f.Text(name), ",", ""))
	var p domain.Problems
	if typed == "" {
		p.Add(name, "bill.sum_wrong")
	} else {
		typed.CheckSum(&p, name, currency)
	}
	if err := p.Err(); err != nil {
		return 0, err
	}
	return billing.Round(name, typed.Rat(), currency)
}

func payBill(ctx context.Context, c *api.Call, tx *tenants.Tx, number string, f *web.Form) error {
	currency := billing.Currency(f.Get("currency"))
	if !currency.Known() {
		return domain.InvalidField("amount", "billing.unknown_currency", "Is", string(currency))
	}
	sum, err := minor(f, "amount", currency)
	if err != nil {
		return err
	}
	on, _ := billing.ReadDate(f.Text("on"))
	_, err = billsapi.Pay(ctx, c, tx, number, books.Payment{Name: f.Text("name"), On: on, Amount: sum, Method: f.Get("method"), Reference: f.Text("reference")})
	for from, to := range map[string]string{"payments[0].name": "name", "amount.minor": "amount"} {
		err = api.Renamed(err, from, to)
	}
	return lastNamed(err)
}

func creditBill(ctx context.Context, c *api.Call, tx *tenants.Tx, number string, f *web.Form) error {
	n := billsapi.CreditNote{Reason: f.Text("reason")}
	if line := f.Get("line"); line != "" {
		sum, err := minor(f, "credit", billing.Currency(f.Get("currency")))
		if err != nil {
			return err
		}
		n.Lines = []invoice.Credited{{Line: line, Amount: sum}}
	}
	_, err := billsapi.Credit(ctx, c, tx, number, n)
	err = api.Renamed(err, "lines[0].line", "line")
	return api.Renamed(err, "lines[0].amount", "credit")
}

// lastNamed names wrong fields by the last part of where they stand: payments[2].on is on.
func lastNamed(err error) error {
	if d, ok := err.(*domain.Error); ok {
		for i := range d.Fields {
			if strings.HasPrefix(d.Fields[i].Name, "payments[") {
				_, d.Fields[i].Name, _ = strings.Cut(d.Fields[i].Name, "].")
			}
		}
		return d
	}
	return err
}

// gathered names all wrong fields as the one in which they were typed, with where they stand in it.
func gathered(err error, name string) error {
	d, ok := err.(*domain.Error)
	if !ok || len(d.Fields) == 0 {
		return err
	}
	var reasons []words.Text
	for _, f := range d.Fields {
		if f.Name == name {
			reasons = append(reasons, f.Reason)
		} else {
			reasons = append(reasons, words.Join(" ", words.Plain(f.Name), f.Reason))
		}
	}
	return domain.InvalidFieldIn(name, words.Join("; ", reasons...))
}

// typedJSON reads a document that was typed.
func typedJSON[T any](f *web.Form, name string) (v T, err error) {
	d := json.NewDecoder(strings.NewReader(f.Get(name)))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, domain.InvalidField(name, "bill.not_json", "Why", strings.TrimPrefix(err.Error(), "json: "))
	}
	return v, nil
}

// inForce is a plan that a tenant has on some days.
type inForce struct{ Title, Days string }

type tenantBillsData struct {
	Tenant       tenants.Tenant
	Account      *billsapi.Account // nil: nobody is billed
	InForce      []inForce
	Credits      []plan.Credit
	Currency     billing.Currency
	Preview      *web.Preview
	Why          words.Text // there is no preview
	Bills        []web.Bill
	Older        string
	Entries      []books.Entry
	Ages         []books.Age
	Issuers      []web.Choice
	Languages    []web.Choice
	Versions     []web.Choice
	MayChange    bool
	AccountTyped bool
}

func showTenantBills(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	slug := fc.Params("tenant")
	about, err := c.Under(policy.PlatformTenantRead)
	if err != nil {
		return err
	}
	t, err := platform.TenantPage(ctx, about, slug)
	if err != nil {
		return err
	}
	reading, err := c.Under(policy.PlatformBillRead)
	if err != nil {
		return err
	}
	d := tenantBillsData{Tenant: t.Tenant, MayChange: c.Could(policy.PlatformBillChange), AccountTyped: f.Has("customer.name"), Currency: billing.Currency(t.Currency)}
	list, err := billsapi.List(ctx, reading, slug, "", api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Bills, d.Older = web.Bills(list.Items, onDay(c)), web.NextPage(fc, list.Next)
	issuers, err := billsapi.Issuers(ctx, reading)
	if err != nil {
		return err
	}
	for _, s := range issuers.Items {
		d.Issuers = append(d.Issuers, web.Choice{Value: s.Name, Text: s.Party.Name})
	}
	for _, l := range words.Languages() {
		d.Languages = append(d.Languages, web.Choice{Value: string(l), Text: l.Name()})
	}
	versions, err := billsapi.Plans(ctx, reading)
	if err != nil {
		return err
	}
	for _, v := range versions.Items {
		d.Versions = append(d.Versions, web.Choice{Value: v.Plan + " " + strconv.Itoa(v.Version), Text: fmt.Sprintf("%s %d: %s, %s", v.Plan, v.Version, v.Title, v.Currency)})
	}
	d.Versions = append(d.Versions, web.Choice{Value: "", Text: c.Say("bill.end_it")})
	a, err := billsapi.ShowAccount(ctx, reading, slug)
	switch {
	case domain.CodeOf(err) == domain.NotFound:
		fillAccount(f, &billsapi.Account{Account: books.Account{DueDays: 30, Language: words.English, Customer: invoice.Party{Name: t.Name, Country: t.Country}}})
		return pages.Render(c, fc, "tenant_bills", web.Page{Title: c.Say("bill.bills"), Form: f, Data: d})
	case err != nil:
		return err
	}
	d.Account, d.Credits = a, a.Credits
	fillAccount(f, a)
	for _, p := range a.InForce {
		d.InForce = append(d.InForce, inForce{p.Version.Title, web.PlanDays(c.Language, p)})
		d.Currency = p.Version.Currency
		if p.To == 0 && !f.Has("plan") {
			f.Set("plan", p.Version.Plan+" "+strconv.Itoa(p.Version.Version))
		}
	}
	if !f.Has("plan") && len(d.Versions) > 1 {
		f.Set("plan", d.Versions[0].Value)
	}
	v, err := billsapi.Draft(ctx, reading, slug)
	switch code := domain.CodeOf(err); {
	case err == nil:
		d.Preview = &web.Preview{Preview: *v}
	case code == domain.NotFound || code == domain.Conflict || code == domain.Invalid:
		d.Why = err.(*domain.Error).Text()
	default:
		return err
	}
	entries, err := billsapi.Statement(ctx, reading, slug)
	if err != nil {
		return err
	}
	ages, err := billsapi.Ageing(ctx, reading, slug)
	if err != nil {
		return err
	}
	d.Entries, d.Ages = entries.Items, ages.Items
	return pages.Render(c, fc, "tenant_bills", web.Page{Title: c.Say("bill.bills"), Form: f, Data: d})
}

// fillAccount puts who is billed into the form where nothing was typed.
func fillAccount(f *web.Form, a *billsapi.Account) {
	var exemptions []string
	for _, e := range a.Exemptions {
		exemptions = append(exemptions, e.Certificate+" "+e.Days.From.String()+" "+e.Days.To.String())
	}
	for name, is := range map[string]string{"issuer": a.Issuer, "customer.name": a.Customer.Name, "customer.address": strings.Join(a.Customer.Address, "\n"), "customer.country": a.Customer.Country, "customer.tax_number": a.Customer.TaxNumber,
		"customer.registration": a.Customer.Registration, "to": strings.Join(a.To, "\n"), "language": string(a.Language), "due_days": strconv.Itoa(a.DueDays), "order": a.Order, "exemptions": strings.Join(exemptions, "\n"),
		"read_only_after": strconv.Itoa(a.ReadOnlyAfter), "version": a.Version} {
		if !f.Has(name) {
			f.Set(name, is)
		}
	}
}

// tenantBillForm is a form of the page of a tenant's bills: it changes, and goes back to the page.
func tenantBillForm(notice string, change func(context.Context, *api.Call, *tenants.Tx, string, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showTenantBills(ctx, c, fc, f) })
		slug := fc.Params("tenant")
		if err := change(ctx, c, tx, slug, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/console/tenants/" + slug + "/bills", nil
	}
}

// typedLines are the lines of a text that have something in them.
func typedLines(text string) (list []string) {
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			list = append(list, l)
		}
	}
	return list
}

func saveAccount(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
	a := books.Account{Slug: slug, Issuer: f.Get("issuer"), To: typedLines(f.Get("to")), Language: words.Language(f.Get("language")), Order: f.Text("order"), Version: f.Get("version"),
		Customer: invoice.Party{Name: f.Text("customer.name"), Address: typedLines(f.Get("customer.address")), Country: strings.ToUpper(f.Text("customer.country")), TaxNumber: f.Text("customer.tax_number"), Registration: f.Text("customer.registration")}}
	var p domain.Problems
	for name, into := range map[string]*int{"due_days": &a.DueDays, "read_only_after": &a.ReadOnlyAfter} {
		var err error
		if *into, err = strconv.Atoi(f.Text(name)); err != nil {
			p.Add(name, "console.must_be_a_whole_number")
		}
	}
	for _, line := range typedLines(f.Get("exemptions")) {
		parts := strings.Fields(line)
		var days billing.Period
		ok := len(parts) == 3
		if ok {
			var from, to bool
			days.From, from = billing.ReadDate(parts[1])
			days.To, to = billing.ReadDate(parts[2])
			ok = from && to
		}
		if !ok {
			p.Add("exemptions", "bill.exemption_wrong", "Line", line)
			break
		}
		a.Exemptions = append(a.Exemptions, tax.Exemption{Certificate: parts[0], Days: days})
	}
	if err := p.Err(); err != nil {
		return err
	}
	_, err := billsapi.PutAccount(ctx, c, tx, a)
	if d, ok := err.(*domain.Error); ok {
		for i := range d.Fields {
			d.Fields[i].Name, _, _ = strings.Cut(d.Fields[i].Name, "[")
		}
		return d
	}
	return err
}

func setBillPlan(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
	name, number, _ := strings.Cut(f.Get("plan"), " ")
	n, _ := strconv.Atoi(number)
	from, _ := billing.ReadDate(f.Text("from"))
	_, err := billsapi.SetPlan(ctx, c, tx, slug, billsapi.PlanChange{Plan: name, Version: n, From: from})
	return err
}

func oweTenant(ctx context.Context, c *api.Call, tx *tenants.Tx, slug string, f *web.Form) error {
	sum, err := minor(f, "left", billing.Currency(f.Get("currency")))
	if err != nil {
		return err
	}
	credit := plan.Credit{Name: f.Text("name"), Title: f.Text("title"), Left: sum}
	if typed := f.Text("until"); typed != "" {
		until, ok := billing.ReadDate(typed)
		if !ok {
			return domain.InvalidField("until", "billing.must_be_a_date")
		}
		credit.Until = until
	}
	_, err = billsapi.AddCredit(ctx, c, tx, slug, credit)
	return err
}

type pricesData struct {
	Issuers   []books.Issuer
	Plans     []priceRow
	MayChange bool
}

type priceRow struct {
	plan.Version
	Days string
}

func showPrices(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	reading, err := c.Under(policy.PlatformBillRead)
	if err != nil {
		return err
	}
	issuers, err := billsapi.Issuers(ctx, reading)
	if err != nil {
		return err
	}
	versions, err := billsapi.Plans(ctx, reading)
	if err != nil {
		return err
	}
	d := pricesData{Issuers: issuers.Items, MayChange: c.Could(policy.PlatformPriceChange)}
	for _, v := range versions.Items {
		d.Plans = append(d.Plans, priceRow{v, c.Say("bill.version_of", "N", v.Version, "Day", words.Moment{At: v.From.UTC(), Layout: "date"})})
	}
	if !f.Has("version") && len(versions.Items) > 0 {
		next := versions.Items[0]
		next.Version, next.From = next.Version+1, onDay(c)+1
		f.Set("version", indented(next))
	}
	if !f.Has("issuer") && len(issuers.Items) > 0 {
		f.Set("issuer", indented(issuers.Items[0]))
	}
	return pages.Render(c, fc, "prices", web.Page{Title: c.Say("bill.prices"), Form: f, Data: d})
}

func indented(v any) string {
	raw, err := json.MarshalIndent(domain.FullLists(v), "", "  ")
	if err != nil {
		return ""
	}
	return string(raw)
}

func priceForm(notice string, change func(context.Context, *api.Call, *tenants.Tx, *web.Form) error) func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) {
	return func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		f := web.ReadForm(fc)
		f.Again(fc, func(f *web.Form) error { return showPrices(ctx, c, fc, f) })
		if err := change(ctx, c, tx, f); err != nil {
			return "", err
		}
		web.Notify(c, fc, notice)
		return "/console/prices", nil
	}
}
