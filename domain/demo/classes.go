package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// class is a class to be made, with the learners in it.
type class struct {
	id       uuid.UUID
	f        classes.Fields
	learners []uuid.UUID
}

// storeClasses adds classes as their rules would have let them through, with their enrolments.
func (r *room) storeClasses(ctx context.Context, tx *tenants.Tx, list []class, enrolledAt time.Time) error {
	made := make([]rows.Class, len(list))
	for i, c := range list {
		if err := c.f.Validate(); err != nil {
			return fmt.Errorf("class %d: %w", i, err)
		}
		weekly, err := domain.JSON(c.f.Weekly)
		if err != nil {
			return err
		}
		made[i] = rows.Class{ID: c.id, Title: c.f.Title, Kind: c.f.Kind, Course: pointed(c.f.CourseID), School: pointed(c.f.SchoolID), TermID: pointed(c.f.TermID),
			Coach: pointed(c.f.CoachID), Grade: c.f.Grade, StartsOn: date(c.f.StartsOn), EndsOn: date(c.f.EndsOn), Meets: c.f.Meets, Weekly: string(weekly),
			MeetingURL: c.f.MeetingURL, Seats: c.f.Seats, Closed: !c.f.Open, Learners: c.learners, EnrolledAt: enrolledAt}
	}
	return rows.Classes(ctx, tx, made)
}

func pointed(id *uuid.UUID) uuid.UUID {
	if id == nil {
		return uuid.Nil
	}
	return *id
}

// date reads a date that Fields.Validate has agreed to.
func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

// season is when the demo's classes run: six weeks of sixteen are over.
func (r *room) season() (from, to time.Time) {
	from = r.today.AddDate(0, 0, -42)
	from = from.AddDate(0, 0, -(int(from.Weekday())+6)%7) // a Monday
	return from, from.AddDate(0, 0, 16*7-3)
}

// smallClasses are the classes of the first look: for each course one that meets, one at the learner's own pace and one
// for a form; for the first course also one with a last seat, a full one, and one that is still to begin.
func (r *room) smallClasses(courses []course, home rows.School, terms []rows.Term, students []rows.Person) []class {
	from, to := r.season()
	coach, teacher := r.userID("coach", 1), r.userID("teacher", 1)
	now := currentTerm(terms, r.today)
	var list []class
	add := func(f classes.Fields, learners []rows.Person) {
		c := class{id: r.id("class", len(list)), f: f}
		for _, p := range learners {
			c.learners = append(c.learners, p.ID)
		}
		if f.StartsOn == "" {
			c.f.StartsOn, c.f.EndsOn = from.Format(time.DateOnly), to.Format(time.DateOnly)
		}
		if now != uuid.Nil {
			c.f.TermID = &now
		}
		list = append(list, c)
	}
	live := func(title string, course *uuid.UUID, seats int, days ...int) classes.Fields {
		f := classes.Fields{Title: title, Kind: classes.Live, CourseID: course, CoachID: &coach, Seats: seats, Open: true, MeetingURL: fmt.Sprintf("https://meet.example/%s-%d", r.slug, len(list))}
		for _, d := range days {
			f.Weekly = append(f.Weekly, calendar.Slot{Weekday: d, At: "16:00", Minutes: 60})
		}
		return f
	}
	for i := range courses {
		c := &courses[i]
		f := live(c.title+", live with a coach", &c.id, 40, 1, 3)
		f.Meets = "Mondays and Wednesdays, 4:00 to 5:00 pm"
		add(f, students[:20])
		add(classes.Fields{Title: c.title + " at your own pace", Kind: classes.OnDemand, CourseID: &c.id, CoachID: &coach, Seats: 500, Open: true}, students)
		f = live(c.title+", form 10A", &c.id, 35, 2, 4)
		f.SchoolID, f.CoachID, f.Open, f.Grade, f.Meets = &home.ID, &teacher, false, "10", "Tuesdays and Thursdays, 4:00 to 5:00 pm"
		add(f, students[:12])
		if i > 0 {
			continue
		}
		f = live(c.title+", small group", &c.id, 8, 5)
		f.Meets = "Fridays, 4:00 to 5:00 pm"
		add(f, students[:7])
		f = live(c.title+", exam clinic", &c.id, 6, 6)
		f.Meets = "Saturdays, 4:00 to 5:00 pm"
		add(f, students[10:16])
		f = live(c.title+", revision group", &c.id, 30, 2)
		f.Meets = "Tuesdays, 4:00 to 5:00 pm"
		f.StartsOn, f.EndsOn = r.today.AddDate(0, 0, 14).Format(time.DateOnly), r.today.AddDate(0, 0, 14+70).Format(time.DateOnly)
		add(f, nil)
	}
	return list
}
