package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"lignum/domain/words"
)

const manifest = "pack.yaml"

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,62}$`)
	slugPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,99}$`)
	versionPattern = regexp.MustCompile(`^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z.-]{1,40})?(\+[0-9A-Za-z.-]{1,40})?$`)
	licencePattern = regexp.MustCompile(`^[A-Za-z0-9(][A-Za-z0-9.+() -]{0,99}$`)
)

// reader collects a pack and everything that is wrong with it.
type reader struct {
	fsys     fs.FS
	pack     *Pack
	errs     Errors
	files    map[string][]byte // what the pack names, for the hash
	total    int
	sections map[string]node
	lessons  map[string]bool
	names    map[string]BankItem
	pictures map[string]*found // by their names in lessons
}

// wrongAt notes what is wrong at a place; the reason is the message of a key, filled with pairs of name and value.
func (r *reader) wrongAt(file string, line, col int, key string, pairs ...any) {
	r.wrongIn(file, line, col, words.Say(key, pairs...))
}

// wrongIn is wrongAt with a reason that is there already.
func (r *reader) wrongIn(file string, line, col int, reason words.Text) {
	r.errs = append(r.errs, Error{File: file, Line: line, Column: col, Reason: reason})
}

// doubtAt notes a warning about a line, or about the whole file where it is 0.
func (r *reader) doubtAt(file string, line int, key string, pairs ...any) {
	r.doubtIn(file, line, 0, words.Say(key, pairs...))
}

func (r *reader) doubtIn(file string, line, col int, reason words.Text) {
	r.pack.Warnings = append(r.pack.Warnings, Error{File: file, Line: line, Column: col, Reason: reason})
}

// Read reads the pack at the root of fsys. A wrong pack gives Errors with everything
// that is wrong, and with it the part that could be understood.
func Read(fsys fs.FS) (*Pack, error) {
	r := &reader{fsys: fsys, pack: &Pack{Warnings: []Error{}}, files: map[string][]byte{},
		sections: map[string]node{}, lessons: map[string]bool{}, names: map[string]BankItem{}, pictures: map[string]*found{}}
	data, err := r.load(manifest, MaxManifest)
	if err != nil {
		r.wrongIn(manifest, 0, 0, words.Of(err))
		return r.pack, r.errs
	}
	if root := r.parseYAML(manifest, data); root.exists() {
		r.root(root)
		r.unlisted()
	}
	r.pack.Hash = r.hash()
	if len(r.errs) > 0 {
		return r.pack, r.errs
	}
	return r.pack, nil
}

// load reads a file once, within its limit and that of the pack; the path may not leave
// the pack, not even through a symbolic link.
func (r *reader) load(name string, limit int) ([]byte, error) {
	if data, ok := r.files[name]; ok {
		return data, nil
	}
	if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "\\:\x00") {
		return nil, words.Say("pack.a_relative_path_inside_the")
	}
	for at := name; at != "."; at = path.Dir(at) {
		info, err := fs.Lstat(r.fsys, at)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, words.Say("pack.there_is_no_file", "File", name)
		case err != nil:
			return nil, words.Say("pack.cannot_be_read", "File", name)
		case at == name && !info.Mode().IsRegular(), at != name && !info.IsDir():
			return nil, words.Say("pack.is_not_a_plain_file", "File", name)
		}
	}
	f, err := r.fsys.Open(name)
	if err != nil {
		return nil, words.Say("pack.cannot_be_read", "File", name)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, words.Say("pack.cannot_be_read", "File", name)
	}
	if len(data) > limit {
		return nil, words.Say("pack.is_larger_than_kb", "File", name, "Most", limit>>10)
	}
	if r.total += len(data); r.total > MaxTotal {
		return nil, words.Say("pack.with_the_pack_is_larger", "File", name, "Most", MaxTotal>>20)
	}
	r.files[name] = data
	return data, nil
}

func (r *reader) root(n node) {
	get := n.object("format", "name", "version", "title", "subject", "level", "scheme", "language", "licence", "author",
		"summary", "sections", "banks", "tests", "resources")
	if f := get("format"); f.text(100) != Format && f.exists() {
		f.fail("pack.is_expected", "Format", Format)
	}
	p := r.pack
	p.Name = matching(get("name"), namePattern, "pack.is_no_name")
	p.Version = matching(get("version"), versionPattern, "pack.is_no_version")
	p.Title, p.Subject = get("title").text(200), get("subject").text(100)
	p.Level, p.Scheme = get("level").text(100), get("scheme").text(100)
	p.Language = get("language").text(35)
	if _, err := language.Parse(p.Language); err != nil && p.Language != "" {
		get("language").fail("pack.is_not_a_language_tag", "Language", fmt.Sprintf("%q", p.Language))
	}
	p.Licence = matching(get("licence"), licencePattern, "pack.is_no_licence")
	p.Author, p.Summary = get("author").text(200), get("summary").text(1_000)

	sections := get("sections").list(MaxSections)
	if len(sections) == 0 {
		get("sections").fail("pack.at_least_one_section_is")
	}
	for _, s := range sections {
		r.section(s)
	}
	for _, b := range get("banks").list(MaxBanks) {
		r.bank(b)
	}
	slugs := map[string]bool{}
	for _, t := range get("tests").list(MaxTests) {
		r.test(t, slugs)
	}
	for _, res := range get("resources").list(MaxResources) {
		r.resource(res)
	}
}

// unlisted warns of lessons and banks that pack.yaml forgot, and of pictures that no lesson shows.
func (r *reader) unlisted() {
	_ = fs.WalkDir(r.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil //nolint:nilerr // a folder that cannot be read has no files to warn of
		}
		_, named := r.files[name]
		if !named && slices.Contains(pictureEnds, strings.ToLower(path.Ext(name))) {
			r.doubtAt(name, 0, "pack.no_lesson_shows_the_picture")
		}
		if !named && (strings.HasSuffix(name, ".gift") || strings.HasPrefix(name, "items/") && strings.HasSuffix(name, ".yaml") || strings.HasPrefix(name, "lessons/") && strings.HasSuffix(name, ".md")) {
			r.doubtAt(name, 0, "pack.the_file_is_not_named", "Manifest", manifest)
		}
		return nil
	})
}

// hash covers name and content of every file that the pack names, in the order of the names.
func (r *reader) hash() string {
	names := make([]string, 0, len(r.files))
	for name := range r.files {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	var size [8]byte
	part := func(b []byte) {
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, name := range names {
		part([]byte(name))
		part(r.files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}
