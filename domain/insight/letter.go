package insight

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/letters"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	"lignum/tenants/mail"
)

// GetsWeek is the role whose people are written the week's figures, with those that include it, such as an administrator's.
const GetsWeek = "ministry_official"

// officialsAfter gives the next people, by id, who are written the week's figures, at most 500.
func officialsAfter(ctx context.Context, q tenants.Querier, after uuid.UUID) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, `WITH RECURSIVE officials(role) AS (
			SELECT $2::text UNION SELECT c.v0 FROM casbin_rules c JOIN officials o ON c.ptype = 'g' AND c.v1 = o.role)
		SELECT DISTINCT u.id FROM users u JOIN user_roles r ON r.user_id = u.id LEFT JOIN mail_wishes w ON w.user_id = u.id
		WHERE u.email IS NOT NULL AND u.state = 'active' AND u.id > $1::uuid AND w.figures IS DISTINCT FROM false AND r.role IN (SELECT role FROM officials)
		ORDER BY u.id LIMIT 500`, after.String(), GetsWeek)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// WriteWeek writes the figures of the week that is over to the officials who want them, on Mondays. It may run twice: an official has one letter a week. No figure is of fewer
// people than the pages show (MinCell).
func WriteWeek(ctx context.Context, j *jobs.Job) error {
	today := j.Tenant.Today(j.Due)
	if today.Weekday() != time.Monday {
		return nil
	}
	week := Period{today.AddDate(0, 0, -7), today.AddDate(0, 0, -1)}
	var figures [][2]words.Text
	for after := uuid.Nil; ; {
		var ids []uuid.UUID
		if err := j.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
			if ids, err = officialsAfter(ctx, r, after); err != nil || len(ids) == 0 || figures != nil {
				return err
			}
			figures, err = weekFigures(ctx, r, week, today, j.Tenant.Location())
			return err
		}); err != nil || len(ids) == 0 {
			return err
		}
		if err := j.DB.Write(ctx, j.Actor(), func(tx *tenants.Tx) error {
			to, err := letters.To(ctx, tx, ids...)
			if err != nil {
				return err
			}
			var list []mail.Letter
			for _, id := range ids {
				list = append(list, mail.Letter{Kind: "figures", To: to[id], Subject: words.Say("insight.letter.week", "From", moment(week.From), "To", moment(week.To)),
					Lines: []words.Text{words.Say("insight.letter.few_are_hidden", "Least", MinCell)}, Figures: figures,
					Button: words.Say("insight.letter.see_all"), Path: "/figures", Topic: mail.Figures, Once: "figures:" + today.Format(time.DateOnly), Life: 6 * 24 * time.Hour})
			}
			tx.Record(audit.Entry{Action: "mail.figures", ObjectKind: "mail", After: map[string]any{"letters": len(list), "from": week.From.Format(time.DateOnly)}})
			return mail.Write(ctx, tx, j.Now, list...)
		}); err != nil {
			return err
		}
		if after = ids[len(ids)-1]; len(ids) < 500 {
			return nil
		}
	}
}

func moment(day time.Time) words.Moment { return words.Moment{At: day, Layout: "long_date"} }

// weekFigures are how large the tenant is, and how many came on each day of a week.
func weekFigures(ctx context.Context, q tenants.Querier, week Period, today time.Time, zone *time.Location) ([][2]words.Text, error) {
	view := View{Today: today}
	s, err := Glance(ctx, q, today, zone, view)
	if err != nil {
		return nil, err
	}
	came, err := Attendance(ctx, q, week, ByDay, view)
	if err != nil {
		return nil, err
	}
	number := func(n *int) words.Text {
		if n == nil {
			return words.Say("insight.letter.too_few", "Least", MinCell)
		}
		return words.Say("insight.letter.number", "Count", *n)
	}
	list := [][2]words.Text{{words.Say("insight.letter.learners"), number(s.Learners)}, {words.Say("insight.letter.schools"), number(&s.Schools)}, {words.Say("insight.letter.classes"), number(&s.Classes)}}
	for _, c := range came.Cells {
		day, err := time.Parse(time.DateOnly, c.Key)
		if err != nil {
			return nil, err
		}
		list = append(list, [2]words.Text{words.Say("insight.letter.came_on", "Day", moment(day)), number(c.Count)})
	}
	return list, nil
}
