package provision

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// AutoscaleRole is the login of the database's autoscaler: it may read control.capacity_forecast, and of control.tenants the
// slug, the time zone and the state, and say through the gate how large the database is; nothing else. It signs in as every login does: with a password that the Vault derives, or
// on RDS with IAM (Provisioner.IAM).
func AutoscaleRole(installation string) string { return installation + "_autoscale" }

// autoscaleConnections is enough for one run and the one that takes over from it.
const autoscaleConnections = 5

// ensureAutoscale makes the autoscaler's login. What it may read is granted where the table is made, in a migration.
func (p *Provisioner) ensureAutoscale(ctx context.Context, tx pgx.Tx, r roles) error {
	if err := p.ensureRole(ctx, tx, r.autoscale, true, autoscaleConnections); err != nil {
		return err
	}
	var database string
	if err := tx.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, r.fill(`
		GRANT CONNECT ON DATABASE `+pgx.Identifier{database}.Sanitize()+` TO {{autoscale}};
`, "control")+setAll(r.autoscale, loginSettings("control")))
	return err
}
