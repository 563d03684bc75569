// Package tax says how much tax a bill bears. Rates are data with dates (rates.yaml), each with its source; an exemption has a certificate and days on which it holds.
//
// The rule for a rate that changes within a period, or an exemption that begins or ends in it: the service is rendered day by day, so each day's share of a line is taxed as that day
// is, whenever the invoice is written. That is what The Bahamas' Department of Inland Revenue asked for when the rate changed (VAT Guidance on Transitional Arrangements, 1 July
// 2018: of a supply partly before and partly after the day, each part bears its rate in proportion; the same in its guidance for 1 January 2022), and it agrees with the General Consumption Tax Act
// of Jamaica, section 6, by which a supply is made at the earliest of invoice, payment and rendering: we bill what was rendered. To tax all by the day of issue would be
// simpler, and would let whoever writes invoices choose the rate.
//
// What may come in: other ways to tax. Who must register, and returns, are accountants' business.
package tax

import (
	_ "embed"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"lignum/billing"
	"lignum/domain"
)

// Regime is the tax by which a tenant is billed, as far as an invoice needs it.
type Regime struct {
	Country  string   `json:"country" doc:"ISO 3166, such as JM"`                                               // ISO 3166: "JM"
	Name     string   `json:"name" doc:"Of the tax, such as GCT"`                                               // "GCT"
	Document Document `json:"document" doc:"What the law calls the paper: tax_invoice, vat_invoice or invoice"` // what its law calls the paper
	Rates    []Rate   `json:"rates" doc:"The rates by the days from which they hold"`
}

// Document is what an invoice is called by law.
type Document string

// The names: that of Jamaica's General Consumption Tax Act, that of The Bahamas' VAT Rules, and that of all others.
const (
	TaxInvoice Document = "tax_invoice"
	VATInvoice Document = "vat_invoice"
	Invoice    Document = "invoice"
)

// Rate is what holds from a day on, until the next one does. 0 % is a rate too: of a country without such a tax, or of a service at a zero rate.
type Rate struct {
	Percent billing.Decimal `json:"percent" doc:"Such as 15, or 16.5"`
	From    billing.Date    `json:"from" doc:"The first day on which it holds"`
	Source  string          `json:"source" doc:"The law, or where it is told"` // the law, or where it is told
}

// Exemption is that a tenant need not pay, by a certificate.
type Exemption struct {
	Certificate string         `json:"certificate" doc:"The number of the certificate"`
	Days        billing.Period `json:"days" doc:"The days on which it holds"` // on which it holds
}

//go:embed rates.yaml
var rates []byte

// Known gives the regimes of which a rate could be sourced, by country.
func Known() ([]Regime, error) {
	var read []struct {
		Country  string
		Name     string
		Document Document
		Rates    []struct {
			Percent billing.Decimal
			From    string
			Source  string
		}
	}
	if err := yaml.UnmarshalWithOptions(rates, &read, yaml.Strict()); err != nil {
		return nil, err
	}
	var list []Regime
	for _, r := range read {
		regime := Regime{Country: r.Country, Name: r.Name, Document: r.Document}
		for _, rate := range r.Rates {
			from, ok := billing.ReadDate(rate.From)
			if !ok {
				return nil, fmt.Errorf("tax: %s has a rate from %q", r.Country, rate.From)
			}
			regime.Rates = append(regime.Rates, Rate{rate.Percent, from, rate.Source})
		}
		if err := regime.Validate(); err != nil {
			return nil, fmt.Errorf("tax: %s: %w", r.Country, err)
		}
		list = append(list, regime)
	}
	return list, nil
}

// Of gives the regime of a country, or domain.NotFound: its rate must be set by whoever knows it.
func Of(country string) (Regime, error) {
	all, err := Known()
	if err != nil {
		return Regime{}, err
	}
	i := slices.IndexFunc(all, func(r Regime) bool { return r.Country == country })
	if i < 0 {
		return Regime{}, domain.Refuse(domain.NotFound, "billing.no_tax_is_known", "Country", country)
	}
	return all[i], nil
}

// Validate tells everything that is wrong with the regime as one domain.Invalid.
func (r *Regime) Validate() error {
	var p domain.Problems
	if len(r.Country) != 2 || strings.ToUpper(r.Country) != r.Country {
		p.Add("country", "billing.must_be_a_country")
	}
	p.Text("name", r.Name, 1, 40)
	if !slices.Contains([]Document{TaxInvoice, VATInvoice, Invoice}, r.Document) {
		p.Add("document", "billing.unknown_document", "Is", string(r.Document))
	}
	for i, rate := range r.Rates {
		field := fmt.Sprintf("rates[%d]", i)
		had := len(p)
		if rate.Percent.Check(&p, field+".percent"); len(p) == had && rate.Percent.Rat().Cmp(big.NewRat(100, 1)) > 0 {
			p.Add(field+".percent", "billing.must_be_a_percentage")
		}
		p.Text(field+".source", rate.Source, 1, 300)
		switch {
		case rate.From == 0:
			p.Add(field+".from", "billing.must_be_a_date")
		case i > 0 && rate.From <= r.Rates[i-1].From:
			p.Add(field+".from", "billing.must_be_after", "Date", r.Rates[i-1].From.String())
		}
	}
	return p.Err()
}

// CheckExemptions notes what is wrong with exemptions: two hold on one day, or one has no certificate.
func CheckExemptions(p *domain.Problems, list []Exemption) {
	var periods []billing.Period
	for i, e := range list {
		field := fmt.Sprintf("exemptions[%d]", i)
		p.Text(field+".certificate", e.Certificate, 1, 100)
		e.Days.Check(p, field+".days")
		periods = append(periods, e.Days)
	}
	billing.CheckApart(p, "exemptions", periods)
}

// Net is a sum before tax, in minor units, for what was rendered in a period.
type Net struct {
	Period billing.Period
	Amount int64
}

// Line is the tax of one rate.
type Line struct {
	Name        string          `json:"name"`
	Percent     billing.Decimal `json:"percent"`
	Certificate string          `json:"certificate"` // of the exemption, at 0 %
	Taxable     int64           `json:"taxable"`     // minor units: on what
	Exact       billing.Exact   `json:"exact"`       // before rounding, in the major unit
	Amount      int64           `json:"amount"`      // minor units
}

// Lines gives the tax on sums: each is shared among the days that are taxed alike, by their number and the largest remainder; what bears one rate is added up and
// taxed once, and rounded once. The lines are in the order of their first days. It gives domain.NotFound when no rate is known for a day, and domain.Invalid when a sum is too large.
func Lines(nets []Net, r Regime, exemptions []Exemption, c billing.Currency) ([]Line, error) {
	type share struct {
		from   billing.Date
		line   Line
		amount int64
	}
	var shares []share
	for _, n := range nets {
		var own []share
		var exact []*big.Rat
		days := 0
		for d := n.Period.From; d < n.Period.To; d++ {
			line, err := r.on(d, exemptions)
			if err != nil {
				return nil, err
			}
			if len(own) == 0 || own[len(own)-1].line != line {
				own, days = append(own, share{from: d, line: line}), 0
				exact = append(exact, nil)
			}
			days++
			exact[len(exact)-1] = new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(n.Amount), big.NewInt(int64(days))), big.NewInt(int64(n.Period.Days())))
		}
		for i, amount := range billing.Share(n.Amount, exact) {
			own[i].amount = amount
		}
		shares = append(shares, own...)
	}
	slices.SortStableFunc(shares, func(a, b share) int { return int(a.from - b.from) })
	var lines []Line
	for _, s := range shares {
		i := slices.IndexFunc(lines, func(l Line) bool { return l.Percent == s.line.Percent && l.Certificate == s.line.Certificate })
		if i < 0 {
			i, lines = len(lines), append(lines, s.line)
		}
		sum, err := billing.Sum("taxes", lines[i].Taxable, s.amount)
		if err != nil {
			return nil, err
		}
		lines[i].Taxable = sum
	}
	for i, l := range lines {
		exact := new(big.Rat).Mul(l.Percent.Rat(), big.NewRat(1, 100))
		exact.Mul(exact, c.Money(l.Taxable).Exact())
		amount, err := billing.Round("taxes", exact, c)
		if err != nil {
			return nil, err
		}
		lines[i].Exact, lines[i].Amount = billing.ExactOf(exact), amount
	}
	return lines, nil
}

// on gives the line of a day, without its sums.
func (r Regime) on(d billing.Date, exemptions []Exemption) (Line, error) {
	for _, e := range exemptions {
		if e.Days.From <= d && d < e.Days.To {
			return Line{Name: r.Name, Percent: "0", Certificate: e.Certificate}, nil
		}
	}
	for _, rate := range slices.Backward(r.Rates) {
		if rate.From <= d {
			return Line{Name: r.Name, Percent: rate.Percent}, nil
		}
	}
	return Line{}, domain.Refuse(domain.NotFound, "billing.no_rate_on", "Tax", r.Name, "Country", r.Country, "Date", d.String())
}
