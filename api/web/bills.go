package web

import (
	"strconv"
	"strings"

	"lignum/billing"
	"lignum/billing/books"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/domain/words"
)

// Bill is a document as pages show it. Of one in a list Invoice, Balance, Payments and Notes are empty.
type Bill struct {
	books.Bill
	At      string // where its page is, without its number
	Overdue bool
}

// Bills are documents of a list, as of a day.
func Bills(list []books.Document, today billing.Date) []Bill {
	out := make([]Bill, len(list))
	for i, d := range list {
		out[i] = Bill{Bill: books.Bill{Document: d}, Overdue: d.Overdue(today)}
	}
	return out
}

// Days are the days of its period.
func (b Bill) Days(l words.Language) string { return days(l, b.Period) }

// TaxName is what the tax is called that it bears, or "".
func (b Bill) TaxName() string {
	if len(b.Invoice.Taxes) == 0 {
		return ""
	}
	return b.Invoice.Taxes[0].Name
}

func days(l words.Language, p billing.Period) string {
	return l.Say("bill.days", "From", words.Moment{At: p.From.UTC(), Layout: "date"}, "Last", words.Moment{At: p.Last().UTC(), Layout: "date"})
}

// Preview is the next bill as pages show it.
type Preview struct{ books.Preview }

// Days are the days of its period.
func (v Preview) Days(l words.Language) string { return days(l, v.Draft.Period) }

// used is what is used of a component, in units that people read.
type used struct {
	Title, Now, Expected, Included, Tier string
	Near                                 bool
}

// Rows are what is used.
func (v Preview) Rows(l words.Language) (list []used) {
	for _, u := range v.Uses {
		list = append(list, used{u.Title, units(l, u.Meter, u.Now), units(l, u.Meter, u.Expected), units(l, u.Meter, u.Included), units(l, u.Meter, u.Tier), u.Near})
	}
	return list
}

// units writes so many units of a meter as people read them, without their name: of storage in gigabyte-days.
func units(l words.Language, name string, n int64) string {
	m, _ := meter.Find(meter.Meters(), name)
	if m.Scale > 1 {
		whole := n / m.Scale
		tenth := n % m.Scale / (m.Scale / 10)
		if tenth > 0 {
			return l.Number(int(whole)) + "." + string(rune('0'+tenth))
		}
		return l.Number(int(whole))
	}
	return l.Number(int(n))
}

// per says for how many of a meter a price is: "1 student", "30 gigabyte-days".
func per(l words.Language, name string, n int64) string {
	m, _ := meter.Find(meter.Meters(), name)
	n = max(n, 1)
	if m.Scale > 1 && n%m.Scale == 0 {
		n /= m.Scale
	}
	return l.Say("meter.unit."+m.Unit, "N", int(n))
}

// money writes minor units with their currency, amount without it.
func money(l words.Language, minor int64, c billing.Currency) string { return c.Money(minor).In(l) }

func amount(l words.Language, minor int64, c billing.Currency) string {
	text := money(l, max(minor, -minor), c)
	if _, number, found := strings.Cut(text, "\u00a0"); found {
		text = number
	}
	if minor < 0 {
		return "−" + text
	}
	return text
}

// BillTitle is the heading of a document's page.
func BillTitle(l words.Language, kind invoice.Kind, number string) string {
	if kind == invoice.CreditNote {
		return l.Say("bill.note_title", "Number", number)
	}
	return l.Say("bill.invoice_title", "Number", number)
}

// PlanDays says on which days a plan is in force.
func PlanDays(l words.Language, f plan.InForce) string {
	says := l.Say("bill.plan_from", "Title", f.Version.Plan+" "+strconv.Itoa(f.Version.Version), "Day", words.Moment{At: f.From.UTC(), Layout: "date"})
	if f.To != 0 {
		says += ", " + l.Say("bill.plan_ends", "Day", words.Moment{At: (f.To - 1).UTC(), Layout: "date"})
	}
	return says
}
