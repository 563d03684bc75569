// Package classes is who learns what, and with whom: classes and their seats, enrolments, the page of a class,
// progress through lessons, and the days on which a learner worked. A class has its days and a weekly rule; when it meets by them, domain/calendar says.
//
// It owns three words, each of them a view of the tenant's schema, which other rooms read in place of its tables. A learner has a place
// (places) in a class whatever becomes of it. They are enrolled (enrolled) by a place in a class that was not cancelled, one that is over included.
// A coach coaches those with a place in an active class of theirs (coached), and the course of an active class (active_classes).
package classes

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/words"
	"lignum/tenants"
)

// Kinds of class.
const (
	Live     = "live"      // meets at set times
	OnDemand = "on_demand" // each learner works when it suits
)

// State is whether a class goes on.
type State string

// States of a class.
const (
	Active    State = "active"
	Cancelled State = "cancelled"
	Ended     State = "ended"
)

// Words says the state, as it stands behind "the class is".
func (s State) Words() words.Text {
	switch s {
	case Active:
		return words.Say("classes.active")
	case Cancelled:
		return words.Say("classes.cancelled")
	case Ended:
		return words.Say("classes.ended")
	}
	return words.Plain(string(s))
}

// Fields are what somebody decides about a class.
type Fields struct {
	Title      string          `json:"title" doc:"The title: 1 to 200 characters"`
	Kind       string          `json:"kind" doc:"live: meets at set times; on_demand: learners work when it suits them"`
	CourseID   *uuid.UUID      `json:"course_id,omitempty" doc:"The course that the class takes"`
	SchoolID   *uuid.UUID      `json:"school_id,omitempty" doc:"The school that the class is for; without it, every school"`
	TermID     *uuid.UUID      `json:"term_id,omitempty" doc:"The term that the class belongs to"`
	CoachID    *uuid.UUID      `json:"coach_id,omitempty" doc:"The coach or teacher who leads the class"`
	Grade      string          `json:"grade" doc:"The grade that the class is for; at most 20 characters"`
	StartsOn   string          `json:"starts_on" doc:"The first day, such as 2026-09-07, in the tenant's time zone"`
	EndsOn     string          `json:"ends_on" doc:"The last day, at most two years after the first"`
	Meets      string          `json:"meets" doc:"When the class meets, in words for people; at most 200 characters"`
	Weekly     calendar.Weekly `json:"weekly" gorm:"serializer:json" doc:"The times of the week at which the class meets"`
	MeetingURL string          `json:"meeting_url" doc:"An https address for live meetings, shown only to those of the class"`
	Seats      int             `json:"seats" doc:"How many learners the class can take; 1 to 100,000"`
	Open       bool            `json:"open" doc:"Whether learners may register themselves"`

	// Version names what is above. With a change it is the one that was read: the change is refused when there is another now.
	// Empty with a change: it holds whatever was there.
	Version string `json:"version,omitempty" maxLength:"64" gorm:"-" doc:"The version of the class. With a change, send the version that you read: the answer is 409 when somebody else has changed the class since"`
}

// stored is a class as it stands in its table, for those who manage it. Its seats are taken and given back by the statements of places alone.
type stored struct {
	ID uuid.UUID
	Fields
	State State
	Taken int
}

// TableName is GORM's.
func (stored) TableName() string { return "classes" }

// Validate tells everything that is wrong as one domain.Invalid.
func (f *Fields) Validate() error {
	var p domain.Problems
	checkText(&p, "title", f.Title, 1, 200)
	checkText(&p, "grade", f.Grade, 0, 20)
	checkText(&p, "meets", f.Meets, 0, 200)
	if f.Kind != Live && f.Kind != OnDemand {
		p.Add("kind", "classes.must_be_live_or_on")
	}
	calendar.CheckDays(&p, f.StartsOn, f.EndsOn)
	if f.Seats < 1 || f.Seats > MostSeats {
		p.Add("seats", "classes.must_be_1_to_100")
	}
	if f.MeetingURL != "" {
		u, err := url.Parse(f.MeetingURL)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(f.MeetingURL) > 500 {
			p.Add("meeting_url", "classes.must_be_an_https_address")
		}
	}
	f.Weekly.Check(&p, "weekly")
	return p.Err()
}

func checkText(p *domain.Problems, name, s string, low, high int) {
	n := utf8.RuneCountInString(s)
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		p.Add(name, "classes.must_be_one_line_of")
	case n > high:
		p.Add(name, "classes.must_be_at_most_characters", "Most", high)
	case n < low || low > 0 && strings.TrimSpace(s) == "":
		p.Add(name, "domain.must_not_be_empty")
	}
}

// plain returns the fields as they are stored: a list of no times is a list, and the zero id names nothing.
func (f Fields) plain() Fields {
	if f.Weekly == nil {
		f.Weekly = calendar.Weekly{}
	}
	for _, id := range []**uuid.UUID{&f.CourseID, &f.SchoolID, &f.TermID, &f.CoachID} {
		if *id != nil && **id == uuid.Nil {
			*id = nil
		}
	}
	return f
}

func idText(id *uuid.UUID) *string {
	if id == nil || *id == uuid.Nil {
		return nil
	}
	s := id.String()
	return &s
}

func texts(ids []uuid.UUID) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}

// explain names the field whose reference leads nowhere.
func explain(err error) error {
	for constraint, field := range map[string]string{"classes_course_id_fkey": "course_id", "classes_school_id_fkey": "school_id",
		"classes_term_id_fkey": "term_id", "classes_coach_id_fkey": "coach_id"} {
		if tenants.IsViolation(err, constraint) {
			return domain.InvalidField(field, "classes.does_not_exist")
		}
	}
	return err
}
