// Package invoice puts a bill together: what a period costs, what earlier periods cost more since facts came late, credits, tax, and the total; its balance, once there are payments and credit
// notes; and the evidence, from which anybody can compute it again. An invoice is a document that follows from its Input alone, to the byte. Nothing here knows a
// database or what day it is.
//
// What may come in: what an invoice says, and what is computed of it. Numbers without gaps, sending and reminding need tables and stand elsewhere.
package invoice

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"lignum/billing"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/domain/words"
)

// Kind is what a document is.
type Kind string

// The kinds.
const (
	Bill       Kind = "invoice"
	CreditNote Kind = "credit_note"
)

// Party is who bills, or who is billed.
//
// What the law asks of the one who bills in Jamaica: the words "tax invoice", name, address and Taxpayer Registration Number, and the number of the registration for GCT (General Consumption
// Tax Act, section 22, "Tax invoice etc. to be issued", with the General Consumption Tax Regulations, 1991, as Tax Administration Jamaica's guide to GCT explains them under "What is a tax invoice"); further
// the serial number and the day of the invoice, the customer's name and address (and number, if registered), what was supplied, its value without tax, the rate, the tax and the total. In The Bahamas: the words
// "VAT invoice", name, address and Tax Identification Number of the registrant, and the same (VAT Rule 2015-010, Content of Invoices and Receipts; Department of Inland Revenue, VAT Guidance on
// Invoices, Sales Receipts, Credit Notes and Debit Notes, 17 March 2017). The wording of the Regulations themselves was not at hand; an accountant of each country should look at a printed sample once.
type Party struct {
	Name         string   `json:"name" doc:"The name on paper, 1 to 150 characters"`
	Address      []string `json:"address" doc:"1 to 6 lines, without the country"`                                // lines, without the country
	Country      string   `json:"country" doc:"ISO 3166, such as JM"`                                             // ISO 3166: "JM"
	TaxNumber    string   `json:"tax_number" doc:"The number for taxes, such as a TRN; may be empty"`             // Jamaica's TRN, The Bahamas' TIN; "" of a customer without one
	Registration string   `json:"registration" doc:"The number of the registration for GCT or VAT; may be empty"` // for GCT or VAT, where that has a number of its own
}

// Terms are what is decided about an invoice, beside what it is computed from.
type Terms struct {
	Language words.Language `json:"language"` // in which lines are explained
	Number   string         `json:"number"`   // "" of a draft
	Issued   billing.Date   `json:"issued"`
	Due      billing.Date   `json:"due"`   // the last day on which it is paid in time
	Order    string         `json:"order"` // the customer's purchase order, or ""
	Issuer   Party          `json:"issuer"`
	Customer Party          `json:"customer"`
	Pay      []string       `json:"pay"`  // how to pay: the bank and the account, line by line
	Zone     string         `json:"zone"` // IANA's name of the tenant's
	Period   billing.Period `json:"period"`
}

// Input is all that an invoice follows from.
type Input struct {
	Terms      Terms           `json:"terms"`
	Meters     []meter.Meter   `json:"meters"`
	InForce    []plan.InForce  `json:"in_force"` // the plans of the period, and of those in Earlier
	Credits    []plan.Credit   `json:"credits"`
	Tax        tax.Regime      `json:"tax"`
	Exemptions []tax.Exemption `json:"exemptions"`
	Earlier    []Earlier       `json:"earlier"`
	Facts      []meter.Fact    `json:"facts"` // of the period and of those in Earlier, as known now; of levels also those before that still hold
}

// Earlier is a period that was billed before. It is computed again with the facts as they are known now; what it costs more or less becomes lines of this invoice.
type Earlier struct {
	Number string         `json:"number"` // of its invoice
	Period billing.Period `json:"period"`
	Billed []Billed       `json:"billed"`
}

// Billed is what a line of an earlier period was billed, with all corrections since.
type Billed struct {
	Line   string `json:"line"` // its id
	Title  string `json:"title"`
	Amount int64  `json:"amount"`
}

// Invoice is the document, an invoice or a credit note. All sums are minor units of its currency.
type Invoice struct {
	Format   int              `json:"format"` // 1
	Kind     Kind             `json:"kind"`
	Document tax.Document     `json:"document"`
	Currency billing.Currency `json:"currency"`
	Terms
	Begins   time.Time   `json:"begins"` // the first moment of the period
	Ends     time.Time   `json:"ends"`   // the first that is not in it any more
	Credits  string      `json:"credits,omitempty"`
	Reason   string      `json:"reason,omitempty"` // of a credit note, with the invoice that it credits
	Lines    []rate.Line `json:"lines"`
	Subtotal int64       `json:"subtotal"` // of all lines
	Taxes    []tax.Line  `json:"taxes"`
	Tax      int64       `json:"tax"`
	Total    int64       `json:"total"`
}

// Assemble gives the invoice that follows from its input: the same for the same, whatever the order of the facts and however often each of them came. It gives domain.Invalid and
// domain.Conflict for an input that is wrong, domain.NotFound when no plan is in force or no rate of tax is known, and domain.Conflict when corrections would take more off than the
// period costs: that is a credit note's to do.
func Assemble(in Input) (Invoice, error) {
	zone, err := in.check()
	if err != nil {
		return Invoice{}, err
	}
	facts, err := meter.Normal(in.Facts)
	if err != nil {
		return Invoice{}, err
	}
	of := func(p billing.Period) rate.Input {
		return rate.Input{Period: p, Zone: zone, InForce: in.InForce, Meters: in.Meters, Facts: facts}
	}
	charges, first, err := rate.Charges(of(in.Terms.Period))
	if err != nil {
		return Invoice{}, err
	}
	inv := Invoice{Format: 1, Kind: Bill, Document: in.Tax.Document, Currency: first.Currency, Terms: in.Terms}
	begins, ends := in.Terms.Period.Moments(zone)
	inv.Begins, inv.Ends = begins.UTC(), ends.UTC()
	charged, err := rate.Total(charges)
	if err != nil {
		return Invoice{}, err
	}
	corrections, nets, err := in.corrections(of, first.Currency)
	if err != nil {
		return Invoice{}, err
	}
	corrected, err := rate.Total(corrections)
	if err != nil {
		return Invoice{}, err
	}
	if charged+corrected < 0 {
		return Invoice{}, domain.Refuse(domain.Conflict, "billing.credit_note_is_needed", "Invoice", corrections[0].Corrects)
	}
	credits, credited := in.credits(min(charged, charged+corrected), first.Currency)
	inv.Lines = slices.Concat(charges, corrections, credits)
	if inv.Subtotal, err = billing.Sum("subtotal", charged, corrected, -credited); err != nil {
		return Invoice{}, err
	}
	nets = append([]tax.Net{{Period: in.Terms.Period, Amount: charged - credited}}, nets...)
	if inv.Taxes, err = tax.Lines(nets, in.Tax, in.Exemptions, first.Currency); err != nil {
		return Invoice{}, err
	}
	if err := inv.sum(); err != nil {
		return Invoice{}, err
	}
	if err := inv.checkNumbers(); err != nil {
		return Invoice{}, err
	}
	explainer{in.Terms.Language, first.Currency, in.Meters}.all(inv.Lines)
	return inv, nil
}

// sum adds up taxes and total.
func (inv *Invoice) sum() (err error) {
	taxes := make([]int64, len(inv.Taxes))
	for i, t := range inv.Taxes {
		taxes[i] = t.Amount
	}
	if inv.Tax, err = billing.Sum("tax", taxes...); err != nil {
		return err
	}
	inv.Total, err = billing.Sum("total", inv.Subtotal, inv.Tax)
	return err
}

// corrections gives a line for each line of an earlier period that costs another sum now, and what that is before tax, by period.
func (in Input) corrections(of func(billing.Period) rate.Input, c billing.Currency) (lines []rate.Line, nets []tax.Net, err error) {
	for _, e := range in.Earlier {
		now, first, err := rate.Charges(of(e.Period))
		if err != nil {
			return nil, nil, err
		}
		if first.Currency != c {
			return nil, nil, domain.InvalidField("earlier", "billing.other_currency", "Wanted", string(c), "Is", string(first.Currency))
		}
		net := tax.Net{Period: e.Period}
		add := func(l rate.Line, billed int64) {
			if l.Amount == billed {
				return
			}
			l.CorrectsLine, l.Corrects, l.ID, l.Kind, l.Of = l.ID, e.Number, "correction:"+e.Number+":"+l.ID, rate.Correction, billed
			l.Plan, l.Version, l.Price, l.Model, l.Parts, l.Included = "", 0, "", "", nil, 0
			l.Period, l.Days, l.OfDays = e.Period, e.Period.Days(), e.Period.Days()
			l.Amount -= billed
			l.Exact = billing.ExactOf(c.Money(l.Amount).Exact())
			lines = append(lines, l)
			net.Amount += l.Amount
		}
		billed := map[string]int64{}
		for _, b := range e.Billed {
			billed[b.Line] = b.Amount
		}
		for _, l := range now {
			add(l, billed[l.ID])
			delete(billed, l.ID)
		}
		for _, b := range e.Billed {
			if amount, gone := billed[b.Line]; gone {
				add(rate.Line{ID: b.Line, Title: b.Title}, amount)
			}
		}
		if net.Amount != 0 {
			nets = append(nets, net)
		}
	}
	return lines, nets, nil
}

// credits takes off what the tenant is owed, at most so much: first what expires first.
func (in Input) credits(most int64, c billing.Currency) (lines []rate.Line, taken int64) {
	p := in.Terms.Period
	open := slices.Clone(in.Credits)
	slices.SortStableFunc(open, func(a, b plan.Credit) int {
		switch {
		case a.Until == b.Until:
			return strings.Compare(a.Name, b.Name)
		case a.Until == 0:
			return 1
		case b.Until == 0:
			return -1
		}
		return int(a.Until - b.Until)
	})
	for _, credit := range open {
		take := min(credit.Left, most-taken)
		if take <= 0 || credit.Until != 0 && credit.Until < p.From {
			continue
		}
		taken += take
		lines = append(lines, rate.Line{ID: "credit:" + credit.Name, Kind: rate.Credit, Title: credit.Title, Period: p, Days: p.Days(), OfDays: p.Days(), Of: credit.Left,
			Exact: billing.ExactOf(c.Money(-take).Exact()), Amount: -take})
	}
	return lines, taken
}

// EarlierOf gives what invoices billed, to be looked at again by the next: those that were not made void, in the order of their issue. What one of them corrected of an
// earlier one counts as billed of that one.
func EarlierOf(invoices []Invoice) []Earlier {
	var list []Earlier
	at := map[string]int{}
	for _, inv := range invoices {
		at[inv.Number] = len(list)
		list = append(list, Earlier{Number: inv.Number, Period: inv.Period})
		for _, l := range inv.Lines {
			number, id := inv.Number, l.ID
			switch l.Kind {
			case rate.Credit:
				continue
			case rate.Correction:
				number, id = l.Corrects, l.CorrectsLine
			default:
			}
			to, known := at[number]
			if !known {
				continue // of a period that is not looked at any more
			}
			i := slices.IndexFunc(list[to].Billed, func(b Billed) bool { return b.Line == id })
			if i < 0 {
				i = len(list[to].Billed)
				list[to].Billed = append(list[to].Billed, Billed{Line: id, Title: l.Title})
			}
			list[to].Billed[i].Amount += l.Amount
		}
	}
	return list
}

// Issue is Assemble for an invoice that goes out. last is the day of the issuer's last invoice before it. It also gives domain.Conflict when the period has not ended on the day of issue, and when
// that day is before the last one's: the clock was set back, and numbers would not follow days any more.
func Issue(in Input, last billing.Date) (Invoice, error) {
	t := in.Terms
	var p domain.Problems
	p.Text("terms.number", t.Number, 1, 40)
	if err := p.Err(); err != nil {
		return Invoice{}, err
	}
	switch {
	case t.Issued < last:
		return Invoice{}, domain.Refuse(domain.Conflict, "billing.clock_set_back", "Date", t.Issued.String(), "Last", last.String())
	case t.Issued < t.Period.To:
		return Invoice{}, domain.Refuse(domain.Conflict, "billing.period_has_not_ended", "Date", t.Issued.String(), "Last", t.Period.Last().String())
	}
	return Assemble(in)
}

// check tells what is wrong with the input, but for plans and facts, which are looked at as they are used.
func (in Input) check() (zone *time.Location, err error) {
	var p domain.Problems
	t := in.Terms
	if zone, err = time.LoadLocation(t.Zone); err != nil || t.Zone == "" || t.Zone == "Local" {
		p.Add("terms.zone", "billing.unknown_zone", "Is", t.Zone)
	}
	t.Period.Check(&p, "terms.period")
	p.Text("terms.number", t.Number, 0, 40)
	p.Text("terms.order", t.Order, 0, 60)
	if t.Issued == 0 {
		p.Add("terms.issued", "billing.must_be_a_date")
	}
	if t.Due < t.Issued {
		p.Add("terms.due", "billing.must_not_be_before", "Date", t.Issued.String())
	}
	if !slices.Contains(append(words.Languages(), words.Pseudo), t.Language) {
		p.Add("terms.language", "billing.unknown_language", "Is", string(t.Language))
	}
	if len(t.Pay) > 8 {
		p.Add("terms.pay", "billing.too_many", "Most", 8)
	}
	for i, line := range t.Pay {
		p.Text(fmt.Sprintf("terms.pay[%d]", i), line, 1, 100)
	}
	t.Issuer.Check(&p, "terms.issuer")
	t.Customer.Check(&p, "terms.customer")
	periods := []billing.Period{t.Period}
	for i, e := range in.Earlier {
		field := fmt.Sprintf("earlier[%d]", i)
		e.Period.Check(&p, field+".period")
		p.Text(field+".number", e.Number, 1, 40)
		periods = append(periods, e.Period)
		for n, b := range e.Billed {
			if slices.ContainsFunc(e.Billed[:n], func(o Billed) bool { return o.Line == b.Line }) {
				p.Add(fmt.Sprintf("%s.billed[%d].line", field, n), "billing.name_is_taken", "Name", b.Line)
			}
		}
		if slices.ContainsFunc(in.Earlier[:i], func(o Earlier) bool { return o.Number == e.Number }) {
			p.Add(field+".number", "billing.name_is_taken", "Name", e.Number)
		}
	}
	billing.CheckApart(&p, "earlier", periods)
	for i, c := range in.Credits {
		field := fmt.Sprintf("credits[%d]", i)
		p.Text(field+".name", c.Name, 1, 60)
		p.Text(field+".title", c.Title, 1, 200)
		switch {
		case c.Left < 0:
			p.Add(field+".left", "billing.must_not_be_negative")
		case c.Left > billing.Largest:
			p.Add(field+".left", "billing.too_large")
		}
		if slices.ContainsFunc(in.Credits[:i], func(o plan.Credit) bool { return o.Name == c.Name }) {
			p.Add(field+".name", "billing.name_is_taken", "Name", c.Name)
		}
	}
	tax.CheckExemptions(&p, in.Exemptions)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return zone, in.Tax.Validate()
}

// Check notes what is wrong with a party.
func (a Party) Check(p *domain.Problems, field string) {
	p.Text(field+".name", a.Name, 1, 150)
	if len(a.Address) == 0 || len(a.Address) > 6 {
		p.Add(field+".address", "billing.must_be_an_address")
	}
	for i, line := range a.Address {
		p.Text(fmt.Sprintf("%s.address[%d]", field, i), line, 1, 100)
	}
	if len(a.Country) != 2 || strings.ToUpper(a.Country) != a.Country {
		p.Add(field+".country", "billing.must_be_a_country")
	}
	p.Text(field+".tax_number", a.TaxNumber, 0, 40)
	p.Text(field+".registration", a.Registration, 0, 40)
}

// trn is a Taxpayer Registration Number of Jamaica: nine digits.
var trn = regexp.MustCompile(`^[0-9]{3}-?[0-9]{3}-?[0-9]{3}$`)

// checkNumbers gives domain.Invalid when tax is charged by somebody who has not the numbers that the law asks for.
func (inv *Invoice) checkNumbers() error {
	if !slices.ContainsFunc(inv.Taxes, func(l tax.Line) bool { return l.Percent.Rat().Sign() > 0 }) {
		return nil
	}
	var p domain.Problems
	if inv.Issuer.TaxNumber == "" {
		p.Add("terms.issuer.tax_number", "billing.tax_number_is_missing")
	}
	if inv.Document == tax.TaxInvoice {
		if inv.Issuer.TaxNumber != "" && !trn.MatchString(inv.Issuer.TaxNumber) {
			p.Add("terms.issuer.tax_number", "billing.must_be_a_trn")
		}
		if inv.Issuer.Registration == "" {
			p.Add("terms.issuer.registration", "billing.registration_is_missing")
		}
	}
	return p.Err()
}
