package apitest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/calendar"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/school"
)

// School is a served world with a school in Jamaica: a course of three lessons, a class on it that is open, its coach, and a learner who has no place yet.
type School struct {
	*Server
	SchoolID                         uuid.UUID
	Pack                             pack.Pack // of the course
	Course                           uuid.UUID
	Lessons                          []uuid.UUID
	Coach, Student, Principal, Admin User // of the school; Admin is the tenant's
	Class                            uuid.UUID
}

// CourseSlug is the slug of the course of a School.
const CourseSlug = "maths"

// NewSchool serves a new world, as New does, with a school in it.
func NewSchool(t testing.TB, register ...func(*api.Server)) *School {
	t.Helper()
	w := &School{Server: New(t, register...)}
	w.SchoolID = w.School("jamaica", "Harbour High")
	w.Coach = w.UserWith("jamaica", []string{"coach"}, At(w.SchoolID))
	w.Student = w.UserWith("jamaica", []string{"student"}, At(w.SchoolID))
	w.Principal = w.UserWith("jamaica", []string{"school_administrator"}, At(w.SchoolID))
	w.Admin = w.User("jamaica", "tenant_administrator")
	w.Pack.Sections = []pack.Section{school.Lessons(3)}
	made := school.Course(t, w.DB("jamaica"), w.Pack)
	w.Course, w.Lessons = made.ID, made.Lessons
	w.Class = w.NewClass(20)
	return w
}

// Fields are those of a class of the coach that is open now, whatever the date.
func (w *School) Fields(seats int) classes.Fields {
	today := time.Now().UTC()
	return classes.Fields{Title: "Maths 10A", Kind: classes.Live, CourseID: &w.Course, SchoolID: &w.SchoolID, CoachID: &w.Coach.ID,
		StartsOn: today.AddDate(0, 0, -10).Format(time.DateOnly), EndsOn: today.AddDate(0, 2, 0).Format(time.DateOnly),
		Weekly: calendar.Weekly{{Weekday: 1, At: "16:00", Minutes: 60}}, MeetingURL: "https://meet.example/10a", Seats: seats, Open: true}
}

// NewClass opens another class of the coach.
func (w *School) NewClass(seats int) (id uuid.UUID) {
	w.T.Helper()
	w.Write("jamaica", func(tx *tenants.Tx) (err error) {
		id, err = classes.Create(w.T.Context(), tx, w.Fields(seats))
		return err
	})
	return id
}

// Teacher makes a teacher of the school, Tess Teacher, and gives them the class.
func (w *School) Teacher() User {
	w.T.Helper()
	teacher := w.UserWith("jamaica", []string{"teacher"}, At(w.SchoolID), Named("Tess", "Teacher"))
	w.Leads(teacher)
	return teacher
}

// Leads makes somebody the coach of the class.
func (w *School) Leads(u User) {
	w.T.Helper()
	w.Exec("jamaica", `UPDATE classes SET coach_id = $1::uuid WHERE id = $2::uuid`, u.ID.String(), w.Class.String())
}

// Enrol gives learners a place in the class.
func (w *School) Enrol(learners ...User) {
	w.T.Helper()
	for _, l := range learners {
		school.Enrol(w.T, w.DB("jamaica"), w.Class, l.ID)
	}
}

// Paper puts a test of three questions with numbers and one essay into the course; attempts is how many each may make, 0 as many as they like.
func (w *School) Paper(attempts int) (test uuid.UUID) {
	w.T.Helper()
	n := len(w.Pack.Tests)
	numbers, essays := fmt.Sprintf("numbers-%d", n), fmt.Sprintf("essays-%d", n)
	plain := func(s string) item.Text { return item.Text{Body: s, Format: item.Plain} }
	var items []*item.Item
	for i := range 3 {
		items = append(items, &item.Item{Kind: item.Numeric, Stem: plain(fmt.Sprintf("What is %d + 1?", i)), Numbers: []item.Number{{Value: fmt.Sprint(i + 1), Weight: item.Whole}}})
	}
	w.Pack.Sections = append(w.Pack.Sections, pack.Section{Code: numbers, Title: "Section"}, pack.Section{Code: essays, Title: "Section"})
	w.Pack.Items = slices.Concat(w.Pack.Items, school.Bank(numbers, items...), school.Bank(essays, &item.Item{Kind: item.Essay, Stem: plain("Explain.")}))
	w.Pack.Tests = append(w.Pack.Tests, pack.Test{Title: "Paper 1", Kind: "assessment", Minutes: 60, Attempts: attempts,
		Blueprint: []pack.Draw{{Section: numbers, Items: 3}, {Section: essays, Items: 1}}})
	return school.Course(w.T, w.DB("jamaica"), w.Pack).Tests[n]
}
