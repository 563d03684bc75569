package staff

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	coachingapi "lignum/api/coaching"
	peopleapi "lignum/api/people"
	"lignum/api/portal/choices"
	"lignum/api/portal/coach"
	"lignum/api/web"
	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

var (
	classOpened    = web.Notice("class-opened", "staff.the_class_is_open")
	classChanged   = web.Notice("class-changed", "staff.the_class_is_changed")
	classCancelled = web.Notice("class-cancelled", "staff.the_class_is_cancelled")
)

// staffClasses is the classes of those who manage them. Pages without a form need only a reading permission, so that they
// stay open while the tenant is read-only.
func staffClasses(s *api.Server) {
	api.Page(s, api.Route{Path: "/classes/manage", Permission: policy.LearnerRead, Summary: "Classes to manage"}, showManagedClasses)
	api.Page(s, api.Route{Path: "/classes/manage/new", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead, policy.CourseRead, policy.UserRead}, Summary: "Form of a new class"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			if err := classesapi.MayOpenClass(c); err != nil {
				return err
			}
			today := c.Tenant.Today(c.Now)
			f := (&web.Form{}).Set("kind", classes.Live).Set("open", "yes").Set("coach_id", c.Claims.UserID.String()).
				Set("starts_on", today.Format("2006-01-02")).Set("ends_on", today.AddDate(0, 3, 0).Format("2006-01-02"))
			return showClassForm(ctx, c, fc, nil, f)
		})
	api.Form(s, api.Route{Path: "/classes/manage", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead, policy.CourseRead, policy.UserRead}, Summary: "Open a class"}, openClass)
	api.Page(s, api.Route{Path: "/classes/manage/{class}", Permission: policy.LearnerRead, Summary: "A class as its teacher sees it"},
		func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
			return showManaged(ctx, c, fc, &web.Form{})
		})
	api.Page(s, api.Route{Path: "/classes/manage/{class}/edit", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead, policy.CourseRead, policy.UserRead}, Summary: "Form of a class"}, editClass)
	api.Form(s, api.Route{Path: "/classes/manage/{class}", Permission: policy.ClassManage, Parts: []policy.Permission{policy.ClassRead, policy.CourseRead, policy.UserRead}, Summary: "Change a class"}, changeClass)
	api.Form(s, api.Route{Path: "/classes/manage/{class}/cancel", Permission: policy.ClassManage, Parts: []policy.Permission{policy.LearnerRead}, Summary: "Cancel a class"}, cancelClass)
}

type managedClasses struct {
	MayOpen      bool
	Show         []web.Choice
	Classes      []classes.Class
	Newer, Older string
}

func showManagedClasses(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	f := web.Asked(fc, "q", "show")
	wide := c.May(policy.UserRead) // runs a school or the tenant
	d := managedClasses{MayOpen: classesapi.MayOpenAClass(c), Show: []web.Choice{{Value: "", Text: c.Say("staff.show_mine_running")}, {Value: "ended", Text: c.Say("staff.show_mine_past")}}}
	filter := classesapi.ClassFilter{Query: f.Text("q"), Coaching: true, All: f.Get("show") == "ended"}
	if wide {
		d.Show = []web.Choice{{Value: "", Text: c.Say("staff.show_running")}, {Value: "ended", Text: c.Say("staff.show_past")}, {Value: "mine", Text: c.Say("staff.show_mine")}}
		filter.Coaching = f.Get("show") == "mine"
	}
	list, err := classesapi.ManagedClasses(ctx, c, filter, api.Paging{Cursor: fc.Query("cursor")})
	if err != nil {
		return err
	}
	d.Classes, d.Newer, d.Older = list.Items, web.FirstPage(fc), web.NextPage(fc, list.Next)
	return pages.Render(c, fc, "staff_classes", web.Page{Title: c.Say("staff.manage_classes"), Form: f, Data: d})
}

type managedClass struct {
	Class                                   classes.Class
	Learners                                []classes.Learner
	Records                                 map[uuid.UUID]string // pages of the records that open to the reader
	Cards                                   map[uuid.UUID]string // pages that lead to a new sign-in card
	Newer, Older                            string
	MayManage, MayPlace, MayPrint, MayTests bool
	TakeOut                                 string // what happens to somebody who is taken out, in words
	Tests                                   []assessment.TestState
}

func showManaged(ctx context.Context, c *api.Call, fc *fiber.Ctx, f *web.Form) error {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return err
	}
	reading, err := c.Under(policy.LearnerRead) // also when a form of this page is shown again
	if err != nil {
		return err
	}
	list, err := classesapi.ClassLearners(ctx, reading, id, api.Paging{Cursor: fc.Query("cursor"), Limit: 100})
	if err != nil {
		return err
	}
	p, err := classesapi.ReadClass(ctx, reading, id)
	if err != nil {
		return err
	}
	d := managedClass{Class: p.Class, Learners: list.Items, Newer: web.FirstPage(fc), Older: web.NextPage(fc, list.Next), Tests: p.Tests,
		MayManage: classesapi.MayManageClass(c, p), MayPlace: classesapi.MayPlaceLearners(c, p), MayTests: classesapi.MaySeeTests(c, p),
		TakeOut: c.Say("staff.take_out_of_closed")}
	if p.Facts.ClassOpen {
		d.TakeOut = c.Say("staff.take_out_of_open")
	}
	ids := make([]uuid.UUID, len(list.Items))
	for i, l := range list.Items {
		ids[i] = l.ID
	}
	opens, err := coachingapi.MayOpenRecords(ctx, c, ids)
	if err != nil {
		return err
	}
	d.Records = map[uuid.UUID]string{}
	for id, how := range opens {
		d.Records[id] = coach.RecordPath(id, how)
	}
	cards, err := peopleapi.MayGiveCards(ctx, c, ids)
	if err != nil {
		return err
	}
	d.Cards = map[uuid.UUID]string{}
	for id, how := range cards {
		d.Cards[id] = coach.CardPath(id, how)
	}
	if d.MayPrint, err = peopleapi.MayPrintClassCards(ctx, c, id); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_class", web.Page{Title: p.Title, Form: f, Data: d})
}

// classForm is the form of a new class (ID "") or of one that is there.
type classForm struct {
	ID, Was          string
	Courses, Kinds   []web.Choice
	Coaches, Schools web.Options
}

func showClassForm(ctx context.Context, c *api.Call, fc *fiber.Ctx, is *classes.Class, f *web.Form) error {
	d := classForm{Kinds: []web.Choice{{Value: classes.Live, Text: c.Say("staff.kind_live")}, {Value: classes.OnDemand, Text: c.Say("staff.kind_on_demand")}}}
	title := c.Say("staff.new_class")
	if is != nil {
		d.ID, d.Was, title = is.ID.String(), is.Title, c.Say("staff.change_the_class")
	}
	var err error
	if d.Courses, err = choices.CourseChoices(ctx, c); err != nil {
		return err
	}
	if d.Schools, err = choices.SchoolChoices(ctx, c, policy.ClassManage, c.Say("staff.for_every_school"), f, "school_id"); err != nil {
		return err
	}
	if d.Coaches, err = choices.CoachChoices(ctx, c, is, f); err != nil {
		return err
	}
	return pages.Render(c, fc, "staff_class_form", web.Page{Title: title, Form: f, Data: d})
}

// classFields reads the form. Everything that a field must be is for classes.Fields to say.
func classFields(ctx context.Context, c *api.Call, f *web.Form) (in classes.Fields, err error) {
	in = classes.Fields{Title: f.Text("title"), Kind: f.Get("kind"), Grade: f.Text("grade"), StartsOn: f.Text("starts_on"), EndsOn: f.Text("ends_on"),
		Meets: f.Text("meets"), MeetingURL: f.Text("meeting_url"), Open: f.Get("open") == "yes", Version: f.Get("version")}
	var courseErr, coachErr, schoolErr, weeklyErr error
	in.CourseID, courseErr = web.ChosenID(f, "course_id")
	in.CoachID, coachErr = choices.Picked(f, "coach_id", choices.FindCoaches(ctx, c))
	in.SchoolID, schoolErr = choices.Picked(f, "school_id", choices.FindSchools(ctx, c, true))
	in.Weekly, weeklyErr = calendar.ReadWeekly(f.Get("weekly"))
	in.Seats, _ = strconv.Atoi(f.Text("seats")) // 0 is refused with the reason
	return in, allWrong(byLine(in.Validate()), courseErr, coachErr, schoolErr, weeklyErr)
}

// wrongLine says what is wrong in a line, by the name of the field.
var wrongLine = map[string]string{"at": "staff.wrong_line_at", "weekday": "staff.wrong_line_weekday", "minutes": "staff.wrong_line_minutes"}

// byLine says of the times of a class which line of the form is wrong, and not which element of a list.
func byLine(err error) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i, f := range d.Fields {
			var at int
			var part string
			if n, _ := fmt.Sscanf(f.Name, "weekly[%d].%s", &at, &part); n == 2 {
				d.Fields[i] = domain.Field{Name: "weekly", Reason: words.Say(wrongLine[part], "Line", at+1, "Reason", f.Reason)}
			}
		}
	}
	return err
}

// allWrong makes one refusal of several, so that a form says everything at once.
func allWrong(errs ...error) error {
	var all domain.Problems
	for _, err := range errs {
		var d *domain.Error
		switch {
		case err == nil:
		case errors.As(err, &d) && len(d.Fields) > 0:
			all = append(all, d.Fields...)
		default:
			return err
		}
	}
	return all.Err()
}

func openClass(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showClassForm(ctx, c, fc, nil, f) })
	in, err := classFields(ctx, c, f)
	if err != nil {
		return "", err
	}
	made, err := classesapi.CreateClass(ctx, c, tx, in)
	if err != nil {
		return "", err
	}
	web.Notify(c, fc, classOpened)
	return "/classes/manage/" + made.ID.String(), nil
}

// classToChange returns a class with all that was decided about it, under the permission to change it.
func classToChange(ctx context.Context, c *api.Call, id uuid.UUID) (*classes.Class, error) {
	managing, err := c.Under(policy.ClassManage)
	if err != nil {
		return nil, err
	}
	p, err := classesapi.ReadClass(ctx, managing, id)
	if err != nil {
		return nil, err
	}
	is, err := classesapi.ClassToChange(ctx, managing, id) // with what the page shows to those of the class alone
	if err != nil {
		return nil, err
	}
	p.Fields = *is
	return &p.Class, nil
}

func editClass(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return err
	}
	is, err := classToChange(ctx, c, id)
	if err != nil {
		return err
	}
	f := &web.Form{}
	for name, value := range map[string]string{"title": is.Title, "kind": is.Kind, "course_id": idText(is.CourseID), "coach_id": idText(is.CoachID), "school_id": idText(is.SchoolID),
		"grade": is.Grade, "starts_on": is.StartsOn, "ends_on": is.EndsOn, "meets": is.Meets, "meeting_url": is.MeetingURL, "weekly": is.Weekly.Typed(), "seats": strconv.Itoa(is.Seats), "version": is.Version} {
		f.Set(name, value)
	}
	if is.Open {
		f.Set("open", "yes")
	}
	return showClassForm(ctx, c, fc, is, f)
}

func idText(id *uuid.UUID) string {
	if id == nil {
		return ""
	}
	return id.String()
}

func changeClass(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error {
		is, err := classToChange(ctx, c, id)
		if err != nil {
			return err
		}
		return showClassForm(ctx, c, fc, is, f)
	})
	in, err := classFields(ctx, c, f)
	if err != nil {
		return "", err
	}
	if _, err = classesapi.ChangeClass(ctx, c, tx, id, in); err != nil {
		return "", err
	}
	web.Notify(c, fc, classChanged)
	return "/classes/manage/" + id.String(), nil
}

func cancelClass(ctx context.Context, c *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
	id, err := web.PathID(fc, "class")
	if err != nil {
		return "", err
	}
	f := web.ReadForm(fc)
	f.Again(fc, func(f *web.Form) error { return showManaged(ctx, c, fc, f) })
	if _, err := classesapi.CancelClass(ctx, c, tx, id, f.Text("reason")); err != nil {
		return "", err
	}
	web.Notify(c, fc, classCancelled)
	return "/classes/manage", nil
}
