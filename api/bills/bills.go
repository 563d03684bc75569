// Package bills is what account managers do with bills, and what a tenant sees of its own: who is billed by which plan, what the next bill will be, what was issued, and what was paid. What is kept of
// bills is billing/books'.
package bills

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
)

// TenantRef names a tenant in a path.
type TenantRef struct {
	Tenant string `path:"tenant" maxLength:"32" doc:"The tenant's slug"`
}

// Ref names a document in a path.
type Ref struct {
	Number string `path:"number" maxLength:"40" doc:"The number of the invoice or credit note"`
}

type bodyOf[T any] struct {
	Body T
}

// Account is who is billed for a tenant, by which plans, and what it is owed.
type Account struct {
	books.Account
	InForce []plan.InForce `json:"in_force" doc:"Which versions of plans it has on which days"`
	Credits []plan.Credit  `json:"credits" doc:"What it is owed, and no bill has taken off yet"`
}

// PlanChange says by which version of a plan a tenant is billed from a day on.
type PlanChange struct {
	Plan    string       `json:"plan" maxLength:"40" doc:"The plan; empty ends what is in force with the day before"`
	Version int          `json:"version,omitempty" minimum:"0" maximum:"100000" doc:"The number of the version"`
	From    billing.Date `json:"from" doc:"The first day, such as 2026-09-01"`
}

// CreditNote is what a credit note is to take back.
type CreditNote struct {
	Reason string             `json:"reason" minLength:"1" maxLength:"300" doc:"Stands on the credit note"`
	Lines  []invoice.Credited `json:"lines,omitempty" maxItems:"200" doc:"Lines of the invoice with how much of each, before tax, in minor units; without any all that is left, which makes the invoice void"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/platform/bills", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "List invoices and credit notes, the last that was issued first"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Tenant string `query:"tenant" maxLength:"32" doc:"Only those of this tenant"`
			State  string `query:"state" enum:"open,partial,paid,overpaid,void,note,overdue" doc:"Only those in this state; overdue: not paid on the day on which they were due"`
		}) (*api.List[books.Document], error) {
			return List(ctx, c, in.Tenant, in.State, in.Paging)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/bills/{number}", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "Show an invoice or a credit note, with what was paid",
		Detail: "As it was sent it is at /console/bills/{number}/pdf. At /console/bills/{number}/evidence is a file of JSON from which anybody can compute an invoice again: `lignum invoice verify FILE`. It has pseudonyms, and no names of people."},
		func(ctx context.Context, c *api.Call, in *Ref) (*books.Bill, error) { return Show(ctx, c, in.Number) })
	api.Offer(s, api.Route{Path: "/console/bills/{number}/pdf", Permission: policy.PlatformBillRead, Summary: "Save an invoice or a credit note as it was sent, as PDF"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) (api.Offered, error) {
			return Paper(ctx, c, fc.Params("number"))
		})
	api.Offer(s, api.Route{Path: "/console/bills/{number}/evidence", Permission: policy.PlatformBillRead, Summary: "Save all that an invoice follows from"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) (api.Offered, error) {
			return Evidence(ctx, c, fc.Params("number"))
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/bills/{number}/payments", Permission: policy.PlatformBillChange, Tag: "Bills", Summary: "Record a payment of an invoice",
		Detail: "A payment with the same name, day and sum is the same one, and counts once."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Ref
			Body books.Payment
		}) (*invoice.Balance, error) {
			return Pay(ctx, c, tx, in.Number, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/bills/{number}/credit-notes", Permission: policy.PlatformBillChange, Tag: "Bills", Status: http.StatusCreated, Summary: "Create a credit note for an invoice",
		Detail: "Of all that is left, it makes the invoice void, and its period can be billed again. Never more is credited than was billed."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Ref
			Body CreditNote
		}) (*invoice.Invoice, error) {
			return Credit(ctx, c, tx, in.Number, in.Body)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/ageing", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "List what tenants owe, by how many days it is late"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[books.Age], error) {
			return Ageing(ctx, c, "")
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/issuers", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "List who bills"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[books.Issuer], error) {
			return Issuers(ctx, c)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/platform/issuers/{issuer}", Permission: policy.PlatformPriceChange, Tag: "Bills", Summary: "Put a company that bills",
		Detail: "With its numbers, its bank and its tax. What it issued before stays as it was."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Issuer string `path:"issuer" maxLength:"32" doc:"What programs call it"`
			Body   books.Issuer
		}) (*api.Done, error) {
			in.Body.Name = in.Issuer
			return PutIssuer(ctx, c, tx, in.Body)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/prices", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "List plans with all their versions"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*api.List[plan.Version], error) {
			return Plans(ctx, c)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/prices", Permission: policy.PlatformPriceChange, Tag: "Bills", Status: http.StatusCreated, Summary: "Add a version of a plan",
		Detail: "A version is never changed: what changes is the next version. It bills nobody until tenants are given it."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *bodyOf[plan.Version]) (*plan.Version, error) {
			return AddVersion(ctx, c, tx, in.Body)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}/billing", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "Show who is billed for a tenant, and by which plans"},
		func(ctx context.Context, c *api.Call, in *TenantRef) (*Account, error) {
			return ShowAccount(ctx, c, in.Tenant)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/platform/tenants/{tenant}/billing", Permission: policy.PlatformBillChange, Tag: "Bills", Summary: "Put who is billed for a tenant"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body books.Account
		}) (*api.Done, error) {
			in.Body.Slug = in.Tenant
			return PutAccount(ctx, c, tx, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/billing/plans", Permission: policy.PlatformBillChange, Tag: "Bills", Summary: "Give a tenant a version of a plan from a day on",
		Detail: "What was decided for later days is replaced. Days that are billed already cannot change."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body PlanChange
		}) (*api.Done, error) {
			return SetPlan(ctx, c, tx, in.Tenant, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/billing/credits", Permission: policy.PlatformBillChange, Tag: "Bills", Status: http.StatusCreated, Summary: "Record a sum that a tenant is owed",
		Detail: "Its next bills take it off, before tax."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body plan.Credit
		}) (*api.Done, error) {
			return AddCredit(ctx, c, tx, in.Tenant, in.Body)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}/billing/draft", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "Show the next bill of a tenant as it would be now, and what is expected of it"},
		func(ctx context.Context, c *api.Call, in *TenantRef) (*books.Preview, error) {
			return Draft(ctx, c, in.Tenant)
		})
	api.Query(s, api.Route{Path: "/api/v1/platform/tenants/{tenant}/billing/statement", Permission: policy.PlatformBillRead, Tag: "Bills", Summary: "List what a tenant was billed, credited and paid, by day, with the balance after each"},
		func(ctx context.Context, c *api.Call, in *TenantRef) (*api.List[books.Entry], error) {
			return Statement(ctx, c, in.Tenant)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/platform/tenants/{tenant}/bills", Permission: policy.PlatformBillChange, Tag: "Bills", Status: http.StatusCreated, Summary: "Create the bill of a period that has ended",
		Detail: "Bills are issued by themselves two days after a period has ended; this is for one that is wanted at once, or again after it was made void."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			TenantRef
			Body struct {
				Period *billing.Period `json:"period,omitempty" doc:"The period; without it the next that was not billed"`
			}
		}) (*invoice.Invoice, error) {
			var p billing.Period
			if in.Body.Period != nil {
				p = *in.Body.Period
			}
			return Issue(ctx, c, tx, in.Tenant, p)
		})
	// a tenant's own
	api.Query(s, api.Route{Path: "/api/v1/tenant/billing", Permission: policy.BillRead, Tag: "Bills", Summary: "Show who is billed for the tenant, and by which plans"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*Account, error) { return OwnAccount(ctx, c) })
	api.Query(s, api.Route{Path: "/api/v1/tenant/billing/draft", Permission: policy.BillRead, Tag: "Bills", Summary: "Show the next bill of the tenant as it would be now, and what is expected of it"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*books.Preview, error) { return OwnDraft(ctx, c) })
	api.Query(s, api.Route{Path: "/api/v1/bills", Permission: policy.BillRead, Tag: "Bills", Summary: "List the tenant's invoices and credit notes, the last that was issued first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[books.Document], error) {
			return OwnList(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/bills/{number}", Permission: policy.BillRead, Tag: "Bills", Summary: "Show an invoice or a credit note of the tenant, with what was paid",
		Detail: "As it was sent it is at /bills/{number}/pdf. At /bills/{number}/evidence is a file of JSON from which anybody can compute an invoice again: `lignum invoice verify FILE`. It has pseudonyms, and no names of people."},
		func(ctx context.Context, c *api.Call, in *Ref) (*books.Bill, error) { return Own(ctx, c, in.Number) })
	api.Offer(s, api.Route{Path: "/bills/{number}/pdf", Permission: policy.BillRead, Summary: "Save an invoice or a credit note of the tenant as it was sent, as PDF"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) (api.Offered, error) {
			return OwnPaper(ctx, c, fc.Params("number"))
		})
	api.Offer(s, api.Route{Path: "/bills/{number}/evidence", Permission: policy.BillRead, Summary: "Save all that an invoice of the tenant follows from"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) (api.Offered, error) {
			return OwnEvidence(ctx, c, fc.Params("number"))
		})
}

// reading asks the policy, and reads.
func reading[T any](ctx context.Context, c *api.Call, of func(r *tenants.Reader) (T, error)) (out T, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return out, err
	}
	err = c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		out, err = of(r)
		return err
	})
	return out, err
}

// listing is reading for what is a list as a whole.
func listing[T any](ctx context.Context, c *api.Call, of func(r *tenants.Reader) ([]T, error)) (*api.List[T], error) {
	items, err := reading(ctx, c, of)
	return api.ListOf(items, "", err)
}

// List lists documents of all tenants, or of one, in any state or in one.
func List(ctx context.Context, c *api.Call, tenant, state string, p api.Paging) (*api.List[books.Document], error) {
	list, err := reading(ctx, c, func(r *tenants.Reader) (domain.List[books.Document], error) {
		return books.List(ctx, r, books.Filter{Tenant: tenant, State: state, Today: billing.On(c.Now.UTC().Date())}, p.Page())
	})
	return api.ListOf(list.Items, list.Next, err)
}

// Show gives a document.
func Show(ctx context.Context, c *api.Call, number string) (*books.Bill, error) {
	b, err := reading(ctx, c, func(r *tenants.Reader) (books.Bill, error) { return books.ByNumber(ctx, r, number) })
	return &b, err
}

// Paper gives a document as it was sent.
func Paper(ctx context.Context, c *api.Call, number string) (api.Offered, error) {
	pdf, err := reading(ctx, c, func(r *tenants.Reader) ([]byte, error) { return books.Paper(ctx, r, number) })
	return paper(number, pdf), err
}

// Evidence gives all that an invoice follows from.
func Evidence(ctx context.Context, c *api.Call, number string) (api.Offered, error) {
	file, err := reading(ctx, c, func(r *tenants.Reader) ([]byte, error) { return books.Evidence(ctx, r, number) })
	return evidence(number, file), err
}

func paper(number string, pdf []byte) api.Offered {
	return api.Offered{Name: number + ".pdf", Type: "application/pdf", Body: pdf}
}

func evidence(number string, file []byte) api.Offered {
	return api.Offered{Name: number + ".json", Type: "application/json", Body: file}
}

// Pay notes money that came for an invoice.
func Pay(ctx context.Context, c *api.Call, tx *tenants.Tx, number string, p books.Payment) (*invoice.Balance, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	b, err := books.Pay(ctx, tx, number, p, c.Now)
	return &b, err
}

// Credit issues a credit note for an invoice.
func Credit(ctx context.Context, c *api.Call, tx *tenants.Tx, number string, n CreditNote) (*invoice.Invoice, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	note, err := books.Credit(ctx, tx, number, n.Reason, n.Lines, c.Now)
	return &note, err
}

// Ageing is what all tenants owe, or one.
func Ageing(ctx context.Context, c *api.Call, tenant string) (*api.List[books.Age], error) {
	return listing(ctx, c, func(r *tenants.Reader) ([]books.Age, error) {
		return books.Ageing(ctx, r, tenant, billing.On(c.Now.UTC().Date()))
	})
}

// Issuers lists who bills.
func Issuers(ctx context.Context, c *api.Call) (*api.List[books.Issuer], error) {
	return listing(ctx, c, func(r *tenants.Reader) ([]books.Issuer, error) { return books.Issuers(ctx, r) })
}

// PutIssuer makes one who bills, or changes one.
func PutIssuer(ctx context.Context, c *api.Call, tx *tenants.Tx, s books.Issuer) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, books.PutIssuer(ctx, tx, s)
}

// Plans lists plans with their versions.
func Plans(ctx context.Context, c *api.Call) (*api.List[plan.Version], error) {
	return listing(ctx, c, func(r *tenants.Reader) ([]plan.Version, error) { return books.Plans(ctx, r) })
}

// AddVersion adds a version of a plan.
func AddVersion(ctx context.Context, c *api.Call, tx *tenants.Tx, v plan.Version) (*plan.Version, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &v, books.AddVersion(ctx, tx, v, c.Now)
}

// ShowAccount gives who is billed for a tenant, and by which plans.
func ShowAccount(ctx context.Context, c *api.Call, tenant string) (*Account, error) {
	a, err := reading(ctx, c, func(r *tenants.Reader) (a Account, err error) {
		if _, err := tenants.Find(ctx, r, tenant); err != nil {
			return a, err
		}
		if a.Account, err = books.AccountOf(ctx, r, tenant); err != nil {
			return a, err
		}
		if a.InForce, err = books.InForce(ctx, r, tenant); err != nil {
			return a, err
		}
		a.Credits, err = books.Credits(ctx, r, tenant)
		return a, err
	})
	return &a, err
}

// PutAccount says who is billed for a tenant.
func PutAccount(ctx context.Context, c *api.Call, tx *tenants.Tx, a books.Account) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, books.PutAccount(ctx, tx, a, c.Now)
}

// SetPlan gives a tenant a version of a plan from a day on.
func SetPlan(ctx context.Context, c *api.Call, tx *tenants.Tx, tenant string, p PlanChange) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, books.SetPlan(ctx, tx, tenant, p.Plan, p.Version, p.From, billing.On(c.Now.UTC().Date()))
}

// AddCredit notes a sum that a tenant is owed.
func AddCredit(ctx context.Context, c *api.Call, tx *tenants.Tx, tenant string, credit plan.Credit) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, books.AddCredit(ctx, tx, tenant, credit, c.Now)
}

// Draft gives the next bill of a tenant as it would be now, and what is expected of it.
func Draft(ctx context.Context, c *api.Call, tenant string) (*books.Preview, error) {
	v, err := reading(ctx, c, func(r *tenants.Reader) (books.Preview, error) { return books.PreviewOf(ctx, r, tenant, c.Now) })
	return &v, err
}

// OwnDraft gives the next bill of the caller's tenant as it would be now, and what is expected of it.
func OwnDraft(ctx context.Context, c *api.Call) (*books.Preview, error) {
	v, err := reading(ctx, c, func(r *tenants.Reader) (books.Preview, error) { return books.OwnPreview(ctx, r, c.Tenant, c.Now) })
	return &v, err
}

// Statement gives a tenant's account.
func Statement(ctx context.Context, c *api.Call, tenant string) (*api.List[books.Entry], error) {
	return listing(ctx, c, func(r *tenants.Reader) ([]books.Entry, error) {
		if _, err := tenants.Find(ctx, r, tenant); err != nil {
			return nil, err
		}
		return books.Statement(ctx, r, tenant)
	})
}

// Issue issues the bill of a period; of the zero one the next.
func Issue(ctx context.Context, c *api.Call, tx *tenants.Tx, tenant string, p billing.Period) (*invoice.Invoice, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	inv, err := books.Issue(ctx, tx, tenant, p, c.Now)
	return &inv, err
}

// OwnAccount gives who is billed for the caller's tenant, and by which plans.
func OwnAccount(ctx context.Context, c *api.Call) (*Account, error) {
	a, err := reading(ctx, c, func(r *tenants.Reader) (a Account, err error) {
		a.Account, _, a.InForce, a.Credits, err = books.OwnAccount(ctx, r)
		return a, err
	})
	return &a, err
}

// OwnList lists the documents of the caller's tenant.
func OwnList(ctx context.Context, c *api.Call, p api.Paging) (*api.List[books.Document], error) {
	list, err := reading(ctx, c, func(r *tenants.Reader) (domain.List[books.Document], error) { return books.OwnList(ctx, r, p.Page()) })
	return api.ListOf(list.Items, list.Next, err)
}

// Own gives a document of the caller's tenant.
func Own(ctx context.Context, c *api.Call, number string) (*books.Bill, error) {
	b, err := reading(ctx, c, func(r *tenants.Reader) (books.Bill, error) { return books.Own(ctx, r, number) })
	return &b, err
}

// OwnPaper gives a document of the caller's tenant as it was sent.
func OwnPaper(ctx context.Context, c *api.Call, number string) (api.Offered, error) {
	pdf, err := reading(ctx, c, func(r *tenants.Reader) ([]byte, error) {
		pdf, _, err := books.OwnPaper(ctx, r, number)
		return pdf, err
	})
	return paper(number, pdf), err
}

// OwnEvidence gives all that an invoice of the caller's tenant follows from, or domain.NotFound: a credit note has none.
func OwnEvidence(ctx context.Context, c *api.Call, number string) (api.Offered, error) {
	file, err := reading(ctx, c, func(r *tenants.Reader) ([]byte, error) {
		_, file, err := books.OwnPaper(ctx, r, number)
		if err == nil && file == nil {
			err = domain.Refuse(domain.NotFound, "billing.no_such_invoice", "Invoice", number)
		}
		return file, err
	})
	return evidence(number, file), err
}
