package portal_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

func (w *demoTown) form(u apitest.User, path string, values url.Values) *apitest.Response {
	w.t.Helper()
	return w.Send(u, "POST", w.URL(u.Slug)+path, values.Encode(), "Content-Type", "application/x-www-form-urlencoded", "Accept", "text/html")
}

const ofStudent1 = `learner_id = (SELECT id FROM users WHERE user_name = 'student1')`

// A learner finds every attempt, the newest first, page by page, with its state and score and where it leads.
func TestALearnerFindsAllTheirTests(t *testing.T) {
	w := newDemoTown(t)
	me := w.who("jamaica", "student1")
	// Many at one moment, so that the place in the list is a key and not a time.
	var last school.Attempt
	if err := w.DB("jamaica").ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), `SELECT test_id, course_id, learner_id, started_at, deadline, deadline FROM attempts WHERE `+ofStudent1+` AND state = 'marked' ORDER BY started_at DESC LIMIT 1`).
			Scan(&last.Test, &last.Course, &last.Learner, &last.StartedAt, &last.Deadline, &last.SubmittedAt)
	}); err != nil {
		t.Fatal(err)
	}
	var many []school.Attempt
	for n := range 50 {
		a := last
		a.Number, a.Score, a.MaxScore = 100+n, n, 100
		if n == 3 {
			a.State = "marking"
		}
		many = append(many, a)
	}
	school.Attempts(t, w.DB("jamaica"), many...)
	begun := w.form(me, "/tests/"+w.Text("jamaica", `SELECT t.id::text FROM tests t JOIN classes c ON c.course_id = t.course_id JOIN enrolments e ON e.class_id = c.id WHERE e.`+ofStudent1+` AND e.state = 'active' AND t.opens_at IS NULL AND t.attempts = 0 LIMIT 1`)+"/start", nil).Want(http.StatusSeeOther).Header.Get("Location")
	all := w.Number("jamaica", `SELECT count(*) FROM attempts WHERE `+ofStudent1)
	entry := regexp.MustCompile(`<a href="(/attempts/[0-9a-f-]+)(/result)?">`)
	older := regexp.MustCompile(`href="(/attempts\?cursor=[^"]+)" rel="next"`)
	seen, scores, waiting := map[string]bool{}, 0, 0
	for path, pages := "/attempts", 0; path != ""; pages++ {
		if pages > 20 {
			t.Fatal("the list does not end")
		}
		body := string(w.page(me, path).Want(http.StatusOK).Body)
		for n, m := range entry.FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("%s is listed twice", m[1])
			}
			seen[m[1]] = true
			if first := pages == 0 && n == 0; first != (m[1] == begun) || first != (m[2] == "") {
				t.Errorf("entry %d of page %d is %s%s; the one under way is %s", n, pages, m[1], m[2], begun)
			}
		}
		scores += strings.Count(body, ` %</span>`)
		waiting += strings.Count(body, "Waits for marking")
		path = ""
		if m := older.FindStringSubmatch(body); m != nil {
			path = html.UnescapeString(m[1])
		}
	}
	if len(seen) != all || all < 51 {
		t.Errorf("%d of %d attempts are listed", len(seen), all)
	}
	if marked := w.Number("jamaica", `SELECT count(*) FROM attempts WHERE state = 'marked' AND `+ofStudent1); scores != marked || waiting != 1 {
		t.Errorf("%d scores for %d marked attempts; %d wait", scores, marked, waiting)
	}
	for _, path := range []string{"/home", "/classes/" + w.ids("jamaica")["class"], "/tests/" + w.Text("jamaica", `SELECT test_id::text FROM attempts WHERE `+ofStudent1+` LIMIT 1`)} {
		if main := string(w.page(me, path).Want(http.StatusOK).Body); !strings.Contains(main, `<a href="/attempts"`) {
			t.Errorf("%s does not lead to the list", path)
		}
	}
	if other := string(w.page(w.who("jamaica", "student30"), "/attempts").Want(http.StatusOK).Body); strings.Contains(other, begun) {
		t.Error("somebody else's attempt is listed")
	}
}

// The words of a result fit it, and it says what to do next.
func TestAResultSaysWhatToDoNext(t *testing.T) {
	w := newDemoTown(t)
	me := w.who("jamaica", "student1")
	test := w.Text("jamaica", `SELECT t.id::text FROM tests t JOIN classes c ON c.course_id = t.course_id JOIN enrolments e ON e.class_id = c.id WHERE e.`+ofStudent1+` AND e.state = 'active' AND t.opens_at IS NULL AND t.attempts = 0 LIMIT 1`)
	attempt := w.form(me, "/tests/"+test+"/start", nil).Want(http.StatusSeeOther).Header.Get("Location")
	if to := w.form(me, attempt+"/submission", url.Values{"counter": {"0"}}).Want(http.StatusSeeOther).Header.Get("Location"); to != attempt+"/hand-in" {
		t.Fatalf("an empty paper is handed in unasked: %s", to)
	}
	if n := w.Number("jamaica", `SELECT count(*) FROM attempts WHERE state = 'open' AND `+ofStudent1); n != 1 {
		t.Fatalf("%d papers are open after asking", n)
	}
	result := w.form(me, attempt+"/submission", url.Values{"sure": {"yes"}}).Want(http.StatusSeeOther).Header.Get("Location")
	page := string(w.page(me, result).Want(http.StatusOK).Body)
	if strings.Contains(strings.ToLower(page), "well done") || !strings.Contains(page, "This one was hard for you") || !strings.Contains(page, "Practise again") {
		t.Errorf("the words do not fit: %.3000s", said([]byte(page)))
	}
	want := w.Number("jamaica", `SELECT count(*) FROM lessons l JOIN course_sections s ON s.id = l.section_id JOIN attempts a ON a.course_id = l.course_id AND a.id = (SELECT id FROM attempts WHERE `+ofStudent1+` ORDER BY started_at DESC LIMIT 1)
		WHERE l.active AND s.code IN (SELECT x ->> 'section' FROM jsonb_array_elements(a.result -> 'sections') x)`)
	if got := strings.Count(page, `<a href="/courses/`); got != want || want == 0 {
		t.Errorf("%d lessons are linked, want the %d of the weak sections", got, want)
	}
	w.page(me, regexp.MustCompile(`<a href="(/courses/[^"]+)"`).FindStringSubmatch(page)[1]).Want(http.StatusOK)

	// One try, and it is used: nothing offers another.
	w.Exec("jamaica", `UPDATE tests SET attempts = 1 WHERE id = $1::uuid`, test)
	if page := string(w.page(me, result).Want(http.StatusOK).Body); strings.Contains(page, "Practise again") || strings.Contains(page, "Take the test again") {
		t.Error("a try is offered that there is not")
	}
	// Whoever left the class sees the result all the same, without what is closed to them.
	w.Exec("jamaica", `UPDATE enrolments SET state = 'left' WHERE `+ofStudent1)
	if page := string(w.page(me, result).Want(http.StatusOK).Body); strings.Contains(page, `<a href="/courses/`) {
		t.Error("lessons are linked that do not open")
	}
}

// One card a course on the home page, however many classes there are in it.
func TestOneCardACourse(t *testing.T) {
	w := newDemoTown(t)
	courses := w.Number("jamaica", `SELECT count(DISTINCT c.course_id) FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.state = 'active' AND c.state = 'active' AND e.`+ofStudent1)
	classes := w.Number("jamaica", `SELECT count(*) FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.state = 'active' AND c.state = 'active' AND e.`+ofStudent1)
	if classes <= courses {
		t.Fatalf("%d classes of %d courses show nothing", classes, courses)
	}
	body := string(w.page(w.who("jamaica", "student1"), "/home").Want(http.StatusOK).Body)
	main := body[strings.Index(body, "My classes</h2>"):strings.Index(body, "<aside>")]
	if n := strings.Count(main, `<section class="card">`); n != courses {
		t.Errorf("%d cards for %d courses", n, courses)
	}
	if n := len(regexp.MustCompile(`href="/classes/[0-9a-f-]{36}"`).FindAllString(main, -1)); n != classes {
		t.Errorf("%d links to %d classes", n, classes)
	}
}

// What the privacy page says of the leaderboard is so, for new accounts, for imported ones, for the demo's, and for who decides.
func TestThePrivacyPageAndTheLeaderboardAgree(t *testing.T) {
	w := newDemoTown(t)
	if text := w.Text("jamaica", `SELECT column_default FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = 'users' AND column_name = 'on_leaderboard'`); text != "false" {
		t.Errorf("the column's default is %s", text)
	}
	fresh := w.UserWith("jamaica", []string{"student"}, func(u *people.NewUser, _ *identity.SignedIn) { u.UserName = "fresh" })
	if n := w.Number("jamaica", `SELECT count(*) FROM users WHERE on_leaderboard AND id::text NOT IN (SELECT object_id FROM audit_entries WHERE action = 'leaderboard.listed' AND outcome = 'done')`); n != 0 {
		t.Errorf("%d people are on the leaderboard who chose nothing", n)
	}
	privacy := func() string { return said(w.page(apitest.Anonymous("jamaica"), "/privacy").Want(http.StatusOK).Body) }
	if text := privacy(); !strings.Contains(text, "You are not on it until you choose to take part") {
		t.Error(text)
	}
	points := func() string { return said(w.page(fresh, "/points").Want(http.StatusOK).Body) }
	if text := points(); !strings.Contains(text, "You do not take part") || !strings.Contains(text, "You decide") || !strings.Contains(text, "Take part") {
		t.Error(text)
	}
	w.form(fresh, "/points/listed", url.Values{"listed": {"yes"}}).Want(http.StatusSeeOther)
	if text := points(); !strings.Contains(text, "You take part") {
		t.Error(text)
	}
	admin := w.who("jamaica", "admin1")
	w.form(admin, "/settings", url.Values{"name": {"M"}, "colour": {"#14532d"}, "accent": {"#eab308"}, "leaderboard_by": {"guardian"}}).Want(http.StatusSeeOther)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := privacy(); !strings.Contains(text, "until your parent or guardian lets you take part") {
		t.Error(text)
	}
	if text := points(); !strings.Contains(text, "You do not take part") || !strings.Contains(text, "Your parent or guardian decides") || strings.Contains(text, "Take part") {
		t.Error(text)
	}
	w.form(fresh, "/points/listed", url.Values{"listed": {"yes"}}).Want(http.StatusForbidden)
	// What was earned lately is short: a line for each thing, in words that name it.
	body := string(w.page(w.who("jamaica", "student1"), "/points").Want(http.StatusOK).Body)
	if n := strings.Count(body, `<span class="tag sun">+`); n == 0 || n > 20 || strings.Contains(body, "that was not reached") || !strings.Contains(body, "<p>Lesson: ") {
		t.Errorf("%d lines: %.2000s", n, said([]byte(body)))
	}
}
