package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/uuid"

	"lignum/domain/insight"
	"lignum/tenants"
	"lignum/tests/school"
)

// An official of a country with nine hundred schools reaches each of them, and finds one while typing its name; a school's administrator
// places a form.
func TestACountryOfNineHundredSchools(t *testing.T) {
	s := serve(t)
	numbered := func(kind string, n int) uuid.UUID {
		return uuid.MustParse(fmt.Sprintf("%s0000000-0000-7000-8000-%012d", kind, n))
	}
	schools, learners := make([]school.School, 900), make([]school.Person, 9000)
	for i := range schools {
		n := i + 1
		schools[i] = school.School{ID: numbered("c", n), SourceID: fmt.Sprintf("JM-%d", n), Region: fmt.Sprintf("Parish %d", 1+n%14),
			Name: fmt.Sprint([]string{"Cedar Grove", "St. Mary's", "Harbour View", "Palm Hill", "Blue Mahoe"}[n%5], []string{" High", " Academy", " College"}[n%3], " ", n)}
	}
	for i := range learners {
		n := i + 1
		learners[i] = school.Person{ID: numbered("e", n), UserName: fmt.Sprintf("x%d", n), SchoolID: numbered("c", 1+n%900), Grade: "10", Roles: []string{"student"}}
	}
	school.Schools(t, s.DB("jamaica"), schools...)
	school.People(t, s.DB("jamaica"), learners...)
	zone := s.Tenant("jamaica").Location()
	month := insight.FinishedMonth(s.Tenant("jamaica").Today(time.Now().UTC()))
	attempts := make([]school.Attempt, len(learners))
	test, course := uuid.MustParse(s.Text("jamaica", "SELECT id::text FROM tests ORDER BY id LIMIT 1")), uuid.MustParse(s.Text("jamaica", "SELECT course_id::text FROM tests ORDER BY id LIMIT 1"))
	for i, l := range learners { // schools differ, and so do learners
		n := i + 1
		attempts[i] = school.Attempt{Test: test, Course: course, Learner: l.ID, School: l.SchoolID, StartedAt: month.From.Add(36 * time.Hour), Score: 10 * (1 + (1+n%900)*7%9*(1+n%2)%9), MaxScore: 100}
	}
	school.Attempts(t, s.DB("jamaica"), attempts...)
	s.Write("jamaica", func(tx *tenants.Tx) error { return insight.KeepMonth(t.Context(), tx, month, zone) })

	b := open(t, s, "jamaica", "official1", 1200)
	b.signIn()
	b.visit("/schools")
	b.wants("More schools")
	b.shot("many-schools")
	b.visit("/schools?q=mary+high+7")
	b.wants("St. Mary's")
	b.shot("many-schools-found")
	b.visit("/figures?by=school&order=lowest")
	b.wants("Lowest pass rate first", "All schools of the country", "More schools")
	b.shot("many-figures")
	b.click(`nav.pager a[rel=next]`)
	b.wants("First page")
	b.visit("/figures?by=school&region=Parish+3")
	b.wants("Parish 3")
	b.shot("many-figures-region")

	b.visit("/records")
	b.do(chromedp.SendKeys(`#f-school_id`, "mary 77"))
	b.until("schools that fit are offered", `document.querySelectorAll('#o-school_id option').length > 0`)
	b.do(chromedp.SendKeys(`textarea[name=reason]`, "appeal 114 about the score"), chromedp.SendKeys(`input[name=given_name]`, "Given"), chromedp.SendKeys(`input[name=family_name]`, "Family"))
	b.do(chromedp.SendKeys(`input[name=grade]`, "10"+kb.Enter))
	b.until("the server asks which one it is", `document.querySelectorAll('input[type=radio][name=school_id]').length > 1`)
	b.wants("Which one is it?")
	b.shot("many-records")

	admin := open(t, s, "jamaica", "admin1", 1200)
	admin.signIn()
	admin.visit("/classes/manage/new")
	admin.shot("many-class-form")
	admin.visit("/classes/manage")
	admin.click(`main a[href^="/classes/manage/"]:not([href$="/new"])`)
	admin.click(`main a[href$="/place"]`)
	admin.wants("Grade", "School")
	admin.do(chromedp.SendKeys(`#f-school`, "JM-42"))
	admin.click(`main form:has(#f-school) button`)
	admin.wants("Harbour View")
	admin.shot("many-place-school")
	admin.visit("/people/new")
	admin.shot("many-person-new")

	head := open(t, s, "jamaica", "school1", 1200)
	head.signIn()
	head.visit("/classes/manage")
	head.click(`main a[href^="/classes/manage/"]:not([href$="/new"])`)
	head.click(`main a[href$="/place"]`)
	head.shot("place-form")
}
