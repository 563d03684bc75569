package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"lignum/tenants"
	"lignum/tests/apitest"
)

// begin opens the paper of the first test that the person may take, and gives its address.
func (b *browser) begin() (attempt string) {
	b.t.Helper()
	b.visit("/home")
	b.click(`main a[href^="/classes/"]`)
	b.click(`main a[href^="/tests/"]`)
	b.click(`form[action$="/start"] button`)
	b.do(chromedp.Evaluate(`location.pathname`, &attempt))
	return attempt
}

// choose ticks the first choice of n questions that have some, from the beginning.
func (b *browser) choose(n int) {
	b.t.Helper()
	b.do(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('[data-item]')].filter(i => i.querySelector('input[type=radio],input[type=checkbox]')).slice(0, %d)
		.forEach(i => i.querySelector('input[type=radio],input[type=checkbox]').click())`, n), nil))
}

// handIn presses the button, and the second one that whoever left something out is asked to press.
func (b *browser) handIn() {
	b.t.Helper()
	b.press(`button[data-submit]`)
	b.until("the page asks whether to hand in", `!document.querySelector('[data-sure]').hidden`)
	b.press(`[data-yes]`)
}

// attempts of the person in a state, and the answers that were saved in the last one.
func (b *browser) state(what string) int {
	return b.s.Number(b.slug, `SELECT `+what+` FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name = $1::text AND a.id = (SELECT max(id::text)::uuid FROM attempts WHERE learner_id = u.id)`, b.name)
}

const (
	handedIn = `(a.submitted_at IS NOT NULL)::int`
	answers  = `(SELECT count(DISTINCT position) FROM responses r WHERE r.attempt_id = a.id)::int`
)

func (b *browser) kept(says string) {
	b.t.Helper()
	b.until("the page says what is kept", `/`+says+`/i.test(document.body.innerText)`)
	if b.count(`main`) != 1 || b.state(handedIn) != 0 {
		b.t.Fatalf("offline, and the attempt is handed in, or the page is gone:\n%.800s", b.text())
	}
}

// Handing in without a connection: the page stays, says what is kept, and hands in by itself when the line is back.
func TestHandingInSurvivesTheStorm(t *testing.T) {
	s := serve(t)
	t.Run("the line comes back", func(t *testing.T) {
		b := open(t, s, "jamaica", "student21", 390)
		b.signIn()
		b.begin()
		b.wire.cut(true)
		b.choose(3)
		b.handIn()
		b.kept("kept on this device")
		b.shot("handing-in-offline")
		b.press(`[data-recall]`) // still time: the learner thinks again
		b.until("the paper is back", `document.querySelector('[data-handing]').hidden && !document.querySelector('[data-item]').inert`)
		b.choose(4)
		b.handIn()
		b.kept("kept on this device")
		b.wire.cut(false)
		b.until("the result is there", `location.pathname.endsWith('/result')`)
		if n := b.state(answers); b.state(handedIn) != 1 || n != 4 {
			t.Errorf("handed in with %d answers, want 4", n)
		}
	})
	t.Run("the page is closed, and another one opened later", func(t *testing.T) {
		b := open(t, s, "jamaica", "student22", 1280)
		b.signIn()
		b.begin()
		b.wire.cut(true)
		b.choose(2)
		b.handIn()
		b.kept("kept on this device")
		b.do(chromedp.Navigate("about:blank"))
		b.wire.cut(false)
		b.visit("/classes")
		wait(t, b, "it is handed in", func() bool { return b.state(handedIn) == 1 })
		b.until("the page says so", `/your test is handed in/i.test(document.body.innerText)`)
		b.click(`main a[href$="/result"]`)
		b.wants("Your result")
		if n := b.state(answers); n != 2 {
			t.Errorf("handed in with %d answers, want 2", n)
		}
		b.visit("/classes")
		if b.count(`main a[href$="/result"]`) != 0 {
			t.Error("what is done is said again")
		}
	})
	t.Run("the paper is opened again", func(t *testing.T) {
		b := open(t, s, "jamaica", "student23", 1280)
		b.signIn()
		paper := b.begin()
		b.wire.cut(true)
		b.choose(2)
		b.handIn()
		b.kept("kept on this device")
		b.do(chromedp.Navigate("about:blank"))
		b.wire.cut(false)
		b.do(chromedp.Navigate(b.url(paper)))
		b.until("the result is there", `location.pathname.endsWith('/result') && document.querySelector('main') !== null`)
		if n := b.state(answers); b.state(handedIn) != 1 || n != 2 {
			t.Errorf("handed in with %d answers, want 2", n)
		}
	})
	t.Run("changes are not taken for a while", func(t *testing.T) {
		b := open(t, s, "jamaica", "student26", 390)
		b.signIn()
		b.begin()
		b.choose(1)
		wait(t, b, "the first answer is saved", func() bool { return b.state(answers) == 1 })
		put := func(state tenants.State) {
			t.Helper()
			s.Write("", func(tx *tenants.Tx) error {
				_, err := tenants.SetState(t.Context(), tx, "jamaica", state, "The yearly move of the schools", tenants.By{Server: true})
				return err
			})
			if err := s.Registry.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		put(tenants.ReadOnly)
		b.choose(3)
		b.until("the page says why nothing is saved", `/nothing can be changed just now/i.test(document.querySelector('[data-state]').innerText)`)
		b.until("the paper offers nothing that fails", `[...document.querySelectorAll('form button')].every(e => e.closest('header') || !e.checkVisibility())`)
		b.shot("paper-read-only")
		put(tenants.Active)
		wait(t, b, "what waited is saved", func() bool { return b.state(answers) == 3 })
		b.until("the buttons are back", `[...document.querySelectorAll('[data-ready] button')].every(e => e.checkVisibility())`)
	})
	// The time runs out without a connection: a line that is back soon brings all in; one that is back late, what had been saved.
	runsOut := func(name string, b *browser, late time.Duration, want int) {
		b.signIn()
		paper := b.begin()
		b.choose(1)
		wait(t, b, "the first answer is saved", func() bool { return b.state(answers) == 1 })
		deadline(s, b, 6*time.Second)
		b.visit(paper)
		b.wire.cut(true)
		b.choose(3)
		b.kept("kept on this device|time is over")
		b.until("the time is over", `/time is over/i.test(document.querySelector('[data-handing-says]').innerText)`)
		b.shot(name)
		deadline(s, b, -late)
		b.wire.cut(false)
		b.until("the result is there", `location.pathname.endsWith('/result') && document.querySelector('[data-finished]') !== null`)
		if n := b.state(answers); b.state(handedIn) != 1 || n != want {
			t.Errorf("%s: handed in with %d answers, want %d", name, n, want)
		}
	}
	t.Run("the time runs out, and the line is back within the grace", func(t *testing.T) {
		runsOut("over-soon", open(t, s, "jamaica", "student24", 390), 30*time.Second, 1)
	})
	t.Run("the time runs out, and the line is back late", func(t *testing.T) {
		runsOut("over-late", open(t, s, "jamaica", "student25", 390), 10*time.Minute, 1)
	})
}

// deadline puts the end of the person's attempt so far from now.
func deadline(s *apitest.Server, b *browser, away time.Duration) {
	s.Exec(b.slug, `UPDATE attempts SET deadline = now() + $2::float8 * interval '1 second' WHERE state = 'open' AND learner_id = (SELECT id FROM users WHERE user_name = $1::text)`, b.name, away.Seconds())
}
