package catalog

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain/catalog/pack"
	"lignum/tenants"
)

// Each statement gives one row: added, changed, unchanged, removed. xmax is 0 in a row that INSERT made and not in one
// that ON CONFLICT updated; a row that is the same is not touched at all.

const importSections = `WITH new AS (
	SELECT * FROM unnest($2::text[]::uuid[], $3::text[], $4::text[], $5::integer[]) AS n (id, code, title, position)
), saved AS (
	INSERT INTO course_sections AS s (id, course_id, code, title, position)
	SELECT id, $1::uuid, code, title, position FROM new
	ON CONFLICT (course_id, code) DO UPDATE SET title = excluded.title, position = excluded.position, active = true
	WHERE (s.title, s.position, s.active) IS DISTINCT FROM (excluded.title, excluded.position, true)
	RETURNING xmax = 0 AS added
), gone AS (
	UPDATE course_sections s SET active = false WHERE s.course_id = $1::uuid AND s.active AND s.code NOT IN (SELECT code FROM new) RETURNING 1
)` + importCounts

const importCounts = `
SELECT count(*) FILTER (WHERE added), count(*) FILTER (WHERE NOT added), (SELECT count(*) FROM new) - count(*), (SELECT count(*) FROM gone) FROM saved`

const importLessons = `WITH new AS (
	SELECT * FROM unnest($2::text[]::uuid[], $3::text[]::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[]::jsonb[], $10::integer[],
		$11::integer[]) AS n (id, section_id, slug, title, markdown, html, content_hash, pictures, position, minutes)
), saved AS (
	INSERT INTO lessons AS l (id, course_id, section_id, slug, title, markdown, html, content_hash, pictures, position, minutes)
	SELECT id, $1::uuid, section_id, slug, title, markdown, html, content_hash, pictures, position, minutes FROM new
	ON CONFLICT (course_id, slug) DO UPDATE SET section_id = excluded.section_id, title = excluded.title, markdown = excluded.markdown, html = excluded.html,
		content_hash = excluded.content_hash, pictures = excluded.pictures, position = excluded.position, minutes = excluded.minutes, active = true
	WHERE (l.section_id, l.title, l.content_hash, l.position, l.minutes, l.active)
		IS DISTINCT FROM (excluded.section_id, excluded.title, excluded.content_hash, excluded.position, excluded.minutes, true)
	RETURNING xmax = 0 AS added
), gone AS (
	UPDATE lessons l SET active = false WHERE l.course_id = $1::uuid AND l.active AND l.slug NOT IN (SELECT slug FROM new) RETURNING 1
)` + importCounts

// retireItems takes out what is gone or has a new version, so that the new version can be the current one. It gives how
// many names go on and how many end.
const retireItems = `WITH new AS (
	SELECT * FROM unnest($2::text[], $3::text[]) AS n (name, content_hash)
), retired AS (
	UPDATE items i SET active = false WHERE i.course_id = $1::uuid AND i.active AND (i.name, i.content_hash) NOT IN (SELECT name, content_hash FROM new)
	RETURNING i.name
)
SELECT count(*) FILTER (WHERE name IN (SELECT name FROM new)), count(*) FILTER (WHERE name NOT IN (SELECT name FROM new)) FROM retired`

// importItems adds versions, or takes an earlier one back into use. It gives how many are current that were not.
const importItems = `WITH saved AS (
	INSERT INTO items AS i (id, course_id, section_id, name, kind, category, body, content_hash)
	SELECT id, $1::uuid, section_id, name, kind, category, body::jsonb, content_hash
	FROM unnest($2::text[]::uuid[], $3::text[]::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
		AS n (id, section_id, name, kind, category, body, content_hash)
	ON CONFLICT (course_id, name, content_hash) DO UPDATE SET active = true WHERE NOT i.active
	RETURNING 1
)
SELECT count(*) FROM saved`

const importTests = `WITH new AS (
	SELECT id, slug, title, kind, instructions, feedback, shuffle::boolean, blueprint::jsonb, grades::jsonb, minutes, attempts, items, position
	FROM unnest($2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
		$11::integer[], $12::integer[], $13::integer[], $14::integer[])
		AS n (id, slug, title, kind, instructions, feedback, shuffle, blueprint, grades, minutes, attempts, items, position)
), saved AS (
	INSERT INTO tests AS t (id, course_id, slug, title, kind, instructions, feedback, shuffle, blueprint, grades, minutes, attempts, items, position)
	SELECT id, $1::uuid, slug, title, kind, instructions, feedback, shuffle, blueprint, grades, minutes, attempts, items, position FROM new
	ON CONFLICT (course_id, slug) DO UPDATE SET title = excluded.title, kind = excluded.kind, instructions = excluded.instructions,
		feedback = excluded.feedback, shuffle = excluded.shuffle, blueprint = excluded.blueprint, grades = excluded.grades,
		minutes = excluded.minutes, attempts = excluded.attempts, items = excluded.items, position = excluded.position, active = true
	WHERE (t.title, t.kind, t.instructions, t.feedback, t.shuffle, t.blueprint, t.grades, t.minutes, t.attempts, t.items, t.position, t.active)
		IS DISTINCT FROM (excluded.title, excluded.kind, excluded.instructions, excluded.feedback, excluded.shuffle, excluded.blueprint, excluded.grades,
			excluded.minutes, excluded.attempts, excluded.items, excluded.position, true)
	RETURNING xmax = 0 AS added
), gone AS (
	UPDATE tests t SET active = false WHERE t.course_id = $1::uuid AND t.active AND t.slug NOT IN (SELECT slug FROM new) RETURNING 1
)` + importCounts

const importResources = `WITH new AS (
	SELECT n.id, nullif(n.section_id, '')::uuid AS section_id, n.kind, n.title, n.url, n.minutes, c.subject
	FROM unnest($2::text[]::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::integer[]) AS n (id, section_id, kind, title, url, minutes)
	JOIN courses c ON c.id = $1::uuid
), saved AS (
	INSERT INTO resources AS r (id, course_id, section_id, kind, title, subject, url, minutes)
	SELECT id, $1::uuid, section_id, kind, title, subject, url, minutes FROM new
	ON CONFLICT (course_id, kind, title) DO UPDATE SET section_id = excluded.section_id, subject = excluded.subject, url = excluded.url,
		minutes = excluded.minutes, active = true
	WHERE (r.section_id, r.subject, r.url, r.minutes, r.active) IS DISTINCT FROM (excluded.section_id, excluded.subject, excluded.url, excluded.minutes, true)
	RETURNING xmax = 0 AS added
), gone AS (
	UPDATE resources r SET active = false
	WHERE r.course_id = $1::uuid AND r.active AND (r.kind, r.title) NOT IN (SELECT kind, title FROM new) RETURNING 1
)` + importCounts

const importCourse = `INSERT INTO courses (id, slug, version, content_hash, title, subject, level, scheme, language, summary, licence, author, imported_at,
	lessons, minutes, tests, items)
VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, $9::text, $10::text, $11::text, $12::text, $13::timestamptz,
	$14::integer, $15::integer, $16::integer, $17::integer)
ON CONFLICT (slug) DO UPDATE SET version = excluded.version, content_hash = excluded.content_hash, title = excluded.title, subject = excluded.subject,
	level = excluded.level, scheme = excluded.scheme, language = excluded.language, summary = excluded.summary, licence = excluded.licence,
	author = excluded.author, imported_at = excluded.imported_at, lessons = excluded.lessons, minutes = excluded.minutes, tests = excluded.tests, items = excluded.items`

// store writes the pack in one round trip and fills the report.
func store(ctx context.Context, tx *tenants.Tx, p *pack.Pack, rep *ImportReport, sections map[string]uuid.UUID, now time.Time) error {
	items, err := itemRows(p, sections)
	if err != nil {
		return err
	}
	heads := &columns{}
	minutes := 0
	for i, s := range p.Sections {
		heads.add([]string{s.Code, s.Title}, i)
		heads.ids[i] = sections[s.Code].String()
		for _, l := range s.Lessons {
			minutes += l.Minutes
		}
	}
	course := rep.CourseID
	itemArgs := items.args(course, 6, 0)
	b := &pgx.Batch{}
	b.Queue(importCourse, course.String(), p.Name, p.Version, p.Hash, p.Title, p.Subject, p.Level, p.Scheme, p.Language, p.Summary, p.Licence, p.Author,
		now.UTC(), lessonCount(p), minutes, len(p.Tests), len(p.Items))
	b.Queue(importSections, heads.args(course, 2, 1)...)
	b.Queue(importLessons, lessonRows(p, sections).args(course, 7, 2)...)
	b.Queue(importTests, testRows(p, sections).args(course, 8, 4)...)
	b.Queue(importResources, resourceRows(p, sections).args(course, 4, 1)...)
	b.Queue(retireItems, course.String(), itemArgs[3], itemArgs[7])
	b.Queue(importItems, itemArgs...)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	if _, err := res.Exec(); err != nil {
		return err
	}
	for _, c := range []*Counts{&rep.Sections, &rep.Lessons, &rep.Tests, &rep.Resources} {
		if err := res.QueryRow().Scan(&c.Added, &c.Changed, &c.Unchanged, &c.Removed); err != nil {
			return err
		}
	}
	var current int
	if err := res.QueryRow().Scan(&rep.Items.Changed, &rep.Items.Removed); err != nil {
		return err
	}
	if err := res.QueryRow().Scan(&current); err != nil {
		return err
	}
	rep.Items.Added = current - rep.Items.Changed
	rep.Items.Unchanged = len(p.Items) - current
	return res.Close()
}
