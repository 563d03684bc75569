// Package attempts is tests as they are taken: starting, saving, handing in, results, and marking by people. When terms
// are is in api/calendar; the rules of scoring are in domain/assessment.
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
	Attempt uuid.UUID `path:"attempt" format:"uuid" doc:"The attempt's id"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/tests/{test}", Permission: policy.TestRead, Tag: "Tests", Summary: "Show a test, its rules and your attempts at it"},
		func(ctx context.Context, c *api.Call, in *struct {
			Test uuid.UUID `path:"test" format:"uuid" doc:"The test's id"`
		}) (*assessment.Announcement, error) {
			return TestPage(ctx, c, in.Test)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/tests/{test}/window", Permission: policy.CalendarChange, Tag: "Tests", Summary: "Set the times between which a test may be started",
		Detail: "Send both times or neither: null for both means always. They are at most 60 days apart, and the second lies in the future. An attempt that has begun keeps its deadline. The times are kept in whole seconds."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Test uuid.UUID `path:"test" format:"uuid" doc:"The test's id"`
			Body calendar.Window
		}) (*calendar.Window, error) {
			return ScheduleTest(ctx, c, tx, in.Test, in.Body)
		})
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/tests/{test}/attempts", Permission: policy.AttemptStart, Tag: "Tests", Status: http.StatusCreated, Summary: "Start an attempt, or continue the one that is open",
		Detail: "The request may be repeated, from several devices too: it makes one attempt. Nothing in the paper tells which answers are right. Send the ticket with each save of answers."},
		func(ctx context.Context, c *api.Call, in *struct {
			Test uuid.UUID `path:"test" format:"uuid" doc:"The test's id"`
		}) (*OpenAttempt, error) {
			return StartAttempt(ctx, c, in.Test)
		})
	api.Query(s, api.Route{Path: "/api/v1/attempts/{attempt}/paper", Permission: policy.AttemptRead, Tag: "Tests", Summary: "Show your open attempt with the answers saved so far"},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (*OpenAttempt, error) {
			return AttemptPaper(ctx, c, in.Attempt)
		})
	api.Direct(s, api.Route{Method: http.MethodPut, Path: "/api/v1/attempts/{attempt}/answers", Permission: policy.AttemptAnswer, Tag: "Tests", Body: assessment.MaxSave + 64<<10, Summary: "Save answers of an open attempt",
		Detail: "Saves may be repeated and may arrive in any order: for each position the answer with the highest counter counts. Each answer is checked on its own. An answer that comes back in `kept` with `stored` true is never lost. One that comes back in `refused`, with a reason for the person who typed it, was not taken, and an answer stored before it still counts. Keep everything else and send it again. " +
			"A response refers to parts of the question by the ids in the paper: " + item.Examples() + "; places in an ordering count from 1. `{}` takes an answer back."},
		func(ctx context.Context, c *api.Call, in *struct {
			AttemptRef
			Body struct {
				Ticket  string              `json:"ticket" minLength:"1" maxLength:"200" doc:"The ticket that came with the paper"`
				Answers []assessment.Answer `json:"answers" minItems:"1" maxItems:"100" doc:"The answers to save"`
			}
		}) (*Saved, error) {
			return SaveAnswers(ctx, c, in.Attempt, in.Body.Ticket, in.Body.Answers)
		})
	// The attempt is its own key: handing in again gives the same result, however large, so an Idempotency-Key stores nothing.
	api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/attempts/{attempt}/submission", Permission: policy.AttemptSubmit, Tag: "Tests", Summary: "Submit an attempt; repeating it gives the same result"},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (res *assessment.Result, err error) {
			err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
				res, err = SubmitAttempt(ctx, c, tx, in.Attempt)
				return err
			})
			return res, err
		})
	// Before the path with a parameter, which would take it.
	api.Query(s, api.Route{Path: "/api/v1/attempts/to-mark", Permission: policy.AttemptMark, Tag: "Tests", Summary: "List the attempts that wait for your mark, the longest waiting first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[assessment.ToMark], error) {
			return AttemptsToMark(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/attempts/{attempt}", Permission: policy.AttemptRead, Tag: "Tests", Summary: "Show an attempt and its score",
		Detail: "How much of the questions and answers a learner sees depends on the test's rules and the time. Those who look after the learner see everything."},
		func(ctx context.Context, c *api.Call, in *AttemptRef) (*assessment.Result, error) {
			return AttemptResult(ctx, c, in.Attempt)
		})
	api.Query(s, api.Route{Path: "/api/v1/me/attempts", Permission: policy.AttemptRead, Tag: "Tests", Summary: "List your attempts, newest first"},
		func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[assessment.Summary], error) {
			return MyAttempts(ctx, c, *in)
		})
	api.Query(s, api.Route{Path: "/api/v1/learners/{learner}/attempts", Permission: policy.AttemptRead, Tag: "Tests", Summary: "List a learner's attempts, for those who look after the learner"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			Learner uuid.UUID `path:"learner" format:"uuid" doc:"The learner's id"`
		}) (*api.List[assessment.Summary], error) {
			return LearnerAttempts(ctx, c, in.Learner, in.Paging)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/attempts/{attempt}/marks", Permission: policy.AttemptMark, Tag: "Tests", Summary: "Mark an answer that a machine cannot mark; the last mark makes the score final"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			AttemptRef
			Body MarkRequest
		}) (*assessment.MarkedState, error) {
			return MarkAttempt(ctx, c, tx, in.Attempt, in.Body)
		})
}
