package learner

import (
	"context"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/attempts"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var (
	answersSaved = web.Notice("answers-saved", "learner.your_answers_are_saved")
	handedIn     = web.Notice("handed-in", "learner.was_handed_in")
	handedInSome = web.Notice("handed-in-some", "learner.handed_in_one_answer_or")
	alreadyOver  = web.Notice("attempt-over", "learner.this_test_is_handed_in")
)

// paperBody is the most bytes of a paper's form: what one save takes, in the letters of a form.
const paperBody = 1 << 20

func attemptPages(s *api.Server) {
	api.Page(s, api.Route{Path: "/tests/{test}", Permission: policy.TestRead, Summary: "A test before it begins"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error { return showTest(ctx, c, fc, nil) })
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/tests/{test}/start", Permission: policy.AttemptStart, Summary: "Start a test, or go on with it"}, startTest)
	api.Page(s, api.Route{Path: "/attempts/{attempt}", Permission: policy.AttemptRead, Summary: "The paper"}, showPaper)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/attempts/{attempt}", Permission: policy.AttemptAnswer, Parts: []policy.Permission{policy.AttemptRead}, Body: paperBody, Summary: "Save the answers of a paper"}, savePaper)
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/attempts/{attempt}/submission", Permission: policy.AttemptSubmit, Parts: []policy.Permission{policy.AttemptAnswer, policy.AttemptRead}, Body: paperBody, Summary: "Save the answers and hand them in"}, submitPaper)
	api.Page(s, api.Route{Path: "/attempts/{attempt}/result", Permission: policy.AttemptRead, Parts: []policy.Permission{policy.LessonRead, policy.TestRead}, Summary: "Show an attempt and its score"}, showResult)
	api.Page(s, api.Route{Path: "/attempts/{attempt}/hand-in", Permission: policy.AttemptRead, Summary: "Whether to hand in a paper with questions that have no answer"}, askSure)
}

// showTest shows a test, to those who may say when it is open with a form: what is stored, or with f what somebody typed.
func showTest(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := tenants.ParseID("test", fc.Params("test"))
	if err != nil {
		return err
	}
	a, err := attempts.TestPage(ctx, c, id)
	if err != nil {
		return err
	}
	d := onTest(c.Language, a, learns(c), c.Now)
	if d.Closed == "" && !c.Could(policy.AttemptStart) {
		d.Closed = c.Say("learner.no_test_can_be_started")
	}
	if c.Could(policy.CalendarChange) {
		d.Zone = c.Tenant.TimeZone
	}
	if f == nil {
		f = windowForm(a, c.Tenant.Location())
	}
	return pages.Render(c, fc, "test", web.Page{Title: a.Title, Form: f, Data: d})
}

// testData is a test before it begins.
type testData struct {
	*assessment.Announcement
	Closed string // why it cannot be started; "" when it can
	Zone   string // whose times the form of the window takes; "": no form is shown
}

func onTest(l words.Language, a *assessment.Announcement, learner bool, now time.Time) testData {
	d, window := testData{Announcement: a}, calendar.Window{OpensAt: a.OpensAt, ClosesAt: a.ClosesAt}
	switch {
	case !learner:
		d.Closed = l.Say("learner.this_is_what_learners_see")
	case a.Running != nil:
	case window.NotYet(now):
		d.Closed = l.Say("learner.test_not_open_yet")
	case window.Over(now):
		d.Closed = l.Say("learner.test_closed")
	case a.Attempts > 0 && a.Made >= a.Attempts:
		d.Closed = l.Say("learner.all_tries_used")
	}
	return d
}

func startTest(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("test", fc.Params("test"))
	if err != nil {
		return err
	}
	open, err := attempts.StartAttempt(ctx, c, id)
	if err != nil {
		return err
	}
	return fc.Redirect(attemptPath(open.Paper.ID), http.StatusSeeOther)
}

func attemptPath(id uuid.UUID) string { return "/attempts/" + id.String() }

func showPaper(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	return onOpenPaper(ctx, c, fc, func(d paperData, title string) error { return renderPaper(c, fc, d, title, nil) })
}

// askSure asks whoever left questions out whether to hand in all the same.
func askSure(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	return onOpenPaper(ctx, c, fc, func(d paperData, title string) error {
		return pages.Render(c, fc, "handin", web.Page{Title: c.Say("learner.hand_in", "Title", title), Data: d})
	})
}

// onOpenPaper shows something of the learner's paper, or leads to its result when it is handed in.
func onOpenPaper(ctx context.Context, c *api.Call, fc *fiber.Ctx, show func(d paperData, title string) error) error {
	id, err := tenants.ParseID("attempt", fc.Params("attempt"))
	if err != nil {
		return err
	}
	open, err := attempts.AttemptPaper(ctx, c, id)
	if domain.CodeOf(err) == domain.Conflict { // handed in
		if _, err := attempts.AttemptResult(ctx, c, id); err != nil {
			return err
		}
		return fc.Redirect(attemptPath(id)+"/result", http.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	return show(onPaper(&open.Paper, open.Ticket), open.Paper.Title)
}

func renderPaper(c *api.Call, fc *fiber.Ctx, d paperData, title string, f *web.Form) error {
	return pages.Render(c, fc, "paper", web.Page{Title: title, Data: d, Form: f})
}

// kept is what became of a paper's form.
type kept struct {
	open    *attempts.OpenAttempt
	refused int  // answers that were not taken; the page comes back with the reasons if notAll is returned
	over    bool // the time is up, as the server or the page's clock sees it
	left    int  // questions without an answer
	sure    bool // whoever hands in was asked about them
}

// keepPaper stores the answers of a paper's form, each judged alone. When the attempt is over meanwhile, the visitor is led to
// its result; when something is returned that can be corrected, the paper comes back with everything that was typed.
func keepPaper(ctx context.Context, c *api.Call, fc *fiber.Ctx, id uuid.UUID) (k kept, err error) {
	f := web.ReadForm(fc)
	var d paperData
	f.Again(fc, func(f *web.Form) error {
		if k.open == nil || fc.Response().StatusCode() == http.StatusConflict {
			web.Notify(c, fc, alreadyOver)
			return fc.Redirect(attemptPath(id)+"/result", http.StatusSeeOther)
		}
		f.Errors = nil
		return renderPaper(c, fc, d, k.open.Paper.Title, f)
	})
	read, err := c.Under(policy.AttemptRead)
	if err != nil {
		return k, err
	}
	if k.open, err = attempts.AttemptPaper(ctx, read, id); err != nil {
		return k, err
	}
	k.over = f.Get("over") != "" || !c.Now.Before(k.open.Paper.Deadline)
	d = onPaper(&k.open.Paper, k.open.Ticket)
	all, err := d.answers(f, c.Now)
	if err != nil {
		return k, err
	}
	for len(all) > 0 {
		answer, err := c.Under(policy.AttemptAnswer)
		if err != nil {
			return k, err
		}
		part := all[:fits(all)]
		saved, err := attempts.SaveAnswers(ctx, answer, id, k.open.Ticket, part)
		if err != nil {
			return k, err
		}
		k.refused += len(saved.Refused)
		all = append(d.take(c.Language, part, saved), all[len(part):]...)
	}
	k.left, k.sure = d.Unanswered(), f.Get("sure") == "yes"
	return k, nil
}

// notAll brings the paper back with what was not taken.
func (k kept) notAll(handingIn bool) error {
	if handingIn {
		return domain.Refuse(domain.Invalid, "learner.not_handed_in_yet", "Reason", words.Say("learner.answers_not_taken", "N", k.refused))
	}
	return domain.Refuse(domain.Invalid, "learner.answers_not_taken", "N", k.refused)
}

// fits is how many of the answers one save takes; at least one.
func fits(list []assessment.Answer) int {
	n, size := 0, 0
	for n < len(list) && n < assessment.MaxAnswers {
		if size += len(list[n].Response); size > assessment.MaxSave && n > 0 {
			break
		}
		n++
	}
	return n
}

func savePaper(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("attempt", fc.Params("attempt"))
	if err != nil {
		return err
	}
	k, err := keepPaper(ctx, c, fc, id)
	if err != nil {
		return err
	}
	if k.refused > 0 {
		return k.notAll(false)
	}
	// Nothing may have changed, and then nothing was asked of the policy. The paper is the actor's own, open and in time, or
	// keepPaper had not come back with it.
	if err := c.Permit(policy.Facts{Owner: true, AttemptOpen: true, WithinDeadline: !c.Now.After(k.open.Paper.Deadline.Add(assessment.SaveGrace))}); err != nil {
		return err
	}
	web.Notify(c, fc, answersSaved)
	return fc.Redirect(attemptPath(id), http.StatusSeeOther)
}

func submitPaper(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("attempt", fc.Params("attempt"))
	if err != nil {
		return err
	}
	k, err := keepPaper(ctx, c, fc, id)
	if err != nil {
		return err
	}
	// At the end of the time it is handed in as it is: nobody can change anything any more.
	if k.refused > 0 && !k.over {
		return k.notAll(true)
	}
	// Whoever left something out is asked once, as long as there is time to go back.
	if k.left > 0 && !k.sure && !k.over {
		if err := c.Permit(policy.Facts{Owner: true, AttemptOpen: true, WithinDeadline: true, WithinGrace: true}); err != nil {
			return err
		}
		return fc.Redirect(attemptPath(id)+"/hand-in", http.StatusSeeOther)
	}
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
		_, err := attempts.SubmitAttempt(ctx, c, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	if k.refused > 0 {
		web.Notify(c, fc, handedInSome)
	} else {
		web.Notify(c, fc, handedIn)
	}
	return fc.Redirect(attemptPath(id)+"/result", http.StatusSeeOther)
}

func showResult(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := tenants.ParseID("attempt", fc.Params("attempt"))
	if err != nil {
		return err
	}
	r, err := attempts.AttemptResult(ctx, c, id)
	if domain.CodeOf(err) == domain.Conflict { // not handed in yet
		return fc.Redirect(attemptPath(id), http.StatusSeeOther)
	}
	if err != nil {
		return err
	}
	var steps *nextSteps
	if r.LearnerID == c.Claims.UserID {
		if steps, err = stepsAfter(ctx, c, r); err != nil {
			return err
		}
	}
	return pages.Render(c, fc, "result", web.Page{Title: c.Say("learner.result", "Title", r.Title), Data: onResult(c.Language, r, steps)})
}
