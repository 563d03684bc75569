package provision

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// SetConnections gives a tenant's login as many connections as its limits say now. Those that are open stay; the pooler closes what is idle. It may be repeated, and gives domain.NotFound
// where there is no such tenant.
func (p *Provisioner) SetConnections(ctx context.Context, slug string, by audit.Actor) error {
	return p.inLock(ctx, func(tx pgx.Tx) error {
		var login string
		var most, now int64
		err := tx.QueryRow(ctx, `SELECT t.login_role, greatest(least((t.limits->>'connections')::numeric, 100000), 0)::bigint, r.rolconnlimit
			FROM control.tenants t JOIN pg_roles r ON r.rolname = t.login_role WHERE t.slug = $1`, slug).Scan(&login, &most, &now)
		switch {
		case err == pgx.ErrNoRows:
			return domain.Refuse(domain.NotFound, "tenants.there_is_no_tenant", "Slug", fmt.Sprintf("%q", slug))
		case err != nil || most == now:
			return err
		}
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", pgx.Identifier{login}.Sanitize(), most)); err != nil {
			return err
		}
		e := audit.Entry{Action: "platform.login.connections", ObjectKind: "login", ObjectID: login, Plain: true, Before: map[string]any{"connections": now}, After: map[string]any{"connections": most}}
		_, err = tx.Exec(ctx, audit.InsertInto("control"), e.Args(by)...)
		return err
	})
}

// Connections is how many the login of a tenant may have open now, which any login may see: -1 without a bound. q is of the platform's realm.
func Connections(ctx context.Context, q tenants.Querier, login string) (most int64, err error) {
	err = q.QueryRow(ctx, "SELECT rolconnlimit FROM pg_roles WHERE rolname = $1::text", login).Scan(&most)
	return most, err
}
