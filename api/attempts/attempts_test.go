package attempts_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lignum/api"
	"lignum/api/attempts"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestATestFromStartToMark(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	test := w.Paper(1)
	start := apitest.Path("/tests/%s/attempts", test)
	if p := w.Post(w.Student, start, nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:test_needs_enrolment" {
		t.Errorf("without a place in a class: %+v", p)
	}
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	if a := apitest.As[assessment.Announcement](w.Get(w.Student, apitest.Path("/tests/%s", test))); a.Items != 4 || a.Made != 0 {
		t.Errorf("announced: %+v", a)
	}

	open := apitest.As[attempts.OpenAttempt](w.Post(w.Student, start, nil).Want(http.StatusCreated))
	again := apitest.As[attempts.OpenAttempt](w.Post(w.Student, start, nil))
	if again.Paper.ID != open.Paper.ID || len(open.Paper.Questions) != 4 {
		t.Fatalf("two starts: %+v %+v", open, again)
	}
	if raw := string(w.Post(w.Student, start, nil).Body); strings.Contains(raw, "weight") || strings.Contains(raw, "right_answer") {
		t.Error("the paper tells what is right")
	}

	attempt := apitest.Path("/attempts/%s", open.Paper.ID)
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
	saved := apitest.As[attempts.Saved](w.Do(w.Student, http.MethodPut, attempt+"/answers", save))
	if len(saved.Kept) != 4 || !saved.Kept[0].Stored {
		t.Fatalf("saved: %+v", saved)
	}
	judgesEachAnswerAlone(w, attempt, open.Ticket)
	refusesForeignSaves(w, attempt, open, save)
	resumed := apitest.As[attempts.OpenAttempt](w.Get(w.Student, attempt+"/paper"))
	if string(resumed.Paper.Questions[3].Response) == "" || resumed.Paper.Questions[3].Counter != 2 || resumed.Paper.Questions[0].Counter != 1 {
		t.Errorf("after a reload: %+v", resumed.Paper.Questions[3])
	}

	res := apitest.As[assessment.Result](w.Post(w.Student, attempt+"/submission", nil))
	if res.Final || res.Score != 300 || len(res.Questions) != 4 {
		t.Errorf("result: %+v", res)
	}
	if twice := apitest.As[assessment.Result](w.Post(w.Student, attempt+"/submission", nil)); twice.Score != res.Score || twice.Points != 0 {
		t.Errorf("handed in twice: %+v", twice)
	}
	w.Do(w.Student, http.MethodPut, attempt+"/answers", save).Want(http.StatusConflict)
	if p := w.Post(w.Student, start, nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:attempts_used_up" {
		t.Errorf("a second attempt: %+v", p)
	}
	marks(w, attempt)
}

// judgesEachAnswerAlone sends answers of which some cannot be taken, and leaves those that count as they were.
func judgesEachAnswerAlone(w *apitest.School, attempt, ticket string) {
	w.T.Helper()
	saved := apitest.As[struct {
		Kept    []map[string]any `json:"kept"`
		Refused []map[string]any `json:"refused"`
	}](w.Do(w.Student, http.MethodPut, attempt+"/answers", map[string]any{"ticket": ticket, "answers": []map[string]any{
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
func refusesForeignSaves(w *apitest.School, attempt string, open attempts.OpenAttempt, save map[string]any) {
	w.T.Helper()
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	if p := w.Do(other, http.MethodPut, attempt+"/answers", save).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:not_own" {
		w.T.Errorf("another learner with the ticket: %+v", p)
	}
	forged := map[string]any{"ticket": strings.Repeat("A", len(open.Ticket)), "answers": save["answers"]}
	w.Do(w.Student, http.MethodPut, attempt+"/answers", forged).Want(http.StatusForbidden)
	w.Do(w.Student, http.MethodPut, apitest.Path("/attempts/%s/answers", audit.NewID()), save).Want(http.StatusUnprocessableEntity)
	w.Get(other, attempt+"/paper").Want(http.StatusNotFound)
	w.Get(other, attempt).Want(http.StatusForbidden)
	w.Post(other, attempt+"/submission", nil).Want(http.StatusForbidden)
}

// marks lets the coach, and nobody else, give the essay its mark.
func marks(w *apitest.School, attempt string) {
	w.T.Helper()
	list := apitest.As[api.List[assessment.ToMark]](w.Get(w.Coach, "/api/v1/attempts/to-mark"))
	if len(list.Items) != 1 || list.Items[0].Unmarked != 1 {
		w.T.Fatalf("to mark: %+v", list)
	}
	mark := attempts.MarkRequest{Position: 3, Fraction: 1, Of: 2, Comment: "Half."}
	if p := w.Post(w.Coach, attempt+"/marks", attempts.MarkRequest{Position: 3, Fraction: 3, Of: 2}).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || p.Errors[0].Name != "fraction" {
		w.T.Errorf("three of two: %+v", p)
	}
	stranger := w.UserWith("jamaica", []string{"coach"}, apitest.At(w.SchoolID))
	w.Post(stranger, attempt+"/marks", mark).Want(http.StatusForbidden)
	if empty := apitest.As[api.List[assessment.ToMark]](w.Get(stranger, "/api/v1/attempts/to-mark")); len(empty.Items) != 0 {
		w.T.Errorf("another coach sees %+v", empty)
	}
	if m := apitest.As[assessment.MarkedState](w.Post(w.Coach, attempt+"/marks", mark)); m.State != assessment.Marked || m.Score != 350 {
		w.T.Errorf("marked: %+v", m)
	}
	res := apitest.As[assessment.Result](w.Get(w.Student, attempt))
	if !res.Final || res.Percent != 87 || res.Questions[3].Comment != "Half." {
		w.T.Errorf("the learner sees: %+v", res)
	}
	if mine := apitest.As[api.List[assessment.Summary]](w.Get(w.Student, "/api/v1/me/attempts")); len(mine.Items) != 1 || *mine.Items[0].Percent != 87 {
		w.T.Errorf("the own attempts: %+v", mine)
	}
	if theirs := apitest.As[api.List[assessment.Summary]](w.Get(w.Coach, apitest.Path("/learners/%s/attempts", w.Student.ID))); len(theirs.Items) != 1 {
		w.T.Errorf("the coach sees: %+v", theirs)
	}
}

func stem(p item.Public) string {
	return strings.TrimSpace(strings.NewReplacer("<p>", "", "</p>", "").Replace(p.Stem))
}

func TestAnAttemptBeyondItsTimeIsHandedInWithWhatWasSaved(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	test := w.Paper(0)
	w.Post(w.Student, apitest.Path("/classes/%s/registration", w.Class), nil).Want(http.StatusCreated)
	open := apitest.As[attempts.OpenAttempt](w.Post(w.Student, apitest.Path("/tests/%s/attempts", test), nil).Want(http.StatusCreated))
	attempt := apitest.Path("/attempts/%s", open.Paper.ID)
	w.Get(w.Student, attempt).Want(http.StatusConflict) // no result while it is open
	w.Exec("jamaica", `UPDATE attempts SET deadline = now() - interval '1 hour' WHERE id = $1::uuid`, open.Paper.ID.String())

	save := map[string]any{"ticket": open.Ticket, "answers": []assessment.Answer{{Position: 0, Counter: 1, Response: json.RawMessage(`{}`)}}}
	w.Do(w.Student, http.MethodPut, attempt+"/answers", save).Want(http.StatusConflict) // the ticket has the old deadline, the row decides
	if p := w.Post(w.Student, attempt+"/submission", nil).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:deadline_passed" {
		t.Errorf("%+v", p)
	}
	w.Get(w.Student, attempt+"/paper").Want(http.StatusConflict)
	if res := apitest.As[assessment.Result](w.Get(w.Student, attempt)); !res.ByPlatform || res.State == assessment.Open {
		t.Errorf("%+v", res)
	}
	next := apitest.As[attempts.OpenAttempt](w.Post(w.Student, apitest.Path("/tests/%s/attempts", test), nil).Want(http.StatusCreated))
	if next.Paper.Number != 2 || next.Paper.ID == open.Paper.ID {
		t.Errorf("the next attempt: %+v", next.Paper.Attempt)
	}
}
