package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain/classes"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// class is a class to be made, with the learners in it.
type class struct {
	id       uuid.UUID
	f        classes.Fields
	learners []uuid.UUID
}

// storeClasses adds classes with their enrolments; taken is exactly how many learners are given.
func (r *room) storeClasses(ctx context.Context, tx *tenants.Tx, list []class, enrolledAt time.Time) error {
	type seat struct{ class, learner uuid.UUID }
	var seats []seat
	for i, c := range list {
		if err := c.f.Validate(); err != nil {
			return fmt.Errorf("class %d: %w", i, err)
		}
		for _, l := range c.learners {
			seats = append(seats, seat{c.id, l})
		}
	}
	if err := count(ctx, tx, limits.Classes, len(list)); err != nil {
		return err
	}
	err := copyRows(ctx, tx, "classes", []string{"id", "title", "kind", "course_id", "school_id", "term_id", "coach_id", "grade", "starts_on", "ends_on", "meets", "weekly",
		"meeting_url", "seats", "open", "taken", "created_at"}, len(list), func(i int) []any {
		c := list[i]
		weekly, err := json.Marshal(slices.Concat([]classes.Slot{}, c.f.Weekly))
		if err != nil {
			panic(err) // numbers and strings always marshal
		}
		return []any{c.id, c.f.Title, c.f.Kind, pointed(c.f.CourseID), pointed(c.f.SchoolID), pointed(c.f.TermID), pointed(c.f.CoachID), c.f.Grade, date(c.f.StartsOn), date(c.f.EndsOn),
			c.f.Meets, string(weekly), c.f.MeetingURL, c.f.Seats, c.f.Open, len(c.learners), enrolledAt}
	})
	if err != nil {
		return err
	}
	return copyRows(ctx, tx, "enrolments", []string{"class_id", "learner_id", "enrolled_at"}, len(seats), func(i int) []any {
		return []any{seats[i].class, seats[i].learner, enrolledAt}
	})
}

func pointed(id *uuid.UUID) any {
	if id == nil {
		return nil
	}
	return idOrNull(*id)
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
func (r *room) smallClasses(courses []course, home school, terms []term, students []person) []class {
	from, to := r.season()
	coach, teacher := r.userID("coach", 1), r.userID("teacher", 1)
	now := currentTerm(terms, r.today)
	var list []class
	add := func(f classes.Fields, learners []person) {
		c := class{id: r.id("class", len(list)), f: f}
		for _, p := range learners {
			c.learners = append(c.learners, p.id)
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
			f.Weekly = append(f.Weekly, classes.Slot{Weekday: d, At: "16:00", Minutes: 60})
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
		f.SchoolID, f.CoachID, f.Open, f.Grade, f.Meets = &home.id, &teacher, false, "10", "Tuesdays and Thursdays, 4:00 to 5:00 pm"
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
