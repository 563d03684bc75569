package invoice

import (
	"fmt"
	"math/big"
	"slices"

	"lignum/billing"
	"lignum/billing/rate"
	"lignum/billing/tax"
	"lignum/domain"
)

// Payment is money that came for an invoice.
type Payment struct {
	Name      string        `json:"name"` // among the payments of the invoice: the bank's reference
	On        billing.Date  `json:"on"`
	Amount    billing.Money `json:"amount"`
	Reference string        `json:"reference"` // what the payer wrote
}

// State is how far an invoice is paid.
type State string

// The states. An invoice whose credit notes come to all of it is void, whatever was paid.
const (
	Open     State = "open"
	Partial  State = "partial"
	Paid     State = "paid"
	Overpaid State = "overpaid"
	Void     State = "void"
)

// Balance is what an invoice still asks for. All sums are minor units of its currency.
type Balance struct {
	State    State `json:"state"`
	Total    int64 `json:"total"`
	Credited int64 `json:"credited"`
	Paid     int64 `json:"paid"`
	Due      int64 `json:"due"`  // still to be paid, or 0
	Over     int64 `json:"over"` // paid beyond what is asked for: to be paid back, or taken for the next invoice
}

// BalanceOf gives the balance of an invoice with its credit notes and payments, each payment counted once by its name. It gives domain.Invalid for a note of another invoice, a
// payment in another currency and one that is not more than 0; and domain.Conflict when notes credit more than was billed, or two payments have one name.
func BalanceOf(inv Invoice, notes []Invoice, payments []Payment) (Balance, error) {
	b := Balance{Total: inv.Total}
	for _, n := range notes {
		if n.Kind != CreditNote || n.Credits != inv.Number || n.Currency != inv.Currency {
			return b, domain.InvalidField("notes", "billing.note_of_another", "Note", n.Number, "Invoice", inv.Number)
		}
		b.Credited += n.Total
	}
	if b.Credited > b.Total {
		return b, domain.Refuse(domain.Conflict, "billing.more_than_billed", "Invoice", inv.Number)
	}
	seen := map[string]Payment{}
	for i, p := range payments {
		if err := p.check(fmt.Sprintf("payments[%d]", i), inv); err != nil {
			return b, err
		}
		if before, known := seen[p.Name]; known && before != p {
			return b, domain.Refuse(domain.Conflict, "billing.one_payment_twice", "Name", p.Name)
		} else if known {
			continue
		}
		seen[p.Name] = p
		var err error
		if b.Paid, err = billing.Sum("payments", b.Paid, p.Amount.Minor); err != nil {
			return b, err
		}
	}
	left := b.Total - b.Credited - b.Paid
	b.Due, b.Over = max(left, 0), max(-left, 0)
	switch {
	case b.Total > 0 && b.Credited == b.Total:
		b.State = Void
	case b.Over > 0:
		b.State = Overpaid
	case b.Due == 0:
		b.State = Paid
	case b.Paid > 0:
		b.State = Partial
	default:
		b.State = Open
	}
	return b, nil
}

func (p Payment) check(field string, inv Invoice) error {
	var problems domain.Problems
	problems.Text(field+".name", p.Name, 1, 100)
	problems.Text(field+".reference", p.Reference, 0, 200)
	if p.On == 0 {
		problems.Add(field+".on", "billing.must_be_a_date")
	}
	if p.Amount.Currency != inv.Currency {
		problems.Add(field+".amount.currency", "billing.other_currency", "Wanted", string(inv.Currency), "Is", string(p.Amount.Currency))
	}
	if p.Amount.Minor <= 0 {
		problems.Add(field+".amount.minor", "billing.must_be_more_than_nothing")
	}
	return problems.Err()
}

// Pay gives the balance after one more payment. It gives what BalanceOf gives, and domain.Conflict for an invoice that is void or was never issued: such money is sent back, or
// becomes a credit.
func Pay(inv Invoice, notes []Invoice, payments []Payment, p Payment) (Balance, error) {
	before, err := BalanceOf(inv, notes, payments)
	switch {
	case err != nil:
		return before, err
	case inv.Kind != Bill || inv.Number == "":
		return before, domain.Refuse(domain.Conflict, "billing.not_an_issued_invoice")
	case before.State == Void:
		return before, domain.Refuse(domain.Conflict, "billing.invoice_is_void", "Invoice", inv.Number)
	}
	return BalanceOf(inv, notes, append(slices.Clone(payments), p))
}

// Credited is how much of a line a credit note takes back, before tax, in minor units.
type Credited struct {
	Line   string `json:"line" maxLength:"300" doc:"The id of a line of the invoice"`
	Amount int64  `json:"amount" doc:"In minor units"`
}

// Credit makes a credit note for an invoice: of some of its lines, or without any of all that is not credited yet, which makes the invoice void. notes are those that there are already.
// Tax is credited in proportion, over all notes together, so that notes that come to all of the invoice come to all of its tax. A note carries the days of the invoice's period, and
// the same words of the law as the invoice. It gives domain.Invalid for a line that there is not, or of which no more than was billed is left; and domain.Conflict when nothing is left.
func Credit(inv Invoice, notes []Invoice, number string, issued billing.Date, reason string, lines []Credited) (Invoice, error) {
	if inv.Kind != Bill || inv.Number == "" {
		return Invoice{}, domain.Refuse(domain.Conflict, "billing.not_an_issued_invoice")
	}
	if _, err := BalanceOf(inv, notes, nil); err != nil {
		return Invoice{}, err
	}
	var p domain.Problems
	p.Text("number", number, 1, 40)
	p.Text("reason", reason, 1, 300)
	if issued < inv.Issued {
		p.Add("issued", "billing.must_not_be_before", "Date", inv.Issued.String())
	}
	before, of := int64(0), map[string]int64{}
	for _, n := range notes {
		before += n.Subtotal
		for _, l := range n.Lines {
			of[l.CorrectsLine] += l.Amount
		}
	}
	left := inv.Subtotal - before
	if left <= 0 {
		return Invoice{}, domain.Refuse(domain.Conflict, "billing.nothing_left_to_credit", "Invoice", inv.Number)
	}
	note := Invoice{Format: 1, Kind: CreditNote, Document: inv.Document, Currency: inv.Currency, Terms: inv.Terms, Begins: inv.Begins, Ends: inv.Ends, Credits: inv.Number, Reason: reason}
	note.Number, note.Issued, note.Due = number, issued, issued
	add := func(l rate.Line, amount int64) {
		note.Lines = append(note.Lines, rate.Line{ID: "credited:" + l.ID, Kind: rate.Credited, Title: l.Title, Period: inv.Period, Days: inv.Period.Days(), OfDays: inv.Period.Days(), Of: l.Amount,
			Corrects: inv.Number, CorrectsLine: l.ID, Exact: billing.ExactOf(inv.Currency.Money(amount).Exact()), Amount: amount})
		note.Subtotal += amount
	}
	if len(lines) == 0 {
		add(rate.Line{ID: "all", Amount: inv.Subtotal}, left)
	}
	for i, c := range lines {
		field := fmt.Sprintf("lines[%d]", i)
		at := slices.IndexFunc(inv.Lines, func(l rate.Line) bool { return l.ID == c.Line })
		switch {
		case at < 0 || inv.Lines[at].Amount <= 0:
			p.Add(field+".line", "billing.no_such_line", "Line", c.Line)
		case c.Amount <= 0:
			p.Add(field+".amount", "billing.must_be_more_than_nothing")
		case c.Amount > inv.Lines[at].Amount-of[c.Line] || c.Amount > left-note.Subtotal:
			p.Add(field+".amount", "billing.more_than_is_left", "Left", inv.Currency.Money(min(inv.Lines[at].Amount-of[c.Line], left-note.Subtotal)).In(inv.Language))
		default:
			of[c.Line] += c.Amount
			add(inv.Lines[at], c.Amount)
		}
	}
	if err := p.Err(); err != nil {
		return Invoice{}, err
	}
	if err := note.taxes(inv, before); err != nil {
		return Invoice{}, err
	}
	explainer{inv.Language, inv.Currency, nil}.all(note.Lines)
	return note, note.sum()
}

// taxes credits tax: of what is credited by then its share, less what earlier notes credited.
func (inv *Invoice) taxes(of Invoice, before int64) error {
	upTo := func(credited int64, taxes []tax.Line) (taxable, amounts []int64, err error) {
		share := big.NewRat(credited, of.Subtotal)
		exact := make([]*big.Rat, len(taxes))
		for i, t := range taxes {
			exact[i] = new(big.Rat).Mul(big.NewRat(t.Taxable, 1), share)
			amount, err := billing.Round("taxes", new(big.Rat).Mul(of.Currency.Money(t.Amount).Exact(), share), of.Currency)
			if err != nil {
				return nil, nil, err
			}
			amounts = append(amounts, amount)
		}
		return billing.Share(credited, exact), amounts, nil
	}
	taxableBefore, amountBefore, err := upTo(before, of.Taxes)
	if err != nil {
		return err
	}
	taxable, amount, err := upTo(before+inv.Subtotal, of.Taxes)
	if err != nil {
		return err
	}
	for i, t := range of.Taxes {
		t.Taxable, t.Amount = taxable[i]-taxableBefore[i], amount[i]-amountBefore[i]
		t.Exact = billing.ExactOf(of.Currency.Money(t.Amount).Exact())
		inv.Taxes = append(inv.Taxes, t)
	}
	return nil
}
