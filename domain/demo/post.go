package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"lignum/domain/calendar"
	"lignum/domain/classes"
	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// sizes is how much Post makes, in all, with what Small made.
type sizes struct {
	learners, schools             int // Jamaica
	animations, labs, assessments int // Jamaica
	learnerDays, busiest, users   int // Jamaica, April to September 2020
	classes                       int // The Bahamas
	islandLearners, islandSchools int
	coaches, enrolmentsEach       int
}

// postSizes is what the post reports, and around it what a country of that size has.
var postSizes = sizes{
	learners: 44_025, schools: 900,
	animations: 9_500, labs: 75, assessments: 1_000,
	learnerDays: 235_520, busiest: 12_000, users: 20_000,
	classes: 6_200, islandLearners: 4_000, islandSchools: 170, coaches: 250, enrolmentsEach: 6,
}

// chunk is how many accounts or entries one transaction adds.
const chunk = 5_000

func (r *room) postJamaica(ctx context.Context, size sizes) error {
	schools := r.schools(size.schools)
	if err := r.moreSchools(ctx, schools); err != nil {
		return err
	}
	courses, err := r.coursesOf(ctx)
	if err != nil {
		return err
	}
	homes := r.learnerHomes(schools, size.learners)
	return inTurn([]func() error{
		func() error {
			return r.morePeople(ctx, "student", "student", smallStudents+1, size.learners, schools, homes)
		},
		func() error {
			return r.morePeople(ctx, "teacher", "teacher", 2, size.schools, schools, inOrder(size.schools))
		},
		func() error { return r.schoolClasses(ctx, courses, schools, homes, size.learners) },
		func() error { return r.catalogue(ctx, size.animations, size.labs) },
		func() error { return r.assessments(ctx, courses, size.assessments) },
		func() error { return r.attendance(ctx, schools, homes, size) },
	})
}

func (r *room) postBahamas(ctx context.Context, size sizes) error {
	schools := r.schools(size.islandSchools)
	if err := r.moreSchools(ctx, schools); err != nil {
		return err
	}
	courses, err := r.coursesOf(ctx)
	if err != nil {
		return err
	}
	homes := r.learnerHomes(schools, size.islandLearners)
	return inTurn([]func() error{
		func() error {
			return r.morePeople(ctx, "student", "student", smallStudents+1, size.islandLearners, schools, homes)
		},
		func() error {
			return r.morePeople(ctx, "coach", "coach", 2, size.coaches, schools, r.homes(schools, size.coaches))
		},
		func() error { return r.islandClasses(ctx, courses, schools, size) },
	})
}

func inTurn(steps []func() error) error {
	for _, s := range steps {
		if err := s(); err != nil {
			return err
		}
	}
	return nil
}

func inOrder(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func (r *room) moreSchools(ctx context.Context, all []rows.School) error {
	more := all[r.smallSchools():]
	return r.chunks(ctx, "schools", len(more), chunk, func(tx *tenants.Tx, from, to int) error { return rows.Schools(ctx, tx, more[from:to]) })
}

// homes returns the school of the n-th person: the towns' schools are larger.
func (r *room) homes(schools []rows.School, n int) []int {
	rnd := r.random(fmt.Sprintf("homes %d", n))
	var lots []int
	for i := range schools {
		for range 1 + rnd.IntN(12) {
			lots = append(lots, i)
		}
	}
	out := make([]int, n)
	for i := range out {
		out[i] = pick(rnd, lots)
	}
	return out
}

// learnerHomes returns the school of each student; those of Small have theirs already.
func (r *room) learnerHomes(schools []rows.School, n int) []int {
	out := r.homes(schools, n)
	for i := range min(n, smallStudents) {
		out[i] = r.smallHome(i)
	}
	return out
}

// morePeople makes the people stem<first> to stem<last>; homes holds the school of stem1 at its beginning.
func (r *room) morePeople(ctx context.Context, stem, role string, first, last int, schools []rows.School, homes []int) error {
	if missing, err := r.missing(ctx, fmt.Sprintf("%ss/%d", stem, (last-first)/chunk*chunk)); err != nil || !missing {
		return err
	}
	hash, err := r.passwordHash(ctx)
	if err != nil {
		return err
	}
	return r.chunks(ctx, stem+"s", last-first+1, chunk, func(tx *tenants.Tx, from, to int) error {
		list := r.numbered(stem, role, first+from, first+to-1)
		rnd := r.random(fmt.Sprintf("grades %s %d", stem, from))
		for i := range list {
			list[i].SchoolID = schools[homes[first+from+i-1]].ID
			if role == "student" {
				list[i].Grade = fmt.Sprint(7 + rnd.IntN(5))
			}
		}
		return r.storePeople(ctx, tx, list, hash)
	})
}

// schoolClasses gives every school a class in each course with the school's teacher, and every learner a place in one
// of them. The learners of Small have classes already.
func (r *room) schoolClasses(ctx context.Context, courses []course, schools []rows.School, homes []int, learners int) error {
	if len(courses) == 0 {
		return nil
	}
	from, to := r.season()
	list := make([]class, 0, len(schools)*len(courses))
	for i, s := range schools {
		for j := range courses {
			teacher := r.userID("teacher", i+1)
			n := len(list)
			list = append(list, class{id: r.id("school class", n), f: classes.Fields{Title: courses[j].title + ", " + s.Name, Kind: classes.OnDemand, CourseID: &courses[j].id,
				SchoolID: &schools[i].ID, CoachID: &teacher, StartsOn: from.Format(time.DateOnly), EndsOn: to.Format(time.DateOnly), Seats: 30, Open: true}})
		}
	}
	for n := smallStudents; n < learners; n++ {
		c := &list[homes[n]*len(courses)+n%len(courses)]
		c.learners = append(c.learners, r.userID("student", n+1))
		c.f.Seats = max(c.f.Seats, len(c.learners)+5)
	}
	return r.chunks(ctx, "classes", len(list), 1_000, func(tx *tenants.Tx, a, b int) error {
		return r.storeClasses(ctx, tx, list[a:b], at(from, 14*time.Hour, r.loc))
	})
}

// islandClasses makes the classes of a country that offers very many: small groups in every subject, open to all schools,
// each learner in a few of them.
func (r *room) islandClasses(ctx context.Context, courses []course, schools []rows.School, size sizes) error {
	var there int // made by Small, or by the people of the tenant
	err := r.db.ReadFresh(ctx, func(q *tenants.Reader) error {
		return q.QueryRow(ctx, `SELECT count(*) FROM classes WHERE NOT id = ANY ($1::text[]::uuid[]) AND state = 'active'`, r.classIDs(size.classes)).Scan(&there)
	})
	if err != nil {
		return err
	}
	rnd := r.random("island classes")
	from, to := r.season()
	list := make([]class, max(0, size.classes-there))
	for i := range list {
		subject, coach, at := pick(rnd, subjects).title, r.userID("coach", 1+rnd.IntN(size.coaches)), rnd.IntN(len(schools))
		grade := fmt.Sprint(7 + rnd.IntN(6))
		c := class{id: r.id("island class", i), f: classes.Fields{Title: fmt.Sprintf("%s, grade %s, group %d, %s", subject, grade, i+1, schools[at].Region), Kind: classes.OnDemand,
			CoachID: &coach, Grade: grade, StartsOn: from.Format(time.DateOnly), EndsOn: to.Format(time.DateOnly), Seats: 8 + rnd.IntN(25), Open: true}}
		if rnd.IntN(3) == 0 {
			c.f.Kind, c.f.MeetingURL = classes.Live, fmt.Sprintf("https://meet.example/%s-%d", r.slug, i)
			c.f.Weekly = calendar.Weekly{{Weekday: 1 + rnd.IntN(5), At: fmt.Sprintf("%02d:00", 9+rnd.IntN(9)), Minutes: 60}}
		}
		for j := range courses {
			if courses[j].subject == subject {
				c.f.CourseID = &courses[j].id
			}
		}
		list[i] = c
	}
	for n := 1; n <= size.islandLearners && len(list) > 0; n++ {
		for _, i := range distinct(rnd.IntN, len(list), size.enrolmentsEach) {
			if c := &list[i]; len(c.learners) < c.f.Seats {
				c.learners = append(c.learners, r.userID("student", n))
			}
		}
	}
	return r.chunks(ctx, "classes", len(list), 1_000, func(tx *tenants.Tx, a, b int) error {
		return r.storeClasses(ctx, tx, list[a:b], at(from, 14*time.Hour, r.loc))
	})
}

func (r *room) classIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = r.id("island class", i).String()
	}
	return ids
}

// distinct draws up to k different numbers below n.
func distinct(draw func(int) int, n, k int) []int {
	out := make([]int, 0, k)
	seen := map[int]bool{}
	for range 4 * k {
		if i := draw(n); !seen[i] && len(out) < min(n, k) {
			seen[i] = true
			out = append(out, i)
		}
	}
	return out
}

// learnerIDs are the ids of student1 to studentN.
func (r *room) learnerIDs(n int) []uuid.UUID {
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = r.userID("student", i+1)
	}
	return ids
}
