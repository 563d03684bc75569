package words

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
)

// room is a message file in English, and what two other languages have of it.
var room = fstest.MapFS{
	"en/room.yaml": {Data: []byte(`
greeting: Good morning.
named: "Good morning, {{.Name}}."
seats:
  one: "{{.N}} seat is left in {{.Class}}."
  other: "{{.N}} seats are left in {{.Class}}."
about: "about {{.What}}"
tagged: 'Read <strong>this</strong>, {{.Name}} &amp; others<br>'
nested:
  deeper: It is deep.
`)},
	"es/room.yaml": {Data: []byte(`
greeting: Buenos días.
seats:
  one: "En {{.Class}} queda {{.N}} plaza."
  other: "En {{.Class}} quedan {{.N}} plazas."
about: "sobre {{.What}}"
`)},
	"es/words.yaml": {Data: []byte(`
language: español
layout:
  date: 2 de Jan de 2006
  long_date: "Monday, 2 de January de 2006"
months: enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
months_short: ene feb mar abr may. jun jul ago sept oct nov dic
weekdays: lunes martes miércoles jueves viernes sábado domingo
weekdays_short: lun mar mié jue vie sáb dom
`)},
	"pl/room.yaml": {Data: []byte(`
seats:
  one: "{{.N}} miejsce: {{.Class}}"
  few: "{{.N}} miejsca: {{.Class}}"
  many: "{{.N}} miejsc: {{.Class}}"
  other: "{{.N}} miejsca: {{.Class}}"
`)},
}

// speak lets the program speak the languages of room for one test, besides what it knows.
func speak(t *testing.T) {
	t.Helper()
	all := map[Language]func() catalogue{}
	messages := map[Language]catalogue{}
	for _, l := range []Language{English, "es", "pl"} {
		list, err := load(room, string(l))
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %d messages, %v", l, len(list), err)
		}
		messages[l] = list
	}
	for key, m := range english() {
		messages[English][key] = m
	}
	for l, list := range messages {
		all[l] = sync.OnceValue(func() catalogue { return list })
	}
	all[Pseudo] = sync.OnceValue(func() catalogue { return pseudo(messages[English]) })
	before := catalogues
	catalogues = func() map[Language]func() catalogue { return all }
	t.Cleanup(func() { catalogues = before; replacers.Clear() })
	replacers.Clear()
}

func TestChoose(t *testing.T) {
	both, spanish := []Language{"en", "es"}, []Language{"es", "en"}
	for _, c := range []struct {
		own     string
		accept  string
		tenants []Language
		want    Language
	}{
		{"", "", nil, "en"},
		{"es", "es", nil, "en"}, // the tenant has no other
		{"es", "es", []Language{"en"}, "en"},
		{"en", "en", []Language{"es"}, "es"},
		{"es", "en", both, "es"},    // their own choice goes before the browser's
		{"fr", "es", both, "es"},    // a choice that the tenant has no more
		{"es-DO", "en", both, "es"}, // a region is content with its language
		{"", "", both, "en"},
		{"", "", spanish, "es"},
		{"", "en", spanish, "en"},
		{"", "es-MX,es;q=0.9,en;q=0.8", both, "es"},
		{"", "en-JM", spanish, "en"},
		{"", "en;q=0.3, es;q=0.7", both, "es"},
		{"", "es;q=0.3, en;q=0.7", spanish, "en"},
		{"", "fr, es;q=0.5", both, "es"},
		{"", "es;q=0, fr", both, "en"}, // not acceptable
		{"", "fr", both, "en"},
		{"", "fr", spanish, "es"},
		{"", "*", spanish, "es"},
		{"es-DO", "en", both, "es"}, // of a region, which says no more here
		{"", "zh-Hant-TW", both, "en"},
		{"", "es;q=much", both, "en"},
		{"", ";;;,,,", both, "en"},
		{"", "\x00\xff", both, "en"},
		{"", strings.Repeat("es,", maxAccept), both, "en"}, // too long to be looked at
	} {
		if got := Choose(string(c.own), c.accept, c.tenants); got != c.want {
			t.Errorf("%q, %.40q, %v: %q, want %q", c.own, c.accept, c.tenants, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		l    Language
		n    int
		want string
	}{
		{English, 0, "0"}, {English, 999, "999"}, {English, 1000, "1,000"}, {English, 1234567, "1,234,567"}, {English, -5, "−5"}, {English, -1234, "−1,234"},
		{"de", 1234567, "1.234.567"}, {"de", 12, "12"}, {Pseudo, 1000, "1,000"}, {"fr", 12345, "12\u202f345"}, {"es", 12345, "12.345"},
	} {
		got := c.l.Number(c.n)
		if c.l == "fr" {
			got = strings.ReplaceAll(got, "\u00a0", "\u202f") // either is a blank that does not break
		}
		if got != c.want {
			t.Errorf("%s: %d is %q, want %q", c.l, c.n, got, c.want)
		}
	}
}

func TestForm(t *testing.T) {
	for l, want := range map[Language]map[int]string{
		English: {0: "other", 1: "one", -1: "one", 2: "other", 1_000_000: "other"},
		Pseudo:  {1: "one", 5: "other"},
		"fr":    {0: "one", 1: "one", 2: "other"},
		"pl":    {1: "one", 2: "few", 5: "many", 22: "few"},
		"ar":    {0: "zero", 1: "one", 2: "two", 3: "few", 11: "many", 100: "other"},
	} {
		for n, form := range want {
			if got := l.Form(n); got != form {
				t.Errorf("%s: %d is %q, want %q", l, n, got, form)
			}
		}
	}
}

func TestFormat(t *testing.T) {
	speak(t)
	may := time.Date(2026, 5, 4, 15, 4, 0, 0, time.UTC) // a Monday, in a month whose short name is its name
	if got := English.Format(may, "day_and_time"); got != "Mon 4 May 2026, 15:04" {
		t.Error(got)
	}
	for _, c := range []struct{ layout, want string }{
		{"long_date", "lunes, 4 de mayo de 2026"}, {"date", "4 de may. de 2026"}, {"clock", "15:04"}, {"day", "lun 4 may. 2026"},
	} {
		if got := Language("es").Format(may, c.layout); got != c.want {
			t.Errorf("%s: %q, want %q", c.layout, got, c.want)
		}
	}
	for month, want := range []string{"ene", "feb", "mar", "abr", "may.", "jun", "jul", "ago", "sept", "oct", "nov", "dic"} {
		if got := Language("es").Format(may.AddDate(0, month-4, 0), "date"); got != fmt.Sprintf("4 de %s de 2026", want) {
			t.Error(got)
		}
	}
	if got := Pseudo.Format(may, "date"); got != "4 May 2026" { // as in English: no sentence
		t.Error(got)
	}
	if got := English.Format(may, "no such layout"); got != "2026-05-04T15:04:00Z" {
		t.Error(got)
	}
	if got := Say("room.about", "What", Moment{may, "date"}).In("es").String(); got != "sobre 4 de may. de 2026" {
		t.Error(got)
	}
}

func TestSay(t *testing.T) {
	speak(t)
	for _, c := range []struct {
		l     Language
		key   string
		pairs []any
		want  string
	}{
		{English, "room.greeting", nil, "Good morning."},
		{"es", "room.greeting", nil, "Buenos días."},
		{"es", "room.named", []any{"Name", "Ana"}, "Good morning, Ana."}, // not translated yet
		{"xx", "room.greeting", nil, "Good morning."},
		{"es", "room.nothing", nil, "room.nothing"},
		{English, "room.nested.deeper", nil, "It is deep."},
		{English, "room.seats", []any{"N", 1, "Class", "4B"}, "1 seat is left in 4B."},
		{English, "room.seats", []any{"N", 0, "Class", "4B"}, "0 seats are left in 4B."},
		{English, "room.seats", []any{"Class", "4B", "N", 1234}, "1,234 seats are left in 4B."},
		{"es", "room.seats", []any{"N", 1, "Class", "4B"}, "En 4B queda 1 plaza."},
		{"es", "room.seats", []any{"N", 12345, "Class", "4B"}, "En 4B quedan 12.345 plazas."},
		{"pl", "room.seats", []any{"N", 1, "Class", "4B"}, "1 miejsce: 4B"},
		{"pl", "room.seats", []any{"N", 3, "Class", "4B"}, "3 miejsca: 4B"},
		{"pl", "room.seats", []any{"N", 5, "Class", "4B"}, "5 miejsc: 4B"},
		{"pl", "room.greeting", nil, "Good morning."},
		{English, "room.named", nil, "Good morning, …."}, // a test would have found it
		{English, "room.named", []any{"Name"}, "Good morning, …."},
		{English, "room.named", []any{"Name", 2.5}, "Good morning, 2.5."},
		{English, "room.about", []any{"What", "{{.Name}} <b>"}, "about {{.Name}} <b>"}, // what fills a message is no message
		{"es", "room.about", []any{"What", Say("room.seats", "N", 2, "Class", Plain("4B"))}, "sobre En 4B quedan 2 plazas."},
		{"es", "room.about", []any{"What", Join(", ", Say("room.greeting"), Plain("…"))}, "sobre Buenos días., …"},
	} {
		if got := c.l.Say(c.key, c.pairs...); got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.l, c.key, got, c.want)
		}
		if got := Say(c.key, c.pairs...).In(c.l).String(); got != c.want {
			t.Errorf("as a text, %s: %s: %q, want %q", c.l, c.key, got, c.want)
		}
	}
}

func TestPseudo(t *testing.T) {
	speak(t)
	if got := Pseudo.Say("room.tagged", "Name", "Ana Lee"); got != "⟦Réád <strong>thís</strong>, Ana Lee &amp; óthérs<br>⟧" {
		t.Error(got)
	}
	if got := Pseudo.Say("room.seats", "N", 1, "Class", "aeiou"); got != "⟦1 séát ís léft ín aeiou.⟧" {
		t.Error(got)
	}
	for key, m := range english() {
		p := catalogueOf(Pseudo)[key]
		for i, form := range m {
			if p[i].Category != form.Category || fmt.Sprint(fillings(form.Text)) != fmt.Sprint(fillings(p[i].Text)) {
				t.Errorf("%s: %q", key, p[i])
			}
		}
	}
}

func TestTexts(t *testing.T) {
	speak(t)
	greeting := Say("room.greeting")
	for _, c := range []struct {
		text        Text
		en, es, key string
	}{
		{Text{}, "", "", ""},
		{greeting, "Good morning.", "Buenos días.", "room.greeting"},
		{Plain("what a school wrote"), "what a school wrote", "what a school wrote", ""},
		{Join("; ", greeting, Plain("x"), Text{}), "Good morning.; x; ", "Buenos días.; x; ", ""},
		{Join(", "), "", "", ""},
		{Say("room.about", "What", "x").Sentence(), "About x.", "Sobre x.", "room.about"},
		{greeting.Sentence(), "Good morning.", "Buenos días.", "room.greeting"},
		{Plain("élan").Sentence(), "Élan.", "Élan.", ""},
		{Text{}.Sentence(), "", "", ""},
		{Join(", ", Plain("a"), Say("room.about", "What", "b")).Sentence(), "A, about b.", "A, sobre b.", ""},
	} {
		if c.text.String() != c.en || c.text.In("es").String() != c.es || c.text.Key() != c.key || c.text.Error() != c.en {
			t.Errorf("%q, %q, %q: want %q, %q, %q", c.text, c.text.In("es"), c.text.Key(), c.en, c.es, c.key)
		}
		if c.text.In("es").In(English).String() != c.es {
			t.Errorf("%q does not stay as it was said", c.es)
		}
	}
	if !(Text{}).IsZero() || greeting.IsZero() || Plain("x").IsZero() {
		t.Error("which text says nothing is not told")
	}
	if got := Of(fmt.Errorf("while reading: %w", greeting)); got.Key() != "room.greeting" {
		t.Errorf("a text that an error wraps: %q", got)
	}
	if got := Of(errors.New("broken")); got.In("es").String() != "broken" {
		t.Errorf("another's error: %q", got)
	}
}

func TestTextsAsJSON(t *testing.T) {
	speak(t)
	type answer struct {
		Detail Text   `json:"detail"`
		None   Text   `json:"none,omitzero"`
		All    []Text `json:"all"`
	}
	raw, err := json.Marshal(answer{Detail: Say("room.seats", "N", 1, "Class", `"4B"`), All: []Text{Say("room.greeting").In("es")}})
	if want := `{"detail":"1 seat is left in \"4B\".","all":["Buenos días."]}`; err != nil || string(raw) != want {
		t.Fatalf("%s, %v", raw, err)
	}
	var back answer
	if err := json.Unmarshal(raw, &back); err != nil || back.Detail.String() != `1 seat is left in "4B".` || back.Detail.Key() != "" || !back.None.IsZero() || back.All[0].String() != "Buenos días." {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"detail":7}`), &back); err == nil {
		t.Error("a number was taken for words")
	}
}

func TestFilesThatAreWrong(t *testing.T) {
	for name, text := range map[string]string{"no YAML": "a: [", "no keys": "a", "braces": "a: '{{.Name'", "braces of one form": "a:\n  one: '{{Name}}'\n  other: b"} {
		if list, err := load(fstest.MapFS{"en/room.yaml": {Data: []byte(text)}}, "en"); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func TestBracesThatAreNoPlaceholder(t *testing.T) {
	for _, text := range []string{"{{.Name", "Name}}", "{{Name}}", "{{ .Name }}", "{{if .Name}}x{{end}}", "{{.Name | print}}"} {
		if check(text) == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestFaults(t *testing.T) {
	speak(t)
	if faults := Faults("es"); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
	if faults := Faults("pl"); len(faults) > 0 {
		t.Errorf("%q", faults)
	}
	es := catalogueOf("es")
	es["room.seats"] = Message{{"other", "{{.N}} plazas"}}
	es["room.greeting"] = Message{{"one", "Buen día."}, {"other", "Buenos días, {{.Name}}."}}
	es["room.own"] = Message{{"other", "Mío."}}
	said := strings.Join(Faults("es"), "\n")
	for _, want := range []string{"room.own is no message of English", "room.seats lacks its form one", "room.seats is filled with [{{.N}}]", "room.greeting has a form one", "room.greeting is filled with [{{.Name}}]"} {
		if !strings.Contains(said, want) {
			t.Errorf("not found: %s, in\n%s", want, said)
		}
	}
}

// A number may have a form by the rules of one library and not by another's (CLDR added "many" to Spanish, for millions): what a message lacks is said as other.
func TestAFormThatAMessageLacks(t *testing.T) {
	speak(t)
	for n, want := range map[int]string{1: "En 4B queda 1 plaza.", 2: "En 4B quedan 2 plazas.", 1_000_000: "En 4B quedan 1.000.000 plazas."} {
		if got := Language("es").Say("room.seats", "Class", "4B", "N", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
