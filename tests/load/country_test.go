package load_test

import (
	"fmt"
	"testing"
	"time"

	"lignum/api/portal"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/load"
	"lignum/tests/school"
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
	imported, err := catalog.ImportPack(ctx, s.DB(slug), s.API.Files, audit.Actor{Name: "load"}, p, false, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	course := imported.CourseID
	list := make([]school.Person, learners)
	for i := range list {
		list[i] = school.Person{UserName: fmt.Sprintf("load%d", i+1), GivenName: "Learner", FamilyName: fmt.Sprint(i + 1), Roles: []string{"student"}}
	}
	school.Classes(t, s.DB(slug), school.Class{Title: "Load", Course: course, Coach: teacher.ID, Learners: school.People(t, s.DB(slug), list...)})
	found, err := load.ReadCountry(ctx, s.DB(slug), s.Tenant(slug), c.Issuer(slug))
	if err != nil {
		t.Fatal(err)
	}
	if course, all := found.Largest(); len(all) != learners || course.Items != 60 || len(found.Staff) < 2 {
		t.Fatalf("%d learners, %d staff, an exam of %d items", len(all), len(found.Staff), course.Items)
	}
	return found
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
