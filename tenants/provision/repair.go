package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
	"lignum/tenants/audit"
)

// platformConnections is what the platform's login may have open.
const platformConnections = 40

// close takes from everybody what close.sql names, as far as PostgreSQL lets the connected role, and logs what stays open.
func (p *Provisioner) close(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, closeSQL); err != nil {
		return fmt.Errorf("close.sql: %w", err)
	}
	// A process that leaves tells the others that another may lead the jobs now. Nobody listens behind a pooler, but River says it all the same.
	var mayTell bool
	jobs := tenants.JobsLogin(p.Installation)
	if err := tx.QueryRow(ctx, "SELECT has_function_privilege($1, 'pg_catalog.pg_notify(text, text)', 'EXECUTE')", jobs).Scan(&mayTell); err != nil {
		return err
	}
	if !mayTell {
		if err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "GRANT EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) TO "+pgx.Identifier{jobs}.Sanitize())
			return err
		}); err != nil { // only a superuser can give it back, where one has closed it
			p.log().Info("a process that ends will keep the lead of the jobs for some seconds", "err", err)
		}
	}
	var open bool
	if err := tx.QueryRow(ctx, "SELECT has_function_privilege('public', 'pg_catalog.pg_advisory_lock(bigint)', 'EXECUTE')").Scan(&open); err != nil {
		return err
	}
	if open {
		p.log().Info("everybody may still call what only a superuser can close: see infra/reach.md")
	}
	return nil
}

// Repair puts every role of the installation back to what provisioning makes it, and every function of a tenant's schema to what a
// migration made it, and gives those that were not, each with Err
// when it stays so. It looks at all at once and touches those that differ; each that is put back is an entry in the platform's
// trail and a warning in the log. It may be repeated, and run twice at once. Where verifiers cannot be read (the connected role is
// no superuser), passwords are set anew without a word, since nobody can tell whether they were changed.
func (p *Provisioner) Repair(ctx context.Context, by audit.Actor) ([]Altered, error) {
	var list []Altered
	err := p.inLock(ctx, func(tx pgx.Tx) (err error) {
		rows, err := tx.Query(ctx, alteredSQL, alteredArgs(p.Installation, p.IAM)...)
		if err != nil {
			return err
		}
		if list, err = pgx.CollectRows(rows, scanAltered); err != nil {
			return err
		}
		functions, err := alteredFunctionsOf(ctx, tx, p.Installation)
		if err != nil {
			return err
		}
		list = joinAltered(list, functions)
		if list, err = p.passwords(ctx, tx, list); err != nil {
			return err
		}
		for i := range list {
			list[i].Err = p.putBack(ctx, tx, list[i], by)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		if a.Err != nil {
			p.log().Error("a database role could not be put back", "realm", a.Realm, "role", a.Role, "altered", a.What, "err", a.Err)
		} else {
			p.log().Warn("a database role was altered and is put back", "realm", a.Realm, "role", a.Role, "altered", a.What)
		}
	}
	return list, nil
}

// passwords adds the logins whose verifier is not that of the vault, or of none where logins have none.
func (p *Provisioner) passwords(ctx context.Context, tx pgx.Tx, list []Altered) ([]Altered, error) {
	logins, args := `SELECT login_role, slug FROM control.tenants UNION ALL SELECT $1, 'platform' UNION ALL SELECT unnest($2::text[]), 'platform'`,
		[]any{tenants.PlatformRealm(p.Installation).Login, []string{AutoscaleRole(p.Installation), tenants.JobsLogin(p.Installation)}}
	var readable bool
	if err := tx.QueryRow(ctx, "SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')").Scan(&readable); err != nil {
		return nil, err
	}
	if !readable {
		return list, p.setPasswords(ctx, tx, logins, args)
	}
	rows, err := tx.Query(ctx, `SELECT a.rolname, l.slug, coalesce(a.rolpassword, '') FROM pg_catalog.pg_authid a JOIN (`+logins+`) AS l(role, slug) ON a.rolname = l.role
		ORDER BY a.rolname`, args...)
	if err != nil {
		return nil, err
	}
	var role, realm, verifier string
	_, err = pgx.ForEachRow(rows, []any{&role, &realm, &verifier}, func() error {
		if p.IAM && verifier == "" || !p.IAM && verifier == p.Vault.SCRAMVerifier(role) {
			return nil
		}
		i := slices.IndexFunc(list, func(a Altered) bool { return a.Role == role })
		if i < 0 {
			i, list = len(list), append(list, Altered{Realm: realm, Role: role, Was: map[string]any{}, should: should{Role: role, Login: true}})
		}
		list[i].What = append(list[i].What, alteredPassword)
		return nil
	})
	return list, err
}

// setPasswords sets those of all logins anew.
func (p *Provisioner) setPasswords(ctx context.Context, tx pgx.Tx, logins string, args []any) error {
	rows, err := tx.Query(ctx, "SELECT l.role FROM ("+logins+") AS l(role, slug) JOIN pg_catalog.pg_roles r ON r.rolname = l.role ORDER BY l.role", args...)
	if err != nil {
		return err
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, role := range roles {
		if err := again(ctx, tx, "ALTER ROLE "+pgx.Identifier{role}.Sanitize()+" "+p.password(role)); err != nil {
			p.log().Error("a database role's password could not be set anew", "role", role, "err", err)
		}
	}
	return nil
}

// password is the words of ALTER ROLE for a login's password.
func (p *Provisioner) password(role string) string {
	if p.IAM {
		return "PASSWORD NULL"
	}
	return "PASSWORD '" + p.Vault.SCRAMVerifier(role) + "'"
}

// putBack makes one role what it should be, with an entry in the platform's trail, or leaves it as it was.
func (p *Provisioner) putBack(ctx context.Context, tx pgx.Tx, a Altered, by audit.Actor) error {
	var database string
	if err := tx.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return err
	}
	q, err := p.statements(a, pgx.Identifier{database}.Sanitize())
	if err != nil || q == "" {
		return err
	}
	entry := audit.Entry{Action: "platform.login.repair", ObjectKind: "login", ObjectID: a.Role, Before: a.Was, After: map[string]any{"put_back": a.What}}
	if err := again(ctx, tx, q); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, audit.InsertInto("control"), entry.Args(by)...)
	if err == nil && slices.Contains(a.What, alteredOwns) {
		err = errOwns
	}
	if err == nil && len(a.should.Strange) > 0 {
		err = errStrange
	}
	return err
}

// again runs statements in a savepoint, some times over: the role's own login may be changing it at the same moment.
func again(ctx context.Context, tx pgx.Tx, statements string) error {
	for try := 1; ; try++ {
		err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, statements)
			return err
		})
		if !raced(err) || try == 10 {
			return err
		}
	}
}

var errOwns = errors.New("it owns things, such as large objects, which no login of ours makes; look at them, and remove them by hand")

var errStrange = errors.New("there are functions in its schema that no migration made; look at them, and remove them by hand")

// statements are those that put a role back; none when there is nothing that can be.
func (p *Provisioner) statements(a Altered, database string) (string, error) {
	var b strings.Builder
	id := pgx.Identifier{a.Role}.Sanitize()
	add := func(format string, args ...any) { fmt.Fprintf(&b, format+";\n", args...) }
	list := func(key string) (texts []string) {
		values, _ := a.Was[key].([]any)
		for _, v := range values {
			texts = append(texts, fmt.Sprint(v))
		}
		return texts
	}
	for _, what := range a.What {
		switch what {
		case alteredMissing:
			return "", errors.New("the role is not there: restore it from the backup of the roles, which has what was granted to it")
		case alteredAttributes:
			add("ALTER ROLE %s %s", id, strings.Join(a.should.Attributes, " "))
		case alteredConnections:
			add("ALTER ROLE %s CONNECTION LIMIT %d", id, a.should.Connections)
		case alteredSettings:
			elsewhere, _ := a.Was["settings_elsewhere"].(map[string]any)
			for name := range elsewhere {
				add("ALTER ROLE %s IN DATABASE %s RESET ALL", id, pgx.Identifier{name}.Sanitize())
			}
			add("ALTER ROLE %s RESET ALL", id)
			for _, s := range a.should.Settings {
				name, value, _ := strings.Cut(s, "=")
				b.WriteString(setAll(a.Role, []setting{{name, value}}))
			}
		case alteredMembership:
			for _, group := range list("membership") {
				add("REVOKE %s FROM %s", pgx.Identifier{group}.Sanitize(), id)
			}
			if p.IAM && a.should.Login {
				add("GRANT rds_iam TO %s", id)
			}
		case alteredDatabase:
			if a.Role == "PUBLIC" {
				add("REVOKE ALL ON DATABASE %s FROM PUBLIC", database)
				continue
			}
			add("REVOKE ALL ON DATABASE %s FROM %s", database, id)
			add("GRANT CONNECT ON DATABASE %s TO %s", database, id)
		case alteredSchemas:
			for _, right := range list("schemas") {
				if schema, privilege, _ := strings.Cut(right, " "); !slices.Contains(a.should.Schemas, right) {
					add("REVOKE %s ON SCHEMA %s FROM %s", privilege, pgx.Identifier{schema}.Sanitize(), id)
				}
			}
			for _, right := range a.should.Schemas {
				schema, privilege, _ := strings.Cut(right, " ")
				add("GRANT %s ON SCHEMA %s TO %s", privilege, pgx.Identifier{schema}.Sanitize(), id)
			}
		case alteredPassword:
			add("ALTER ROLE %s %s", id, p.password(a.Role))
		case alteredFunctions:
			if len(a.What) == 1 && a.should.Functions == "" {
				return "", errStrange
			}
			b.WriteString(a.should.Functions)
		case alteredOwns:
			if len(a.What) == 1 {
				return "", errOwns
			}
		}
	}
	return b.String(), nil
}
