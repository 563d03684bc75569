package apitest

import (
	"errors"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/web"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/tenants"
)

// Evil is a text of somebody who tries to write into a page.
const Evil = `<script>alert(1)</script>"'`

// Renders shows pages with what samples say of each, at a moment. Texts from people carry Evil, which must not come through as markup; headings,
// ids and labels must be what a screen reader needs.
func Renders(t *testing.T, pages *web.Pages, now time.Time, samples map[string][]any) {
	t.Helper()
	ids := regexp.MustCompile(` id="([^"]+)"`)
	for name, list := range samples {
		for n, data := range list {
			app := fiber.New()
			app.Get("/x", func(fc *fiber.Ctx) error {
				c := &api.Call{Language: words.English, Now: now, Tenant: &tenants.Tenant{State: tenants.Active, TimeZone: "America/Jamaica"}, Claims: &identity.Claims{UserID: uuid.New(), UserName: Evil}}
				return pages.Render(c, fc, name, web.Page{Title: Evil, Data: data, Form: (&web.Form{}).Set("code", Evil).Set("user_name", Evil).Set("q", Evil)})
			})
			res, err := app.Test(httptest.NewRequest("GET", "/x", nil), -1) // the first page packs all static files
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			body := string(raw)
			if res.StatusCode != 200 {
				t.Errorf("%s %d: %s", name, n, body)
				continue
			}
			if strings.Contains(body, "<script>alert") || strings.Contains(body, `href="javascript:`) {
				t.Errorf("%s %d: markup came through", name, n)
			}
			if strings.Contains(body, " style=") || strings.Contains(body, " onclick=") {
				t.Errorf("%s %d: something that the policy of the page forbids", name, n)
			}
			if h1 := strings.Count(body, "<h1"); h1 != 1 {
				t.Errorf("%s %d: %d headings of level one", name, n, h1)
			}
			seen := map[string]bool{}
			for _, m := range ids.FindAllStringSubmatch(body, -1) {
				if seen[m[1]] {
					t.Errorf("%s %d: id %s twice", name, n, m[1])
				}
				seen[m[1]] = true
			}
			for _, m := range regexp.MustCompile(`<label[^>]* for="([^"]+)"`).FindAllStringSubmatch(body, -1) {
				if !seen[m[1]] {
					t.Errorf("%s %d: a label for %s, which is not there", name, n, m[1])
				}
			}
		}
	}
}
