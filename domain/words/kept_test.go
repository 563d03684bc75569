package words_test

import (
	"strings"
	"testing"
	"time"

	"lignum/domain/words"
)

// What is stored is said later in the language of whoever reads it, as if it had never been stored.
func TestATextIsKept(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 17, 5, 0, 0, time.FixedZone("Kingston", -5*3600))
	for _, text := range []words.Text{
		words.Say("tenants.too_much_work_waits"),
		words.Say("tenants.must_be_a_whole_number", "Least", 1, "Most", 12345),
		words.Say("staff.roster_done_with_refusals", "N", 2, "When", words.Moment{At: at, Layout: "day_and_time_this_year"}),
		words.Say("roster.the_file_says", "Reason", words.Say("tenants.must_be_the_choice", "Choice", `a "quoted" <name> {`)).Sentence(),
		words.Join(" ", words.Say("tenants.too_much_work_waits"), words.Plain("{\"key\":\"tenants.too_much_work_waits\"}")),
		words.Plain(`{"key": "tenants.too_much_work_waits"}`), words.Plain("Ñandú"),
	} {
		stored := text.Keep(1000)
		for _, l := range []words.Language{words.English, words.Pseudo} {
			if is, want := words.Kept(stored).In(l).String(), text.In(l).String(); is != want || is == "" {
				t.Errorf("%s: %q, not %q, from %s", l, is, want, stored)
			}
		}
		if again := words.Kept(stored).Keep(1000); again != stored {
			t.Errorf("stored again it is %s, not %s", again, stored)
		}
	}
	if (words.Text{}).Keep(10) != "" || !words.Kept("").IsZero() {
		t.Error("nothing is something")
	}
	long := words.Say("tenants.must_be_the_choice", "Choice", strings.Repeat("é\"", 500))
	for _, most := range []int{100, 1000, 1560} {
		stored := long.Keep(most)
		if said := words.Kept(stored).String(); len(stored) > most || !strings.HasPrefix(long.String(), said) || len(said) < most/3 {
			t.Errorf("in %d bytes: %d, %q", most, len(stored), said)
		}
	}
}

// What an older or a newer program stored, or another, is shown as it is.
func TestWhatIsNoKeptTextIsPlain(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]string{
		"It failed.": "It failed.", "{": "{", `{"a":1}`: `{"a":1}`, `{"plain":"x"} y`: `{"plain":"x"} y`,
		`{"key":"gone.long_ago","with":[{"s":"Name"},{"s":"Ana"}],"english":"Ana has gone."}`:    "Ana has gone.",
		`{"key":"tenants.must_be_the_choice","with":[{"n":1},{"s":"x"},{"s":"y"}],"english":""}`: "must be …",
	} {
		if said := words.Kept(stored).String(); said != want {
			t.Errorf("%s says %q, not %q", stored, said, want)
		}
	}
}
