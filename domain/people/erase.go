package people

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// EraseFromTrail takes out of the realm's audit trail what names a person who is erased in this transaction, or was before: their name and address in
// entries of what they did, and the contents of entries about them. It leaves an entry of the erasure, with the reason, and may be
// repeated: then it takes what came since. What others wrote into a reason, or what an entry about another thing says of the person, nothing finds.
// It returns domain.Conflict for whoever is not erased.
func EraseFromTrail(ctx context.Context, tx *tenants.Tx, person uuid.UUID, reason string) error {
	err := tx.RecordWith(ctx, audit.Entry{Action: "user.erase", ObjectKind: audit.Person, ObjectID: person.String(), Reason: reason},
		`SELECT erase_from_trail(`+audit.Parameters+`)`)
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "23514" {
		return domain.Refuse(domain.Conflict, "people.the_account_was_not_erased")
	}
	return err
}
