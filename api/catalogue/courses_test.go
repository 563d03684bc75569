package catalogue_test

import (
	"net/http"
	"testing"

	"lignum/api"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestCoursesAreFoundAndOpened(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	school.Course(t, w.DB("jamaica"), pack.Pack{Name: "biology", Subject: "Science", Level: "CSEC", Summary: "Cells and tides", Sections: []pack.Section{school.Lessons(1)}})
	titles := func(query string) (list []string) {
		t.Helper()
		for _, c := range apitest.As[api.List[catalog.Course]](w.Get(w.Student, "/api/v1/courses"+query)).Items {
			list = append(list, c.Title)
		}
		return list
	}
	for query, want := range map[string][]string{
		"":                              {"Biology", "Maths"},
		"?q=TIDES":                      {"Biology"},
		"?q=%25":                        nil, // a sign of the database's is a sign like others
		"?subject=Mathematics":          {"Maths"},
		"?subject=mathematics":          nil,
		"?level=CSEC&subject=Science":   {"Biology"},
		"?level=CSEC&q=maths":           nil,
		"?limit=1":                      {"Biology"},
		"?q=i&subject=Science&limit=50": {"Biology"},
	} {
		if got := titles(query); len(got) != len(want) || len(got) > 0 && (got[0] != want[0] || got[len(got)-1] != want[len(want)-1]) {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	first := apitest.As[api.List[catalog.Course]](w.Get(w.Student, "/api/v1/courses?limit=1"))
	rest := apitest.As[api.List[catalog.Course]](w.Get(w.Student, "/api/v1/courses?limit=1&cursor="+first.Next))
	if first.Next == "" || rest.Next != "" || len(rest.Items) != 1 || rest.Items[0].Title != "Maths" {
		t.Errorf("the second page: %+v", rest)
	}

	d := apitest.As[catalog.CourseDetail](w.Get(w.Student, apitest.Path("/courses/%s", apitest.CourseSlug)))
	if d.ID != w.Course || len(d.Sections) != 1 || len(d.Outline) != 3 || d.Outline[0].Slug != "lesson-0" {
		t.Errorf("a course: %+v", d)
	}
	w.Get(w.Student, "/api/v1/courses/alchemy").Want(http.StatusNotFound)
	w.Get(w.Student, apitest.Path("/courses/%s/lessons/none", apitest.CourseSlug)).Want(http.StatusNotFound)
	if p := w.Get(w.Student, "/api/v1/courses?limit=0").Want(http.StatusUnprocessableEntity).Problem(); len(p.Names()) != 1 || p.Names()[0] != "query.limit" {
		t.Errorf("a page of none: %+v", p)
	}
	w.Get(apitest.Anonymous("jamaica"), "/api/v1/courses").Want(http.StatusUnauthorized)
	if got := apitest.As[api.List[catalog.Course]](w.Get(w.User("bahamas", "student"), "/api/v1/courses")); len(got.Items) != 0 {
		t.Errorf("another country sees %+v", got.Items)
	}
}

// Everything is announced; the address of what belongs to a course is for those who have the course.
func TestAnAddressIsForThoseWhoHaveTheCourse(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.Pack.Resources = []pack.Resource{{Kind: "video", Title: "Sets in ten minutes", Section: "sets", Minutes: 10, URL: "https://media.example/sets"},
		{Kind: "lab", Title: "A lab", Section: "sets", Minutes: 30, URL: "https://media.example/lab"}}
	school.Course(t, w.DB("jamaica"), w.Pack)
	stranger := w.UserWith("jamaica", []string{"coach"}, apitest.At(w.SchoolID))
	w.Enrol(w.Student)
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(w.SchoolID))
	for name, c := range map[string]struct {
		who   apitest.User
		opens bool
	}{"a learner of the course": {w.Student, true}, "its coach": {w.Coach, true}, "another learner": {other, false}, "another coach": {stranger, false},
		"the tenant's administrator": {w.Admin, true}} {
		list := apitest.As[api.List[catalog.Resource]](w.Get(c.who, "/api/v1/resources?kind=video")).Items
		if len(list) != 1 || list[0].Title != "Sets in ten minutes" || (list[0].URL != "") != c.opens {
			t.Errorf("%s: %+v", name, list)
		}
	}
	if list := apitest.As[api.List[catalog.Resource]](w.Get(w.Student, "/api/v1/resources?q=LAB&subject=Mathematics")).Items; len(list) != 1 || list[0].Kind != "lab" {
		t.Errorf("by title: %+v", list)
	}
	w.Get(w.Student, "/api/v1/resources?kind=song").Want(http.StatusUnprocessableEntity)
}
