package notices

import (
	"strings"
	"testing"

	"lignum/domain/words"
)

// Each kind says something of all that it is told, and has a message.
func TestEachKindHasWords(t *testing.T) {
	all := Params{"who": "Ana Lee", "name": "Ben Roy", "class": "Maths 4B", "test": "Paper 2", "attempt_id": "3", "reason": "flood", "when": "at noon", "day": "2026-09-07", "from": "2026-09-07", "to": "2026-12-18",
		"id": "1", "class_id": "2", "quota": "learners", "percent": "80"}
	for name, path := range paths {
		m := words.English.Message("notices." + name)
		if m == nil {
			t.Errorf("%s has no words", name)
			continue
		}
		said := text(name, all)
		if s := said.String(); strings.Contains(s, "…") || strings.Contains(s, "2026-") || said.Key() != "notices."+name {
			t.Errorf("%s: %s", name, s)
		}
		if s := fill(path, all); strings.ContainsAny(s, "{…") {
			t.Errorf("%s leads to %s", name, s)
		}
		if s := said.In(words.Pseudo).String(); !strings.HasPrefix(s, words.PseudoOpen) {
			t.Errorf("%s, in another language: %s", name, s)
		}
	}
}

func TestNoticesAreSaidWhenTheyAreRead(t *testing.T) {
	for _, c := range []struct {
		kind string
		p    Params
		want string
	}{
		{"class_dates", Params{"class": "4B", "from": "2026-09-07", "to": "2026-12-18"}, "The class 4B has other days now: from 7 Sep 2026 to 18 Dec 2026."},
		{"cards_printed", Params{"who": ByOperator, "day": "2026-09-07"}, "An operator of the platform printed sign-in cards for learners of your school on 7 September 2026."},
		{"cards_printed", Params{"who": "Ana Lee", "day": "7 September 2026"}, "Ana Lee printed sign-in cards for learners of your school on 7 September 2026."}, // of before
		{"class_moved", Params{"class": "4B", "when": "Tuesdays after lunch", "weekly": Slot(1, "16:00", 60)}, "The class 4B meets at other times now: Tuesdays after lunch."},
		{"class_moved", Params{"class": "4B", "weekly": Slot(1, "16:00", 60) + "," + Slot(0, "09:30", 45)},
			"The class 4B meets at other times now: Mondays at 16:00 (60 minutes), Sundays at 09:30 (45 minutes)."},
		{"class_moved", Params{"class": "4B", "weekly": NoSetTime}, "The class 4B meets at other times now: at no set time."},
		{"class_moved", Params{"class": "4B", "weekly": "1 16:00 60,9 x"}, "The class 4B meets at other times now: Mondays at 16:00 (60 minutes), …."},
		{"class_moved", nil, "The class … meets at other times now: …."},
	} {
		if got := text(c.kind, c.p).String(); got != c.want {
			t.Errorf("%s of %v: %q, want %q", c.kind, c.p, got, c.want)
		}
	}
}
