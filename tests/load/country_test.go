package load_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/api/portal"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/load"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// serve is a server with pages.
func serve(t *testing.T) *apitest.Server {
	t.Helper()
	return apitest.New(t, portal.Register)
}

func client(t *testing.T, s *apitest.Server, connections int) *load.Client {
	t.Helper()
	c := load.NewClient(fmt.Sprintf("127.0.0.1:%d", s.Port), connections)
	t.Cleanup(c.Close)
	return c
}

// country fills a tenant with a course that has an exam of sixty items, and a class of learners with a teacher and an official.
func country(t *testing.T, s *apitest.Server, c *load.Client, slug string, learners int) *load.Country {
	t.Helper()
	ctx := t.Context()
	teacher := s.UserWith(slug, []string{"teacher"}, apitest.SecondFactor())
	s.User(slug, "ministry_official")
	files, err := packs.Open("csec-mathematics")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	s.Write(slug, func(tx *tenants.Tx) error {
		if _, err := catalog.Import(ctx, tx, p, time.Now().UTC()); err != nil {
			return err
		}
		return enrol(ctx, tx, teacher, learners)
	})
	found, err := load.ReadCountry(ctx, s.DB(slug), s.Tenant(slug), c.Issuer(slug))
	if err != nil {
		t.Fatal(err)
	}
	if course, all := found.Largest(); len(all) != learners || course.Items != 60 || len(found.Staff) < 2 {
		t.Fatalf("%d learners, %d staff, an exam of %d items", len(all), len(found.Staff), course.Items)
	}
	return found
}

func enrol(ctx context.Context, tx *tenants.Tx, teacher apitest.User, learners int) error {
	class, b := audit.NewID().String(), &pgx.Batch{}
	b.Queue(`INSERT INTO classes (id, course_id, title, kind, coach_id, starts_on, ends_on, seats, taken) SELECT $1::uuid, (SELECT id FROM courses LIMIT 1), 'Load', 'on_demand',
		$2::uuid, current_date - 30, current_date + 60, 1000, $3::integer`, class, teacher.ID.String(), learners)
	b.Queue(`WITH made AS (INSERT INTO users (id, user_name, user_name_key, given_name, family_name)
			SELECT gen_random_uuid(), 'load' || n, 'load' || n, 'Learner', n::text FROM generate_series(1, $2::integer) n RETURNING id
		), role AS (INSERT INTO user_roles (user_id, role) SELECT id, 'student' FROM made)
		INSERT INTO enrolments (class_id, learner_id) SELECT $1::uuid, id FROM made`, class, learners)
	return tx.SendBatch(ctx, b).Close()
}

// compare holds a journal against a tenant's schema as it is now.
func compare(t *testing.T, s *apitest.Server, slug string, j *load.Journal, since time.Time) load.Difference {
	t.Helper()
	stored, err := load.Read(t.Context(), s.Direct(t), s.Tenant(slug).SchemaName, since)
	if err != nil {
		t.Fatal(err)
	}
	d, err := j.Compare(stored)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
