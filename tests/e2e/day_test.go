package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"lignum/domain/demo"
	"lignum/tests/tenth"
)

// A learner's day: register for a class, read a lesson, sit a practice test, see what came of it.
func TestLearnersDayInEachCountry(t *testing.T) {
	s := serve(t)
	type country struct {
		slug  string
		width int64
	}
	for _, country := range tenth.Of(t, []country{{"jamaica", 1280}, {"bahamas", 390}, {"celearn", 1280}}) {
		t.Run(country.slug, func(t *testing.T) {
			s.Exec(country.slug, `WITH gone AS (UPDATE enrolments SET state = 'left' WHERE learner_id = (SELECT id FROM users WHERE user_name = 'student9') AND state = 'active' RETURNING class_id)
				UPDATE classes SET taken = taken - 1 WHERE id IN (SELECT class_id FROM gone)`)
			b := open(t, s, country.slug, "student9", country.width)
			b.visit("/classes")
			b.wants("Sign in") // nobody sees a class without a name
			b.signIn()
			b.shot("home")

			b.visit("/classes")
			b.shot("classes")
			b.click(`form[action$="/register"] button`)
			if n := s.Number(country.slug, `SELECT count(*) FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE u.user_name = 'student9' AND e.state = 'active'`); n != 1 {
				t.Errorf("after registering for one class the learner is in %d", n)
			}
			b.visit("/home")
			b.do(chromedp.WaitReady(`main a[href^="/classes/"]`))
			b.click(`main a[href^="/classes/"]`)
			b.wants("Lessons", "Tests")
			b.shot("class")
			b.window("window")

			b.click(`main a[href*="/lessons/"]`)
			b.do(chromedp.WaitReady(".prose"))
			b.shot("lesson")
			if b.count(`form[action$="/done"] button`) > 0 { // the first lesson of a demo learner may be done already
				done := s.Number(country.slug, `SELECT count(*) FROM lesson_progress WHERE completed_at IS NOT NULL`)
				b.do(chromedp.Evaluate(`window.left = false`, nil), chromedp.Click(`form[action$="/done"] button`))
				// Who has read enough is led on; who has not stays, and is told when the points come.
				wait(t, b, "the page has gone on, or says that the points come later", func() (yes bool) {
					err := chromedp.Run(b.ctx, chromedp.Evaluate(`document.readyState === 'complete' && document.querySelector('main') !== null &&
						(window.left === undefined || /points are for reading/i.test(document.querySelector('[data-state]')?.innerText))`, &yes))
					return err == nil && yes
				})
				if now := s.Number(country.slug, `SELECT count(*) FROM lesson_progress WHERE completed_at IS NOT NULL`); now != done+1 {
					t.Errorf("%d lessons done before, %d after", done, now)
				}
			}
			b.visit("/home")
			b.click(`main a[href^="/classes/"]`)
			sitTest(t, b)

			b.visit("/points")
			b.wants("points")
			b.shot("points")
			b.visit("/leaderboard")
			b.wants("(you)")
			b.shot("leaderboard")
			b.click(`form[action="/sign-out"] button`)
			b.visit("/home")
			b.wants("Sign in")
		})
	}
}

// sitTest answers some items of the first practice test, loses the connection in between, and hands in.
func sitTest(t *testing.T, b *browser) {
	t.Helper()
	b.click(`main a[href^="/tests/"]`)
	b.wants("Good to know")
	b.click(`form[action$="/start"] button`)
	items := b.count(`[data-item]`)
	if items < 20 {
		t.Fatalf("the paper has %d items", items)
	}
	b.shot("paper")
	saved := func() int {
		return b.s.Number(b.slug, `SELECT count(DISTINCT r.position) FROM responses r JOIN attempts a ON a.id = r.attempt_id JOIN users u ON u.id = a.learner_id WHERE u.user_name = $1::text AND a.state = 'open'`, b.name)
	}
	// answer gives every item of a part of the paper an answer, as a person would: each kind by its own means.
	answer := func(from, to int) {
		var n int
		b.do(chromedp.Evaluate(fmt.Sprintf(`(() => { let n = 0; for (const item of [...document.querySelectorAll('[data-item]:not([data-kind=description])')].slice(%d, %d)) {
			const choice = item.querySelector('input[type=radio], input[type=checkbox]'), text = item.querySelector('input:not([type=hidden]), textarea');
			n++;
			if (choice) { choice.click(); continue }
			for (const field of text ? [text] : item.querySelectorAll('select')) {
				if (field === text) field.value = '42'; else field.selectedIndex = 1;
				for (const event of ['input', 'change']) field.dispatchEvent(new Event(event, {bubbles: true}));
			}
		} return n })()`, from, to), &n))
		if n != to-from {
			t.Fatalf("of %d items %d could be answered", to-from, n)
		}
	}
	b.until("nothing is answered yet", `/^0 of/.test(document.querySelector('[data-count]').innerText)`)
	answer(0, 12)
	wait(t, b, "the first answers are stored", func() bool { return saved() == 12 })

	if n := b.s.Number(b.slug, `SELECT count(*) FROM responses r JOIN attempts a ON a.id = r.attempt_id JOIN users u ON u.id = a.learner_id
		WHERE u.user_name = $1::text AND a.state = 'open' AND coalesce(r.response ->> 'number', r.response ->> 'text', '42') <> '42'`, b.name); n > 0 {
		t.Errorf("%d answers are stored that nobody typed", n)
	}

	before := saved()
	b.wire.cut(true)
	answer(12, 20)
	b.until("the page says that an answer is not saved yet", `/not saved|offline|connection|kept|waiting|try/i.test(document.querySelector('[data-state]').innerText)`)
	if now := saved(); now != before {
		t.Errorf("offline, and yet %d answers arrived", now-before)
	}
	b.shot("offline")
	b.wire.cut(false)
	wait(t, b, "what was answered offline has arrived", func() bool { return saved() == before+8 })
	// Whoever left something out is asked first, with how many they are.
	b.press(`button[data-submit]`)
	b.until("the page asks", `!document.querySelector('[data-sure]').hidden`)
	b.wants(fmt.Sprintf("%d questions have no answer", items-20))
	b.shot("sure")
	b.click(`[data-yes]`)
	b.until("the result is there", `/your result/i.test(document.body.innerText)`)
	b.wants("Topic by topic", "points")
	b.shot("result")
}

// The staff of a country and the platform's own people find what is theirs.
func TestStaffSeeWhatIsTheirs(t *testing.T) {
	s := serve(t)
	for _, p := range []struct {
		slug, name string
		pages      map[string][]string
	}{
		{"jamaica", "coach1", map[string][]string{"/learners": {"behind"}}},
		{"jamaica", "official1", map[string][]string{"/figures": {"attendance", "fewer than 5"}}},
		{"jamaica", "admin1", map[string][]string{"/audit": {"attempt", "class"}, "/settings": {"Jamaica"}, "/roles": {"student"}, "/people": {"student"}}},
		{"jamaica", "school1", map[string][]string{"/people": {"student"}}},
		{"", "manager1", map[string][]string{"/console": {"Jamaica", "CELEARN"}, "/console/tenants/new": {"Country"}, "/console/tenants/jamaica": {"Suspend"}}},
	} {
		t.Run(p.name, func(t *testing.T) {
			b := open(t, s, p.slug, p.name, 1280)
			b.signIn()
			for path, says := range p.pages {
				b.visit(path)
				b.wants(says...)
				b.shot(path[1:3] + fmt.Sprint(len(path)))
			}
		})
	}
}

// wait looks at the database until something is so.
func wait(t *testing.T, b *browser, what string, so func() bool) {
	t.Helper()
	for range 200 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.shot("failed")
	t.Fatalf("never: %s\n%.1500s", what, b.text())
}

// A learner signs in, registers and reads without any JavaScript.
func TestWithoutJavaScript(t *testing.T) {
	s := serve(t)
	b := open(t, s, "jamaica", "student11", 390)
	b.do(emulation.SetScriptExecutionDisabled(true), chromedp.Navigate(b.url("/sign-in")),
		chromedp.SendKeys(`input[name=user_name]`, b.name), chromedp.SendKeys(`input[name=password]`, demo.Password+"\r"),
		chromedp.WaitReady(`form[action="/sign-out"]`), chromedp.WaitVisible(`main a[href^="/classes/"]`))
	attempts := s.Number("jamaica", `SELECT count(*) FROM attempts`)
	b.do(chromedp.Click(`main a[href^="/classes/"]`), chromedp.WaitVisible(`main a[href^="/tests/"]`),
		chromedp.Click(`main a[href^="/tests/"]`), chromedp.WaitVisible(`form[action$="/start"] button`), chromedp.Click(`form[action$="/start"] button`),
		chromedp.WaitVisible(`[data-item] label.option`), chromedp.Click(`[data-item] label.option`), chromedp.Click(`button[data-submit]`),
		chromedp.WaitVisible(`input[name=sure]+button`), chromedp.Click(`input[name=sure]+button`), chromedp.WaitVisible(`[data-finished]`))
	if now := s.Number("jamaica", `SELECT count(*) FROM attempts`); now != attempts+1 {
		t.Errorf("%d attempts before, %d after", attempts, now)
	}
	b.shot("result")
}
