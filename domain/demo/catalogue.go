package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/demo/rows"
	"lignum/tenants"
)

// forms are what an animation shows of a topic.
var forms = []string{"step by step", "in daily life", "worked example", "common mistakes", "look closer", "how it works", "try it yourself", "in two minutes"}

// catalogue adds animations and labs in every subject, so many with those that packs brought.
func (r *room) catalogue(ctx context.Context, animations, labs int) error {
	type entry struct {
		id      uuid.UUID
		kind    string
		title   string
		subject string
		minutes int
	}
	var have [2]int
	err := r.db.ReadFresh(ctx, func(q *tenants.Reader) error {
		return q.QueryRow(ctx, `SELECT count(*) FILTER (WHERE kind = 'animation'), count(*) FILTER (WHERE kind = 'lab') FROM resources
			WHERE active AND NOT (course_id IS NULL AND url LIKE 'https://media.example/%')`).Scan(&have[0], &have[1])
	})
	if err != nil {
		return err
	}
	rnd := r.random("catalogue")
	var list []entry
	for i := range max(0, animations-have[0]) {
		s := subjects[i%len(subjects)]
		n := i / len(subjects)
		topic, form := s.topics[n%len(s.topics)], forms[n/len(s.topics)%len(forms)]
		list = append(list, entry{r.id("animation", i), "animation", fmt.Sprintf("%s: %s, %d", topic, form, 1+n/len(s.topics)/len(forms)), s.title, 2 + rnd.IntN(7)})
	}
	science := []int{2, 3, 4, 5} // in subjects: those with laboratories
	for i := range max(0, labs-have[1]) {
		s := subjects[science[i%len(science)]]
		n := i / len(science)
		list = append(list, entry{r.id("lab", i), "lab", fmt.Sprintf("Virtual lab: %s, experiment %d", s.topics[n%len(s.topics)], 1+n/len(s.topics)), s.title, 20 + 5*rnd.IntN(6)})
	}
	return r.chunks(ctx, "catalogue", len(list), chunk, func(tx *tenants.Tx, from, to int) error {
		return rows.Copy(ctx, tx, "resources", []string{"id", "kind", "title", "subject", "minutes", "url"}, to-from, func(i int) []any {
			e := list[from+i]
			return []any{e.id, e.kind, e.title, e.subject, e.minutes, "https://media.example/" + e.id.String()}
		})
	})
}

// testsPerCourse is how many mixed assessments stand in one course, so that no course's page grows without end.
const testsPerCourse = 50

// assessments makes mixed assessments over the real item banks: revision courses, each with copies of a course's sections
// and items, and tests that draw from two or three sections.
func (r *room) assessments(ctx context.Context, courses []course, total int) error {
	if len(courses) == 0 {
		return nil
	}
	n := (total + testsPerCourse - 1) / testsPerCourse
	return r.chunks(ctx, "assessments", n, 1, func(tx *tenants.Tx, i, _ int) error {
		return r.revisionCourse(ctx, tx, &courses[i%len(courses)], i, min(testsPerCourse, total-i*testsPerCourse))
	})
}

func (r *room) revisionCourse(ctx context.Context, tx *tenants.Tx, from *course, number, tests int) error {
	id := r.id("revision course", number)
	sections, items := map[uuid.UUID]uuid.UUID{}, []bankItem{}
	var kept []catalog.Section
	for _, s := range from.sections {
		if bank := from.items[s.ID]; len(bank) > 0 {
			sections[s.ID] = r.id(fmt.Sprintf("revision section %d", number), len(kept))
			kept, items = append(kept, s), append(items, bank...)
		}
	}
	title := fmt.Sprintf("%s revision, volume %d", from.title, number+1)
	_, err := tx.Exec(ctx, `INSERT INTO courses (id, slug, version, content_hash, title, subject, level, scheme, language, summary, licence, author, tests, items, imported_at)
		SELECT $1::uuid, $2::text, '1.0.0', 'demo', $3::text, subject, level, scheme, language, 'Mixed assessments over all sections, for revision.', licence, author,
			$5::integer, $6::integer, $7::timestamptz FROM courses WHERE id = $4::uuid`,
		id.String(), fmt.Sprintf("revision-%03d", number+1), title, from.id.String(), tests, len(items), r.in.Now)
	if err != nil {
		return err
	}
	err = rows.Copy(ctx, tx, "course_sections", []string{"id", "course_id", "code", "title", "position"}, len(kept), func(i int) []any {
		return []any{sections[kept[i].ID], id, kept[i].Code, kept[i].Title, i}
	})
	if err != nil {
		return err
	}
	err = rows.Copy(ctx, tx, "items", []string{"id", "course_id", "section_id", "name", "kind", "body", "content_hash"}, len(items), func(i int) []any {
		it := items[i]
		return []any{r.id(fmt.Sprintf("revision item %d", number), i), id, sections[it.section], it.name, it.kind, it.body, "demo"}
	})
	if err != nil {
		return err
	}
	var grades []pack.Grade
	if len(from.tests) > 0 {
		grades = from.tests[0].grades
	}
	return r.mixedTests(ctx, tx, id, number, tests, kept, sections, from.items, grades)
}

func (r *room) mixedTests(ctx context.Context, tx *tenants.Tx, course uuid.UUID, number, tests int, kept []catalog.Section, ids map[uuid.UUID]uuid.UUID,
	bank map[uuid.UUID][]bankItem, grades []pack.Grade) error {
	rnd := r.random(fmt.Sprintf("mixed %d", number))
	if grades == nil {
		grades = []pack.Grade{}
	}
	scale, err := json.Marshal(grades)
	if err != nil {
		return err
	}
	return rows.Copy(ctx, tx, "tests", []string{"id", "course_id", "slug", "title", "kind", "minutes", "instructions", "attempts", "feedback", "shuffle", "blueprint", "grades", "items", "position"},
		tests, func(i int) []any {
			var draws []catalog.Draw
			total := 0
			for _, s := range sample(rnd, len(kept), min(len(kept), 2+rnd.IntN(2))) {
				n := min(len(bank[kept[s].ID]), 5+rnd.IntN(6))
				draws, total = append(draws, catalog.Draw{SectionID: ids[kept[s].ID], Code: kept[s].Code, Items: n}), total+n
			}
			blueprint, err := json.Marshal(draws)
			if err != nil {
				panic(err) // ids, strings and numbers always marshal
			}
			at := number*testsPerCourse + i
			return []any{r.id("assessment", at), course, fmt.Sprintf("mixed-%04d", at+1), fmt.Sprintf("Mixed assessment %d", at+1), "assessment", max(10, total*2),
				"<p>Answer every item. The grade shown is an estimate.</p>", 3, "on_submit", true, string(blueprint), string(scale), total, i}
		})
}
