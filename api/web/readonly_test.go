package web

import "testing"

// What a form that is left out leaves behind goes as well, and nothing else does.
func TestGapsAreClosed(t *testing.T) {
	for page, want := range map[string]string{
		`<section class="card"><h2>State</h2> ` + gap + `</section><p>x</p>`:                                  `<p>x</p>`,
		`<section><h2>State</h2>` + gap + gap + `<p>Why</p></section>`:                                        `<section><h2>State</h2><p>Why</p></section>`,
		`<h2>One</h2>` + gap + `<h2>Two</h2><p>x</p>`:                                                         `<h2>Two</h2><p>x</p>`,
		`<h2>One</h2><h3>Sub <b>x</b></h3>` + gap + `</div>`:                                                  `</div>`,
		`<h2>One</h2><p>x</p><h3>Sub</h3><ul><li>` + gap + `</li> <li>` + gap + `</li></ul></section>`:        `<h2>One</h2><p>x</p></section>`,
		`<section><h2>One</h2><h3>Sub</h3>` + gap + `<p>x</p></section>`:                                      `<section><h2>One</h2><h3>Sub</h3><p>x</p></section>`,
		`<details class="x"><summary>More</summary>` + gap + `</details><p role="status" data-count></p><h2>`: `<p role="status" data-count></p><h2>`,
		`<h1>Title</h1>` + gap + `</main>`:                                                                    `<h1>Title</h1></main>`,
		`<section><h2>Nobody wrote below this</h2></section>` + gap:                                           `<section><h2>Nobody wrote below this</h2></section>`,
	} {
		if got := string(closeGaps([]byte(page))); got != want {
			t.Errorf("%q became %q, want %q", page, got, want)
		}
	}
}
