package coach

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/attempts"
	classesapi "lignum/api/classes"
	coachingapi "lignum/api/coaching"
	peopleapi "lignum/api/people"
	"lignum/api/portal/choices"
	"lignum/api/web"
	"lignum/domain/assessment"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/domain/words"
	"lignum/policy"
)

// staffLearners is the learners of those who look after them.
func staffLearners(s *api.Server) {
	api.Page(s, api.Route{Path: "/learners", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "The learners that one looks after"}, showLearners)
	api.Page(s, api.Route{Path: "/learners/{learner}", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "One learner's progress"}, showLearner)
	api.Page(s, api.Route{Path: "/learners/{learner}/reason", Permission: policy.LearnerProgress, Summary: "Form of the reason for which a record is opened"}, askReason)
}

// RecordPath is the page of a learner's record as it opens to the reader; "" when it does not.
func RecordPath(id uuid.UUID, how coachingapi.RecordAccess) string {
	switch how {
	case coachingapi.OpensAtOnce:
		return "/learners/" + id.String()
	case coachingapi.OpensAsked:
		return "/learners/" + id.String() + "/reason"
	}
	return ""
}

// askReason shows the form that asks why a record is opened. It says nothing of the learner, not even whether there is one.
func askReason(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "learner")
	if err != nil {
		return err
	}
	if err := coachingapi.MayAskForRecord(c); err != nil {
		return err
	}
	return showReason(c, fc, id, &web.Form{})
}

func showReason(c *api.Call, fc *fiber.Ctx, id uuid.UUID, f *web.Form) error {
	return pages.Render(c, fc, "staff_reason", web.Page{Title: c.Say("coach.why_do_you_open_this"), Form: f, Data: "/learners/" + id.String()})
}

// learnerCard is a learner with the reasons in words.
type learnerCard struct {
	coaching.Learner
	Says   []says
	Places []placeLine
}

// shownPlaces is how many classes a card shows at once: those that need most.
const shownPlaces = 2

// First and Rest part the classes of a card.
func (c learnerCard) First() []placeLine { return c.Places[:min(shownPlaces, len(c.Places))] }

// Rest is what a card keeps folded.
func (c learnerCard) Rest() []placeLine { return c.Places[len(c.First()):] }

// says is one reason in words; Result is the test that it is about, when it opens to the reader.
type says struct{ Text, Result string }

// placeLine is one of the learner's classes on the card.
type placeLine struct {
	coaching.Place
	Result string
}

type learnersData struct {
	Classes, Show []web.Choice
	Behind, Well  []learnerCard
	More, Nobody  string
}

func showLearners(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.Asked(fc, "class", "show")
	filter := coachingapi.CoachFilter{Behind: f.Get("show") == "behind"}
	class, err := web.ChosenID(f, "class")
	if err != nil {
		return err
	}
	if class != nil {
		filter.Class = *class
	}
	list, err := coachingapi.CoachLearners(ctx, c, filter, api.Paging{Cursor: fc.Query("cursor"), Limit: 30})
	if err != nil {
		return err
	}
	d := learnersData{Show: []web.Choice{{Value: "", Text: c.Say("coach.everybody")}, {Value: "behind", Text: c.Say("coach.those_who_fall_behind")}}, More: web.NextPage(fc, list.Next),
		Nobody: c.Say("coach.you_see_the_learners")}
	if filter.Behind {
		d.Nobody = c.Say("coach.nobody_is_behind")
	}
	var tests []uuid.UUID
	for _, l := range list.Items {
		for _, p := range l.Classes {
			if p.LastTest != nil {
				tests = append(tests, p.LastTest.AttemptID)
			}
		}
	}
	opens, err := attempts.MayOpenResults(ctx, c, tests)
	if err != nil {
		return err
	}
	for _, l := range list.Items {
		card := learnerCard{Learner: l, Says: reasonsInWords(c.Language, l, c.Tenant.Today(c.Now).Format("2006-01-02"), opens)}
		for _, p := range l.Classes {
			card.Places = append(card.Places, placeLine{p, resultOf(p.LastTest, opens)})
		}
		if l.Behind {
			d.Behind = append(d.Behind, card)
		} else {
			d.Well = append(d.Well, card)
		}
	}
	if d.Classes, err = coachedClasses(ctx, c, filter.Class); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_learners", web.Page{Title: c.Say("coach.my_learners"), Form: f, Data: d})
}

// resultOf is the page of a test's result; "" when there is none, or it does not open to the reader.
func resultOf(t *coaching.LastTest, opens map[uuid.UUID]bool) string {
	if t == nil || !opens[t.AttemptID] {
		return ""
	}
	return "/attempts/" + t.AttemptID.String() + "/result"
}

// coachedClasses offers the actor's own classes, and the one that is asked for.
func coachedClasses(ctx context.Context, c *api.Call, asked uuid.UUID) ([]web.Choice, error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return nil, err
	}
	all, err := choices.EveryPage(func(p api.Paging) (*api.List[classes.Class], error) {
		return classesapi.ListClasses(ctx, part, classesapi.ClassFilter{Coaching: true}, p)
	})
	choices := []web.Choice{{Value: "", Text: c.Say("coach.all_my_classes")}}
	for _, class := range all {
		choices = append(choices, web.Choice{Value: class.ID.String(), Text: class.Title})
	}
	if asked != uuid.Nil && !slices.ContainsFunc(choices, func(o web.Choice) bool { return o.Value == asked.String() }) {
		choices = append(choices, web.Choice{Value: asked.String(), Text: c.Say("coach.the_chosen_class")})
	}
	return choices, err
}

// reasonsInWords says why a learner counts as behind, in all classes together and each reason once: the lines of the classes below
// have the rest.
func reasonsInWords(in words.Language, l coaching.Learner, today string, opens map[uuid.UUID]bool) []says {
	var all []says
	if slices.Contains(l.Reasons, coaching.ReasonUnseen) {
		if l.LastActive == "" {
			all = append(all, says{Text: in.Say("coach.has_not_begun")})
		} else {
			all = append(all, says{Text: in.Say("coach.not_here_for", "Days", web.DaysBetween(in, l.LastActive, today))})
		}
	}
	slow, most := 0, 0
	for _, p := range l.Classes {
		if slices.Contains(p.Reasons, coaching.ReasonPace) {
			slow, most = slow+1, max(most, p.Shortfall)
		}
	}
	if slow > 0 {
		all = append(all, says{Text: in.Say("coach.lesson_time_missing_in", "N", slow, "Percent", most)})
	}
	tested := map[uuid.UUID]bool{} // two classes of one course have the same last test
	for _, p := range l.Classes {
		if slices.Contains(p.Reasons, coaching.ReasonScore) && p.LastTest != nil && !tested[p.LastTest.AttemptID] {
			tested[p.LastTest.AttemptID] = true
			all = append(all, says{in.Say("coach.score_in_test", "Percent", p.LastTest.Percent, "Title", p.LastTest.Title), resultOf(p.LastTest, opens)})
		}
	}
	return all
}

type learnerData struct {
	*coachingapi.LearnerRecord
	Tests          []attemptLine
	School, Reason string
	Card           string // the page that leads to a new sign-in card
	Seen           web.Chart
}

func showLearner(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "learner")
	if err != nil {
		return err
	}
	f := web.Asked(fc, "reason")
	rec, err := coachingapi.LearnerPage(ctx, c, id, f.Get("reason"))
	var refused *api.Problem
	if errors.As(err, &refused) && strings.HasSuffix(refused.Type, ":reason_required") {
		typed := f.Get("reason")
		for i := range refused.Errors {
			refused.Errors[i].Name = strings.TrimPrefix(refused.Errors[i].Name, "query.")
		}
		f.Again(fc, func(f *web.Form) error {
			if typed == "" {
				f.Message, f.Errors = words.Text{}, nil // nothing was wrong yet
			}
			return showReason(c, fc, id, f)
		})
	}
	if err != nil {
		return err
	}
	d := learnerData{LearnerRecord: rec, Reason: strings.TrimSpace(f.Get("reason")), Seen: seen(rec.Days, c)}
	if d.Tests, err = attemptLines(ctx, c, rec.Attempts); err != nil {
		return err
	}
	cards, err := peopleapi.MayGiveCards(ctx, c, []uuid.UUID{id})
	if err != nil {
		return err
	}
	d.Card = CardPath(id, cards[id])
	if rec.SchoolID != nil {
		names, err := choices.SchoolNames(ctx, c, rec.SchoolID)
		if err != nil {
			return err
		}
		d.School = names[*rec.SchoolID]
	}
	return pages.Render(c, fc, "staff_learner", web.Page{Title: rec.GivenName + " " + rec.FamilyName, Data: d})
}

// attemptLine is an attempt of the learner; Result is its page, when there is a result and it opens to the reader.
type attemptLine struct {
	assessment.Summary
	Result string
}

func attemptLines(ctx context.Context, c *api.Call, list []assessment.Summary) ([]attemptLine, error) {
	ids := make([]uuid.UUID, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	opens, err := attempts.MayOpenResults(ctx, c, ids)
	var lines []attemptLine
	for _, a := range list {
		line := attemptLine{Summary: a}
		if a.State != assessment.Open && opens[a.ID] {
			line.Result = "/attempts/" + a.ID.String() + "/result"
		}
		lines = append(lines, line)
	}
	return lines, err
}

// seen draws the last eight weeks: on how many days of each the learner worked.
func seen(days []string, c *api.Call) web.Chart {
	ch := web.Chart{ID: "seen", Title: c.Say("coach.days_in_eight_weeks")}
	worked := map[string]bool{}
	for _, day := range days {
		worked[day] = true
	}
	monday := c.Tenant.Today(c.Now)
	for monday.Weekday() != 1 {
		monday = monday.AddDate(0, 0, -1)
	}
	for week := 7; week >= 0; week-- {
		first := monday.AddDate(0, 0, -7*week)
		bar := web.Bar{Label: c.Language.Format(first, "day_and_month")}
		for day := range 7 {
			if worked[first.AddDate(0, 0, day).Format("2006-01-02")] {
				bar.Value++
			}
		}
		ch.Bars = append(ch.Bars, bar)
	}
	return ch
}
