package learner

import (
	"context"
	"html/template"

	"lignum/api"
	"lignum/api/attempts"
	"lignum/api/catalogue"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/domain/classes"
	"lignum/domain/words"
	"lignum/policy"
)

// resultData is a result with its answers in a form that a page can show.
type resultData struct {
	*assessment.Result
	Answers []resultItem
	Next    *nextSteps // nil: somebody else than the learner looks
}

// nextSteps is what a learner may do after a result.
type nextSteps struct {
	Verdict string // the result in words
	Course  string // slug
	Weak    []weakSection
	Again   bool // the test may be taken once more
}

// weakSection is a section of the syllabus that did not go well, with its lessons.
type weakSection struct {
	Title   string
	Percent int
	Lessons []classes.LessonState
}

// weakBelow is the percentage of a section's points under which its lessons are worth reading again.
const weakBelow = 70

// verdict says a result in words that fit it.
func verdict(l words.Language, r *assessment.Result) string {
	switch {
	case !r.Final:
		return l.Say("learner.verdict_not_final")
	case r.Percent >= 90:
		return l.Say("learner.verdict_excellent")
	case r.Percent >= 70:
		return l.Say("learner.verdict_well_done")
	case r.Passed:
		return l.Say("learner.verdict_passed")
	case r.Percent >= 30:
		return l.Say("learner.verdict_not_passed")
	}
	return l.Say("learner.verdict_hard")
}

// stepsAfter finds what the learner may do after a result. What the policy does not open any more, as after leaving the class, is
// left out.
func stepsAfter(ctx context.Context, c *api.Call, r *assessment.Result) (*nextSteps, error) {
	n := &nextSteps{Verdict: verdict(c.Language, r)}
	if test, err := c.Under(policy.TestRead); err == nil {
		a, err := attempts.TestPage(ctx, test, r.TestID)
		if err != nil && domain.CodeOf(err) != domain.NotFound && !api.Refused(err) {
			return nil, err
		}
		n.Again = err == nil && onTest(c.Language, a, true, c.Now).Closed == ""
	}
	var codes []string
	for _, s := range r.Sections {
		if r.Final && s.MaxScore > 0 && s.Percent < weakBelow {
			codes = append(codes, s.Section)
			n.Weak = append(n.Weak, weakSection{Title: s.Title, Percent: s.Percent})
		}
	}
	if len(codes) == 0 {
		return n, nil
	}
	lessons, err := c.Under(policy.LessonRead)
	if api.Refused(err) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	repeat, err := catalogue.LessonsToRepeat(ctx, lessons, r.CourseID, codes)
	if api.Refused(err) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	n.Course = repeat.Course
	for _, l := range repeat.Lessons {
		for i := range n.Weak {
			if n.Weak[i].Title == l.Section {
				n.Weak[i].Lessons = append(n.Weak[i].Lessons, l)
			}
		}
	}
	return n, nil
}

// resultItem is one question with what was answered and what came of it. It has neither methods nor embedded fields, since a template
// finds those slowly, and a paper has sixty of them.
type resultItem struct {
	Kind         item.Kind
	Own          bool // the learner looks
	Position     int
	Number       int // as people count; 0 for a text between questions
	Score        int // hundredths
	MaxScore     int
	Correct      bool
	NeedsMarking bool
	Answered     bool // or there is nothing to answer
	Stem         template.HTML
	Given        []item.Line
	RightAnswer  string
	Feedback     []template.HTML
	Comment      string
}

func onResult(l words.Language, r *assessment.Result, next *nextSteps) resultData {
	d := resultData{Result: r, Next: next, Answers: make([]resultItem, len(r.Questions))}
	questions := 0
	for i := range r.Questions {
		d.Answers[i].Own = r.Learner == ""
		if r.Questions[i].Item.Kind.Asks() {
			questions++
			d.Answers[i].Number = questions
		}
		d.Answers[i].show(l, &r.Questions[i])
	}
	return d
}

func (r *resultItem) show(l words.Language, q *assessment.ItemResult) {
	var given item.Response
	if len(q.Response) > 0 {
		if parsed, err := item.ParseResponse(q.Response); err == nil {
			given = parsed
		}
	}
	r.Kind, r.Given = q.Item.Kind, q.Item.Given(given)
	r.Position, r.Score, r.MaxScore, r.Correct, r.NeedsMarking = q.Position, q.Score, q.MaxScore, q.Correct, q.NeedsMarking
	r.Answered = r.Number == 0 || !given.Empty()
	r.Stem, r.RightAnswer, r.Comment = web.Safe(l, q.Item.Stem), q.RightAnswer, q.Comment
	for _, f := range q.Feedback {
		r.Feedback = append(r.Feedback, web.Safe(l, f))
	}
}
