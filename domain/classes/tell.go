package classes

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/calendar"
	"lignum/domain/notices"
	"lignum/domain/people"
	"lignum/tenants"
)

// tell leaves a notice about a class for its learners and its coaches, but not for whoever makes the change.
func tell(ctx context.Context, tx *tenants.Tx, kind notices.Kind, class uuid.UUID, p notices.Params, now time.Time, coaches ...*uuid.UUID) error {
	var others []uuid.UUID
	for _, coach := range coaches {
		if coach != nil && *coach != tx.Who().ID {
			others = append(others, *coach)
		}
	}
	rows, err := tx.Query(ctx, `SELECT u.id FROM places p JOIN users u ON u.id = p.learner_id WHERE p.class_id = $1::uuid AND u.state <> 'erased'
		UNION ALL SELECT id FROM users WHERE id = ANY($2::text[]::uuid[]) AND state <> 'erased'`, class.String(), texts(others))
	if err != nil {
		return err
	}
	to, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	p["class_id"] = class.String()
	return notices.Tell(ctx, tx, kind, p, to, now)
}

// tellLearners tells some learners what staff did with their place.
func tellLearners(ctx context.Context, tx *tenants.Tx, kind notices.Kind, class uuid.UUID, learners []uuid.UUID, now time.Time) error {
	var title string
	var to []uuid.UUID
	if err := tx.QueryRow(ctx, `SELECT title, ARRAY(SELECT id FROM users WHERE id = ANY($2::text[]::uuid[]) AND state <> 'erased') FROM classes WHERE id = $1::uuid`,
		class.String(), texts(learners)).Scan(&title, &to); err != nil {
		return missing(err)
	}
	return notices.Tell(ctx, tx, kind, notices.Params{"class": title, "class_id": class.String()}, to, now)
}

// tellOfChange tells those of a class what they must know of a change: when it meets, from when to when it runs, where, and whose it is.
func tellOfChange(ctx context.Context, tx *tenants.Tx, id uuid.UUID, was, is Fields, now time.Time) error {
	class := func() notices.Params { return notices.Params{"class": is.Title} }
	say := func(kind notices.Kind, p notices.Params) error {
		return tell(ctx, tx, kind, id, p, now, was.CoachID, is.CoachID)
	}
	if !slices.Equal(was.Weekly, is.Weekly) || was.Meets != is.Meets {
		p := class()
		p["when"], p["weekly"] = strings.TrimSuffix(is.Meets, "."), timesOf(is.Weekly) // as its teacher wrote it, or else day by day
		if err := say(notices.ClassMoved, p); err != nil {
			return err
		}
	}
	if was.StartsOn != is.StartsOn || was.EndsOn != is.EndsOn {
		p := class()
		p["from"], p["to"] = is.StartsOn, is.EndsOn
		if err := say(notices.ClassDates, p); err != nil {
			return err
		}
	}
	if was.MeetingURL != is.MeetingURL && is.MeetingURL != "" {
		if err := say(notices.ClassAddress, class()); err != nil {
			return err
		}
	}
	if is.coach() == was.coach() {
		return nil
	}
	if is.coach() == uuid.Nil {
		return say(notices.ClassNoCoach, class())
	}
	coach, err := tenants.Entity[people.User](tx).Select("given_name", "family_name").Where("id = ?", is.coach()).Take(ctx)
	if err != nil {
		return err
	}
	p := class()
	p["who"] = coach.GivenName + " " + coach.FamilyName
	return say(notices.ClassCoach, p)
}

// coach is whose the class is; uuid.Nil: nobody's.
func (f *Fields) coach() uuid.UUID {
	if f.CoachID == nil {
		return uuid.Nil
	}
	return *f.CoachID
}

// timesOf returns times of the week as a notice keeps them.
func timesOf(weekly calendar.Weekly) string {
	if len(weekly) == 0 {
		return notices.NoSetTime
	}
	var times []string
	for _, s := range weekly {
		times = append(times, notices.Slot(s.Weekday, s.At, s.Minutes))
	}
	return strings.Join(times, ",")
}
