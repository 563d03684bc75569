package load

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/tenants"
)

// Country is who and what a tenant has, as far as the load asks for it.
type Country struct {
	Desk     *Desk
	Tenant   *tenants.Tenant
	Learners []Person // with a place in a class that has a course, by user name
	Staff    []Person // teachers first, then administrators and officials
	Courses  map[uuid.UUID]*Course
}

// Course is what learners do in one.
type Course struct {
	ID      uuid.UUID
	Slug    string
	Lessons []Lesson
	Exam    uuid.UUID   // the test with the most items that may be taken as often as one likes
	Items   int         // of the exam
	Checks  []uuid.UUID // the other tests of that kind
}

// Lesson is one of a course.
type Lesson struct {
	ID   uuid.UUID
	Slug string
}

// ReadCountry looks a tenant over.
func ReadCountry(ctx context.Context, db *tenants.DB, tenant *tenants.Tenant, issuer string) (*Country, error) {
	c := &Country{Tenant: tenant, Courses: map[uuid.UUID]*Course{}}
	var err error
	if c.Desk, err = NewDesk(ctx, db, issuer); err != nil {
		return nil, err
	}
	err = db.ReadFresh(ctx, func(r *tenants.Reader) error {
		return errors.Join(c.readLearners(ctx, r), c.readStaff(ctx, r), c.readCourses(ctx, r))
	})
	c.Learners = slices.DeleteFunc(c.Learners, func(p Person) bool { return c.Courses[p.Course] == nil })
	return c, err
}

func (c *Country) readLearners(ctx context.Context, r *tenants.Reader) error {
	rows, err := r.Query(ctx, `SELECT DISTINCT ON (u.user_name) u.id, u.user_name, u.school_id, k.id, k.course_id FROM users u
		JOIN user_roles o ON o.user_id = u.id AND o.role = 'student' JOIN enrolments e ON e.learner_id = u.id AND e.state = 'active'
		JOIN classes k ON k.id = e.class_id AND k.state = 'active' AND k.course_id IS NOT NULL ORDER BY u.user_name, k.id`)
	if err != nil {
		return err
	}
	p := Person{}
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.UserName, &p.School, &p.Class, &p.Course}, func() error {
		p.Roles = []string{"student"}
		c.Learners = append(c.Learners, p)
		p = Person{}
		return nil
	})
	return err
}

func (c *Country) readStaff(ctx context.Context, r *tenants.Reader) error {
	rows, err := r.Query(ctx, `SELECT u.id, u.user_name, u.school_id, array_agg(DISTINCT o.role ORDER BY o.role),
			coalesce((SELECT k.id FROM classes k WHERE k.coach_id = u.id AND k.state = 'active' ORDER BY k.id LIMIT 1), '00000000-0000-0000-0000-000000000000')
		FROM users u JOIN user_roles o ON o.user_id = u.id WHERE o.role NOT IN ('student', 'guardian') GROUP BY u.id ORDER BY min(o.role) <> 'teacher', u.user_name`)
	if err != nil {
		return err
	}
	p := Person{}
	_, err = pgx.ForEachRow(rows, []any{&p.ID, &p.UserName, &p.School, &p.Roles, &p.Class}, func() error {
		c.Staff = append(c.Staff, p)
		p = Person{}
		return nil
	})
	return err
}

func (c *Country) readCourses(ctx context.Context, r *tenants.Reader) error {
	rows, err := r.Query(ctx, `SELECT c.id, c.slug, l.id, l.slug FROM courses c JOIN lessons l ON l.course_id = c.id AND l.active ORDER BY c.slug, l.position`)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var slug string
	var l Lesson
	if _, err := pgx.ForEachRow(rows, []any{&id, &slug, &l.ID, &l.Slug}, func() error {
		if c.Courses[id] == nil {
			c.Courses[id] = &Course{ID: id, Slug: slug}
		}
		c.Courses[id].Lessons = append(c.Courses[id].Lessons, l)
		return nil
	}); err != nil {
		return err
	}
	if rows, err = r.Query(ctx, `SELECT course_id, id, items FROM tests WHERE active AND attempts = 0 ORDER BY items DESC, position`); err != nil {
		return err
	}
	var test uuid.UUID
	var items int
	_, err = pgx.ForEachRow(rows, []any{&id, &test, &items}, func() error {
		switch course := c.Courses[id]; {
		case course == nil:
		case course.Exam == uuid.Nil:
			course.Exam, course.Items = test, items
		default:
			course.Checks = append(course.Checks, test)
		}
		return nil
	})
	return err
}

// Largest is the course whose exam has the most items, with its learners.
func (c *Country) Largest() (*Course, []Person) {
	var most *Course
	for _, course := range c.Courses {
		if course.Exam != uuid.Nil && (most == nil || course.Items > most.Items) {
			most = course
		}
	}
	var learners []Person
	for _, p := range c.Learners {
		if most != nil && p.Course == most.ID {
			learners = append(learners, p)
		}
	}
	return most, learners
}
