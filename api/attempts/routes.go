// Package attempts is tests as they are taken: starting, saving, handing in, results, and marking by people.
package attempts

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/catalog/item"
	"lignum/policy"
	"lignum/tenants"
)

// AttemptRef names an attempt in a path.
type AttemptRef struct {
	Attempt uuid.UUID `path:"attempt" format:"uuid"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/tests/{test}", Permission: policy.TestRead, Tag: "Tests", Summary: "A test and its rules, and what one has made of it"},
		func(ctx context.Context, c *api.Call, in *struct {
			Test uuid.UUID `path:"test" format:"uuid"`
		}) (*assessment.Announcement, error) {
			return TestPage(ctx, c, in.Test)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/tests/{test}/window", Permission: policy.CalendarChange, Tag: "Tests", Summary: "Say when a test may be started; null for both: always",
		Detail: "Both times or neither, at most 60 days apart, and not over yet. An attempt that has begun keeps its deadline. The times are kept in whole seconds."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Test uuid.UUID `path:"test" format:"uuid"`
			Body calendar.Window
		}) (*calendar.Window, error) {
			return ScheduleTest(ctx, c, tx, in.Test, in.Body)
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/tests/{test}/attempts", Permission: policy.AttemptStart, Tag: "Tests", Status: http.StatusCreated, Summary: "Start an attempt, or go on with the one under way",
		Detail: "However often it is sent and from however many devices, one attempt comes of it. Nothing in the paper tells what is right. The ticket goes with each save of answers."},
		func(ctx context.Context, c *api.Call, in *struct {
			Test uuid.UUID `path:"test" format:"uuid"`
		}) (*OpenAttempt, error) {
			return StartAttempt(ctx, c, in.Test)
		})
	api.Query(s, api.Route{Path: "/api/v1/attempts/{attempt}/paper", Permission: policy.AttemptRead, Tag: "Tests", Summary: "One's own attempt under way, with the answers saved so far"},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (*OpenAttempt, error) {
			return AttemptPaper(ctx, c, in.Attempt)
		})
	api.Direct(s, api.Route{Method: http.MethodPut, Path: "/api/v1/attempts/{attempt}/answers", Permission: policy.AttemptAnswer, Tag: "Tests", Body: assessment.MaxSave + 64<<10, Summary: "Save answers",
		Detail: "May be sent again and in any order: for each position the highest counter counts. Each answer is judged alone. What comes back in `kept` as stored is never lost; what comes back in `refused`, with a reason for the person who typed it, was not taken, and an answer stored before it still counts; keep everything else and send it again. " +
			"A response names what the paper shows by its ids: " + item.Examples() + "; places of an order count from 1. `{}` takes an answer back."},
		func(ctx context.Context, c *api.Call, in *struct {
			AttemptRef
			Body struct {
				Ticket  string              `json:"ticket" minLength:"1" maxLength:"200"`
				Answers []assessment.Answer `json:"answers" minItems:"1" maxItems:"100"`
			}
		}) (*Saved, error) {
			return SaveAnswers(ctx, c, in.Attempt, in.Body.Ticket, in.Body.Answers)
		})
	// The attempt is its own key: handing in again gives the same result, however large, so an Idempotency-Key stores nothing.
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/attempts/{attempt}/submission", Permission: policy.AttemptSubmit, Tag: "Tests", Summary: "Hand an attempt in; again, it gives the same result"},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (res *assessment.Result, err error) {
			err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
				res, err = SubmitAttempt(ctx, c, tx, in.Attempt)
				return err
			})
			return res, err
		})
	// Before the path with a parameter, which would take it.
	api.Query(s, api.Route{Path: "/api/v1/attempts/to-mark", Permission: policy.AttemptMark, Tag: "Tests", Summary: "Attempts that wait for one's mark, the longest waiting first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[assessment.ToMark], error) {
			return AttemptsToMark(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/attempts/{attempt}", Permission: policy.AttemptRead, Tag: "Tests", Summary: "What came of an attempt",
		Detail: "A learner sees of the questions what the test's rule shows at this time; those who look after the learner see all."},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (*assessment.Result, error) {
			return AttemptResult(ctx, c, in.Attempt)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/attempts", Permission: policy.AttemptRead, Tag: "Tests", Summary: "One's own attempts, the newest first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[assessment.Summary], error) {
			return MyAttempts(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/learners/{learner}/attempts", Permission: policy.AttemptRead, Tag: "Tests", Summary: "A learner's attempts, for those who look after the learner"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Learner uuid.UUID `path:"learner" format:"uuid"`
		}) (*api.List[assessment.Summary], error) {
			return LearnerAttempts(ctx, c, in.Learner, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/attempts/{attempt}/marks", Permission: policy.AttemptMark, Tag: "Tests", Summary: "Mark what a machine cannot mark; with the last mark the score is final"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			AttemptRef
			Body MarkRequest
		}) (*assessment.MarkedState, error) {
			return MarkAttempt(ctx, c, tx, in.Attempt, in.Body)
		})
}
