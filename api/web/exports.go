package web

import (
	"context"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	"lignum/domain/exports"
	"lignum/policy"
	"lignum/tenants"
)

var exportAsked = Notice("export-asked", "exports.it_is_being_written")

// Exporting is the part of an address under which what a page shows is asked for as a file; what the page is narrowed by follows as its own query.
const Exporting = "/export"

// ExportPath is where the forms of a page ask for what it shows, with what it is narrowed by.
func ExportPath(path string, query url.Values) string {
	return strings.TrimSuffix(path+Exporting+"?"+with(query, "cursor", "").Encode(), "?")
}

// Exports answers the form of a page that asks for a file: ask does it, show shows the page again with what was wrong.
func Exports(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, show func(f *Form) error, ask func(as exports.Format) (*exportsapi.Asked, error)) (string, error) {
	f := ReadForm(fc)
	f.Again(fc, show)
	if _, err := ask(exports.Format(f.Get("format"))); err != nil {
		return "", err
	}
	Notify(c, fc, exportAsked)
	return "/exports", nil
}

// ExportTrail asks for the entries that a page of an audit trail is narrowed to. users is as with AskTrail.
func ExportTrail(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx, users policy.Permission, show func(f *Form) error) (string, error) {
	return Exports(ctx, c, tx, fc, show, func(as exports.Format) (*exportsapi.Asked, error) {
		filter, _, _, err := readTrail(ctx, c, fc, users)
		if err != nil {
			return nil, err
		}
		asked := exportsapi.Trail{Action: filter.Action}
		if filter.Actor != [16]byte{} {
			asked.Actor = &filter.Actor
		}
		if !filter.From.IsZero() {
			asked.From = &filter.From
		}
		if !filter.To.IsZero() {
			asked.To = &filter.To
		}
		return exportsapi.AskTrail(ctx, c, tx, as, asked)
	})
}
