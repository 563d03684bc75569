package account

import (
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	noticesapi "lignum/api/notices"
	"lignum/api/web"
	"lignum/domain/notices"
	"lignum/policy"
	"lignum/tenants"
)

var allSeen = web.Notice("notices-seen", "account.your_notices_are_marked")

// toldPages is what a person was told, and what they do with it. What is new stands on home and on the console too.
func toldPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/notices", Permission: policy.ProfileRead, Summary: "What one was told"}, showNotices)
	api.Form(s, api.Route{Path: "/notices/seen", Permission: policy.ProfileChange, Summary: "Mark one's notices as seen"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			until, err := web.ChosenID(web.ReadForm(fc), "until")
			if err != nil {
				return "", err
			}
			if until == nil {
				until = &uuid.Nil
			}
			if _, err := noticesapi.SeeAllNotices(ctx, c, tx, *until); err != nil {
				return "", err
			}
			web.Notify(c, fc, allSeen)
			return "/notices", nil
		})
	api.Form(s, api.Route{Path: "/notices/{notice}/seen", Permission: policy.ProfileChange, Summary: "Mark a notice as seen"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
			id, err := web.PathID(fc, "notice")
			if err != nil {
				return "", err
			}
			to := landing(c)
			if at := web.LocalPath(web.ReadForm(fc).Get("at")); at == "/notices" || strings.HasPrefix(at, "/notices?") {
				to = at + "#n-" + id.String()
			}
			_, err = noticesapi.SeeNotice(ctx, c, tx, id)
			return to, err
		})
}

type noticesData struct {
	Notices      []notices.Notice
	Newest       string // the id of the newest of all; "": this is not the first page
	At           string // the address of this page
	Newer, Older string // addresses of the first page and of the next one
}

// noticesShown is how many notices a page shows.
const noticesShown = 20

func showNotices(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	list, err := noticesapi.AllMyNotices(ctx, c, api.Paging{Limit: noticesShown, Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d := noticesData{Notices: list.Items, At: fc.OriginalURL(), Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next)}
	if d.Newer == "" && len(list.Items) > 0 {
		d.Newest = list.Items[0].ID.String()
	}
	return pages.Render(c, fc, "notices", web.Page{Title: c.Say("page.notices"), Data: d})
}
