package staff

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	billsapi "lignum/api/bills"
	"lignum/api/web"
	"lignum/billing"
	"lignum/billing/plan"
	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
)

// staffBills is what a tenant is billed: its plan, what is used, the next bill, and those that were issued.
func staffBills(s *api.Server) {
	api.Page(s, api.Route{Path: "/bills", Permission: policy.BillRead, Summary: "The tenant's plan, use and bills"}, showBills)
	api.Page(s, api.Route{Path: "/bills/{number}", Permission: policy.BillRead, Summary: "A bill of the tenant"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			b, err := billsapi.Own(ctx, c, fc.Params("number"))
			if err != nil {
				return err
			}
			d := web.Bill{Bill: *b, At: "/bills", Overdue: b.Overdue(today(c))}
			return pages.Render(c, fc, "staff_bill", web.Page{Title: web.BillTitle(c.Language, b.Kind, b.Number), Data: d})
		})
}

type billsData struct {
	Billed       bool
	GoTo         string
	DueDays      int
	Plan         *plan.Version // that holds now, or next
	PlanDays     string
	Preview      *web.Preview
	Why          words.Text // there is no preview
	Bills        []web.Bill
	Newer, Older string
}

func showBills(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	list, err := billsapi.OwnList(ctx, c, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := billsData{Bills: web.Bills(list.Items, today(c)), Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	a, err := billsapi.OwnAccount(ctx, c)
	switch {
	case domain.CodeOf(err) == domain.NotFound:
		return pages.Render(c, fc, "staff_bills", web.Page{Title: c.Say("bill.bills"), Data: d})
	case err != nil:
		return err
	}
	d.Billed, d.GoTo, d.DueDays = true, strings.Join(a.To, ", "), a.DueDays
	if i := current(a.InForce, today(c)); i >= 0 {
		d.Plan, d.PlanDays = &a.InForce[i].Version, web.PlanDays(c.Language, a.InForce[i])
	}
	v, err := billsapi.OwnDraft(ctx, c)
	switch code := domain.CodeOf(err); {
	case err == nil:
		d.Preview = &web.Preview{Preview: *v}
	case code == domain.NotFound || code == domain.Conflict || code == domain.Invalid:
		d.Why = err.(*domain.Error).Text()
	default:
		return err
	}
	return pages.Render(c, fc, "staff_bills", web.Page{Title: c.Say("bill.bills"), Data: d})
}

// current is the place of the plan that holds on a day, or of the next; -1: there is none.
func current(list []plan.InForce, today billing.Date) int {
	for i, f := range list {
		if f.To == 0 || today < f.To {
			return i
		}
	}
	return -1
}

func today(c *api.Call) billing.Date { return billing.On(c.Day().Date()) }
