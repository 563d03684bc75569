package provision

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// MigrationFiles are the program's own.
var MigrationFiles fs.FS = migrations

// LastApart is the last number that a file may share with one of another folder.
const LastApart = lastApart

// MigrationNames lists the files of a realm in the order they run.
func MigrationNames(files fs.FS, realm tenants.Realm) (names []string) {
	for _, m := range migrationsIn(files, realm) {
		names = append(names, m.name)
	}
	return names
}

// Apply brings the schema of a realm, which an owner has, up to date with some files, in the order they run.
func (p *Provisioner) Apply(ctx context.Context, tx pgx.Tx, files fs.FS, realm tenants.Realm, owner string) ([]string, error) {
	return applyIn(ctx, tx, realm, p.roles(owner, realm.Login), migrationsIn(files, realm))
}
