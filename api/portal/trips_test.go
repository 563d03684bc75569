package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// What a page of a learner shows is read in one round trip to the database, whatever it consists of. The number of new notices in its head comes along, on pages of staff
// as well, whose parts ask one by one.
func TestALearnersPagesTakeOneRoundTrip(t *testing.T) {
	w := newDemoTown(t)
	me := w.who("jamaica", "student1")
	class := w.Text("jamaica", `SELECT e.class_id::text FROM enrolments e JOIN classes c ON c.id = e.class_id WHERE e.`+ofStudent1+` AND e.state = 'active' AND c.state = 'active' AND c.course_id IS NOT NULL LIMIT 1`)
	lesson := w.Text("jamaica", `SELECT '/courses/' || o.slug || '/lessons/' || l.slug FROM classes c JOIN courses o ON o.id = c.course_id JOIN lessons l ON l.course_id = o.id AND l.active
		WHERE c.id = '`+class+`' ORDER BY l.position LIMIT 1`)
	test := w.Text("jamaica", `SELECT t.id::text FROM classes c JOIN tests t ON t.course_id = c.course_id AND t.active WHERE c.id = '`+class+`' LIMIT 1`)
	result := w.Text("jamaica", `SELECT id::text FROM attempts WHERE state = 'marked' AND `+ofStudent1+` LIMIT 1`)
	w.Write("jamaica", func(tx *tenants.Tx) error {
		return notices.Tell(t.Context(), tx, notices.PasswordChanged, nil, []uuid.UUID{school.ID(t, w.DB("jamaica"), "student1"), school.ID(t, w.DB("jamaica"), "admin1")}, time.Now())
	})
	sent := func() (all int64) {
		w.Store.Requests(func(realm string, n int64) {
			if realm == "jamaica" {
				all += n
			}
		})
		return all
	}
	admin := w.who("jamaica", "admin1")
	for _, c := range []struct {
		who  apitest.User
		path string
		most int64
	}{{me, "/home", 1}, {me, "/classes/" + class, 1}, {me, lesson, 1}, {me, "/tests/" + test, 1}, {me, "/points", 1}, {me, "/notices", 1}, {me, "/attempts", 1}, {me, "/leaderboard", 2},
		{me, "/attempts/" + result + "/result", 4}, {admin, "/people/new", 1}, {admin, "/records", 1}, {admin, "/mail", 1}} {
		least := int64(1000)
		for range 4 { // the first may find something to remember, or to note; and the hour's work goes on beside it
			before := sent()
			if page := w.page(c.who, c.path).Want(http.StatusOK); !strings.Contains(said(page.Body), "1 new notice ") {
				t.Fatalf("%s does not say that there is a new notice", c.path)
			}
			least = min(least, sent()-before)
		}
		if least > c.most || least == 0 {
			t.Errorf("%s asks the database %d times, want %d at most", c.path, least, c.most)
		}
	}
}
