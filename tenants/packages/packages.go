// Package packages keeps what brings scripts of its own: small web sites, such as simulations, which are shown in a frame at an origin of their own (Label),
// where nothing of the tenant is (api/sandbox.go). A package comes as a zip archive, is read within bounds, and lies in the bucket as one file of the purpose
// package, its entries one behind the other; a row for each says where it is. So nothing is unpacked when somebody looks, and no name of an archive is ever a
// path.
package packages

import (
	"context"
	"encoding/base32"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/files"
)

// Start is the entry that a package begins with.
const Start = "index.html"

// Package is one that is kept.
type Package struct {
	ID        uuid.UUID
	FileID    uuid.UUID // of its bytes
	Origin    string    // in the name of its host: 26 of a-z and 2-7
	Title     string    // 1 to 200 characters
	CreatedAt time.Time
}

// TableName is GORM's.
func (Package) TableName() string { return "packages" }

// ByID gives a package, or domain.NotFound.
func ByID(ctx context.Context, q tenants.Querier, id uuid.UUID) (Package, error) {
	p, err := tenants.Entity[Package](q).Where("id = ?", id).Take(ctx)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, domain.Refuse(domain.NotFound, "packages.there_is_no_such_package")
	}
	return p, err
}

// origin is what nobody can guess who does not hold the installation's key, though they had the package: 128 bits, of the content and the realm.
func origin(db *tenants.DB, hash string) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(db.Vault().MAC(db.Realm().Name(), "package_origin", hash)[:16]))
}

// Label is the first part of the name of a package's host: <slug>-<origin>, at most 59 characters.
func (p *Package) Label(slug string) string { return slug + "-" + p.Origin }

var labelForm = regexp.MustCompile(`^([a-z0-9-]{1,32})-([a-z2-7]{26})$`)

// Split takes a label apart. ok: it has the form of one.
func Split(label string) (slug, origin string, ok bool) {
	m := labelForm.FindStringSubmatch(label)
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// Entry is one file of a package.
type Entry struct {
	File        files.File // that holds it
	At, Size    int64      // bytes
	ContentType string
}

// Find gives the entry at a path of the package that has an origin; domain.NotFound where there is none.
func Find(ctx context.Context, q tenants.Querier, origin, path string) (Entry, error) {
	e := Entry{File: files.File{Purpose: files.Package}}
	err := q.QueryRow(ctx, `SELECT p.file_id, e.at, e.size, e.content_type FROM packages p JOIN package_entries e ON e.package_id = p.id
		WHERE p.origin = $1::text AND e.path = $2::text`, origin, path).Scan(&e.File.ID, &e.At, &e.Size, &e.ContentType)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
	}
	return e, err
}
