package catalogue

import (
	"context"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/packages"
)

// PackageView is a package with where it is shown.
type PackageView struct {
	packages.Package
	URL string // of its first document, on the host of the package
}

// PackagePage returns a package, for whoever may see the list of resources. It gives domain.NotFound, too, where this installation shows no packages.
func PackagePage(ctx context.Context, c *api.Call, id uuid.UUID) (v PackageView, err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return v, err
	}
	if err := c.DB.Read(ctx, func(r *tenants.Reader) (err error) { v.Package, err = packages.ByID(ctx, r, id); return err }); err != nil {
		return v, err
	}
	if v.URL = c.PackageURL(&v.Package); v.URL == "" {
		return v, domain.Refuse(domain.NotFound, "packages.there_is_no_such_package")
	}
	v.URL += "/"
	return v, nil
}
