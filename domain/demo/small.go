package demo

import (
	"context"
	"time"

	"github.com/google/uuid"

	"lignum/domain/calendar"
	"lignum/domain/demo/rows"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/files"
)

// smallStudents is how many students a tenant has at first.
const smallStudents = 30

// smallSchools is how many schools a tenant has at first: one in each region.
func (r *room) smallSchools() int { return len(placesOf(r.slug)) }

// small fills a tenant for a first look, whole or not at all.
func (r *room) small(ctx context.Context) error {
	if missing, err := r.missing(ctx, "small"); err != nil || !missing {
		return err
	}
	hash, err := r.passwordHash(ctx)
	if err != nil {
		return err
	}
	packed, err := readPacks(r.scheme)
	if err != nil {
		return err
	}
	schools, terms := r.schools(r.smallSchools()), r.terms()
	students := r.smallLearners(schools)
	staff := r.smallStaff(schools[0])
	pictures, err := r.in.Files.Stage(ctx, r.db, files.Lesson, picturesOf(packed), r.in.Now)
	if err != nil {
		return err
	}
	defer pictures.Done(ctx, false)
	return r.once(ctx, "small", func(tx *tenants.Tx) error {
		if err := rows.Schools(ctx, tx, schools); err != nil {
			return err
		}
		if err := rows.Terms(ctx, tx, terms); err != nil {
			return err
		}
		if err := r.storePeople(ctx, tx, append(staff, students...), hash); err != nil {
			return err
		}
		if err := r.openAdministrator(ctx, tx, hash); err != nil {
			return err
		}
		var listed []uuid.UUID // two of three have chosen to take part in the leaderboard
		for i := range students {
			if i%3 != 2 {
				listed = append(listed, students[i].ID)
			}
		}
		if err := people.ListAll(ctx, tx, listed, r.in.Now); err != nil {
			return err
		}
		if err := r.tieGuardian(ctx, tx, students); err != nil {
			return err
		}
		courses, err := importCourses(ctx, tx, packed, pictures, r.in.Now)
		if err != nil {
			return err
		}
		from, _ := r.season()
		list := r.smallClasses(courses, schools[0], terms, students)
		if err := r.storeClasses(ctx, tx, list, at(from, 15*time.Hour, r.loc)); err != nil {
			return err
		}
		w := r.work(courses, students, from)
		for i := range staff {
			w.present(r, staff[i])
		}
		if err := w.store(ctx, tx); err != nil {
			return err
		}
		return publish(ctx, tx, from, r.today.AddDate(0, 0, -1))
	})
}

// publish gives the platform the figures of past days, as every day's job does.
func publish(ctx context.Context, tx *tenants.Tx, from, to time.Time) error {
	_, err := tx.Exec(ctx, `SELECT gate.publish_usage(d.day, d.users, coalesce(a.n, 0)::integer, (SELECT n::integer FROM usage_counts WHERE kind = 'learners'),
			(SELECT n::integer FROM usage_counts WHERE kind = 'classes'), coalesce(t.n, 0)::integer)
		FROM (SELECT day, count(*)::integer AS users FROM active_days WHERE day BETWEEN $1::text::date AND $2::text::date GROUP BY day) d
		LEFT JOIN (SELECT day, count(*) AS n FROM attendance GROUP BY day) a ON a.day = d.day
		LEFT JOIN (SELECT submitted_at::date AS day, count(*) AS n FROM attempts GROUP BY 1) t ON t.day = d.day`, from.Format(time.DateOnly), to.Format(time.DateOnly))
	return err
}

func (r *room) smallLearners(schools []rows.School) []rows.Person {
	students := r.numbered("student", "student", 1, smallStudents)
	for i := range students {
		students[i].SchoolID = schools[r.smallHome(i)].ID
		if r.slug != "celearn" {
			students[i].Grade = []string{"10", "11"}[i/12%2]
		}
	}
	return students
}

// smallHome is the number of the school of the i-th of the first students: most are in the first one.
func (r *room) smallHome(i int) int {
	if i < 20 {
		return 0
	}
	return 1 + (i-20)/5%(r.smallSchools()-1)
}

func (r *room) smallStaff(home rows.School) []rows.Person {
	var staff []rows.Person
	for _, s := range []struct {
		stem, role string
		atSchool   bool
	}{{"coach", "coach", true}, {"teacher", "teacher", true}, {"school", "school_administrator", true}, {"official", "ministry_official", false}, {"guardian", "guardian", false}} {
		p := r.numbered(s.stem, s.role, 1, 1)[0]
		if s.atSchool {
			p.SchoolID = home.ID
		}
		staff = append(staff, p)
	}
	return staff
}

// openAdministrator gives the demo password to the administrator of the tenant's beginning, unless a password was
// chosen already. The invitation has served then.
func (r *room) openAdministrator(ctx context.Context, tx *tenants.Tx, hash string) error {
	_, err := tx.Exec(ctx, `WITH opened AS (
			INSERT INTO credentials (user_id, password_hash, changed_at)
			SELECT id, $2::text, $3::timestamptz FROM users WHERE user_name_key = $1::text AND NOT has_password
			ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at RETURNING user_id
		) DELETE FROM sign_in_cards WHERE user_id IN (SELECT user_id FROM opened) AND used_at IS NULL`, administrator(r.slug).UserName, hash, r.in.Now)
	return err
}

// tieGuardian gives guardian1 a child with consent and one without.
func (r *room) tieGuardian(ctx context.Context, tx *tenants.Tx, students []rows.Person) error {
	guardian, given := r.userID("guardian", 1), r.in.Now.AddDate(0, 0, -30)
	return rows.Guardianships(ctx, tx, []rows.Guardianship{
		{Guardian: guardian, Learner: students[0].ID, Relationship: "mother", ConsentAt: given},
		{Guardian: guardian, Learner: students[1].ID, Relationship: "aunt"}})
}

// platform makes those who run the platform itself.
func (in *Input) platform(ctx context.Context) error {
	r := &room{in: in, name: "Lignum", db: in.DB(""), loc: time.UTC}
	if err := in.platformPeople(ctx, r); err != nil {
		return err
	}
	return r.once(ctx, "authenticators", func(tx *tenants.Tx) error {
		for _, name := range []string{"manager1", "operator1"} {
			if err := identity.GiveTOTP(ctx, tx, r.db, name, OTPSecret, r.in.Now); err != nil {
				return err
			}
		}
		return nil
	})
}

func (in *Input) platformPeople(ctx context.Context, r *room) error {
	if missing, err := r.missing(ctx, "small"); err != nil || !missing {
		return err
	}
	hash, err := r.passwordHash(ctx)
	if err != nil {
		return err
	}
	list := append(r.numbered("manager", "account_manager", 1, 1), r.numbered("operator", "operator", 1, 1)...)
	return r.once(ctx, "small", func(tx *tenants.Tx) error { return r.storePeople(ctx, tx, list, hash) })
}

// at is a time of day on a date where the tenant is.
func at(day time.Time, since time.Duration, loc *time.Location) time.Time {
	return calendar.Begins(day, loc).Add(since)
}
