package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"lignum/tenants"
)

var (
	butterfly = []string{"Egg", "Caterpillar", "Chrysalis", "Butterfly"}
	rain      = []string{"The sun warms the sea, and water evaporates.", "The warm, moist air rises over the Blue Mountains.", "It cools, and droplets form a cloud.", "The droplets grow heavy and fall as rain.", "Rivers carry the water back to the sea."}
)

func orderings() string {
	var b strings.Builder
	for _, q := range []struct {
		name, stem string
		steps      []string
	}{{"butterfly", "The life of a butterfly: put it in order.", butterfly}, {"rain", "How does rain come to Jamaica?", rain}} {
		fmt.Fprintf(&b, "- name: %s\n  kind: ordering\n  stem: %q\n  steps:\n", q.name, q.stem)
		for _, step := range q.steps {
			fmt.Fprintf(&b, "    - %q\n", step)
		}
	}
	return b.String()
}

// question gives the element of the question whose text has these words.
func (b *browser) question(words string) string {
	b.t.Helper()
	var id string
	b.do(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('[data-item]')].find((i) => i.innerText.includes(%q)).id`, words), &id))
	return "#" + id
}

// rows are the steps of a question as they stand in the page.
func (b *browser) rows(question string) (steps []string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`[...document.querySelectorAll('`+question+` [data-step] label span:first-child')].map((s) => s.textContent)`, &steps))
	return steps
}

// ordered is the order that counts in the database, by the ids of the steps.
func (b *browser) ordered(question string) (ids string) {
	b.t.Helper()
	b.s.Write("jamaica", func(tx *tenants.Tx) error {
		return tx.QueryRow(b.t.Context(), `SELECT coalesce((SELECT (SELECT string_agg(o.key, ' ' ORDER BY o.value::integer) FROM jsonb_each_text(r.response->'order') o)
			FROM responses r JOIN attempts a ON a.id = r.attempt_id JOIN users u ON u.id = a.learner_id
			WHERE u.user_name = $1::text AND r.position = $2::text::integer ORDER BY a.started_at DESC, r.counter DESC LIMIT 1), '')`, b.name, question[2:]).Scan(&ids)
	})
	return ids
}

// shownIDs are the ids of the steps as they stand in the page.
func (b *browser) shownIDs(question string) (ids string) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`[...document.querySelectorAll('`+question+` [data-step]')].map((s) => s.dataset.step).join(' ')`, &ids))
	return ids
}

// keys goes to what the selector finds and presses keys there.
func (b *browser) keys(selector string, keys ...string) {
	b.t.Helper()
	b.do(chromedp.Focus(selector))
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// With the keyboard alone, on a phone and in a large window: steps are moved by buttons that keep the focus and say where a step is
// now, or by choosing a place; what was done is saved, and the page has it when it is opened again.
func TestAnOrderIsGivenByKeyboard(t *testing.T) {
	s := serve(t)
	test := taught(t, s, "orders", 2, "items/order.yaml", orderings())
	for name, width := range map[string]int64{"student9": 390, "student10": 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := sitIn(t, s, name, test, width)
			life, water := b.question("butterfly"), b.question("rain")
			if slices.Equal(b.rows(life), butterfly) || slices.Equal(b.rows(water), rain) {
				t.Fatalf("the right order is shown: %q %q", b.rows(life), b.rows(water))
			}
			if n := b.count(water + ` select`); n != len(rain) || b.count(water+` button[aria-label^="Move "]`) != 2*len(rain) {
				t.Fatalf("%d places to choose, %d buttons", n, b.count(water+` button[aria-label^="Move "]`))
			}
			b.shot("ordering")
			for at, step := range butterfly {
				for range slices.Index(b.rows(life), step) - at {
					button := life + ` button[aria-label="Move ` + step + ` up"]`
					b.keys(button, kb.Enter)
					place := slices.Index(b.rows(life), step) + 1
					b.until("the focus stays and the place is said", fmt.Sprintf(`document.activeElement.ariaLabel === "Move %s up" && document.querySelector('[data-spoken]').textContent === "%s: place %d of 4"`, step, step, place))
				}
			}
			if got := b.rows(life); !slices.Equal(got, butterfly) {
				t.Fatalf("moved by keys: %q", got)
			}
			b.keys(life+` button[aria-label="Move Egg up"]`, kb.Enter)
			b.until("the first cannot go up", `document.querySelector('[data-spoken]').textContent === "Egg is first already"`)
			want := b.shownIDs(life)
			wait(t, b, "the order is saved", func() bool { return b.ordered(life) == want })

			// Places are chosen by typing their number, in the order of the steps.
			for at, step := range rain {
				id := ""
				b.do(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('%s [data-step]')].find((r) => r.textContent.includes(%q)).querySelector('select').id`, water, step), &id))
				b.keys("#"+id, fmt.Sprint(at+1))
				b.until("the step stands in its place", fmt.Sprintf(`document.querySelectorAll('%s [data-step]')[%d].textContent.includes(%q) && document.activeElement.id === %q`, water, at, step, id))
			}
			if got := b.rows(water); !slices.Equal(got, rain) {
				t.Fatalf("chosen by keys: %q", got)
			}
			want = b.shownIDs(water)
			wait(t, b, "the second order is saved", func() bool { return b.ordered(water) == want })
			b.until("the page counts them", `/^2 of 2/.test(document.querySelector('[data-count]').innerText)`)
			b.shot("ordering-done")

			b.do(chromedp.Reload(), chromedp.WaitReady("main"))
			if got := b.rows(life); !slices.Equal(got, butterfly) || b.shownIDs(water) != want {
				t.Fatalf("opened again: %q %q", got, b.rows(water))
			}
			// An order that is taken back is gone.
			b.keys(life+` select`, "–")
			wait(t, b, "the order is taken back", func() bool { return b.ordered(life) == "" })
			b.keys(life+` button[aria-label="Move Caterpillar up"]`, " ")
			want = b.shownIDs(life)
			wait(t, b, "another order is saved", func() bool { return b.ordered(life) == want })
			b.press(`button[data-submit]`)
			b.until("the result is there", `/Your result/.test(document.body?.innerText ?? '')`)
			b.wants("Partly right", "Your order", "Right answer: 1. Egg; 2. Caterpillar; 3. Chrysalis; 4. Butterfly", "✓ Right")
			b.shot("ordering-result")
		})
	}
}

// Without the script each step has its place to choose; a place that is given twice is refused beside its question, and what was
// chosen stays.
func TestAnOrderIsGivenWithoutScript(t *testing.T) {
	s := serve(t)
	test := taught(t, s, "orders", 2, "items/order.yaml", orderings())
	for name, width := range map[string]int64{"student9": 390, "student10": 1280} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			b := open(t, s, "jamaica", name, width)
			b.do(emulation.SetScriptExecutionDisabled(true))
			b.signIn()
			b.visit("/tests/" + test)
			b.click(`form[action$="/start"] button`)
			life := b.question("butterfly")
			choose := func(places ...int) {
				for i, step := range butterfly {
					id := ""
					b.do(chromedp.Evaluate(fmt.Sprintf(`[...document.querySelectorAll('%s [data-step]')].find((r) => r.textContent.includes(%q)).querySelector('select').id`, life, step), &id))
					b.keys("#"+id, fmt.Sprint(places[i]))
				}
			}
			places := func() (list string) {
				b.do(chromedp.Evaluate(fmt.Sprintf(`%q.split(' ').map((s) => [...document.querySelectorAll('%s [data-step]')].find((r) => r.textContent.includes(s)).querySelector('select').value).join(' ')`, strings.Join(butterfly, " "), life), &list))
				return list
			}
			if b.count(life+` button`) != 0 {
				t.Error("there are buttons that nothing works")
			}
			choose(1, 2, 2, 4)
			b.click(`[data-ready] button.second`)
			b.wants("Place 2 is given twice: give each step a place of its own.")
			if got := places(); got != "1 2 2 4" || b.ordered(life) != "" {
				t.Errorf("refused, and then: %s, stored %q", got, b.ordered(life))
			}
			b.shot("ordering-plain")
			choose(1, 2, 4, 3)
			b.click(`[data-ready] button.second`)
			if got := places(); got != "1 2 4 3" || len(strings.Fields(b.ordered(life))) != 4 {
				t.Errorf("saved, and then: %s, stored %q", got, b.ordered(life))
			}
			b.click(`button[data-submit]`)
			if strings.Contains(b.text(), "no answer") {
				b.click(`main form button:not([type=button])`)
			}
			b.wants("Your result", "Partly right", "Your order", "Right answer: 1. Egg; 2. Caterpillar; 3. Chrysalis; 4. Butterfly")
			b.shot("ordering-plain-result")
		})
	}
}

// When the script that reads the questions does not arrive, the form is sent as it is: nothing that was answered is lost.
func TestAPaperWithoutItsReadersIsHandedInWhole(t *testing.T) {
	s := serve(t)
	test := taught(t, s, "orders", 2, "items/order.yaml", orderings())
	b := open(t, s, "jamaica", "student9", 390)
	b.signIn()
	b.do(network.Enable(), network.SetBlockedURLs().WithURLPatterns([]*network.BlockPattern{{URLPattern: "*://*:*/assets/*/kinds.*.js", Block: true}}))
	b.visit("/tests/" + test)
	b.click(`form[action$="/start"] button`)
	var loaded bool
	if b.do(chromedp.Evaluate(`window.kinds !== undefined`, &loaded)); loaded || b.count(`[data-step] button`) > 0 {
		t.Fatal("the script was to be missing")
	}
	life := b.question("butterfly")
	b.keys(life+` [data-step]:first-child select`, "1")
	b.keys(life+` [data-step]:last-child select`, "2")
	ids := strings.Fields(b.shownIDs(life))
	b.click(`button[data-submit]`)
	if got := b.ordered(life); got != ids[0]+" "+ids[len(ids)-1] {
		t.Fatalf("stored %q of %v", got, ids)
	}
}
