package e2e

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// sums is a course with a test of two numbers and a word.
func sums(t *testing.T, s *apitest.Server) (test string) {
	t.Helper()
	return taught(t, s, "sums", 3, "all.gift", "::n:: Half of one? {#0.5}\n\n::m:: Seven less nine? {#-2}\n\n::w:: Half of a dozen? {=six}\n")
}

// taught brings in a course with a test of so many items of a bank, for which student9 and student10 are enrolled.
func taught(t *testing.T, s *apitest.Server, slug string, items int, file, bank string) (test string) {
	t.Helper()
	p, err := pack.Read(fstest.MapFS{"pack.yaml": {Data: fmt.Appendf(nil, `{format: lignum-pack/1, name: %[1]s, version: 1.0.0, title: Sums, subject: Maths, level: Grade 6, scheme: None, language: en,
		licence: CC-BY-4.0, author: A. Teacher, summary: A few questions., sections: [{code: all, title: All}], banks: [{file: %[3]s, section: all}],
		tests: [{slug: three, title: A few questions, minutes: 30, blueprint: {all: %[2]d}, shuffle: false}]}`, slug, items, file)},
		file: {Data: []byte(bank)}})
	if err != nil {
		t.Fatal(err)
	}
	db := s.DB("jamaica")
	made := school.Course(t, db, *p)
	school.Classes(t, db, school.Class{Title: "All", Course: made.ID, Seats: 5, Learners: []uuid.UUID{school.ID(t, db, "student9"), school.ID(t, db, "student10")}})
	return made.Tests[0].String()
}

// sit starts the test of sums.
func sit(t *testing.T, s *apitest.Server, name, test string) *browser {
	t.Helper()
	return sitIn(t, s, name, test, 1280)
}

// sitIn does so in a window of a width.
func sitIn(t *testing.T, s *apitest.Server, name, test string, width int64) *browser {
	t.Helper()
	b := open(t, s, "jamaica", name, width)
	b.signIn()
	b.visit("/tests/" + test)
	b.click(`form[action$="/start"] button`)
	return b
}

// field is the selector of a question's input.
func (b *browser) field(stem string) string {
	b.t.Helper()
	var id string
	b.do(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('[data-item]')].find((i) => i.innerText.includes(%q)).querySelector('input:not([type=hidden])').id`, stem), &id))
	return "#" + id
}

// retype puts the cursor into a field and types over what is in it, key by key.
func (b *browser) retype(field, text string) {
	b.t.Helper()
	b.do(chromedp.Focus(field), chromedp.Evaluate(`document.querySelector(`+quote(field)+`).select()`, nil))
	for _, key := range text {
		b.do(chromedp.KeyEvent(string(key)))
	}
}

// stored is the answer to a question that counts in the database.
func (b *browser) stored(field string) (n string) {
	b.t.Helper()
	b.s.Write("jamaica", func(tx *tenants.Tx) error {
		return tx.QueryRow(b.t.Context(), `SELECT coalesce((SELECT coalesce(r.response->>'number', r.response->>'text', '') FROM responses r JOIN attempts a ON a.id = r.attempt_id
			JOIN users u ON u.id = a.learner_id WHERE u.user_name = $1::text AND r.position = $2::text::integer ORDER BY a.started_at DESC, r.counter DESC LIMIT 1), '')`, b.name, field[2:]).Scan(&n)
	})
	return n
}

// problem is an expression for what is said to be wrong with a field's answer.
func problem(field string) string {
	return `(document.querySelector(` + quote(field) + `).closest('[data-item]').querySelector('[data-problem]')?.textContent ?? '')`
}

func (b *browser) endsIn(d time.Duration) {
	b.t.Helper()
	b.s.Exec("jamaica", `UPDATE attempts SET deadline = now() + make_interval(secs => $1::float8) WHERE state = 'open' AND learner_id = (SELECT id FROM users WHERE user_name = $2::text)`, d.Seconds(), b.name)
}

// One answer that cannot be read holds up no other, says so where it was typed, and does not keep the test from being
// handed in when the time is over.
func TestOneUnreadableNumberHoldsUpNothing(t *testing.T) {
	s := serve(t)
	b := sit(t, s, "student9", sums(t, s))
	half, minus, word := b.field("Half of one"), b.field("Seven less"), b.field("dozen")

	b.retype(half, "5")
	wait(t, b, "the number is stored", func() bool { return b.stored(half) == "5" })
	b.retype(half, "1/2")
	b.until("the field says what is wrong", problem(half)+`.includes('1/2 is 0.5') && `+problem(half)+`.includes('Your earlier answer, 5, still counts')`)
	b.until("the field is marked", `document.querySelector(`+quote(half)+`).getAttribute('aria-invalid') === 'true'`)
	b.retype(word, "six")
	wait(t, b, "the word is stored", func() bool { return b.stored(word) == "six" })
	if got := b.stored(half); got != "5" {
		t.Errorf("%q is stored", got)
	}
	b.until("the page tells which question to look at", `/look at question \d again\. Everything else is saved/.test(document.querySelector('[data-state]').innerText)`)

	// A number that is being typed is no mistake, for as long as it is.
	b.retype(minus, "-")
	time.Sleep(2500 * time.Millisecond) // twice as long as the page waits for more
	b.until("nothing is said of a minus sign that was just typed", problem(minus)+` === ''`)
	b.do(chromedp.KeyEvent("2"))
	wait(t, b, "the number is stored", func() bool { return b.stored(minus) == "-2" })
	for _, unfinished := range []string{"1,", "1e", "."} {
		b.retype(minus, unfinished)
		time.Sleep(1500 * time.Millisecond)
		b.until("nothing is said of "+unfinished, problem(minus)+` === ''`)
	}
	b.do(chromedp.Evaluate(`(() => { const f = document.querySelector(`+quote(minus)+`); f.blur(); f.value = '-'; f.dispatchEvent(new Event('input', {bubbles: true})); })()`, nil))
	time.Sleep(1500 * time.Millisecond)
	b.until("nothing is said of what some other way of typing brings", problem(minus)+` === ''`)
	b.retype(minus, "-")
	b.do(chromedp.KeyEvent(kb.Tab))
	b.until("left behind, it is judged", problem(minus)+` !== ''`)
	b.retype(minus, "−2")
	wait(t, b, "the number is stored as it was typed", func() bool { return b.stored(minus) == "−2" })
	b.until("and nothing is wrong any more", problem(minus)+` === ''`)
	b.shot("refused")

	// What was typed and not taken is still there on another day, with the reason.
	b.do(chromedp.Reload(), chromedp.WaitReady(half))
	b.until("the field has what was typed", `document.querySelector(`+quote(half)+`).value === '1/2' && `+problem(half)+`.includes('1/2 is 0.5')`)

	b.endsIn(4 * time.Second)
	b.do(chromedp.Reload(), chromedp.WaitReady(half))
	b.until("it is handed in when the time is over", `/your result/i.test(document.body?.innerText)`)
	b.wants("was not taken", "66 %")
	b.shot("result")
	if n := s.Number("jamaica", `SELECT count(*) FROM attempts a JOIN users u ON u.id = a.learner_id JOIN tests t ON t.id = a.test_id WHERE t.slug = 'three' AND u.user_name = $1::text AND a.state = 'marked' AND NOT a.by_platform`, b.name); n != 1 {
		t.Errorf("%d attempts were handed in by the page", n)
	}
}

// What lies broken on a device holds up nothing either.
func TestBrokenRestsOnADeviceHoldUpNothing(t *testing.T) {
	s := serve(t)
	b := sit(t, s, "student10", sums(t, s))
	b.do(chromedp.Evaluate(`(() => {
		const attempt = document.querySelector('form[data-attempt]').dataset.attempt, user = document.body.dataset.user;
		document.querySelector('form[data-attempt]').id = 'gone';
		localStorage.setItem('lignum:' + user + ':paper:' + attempt, JSON.stringify({0: null, 1: {counter: 'x', response: {number: '9'}}, 2: {counter: Date.now(), response: {choice: 5, text: {}}}, 77: {counter: 5, response: {}}, a: 'b'}));
		localStorage.setItem('lignum:' + user + ':lesson:00000000-0000-7000-8000-000000000000', '{"percent": "x", "seconds": 1e12, "counter": null}');
	})()`, nil))
	b.do(chromedp.Reload(), chromedp.WaitReady(`form[data-attempt]:not(#gone)`))
	word, half := b.field("dozen"), b.field("Half of one")
	b.retype(half, "0.5")
	b.retype(word, "six")
	wait(t, b, "both are stored", func() bool { return b.stored(word) == "six" && b.stored(half) == "0.5" })
	b.endsIn(3 * time.Second)
	b.do(chromedp.Reload(), chromedp.WaitReady(word))
	b.until("it is handed in when the time is over", `/your result/i.test(document.body?.innerText)`)
}
