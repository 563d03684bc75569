package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/tenants"
	"lignum/tenants/files"
)

// readPacks reads the packs that come with the program and are made for a scheme of exams.
func readPacks(scheme string) ([]*pack.Pack, error) {
	var list []*pack.Pack
	for _, name := range packs.Names() {
		files, err := packs.Open(name)
		if err != nil {
			return nil, err
		}
		p, err := pack.Read(files)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
		if p.Scheme == scheme {
			list = append(list, p)
		}
	}
	return list, nil
}

// picturesOf are those of all packs.
func picturesOf(list []*pack.Pack) (all []files.Picture) {
	for _, p := range list {
		all = append(all, p.Pictures...)
	}
	return all
}

// course is an imported course with what learners do in it.
type course struct {
	id             uuid.UUID
	title, subject string
	lessons        []lesson
	tests          []paper                  // practice tests that need no person to mark them
	items          map[uuid.UUID][]bankItem // by section, without those that cannot earn marks at once
	sections       []catalog.Section
}

type lesson struct {
	id      uuid.UUID
	minutes int
}

type paper struct {
	id      uuid.UUID
	minutes int
	draws   []catalog.Draw
	grades  []pack.Grade
}

type bankItem struct {
	id      uuid.UUID
	section uuid.UUID
	name    string
	kind    string
	body    string
	content *item.Item
}

// importCourses imports the packs and gives their courses.
func importCourses(ctx context.Context, tx *tenants.Tx, list []*pack.Pack, pictures *files.Staged, now time.Time) ([]course, error) {
	out := make([]course, len(list))
	for i, p := range list {
		rep, err := catalog.Import(ctx, tx, p, pictures, now)
		if err != nil {
			return nil, err
		}
		if out[i], err = readCourse(ctx, tx, rep.CourseID, p.Title, p.Subject); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readCourse reads a course in an order that does not depend on its ids, which are new with every import.
func readCourse(ctx context.Context, q tenants.Querier, id uuid.UUID, title, subject string) (c course, err error) {
	c = course{id: id, title: title, subject: subject, items: map[uuid.UUID][]bankItem{}}
	rows := func(sql string, to func(row pgx.CollectableRow) error) {
		if err != nil {
			return
		}
		var found pgx.Rows
		if found, err = q.Query(ctx, sql, id.String()); err == nil {
			_, err = pgx.CollectRows(found, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, to(row) })
		}
	}
	rows(`SELECT id, code, title FROM course_sections WHERE course_id = $1::uuid AND active ORDER BY position`, func(row pgx.CollectableRow) error {
		var s catalog.Section
		defer func() { c.sections = append(c.sections, s) }()
		return row.Scan(&s.ID, &s.Code, &s.Title)
	})
	rows(`SELECT id, minutes FROM lessons WHERE course_id = $1::uuid AND active ORDER BY position`, func(row pgx.CollectableRow) error {
		var l lesson
		defer func() { c.lessons = append(c.lessons, l) }()
		return row.Scan(&l.id, &l.minutes)
	})
	byHand := map[uuid.UUID]bool{}
	rows(`SELECT id, section_id, name, kind, body::text FROM items WHERE course_id = $1::uuid AND active ORDER BY name`, func(row pgx.CollectableRow) error {
		var it bankItem
		if err := row.Scan(&it.id, &it.section, &it.name, &it.kind, &it.body); err != nil {
			return err
		}
		content, err := item.Unmarshal([]byte(it.body))
		if err != nil {
			return err
		}
		it.content = content
		if content.Kind.ByPerson() || !content.Scored() {
			byHand[it.section] = true
			return nil
		}
		c.items[it.section] = append(c.items[it.section], it)
		return nil
	})
	rows(`SELECT id, minutes, blueprint::text, grades::text FROM tests WHERE course_id = $1::uuid AND active AND kind = 'practice' ORDER BY position`, func(row pgx.CollectableRow) error {
		var p paper
		var draws, grades string
		if err := row.Scan(&p.id, &p.minutes, &draws, &grades); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(draws), &p.draws); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(grades), &p.grades); err != nil {
			return err
		}
		for _, d := range p.draws {
			if byHand[d.SectionID] || len(c.items[d.SectionID]) < d.Items {
				return nil
			}
		}
		c.tests = append(c.tests, p)
		return nil
	})
	return c, err
}

// coursesOf reads the tenant's imported courses.
func (r *room) coursesOf(ctx context.Context) (list []course, err error) {
	type head struct {
		ID             uuid.UUID
		Title, Subject string
	}
	packed, err := readPacks(r.scheme)
	if err != nil {
		return nil, err
	}
	slugs := make([]string, len(packed))
	for i, p := range packed {
		slugs[i] = p.Name
	}
	err = r.db.ReadFresh(ctx, func(q *tenants.Reader) error {
		rows, err := q.Query(ctx, `SELECT id, title, subject FROM courses WHERE slug = ANY ($1::text[]) ORDER BY slug`, slugs)
		if err != nil {
			return err
		}
		heads, err := pgx.CollectRows(rows, pgx.RowToStructByPos[head])
		if err != nil {
			return err
		}
		for _, h := range heads {
			c, err := readCourse(ctx, q, h.ID, h.Title, h.Subject)
			if err != nil {
				return err
			}
			list = append(list, c)
		}
		return nil
	})
	return list, err
}
