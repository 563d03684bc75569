package e2e

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"lignum/tests/school"
)

// Nothing is wider than the narrowest phone, on any page of a learner, of staff or of the platform; what must scroll does so by
// itself, within reach of the keyboard, and has a name.
func TestEveryPageFitsANarrowPhone(t *testing.T) {
	s := serve(t)
	// Long words and wide tables are what lessons, names and addresses bring.
	s.Exec("jamaica", `UPDATE lessons SET html = '<p>' || repeat('Wachstumsgeschwindigkeit', 6) || '</p><table><thead><tr><th>x</th><th>Value</th></tr></thead><tbody><tr><td>' || repeat('1234567890', 9) || '</td><td>2</td></tr></tbody></table><pre><code>' || repeat('x = y + ', 40) || '</code></pre>' WHERE position = 0`)
	s.Exec("jamaica", `UPDATE users SET family_name = repeat('Featherstonehaugh', 4), grade = '10' WHERE user_name IN ('student1', 'student2')`)
	s.Exec("jamaica", `UPDATE terms SET title = repeat('Michaelmas', 10)`)
	id := func(sql string) string {
		text := s.Text("jamaica", sql)
		if text == "" {
			t.Fatalf("nothing: %s", sql)
		}
		return text
	}
	school.Roster(t, s.DB("jamaica"), school.ID(t, s.DB("jamaica"), "admin1"), strings.Repeat("all_the_people_of_our_school_", 8)+".csv", `{"dry_run": true, "files": [{"name": "all_the_people_of_our_school_and_their_guardians.csv", "kind": "users",
		"lines": 999999, "created": 123456, "changed": 123456, "unchanged": 123456, "refused": 123456, "ignored": 123456, "more_problems": 123455, "notes": ["columns that are not known: aVeryLongNameOfAColumnThatNobodyKnowsAnythingAbout"]}]}`,
		school.RosterProblem{Line: 999_999, Field: "metadata.aVeryLongNameOfAColumnThatNobodyKnows", Reason: "the school " + strings.Repeat("x", 60) + " is not known"})
	ids := map[string]string{"run": id(`SELECT id::text FROM roster_runs LIMIT 1`), "class": id(`SELECT e.class_id::text FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE u.user_name = 'student1' AND e.state = 'active' LIMIT 1`),
		"attempt": id(`SELECT a.id::text FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name = 'student1' AND a.state <> 'open' LIMIT 1`),
		"learner": id(`SELECT id::text FROM users WHERE user_name = 'student1'`), "user": id(`SELECT id::text FROM users WHERE user_name = 'student2'`), "role": "student", "tenant": "jamaica", "term": id(`SELECT id::text FROM terms LIMIT 1`)}
	ids["package"] = s.Package("jamaica", "A pendulum with Wachstumsgeschwindigkeitswachstumsgeschwindigkeit", map[string]string{"index.html": "<p>hello"}).ID.String()
	ids["course"] = id(`SELECT o.slug FROM classes c JOIN courses o ON o.id = c.course_id WHERE c.id = '` + ids["class"] + `'`)
	ids["lesson"] = id(`SELECT l.slug FROM lessons l JOIN courses o ON o.id = l.course_id WHERE o.slug = '` + ids["course"] + `' AND l.position = 0`)
	ids["test"] = id(`SELECT t.id::text FROM tests t JOIN courses o ON o.id = t.course_id WHERE o.slug = '` + ids["course"] + `' LIMIT 1`)

	var paths []string
	for _, rt := range s.API.Routes() {
		if rt.Page && rt.Method == http.MethodGet && !strings.HasPrefix(rt.Path, "/.well-known") {
			paths = append(paths, regexp.MustCompile(`\{([a-z_]+)\}`).ReplaceAllStringFunc(rt.Path, func(m string) string { return ids[m[1:len(m)-1]] }))
		}
	}
	type found struct {
		Status, Width, Room int
		Wide                []string
		Unreachable, Shown  []string
	}
	seen := map[string]bool{}
	for _, who := range []struct {
		slug, name string
		own        func(path string) bool
	}{
		{"jamaica", "student1", func(path string) bool { return !strings.HasPrefix(path, "/console") }},
		{"jamaica", "admin1", func(path string) bool { return !strings.HasPrefix(path, "/console") }},
		{"jamaica", "coach1", func(path string) bool {
			return strings.HasPrefix(path, "/learners") || strings.HasPrefix(path, "/classes") || path == "/home" || strings.HasSuffix(path, "/result")
		}},
		{"", "manager1", func(path string) bool {
			return strings.HasPrefix(path, "/console") || strings.HasPrefix(path, "/account")
		}},
	} {
		b := open(t, s, who.slug, who.name, 360)
		b.signIn()
		mine := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return !who.own(p) })
		if who.name == "student1" {
			b.visit("/tests/" + ids["test"])
			if b.count(`form[action$="/start"] button`) > 0 {
				b.click(`form[action$="/start"] button`)
				var paper string
				b.do(chromedp.Evaluate(`location.pathname`, &paper))
				mine = append(mine, paper, paper+"/hand-in")
			}
			// A table of an iPad's long name stands where the account lists devices.
			s.Exec("jamaica", `UPDATE sessions SET user_agent = 'Mozilla/5.0 (iPad) Safari', address = '2001:0db8:85a3:0000:0000:8a2e:0370:7334'`)
		}
		for _, path := range mine {
			if path == "/" || path == "/sign-in" {
				continue
			}
			b.do(chromedp.Navigate(b.url(path)), chromedp.WaitReady("main"))
			var f found
			b.do(chromedp.Evaluate(`(() => { const d = document.documentElement, name = e => e.tagName + '.' + e.className + ' ' + (e.innerText || '').slice(0, 40);
				const all = [...document.querySelectorAll('main *')].filter(e => e.checkVisibility());
				return { Shown: [...document.querySelectorAll('[hidden]')].filter(e => e.checkVisibility()).map(name), Width: d.scrollWidth, Room: d.clientWidth,
					Wide: all.filter(e => e.getBoundingClientRect().right > d.clientWidth + 1 && !e.closest('.scroll, pre, .hidden, svg')).slice(0, 5).map(name),
					Unreachable: all.filter(e => e.scrollWidth > e.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && !(e.tabIndex >= 0 && (e.getAttribute('aria-label') || e.getAttribute('aria-labelledby'))) && e.tagName !== 'TEXTAREA' && e.tagName !== 'SELECT').map(name) } })()`, &f))
			seen[path] = true
			if f.Width > f.Room {
				b.shot("wide")
				t.Errorf("%s %s is %d pixels wide in a window of %d: %q", who.name, path, f.Width, f.Room, f.Wide)
			}
			if len(f.Shown) > 0 {
				t.Errorf("%s %s: hidden, and to be seen: %q", who.name, path, f.Shown)
			}
			if len(f.Unreachable) > 0 {
				t.Errorf("%s %s: the keyboard cannot reach or a reader not name %q", who.name, path, f.Unreachable)
			}
		}
		if who.name == "student1" {
			b.visit("/courses/" + ids["course"] + "/lessons/" + ids["lesson"])
			for _, thing := range []string{`.prose [role=region][tabindex="0"][aria-label="Table: x, Value"] table`, `.prose pre[role=region][tabindex="0"][aria-label]`} {
				if b.count(thing) != 1 {
					t.Errorf("there is no %s", thing)
				}
			}
		}
	}
	if len(seen) < 35 {
		t.Errorf("only %d pages were looked at", len(seen))
	}
}
