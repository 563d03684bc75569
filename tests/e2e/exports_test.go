package e2e

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	downloads "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/xuri/excelize/v2"

	"lignum/api/jobs"
)

// saved is what the browser saves when something is clicked.
func (b *browser) saved(selector, ending string) []byte {
	b.t.Helper()
	dir := b.t.TempDir()
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return downloads.SetDownloadBehavior(downloads.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(dir).Do(ctx)
	}), chromedp.Click(selector, chromedp.ByQuery))
	for range 200 {
		if list, err := filepath.Glob(filepath.Join(dir, "*"+ending)); err == nil && len(list) == 1 {
			body, err := os.ReadFile(list[0])
			if err != nil {
				b.t.Fatal(err)
			}
			if len(body) > 0 {
				return body
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.shot("failed")
	b.t.Fatalf("nothing was saved that ends with %s", ending)
	return nil
}

// An administrator asks for people, figures and the trail as files, is told when they are there, and saves them; an account manager does with the use of all tenants.
func TestWhatPagesShowIsSavedAsFiles(t *testing.T) {
	s := serve(t)
	admin, phone := open(t, s, "jamaica", "admin1", 1280), open(t, s, "jamaica", "admin1", 360)
	admin.signIn()
	phone.signIn()
	seen(admin, phone, "/exports", "exports-empty")
	admin.wants("No files yet")

	hostile := s.Text("jamaica", "SELECT u.user_name FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role = 'student' ORDER BY u.id LIMIT 1")
	s.Exec("jamaica", "UPDATE users SET given_name = '=1+1' WHERE user_name = $1::text", hostile)
	seen(admin, phone, "/people?role=student", "exports-people")
	admin.click(`form[action^="/people/export"] button[value=xlsx]`)
	admin.wants("It is being written", "Your exports", "People · Excel", "waiting")
	admin.shot("exports-waiting")
	for _, at := range []string{`/audit?action=sign_in.`, `/figures`} {
		seen(admin, phone, at, "exports-"+strings.Split(strings.Trim(at, "/"), "?")[0])
		admin.click(`form[action*="/export"] button[value=csv]`)
		admin.wants("It is being written")
	}
	admin.visit("/audit")
	admin.click(`form[action*="/export"] button[value=jsonl]`)
	admin.wants("3 of your exports are not ready yet")
	admin.shot("exports-too-many")

	s.Work(t, jobs.Table(s.API.Exams, s.API.Files, s.API.Rules, s.Poster(), nil)...)
	admin.visit("/exports")
	admin.until("all are written", `document.querySelectorAll('a[href$="/file"]').length === 3`)
	seen(admin, phone, "", "exports-done")
	admin.wants("Kept until", "rows")
	f, err := excelize.OpenReader(bytes.NewReader(admin.saved(`li:nth-child(3) a[href$="/file"]`, ".xlsx")))
	if err != nil {
		t.Fatal(err)
	}
	list, err := f.GetRows("People")
	learners := s.Number("jamaica", "SELECT count(*) FROM users u WHERE state <> 'erased' AND EXISTS (SELECT FROM user_roles r WHERE r.user_id = u.id AND r.role = 'student')")
	if err != nil || len(list) != learners+1 {
		t.Fatalf("%d rows of %d learners: %v", len(list), learners, err)
	}
	harmless := false
	for _, row := range list {
		harmless = harmless || row[1] == hostile && row[2] == "'=1+1"
	}
	if !harmless {
		t.Error("what somebody typed is a formula")
	}
	trail, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(admin.saved(`li:nth-child(2) a[href$="/file"]`, ".csv"), []byte("\uFEFF")))).ReadAll()
	if err != nil || len(trail) < 2 || trail[0][7] != "action" || !strings.HasPrefix(trail[1][7], "sign_in.") {
		t.Errorf("%d entries: %v", len(trail), err)
	}
	admin.visit("/notices")
	admin.wants("What you asked to export is ready to be saved")
	admin.click(`a[href="/exports"]`)
	admin.click(`li:first-child form[action$="/remove"] button`)
	admin.wants("It is removed")
	admin.visit("/audit?action=export.ask")
	admin.wants("Asked for a file")
	admin.shot("exports-trail")

	manager := open(t, s, "", "manager1", 1280)
	manager.signIn()
	manager.visit("/console")
	manager.shot("exports-console")
	manager.click(`form[action="/console/export"] button[value=csv]`)
	manager.until("it is written", `document.querySelector('a[href$="/file"]') !== null`)
	manager.shot("exports-console-done")
}
