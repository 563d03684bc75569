package books

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Issuer is one who bills: a company of ours, with its numbers, its bank and the tax that it must charge.
type Issuer struct {
	Name   string        `json:"name" required:"false" doc:"What programs call it: lignum-jm"`
	Prefix string        `json:"prefix" doc:"Of its numbers: LL gives LL-000001; 1 to 8 capital letters and digits"`
	Party  invoice.Party `json:"party" doc:"The company, as it stands on paper"`
	Pay    []string      `json:"pay" doc:"How to pay, line by line: the bank and the account"`
	Zone   string        `json:"zone" doc:"IANA's name of the time zone whose days its documents bear"`
	Tax    tax.Regime    `json:"tax,omitzero" required:"false" doc:"The tax that it charges; without rates those that are known of its country"`

	Version string `json:"version,omitempty" doc:"The version that you read"`
}

var (
	issuerName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	issuerPrefix = regexp.MustCompile(`^[A-Z][A-Z0-9]{0,7}$`)
)

// Validate tells everything that is wrong as one domain.Invalid, and puts in the rates that are known of the country where none is given.
func (s *Issuer) Validate() error {
	var p domain.Problems
	if !issuerName.MatchString(s.Name) {
		p.Add("name", "billing.must_be_a_name")
	}
	if !issuerPrefix.MatchString(s.Prefix) {
		p.Add("prefix", "billing.must_be_a_prefix")
	}
	s.Party.Check(&p, "party")
	lines(&p, "pay", s.Pay, 1, 8)
	if zone, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "" || zone == time.Local {
		p.Add("zone", "billing.unknown_zone", "Is", s.Zone)
	}
	if len(s.Tax.Rates) == 0 {
		known, err := tax.Of(s.Party.Country)
		if err != nil {
			p.Add("tax", "billing.no_tax_is_known", "Country", s.Party.Country)
			return p.Err()
		}
		s.Tax = known
	}
	if err := p.Err(); err != nil {
		return err
	}
	return s.Tax.Validate()
}

func lines(p *domain.Problems, field string, list []string, least, most int) {
	if len(list) < least {
		p.Add(field, "billing.must_have_a_line")
	}
	if len(list) > most {
		p.Add(field, "billing.too_many", "Most", most)
	}
	for i, l := range list {
		p.Text(fmt.Sprintf("%s[%d]", field, i), l, 1, 100)
	}
}

func (r issuerRow) issuer() (Issuer, error) {
	s, err := read[Issuer](r.Document)
	s.Version = domain.Version(s)
	return s, err
}

// Issuers lists those who bill, by name: few.
func Issuers(ctx context.Context, q tenants.Querier) (list []Issuer, err error) {
	rows, err := tenants.Entity[issuerRow](q).Order("name").Limit(200).Find(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		s, err := r.issuer()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// PutIssuer makes one who bills, or changes one whose version was read. What it issued before stays as it was. It gives domain.Invalid, and domain.Conflict for a prefix that another
// has, one that is to be changed after something was issued, and for a version that is not the one that is there.
func PutIssuer(ctx context.Context, tx *tenants.Tx, s Issuer) error {
	version := s.Version
	s.Version = ""
	if err := s.Validate(); err != nil {
		return err
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	row := issuerRow{Name: s.Name, Prefix: s.Prefix, Document: raw}
	held, err := tenants.Entity[issuerRow](tx, tenants.Held).Where("name = ?", s.Name).Find(ctx)
	if err != nil {
		return err
	}
	e := audit.Entry{Action: "bill.issuer", ObjectKind: "issuer", ObjectID: s.Name, After: s}
	if len(held) == 0 {
		if err = tenants.Entity[issuerRow](tx).Create(ctx, &row); twice(err) {
			return domain.InvalidField("prefix", "billing.name_is_taken", "Name", s.Prefix)
		}
	} else {
		was, werr := held[0].issuer()
		if werr != nil {
			return werr
		}
		if err := domain.CheckVersion(version, was.Version); err != nil {
			return err
		}
		if was.Prefix != s.Prefix && held[0].Invoices+held[0].Notes > 0 {
			return domain.InvalidField("prefix", "billing.prefix_is_in_use")
		}
		e.Before = was
		if _, err = tenants.Entity[issuerRow](tx).Where("name = ?", s.Name).Select("prefix", "document").Updates(ctx, row); twice(err) {
			return domain.InvalidField("prefix", "billing.name_is_taken", "Name", s.Prefix)
		}
	}
	tx.Record(e)
	return err
}

// Plans lists all plans with their versions, by name, the newest version first.
func Plans(ctx context.Context, q tenants.Querier) (list []plan.Version, err error) {
	rows, err := tenants.Entity[planRow](q).Order("plan, version DESC").Limit(1000).Find(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		v, err := read[plan.Version](r.Document)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// AddVersion adds a version to a plan, or the first of a new one. It gives domain.Invalid for one that is wrong, or that does not follow the last.
func AddVersion(ctx context.Context, tx *tenants.Tx, v plan.Version, now time.Time) error {
	if err := v.Validate(meter.Meters()); err != nil {
		return err
	}
	if err := tx.Lock(ctx, "bill_plans"); err != nil {
		return err
	}
	last, err := tenants.Entity[planRow](tx).Where("plan = ?", v.Plan).Order("version DESC").Limit(1).Find(ctx)
	if err != nil {
		return err
	}
	switch {
	case len(last) == 0 && v.Version != 1:
		return domain.InvalidField("version", "billing.must_be_the_next", "Next", 1)
	case len(last) > 0:
		before, err := read[plan.Version](last[0].Document)
		if err != nil {
			return err
		}
		if err := v.CheckNext(before); err != nil {
			return err
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tx.Record(audit.Entry{Action: "bill.price", ObjectKind: "price", ObjectID: fmt.Sprintf("%s %d", v.Plan, v.Version), After: v, Plain: true})
	return tenants.Entity[planRow](tx).Create(ctx, &planRow{Plan: v.Plan, Version: v.Version, Document: raw, CreatedAt: now.UTC()})
}

// version reads a version, or gives domain.Invalid of the field.
func version(ctx context.Context, q tenants.Querier, field, name string, n int) (plan.Version, error) {
	r, err := tenants.Entity[planRow](q).Where("plan = ? AND version = ?", name, n).Limit(1).Find(ctx)
	if err != nil {
		return plan.Version{}, err
	}
	if len(r) == 0 {
		return plan.Version{}, domain.InvalidField(field, "billing.no_such_plan", "Plan", strings.TrimSpace(name), "Version", n)
	}
	return read[plan.Version](r[0].Document)
}

// AddCredit notes a sum that we owe a tenant, in minor units of its plan's currency; its next bills take it off. Money that it paid in advance is a payment, and no credit. It gives domain.Invalid.
func AddCredit(ctx context.Context, tx *tenants.Tx, slug string, c plan.Credit, now time.Time) error {
	var p domain.Problems
	if !creditName.MatchString(c.Name) {
		p.Add("name", "billing.must_be_a_name")
	}
	p.Text("title", c.Title, 1, 200)
	if c.Left <= 0 {
		p.Add("left", "billing.must_be_more_than_nothing")
	}
	if c.Left > billing.Largest {
		p.Add("left", "billing.too_large")
	}
	if err := p.Err(); err != nil {
		return err
	}
	if _, err := AccountOf(ctx, tx, slug, tenants.Held); err != nil {
		return err
	}
	err := tenants.Entity[creditRow](tx).Create(ctx, &creditRow{Slug: slug, Name: c.Name, Title: c.Title, Amount: c.Left, Rest: c.Left, Until: dayOf(c.Until), CreatedAt: now.UTC()})
	if twice(err) {
		return domain.InvalidField("name", "billing.name_is_taken", "Name", c.Name)
	}
	if err != nil {
		return err
	}
	return note(ctx, tx, slug, audit.Entry{Action: "bill.credit", ObjectKind: "bill", ObjectID: c.Name, After: c})
}

var creditName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)
