// Package pack reads course packs: a pack.yaml, lessons in Markdown with their pictures, and item banks in
// GIFT (format lignum-pack/1, described for authors in ../packs/FORMAT.md). It reads
// strictly and reports everything that is wrong at once, each with file, line and reason.
// It is pure: a pack goes in as a file system, a value comes out.
package pack

import (
	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
	"lignum/tenants/files"
)

// Format is the version of the pack format that this package reads.
const Format = "lignum-pack/1"

// Limits of a pack; an item bank also has those of package gift.
const (
	MaxManifest  = 256 << 10 // bytes of pack.yaml
	MaxLesson    = 256 << 10 // bytes of a lesson
	MaxTotal     = 20 << 20  // bytes of all files together
	MaxItems     = 10_000
	MaxLessons   = 2_000
	MaxSections  = 200
	MaxBanks     = 500
	MaxTests     = 500
	MaxResources = 20_000
)

// Error is one thing that is wrong, or worth a warning, in a file of the pack.
type Error = gift.Error

// Errors is everything that is wrong in a pack.
type Errors = gift.Errors

// Pack is a course as its author delivers it.
type Pack struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Title    string `json:"title"`
	Subject  string `json:"subject"`
	Level    string `json:"level"`
	Scheme   string `json:"scheme"`
	Language string `json:"language"` // BCP 47
	Licence  string `json:"licence"`  // SPDX
	Author   string `json:"author"`
	Summary  string `json:"summary"`

	Sections  []Section  `json:"sections"`
	Items     []BankItem `json:"items"`
	Tests     []Test     `json:"tests"`
	Resources []Resource `json:"resources"`

	// Pictures are those that lessons show, each content once, as they are kept.
	Pictures []files.Picture `json:"-"`

	Hash     string  `json:"hash"` // SHA-256 in hex over every file that the pack names
	Warnings []Error `json:"warnings"`
}

// Section is one section of the syllabus with its lessons, in order.
type Section struct {
	Code    string   `json:"code"`
	Title   string   `json:"title"`
	Lessons []Lesson `json:"lessons"`
}

// Lesson is one page of study.
type Lesson struct {
	Slug     string `json:"slug"` // file name without .md, unique in the pack
	Title    string `json:"title"`
	Minutes  int    `json:"minutes"` // estimated work time
	Markdown string `json:"markdown"`
	HTML     string `json:"html"` // safe, without the title's heading

	Pictures []Shown `json:"pictures,omitempty"` // in the order in which they stand

	shown map[string]item.Picture // by what the lesson calls them
}

// BankItem is one item of a bank. Name is its identity over versions, Hash tells them apart.
type BankItem struct {
	Name     string     `json:"name"`
	Section  string     `json:"section"`
	Category string     `json:"category,omitempty"` // of the GIFT file
	Tags     []string   `json:"tags,omitempty"`
	Item     *item.Item `json:"item"`
	Hash     string     `json:"hash"`
	File     string     `json:"file"`
	Line     int        `json:"line"`
}

// Test says how a test is drawn from the banks.
type Test struct {
	Slug         string  `json:"slug"`
	Title        string  `json:"title"`
	Kind         string  `json:"kind"`              // practice or assessment
	Minutes      int     `json:"minutes"`           // allowed time
	Instructions string  `json:"instructions"`      // Markdown
	HTML         string  `json:"instructions_html"` // safe
	Attempts     int     `json:"attempts"`          // 0: no limit
	Feedback     string  `json:"feedback"`          // on_submit, after_window or score_only
	Shuffle      bool    `json:"shuffle"`           // answers, not items
	Blueprint    []Draw  `json:"blueprint"`         // in the author's order
	Grades       []Grade `json:"grades,omitempty"`  // an estimate, best first
}

// Draw takes Items items of a section.
type Draw struct {
	Section string `json:"section"`
	Items   int    `json:"items"`
}

// Items is how many items a learner gets.
func (t Test) Items() int {
	n := 0
	for _, d := range t.Blueprint {
		n += d.Items
	}
	return n
}

// Grade is earned from Percent on.
type Grade struct {
	Grade   string `json:"grade"`
	Percent int    `json:"percent"`
}

// Resource is an entry of the catalogue: an animation, lab, video or document.
type Resource struct {
	Kind    string `json:"kind"`
	Title   string `json:"title"`
	Section string `json:"section"`
	Minutes int    `json:"minutes"`
	URL     string `json:"url,omitempty"` // https
}
