// Package catalog is what can be learned in a tenant: courses with their syllabus sections, lessons, items and tests,
// and further resources. Courses come in as packs (package pack) and are read by everybody who learns or teaches.
package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/catalog/item"
	"lignum/domain/catalog/pack"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
)

// Counts is what an import did to one kind of thing.
type Counts struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"` // for items: new versions
	Unchanged int `json:"unchanged"`
	Removed   int `json:"removed"` // gone from the pack: no longer offered, kept for the records
}

// ImportReport is what an import did.
type ImportReport struct {
	CourseID  uuid.UUID `json:"course_id"`
	Course    string    `json:"course"` // slug
	Version   string    `json:"version"`
	Was       string    `json:"was,omitempty"` // the version before; empty: the course is new
	Unchanged bool      `json:"unchanged"`     // the very same pack was there: nothing was written
	Sections  Counts    `json:"sections"`
	Lessons   Counts    `json:"lessons"`
	Items     Counts    `json:"items"`
	Tests     Counts    `json:"tests"`
	Resources Counts    `json:"resources"`
	Pictures  Counts    `json:"pictures"` // of all lessons, each content once. What no lesson shows any more, is removed at night
}

// Import brings a checked pack into the tenant, whole or not at all. The same pack again changes nothing. A changed one
// updates lessons, tests and resources in place, so that progress and links stay good; an item with new content becomes
// a new row, and attempts keep the one they began with. What is gone from the pack is no longer offered. Windows that
// the tenant set for a test stay. Every kind of thing is one statement, however many there are. A pack with pictures wants
// them staged (ImportPack does it).
func Import(ctx context.Context, tx *tenants.Tx, p *pack.Pack, pictures *files.Staged, now time.Time) (ImportReport, error) {
	rep := ImportReport{Course: p.Name, Version: p.Version}
	if len(p.Pictures) > 0 {
		if pictures == nil {
			return rep, fmt.Errorf("import of %s: its pictures are not staged", p.Name)
		}
		var err error
		if rep.Pictures.Added, err = pictures.Enter(ctx, tx); err != nil {
			return rep, err
		}
		rep.Pictures.Unchanged = len(p.Pictures) - rep.Pictures.Added
	}
	before, hash, err := lockCourse(ctx, tx, &rep)
	if err != nil {
		return rep, err
	}
	entry := audit.Entry{Action: "content.import", ObjectKind: "course", ObjectID: rep.CourseID.String(),
		After: map[string]any{"course": p.Name, "version": p.Version, "hash": p.Hash}}
	if hash != "" {
		entry.Before = map[string]any{"version": rep.Was, "hash": hash}
	}
	if hash == p.Hash {
		rep.Unchanged = true
		rep.Sections.Unchanged, rep.Tests.Unchanged, rep.Resources.Unchanged = len(p.Sections), len(p.Tests), len(p.Resources)
		rep.Items.Unchanged, rep.Lessons.Unchanged = len(p.Items), lessonCount(p)
		entry.Reason = words.English.Say("catalog.same_pack")
		tx.Record(entry)
		return rep, nil
	}
	sections := map[string]uuid.UUID{}
	for _, s := range p.Sections {
		if id, known := before[s.Code]; known {
			sections[s.Code] = id
		} else {
			sections[s.Code] = audit.NewID()
		}
	}
	if err := store(ctx, tx, p, &rep, sections, now); err != nil {
		return rep, fmt.Errorf("import of %s %s: %w", p.Name, p.Version, err)
	}
	tx.Record(entry)
	tx.Bump("content")
	return rep, nil
}

// lockCourse lets one import of a course in at a time, and gives the sections it has and the hash of its pack.
func lockCourse(ctx context.Context, tx *tenants.Tx, rep *ImportReport) (sections map[string]uuid.UUID, hash string, err error) {
	if err := tx.Lock(ctx, "course:"+rep.Course); err != nil {
		return nil, "", err
	}
	b := &pgx.Batch{}
	b.Queue("SELECT id, version, content_hash FROM courses WHERE slug = $1::text", rep.Course)
	b.Queue("SELECT s.code, s.id FROM course_sections s JOIN courses c ON c.id = s.course_id WHERE c.slug = $1::text", rep.Course)
	res := tx.SendBatch(ctx, b)
	defer res.Close()
	switch err := res.QueryRow().Scan(&rep.CourseID, &rep.Was, &hash); err {
	case nil:
	case pgx.ErrNoRows:
		rep.CourseID = audit.NewID()
	default:
		return nil, "", err
	}
	rows, err := res.Query()
	if err != nil {
		return nil, "", err
	}
	sections = map[string]uuid.UUID{}
	var code string
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&code, &id}, func() error { sections[code] = id; return nil })
	return sections, hash, err
}

func lessonCount(p *pack.Pack) (n int) {
	for _, s := range p.Sections {
		n += len(s.Lessons)
	}
	return n
}

func sum(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// columns are rows turned on their side: what unnest takes.
type columns struct {
	ids    []string
	texts  [][]string
	counts [][]int32
}

func (c *columns) add(texts []string, counts ...int) {
	if c.texts == nil {
		c.texts, c.counts = make([][]string, len(texts)), make([][]int32, len(counts))
	}
	c.ids = append(c.ids, audit.NewID().String())
	for i, s := range texts {
		c.texts[i] = append(c.texts[i], s)
	}
	for i, n := range counts {
		c.counts[i] = append(c.counts[i], int32(n))
	}
}

// args returns the course's id, the new ids, then the columns. Without rows every column is empty.
func (c *columns) args(course uuid.UUID, texts, counts int) []any {
	if c.texts == nil {
		c.ids, c.texts, c.counts = []string{}, make([][]string, texts), make([][]int32, counts)
		for i := range c.texts {
			c.texts[i] = []string{}
		}
		for i := range c.counts {
			c.counts[i] = []int32{}
		}
	}
	list := []any{course.String(), c.ids}
	for _, col := range c.texts {
		list = append(list, col)
	}
	for _, col := range c.counts {
		list = append(list, col)
	}
	return list
}

// lessonRows returns the pack's lessons: section id, slug, title, markdown, html, hash, pictures; position, minutes.
func lessonRows(p *pack.Pack, sections map[string]uuid.UUID) *columns {
	c := &columns{}
	for _, s := range p.Sections {
		for _, l := range s.Lessons {
			c.add([]string{sections[s.Code].String(), l.Slug, l.Title, l.Markdown, l.HTML, sum(l.Markdown, l.HTML), jsonText(append([]pack.Shown{}, l.Pictures...))}, len(c.ids), l.Minutes)
		}
	}
	return c
}

// itemRows returns the pack's items: section id, name, kind, category, body, hash.
func itemRows(p *pack.Pack, sections map[string]uuid.UUID) (*columns, error) {
	c := &columns{}
	for _, it := range p.Items {
		body, err := item.Marshal(it.Item)
		if err != nil {
			return nil, err
		}
		c.add([]string{sections[it.Section].String(), it.Name, string(it.Item.Kind), it.Category, string(body), sum(string(body), it.Section, it.Category)})
	}
	return c, nil
}

// Draw is one line of a test's blueprint: so many items of a section.
type Draw struct {
	SectionID uuid.UUID `json:"section_id"`
	Code      string    `json:"code"`
	Items     int       `json:"items"`
}

// testRows returns the pack's tests: slug, title, kind, instructions, feedback, shuffle, blueprint, grades; minutes,
// attempts, items, position.
func testRows(p *pack.Pack, sections map[string]uuid.UUID) *columns {
	c := &columns{}
	for i, t := range p.Tests {
		draws := make([]Draw, len(t.Blueprint))
		for j, d := range t.Blueprint {
			draws[j] = Draw{sections[d.Section], d.Section, d.Items}
		}
		grades := t.Grades
		if grades == nil {
			grades = []pack.Grade{}
		}
		c.add([]string{t.Slug, t.Title, t.Kind, t.HTML, t.Feedback, fmt.Sprint(t.Shuffle), jsonText(draws), jsonText(grades)}, t.Minutes, t.Attempts, t.Items(), i)
	}
	return c
}

// resourceRows returns the pack's resources: section id or "", kind, title, url; minutes. Of two with the same kind and
// title the first counts.
func resourceRows(p *pack.Pack, sections map[string]uuid.UUID) *columns {
	c := &columns{}
	seen := map[[2]string]bool{}
	for _, r := range p.Resources {
		if seen[[2]string{r.Kind, r.Title}] {
			continue
		}
		seen[[2]string{r.Kind, r.Title}] = true
		section := ""
		if id, ok := sections[r.Section]; ok {
			section = id.String()
		}
		c.add([]string{section, r.Kind, r.Title, r.URL}, r.Minutes)
	}
	return c
}

func jsonText(v any) string {
	raw, err := domain.JSON(v)
	if err != nil {
		panic(err) // strings, numbers and ids always marshal
	}
	return string(raw)
}
