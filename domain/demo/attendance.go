package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// attendance makes the days of April to September 2020, a week in a transaction, and publishes their figures to the
// platform as every day's job does.
func (r *room) attendance(ctx context.Context, schools []rows.School, homes []int, size sizes) error {
	days := spread(size.learnerDays, size.busiest, size.users)
	learners := r.learnerIDs(size.learners)
	err := r.chunks(ctx, "attendance", len(days), 7, func(tx *tenants.Tx, from, to int) error {
		return r.storeWeek(ctx, tx, days[from:to], learners, schools, homes)
	})
	if err != nil {
		return err
	}
	return r.once(ctx, "usage", func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `SELECT gate.publish_usage(d.day, d.users, coalesce(a.n, 0)::integer, $3::integer, 0, 0)
			FROM (SELECT day, count(*)::integer AS users FROM active_days WHERE day BETWEEN $1::text::date AND $2::text::date GROUP BY day) d
			LEFT JOIN (SELECT day, count(*) AS n FROM attendance WHERE day BETWEEN $1::text::date AND $2::text::date GROUP BY day) a ON a.day = d.day`,
			periodFrom.Format(time.DateOnly), periodTo.Format(time.DateOnly), size.learners)
		return err
	})
}

func (r *room) storeWeek(ctx context.Context, tx *tenants.Tx, week []dayCount, learners []uuid.UUID, schools []rows.School, homes []int) error {
	var attended, active []rows.Day
	for _, d := range week {
		rnd := r.random("day " + d.day.Format(time.DateOnly))
		// Those who came yesterday come again: learners are taken from the keen first ones, more of them on busy days.
		circle := min(len(learners), 3*d.users+50)
		if d.users > circle {
			return fmt.Errorf("%d users on %s are more than there are accounts", d.users, d.day.Format(time.DateOnly))
		}
		users := sample(rnd, circle, d.users)
		rnd.Shuffle(len(users), func(i, j int) { users[i], users[j] = users[j], users[i] })
		for i, u := range users {
			n := int(uint64(u) * 7919 % uint64(len(learners))) // spreads the keen over all schools: a prime that divides no size of ours keeps them different
			e := rows.Day{Day: d.day, User: learners[n], School: schools[homes[n]].ID, First: at(d.day, 7*time.Hour+time.Duration(rnd.IntN(13*3600))*time.Second, r.loc)}
			active = append(active, e)
			if i < d.learners {
				attended = append(attended, e)
			}
		}
	}
	order := func(a, b rows.Day) int {
		if c := a.Day.Compare(b.Day); c != 0 {
			return c
		}
		return bytes.Compare(a.User[:], b.User[:])
	}
	slices.SortFunc(attended, order)
	slices.SortFunc(active, order)
	if err := rows.Attendance(ctx, tx, attended); err != nil {
		return err
	}
	return rows.ActiveDays(ctx, tx, active)
}
