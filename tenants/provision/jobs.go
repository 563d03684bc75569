package provision

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"lignum/tenants"
)

// jobsConnections is what the login of the jobs may have open, all processes together: some five each.
const jobsConnections = 100

// withEnum is the version of River's tables after which a new transaction must begin: what it adds to an enum cannot be used in its own.
const withEnum = 4

// ensureJobs makes the login that takes jobs from their tables and says what became of them, and those tables, which are River's and migrated by it. It does
// none of the work: that is done with the login of the realm that a job belongs to. It may be repeated.
func (p *Provisioner) ensureJobs(ctx context.Context, r roles) error {
	again := true
	for again {
		again = false
		if err := p.inLock(ctx, func(tx pgx.Tx) error {
			if err := p.ensureRole(ctx, tx, r.gate, false, 0); err != nil {
				return err
			}
			if err := p.ensureRole(ctx, tx, r.jobs, true, jobsConnections); err != nil {
				return err
			}
			var database string
			if err := tx.QueryRow(ctx, "SELECT current_database(), to_regclass('jobs.river_migration') IS NULL").Scan(&database, &again); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, r.fill(`
				GRANT CONNECT ON DATABASE `+pgx.Identifier{database}.Sanitize()+` TO {{jobs}};
				CREATE SCHEMA IF NOT EXISTS {{schema}} AUTHORIZATION {{gate}};
				REVOKE ALL ON SCHEMA {{schema}} FROM PUBLIC;
`, tenants.JobsSchema)+setAll(r.jobs, jobsSettings())+r.fill("SET LOCAL ROLE {{gate}}", "")); err != nil {
				return err
			}
			migrator, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: tenants.JobsSchema, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return err
			}
			to := &rivermigrate.MigrateOpts{}
			if again {
				to.TargetVersion = withEnum
			}
			//nolint:staticcheck // it is not advised because of what withEnum says; another way would take the schema's role for a pool of connections
			if _, err := migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, to); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, "RESET ROLE")
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// jobsSettings are those of a realm's login, but that its transactions write: it has no requests, and nobody's data.
func jobsSettings() []setting {
	list := loginSettings(tenants.JobsSchema)
	for i := range list {
		if list[i].name == "default_transaction_read_only" {
			list[i].value = "off"
		}
	}
	return list
}
