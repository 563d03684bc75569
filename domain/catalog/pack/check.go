package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// Report says what was understood of a pack or a bank, and everything that is wrong.
type Report struct {
	Path      string            `json:"path"`
	OK        bool              `json:"ok"`   // no errors; there may be warnings
	Type      string            `json:"type"` // pack or bank
	Name      string            `json:"name,omitempty"`
	Version   string            `json:"version,omitempty"`
	Title     string            `json:"title,omitempty"`
	Hash      string            `json:"hash,omitempty"`
	Lessons   int               `json:"lessons"`
	Items     int               `json:"items"`
	Kinds     map[item.Kind]int `json:"kinds"` // items by kind
	Sections  []SectionReport   `json:"sections"`
	Tests     []TestReport      `json:"tests"`
	Resources map[string]int    `json:"resources"` // by kind
	Warnings  []Error           `json:"warnings"`
	Errors    []Error           `json:"errors"`
}

// SectionReport counts what a section holds. In a single bank the sections are its categories.
type SectionReport struct {
	Code    string            `json:"code"`
	Title   string            `json:"title"`
	Lessons int               `json:"lessons"`
	Minutes int               `json:"minutes"` // of all its lessons
	Items   int               `json:"items"`
	Kinds   map[item.Kind]int `json:"kinds"`
}

// TestReport is a test with its blueprint beside what the banks hold.
type TestReport struct {
	Slug      string       `json:"slug"`
	Title     string       `json:"title"`
	Kind      string       `json:"kind"`
	Minutes   int          `json:"minutes"`
	Items     int          `json:"items"`
	Blueprint []DrawReport `json:"blueprint"`
}

// DrawReport is one line of a blueprint.
type DrawReport struct {
	Section string `json:"section"`
	Items   int    `json:"items"`
	Bank    int    `json:"bank"` // items that may be drawn
}

// Check reads the pack in a folder or a zip archive, or a single bank, and reports.
// It never fails otherwise than by a report with errors.
func Check(path string) Report {
	rep := Report{Path: path, Type: "pack", Kinds: map[item.Kind]int{}, Resources: map[string]int{},
		Sections: []SectionReport{}, Tests: []TestReport{}, Warnings: []Error{}, Errors: []Error{}}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		rep.fault("pack.there_is_no_such_file")
	case info.IsDir():
		root, err := os.OpenRoot(path)
		if err != nil {
			rep.fault("pack.the_folder_cannot_be_read")
			break
		}
		defer root.Close()
		rep.readPack(root.FS())
	case banks[strings.ToLower(filepath.Ext(path))].items != nil:
		rep.readBank(path)
	default:
		rep.readZip(path)
	}
	rep.OK = len(rep.Errors) == 0
	return rep
}

func (rep *Report) fault(key string) { rep.faultIn(words.Say(key)) }

func (rep *Report) faultIn(reason words.Text) {
	rep.Errors = append(rep.Errors, Error{File: filepath.Base(rep.Path), Reason: reason})
}

func (rep *Report) readZip(path string) {
	f, err := os.Open(path)
	if err != nil {
		rep.fault("pack.the_file_cannot_be_read")
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		rep.fault("pack.a_pack_is_a_folder")
		return
	}
	fsys, err := OpenZip(f, info.Size())
	if err != nil {
		rep.faultIn(words.Of(err))
		return
	}
	rep.readPack(fsys)
}

func (rep *Report) readPack(fsys fs.FS) {
	p, err := Read(fsys)
	rep.take(err)
	rep.Warnings = append(rep.Warnings, p.Warnings...)
	rep.Name, rep.Version, rep.Title, rep.Hash = p.Name, p.Version, p.Title, p.Hash
	at, drawable := map[string]int{}, map[string]int{}
	for i, s := range p.Sections {
		at[s.Code] = i
		sr := SectionReport{Code: s.Code, Title: s.Title, Lessons: len(s.Lessons), Kinds: map[item.Kind]int{}}
		for _, l := range s.Lessons {
			sr.Minutes += l.Minutes
		}
		rep.Lessons += sr.Lessons
		rep.Sections = append(rep.Sections, sr)
	}
	for _, b := range p.Items {
		rep.Items++
		rep.Kinds[b.Item.Kind]++
		if i, known := at[b.Section]; known {
			rep.Sections[i].Items++
			rep.Sections[i].Kinds[b.Item.Kind]++
		}
		if b.Item.Scored() {
			drawable[b.Section]++
		}
	}
	for _, t := range p.Tests {
		tr := TestReport{Slug: t.Slug, Title: t.Title, Kind: t.Kind, Minutes: t.Minutes, Items: t.Items(), Blueprint: []DrawReport{}}
		for _, d := range t.Blueprint {
			tr.Blueprint = append(tr.Blueprint, DrawReport{Section: d.Section, Items: d.Items, Bank: drawable[d.Section]})
		}
		rep.Tests = append(rep.Tests, tr)
	}
	for _, r := range p.Resources {
		rep.Resources[r.Kind]++
	}
}

func (rep *Report) readBank(path string) {
	rep.Type = "bank"
	f, err := os.Open(path)
	if err != nil {
		rep.fault("pack.the_file_cannot_be_read")
		return
	}
	defer f.Close()
	format := banks[strings.ToLower(filepath.Ext(path))]
	data, err := io.ReadAll(io.LimitReader(f, int64(format.most)+1))
	if err != nil {
		rep.fault("pack.the_file_cannot_be_read")
		return
	}
	r := &reader{pack: &Pack{}}
	questions := format.items(r, filepath.Base(path), data)
	rep.Errors, rep.Warnings = append(rep.Errors, r.errs...), append(rep.Warnings, r.pack.Warnings...)
	at, names := map[string]int{}, map[string]int{}
	for _, q := range questions {
		rep.Warnings = append(rep.Warnings, q.Warnings...)
		if first, twice := names[q.Name]; twice && q.Name != "" {
			rep.Warnings = append(rep.Warnings, Error{File: filepath.Base(path), Line: q.Line,
				Reason: words.Say("pack.the_name_is_already_used", "Name", fmt.Sprintf("%q", q.Name), "Line", strconv.Itoa(first))})
		} else {
			names[q.Name] = q.Line
		}
		i, known := at[q.Category]
		if !known {
			i = len(rep.Sections)
			at[q.Category] = i
			rep.Sections = append(rep.Sections, SectionReport{Code: q.Category, Title: q.Category, Kinds: map[item.Kind]int{}})
		}
		rep.Items++
		rep.Kinds[q.Item.Kind]++
		rep.Sections[i].Items++
		rep.Sections[i].Kinds[q.Item.Kind]++
	}
}

// take puts what a reader found wrong into the report.
func (rep *Report) take(err error) {
	var errs Errors
	switch {
	case err == nil:
	case errors.As(err, &errs):
		rep.Errors = append(rep.Errors, errs...)
	default:
		rep.fault("pack.the_file_cannot_be_read")
	}
}
