package provision

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lignum/tenants"
)

// mostWait bounds every wait for a lock over the direct connection: a tenant's open transaction can hold what a change of its
// tables needs, and must not hold whoever waits.
const mostWait = "SET LOCAL lock_timeout = '8s'"

// lockRow is Tx.Lock in the platform's schema.
const lockRow = "INSERT INTO control.locks (name) VALUES ($1::text) ON CONFLICT (name) DO UPDATE SET name = excluded.name"

// inLock runs fn in one transaction, alone among those that touch roles and database grants; PostgreSQL fails concurrent ones.
// What puts them in line is a row of the platform's schema, which no tenant's login can reach. The very first Install has no such
// row yet: of two at once PostgreSQL fails one, which then begins again and finds the row. So fn may run several times.
func (p *Provisioner) inLock(ctx context.Context, fn func(tx pgx.Tx) error) error {
	conn, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			var installed bool
			if _, err := tx.Exec(ctx, mostWait); err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, "SELECT to_regclass('control.locks') IS NOT NULL").Scan(&installed); err != nil {
				return err
			}
			if installed {
				if _, err := tx.Exec(ctx, lockRow, "provision"); err != nil {
					return err
				}
			}
			return fn(tx)
		})
		if tenants.Waited(err) && try == 1 && p.evict(ctx, conn) {
			continue
		}
		if !raced(err) || try == 5 {
			return tenants.Explain(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try) * 50 * time.Millisecond):
		}
	}
}

// evict ends sessions of the installation's logins that have done nothing in an open transaction, or one statement, for longer
// than a login's own time-outs let it: whoever has switched those off may hold a table that a migration changes. It reports whether any
// was ended. It takes the rights of pg_monitor and pg_signal_backend; without them nothing is ended, and the proxy's time-outs must do.
func (p *Provisioner) evict(ctx context.Context, conn *pgx.Conn) bool {
	rows, err := conn.Query(ctx, `SELECT a.usename::text, pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = current_database() AND (a.usename = $1 OR a.usename IN (SELECT login_role FROM control.tenants))
			AND (a.state LIKE 'idle in transaction%' AND a.state_change < now() - interval '16 seconds' OR a.state = 'active' AND a.query_start < now() - interval '16 seconds')`,
		tenants.PlatformRealm(p.Installation).Login)
	if err != nil {
		return false
	}
	ended := 0
	var login string
	var done bool
	if _, err = pgx.ForEachRow(rows, []any{&login, &done}, func() error {
		ended++
		p.log().Warn("a session that held on to its locks was ended", "role", login)
		return nil
	}); err != nil {
		p.log().Info("sessions that hold on to their locks cannot be ended", "err", err)
		return false
	}
	return ended > 0
}

// raced reports whether two transactions made, or changed, the same thing of PostgreSQL's own catalogues at once.
func raced(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42710", "42P06", "42P07": // a role, a schema, a table that is there already
		return true
	case "23505":
		return pg.SchemaName == "pg_catalog"
	}
	return strings.HasPrefix(pg.Message, "tuple concurrently ")
}
