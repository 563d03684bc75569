package rate

import (
	"lignum/billing"
	"lignum/billing/plan"
)

// Kind is what a line is.
type Kind string

// The kinds, in the order in which they stand on an invoice. Those before Correction are the charges of a period.
const (
	Base       Kind = "base"       // the plan's fee
	Usage      Kind = "usage"      // what a component costs
	Discount   Kind = "discount"   // taken off; below zero
	Minimum    Kind = "minimum"    // what the minimum adds
	Correction Kind = "correction" // what an earlier period costs more, or less, since facts came late
	Credit     Kind = "credit"     // what we owed; below zero
	Credited   Kind = "credited"   // of a credit note: what it takes back, above zero
)

// What a discount is reckoned by, in the place of a model.
const (
	Percent plan.Model = "percent"
	Amount  plan.Model = "amount"
)

// Line is one sum of an invoice, with all that it was computed from.
type Line struct {
	ID      string         `json:"id"` // within the invoice: "usage:students:country:2"
	Kind    Kind           `json:"kind"`
	Title   string         `json:"title"`
	Plan    string         `json:"plan,omitempty"` // whose version the line is of; "" of minimum, correction and credit
	Version int            `json:"version,omitempty"`
	Period  billing.Period `json:"period"` // the days that it is for: of the version, or of the period as a whole
	Days    int            `json:"days"`   // it counts with so many days
	OfDays  int            `json:"of_days"`

	Model    plan.Model      `json:"model,omitempty"` // how usage is priced; of a discount Percent or Amount
	Meter    string          `json:"meter,omitempty"`
	Quantity int64           `json:"quantity"`        // what the meter counted in the whole period
	Included int64           `json:"included"`        // what of that costs nothing
	Parts    []Part          `json:"parts"`           // what the rest costs
	Price    billing.Decimal `json:"price,omitempty"` // the base fee of a whole period; a discount's percentage, or its sum for a whole period
	Of       int64           `json:"of"`              // minor units: of what a discount is taken; what the charges came to, of the minimum; what was billed, of a correction

	Corrects     string `json:"corrects,omitempty"`      // of a correction: the invoice
	CorrectsLine string `json:"corrects_line,omitempty"` // and its line

	Exact       billing.Exact `json:"exact"`  // before rounding, in the major unit
	Amount      int64         `json:"amount"` // minor units
	Explanation string        `json:"explanation"`
}

// Part is what units of one price cost: before the line counts with its days.
type Part struct {
	Above    int64           `json:"above"` // of a tier: after so many units; else 0
	UpTo     int64           `json:"up_to"` // with this one; 0: all that follow, or no tier
	Quantity int64           `json:"quantity"`
	Packages int64           `json:"packages"` // of the model package: how many
	Per      int64           `json:"per"`      // the price is for so many units
	Price    billing.Decimal `json:"price"`
	Exact    billing.Exact   `json:"exact"`
}
