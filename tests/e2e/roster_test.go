package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lignum/api/jobs"
)

// roster is a folder with the files of a school, as pairs of name and text, and gives their paths.
func rosterFiles(t *testing.T, pairs ...string) (paths []string) {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(pairs); i += 2 {
		path := filepath.Join(dir, pairs[i])
		if err := os.WriteFile(path, []byte(pairs[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// becomes waits until the page, which looks again by itself, says so.
func (b *browser) becomes(tag string) {
	b.t.Helper()
	for range 200 {
		var yes bool
		if err := chromedp.Run(b.ctx, chromedp.Evaluate(`document.readyState === 'complete' && (document.querySelector('.head .tag')?.innerText ?? '') === `+quote(tag), &yes)); err == nil && yes {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.shot("failed")
	b.t.Fatalf("%s: it never became %s\n%.1500s", b.name, tag, b.text())
}

// seen leaves pictures of a page as the administrator sees it on a desk and on a phone.
func seen(desk, phone *browser, path, name string) {
	desk.t.Helper()
	if path != "" {
		desk.visit(path)
	}
	desk.shot(name)
	var at string
	desk.do(chromedp.Evaluate(`location.pathname + location.search`, &at))
	phone.visit(at)
	phone.until("nothing is wider than the phone", `document.documentElement.scrollWidth <= 360`)
	phone.shot(name + "-phone")
}

// An administrator brings a roster with faults, reads what is wrong row by row, mends it, brings it again, imports it, and prints the cards of the new learners. One of
// them signs in with a card, and finds a notice when the class is cancelled.
func TestARosterIsImportedInTheBrowser(t *testing.T) {
	s := serve(t)
	s.Work(t, jobs.Table(s.API.Exams, s.API.Files, s.API.Rules, s.Poster(), nil)...)
	admin, phone := open(t, s, "jamaica", "admin1", 1280), open(t, s, "jamaica", "admin1", 360)
	admin.signIn()
	phone.signIn()
	seen(admin, phone, "/roster", "roster-empty")
	admin.wants("Import people", "At most 200 MB", "No imports yet")

	users := "sourcedId,status,orgSourcedIds,role,givenName,familyName,grades\n"
	for i := range 30 {
		users += fmt.Sprintf("u%d,active,s1,student,Learner,Number%02d,10\n", i, i)
	}
	users += "u30,active,nowhere,student,Lost,Child,10\nu31,active,s1,pirate,Anne,Bonny,10\nt1,active,s1,teacher,Tom,Tew,\n"
	orgs := "sourcedId,status,name,type\ns1,active,Port Royal College,school\n"
	sessions := "sourcedId,status,title,type,startDate,endDate\nau,active,Autumn 2030,term,2030-09-01,2030-12-15\n"
	classes := "sourcedId,status,title,classType,schoolSourcedId,termSourcedIds\nc1,active,Navigation 10,scheduled,s1,au\n"
	places := "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role\ne1,active,c1,s1,u7,student\ne2,active,c1,s1,nobody,student\n"

	// A spreadsheet is told at once.
	admin.do(chromedp.SetUploadFiles(`#f-file`, rosterFiles(t, "users.csv", "PK\x03\x04 a spreadsheet")))
	admin.click(`form[action="/roster"] button`)
	admin.wants("The file is a spreadsheet or an archive and no CSV file")
	admin.shot("roster-spreadsheet")

	admin.do(chromedp.SetUploadFiles(`#f-file`, rosterFiles(t, "orgs.csv", orgs, "academicSessions.csv", sessions, "users.csv", users, "classes.csv", classes, "enrollments.csv", places)))
	admin.click(`form[action="/roster"] button`)
	admin.wants("The files are uploaded")
	admin.shot("roster-waiting")
	admin.becomes("checked")
	admin.wants("3 rows would be refused", `the school "nowhere" is not known`, "32", `"pirate" is not given by a roster`, `"nobody" is not known`, "orgSourcedIds")
	seen(admin, phone, "", "roster-checked")
	if n := s.Number("jamaica", "SELECT count(*) FROM users WHERE source_id LIKE 'u%' AND family_name LIKE 'Number%'"); n != 0 {
		t.Fatalf("the check made %d accounts", n)
	}

	admin.click(`a.button[href="/roster"]`)
	users = strings.NewReplacer("nowhere", "s1", "pirate", "student").Replace(users)
	admin.do(chromedp.SetUploadFiles(`#f-file`, rosterFiles(t, "orgs.csv", orgs, "academicSessions.csv", sessions, "users.csv", users, "classes.csv", classes, "enrollments.csv", strings.Replace(places, "nobody", "u8", 1))))
	admin.click(`form[action="/roster"] button`)
	admin.becomes("checked")
	admin.wants("Every row can be imported")
	seen(admin, phone, "", "roster-mended")
	admin.click(`form[action$="/start"] button`)
	admin.wants("It will be imported")
	admin.shot("roster-importing")
	admin.becomes("imported")
	admin.wants("All of it was imported", "The files were removed")
	seen(admin, phone, "", "roster-done")
	seen(admin, phone, "/roster", "roster-list")
	admin.wants("imported", "checked", "3 rows refused")
	seen(admin, phone, "/jobs", "roster-jobs")
	admin.wants("Import a roster", "Check a roster before it is imported")
	admin.visit("/audit?action=roster.start")
	admin.wants("Asked for a roster to be imported", "admin1")
	admin.shot("roster-trail")

	admin.visit("/roster")
	admin.click(`ul.list li:first-child a`)
	admin.click(`a.button[href$="/cards"]`)
	admin.wants("Port Royal College", "32 learners are new", "Print cards 1 to 32")
	seen(admin, phone, "", "roster-cards")
	admin.click(`form[action$="/cards"] button`)
	if n := admin.count(`.cut`); n != 32 {
		t.Fatalf("%d cards", n)
	}
	admin.shot("roster-cards-printed")
	var card []string
	admin.do(chromedp.Evaluate(`(() => { const c = [...document.querySelectorAll('.cut')].find(c => /Number07/.test(c.innerText)); return [...c.querySelectorAll('dd')].map(d => d.innerText) })()`, &card))

	learner := open(t, s, "jamaica", card[0], 360)
	learner.visit("/card")
	learner.do(chromedp.SendKeys(`input[name=code]`, card[1]), chromedp.SendKeys(`input[name=password]`, "mango drum kettle orbit"), chromedp.SendKeys(`input[name=again]`, "mango drum kettle orbit"))
	learner.click(`main form button:not([type=button])`)
	admin.visit("/classes/manage/" + s.Text("jamaica", "SELECT id::text FROM classes WHERE source_id = 'c1'"))
	admin.press(`form[action$="/cancel"] summary`)
	admin.do(chromedp.SendKeys(`form[action$="/cancel"] [name=reason]`, "The ship has sailed."))
	admin.click(`form[action$="/cancel"] button`)
	learner.visit("/notices")
	learner.wants("The class Navigation 10 was cancelled: The ship has sailed.")
	learner.shot("roster-notice")
}
