package tests

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beside are the texts that read classes beside places, or beside a coach, and yet say neither who is enrolled nor who coaches.
var beside = map[string]string{
	"class_cards":             "tells of each class whether the viewer has a place in it, whatever became of it",
	"domain/classes/list.go":  "lists the same",
	"domain/classes/place.go": "gives places as long as the class has seats",
}

// Who is enrolled and who coaches is said by views, which domain/classes owns. A statement or a function of the schema that brings places and
// classes together by itself, or asks a class for its coach and its state, gives the words a second meaning.
func TestEnrolledAndCoachingAreSaidOnce(t *testing.T) {
	s := readSchema(t, migrationsOf(t))
	needed, looked := map[string]bool{}, 0
	check := func(where, text string) {
		if looked++; !s.saysWho(text) {
			return
		}
		if needed[where] = true; beside[where] == "" {
			t.Errorf("%s says by itself who is enrolled or who coaches: read enrolled, coached, active_classes or places\n%s", where, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		check(name, s.functions[name].body)
	}
	for _, dir := range packagesBelow(t, "..", "../tests", "../.lignum") {
		p := readPackage(t, dir)
		for i, f := range p.files {
			for _, text := range p.texts(f) {
				check(filepath.ToSlash(filepath.Join(strings.TrimPrefix(dir, "../"), p.names[i])), text)
			}
		}
	}
	for where := range beside {
		if !needed[where] {
			t.Errorf("%s needs no exception", where)
		}
	}
	if looked < 3000 {
		t.Errorf("only %d texts were looked at", looked)
	}
}

var (
	asksCoach = regexp.MustCompile(`\bcoach_id\s*(=|IN\b)`)
	asksState = regexp.MustCompile(`\bstate\s*(=|<>|!=|IN\b|NOT IN\b)`)
)

// saysWho tells whether a text says who is enrolled or who coaches.
func (s *schema) saysWho(text string) bool {
	reads := s.uses(text).reads
	return slices.Contains(reads, "classes") && (slices.Contains(reads, "enrolments") || slices.Contains(reads, "places") || asksCoach.MatchString(text) && asksState.MatchString(text))
}

func TestSecondMeaningsAreSeen(t *testing.T) {
	s := readSchema(t, migrationsOf(t))
	for text, want := range map[string]bool{
		`SELECT EXISTS (SELECT FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.learner_id = $1::uuid AND e.state = 'active' AND c.state <> 'cancelled')`: true,
		`SELECT learner_id FROM classes c, enrolments e WHERE e.class_id = c.id AND c.coach_id = $1::uuid`:                                                             true,
		`SELECT FROM enrolments e WHERE e.class_id IN (SELECT id FROM classes WHERE coach_id = $1::uuid)`:                                                              true,
		`SELECT p.learner_id FROM places p JOIN classes c ON c.id = p.class_id`:                                                                                        true,
		`SELECT DISTINCT o.slug FROM classes c JOIN courses o ON o.id = c.course_id WHERE c.coach_id = $1::uuid AND c.state <> 'cancelled'`:                            true,
		`SELECT FROM enrolled WHERE learner_id = $1::uuid AND course_id = $2::uuid`:                                                                                    false,
		`SELECT FROM coached k JOIN users u ON u.id = k.learner_id AND u.state = 'active' WHERE k.coach_id = $1::uuid`:                                                 false,
		`SELECT p.learner_id FROM places p JOIN users u ON u.id = p.learner_id WHERE u.state <> 'erased'`:                                                              false,
		`SELECT coach_id FROM classes WHERE id = $1::uuid`:                                                                                                             false,
		`UPDATE classes SET state = 'ended' WHERE state = 'active'`:                                                                                                    false,
	} {
		if got := s.saysWho(text); got != want {
			t.Errorf("%v, want %v: %s", got, want, text)
		}
	}
}
