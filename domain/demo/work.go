package demo

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/google/uuid"

	"lignum/domain/demo/rows"
	"lignum/domain/points"
	"lignum/tenants"
)

// work is what learners did in some weeks: everything that their reports and hand-ins would have left behind.
type work struct {
	progress []rows.Progress
	attempts []attempt
	earned   []earned
	days     map[dayOf]time.Time // learner and day -> the first work of the day
	active   map[dayOf]bool      // everybody who was signed in
}

type dayOf struct {
	day  time.Time
	user uuid.UUID
}

type earned struct {
	learner uuid.UUID
	at      time.Time
	day     time.Time
	what    points.Earning
}

// Two of the students are what a coach looks for: one stopped coming, one never began.
const (
	stopped  = smallStudents - 2 // index of student29
	neverWas = smallStudents - 1 // index of student30
)

// habit is how a student works.
type habit struct {
	pace  float64 // lessons completed for each that is due
	skill float64 // share of items answered right
	until int     // days since the season's first day on which the student worked last
}

func habitOf(i int, rnd *rand.Rand, days int) habit {
	h := habit{pace: 0.85 + 0.9*rnd.Float64(), skill: 0.5 + 0.45*rnd.Float64(), until: days - rnd.IntN(4)}
	switch {
	case i == stopped:
		h = habit{pace: 0.3, skill: 0.3, until: days - 14}
	case i%9 == 4:
		h.pace = 0.3 + 0.3*rnd.Float64() // slow, but here
	case i%11 == 5:
		h.skill = 0.28
	}
	return h
}

// work lets the students study the courses from the season's first day until now.
func (r *room) work(courses []course, students []rows.Person, from time.Time) *work {
	w := &work{days: map[dayOf]time.Time{}, active: map[dayOf]bool{}}
	rnd := r.random("work")
	days := int(r.today.Sub(from) / (24 * time.Hour))
	_, to := r.season()
	share := float64(days+1) / (to.Sub(from).Hours()/24 + 1)
	for i, p := range students {
		h := habitOf(i, rnd, days)
		if i == neverWas {
			continue
		}
		for ci := range courses {
			w.study(r, &courses[ci], p, h, from, share, rnd)
		}
		for d := 0; d <= h.until; d++ { // days of work that completed nothing
			if day := from.AddDate(0, 0, d); day.Weekday()%6 != 0 && rnd.IntN(3) > 0 {
				w.seen(r, p.ID, r.moment(day, rnd))
			}
		}
	}
	return w
}

// moment is a time in the afternoon or evening of a day, and not after now.
func (r *room) moment(day time.Time, rnd *rand.Rand) time.Time {
	t := at(day, 15*time.Hour+time.Duration(rnd.IntN(5*3600))*time.Second, r.loc)
	if t.After(r.in.Now) {
		t = r.in.Now.Add(-time.Duration(1+rnd.IntN(600)) * time.Second).UTC()
	}
	return t
}

// seen marks a moment of work and gives the tenant's date of it.
func (w *work) seen(r *room, learner uuid.UUID, t time.Time) time.Time {
	y, m, d := t.In(r.loc).Date()
	k := dayOf{time.Date(y, m, d, 0, 0, 0, 0, time.UTC), learner}
	if first, ok := w.days[k]; !ok || t.Before(first) {
		w.days[k] = t
	}
	w.active[k] = true
	return k.day
}

// present marks the working days of the last four weeks for one of the staff.
func (w *work) present(r *room, p rows.Person) {
	rnd := r.random("present " + p.UserName)
	for d := 27; d >= 0; d-- {
		if day := r.today.AddDate(0, 0, -d); day.Weekday()%6 != 0 && rnd.IntN(8) > 0 {
			w.active[dayOf{day, p.ID}] = true
		}
	}
}

// study is one student's way through one course: lessons in order over the days, a practice test after every
// second, some of them twice.
func (w *work) study(r *room, c *course, p rows.Person, h habit, from time.Time, share float64, rnd *rand.Rand) {
	done := min(len(c.lessons)-1, int(h.pace*share*float64(len(c.lessons))+0.5))
	if h.until < 0 || done < 0 {
		return
	}
	tries := map[uuid.UUID]int{}
	for j := 0; j <= done; j++ {
		l := c.lessons[j]
		t := r.moment(from.AddDate(0, 0, h.until*(j+1)/(done+1)), rnd)
		pr := rows.Progress{Learner: p.ID, Course: c.id, Lesson: l.id, Percent: 100, Seconds: l.minutes * (45 + rnd.IntN(30)), Counter: 3 + rnd.IntN(9), UpdatedAt: t}
		day := w.seen(r, p.ID, t)
		if j == done {
			pr.Percent, pr.Seconds = 15+5*rnd.IntN(14), pr.Seconds/2
		} else {
			w.earned = append(w.earned, earned{p.ID, t, day, points.ForLesson(l.id)})
		}
		pr.StartedAt = t.Add(-time.Duration(pr.Seconds) * time.Second)
		w.progress = append(w.progress, pr)
		if j%2 == 1 && j < done && len(c.tests) > 0 {
			test := c.tests[(1+j/2)%len(c.tests)]
			tries[test.id]++
			w.sit(r, c, test, p, tries[test.id], t.Add(2*time.Minute), h.skill, rnd)
			if again := t.Add(26 * time.Hour); rnd.IntN(3) == 0 && again.Before(r.in.Now.Add(-4*time.Hour)) {
				tries[test.id]++
				w.sit(r, c, test, p, tries[test.id], again, min(1, h.skill+0.1), rnd)
			}
		}
	}
}

// store writes the work: rows, points in the order of time, attendance.
func (w *work) store(ctx context.Context, tx *tenants.Tx) error {
	if err := rows.Lessons(ctx, tx, w.progress); err != nil {
		return err
	}
	if err := w.storeAttempts(ctx, tx); err != nil {
		return err
	}
	if err := w.storePoints(ctx, tx); err != nil {
		return err
	}
	return w.storeDays(ctx, tx)
}

// storePoints lets the points' own statement add the earnings, a month at a time, since it takes those of one month.
func (w *work) storePoints(ctx context.Context, tx *tenants.Tx) error {
	slices.SortStableFunc(w.earned, func(a, b earned) int { return a.at.Compare(b.at) })
	known := map[string]bool{}
	var months []string
	sets := map[string]*[5][]string{} // month -> learners, rules, refs, points, times
	for _, e := range w.earned {
		key := e.learner.String() + e.what.Rule + e.what.Ref
		if known[key] { // the first time counts
			continue
		}
		known[key] = true
		month := points.Month(e.day)
		s := sets[month]
		if s == nil {
			s = &[5][]string{}
			sets[month] = s
			months = append(months, month)
		}
		for i, v := range []string{e.learner.String(), e.what.Rule, e.what.Ref, fmt.Sprint(e.what.Points), e.at.Format(time.RFC3339Nano)} {
			s[i] = append(s[i], v)
		}
	}
	for _, month := range months {
		s := sets[month]
		_, err := tx.Exec(ctx, `SELECT count(*) FROM award_points($1::text[]::uuid[], $2::text[], $3::text[], $4::text[]::integer[], $5::text[]::timestamptz[], $6::text)`, s[0], s[1], s[2], s[3], s[4], month)
		if err != nil {
			return fmt.Errorf("points of %s: %w", month, err)
		}
	}
	return nil
}

func (w *work) storeDays(ctx context.Context, tx *tenants.Tx) error {
	var learners, days, times []string
	for _, k := range sortedDays(w.days) {
		learners, days, times = append(learners, k.user.String()), append(days, k.day.Format(time.DateOnly)), append(times, w.days[k].Format(time.RFC3339Nano))
	}
	_, err := tx.Exec(ctx, `SELECT attend($1::text[]::uuid[], $2::text[]::date[], $3::text[]::timestamptz[])`, learners, days, times)
	if err != nil {
		return fmt.Errorf("attendance: %w", err)
	}
	active := sortedDays(w.active)
	list := make([]rows.Day, len(active))
	for i, k := range active {
		list[i] = rows.Day{Day: k.day, User: k.user}
	}
	return rows.ActiveDays(ctx, tx, list)
}

func sortedDays[V any](m map[dayOf]V) []dayOf {
	list := make([]dayOf, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b dayOf) int {
		return cmp.Or(a.day.Compare(b.day), slices.Compare(a.user[:], b.user[:]))
	})
	return list
}
