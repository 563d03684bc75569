// Package books keeps bills: who bills, by which plans, whom, what was issued, and what was paid. It reads what a bill follows from, has billing/invoice compute it, and stores the document with its
// evidence and its paper in one transaction, which is never changed after. All of it is in the platform's realm; a tenant sees its own through the gate.
//
// # Once
//
// A period of a tenant is billed once, which an index holds (bill_documents_once); numbers have no gaps, since the issuer's row is locked from when a number is taken until its document is
// stored with it. So a run that was killed, or two at once, end as one that was not.
//
// What may come in: what is stored of bills, and when something happens to them. How anything is computed stands in the other rooms of billing.
package books

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"lignum/billing"
	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// The tables, as GORM has them.
type (
	issuerRow struct {
		Name            string `gorm:"primaryKey"`
		Prefix          string
		Document        json.RawMessage `gorm:"type:jsonb"`
		Invoices, Notes int
		LastIssued      *day
	}
	planRow struct {
		Plan      string          `gorm:"primaryKey"`
		Version   int             `gorm:"primaryKey"`
		Document  json.RawMessage `gorm:"type:jsonb"`
		CreatedAt time.Time
	}
	accountRow struct {
		Slug      string `gorm:"primaryKey"`
		Issuer    string
		Document  json.RawMessage `gorm:"type:jsonb"`
		ShutAt    *time.Time
		CreatedAt time.Time
	}
	inForceRow struct {
		Slug    string `gorm:"primaryKey"`
		FromDay day    `gorm:"primaryKey"`
		Plan    *string
		Version *int
	}
	creditRow struct {
		Slug         string `gorm:"primaryKey"`
		Name         string `gorm:"primaryKey"`
		Title        string
		Amount, Rest int64
		Until        *day
		CreatedAt    time.Time
	}
	documentRow struct {
		Number                string `gorm:"primaryKey"`
		Slug, Issuer          string
		Kind                  string
		Credits               *string
		Currency              string
		PeriodFrom            day
		PeriodTo              day
		Issued                day
		Due                   day
		Total, Credited, Paid int64
		State                 string
		Reminded              int
		Document              string
		Hash                  string
		CreatedAt             time.Time
	}
	paperRow struct {
		Number        string `gorm:"primaryKey"`
		Evidence, PDF []byte
	}
	paymentRow struct {
		Number    string `gorm:"primaryKey"`
		Name      string `gorm:"primaryKey"`
		OnDay     day
		Amount    int64
		Method    string
		Reference string
		CreatedAt time.Time
	}
)

// TableName, here and below, is GORM's.
func (issuerRow) TableName() string   { return "bill_issuers" }
func (planRow) TableName() string     { return "bill_plans" }
func (accountRow) TableName() string  { return "bill_accounts" }
func (inForceRow) TableName() string  { return "bill_in_force" }
func (creditRow) TableName() string   { return "bill_credits" }
func (documentRow) TableName() string { return "bill_documents" }
func (paperRow) TableName() string    { return "bill_papers" }
func (paymentRow) TableName() string  { return "bill_payments" }

// day is a date as tables have it.
type day billing.Date

// Value is driver.Valuer's.
func (d day) Value() (driver.Value, error) { return billing.Date(d).String(), nil }

// Scan is sql.Scanner's.
func (d *day) Scan(from any) error {
	switch v := from.(type) {
	case string:
		read, ok := billing.ReadDate(v)
		if !ok {
			return fmt.Errorf("billing: %q is no date", v)
		}
		*d = day(read)
	case time.Time:
		*d = day(billing.On(v.Date()))
	default:
		return fmt.Errorf("billing: a %T is no date", from)
	}
	return nil
}

// dayOf is a date of a table; none is null.
func dayOf(d billing.Date) *day {
	if d == 0 {
		return nil
	}
	own := day(d)
	return &own
}

// read gives a document as it was stored.
func read[T any](raw []byte) (v T, err error) {
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, fmt.Errorf("billing: a stored document cannot be read: %w", err)
	}
	return v, nil
}

// absent turns that there is no row into domain.NotFound.
func absent(err error, key string, pairs ...any) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.Refuse(domain.NotFound, key, pairs...)
	}
	return err
}

// twice reports whether a row was there already.
func twice(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}

// note records what was done in the platform's trail and in the tenant's.
func note(ctx context.Context, tx *tenants.Tx, slug string, e audit.Entry) error {
	e.Plain = true
	theirs := e
	theirs.ObjectKind, theirs.Before = "", nil // the gate says what it is about
	if _, err := tx.Exec(ctx, `SELECT gate.note_bill($3::text, `+audit.Parameters+`)`, append(theirs.Args(tx.Who()), slug)...); err != nil {
		return err
	}
	tx.Record(e)
	return nil
}
