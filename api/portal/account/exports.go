package account

import (
	"context"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	"lignum/api/web"
	"lignum/domain/exports"
	"lignum/domain/words"
	"lignum/policy"
)

var exportRemoved = web.Notice("export-removed", "exports.it_is_removed")

// exportPages is what a person asked to be written into files, in either realm. It is asked for on the pages that show it.
func exportPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/exports", Permission: policy.ExportRead, Summary: "What one asked to be written into a file"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showExports(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Path: "/exports/{export}/file", Permission: policy.ExportRead, Parts: []policy.Permission{policy.AuditRead, policy.UserRead, policy.InsightRead, policy.PlatformAuditRead, policy.PlatformUserRead, policy.PlatformUsageRead, policy.PlatformBillRead}, Summary: "Save a file that one asked for"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			id, err := web.PathID(fc, "export")
			if err != nil {
				return err
			}
			e, err := exportsapi.Show(ctx, c, id)
			if err != nil {
				return err
			}
			if e.URL == "" {
				return fc.Redirect("/exports", http.StatusSeeOther)
			}
			return fc.Redirect(e.URL, http.StatusSeeOther)
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/exports/{export}/remove", Permission: policy.ExportRead, Summary: "Remove a file that one asked for"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			id, err := web.PathID(fc, "export")
			if err != nil {
				return err
			}
			(&web.Form{}).Again(fc, func(f *web.Form) error { return showExports(ctx, c, fc, f) })
			if _, err := exportsapi.Remove(ctx, c, id); err != nil {
				return err
			}
			web.Notify(c, fc, exportRemoved)
			return fc.Redirect("/exports", http.StatusSeeOther)
		})
}

// exportRow is an export with what people read of it.
type exportRow struct {
	exports.Export
	Says, Size string
}

type exportsData struct {
	List         []exportRow
	Newer, Older string
}

func showExports(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	list, err := exportsapi.List(ctx, c, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := exportsData{Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	for _, e := range list.Items {
		d.List = append(d.List, exportRow{e, exportSays(c.Language, &e), sizeSays(c.Language, e.Bytes)})
		if e.Open() && len(f.Errors) == 0 {
			fc.Set("Refresh", web.RefreshEach)
		}
	}
	return pages.Render(c, fc, "exports", web.Page{Title: c.Say("exports.your_exports"), Form: f, Data: d})
}

// exportSays is what an export holds, and how it is written.
func exportSays(l words.Language, e *exports.Export) string {
	what := map[exports.Kind]string{exports.Trail: l.Say("page.audit_trail"), exports.People: l.Say("exports.people"), exports.Figures: l.Say("exports.figures"), exports.Usage: l.Say("exports.use_of_all_tenants")}[e.Kind]
	how := map[exports.Format]string{exports.CSV: l.Say("exports.as_csv"), exports.JSONL: l.Say("exports.as_json_lines"), exports.XLSX: l.Say("exports.as_a_workbook")}[e.Format]
	return what + " · " + how
}

// sizeSays is a number of bytes for people; "" for none.
func sizeSays(l words.Language, bytes int64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1<<20:
		return l.Say("exports.size_kb", "Size", l.Number(int(bytes+1023)>>10))
	}
	return l.Say("exports.size_mb", "Size", l.Number(int(bytes+1<<20-1)>>20))
}
