package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lignum/api/attempts"
	"lignum/api/catalogue"
	classesapi "lignum/api/classes"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/domain/classes"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// newTest puts a test of three questions with numbers and one essay into the world's course.
func (w *world) newTest(attempts int) (id uuid.UUID) {
	w.T.Helper()
	n := len(w.pack.Tests)
	numbers, essays := fmt.Sprintf("numbers-%d", n), fmt.Sprintf("essays-%d", n)
	plain := func(s string) item.Text { return item.Text{Body: s, Format: item.Plain} }
	var items []*item.Item
	for i := range 3 {
		items = append(items, &item.Item{Kind: item.Numeric, Stem: plain(fmt.Sprintf("What is %d + 1?", i)), Numbers: []item.Number{{Value: fmt.Sprint(i + 1), Weight: item.Whole}}})
	}
	w.pack.Sections = append(w.pack.Sections, pack.Section{Code: numbers, Title: "Section"}, pack.Section{Code: essays, Title: "Section"})
	w.pack.Items = slices.Concat(w.pack.Items, school.Bank(numbers, items...), school.Bank(essays, &item.Item{Kind: item.Essay, Stem: plain("Explain.")}))
	w.pack.Tests = append(w.pack.Tests, pack.Test{Title: "Paper 1", Kind: "assessment", Minutes: 60, Attempts: attempts,
		Blueprint: []pack.Draw{{Section: numbers, Items: 3}, {Section: essays, Items: 1}}})
	return school.Course(w.T, w.DB("jamaica"), w.pack).Tests[n]
}

func TestATestFromStartToMark(t *testing.T) {
	w := newWorld(t)
	test := w.newTest(1)
	start := path("/tests/%s/attempts", test)
	if p := w.Post(w.student, start, nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:test_needs_enrolment" {
		t.Errorf("without a place in a class: %+v", p)
	}
	w.Post(w.student, path("/classes/%s/registration", w.class), nil).Want(http.StatusCreated)
	if a := apitest.As[assessment.Announcement](w.Get(w.student, path("/tests/%s", test))); a.Items != 4 || a.Made != 0 {
		t.Errorf("announced: %+v", a)
	}

	open := apitest.As[attempts.OpenAttempt](w.Post(w.student, start, nil).Want(http.StatusCreated))
	again := apitest.As[attempts.OpenAttempt](w.Post(w.student, start, nil))
	if again.Paper.ID != open.Paper.ID || len(open.Paper.Questions) != 4 {
		t.Fatalf("two starts: %+v %+v", open, again)
	}
	if raw := string(w.Post(w.student, start, nil).Body); strings.Contains(raw, "weight") || strings.Contains(raw, "right_answer") {
		t.Error("the paper tells what is right")
	}

	attempt := path("/attempts/%s", open.Paper.ID)
	var answers []assessment.Answer
	for _, q := range open.Paper.Questions {
		response := `{"text": "Because."}`
		var n int
		if _, err := fmt.Sscanf(stem(q.Item), "What is %d + 1?", &n); err == nil {
			response = fmt.Sprintf(`{"number": "%d"}`, n+1)
		}
		answers = append(answers, assessment.Answer{Position: q.Position, Counter: 1, Response: json.RawMessage(response)})
	}
	save := map[string]any{"ticket": open.Ticket, "answers": answers}
	saved := apitest.As[attempts.Saved](w.Do(w.student, http.MethodPut, attempt+"/answers", save))
	if len(saved.Kept) != 4 || !saved.Kept[0].Stored {
		t.Fatalf("saved: %+v", saved)
	}
	w.judgesEachAnswerAlone(attempt, open.Ticket)
	w.refusesForeignSaves(attempt, open, save)
	resumed := apitest.As[attempts.OpenAttempt](w.Get(w.student, attempt+"/paper"))
	if string(resumed.Paper.Questions[3].Response) == "" || resumed.Paper.Questions[3].Counter != 2 || resumed.Paper.Questions[0].Counter != 1 {
		t.Errorf("after a reload: %+v", resumed.Paper.Questions[3])
	}

	res := apitest.As[assessment.Result](w.Post(w.student, attempt+"/submission", nil))
	if res.Final || res.Score != 300 || len(res.Questions) != 4 {
		t.Errorf("result: %+v", res)
	}
	if twice := apitest.As[assessment.Result](w.Post(w.student, attempt+"/submission", nil)); twice.Score != res.Score || twice.Points != 0 {
		t.Errorf("handed in twice: %+v", twice)
	}
	w.Do(w.student, http.MethodPut, attempt+"/answers", save).Want(http.StatusConflict)
	if p := w.Post(w.student, start, nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:attempts_used_up" {
		t.Errorf("a second attempt: %+v", p)
	}
	w.marks(attempt)
}

// judgesEachAnswerAlone sends answers of which some cannot be taken, and leaves those that count as they were.
func (w *world) judgesEachAnswerAlone(attempt, ticket string) {
	w.T.Helper()
	saved := apitest.As[struct {
		Kept    []map[string]any `json:"kept"`
		Refused []map[string]any `json:"refused"`
	}](w.Do(w.student, http.MethodPut, attempt+"/answers", map[string]any{"ticket": ticket, "answers": []map[string]any{
		{"position": 0, "counter": 2, "response": map[string]any{"number": "1/2"}},
		{"position": 3, "counter": 2, "response": map[string]any{"text": "Because."}},
		{"position": 1, "counter": 2, "response": map[string]any{"choice": []string{"a"}}},
		{"position": 99, "counter": 2, "response": map[string]any{}},
	}}).Want(http.StatusOK))
	if len(saved.Kept) != 1 || saved.Kept[0]["position"] != 3.0 || saved.Kept[0]["stored"] != true {
		w.T.Errorf("kept: %v", saved.Kept)
	}
	var refused []string
	for _, r := range saved.Refused {
		refused = append(refused, fmt.Sprint(r["position"], " ", r["field"], ": ", r["reason"]))
	}
	if got := strings.Join(refused, "\n"); got != `0 response.number: Write a fraction as a number with a decimal point: 1/2 is 0.5.
1 response.choice: An item of kind numeric is not answered this way.
99 position: Must be 0 to 3.` {
		w.T.Errorf("refused:\n%s", got)
	}
}

// refusesForeignSaves shows that neither a ticket nor a sign-in is enough by itself.
func (w *world) refusesForeignSaves(attempt string, open attempts.OpenAttempt, save map[string]any) {
	w.T.Helper()
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
	if p := w.Do(other, http.MethodPut, attempt+"/answers", save).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:not_own" {
		w.T.Errorf("another learner with the ticket: %+v", p)
	}
	forged := map[string]any{"ticket": strings.Repeat("A", len(open.Ticket)), "answers": save["answers"]}
	w.Do(w.student, http.MethodPut, attempt+"/answers", forged).Want(http.StatusForbidden)
	w.Do(w.student, http.MethodPut, path("/attempts/%s/answers", audit.NewID()), save).Want(http.StatusUnprocessableEntity)
	w.Get(other, attempt+"/paper").Want(http.StatusNotFound)
	w.Get(other, attempt).Want(http.StatusForbidden)
	w.Post(other, attempt+"/submission", nil).Want(http.StatusForbidden)
}

// marks lets the coach, and nobody else, give the essay its mark.
func (w *world) marks(attempt string) {
	w.T.Helper()
	list := apitest.As[api.List[assessment.ToMark]](w.Get(w.coach, "/api/v1/attempts/to-mark"))
	if len(list.Items) != 1 || list.Items[0].Unmarked != 1 {
		w.T.Fatalf("to mark: %+v", list)
	}
	mark := attempts.MarkRequest{Position: 3, Fraction: 1, Of: 2, Comment: "Half."}
	if p := w.Post(w.coach, attempt+"/marks", attempts.MarkRequest{Position: 3, Fraction: 3, Of: 2}).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || p.Errors[0].Name != "fraction" {
		w.T.Errorf("three of two: %+v", p)
	}
	stranger := w.UserWith("jamaica", []string{"coach"}, apitest.At(w.school))
	w.Post(stranger, attempt+"/marks", mark).Want(http.StatusForbidden)
	if empty := apitest.As[api.List[assessment.ToMark]](w.Get(stranger, "/api/v1/attempts/to-mark")); len(empty.Items) != 0 {
		w.T.Errorf("another coach sees %+v", empty)
	}
	if m := apitest.As[assessment.MarkedState](w.Post(w.coach, attempt+"/marks", mark)); m.State != assessment.Marked || m.Score != 350 {
		w.T.Errorf("marked: %+v", m)
	}
	res := apitest.As[assessment.Result](w.Get(w.student, attempt))
	if !res.Final || res.Percent != 87 || res.Questions[3].Comment != "Half." {
		w.T.Errorf("the learner sees: %+v", res)
	}
	if mine := apitest.As[api.List[assessment.Summary]](w.Get(w.student, "/api/v1/me/attempts")); len(mine.Items) != 1 || *mine.Items[0].Percent != 87 {
		w.T.Errorf("the own attempts: %+v", mine)
	}
	if theirs := apitest.As[api.List[assessment.Summary]](w.Get(w.coach, path("/learners/%s/attempts", w.student.ID))); len(theirs.Items) != 1 {
		w.T.Errorf("the coach sees: %+v", theirs)
	}
}

func stem(p item.Public) string {
	return strings.TrimSpace(strings.NewReplacer("<p>", "", "</p>", "").Replace(p.Stem))
}

func TestAnAttemptBeyondItsTimeIsHandedInWithWhatWasSaved(t *testing.T) {
	w := newWorld(t)
	test := w.newTest(0)
	w.Post(w.student, path("/classes/%s/registration", w.class), nil).Want(http.StatusCreated)
	open := apitest.As[attempts.OpenAttempt](w.Post(w.student, path("/tests/%s/attempts", test), nil).Want(http.StatusCreated))
	attempt := path("/attempts/%s", open.Paper.ID)
	w.Get(w.student, attempt).Want(http.StatusConflict) // no result while it is open
	w.Exec("jamaica", `UPDATE attempts SET deadline = now() - interval '1 hour' WHERE id = $1::uuid`, open.Paper.ID.String())

	save := map[string]any{"ticket": open.Ticket, "answers": []assessment.Answer{{Position: 0, Counter: 1, Response: json.RawMessage(`{}`)}}}
	w.Do(w.student, http.MethodPut, attempt+"/answers", save).Want(http.StatusConflict) // the ticket has the old deadline, the row decides
	if p := w.Post(w.student, attempt+"/submission", nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:deadline_passed" {
		t.Errorf("%+v", p)
	}
	w.Get(w.student, attempt+"/paper").Want(http.StatusConflict)
	if res := apitest.As[assessment.Result](w.Get(w.student, attempt)); !res.ByPlatform || res.State == assessment.Open {
		t.Errorf("%+v", res)
	}
	next := apitest.As[attempts.OpenAttempt](w.Post(w.student, path("/tests/%s/attempts", test), nil).Want(http.StatusCreated))
	if next.Paper.Number != 2 || next.Paper.ID == open.Paper.ID {
		t.Errorf("the next attempt: %+v", next.Paper.Attempt)
	}
}

func TestProgressIsRecordedInAnyOrder(t *testing.T) {
	w := newWorld(t)
	lesson := path("/lessons/%s/progress", w.lessons[0])
	report := func(percent, counter int) *apitest.Response {
		return w.Do(w.student, http.MethodPut, lesson, classesapi.ProgressReport{Percent: percent, Seconds: 60 * counter, Counter: int64(counter)})
	}
	report(50, 1).Want(http.StatusForbidden)
	w.Get(w.student, path("/courses/%s/lessons/lesson-0", courseSlug)).Want(http.StatusForbidden)
	w.Post(w.student, path("/classes/%s/registration", w.class), nil).Want(http.StatusCreated)

	// Opened and done within a second: it is stored, and the points come when the lesson can have been read.
	if view := apitest.As[catalogue.LessonView](w.Get(w.student, path("/courses/%s/lessons/lesson-0", courseSlug))); view.Progress.PointsIn != 240 || view.Progress.Earned {
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
	w.Do(w.student, http.MethodPut, path("/lessons/%s/progress", audit.NewID()), classesapi.ProgressReport{}).Want(http.StatusNotFound)

	view := apitest.As[catalogue.LessonView](w.Get(w.student, path("/courses/%s/lessons/lesson-0", courseSlug)))
	if !view.Records || view.Progress.Counter != 2 || view.HTML == "" || view.Next == nil {
		t.Errorf("the lesson: %+v", view)
	}
	if view = apitest.As[catalogue.LessonView](w.Get(w.coach, path("/courses/%s/lessons/lesson-0", courseSlug))); view.Records {
		t.Error("a coach's reading is no progress")
	}
	mine := apitest.As[api.List[classes.CourseProgress]](w.Get(w.student, "/api/v1/me/progress"))
	if len(mine.Items) != 1 || mine.Items[0].Done != 1 || mine.Items[0].NextSlug != "lesson-1" || mine.Items[0].Seconds != 120 {
		t.Errorf("the own progress: %+v", mine)
	}
	if days := apitest.As[api.List[string]](w.Get(w.student, "/api/v1/me/attendance")); len(days.Items) != 1 {
		t.Errorf("the own days: %+v", days)
	}
}
