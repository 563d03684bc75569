package classes_test

import (
	"net/http"
	"testing"

	"lignum/api"
	"lignum/api/catalogue"
	classesapi "lignum/api/classes"
	"lignum/domain/classes"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
)

func TestProgressIsRecordedInAnyOrder(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	lesson := apitest.Path("/lessons/%s/progress", w.Lessons[0])
	report := func(percent, counter int) *apitest.Response {
		return w.Do(w.Student, http.MethodPut, lesson, classesapi.ProgressReport{Percent: percent, Seconds: 60 * counter, Counter: int64(counter)})
	}
	report(50, 1).Want(http.StatusForbidden)
	w.Get(w.Student, apitest.Path("/courses/%s/lessons/lesson-0", apitest.CourseSlug)).Want(http.StatusForbidden)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)

	// Opened and done within a second: it is stored, and the points come when the lesson can have been read.
	if view := apitest.As[catalogue.LessonView](w.Get(w.Student, apitest.Path("/courses/%s/lessons/lesson-0", apitest.CourseSlug))); view.Progress.PointsIn != 240 || view.Progress.Earned {
		t.Errorf("opened: %+v", view.Progress)
	}
	if p := apitest.As[classes.Progress](report(100, 1)); p.Points != 0 || p.CompletedAt == nil || p.Earned || p.PointsIn < 230 || p.PointsIn > 240 {
		t.Errorf("completed at once: %+v", p)
	}
	w.Exec("jamaica", `UPDATE lesson_progress SET opened_at = opened_at - interval '4 minutes'`)
	if p := apitest.As[classes.Progress](report(100, 2)); p.Points != 10 || p.CompletedAt == nil || !p.Earned {
		t.Errorf("completed: %+v", p)
	}
	if p := apitest.As[classes.Progress](report(50, 1)); p.Percent != 100 || p.Changed || p.Points != 0 {
		t.Errorf("an older report: %+v", p)
	}
	report(101, 3).Want(http.StatusUnprocessableEntity)
	w.Do(w.Student, http.MethodPut, apitest.Path("/lessons/%s/progress", audit.NewID()), classesapi.ProgressReport{}).Want(http.StatusNotFound)

	view := apitest.As[catalogue.LessonView](w.Get(w.Student, apitest.Path("/courses/%s/lessons/lesson-0", apitest.CourseSlug)))
	if !view.Records || view.Progress.Counter != 2 || view.HTML == "" || view.Next == nil {
		t.Errorf("the lesson: %+v", view)
	}
	if view = apitest.As[catalogue.LessonView](w.Get(w.Coach, apitest.Path("/courses/%s/lessons/lesson-0", apitest.CourseSlug))); view.Records {
		t.Error("a coach's reading is no progress")
	}
	mine := apitest.As[api.List[classes.CourseProgress]](w.Get(w.Student, "/api/v1/me/progress"))
	if len(mine.Items) != 1 || mine.Items[0].Done != 1 || mine.Items[0].NextSlug != "lesson-1" || mine.Items[0].Seconds != 120 {
		t.Errorf("the own progress: %+v", mine)
	}
	if days := apitest.As[api.List[string]](w.Get(w.Student, "/api/v1/me/attendance")); len(days.Items) != 1 {
		t.Errorf("the own days: %+v", days)
	}
}
