package portal_test

import (
	"net/http"
	"testing"
)

// What a page of a learner shows is read in one round trip to the database, whatever it consists of.
func TestALearnersPagesTakeOneRoundTrip(t *testing.T) {
	w := newDemoTown(t)
	me := w.who("jamaica", "student1")
	class := w.Text("jamaica", `SELECT e.class_id::text FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.`+ofStudent1+` AND e.state = 'active' AND c.state = 'active' AND c.course_id IS NOT NULL LIMIT 1`)
	lesson := w.Text("jamaica", `SELECT '/courses/' || o.slug || '/lessons/' || l.slug FROM classes c JOIN courses o ON o.id = c.course_id JOIN lessons l ON l.course_id = o.id AND l.active
		WHERE c.id = '`+class+`' ORDER BY l.position LIMIT 1`)
	test := w.Text("jamaica", `SELECT t.id::text FROM classes c JOIN tests t ON t.course_id = c.course_id AND t.active WHERE c.id = '`+class+`' LIMIT 1`)
	result := w.Text("jamaica", `SELECT id::text FROM attempts WHERE state = 'marked' AND `+ofStudent1+` LIMIT 1`)
	sent := func() (all int64) {
		w.Store.Requests(func(realm string, n int64) {
			if realm == "jamaica" {
				all += n
			}
		})
		return all
	}
	for path, most := range map[string]int64{"/home": 1, "/classes/" + class: 1, lesson: 1, "/tests/" + test: 1, "/points": 1, "/leaderboard": 2, "/attempts/" + result + "/result": 4} {
		least := int64(1000)
		for range 4 { // the first may find something to remember, or to note; and the hour's work goes on beside it
			before := sent()
			w.page(me, path).Want(http.StatusOK)
			least = min(least, sent()-before)
		}
		if least > most || least == 0 {
			t.Errorf("%s asks the database %d times, want %d at most", path, least, most)
		}
	}
}
