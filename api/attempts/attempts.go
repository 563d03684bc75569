package attempts

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/api/catalogue"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// TestPage returns a test as it is announced, with what the viewer has made of it.
func TestPage(ctx context.Context, c *api.Call, test uuid.UUID) (*assessment.Announcement, error) {
	a, f, b := &assessment.Announcement{}, classes.CourseFacts{}, &pgx.Batch{}
	assessment.QueueAnnounced(b, test, c.Claims.UserID, c.Now, a)
	classes.QueueTestFacts(b, test, c.Claims.UserID, &f)
	if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error { return r.SendBatch(ctx, b).Close() }); err != nil {
		return nil, err
	}
	if err := c.Permit(catalogue.CourseFacts(f)); err != nil {
		return nil, err
	}
	return a, nil
}

// ScheduleTest sets when a test may be started, for all classes of the tenant; an empty window makes it one that is always
// open. It gives what is stored.
func ScheduleTest(ctx context.Context, c *api.Call, tx *tenants.Tx, test uuid.UUID, to calendar.Window) (*calendar.Window, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	w, err := assessment.ScheduleTest(ctx, tx, test, to, c.Now)
	return &w, err
}

// OpenAttempt is an attempt under way: its paper, and the ticket that each save of answers shows.
type OpenAttempt struct {
	Ticket string           `json:"ticket"`
	Paper  assessment.Paper `json:"paper"`
}

// StartAttempt returns the signed-in learner's attempt at a test: the one under way, or a new one.
func StartAttempt(ctx context.Context, c *api.Call, test uuid.UUID) (*OpenAttempt, error) {
	var f assessment.StartFacts
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = assessment.FactsOfStart(ctx, r, test, c.Claims.UserID, c.Now)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := c.Permit(policy.Facts{Owner: true, Enrolled: f.Enrolled, WindowOpen: f.WindowOpen, AttemptsLeft: f.AttemptsLeft}); err != nil {
		return nil, err
	}
	p, err := c.Server.Exams.StartPaper(ctx, c.DB, c.Actor, f, assessment.StartInput{TestID: test, LearnerID: c.Claims.UserID, Now: c.Now, Today: c.Day()})
	if err != nil {
		return nil, err
	}
	return open(c, p), nil
}

// paper returns an attempt of the signed-in learner with its ticket.
func paper(ctx context.Context, c *api.Call, attempt uuid.UUID) (*OpenAttempt, error) {
	var p *assessment.Paper
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		p, err = c.Server.Exams.Paper(ctx, r, c.Realm.Name(), attempt, c.Claims.UserID, c.Now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return open(c, p), nil
}

func open(c *api.Call, p *assessment.Paper) *OpenAttempt {
	return &OpenAttempt{Ticket: p.Ticket().Seal(c.DB.Vault(), c.Realm.Name()), Paper: *p}
}

// AttemptPaper returns the signed-in learner's attempt under way, to go on with: also on another device. An attempt whose
// time ran out is handed in on the way.
func AttemptPaper(ctx context.Context, c *api.Call, attempt uuid.UUID) (*OpenAttempt, error) {
	open, err := paper(ctx, c, attempt) // is the learner's own, or not found
	if err != nil {
		return nil, err
	}
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	if c.Now.After(open.Paper.Deadline.Add(assessment.SaveGrace)) && c.Tenant.Allows().Takes == policy.TakesChanges {
		if _, err := c.Server.Exams.CloseIfOverdue(ctx, c.DB, attempt, c.Now, c.Day()); err != nil {
			return nil, err
		}
		return nil, domain.Refuse(domain.Conflict, "attempts.the_time_for_this_test")
	}
	return open, nil
}

// Saved is what became of answers.
type Saved = assessment.Saved

// SaveAnswers stores answers in one round trip, each judged alone. The policy decides on the signed ticket; the statement asks owner, state
// and deadline once more.
func SaveAnswers(ctx context.Context, c *api.Call, attempt uuid.UUID, ticket string, answers []assessment.Answer) (*Saved, error) {
	t, err := assessment.OpenTicket(c.DB.Vault(), c.Realm.Name(), ticket)
	if err != nil {
		return nil, err
	}
	if t.AttemptID != attempt {
		return nil, domain.InvalidField("ticket", "attempts.is_of_another_attempt")
	}
	if err := c.Permit(attemptFacts(t.Facts(c.Claims.UserID, c.Now))); err != nil {
		return nil, err
	}
	saved, err := c.Server.Exams.SaveAnswers(ctx, c.DB, c.Actor, t, answers, c.Now)
	return &saved, err
}

func attemptFacts(f assessment.AttemptFacts) policy.Facts {
	return policy.Facts{Owner: f.Owner, CoachOf: f.CoachOf, Teaches: f.CoachOf, SameSchool: f.SameSchool,
		AttemptOpen: f.AttemptOpen, WithinDeadline: f.WithinDeadline, WithinGrace: f.WithinGrace}
}

// mayOnAttempt reads the facts about an attempt and asks the policy.
func mayOnAttempt(ctx context.Context, c *api.Call, q tenants.Querier, attempt uuid.UUID) (assessment.AttemptFacts, error) {
	f, err := assessment.FactsOf(ctx, q, attempt, c.Claims.UserID, c.Now)
	if err != nil {
		return f, err
	}
	return f, c.Permit(attemptFacts(f))
}

// SubmitAttempt hands the signed-in learner's attempt in and gives its result. Again, it gives the same result.
func SubmitAttempt(ctx context.Context, c *api.Call, tx *tenants.Tx, attempt uuid.UUID) (*assessment.Result, error) {
	may := func(f assessment.AttemptFacts) error { return c.Permit(attemptFacts(f)) }
	return c.Server.Exams.SubmitIf(ctx, tx, c.Realm.Name(), attempt, c.Claims.UserID, may, c.Now, c.Day())
}

// AttemptResult returns what came of an attempt. The learner sees of the items what the test's rule shows; staff see all.
func AttemptResult(ctx context.Context, c *api.Call, attempt uuid.UUID) (*assessment.Result, error) {
	var res *assessment.Result
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		var err error
		may := func(f assessment.AttemptFacts) error { return c.Permit(attemptFacts(f)) }
		if res, err = c.Server.Exams.ResultIf(ctx, r, c.Realm.Name(), attempt, c.Claims.UserID, may, c.Now); err != nil || res.LearnerID == c.Claims.UserID {
			return err
		}
		u, err := people.UserByID(ctx, r, res.LearnerID)
		res.Learner = u.GivenName + " " + u.FamilyName
		return err
	})
	return res, err
}

// MyAttempts lists the signed-in learner's attempts, the newest first.
func MyAttempts(ctx context.Context, c *api.Call, p api.Paging) (*api.List[assessment.Summary], error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	return attemptsOf(ctx, c, c.Claims.UserID, p)
}

// QueueMine adds the signed-in learner's last attempts, at most most of them.
func QueueMine(c *api.Call, r *api.Reading, most int, list *[]assessment.Summary) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	assessment.QueueAttempts(&r.Batch, c.Claims.UserID, most, list)
	return nil
}

// LearnerAttempts lists a learner's attempts, for those who look after the learner.
func LearnerAttempts(ctx context.Context, c *api.Call, learner uuid.UUID, p api.Paging) (*api.List[assessment.Summary], error) {
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		t, err := classes.TiesTo(ctx, r, c.Claims.UserID, learner)
		if err != nil {
			return err
		}
		if err := c.Permit(policy.Facts{Owner: t.Self, CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool}); err != nil {
			return err
		}
		if !t.Learner && !t.Self {
			return api.NoLearner()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return attemptsOf(ctx, c, learner, p)
}

func attemptsOf(ctx context.Context, c *api.Call, learner uuid.UUID, p api.Paging) (*api.List[assessment.Summary], error) {
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[assessment.Summary], error) {
		return assessment.Attempts(ctx, r, learner, p.Page())
	})
}

// AttemptsToMark lists attempts that wait for the signed-in person, the longest waiting first.
func AttemptsToMark(ctx context.Context, c *api.Call, p api.Paging) (*api.List[assessment.ToMark], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	var f assessment.MarkFilter
	switch d.Scope {
	case policy.Assigned:
		f.CoachID = c.Claims.UserID
	case policy.Whole:
		f.Whole = true
	case policy.Own, policy.School, policy.Region, policy.Aggregate:
		return nil, api.FiguresOnly()
	default:
		return nil, api.FiguresOnly()
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[assessment.ToMark], error) {
		return assessment.AttemptsToMark(ctx, r, f, p.Page())
	})
}

// MarkRequest is one person's mark for one position.
type MarkRequest struct {
	Position int    `json:"position" minimum:"0" maximum:"1000" doc:"Position of the item in the paper, from 0"`
	Fraction int    `json:"fraction" minimum:"0" maximum:"10000" doc:"How many parts of the mark to give; of says how many parts there are"`
	Of       int    `json:"of,omitempty" minimum:"1" maximum:"10000" default:"10000" doc:"How many parts the whole mark has. Without it fraction is in hundredths of a percent. 1 of 3 gives exactly a third"`
	Comment  string `json:"comment,omitempty" maxLength:"2000" doc:"Feedback, shown to the learner"`
}

// MarkAttempt stores a mark for a position that a machine could not mark. With the last one the score is final.
func MarkAttempt(ctx context.Context, c *api.Call, tx *tenants.Tx, attempt uuid.UUID, in MarkRequest) (*assessment.MarkedState, error) {
	if _, err := mayOnAttempt(ctx, c, tx, attempt); err != nil {
		return nil, err
	}
	m, err := assessment.Mark(ctx, tx, assessment.MarkInput{AttemptID: attempt, Position: in.Position, Fraction: in.Fraction, Of: in.Of, Comment: in.Comment, Now: c.Now, Today: c.Day()})
	return &m, err
}

// MayOpenResults tells which attempts' results open to the actor.
func MayOpenResults(ctx context.Context, c *api.Call, attempts []uuid.UUID) (map[uuid.UUID]bool, error) {
	return api.Answers(ctx, c, attempts, []policy.Permission{policy.AttemptRead}, assessment.TiesToEach, func(t assessment.Ties) bool {
		return c.Would(policy.AttemptRead, policy.Facts{Owner: t.Owner, CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool})
	})
}
