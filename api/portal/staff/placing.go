package staff

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/api/portal/choices"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var (
	learnersPlaced  = web.Notice("learners-placed", "staff.the_learners_have_their_places")
	learnersRemoved = web.Notice("learners-removed", "staff.the_learners_have_no_place")
)

// staffPlacing is the places in a class that staff give and take.
func staffPlacing(s *api.Server) {
	api.Page(s, api.Route{Path: "/classes/manage/{class}/place", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead}, Summary: "Choose learners to place in a class"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showPlacing(ctx, c, fc, web.Asked(fc, "q", "grade", "school", "school_typed", "school_found"))
		})
	api.Page(s, api.Route{Method: http.MethodPost, Path: "/classes/manage/{class}/place", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead}, Summary: "Place learners in a class"}, placeLearners)
	api.Form(s, api.Route{Path: "/classes/manage/{class}/remove", Permission: policy.ClassManage, Parts: []policy.Permission{policy.LearnerRead}, Summary: "Take learners out of a class"}, removeLearners)
}

// mostListed is how many learners a page of candidates has.
const mostListed = 100

type placingData struct {
	Class        *classes.Fields
	ID           string
	Left         int // seats
	Grades       []web.Choice
	Schools      web.Options
	Any          bool // learners of every school
	Learners     []candidate
	Whole        int  // learners of the chosen form, all of whom may be placed at once; 0: no form is chosen
	TooMany      bool // for one go
	Newer, Older string
	Filtered     bool
}

type candidate struct {
	classesapi.Candidate
	School string
}

func showPlacing(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return err
	}
	school, wrong := choices.Picked(f, "school", choices.FindSchools(ctx, c, false))
	if wrong != nil && !f.Fail(wrong) { // the page is shown all the same, with those that it may be
		return wrong
	}
	filter := classesapi.CandidateFilter{Query: f.Text("q"), Grade: f.Text("grade")}
	if school != nil {
		filter.School = *school
	}
	page, err := classesapi.ReadClass(ctx, c, id)
	if err != nil {
		return err
	}
	list, err := classesapi.ClassCandidates(ctx, c, id, filter, api.Paging{Cursor: fc.Query("cursor"), Limit: mostListed})
	if err != nil {
		return err
	}
	grades, err := classesapi.ClassGrades(ctx, c, id, filter.School)
	if err != nil {
		return err
	}
	var schools []*uuid.UUID
	for _, one := range list.Items {
		schools = append(schools, one.SchoolID)
	}
	names, err := choices.SchoolNames(ctx, c, schools...)
	if err != nil {
		return err
	}
	d := placingData{Class: &page.Fields, ID: id.String(), Left: page.Seats - page.Taken, Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next),
		Filtered: filter != classesapi.CandidateFilter{}, Grades: []web.Choice{{Value: "", Text: c.Say("staff.every_grade")}}}
	for _, g := range grades {
		d.Grades = append(d.Grades, web.Choice{Value: g.Grade, Text: c.Say("staff.grade_without_a_place", "Grade", g.Grade, "Learners", strconv.Itoa(g.Learners))})
		if g.Grade == filter.Grade {
			d.Whole, d.TooMany = g.Learners, g.Learners > classes.MostPlaced
		}
	}
	if c.Would(policy.ClassManage, policy.Facts{}) {
		d.Any = true
		if d.Schools, err = choices.SchoolOptions(ctx, c, c.Say("staff.every_school"), false, f, "school"); err != nil {
			return err
		}
	}
	for _, one := range list.Items {
		name := ""
		if one.SchoolID != nil {
			name = names[*one.SchoolID]
		}
		d.Learners = append(d.Learners, candidate{one, name})
	}
	return pages.Render(c, fc, "staff_place", web.Page{Title: c.Say("staff.place_learners"), Form: f, Data: d})
}

// placedData is what became of those who were to get a place, when not all of them got one.
type placedData struct {
	*classes.Placement
	Class, ID string
	Reasons   []unplaced
	Strangers int // of other schools: they are not named
}

type unplaced struct{ Name, Says string }

func placeLearners(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showPlacing(ctx, c, fc, f) })
	in := classesapi.PlaceRequest{}
	if f.Has("whole") {
		in.Grade = f.Text("grade")
		if in.SchoolID, err = web.ChosenID(f, "school"); err != nil {
			return err
		}
	} else if in.LearnerIDs, err = tickedIDs(f, "learner"); err != nil {
		return err
	}
	var out *classes.Placement
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) (err error) {
		out, err = classesapi.PlaceLearners(ctx, c, tx, id, in)
		return err
	})
	if err != nil {
		return renameFields(renameFields(err, "body.learner_ids", "learner"), "body.grade", "grade")
	}
	if len(out.Refused) == 0 {
		web.Notify(c, fc, learnersPlaced)
		return fc.Redirect("/classes/manage/"+id.String(), http.StatusSeeOther)
	}
	page, err := classesapi.ReadClass(ctx, c, id)
	if err != nil {
		return err
	}
	d := placedData{Placement: out, Class: page.Title, ID: id.String()}
	for _, one := range out.Refused {
		name := strings.TrimSpace(one.GivenName + " " + one.FamilyName)
		if one.Reason == classes.ReasonNotYours || name == "" {
			d.Strangers++
			continue
		}
		d.Reasons = append(d.Reasons, unplaced{name, unplacedInWords(c.Language, one.Reason)})
	}
	return pages.Render(c, fc, "staff_placed", web.Page{Title: c.Say("staff.who_has_a_place_now"), Data: d})
}

func unplacedInWords(l words.Language, reason string) string {
	switch reason {
	case classes.ReasonFull:
		return l.Say("staff.unplaced_full")
	case classes.ReasonNobody:
		return l.Say("staff.unplaced_nobody")
	}
	return l.Say("staff.unplaced_not_yours")
}

// tickedIDs reads the ids of check boxes; none at all is domain.Invalid.
func tickedIDs(f *web.Form, name string) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	for _, text := range f.Values[name] {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, domain.InvalidField(name, "domain.must_be_one_of_those")
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, domain.InvalidField(name, "staff.must_be_ticked_choose_at")
	}
	return ids, nil
}

func removeLearners(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showManaged(ctx, c, fc, f) })
	learners, err := tickedIDs(f, "learner")
	if err != nil {
		return "", err
	}
	if _, err := classesapi.RemoveLearners(ctx, c, tx, id, learners); err != nil {
		return "", err
	}
	web.Notify(c, fc, learnersRemoved)
	return "/classes/manage/" + id.String(), nil
}
