package pack

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"

	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// matching reads a text of a pattern; the key is of the message that refuses another.
func matching(n node, pattern *regexp.Regexp, key string) string {
	s := n.text(200)
	if s != "" && !pattern.MatchString(s) {
		n.fail(key, "Given", fmt.Sprintf("%q", s))
	}
	return s
}

func (r *reader) section(n node) {
	get := n.object("code", "title", "lessons")
	s := Section{Code: matching(get("code"), slugPattern, "pack.is_no_slug"), Title: get("title").text(200), Lessons: []Lesson{}}
	if _, twice := r.sections[s.Code]; twice {
		get("code").fail("pack.section_is_given_twice", "Section", fmt.Sprintf("%q", s.Code))
	}
	r.sections[s.Code] = n
	for _, l := range get("lessons").list(MaxLessons) {
		get := l.object("file", "minutes")
		file, minutes := get("file").text(300), get("minutes").number(1, 240)
		if file == "" {
			continue
		}
		if len(r.lessons) >= MaxLessons {
			l.fail("pack.more_than_lessons", "Most", MaxLessons)
			break
		}
		if lesson, ok := r.lesson(get("file"), file); ok {
			lesson.Minutes = minutes
			s.Lessons = append(s.Lessons, lesson)
		}
	}
	r.pack.Sections = append(r.pack.Sections, s)
}

// bankFormat is a way to write a bank: how large it may be, in bytes, and how its items are read. What is wrong is noted.
type bankFormat struct {
	most  int
	items func(r *reader, file string, data []byte) []gift.Parsed
}

// banks are the formats of banks by the ends of their files' names.
var banks = map[string]bankFormat{".gift": {gift.MaxBytes, (*reader).giftBank}, ".yaml": {MaxManifest, (*reader).yamlBank}}

func (r *reader) giftBank(file string, data []byte) []gift.Parsed {
	questions, err := gift.Parse(bytes.NewReader(data), file)
	var errs Errors
	if errors.As(err, &errs) {
		r.errs = append(r.errs, errs...)
	} else if err != nil {
		r.wrongIn(file, 0, 0, words.Of(err))
	}
	return questions
}

func (r *reader) bank(n node) {
	get := n.object("file", "section")
	file := get("file").text(300)
	section := r.sectionOf(get("section"))
	if file == "" {
		return
	}
	read, ok := banks[path.Ext(file)]
	if !ok {
		get("file").fail("pack.a_banks_name_ends_in")
		return
	}
	if _, twice := r.files[file]; twice {
		get("file").fail("pack.is_named_twice", "File", file)
		return
	}
	data, err := r.load(file, read.most)
	if err != nil {
		get("file").failIn(words.Of(err))
		return
	}
	before := len(r.errs)
	questions := read.items(r, file, data)
	if len(questions) == 0 && len(r.errs) == before {
		r.doubtAt(file, 0, "pack.the_bank_is_empty")
	}
	for _, q := range questions {
		r.pack.Warnings = append(r.pack.Warnings, q.Warnings...)
		r.item(q, file, section)
	}
}

func (r *reader) item(q gift.Parsed, file, section string) {
	if q.Name == "" {
		r.wrongAt(file, q.Line, 0, "pack.the_item_has_no_name")
		return
	}
	b := BankItem{Name: q.Name, Section: section, Category: q.Category, Tags: q.Tags, Item: q.Item, Hash: q.Item.Hash(), File: file, Line: q.Line}
	if first, twice := r.names[q.Name]; twice {
		r.wrongAt(file, q.Line, 0, "pack.name_used_at", "Name", fmt.Sprintf("%q", q.Name), "Place", fmt.Sprintf("%s:%d", first.File, first.Line))
		return
	}
	if len(r.names) == MaxItems {
		r.wrongAt(file, q.Line, 0, "pack.more_than_items_in_the", "Most", MaxItems)
	}
	r.names[q.Name] = b
	if len(r.names) <= MaxItems {
		r.pack.Items = append(r.pack.Items, b)
	}
}

func (r *reader) sectionOf(n node) string {
	s := n.text(100)
	if _, known := r.sections[s]; !known && s != "" {
		n.fail("pack.there_is_no_section", "Section", fmt.Sprintf("%q", s))
	}
	return s
}

func (r *reader) test(n node, slugs map[string]bool) {
	get := n.object("slug", "title", "kind", "minutes", "instructions", "attempts", "feedback", "shuffle", "blueprint", "grades")
	t := Test{Slug: matching(get("slug"), slugPattern, "pack.is_no_slug"), Title: get("title").text(200),
		Kind: get("kind").oneOf("practice", "assessment"), Minutes: get("minutes").number(1, 600),
		Instructions: get("instructions").optionalText(5_000), Feedback: get("feedback").oneOf("on_submit", "after_window", "score_only"),
		Shuffle: get("shuffle").boolean(true)}
	t.HTML = item.RenderHTML(t.Instructions, item.Markdown)
	if gone := item.Lost(item.Text{Body: t.Instructions, Format: item.Markdown}); len(gone) > 0 {
		at := get("instructions")
		at.hint("pack.not_shown", "Lost", words.Join(", ", gone...))
	}
	if slugs[t.Slug] && t.Slug != "" {
		get("slug").fail("pack.test_is_given_twice", "Test", fmt.Sprintf("%q", t.Slug))
	}
	slugs[t.Slug] = true
	if get("attempts").exists() {
		t.Attempts = get("attempts").number(0, 1_000)
	}
	sections, draws := get("blueprint").fields()
	for _, section := range sections {
		d := Draw{Section: section, Items: draws[section].number(1, 1_000)}
		r.checkDraw(draws[section], d)
		t.Blueprint = append(t.Blueprint, d)
	}
	if len(t.Blueprint) == 0 {
		get("blueprint").fail("pack.at_least_one_section_with")
	}
	seen := map[string]bool{}
	for _, g := range get("grades").list(50) {
		get := g.object("grade", "percent")
		grade := Grade{Grade: get("grade").text(50), Percent: get("percent").number(0, 100)}
		if len(t.Grades) > 0 && grade.Percent >= t.Grades[len(t.Grades)-1].Percent {
			g.fail("pack.grades_go_from_the_best")
		}
		if seen[grade.Grade] {
			g.fail("pack.grade_is_given_twice", "Grade", fmt.Sprintf("%q", grade.Grade))
		}
		seen[grade.Grade] = true
		t.Grades = append(t.Grades, grade)
	}
	r.pack.Tests = append(r.pack.Tests, t)
}

// checkDraw compares what a test draws from a section with what its banks hold.
func (r *reader) checkDraw(n node, d Draw) {
	if _, known := r.sections[d.Section]; !known {
		n.fail("pack.there_is_no_section", "Section", fmt.Sprintf("%q", d.Section))
		return
	}
	have, essays := 0, 0
	for _, b := range r.pack.Items {
		if b.Section == d.Section && b.Item.Scored() {
			have++
			if b.Item.Kind.ByPerson() {
				essays++
			}
		}
	}
	if have < d.Items {
		n.fail("pack.items_are_drawn_the_banks", "N", d.Items, "Section", fmt.Sprintf("%q", d.Section), "Held", have)
	} else if essays > 0 && essays < have {
		// A section of essays alone is meant so; in a mixed one, chance decides for each
		// learner whether the result has to wait for a person.
		n.hint("pack.some_are_essays", "N", essays, "Items", have, "Section", fmt.Sprintf("%q", d.Section))
	}
}

func (r *reader) resource(n node) {
	get := n.object("kind", "title", "section", "minutes", "url")
	if !get("kind").exists() {
		get("kind").fail("pack.is_missing")
	}
	res := Resource{Kind: get("kind").oneOf("animation", "lab", "video", "document"), Title: get("title").text(200),
		Section: r.sectionOf(get("section")), Minutes: get("minutes").number(1, 600), URL: get("url").optionalText(2_000)}
	if res.URL != "" {
		if u, err := url.Parse(res.URL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			get("url").fail("pack.an_https_address_is_expected")
		}
	}
	r.pack.Resources = append(r.pack.Resources, res)
}
