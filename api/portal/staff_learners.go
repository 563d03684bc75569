package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/web"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/policy"
	"lignum/tenants"
)

func init() {
	staffTable(staffLearners)
	// An official may open a record, for a reason, but has no list of learners: the link is for those who coach.
	web.AddLinks(web.Link{Path: "/learners", Text: "Learners", About: "See how your learners are doing, and who falls behind.", Permission: policy.QuestionAnswer, Order: 60})
}

// staffLearners is the learners of those who look after them.
func staffLearners(s *api.Server) {
	api.Page(s, api.Route{Path: "/learners", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "The learners that one looks after"}, showLearners)
	api.Page(s, api.Route{Path: "/learners/{learner}", Permission: policy.LearnerProgress, Parts: []policy.Permission{policy.ClassRead}, Summary: "One learner's progress"}, showLearner)
}

// learnerCard is a learner with the reasons in words.
type learnerCard struct {
	coaching.Learner
	Says []string
}

type learnersData struct {
	Classes, Show []web.Choice
	Behind, Well  []learnerCard
	Count         int // people behind; one may be so in two classes
	More, Nobody  string
}

func showLearners(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := asked(fc, "class", "show")
	filter := api.CoachFilter{Behind: f.Get("show") == "behind"}
	if f.Get("class") != "" {
		id, err := tenants.ParseID("class", f.Get("class"))
		if err != nil {
			return err
		}
		filter.Class = id
	}
	list, err := api.CoachLearners(ctx, c, filter, api.Paging{Cursor: fc.Query("cursor"), Limit: 30})
	if err != nil {
		return err
	}
	d := learnersData{Show: []web.Choice{{Value: "", Text: "Everybody"}, {Value: "behind", Text: "Those who fall behind"}}, More: nextPage(fc, list.Next),
		Nobody: "You see here the learners of classes that you teach or coach."}
	if filter.Behind {
		d.Nobody = "Nobody is behind just now. Well done, all of you!"
	}
	for _, l := range list.Items {
		card := learnerCard{l, reasonsInWords(l, c.Tenant.Today(c.Now).Format("2006-01-02"))}
		if !l.Behind {
			d.Well = append(d.Well, card)
			continue
		}
		if !slices.ContainsFunc(d.Behind, func(o learnerCard) bool { return o.LearnerID == l.LearnerID }) {
			d.Count++
		}
		d.Behind = append(d.Behind, card)
	}
	if d.Classes, err = coachedClasses(ctx, c, filter.Class); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_learners", web.Page{Title: "My learners", Form: f, Data: d})
}

// coachedClasses offers the actor's own classes, and the one that is asked for.
func coachedClasses(ctx context.Context, c *api.Call, asked uuid.UUID) ([]web.Choice, error) {
	part, err := c.Under(policy.ClassRead)
	if err != nil {
		return nil, err
	}
	all, err := everyPage(func(p api.Paging) (*api.List[classes.Class], error) {
		return api.ListClasses(ctx, part, api.ClassFilter{Coaching: true}, p)
	})
	choices := []web.Choice{{Value: "", Text: "All my classes"}}
	for _, class := range all {
		choices = append(choices, web.Choice{Value: class.ID.String(), Text: class.Title})
	}
	if asked != uuid.Nil && !slices.ContainsFunc(choices, func(o web.Choice) bool { return o.Value == asked.String() }) {
		choices = append(choices, web.Choice{Value: asked.String(), Text: "The chosen class"})
	}
	return choices, err
}

// reasonsInWords says why a learner counts as behind.
func reasonsInWords(l coaching.Learner, today string) []string {
	var says []string
	for _, reason := range l.Reasons {
		switch reason {
		case coaching.ReasonPace:
			says = append(says, fmt.Sprintf("%d %% of the lesson time due is missing", l.Shortfall))
		case coaching.ReasonUnseen:
			if l.LastActive == "" {
				says = append(says, "has not begun")
			} else {
				says = append(says, "not here for "+web.DaysBetween(l.LastActive, today))
			}
		case coaching.ReasonScore:
			if l.LastScore != nil {
				says = append(says, fmt.Sprintf("%d %% in the last test", *l.LastScore))
			}
		default:
			says = append(says, strings.ReplaceAll(reason, "_", " "))
		}
	}
	return says
}

type learnerData struct {
	*api.LearnerRecord
	School, Reason string
	Seen           web.Chart
}

func showLearner(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := pathID(fc, "learner")
	if err != nil {
		return err
	}
	f := asked(fc, "reason")
	rec, err := api.LearnerPage(ctx, c, id, f.Get("reason"))
	var refused *api.Problem
	if errors.As(err, &refused) && strings.HasSuffix(refused.Type, ":reason_required") {
		typed := f.Get("reason")
		for i := range refused.Errors {
			refused.Errors[i].Name = strings.TrimPrefix(refused.Errors[i].Name, "query.")
		}
		f.Again(fc, func(f *web.Form) error {
			if typed == "" {
				f.Message, f.Errors = "", nil // nothing was wrong yet
			}
			return pages.Render(c, fc, "staff_reason", web.Page{Title: "Why do you open this record?", Form: f})
		})
	}
	if err != nil {
		return err
	}
	d := learnerData{LearnerRecord: rec, Reason: strings.TrimSpace(f.Get("reason")), Seen: seen(rec.Days, c)}
	if rec.SchoolID != nil {
		names, err := schoolNames(ctx, c)
		if err != nil {
			return err
		}
		d.School = names.of(rec.SchoolID.String())
	}
	return pages.Render(c, fc, "staff_learner", web.Page{Title: rec.GivenName + " " + rec.FamilyName, Data: d})
}

// seen draws the last eight weeks: on how many days of each the learner worked.
func seen(days []string, c *api.Call) web.Chart {
	ch := web.Chart{ID: "seen", Title: "Days of work in each of the last eight weeks"}
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
		bar := web.Bar{Label: first.Format("2 Jan")}
		for day := range 7 {
			if worked[first.AddDate(0, 0, day).Format("2006-01-02")] {
				bar.Value++
			}
		}
		ch.Bars = append(ch.Bars, bar)
	}
	return ch
}
