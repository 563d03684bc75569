package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/calendar"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// world is a served world with a school in Jamaica: a course of three lessons and a test, a coach, a class, and a learner.
type world struct {
	*apitest.Server
	school                           uuid.UUID
	pack                             pack.Pack // of the course
	course                           uuid.UUID
	lessons                          []uuid.UUID
	coach, student, principal, admin apitest.User
	class                            uuid.UUID
}

const courseSlug = "maths"

func newWorld(t *testing.T) *world { return newWorldWith(t) }

// newWorldWith is newWorld with pages.
func newWorldWith(t *testing.T, register ...func(*api.Server)) *world {
	t.Helper()
	w := &world{Server: apitest.New(t, register...)}
	w.school = w.School("jamaica", "Harbour High")
	w.coach = w.UserWith("jamaica", []string{"coach"}, apitest.At(w.school))
	w.student = w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
	w.principal = w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.school))
	w.admin = w.User("jamaica", "tenant_administrator")
	w.pack.Sections = []pack.Section{school.Lessons(3)}
	made := school.Course(t, w.DB("jamaica"), w.pack)
	w.course, w.lessons = made.ID, made.Lessons
	w.class = w.newClass(20)
	return w
}

// fields are a class of the coach that is open now, whatever the date.
func (w *world) fields(seats int) classes.Fields {
	today := time.Now().UTC()
	return classes.Fields{Title: "Maths 10A", Kind: classes.Live, CourseID: &w.course, SchoolID: &w.school, CoachID: &w.coach.ID,
		StartsOn: today.AddDate(0, 0, -10).Format(time.DateOnly), EndsOn: today.AddDate(0, 2, 0).Format(time.DateOnly),
		Weekly: calendar.Weekly{{Weekday: 1, At: "16:00", Minutes: 60}}, MeetingURL: "https://meet.example/10a", Seats: seats, Open: true}
}

func (w *world) newClass(seats int) (id uuid.UUID) {
	w.T.Helper()
	w.Write("jamaica", func(tx *tenants.Tx) (err error) {
		id, err = classes.Create(w.T.Context(), tx, w.fields(seats))
		return err
	})
	return id
}

// trail counts entries of an action in a tenant's trail ("": the platform's).
func (w *world) trail(slug, action, outcome string) int {
	w.T.Helper()
	return w.Number(slug, `SELECT count(*) FROM audit_entries WHERE action = $1::text AND outcome = $2::text`, action, outcome)
}

func path(format string, args ...any) string { return "/api/v1" + fmt.Sprintf(format, args...) }
