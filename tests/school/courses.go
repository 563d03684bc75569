package school

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/tenants"
)

// Made is a course that was imported, with the ids of what it has.
type Made struct {
	ID       uuid.UUID
	Slug     string
	Sections map[string]uuid.UUID // by code
	Lessons  []uuid.UUID          // in order, those that are taught
	Tests    []uuid.UUID          // in order, those that are offered
}

// Course imports a course, as the program does, and gives its ids. The same Name again with another content is a new version of the
// course, which drops what it does not hold. Empty: the Name maths, its Title the Name with a capital, the Subject Mathematics, Version 1.0.0, Language en,
// no level, scheme, summary, licence or author; each test is a practice test of 90 minutes that shows everything at once. A blueprint may
// ask for more items than there are, where nobody sits the test.
func Course(t testing.TB, db *tenants.DB, p pack.Pack) (m Made) {
	t.Helper()
	set(t, db, func(ctx context.Context, tx *tenants.Tx) (err error) {
		m, err = importCourse(ctx, tx, p)
		return err
	})
	return m
}

func importCourse(ctx context.Context, tx *tenants.Tx, p pack.Pack) (m Made, err error) {
	p.Name, p.Subject, p.Version, p.Language = cmp.Or(p.Name, "maths"), cmp.Or(p.Subject, "Mathematics"), cmp.Or(p.Version, "1.0.0"), cmp.Or(p.Language, "en")
	p.Title = cmp.Or(p.Title, string(p.Name[0]-'a'+'A')+p.Name[1:])
	p.Tests = slices.Clone(p.Tests)
	for i := range p.Tests {
		test := &p.Tests[i]
		test.Slug = cmp.Or(test.Slug, fmt.Sprintf("paper-%d", i+1))
		test.Title, test.Kind = cmp.Or(test.Title, test.Slug), cmp.Or(test.Kind, "practice")
		test.Minutes, test.Feedback = cmp.Or(test.Minutes, 90), cmp.Or(test.Feedback, "on_submit")
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return m, err
	}
	sum := sha256.Sum256(raw)
	p.Hash = cmp.Or(p.Hash, hex.EncodeToString(sum[:]))
	rep, err := catalog.Import(ctx, tx, &p, nil, time.Now().UTC())
	if err != nil {
		return m, err
	}
	m = Made{ID: rep.CourseID, Slug: p.Name, Sections: map[string]uuid.UUID{}}
	rows, err := tx.Query(ctx, "SELECT code, id FROM course_sections WHERE course_id = $1::uuid AND active", m.ID.String())
	if err != nil {
		return m, err
	}
	var code string
	var id uuid.UUID
	if _, err := pgx.ForEachRow(rows, []any{&code, &id}, func() error { m.Sections[code] = id; return nil }); err != nil {
		return m, err
	}
	for table, into := range map[string]*[]uuid.UUID{"lessons": &m.Lessons, "tests": &m.Tests} {
		rows, err := tx.Query(ctx, "SELECT id FROM "+table+" WHERE course_id = $1::uuid AND active ORDER BY position", m.ID.String())
		if err != nil {
			return m, err
		}
		if *into, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Lessons is a section "sets" with n lessons of 20 minutes: lesson-0, Lesson 0, and so on.
func Lessons(n int) pack.Section {
	s := pack.Section{Code: "sets", Title: "Sets"}
	for i := range n {
		s.Lessons = append(s.Lessons, pack.Lesson{Slug: fmt.Sprintf("lesson-%d", i), Title: fmt.Sprintf("Lesson %d", i), Minutes: 20, Markdown: "Text", HTML: "<p>Text</p>"})
	}
	return s
}

// Bank returns the items of a section, named after it: code-0 and so on.
func Bank(code string, items ...*item.Item) []pack.BankItem {
	list := make([]pack.BankItem, len(items))
	for i, it := range items {
		it.AssignIDs()
		list[i] = pack.BankItem{Name: fmt.Sprintf("%s-%d", code, i), Section: code, Item: it, Hash: it.Hash()}
	}
	return list
}
