// Package usage reads what tenants used, as the facts from which bills follow: of pseudonyms alone. A fact is written in the transaction in which it happened, by the database (tenant/0059_meters) or by
// Record.
//
// What may come in: facts of other meters. How they are counted is billing/meter's.
package usage

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/billing/meter"
	"lignum/domain"
	"lignum/tenants"
)

// Span is a period in moments: from Begins to before Ends.
type Span struct{ Begins, Ends time.Time }

// byDay are the meters whose facts are rows of days that there are anyhow.
var byDay = []string{"sign_ins", "work"}

// kept gives the meters of which facts are kept, those that are added up and those that are levels.
func kept() (sums, levels []string) {
	for _, m := range meter.Meters() {
		switch {
		case len(m.Of) > 0 || slices.Contains(byDay, m.Name):
		case m.Aggregate == meter.Sum || m.Aggregate == meter.Distinct:
			sums = append(sums, m.Name)
		default:
			levels = append(levels, m.Name)
		}
	}
	return sums, levels
}

// ranges writes spans as PostgreSQL has them.
func ranges(spans []Span) []string {
	list := make([]string, len(spans))
	for i, s := range spans {
		list[i] = "[" + s.Begins.UTC().Format(time.RFC3339Nano) + "," + s.Ends.UTC().Format(time.RFC3339Nano) + ")"
	}
	return list
}

// Facts gives what a tenant used in 1 to 40 spans of at most 800 days each, with the levels from before that still hold; of a tenant that there is not, nothing. q is of the platform's realm.
func Facts(ctx context.Context, q tenants.Querier, slug string, spans []Span) ([]meter.Fact, error) {
	sums, levels := kept()
	return read(q.Query(ctx, `SELECT key, meter, subject, at, quantity FROM gate.usage_facts($1::text, $2::text[]::tstzrange[], $3::text[], $4::text[])`, slug, ranges(spans), sums, levels))
}

// Own is Facts of a tenant by itself. q is of its own realm; zone is IANA's name of the tenant's.
func Own(ctx context.Context, q tenants.Querier, zone string, spans []Span) ([]meter.Fact, error) {
	sums, levels := kept()
	return read(q.Query(ctx, `SELECT key, meter, subject, at, quantity FROM usage_facts($1::text[]::tstzrange[], $2::text, $3::text[], $4::text[])`, ranges(spans), zone, sums, levels))
}

func read(rows pgx.Rows, err error) ([]meter.Fact, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[meter.Fact])
}

// Recorded is one fact of a sum: live minutes, messages.
type Recorded struct {
	Key      string     `json:"key"` // names it among all facts of the tenant: what is tried again has the same
	Meter    string     `json:"meter"`
	Subject  *uuid.UUID `json:"subject"` // whose it is, kept as a pseudonym; nil: the tenant's as a whole
	At       time.Time  `json:"at"`
	Quantity int64      `json:"quantity"` // 0 to meter.MostQuantity
}

// Record notes facts in the transaction in which they happen, up to 10,000 in one statement, and tells how many are new. One that is there already counts once. It gives domain.Invalid for a meter whose facts come
// otherwise, or that there is not, and fails for a key that has another fact.
func Record(ctx context.Context, tx *tenants.Tx, facts ...Recorded) (fresh int64, err error) {
	sums, _ := kept()
	for i := range facts {
		if !slices.Contains(sums, facts[i].Meter) {
			return 0, domain.InvalidField("meter", "billing.unknown_meter", "Is", facts[i].Meter)
		}
		facts[i].At = facts[i].At.UTC().Truncate(time.Microsecond)
	}
	raw, err := json.Marshal(facts)
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT record_facts($1::jsonb)`, string(raw)).Scan(&fresh)
	return fresh, err
}
