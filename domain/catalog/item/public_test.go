package item_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"lignum/domain/catalog/item"
)

func TestPublicTellsNothing(t *testing.T) {
	for _, it := range all() {
		data, err := json.Marshal(it.Public(7))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"weight", "feedback", "well done", "another country", "general", "100", "pattern", "accepted", "numbers", "spelling", "vitae", "close"} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s shows %q: %s", it.Kind, secret, data)
			}
		}
	}
}

func ids(cs []item.PublicChoice) string {
	var out []string
	for _, c := range cs {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}

func TestPublicShufflesBySeed(t *testing.T) {
	orders := map[string]int{}
	for seed := range uint64(2_400) {
		p := several().Public(seed + 1)
		if ids(p.Choices) != ids(several().Public(seed+1).Choices) {
			t.Fatal("the same seed gave another order")
		}
		orders[ids(p.Choices)]++
		cs := strings.Fields(ids(p.Choices))
		if slices.Sort(cs); strings.Join(cs, " ") != "a b c d" {
			t.Fatalf("choices were lost: %v", cs)
		}
	}
	if len(orders) != 24 {
		t.Errorf("%d of 24 orders occur", len(orders))
	}
	for order, n := range orders {
		if n < 50 || n > 150 {
			t.Errorf("order %s occurs %d times of 2,400, not about 100", order, n)
		}
	}
	if got := ids(several().Public(0).Choices); got != "a b c d" {
		t.Errorf("seed 0 gave %s", got)
	}
	if got := ids(truth().Public(9).Choices); got != "true false" {
		t.Errorf("true/false was shuffled: %s", got)
	}
	// Kept by hand: what a learner saw must be the same after every release.
	if got := ids(several().Public(42).Choices) + "/" + ids(matching().Public(42).Right); got != shuffleOf42 {
		t.Errorf("seed 42 now gives %q", got)
	}
}

func TestAssignIDsHidesTheAuthorsOrder(t *testing.T) {
	first := map[string]int{}
	for i := range 200 {
		it := single()
		it.Stem.Body += strings.Repeat("?", i)
		it.AssignIDs()
		if err := it.Validate(); err != nil {
			t.Fatal(err)
		}
		first[it.Choices[0].ID]++
	}
	for _, id := range []string{"a", "b", "c"} {
		if first[id] < 40 {
			t.Errorf("the author's first choice got id %s %d times of 200: ids tell the order", id, first[id])
		}
	}
}

func TestRenderHTML(t *testing.T) {
	for _, c := range []struct {
		format     item.Format
		text, want string
	}{
		{item.Plain, "a<b>c & d\nnext", "a&lt;b&gt;c &amp; d<br>\nnext"},
		{item.Moodle, "if a<b and c>d\n<b>bold</b> x<sup>2</sup>", "if a&lt;b and c&gt;d<br>\n<b>bold</b> x<sup>2</sup>"},
		{item.Moodle, `<script>alert(1)</script>`, "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{item.Moodle, `<p onclick="x()">hi</p>`, "<p>hi</p>"},
		{item.HTML, `<p style="x">hi<img src=x onerror=alert(1)><script>alert(1)</script></p>`, "<p>hi</p>"},
		{item.HTML, `<a href="javascript:alert(1)">x</a>`, "x"},
		{item.HTML, `<iframe src="https://e.example"></iframe>ok`, "ok"},
		{item.Markdown, "**b** x < y and a<b>c <script>alert(1)</script>", "<p><strong>b</strong> x &lt; y and a&lt;b&gt;c &lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		{item.Markdown, "[x](javascript:alert(1)) ![i](https://e.example/t.png)", "<p>x </p>"},
		{item.Markdown, "| a | b |\n|---|--:|\n| 1 | 2 |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>"},
		{item.Markdown, "<div>\nblock\n</div>", "<p>&lt;div&gt;\nblock\n&lt;/div&gt;</p>"},
		{"rtf", "<b>", "&lt;b&gt;"},
	} {
		if got := item.RenderHTML(c.text, c.format); got != c.want {
			t.Errorf("%s %q:\n got %q\nwant %q", c.format, c.text, got, c.want)
		}
	}
	if got := item.PlainText(item.Text{Body: "x<sup>2</sup> &lt; 5", Format: item.HTML}); got != "x2 < 5" {
		t.Errorf("plain text %q", got)
	}
}

func TestMissingWordShowsTheBlank(t *testing.T) {
	it := short()
	it.Stem, it.After = item.Text{Body: "The *national* tree is ", Format: item.Markdown}, ", a hardwood."
	if got := it.Public(0); got.Stem != "<p>The <em>national</em> tree is _____, a hardwood.</p>" || !got.MissingWord {
		t.Errorf("%+v", got)
	}
}

const shuffleOf42 = "d b a c/b c d a"
