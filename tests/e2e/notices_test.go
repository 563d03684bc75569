package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tests/school"
)

// A class is cancelled: its learners see on whatever page they are that there is news, read it, and mark it as seen, on a phone and on a desk.
func TestALearnerReadsThatAClassIsCancelled(t *testing.T) {
	s := serve(t)
	db := s.DB("jamaica")
	learners := []uuid.UUID{school.ID(t, db, "student9"), school.ID(t, db, "student10")}
	class := school.Classes(t, db, school.Class{Title: "Chemistry on Fridays", Seats: 5, Learners: learners})[0]
	s.Write("jamaica", func(tx *tenants.Tx) error { // of before
		for i := range 3 {
			if err := notices.Tell(t.Context(), tx, notices.ClassPlaced, notices.Params{"class": fmt.Sprintf("Form %d", 8+i), "class_id": class.String()}, learners, time.Now().Add(-time.Hour)); err != nil {
				return err
			}
		}
		return nil
	})
	staff := open(t, s, "jamaica", "admin1", 1280)
	staff.signIn()
	staff.visit("/classes/manage/" + class.String())
	staff.press(`form[action$="/cancel"] summary`)
	staff.do(chromedp.SendKeys(`form[action$="/cancel"] [name=reason]`, "The laboratory is flooded."))
	staff.click(`form[action$="/cancel"] button`)

	for name, width := range map[string]int64{"student9": 360, "student10": 1280} {
		b := open(t, s, "jamaica", name, width)
		b.signIn()
		if n := b.count(`main form[action^="/notices/"]`); n != 3 || b.count(`main a[href="/notices"]`) != 1 {
			t.Errorf("%s: home has %d notices", name, n)
		}
		b.until("the head is one line, with 9+ too", `(document.querySelector('header .tag').textContent = '9+') && document.querySelector('header .bar').offsetHeight < 90`)
		b.shot("notices-home")
		b.visit("/points")
		b.window("notices-elsewhere")
		if b.count(`header a[href="/notices"]`) != 1 {
			t.Fatalf("%s: no link to the notices", name)
		}
		b.until("the number is to be seen", `document.querySelector('header a[href="/notices"]').checkVisibility() && /4/.test(document.querySelector('header a[href="/notices"] .tag').innerText)`)
		b.wants("4 new notices")
		b.click(`header a[href="/notices"]`)
		b.wants("The class Chemistry on Fridays was cancelled: The laboratory is flooded.", "You have a place in the class Form 8 now.")
		b.shot("notices")
		b.click(`main li:first-child form button`)
		b.wants("3 new notices", "The laboratory is flooded.", "seen ")
		b.window("notices-one-seen")
		b.click(`form[action="/notices/seen"] button`)
		b.wants("Your notices are marked as seen.", "The laboratory is flooded.")
		b.shot("notices-all-seen")
		b.visit("/points")
		if n := b.count(`header a[href="/notices"] .tag`); n != 0 {
			t.Errorf("%s: there is still a number", name)
		}
		b.visit("/home")
		if n := b.count(`main form[action^="/notices/"]`); n != 0 {
			t.Errorf("%s: home still has %d notices", name, n)
		}
	}
}
