package catalog_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func auditEntry(action string) audit.Entry { return audit.Entry{Action: action} }

func TestReads(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	ctx := context.Background()
	load(t, w, read(t, sample()))
	err := w.DB("jamaica").Read(ctx, func(r *tenants.Reader) error {
		for query, want := range map[string]int{"": 1, "SAMP": 1, "100%": 1, "1%0": 0, "_ample": 0, "nothing": 0} {
			list, err := catalog.Courses(ctx, r, catalog.CourseFilter{Query: query, Subject: "Mathematics", Scheme: "CSEC"}, domain.Page{})
			if err != nil || len(list.Items) != want {
				t.Errorf("courses %q: %d, want %d (%v)", query, len(list.Items), want, err)
			}
		}
		d, err := catalog.CourseBySlug(ctx, r, "sample")
		if err != nil {
			return err
		}
		var order []string
		for _, l := range d.Outline {
			order = append(order, l.Section+"/"+l.Slug)
		}
		if !slices.Equal(order, []string{"sets/venn", "sets/union", "algebra/terms"}) || len(d.Sections) != 2 || len(d.Papers) != 1 || d.Papers[0].Grades[0].Percent != 75 || d.Papers[0].Items != 2 {
			t.Errorf("detail: %v %+v", order, d)
		}
		if _, err := catalog.CourseBySlug(ctx, r, "nope"); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("an unknown course gives %v", err)
		}

		middle, err := lessonBySlug(ctx, r, "sample", "union")
		if err != nil {
			return err
		}
		if middle.Previous == nil || middle.Previous.Slug != "venn" || middle.Next == nil || middle.Next.Slug != "terms" || middle.HTML == "" || middle.SectionTitle != "Sets" {
			t.Errorf("lesson: %+v", middle)
		}
		for slug, ends := range map[string][2]bool{"venn": {false, true}, "terms": {true, false}} {
			l, err := lessonBySlug(ctx, r, "sample", slug)
			if err != nil || (l.Previous != nil) != ends[0] || (l.Next != nil) != ends[1] {
				t.Errorf("%s: %+v (%v)", slug, l, err)
			}
		}
		if _, err := lessonBySlug(ctx, r, "sample", "nope"); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("an unknown lesson gives %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestResourcesInParts(t *testing.T) {
	t.Parallel()
	w := testkit.New(t)
	ctx := context.Background()
	for i := range 3 {
		p := pack.Pack{Name: fmt.Sprintf("course-%d", i), Subject: fmt.Sprintf("Subject %d", i)}
		for n := range 300 {
			kind := "animation"
			if n%10 == 0 {
				kind = "lab"
			}
			p.Resources = append(p.Resources, pack.Resource{Kind: kind, Title: fmt.Sprintf("Title %d", n), URL: "https://media.example/x"})
		}
		school.Course(t, w.DB("jamaica"), p)
	}
	err := w.DB("jamaica").Read(ctx, func(r *tenants.Reader) error {
		var want int
		if err := r.QueryRow(ctx, "SELECT count(*) FROM resources").Scan(&want); err != nil {
			return err
		}
		seen := map[string]bool{}
		page, parts := domain.Page{Limit: 70}, 0
		last := ""
		for {
			list, err := catalog.Resources(ctx, r, catalog.ResourceFilter{}, page)
			if err != nil {
				return err
			}
			parts++
			for _, res := range list.Items {
				if seen[res.ID.String()] || res.Title < last {
					t.Fatalf("%s comes twice or out of order", res.Title)
				}
				seen[res.ID.String()], last = true, res.Title
			}
			if page.After = list.Next; page.After == "" {
				break
			}
		}
		if len(seen) != want || parts != (want+69)/70 {
			t.Errorf("%d resources in %d parts, want %d", len(seen), parts, want)
		}
		list, err := catalog.Resources(ctx, r, catalog.ResourceFilter{Kind: "lab", Subject: "Subject 1", Query: "title 3"}, domain.Page{})
		if err != nil || len(list.Items) == 0 {
			t.Errorf("filtered: %d (%v)", len(list.Items), err)
		}
		for _, res := range list.Items {
			if res.Kind != "lab" || res.Subject != "Subject 1" {
				t.Errorf("not asked for: %+v", res)
			}
		}
		for _, bad := range []domain.Page{{Limit: 201}, {Limit: -1}, {After: "%%"}, {After: "WyJhIl0"}, {After: "bnVsbA"}} {
			if _, err := catalog.Resources(ctx, r, catalog.ResourceFilter{}, bad); domain.CodeOf(err) != domain.Invalid {
				t.Errorf("%+v gives %v", bad, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lessonBySlug(ctx context.Context, q tenants.Querier, course, lesson string) (*catalog.Lesson, error) {
	b, l := &pgx.Batch{}, &catalog.Lesson{}
	catalog.QueueLesson(b, course, lesson, l)
	return l, q.SendBatch(ctx, b).Close()
}
