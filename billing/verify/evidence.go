package verify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"time"
)

// What stands in the file, as far as sums depend on it. A field that is not known here makes the file unreadable: it might mean that something else should have been computed.

type evidence struct {
	Format     string            `json:"format"`
	Terms      terms             `json:"terms"`
	Meters     []meter           `json:"meters"`
	InForce    []inForce         `json:"in_force"`
	Credits    []credit          `json:"credits"`
	Tax        regime            `json:"tax"`
	Exemptions []exemption       `json:"exemptions"`
	Earlier    []earlier         `json:"earlier"`
	Facts      []fact            `json:"facts"`
	Invoice    invoice           `json:"invoice"`
	Sums       map[string]string `json:"sums"`
}

type terms struct {
	Language string   `json:"language"`
	Number   string   `json:"number"`
	Issued   date     `json:"issued"`
	Due      date     `json:"due"`
	Order    string   `json:"order"`
	Issuer   party    `json:"issuer"`
	Customer party    `json:"customer"`
	Pay      []string `json:"pay"`
	Zone     string   `json:"zone"`
	Period   period   `json:"period"`
}

type party struct {
	Name         string   `json:"name"`
	Address      []string `json:"address"`
	Country      string   `json:"country"`
	TaxNumber    string   `json:"tax_number"`
	Registration string   `json:"registration"`
}

type period struct {
	From date `json:"from"`
	To   date `json:"to"`
}

type meter struct {
	Name      string   `json:"name"`
	Unit      string   `json:"unit"`
	Scale     int64    `json:"scale"`
	Aggregate string   `json:"aggregate"`
	Of        []string `json:"of"`
	Billed    bool     `json:"billed"`
}

type inForce struct {
	From    date    `json:"from"`
	To      date    `json:"to"`
	Version version `json:"version"`
}

type version struct {
	Plan       string      `json:"plan"`
	Version    int         `json:"version"`
	Title      string      `json:"title"`
	From       date        `json:"from"`
	Currency   string      `json:"currency"`
	Cycle      string      `json:"cycle"`
	Proration  string      `json:"proration"`
	BaseFee    string      `json:"base_fee"`
	Minimum    string      `json:"minimum"`
	Components []component `json:"components"`
	Discounts  []discount  `json:"discounts"`
}

type component struct {
	Name     string `json:"name"`
	Title    string `json:"title"`
	Meter    string `json:"meter"`
	Included int64  `json:"included"`
	Model    string `json:"model"`
	Per      int64  `json:"per"`
	Price    string `json:"price"`
	Tiers    []tier `json:"tiers"`
}

type tier struct {
	Above int64  `json:"above"`
	UpTo  int64  `json:"up_to"`
	Price string `json:"price"`
}

type discount struct {
	Name    string `json:"name"`
	Title   string `json:"title"`
	Percent string `json:"percent"`
	Amount  string `json:"amount"`
}

type credit struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Left  int64  `json:"left"`
	Until date   `json:"until"`
}

type regime struct {
	Country  string    `json:"country"`
	Name     string    `json:"name"`
	Document string    `json:"document"`
	Rates    []taxRate `json:"rates"`
}

type taxRate struct {
	Percent string `json:"percent"`
	From    date   `json:"from"`
	Source  string `json:"source"`
}

type exemption struct {
	Certificate string `json:"certificate"`
	Days        period `json:"days"`
}

type earlier struct {
	Number string   `json:"number"`
	Period period   `json:"period"`
	Billed []billed `json:"billed"`
}

type billed struct {
	Line   string `json:"line"`
	Title  string `json:"title"`
	Amount int64  `json:"amount"`
}

type fact struct {
	Key      string    `json:"key"`
	Meter    string    `json:"meter"`
	Subject  string    `json:"subject"`
	At       time.Time `json:"at"`
	Quantity int64     `json:"quantity"`
}

type invoice struct {
	Format   int    `json:"format"`
	Kind     string `json:"kind"`
	Document string `json:"document"`
	Currency string `json:"currency"`
	terms
	Begins   time.Time `json:"begins"`
	Ends     time.Time `json:"ends"`
	Credits  string    `json:"credits"`
	Reason   string    `json:"reason"`
	Lines    []line    `json:"lines"`
	Subtotal int64     `json:"subtotal"`
	Taxes    []taxLine `json:"taxes"`
	Tax      int64     `json:"tax"`
	Total    int64     `json:"total"`
}

type line struct {
	ID           string `json:"id"`
	Kind         string `json:"kind"`
	Title        string `json:"title"`
	Plan         string `json:"plan"`
	Version      int    `json:"version"`
	Period       period `json:"period"`
	Days         int    `json:"days"`
	OfDays       int    `json:"of_days"`
	Model        string `json:"model"`
	Meter        string `json:"meter"`
	Quantity     int64  `json:"quantity"`
	Included     int64  `json:"included"`
	Parts        []part `json:"parts"`
	Price        string `json:"price"`
	Of           int64  `json:"of"`
	Corrects     string `json:"corrects"`
	CorrectsLine string `json:"corrects_line"`
	Exact        string `json:"exact"`
	Amount       int64  `json:"amount"`
	Explanation  string `json:"explanation"`
}

type part struct {
	Above    int64  `json:"above"`
	UpTo     int64  `json:"up_to"`
	Quantity int64  `json:"quantity"`
	Packages int64  `json:"packages"`
	Per      int64  `json:"per"`
	Price    string `json:"price"`
	Exact    string `json:"exact"`
}

type taxLine struct {
	Name        string `json:"name"`
	Percent     string `json:"percent"`
	Certificate string `json:"certificate"`
	Taxable     int64  `json:"taxable"`
	Exact       string `json:"exact"`
	Amount      int64  `json:"amount"`
}

// date is a day, "2026-09-01", or "" for none.
type date string

// UnmarshalText refuses what is no day.
func (d *date) UnmarshalText(text []byte) error {
	if len(text) > 0 {
		if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
			return err
		}
	}
	*d = date(text)
	return nil
}

// number is the days since 1 January 1970.
func (d date) number() int {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return 0
	}
	return int(t.Sub(time.Unix(0, 0)) / (24 * time.Hour))
}

func dateOf(number int) date {
	return date(time.Unix(0, 0).UTC().AddDate(0, 0, number).Format(time.DateOnly))
}

func (p period) days() int { return p.To.number() - p.From.number() }

// overlap is what two periods share, or nothing.
func overlap(a, b period) (both period, any bool) {
	both = period{max(a.From, b.From), min(a.To, b.To)} // days written so are in order as texts
	return both, both.From < both.To
}

// read reads the file, and each part of it as it stands there.
func read(file []byte) (e evidence, parts map[string]json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, nil, fmt.Errorf("not evidence of an invoice: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return e, nil, fmt.Errorf("something follows after the evidence")
	}
	if e.Format != "lignum-evidence/1" {
		return e, nil, fmt.Errorf("the format is %q, and this program reads lignum-evidence/1", e.Format)
	}
	return e, parts, json.Unmarshal(file, &parts)
}

// decimal reads a number as people write it; "" is 0.
func decimal(text string) *big.Rat {
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return new(big.Rat)
	}
	return r
}
