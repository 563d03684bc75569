package books

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/rate"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Methods are the ways in which money comes: a bank's transfer, also against a purchase order; a cheque; a card; cash; and what we owed for something else.
func Methods() []string { return []string{"transfer", "cheque", "card", "cash", "offset"} }

// Payment is money that came for an invoice, in minor units of its currency.
type Payment struct {
	Name      string       `json:"name" doc:"What the bank calls it, by which it is known again"`
	On        billing.Date `json:"on" doc:"The day on which it came"`
	Amount    int64        `json:"amount" doc:"In minor units, such as cents"`
	Method    string       `json:"method" enum:"transfer,cheque,card,cash,offset" doc:"How it came"`
	Reference string       `json:"reference" doc:"What the payer wrote, such as a purchase order"`
}

// held is an issued invoice with its notes and payments. Nobody else changes how it is paid until the transaction ends.
type held struct {
	row      documentRow
	inv      invoice.Invoice
	notes    []invoice.Invoice
	payments []invoice.Payment
}

func hold(ctx context.Context, tx *tenants.Tx, number string) (h held, err error) {
	if h.row, err = tenants.Entity[documentRow](tx, tenants.Held).Where("number = ? AND kind = 'invoice'", number).Take(ctx); err != nil {
		return h, absent(err, "billing.no_such_invoice", "Invoice", number)
	}
	if h.inv, err = read[invoice.Invoice]([]byte(h.row.Document)); err != nil {
		return h, err
	}
	notes, err := tenants.Entity[documentRow](tx).Select("document").Where("credits = ?", number).Order("issued, number").Find(ctx)
	if err != nil {
		return h, err
	}
	for _, n := range notes {
		note, err := read[invoice.Invoice]([]byte(n.Document))
		if err != nil {
			return h, err
		}
		h.notes = append(h.notes, note)
	}
	payments, err := tenants.Entity[paymentRow](tx).Where("number = ?", number).Order("on_day, name").Find(ctx)
	for _, p := range payments {
		h.payments = append(h.payments, invoice.Payment{Name: p.Name, On: billing.Date(p.OnDay), Amount: h.inv.Currency.Money(p.Amount), Reference: p.Reference})
	}
	return h, err
}

// settle stores what an invoice's balance is now.
func (h held) settle(ctx context.Context, tx *tenants.Tx, b invoice.Balance) error {
	_, err := tenants.Entity[documentRow](tx).Where("number = ?", h.row.Number).Select("paid", "credited", "state").Updates(ctx, documentRow{Paid: b.Paid, Credited: b.Credited, State: string(b.State)})
	return err
}

// Pay notes money that came, and gives the invoice's balance. A payment whose name is there already with the same sum is the same one, and changes nothing. It gives domain.Invalid; domain.NotFound for no such
// invoice; and domain.Conflict for one that is void, and for a name that another payment of the invoice has.
func Pay(ctx context.Context, tx *tenants.Tx, number string, p Payment, now time.Time) (invoice.Balance, error) {
	h, err := hold(ctx, tx, number)
	if err != nil {
		return invoice.Balance{}, err
	}
	if !slices.Contains(Methods(), p.Method) {
		return invoice.Balance{}, domain.InvalidField("method", "billing.unknown_method", "Is", p.Method)
	}
	if today := billing.On(now.UTC().Date()); p.On > today+1 {
		return invoice.Balance{}, domain.InvalidField("on", "billing.must_not_be_to_come")
	}
	one := invoice.Payment{Name: p.Name, On: p.On, Amount: h.inv.Currency.Money(p.Amount), Reference: p.Reference}
	known := slices.Contains(h.payments, one)
	b, err := invoice.Pay(h.inv, h.notes, h.payments, one)
	if err != nil {
		return b, err
	}
	e := audit.Entry{Action: "bill.pay", ObjectKind: "bill", ObjectID: number, After: map[string]any{"on": p.On, "amount": p.Amount, "currency": h.inv.Currency, "method": p.Method, "again": known, "state": b.State}}
	if known {
		tx.Record(e)
		return b, nil
	}
	if err := tenants.Entity[paymentRow](tx).Create(ctx, &paymentRow{Number: number, Name: p.Name, OnDay: day(p.On), Amount: p.Amount, Method: p.Method, Reference: p.Reference, CreatedAt: now.UTC()}); err != nil {
		return b, err
	}
	if err := h.settle(ctx, tx, b); err != nil {
		return b, err
	}
	if err := reopen(ctx, tx, h.row.Slug, now); err != nil {
		return b, err
	}
	return b, note(ctx, tx, h.row.Slug, e)
}

// Credit issues a credit note for an invoice: of some of its lines, in minor units before tax, or without any for all that is left, which makes the invoice void: then its period may be
// billed again, and credits that it took are open again. It gives what invoice.Credit gives, domain.NotFound for no such invoice, and domain.Conflict where the clock was set back.
func Credit(ctx context.Context, tx *tenants.Tx, number, reason string, lines []invoice.Credited, now time.Time) (invoice.Invoice, error) {
	h, err := hold(ctx, tx, number)
	if err != nil {
		return invoice.Invoice{}, err
	}
	b, err := open(ctx, tx, h.row.Slug, billing.On(now.UTC().Date()), tenants.Held)
	if err != nil {
		return invoice.Invoice{}, err
	}
	issuer, err := tenants.Entity[issuerRow](tx, tenants.Held).Where("name = ?", h.row.Issuer).Take(ctx)
	if err != nil {
		return invoice.Invoice{}, err
	}
	who, err := issuer.issuer()
	if err != nil {
		return invoice.Invoice{}, err
	}
	today := who.today(now)
	if issuer.LastIssued != nil && today < billing.Date(*issuer.LastIssued) {
		return invoice.Invoice{}, domain.Refuse(domain.Conflict, "billing.clock_set_back", "Date", today.String(), "Last", billing.Date(*issuer.LastIssued).String())
	}
	issuer.Notes++
	credit, err := invoice.Credit(h.inv, h.notes, fmt.Sprintf("%s-C-%06d", issuer.Prefix, issuer.Notes), today, reason, lines)
	if err != nil {
		return credit, err
	}
	balance, err := invoice.BalanceOf(h.inv, append(h.notes, credit), h.payments)
	if err != nil {
		return credit, err
	}
	if err := b.keep(ctx, tx, issuer, credit, "", nil, now); err != nil {
		return credit, err
	}
	if err := h.settle(ctx, tx, balance); err != nil {
		return credit, err
	}
	if err := reopen(ctx, tx, h.row.Slug, now); err != nil {
		return credit, err
	}
	if balance.State == invoice.Void {
		for _, l := range h.inv.Lines {
			if l.Kind == rate.Credit {
				if err := b.take(ctx, tx, l, -l.Amount); err != nil {
					return credit, err
				}
			}
		}
	}
	if err := note(ctx, tx, h.row.Slug, audit.Entry{Action: "bill.credit_note", ObjectKind: "bill", ObjectID: credit.Number, Reason: reason,
		After: map[string]any{"invoice": number, "total": credit.Total, "currency": credit.Currency, "state": balance.State}}); err != nil {
		return credit, err
	}
	return credit, b.write(ctx, tx, noteLetter, credit, balance, now)
}
