package learner

import (
	"encoding/json"
	"net/url"
	"reflect"
	"testing"
	"time"

	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// samplePaper has one question of each kind.
func samplePaper() *assessment.Paper {
	text := func(s string) item.Text { return item.Text{Body: s, Format: item.Plain} }
	items := []item.Item{
		{Kind: item.MultipleChoice, Stem: text("7 × 8?"), Choices: []item.Choice{{ID: "a", Text: text("54")}, {ID: "b", Text: text("56")}}},
		{Kind: item.MultipleChoice, Multiple: true, Stem: text("Primes?"), Choices: []item.Choice{{ID: "a", Text: text("2")}, {ID: "b", Text: text("9")}, {ID: "c", Text: text("11")}}},
		{Kind: item.Description, Stem: text("Read <this> first.")},
		{Kind: item.TrueFalse, Stem: text("Nassau is a capital."), Truth: &item.Truth{Answer: true}},
		{Kind: item.Matching, Stem: text("Capitals"), Pairs: []item.Pair{{ID: "p", Left: text("Jamaica"), Right: "x"}}, Options: []item.Option{{ID: "x", Text: "Kingston"}, {ID: "y", Text: "Belmopan"}}},
		{Kind: item.Numeric, Stem: text("Half of 60?")},
		{Kind: item.Essay, Stem: text("Why?")},
		{Kind: item.Ordering, Stem: text("Sunrise first."), Steps: []item.Step{{ID: "n", Text: text("<noon>")}, {ID: "d", Text: text("dusk")}, {ID: "s", Text: text("sunrise")}}},
	}
	p := &assessment.Paper{Title: "Practice <test>", Remaining: 90}
	for i := range items {
		p.Questions = append(p.Questions, assessment.PaperItem{Position: i, Item: items[i].Public(0), Counter: -1})
	}
	p.Questions[0].Response, p.Questions[0].Counter = json.RawMessage(`{"choice":["a"]}`), 41
	p.Questions[5].Response, p.Questions[5].Counter = json.RawMessage(`{"number":"30"}`), 40
	return p
}

func TestFormWithoutScriptSendsWhatChanged(t *testing.T) {
	d := onPaper(samplePaper(), "ticket")
	if d.Questions != 7 || d.Items[2].Number != 0 || d.Items[3].Number != 3 || d.MinutesLeft != 2 || !d.Items[0].Chosen("a") {
		t.Fatalf("%+v", d)
	}
	now := time.UnixMilli(1000)
	form := &web.Form{Values: url.Values{"a0": {"b"}, "a1": {"a", "c"}, "a4-p": {"x"}, "a5": {" 30 "}, "a6": {"Because\r\nit is."}, "a7-n": {"2"}, "a7-d": {""}, "a7-s": {" 1"}, "counter": {"5000"}, "shown": {"0", "1", "2", "3", "4", "5", "6", "7"}}}
	got, err := d.answers(form, now)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{0: `{"choice":["b"]}`, 1: `{"choice":["a","c"]}`, 4: `{"match":{"p":"x"}}`, 6: `{"text":"Because\nit is."}`, 7: `{"order":{"n":2,"s":1}}`}
	seen := map[int]string{}
	for _, a := range got {
		if a.Counter != 5001 {
			t.Errorf("position %d has counter %d", a.Position, a.Counter)
		}
		seen[a.Position] = string(a.Response)
	}
	if !reflect.DeepEqual(seen, want) {
		t.Fatalf("%v", seen)
	}
	// The same form again changes nothing once it is stored; an emptied field takes the answer back.
	saved := &assessment.Saved{}
	for _, a := range got {
		saved.Kept = append(saved.Kept, assessment.Kept{Position: a.Position, Counter: a.Counter, Stored: true})
	}
	if again := d.take(words.English, got, saved); len(again) > 0 {
		t.Fatalf("sent again: %v", again)
	}
	if again, err := d.answers(form, now); err != nil || len(again) != 0 {
		t.Fatalf("%v %v", again, err)
	}
	form.Values.Set("a5", "")
	form.Values.Set("counter", "40")
	back, err := d.answers(form, now)
	if err != nil || len(back) != 1 || string(back[0].Response) != `{}` || back[0].Counter != 5002 {
		t.Fatalf("%v %v", back, err)
	}
}

func TestBlanksOfAStaleOrBrokenFormWipeNothingOut(t *testing.T) {
	for name, values := range map[string]url.Values{
		"half a form":                  {"counter": {"9000"}},
		"answered elsewhere meanwhile": {"counter": {"39"}, "shown": {"0", "5"}, "a5": {""}},
		"a choice of one":              {"counter": {"9000"}, "shown": {"0"}},
		"no counter":                   {"shown": {"5"}, "counter": {"what?"}},
	} {
		d := onPaper(samplePaper(), "")
		if got, err := d.answers(&web.Form{Values: values}, time.UnixMilli(1000)); err != nil || len(got) != 0 {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
}

func TestWhatBecameOfAnswersIsSaidBesideTheirQuestions(t *testing.T) {
	d := onPaper(samplePaper(), "")
	d.Items[5].Response.Number, d.Items[4].Response.Match, d.Items[6].Response.Text = "1/2", map[string]string{"p": "x"}, "Because."
	sent := []assessment.Answer{{Position: 4, Counter: 50}, {Position: 5, Counter: 50}, {Position: 6, Counter: 50}, {Position: 99, Counter: 50}}
	again := d.take(words.English, sent, &assessment.Saved{Kept: []assessment.Kept{{Position: 4, Counter: 50, Stored: true}, {Position: 6, Counter: 70}},
		Refused: []assessment.Refused{{Position: 5, Counter: 50, Reason: words.Plain("This is no number.")}}})
	for _, one := range d.Items {
		if want := map[int]string{5: "Not saved. This is no number. Your earlier answer, 30, still counts."}[one.Position]; one.Problem != want {
			t.Errorf("position %d: %q", one.Position, one.Problem)
		}
	}
	if d.Items[5].Response.Number != "1/2" || d.Items[5].Saved != 40 || d.Items[4].Saved != 50 || d.Counter != 50 {
		t.Errorf("%+v, counter %d", d.Items[4:6], d.Counter)
	}
	// Another device took the number of this one: it is sent again.
	if len(again) != 1 || again[0].Position != 6 || again[0].Counter != 71 {
		t.Errorf("again: %+v", again)
	}
}
