package people

import (
	"archive/zip"
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lignum/domain"
)

// RosterFile is one CSV file. Open is called more than once, and each time gives the same bytes from the start.
type RosterFile struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// maxRosterFiles is how many files a directory or an archive may hold.
const maxRosterFiles = 50

// OpenRoster gives the CSV files of a path: one file, a directory, or a zip archive. Close the closer after the import.
func OpenRoster(path string) ([]RosterFile, io.Closer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, domain.InvalidField("file", "cannot be read: "+filepath.Base(path))
	}
	switch {
	case info.IsDir():
		files, err := rosterFS(os.DirFS(path))
		return files, io.NopCloser(nil), err
	case strings.EqualFold(filepath.Ext(path), ".zip"):
		z, err := zip.OpenReader(path)
		if err != nil {
			return nil, nil, domain.InvalidField("file", "is not a zip archive")
		}
		files, err := rosterFS(z)
		return files, z, err
	}
	return []RosterFile{{filepath.Base(path), func() (io.ReadCloser, error) { return os.Open(path) }}}, io.NopCloser(nil), nil
}

func rosterFS(tree fs.FS) ([]RosterFile, error) {
	var files []RosterFile
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.EqualFold(filepath.Ext(name), ".csv") || strings.HasPrefix(filepath.Base(name), ".") {
			return err
		}
		if len(files) == maxRosterFiles {
			return domain.InvalidField("file", fmt.Sprintf("holds more than %d CSV files", maxRosterFiles))
		}
		files = append(files, RosterFile{name, func() (io.ReadCloser, error) { return tree.Open(name) }})
		return nil
	})
	if err != nil && domain.CodeOf(err) == "" {
		err = domain.InvalidField("file", "cannot be read as a directory or a zip archive of CSV files")
	}
	return files, err
}

// rosterSource is a file of which the header is read.
type rosterSource struct {
	RosterFile
	kind    string // "": ignored, and why is in ignored
	ignored string
	hash    string         // SHA-256 of the bytes, in hex
	columns map[string]int // by name in lower case
	header  []string
}

func (s rosterSource) has(column string) bool { _, ok := s.columns[column]; return ok }

// rosterKinds: what tells a kind of file by its header, and the columns that are looked at. Everything is in lower case.
var rosterKinds = []struct {
	kind string
	must []string
	used []string
}{
	{"users", []string{"sourcedid", "givenname", "familyname"},
		[]string{"status", "enableduser", "role", "orgsourcedids", "primaryorgsourcedid", "username", "email", "grades", "agentsourcedids"}},
	{"enrollments", []string{"sourcedid", "classsourcedid", "usersourcedid", "role"}, []string{"status", "primary"}},
	{"roles", []string{"sourcedid", "usersourcedid", "role", "orgsourcedid"}, []string{"status", "roletype"}},
	{"classes", []string{"sourcedid", "title", "schoolsourcedid", "termsourcedids"},
		[]string{"status", "grades", "coursesourcedid", "metadata.seats", "metadata.kind"}},
	{"academicSessions", []string{"sourcedid", "title", "startdate", "enddate"}, []string{"status", "type"}},
	{"orgs", []string{"sourcedid", "name", "type"}, []string{"status", "parentsourcedid", "metadata.region"}},
}

// standardColumns are of OneRoster and left alone on purpose: they are not worth a note.
var standardColumns = []string{"datelastmodified", "userids", "middlename", "identifier", "sms", "phone", "password", "usermasteridentifier", "resourcesourcedids",
	"preferredgivenname", "preferredmiddlename", "preferredfamilyname", "pronouns", "classcode", "classtype", "location", "subjects", "subjectcodes", "periods",
	"schoolsourcedid", "begindate", "enddate", "parentsourcedid", "schoolyear", "userprofilesourcedid"}

// inspect reads every file once: it checks the bounds of the whole import, hashes, and tells the kinds.
func inspect(files []RosterFile) ([]rosterSource, error) {
	if len(files) == 0 || len(files) > maxRosterFiles {
		return nil, domain.InvalidField("file", fmt.Sprintf("must be 1 to %d CSV files", maxRosterFiles))
	}
	left, lines := int64(maxRosterBytes), 0
	var out []rosterSource
	for _, f := range files {
		s := rosterSource{RosterFile: f}
		if err := s.measure(&left, &lines); err != nil {
			return nil, err
		}
		if err := s.readHeader(); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b rosterSource) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (s *rosterSource) measure(left *int64, lines *int) error {
	in, err := s.Open()
	if err != nil {
		return domain.InvalidField("file", s.Name+" cannot be read")
	}
	defer in.Close()
	h := sha256.New()
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		*left -= int64(n)
		*lines += bytes.Count(buf[:n], []byte{'\n'})
		if *left < 0 || *lines > maxRosterRows+maxRosterFiles {
			return domain.Errorf(domain.TooLarge, "A roster has at most %d MB and %d rows in all its files.", maxRosterBytes>>20, maxRosterRows)
		}
		h.Write(buf[:n])
		if err == io.EOF {
			s.hash = hex.EncodeToString(h.Sum(nil))
			return nil
		}
		if err != nil {
			return domain.InvalidField("file", s.Name+" cannot be read to its end")
		}
	}
}

func (s *rosterSource) readHeader() error {
	r, err := s.rows()
	if err != nil {
		return err
	}
	defer r.Close()
	s.header, s.columns = r.header, r.columns
	if slices.Equal(s.header, []string{"propertyName", "value"}) {
		s.ignored = "the manifest is not needed"
		return nil
	}
	for _, k := range rosterKinds {
		if !slices.ContainsFunc(k.must, func(c string) bool { return !s.has(c) }) {
			s.kind = k.kind
			return nil
		}
	}
	s.ignored = "its columns are not those of orgs, academicSessions, users, roles, classes or enrollments; left out"
	if s.has("sourcedid") && s.has("coursecode") {
		s.ignored = "courses come from content packs; a class finds its course when courseSourcedId is the pack's name"
	}
	return nil
}

// notes names the columns that nobody looks at.
func (s rosterSource) notes(kind string) []string {
	unknown := []string{}
	for _, k := range rosterKinds {
		if k.kind != s.kind || kind == "guardians" {
			continue
		}
		for _, c := range s.header {
			name := strings.ToLower(c)
			if !slices.Contains(k.must, name) && !slices.Contains(k.used, name) && !slices.Contains(standardColumns, name) && len(unknown) < 20 {
				unknown = append(unknown, fmt.Sprintf("column %q is not known and was left out", clipText(c, 60)))
			}
		}
	}
	if s.kind == "users" && kind == "users" && s.has("password") {
		unknown = append(unknown, "passwords are never imported; print sign-in cards")
	}
	return unknown
}

// rosterRow is one row of a file.
type rosterRow struct {
	line    int
	cells   []string
	columns map[string]int
}

// get gives a cell without blanks around it; "" when the row or the file has none.
func (r rosterRow) get(column string) string {
	i, ok := r.columns[column]
	if !ok || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

// list gives the parts of a cell that holds several values.
func (r rosterRow) list(column string) []string {
	return strings.FieldsFunc(r.get(column), func(c rune) bool { return c == ',' || c == ' ' || c == ';' })
}

func (r rosterRow) gone() bool { return strings.EqualFold(r.get("status"), "tobedeleted") }

// maxCell bounds the characters of one cell.
const maxCell = 4000

type rosterReader struct {
	io.Closer
	csv     *csv.Reader
	header  []string
	columns map[string]int
	last    int // the line on which the record just read ends
}

// rows opens the file behind its header.
func (s rosterSource) rows() (*rosterReader, error) {
	in, err := s.Open()
	if err != nil {
		return nil, domain.InvalidField("file", s.Name+" cannot be read")
	}
	b := bufio.NewReaderSize(in, 64<<10)
	if start, _ := b.Peek(3); bytes.Equal(start, []byte{0xEF, 0xBB, 0xBF}) {
		b.Discard(3)
	} else if len(start) >= 2 && (start[0] == 0xFF && start[1] == 0xFE || start[0] == 0xFE && start[1] == 0xFF) {
		in.Close()
		return nil, domain.InvalidField("file", s.Name+" is UTF-16; save it as CSV UTF-8")
	}
	r := &rosterReader{Closer: in, csv: csv.NewReader(b), columns: map[string]int{}}
	r.csv.FieldsPerRecord = -1
	header, err := r.csv.Read()
	if err != nil {
		in.Close()
		return nil, domain.InvalidField("file", s.Name+" has no header line of column names separated by commas")
	}
	for i, c := range header {
		name := strings.ToLower(strings.TrimSpace(c))
		if _, twice := r.columns[name]; twice && name != "" {
			in.Close()
			return nil, domain.InvalidField("file", fmt.Sprintf("%s has the column %q twice", s.Name, clipText(c, 60)))
		}
		r.columns[name] = i
		r.header = append(r.header, strings.TrimSpace(c))
	}
	r.mark()
	return r, nil
}

func (r *rosterReader) mark() {
	r.last, _ = r.csv.FieldPos(0)
	if n := len(r.header); n > 0 {
		r.last = max(r.last, 1)
	}
}

// line is the last line that was read.
func (r *rosterReader) line() int { return r.last }

// next gives a row, or what is wrong with it, or io.EOF.
func (r *rosterReader) next() (rosterRow, *RowProblem, error) {
	cells, err := r.csv.Read()
	var parse *csv.ParseError
	switch {
	case err == io.EOF:
		return rosterRow{}, nil, io.EOF
	case errors.As(err, &parse):
		r.last = max(parse.Line, r.last)
		return rosterRow{}, &RowProblem{parse.StartLine, "", "is not valid CSV: " + parse.Err.Error()}, nil
	case err != nil:
		return rosterRow{}, nil, domain.InvalidField("file", "cannot be read to its end")
	}
	line, _ := r.csv.FieldPos(0)
	r.last = line
	for _, c := range cells { // a cell in quotes may go over several lines
		r.last += strings.Count(c, "\n")
	}
	if len(cells) != len(r.header) {
		return rosterRow{}, &RowProblem{line, "", fmt.Sprintf("has %d cells, the header has %d", len(cells), len(r.header))}, nil
	}
	for i, c := range cells {
		switch {
		case len(c) > maxCell:
			return rosterRow{}, &RowProblem{line, r.header[i], fmt.Sprintf("is longer than %d bytes", maxCell)}, nil
		case !utf8.ValidString(c):
			return rosterRow{}, &RowProblem{line, r.header[i], "is not UTF-8; save the file as CSV UTF-8"}, nil
		case strings.ContainsRune(c, 0):
			return rosterRow{}, &RowProblem{line, r.header[i], "holds a NUL character"}, nil
		}
	}
	return rosterRow{line, cells, r.columns}, nil, nil
}

// seen remembers what a file said before, by hash: a million rows fit into a few dozen megabytes.
type seen struct {
	seed maphash.Seed
	at   map[uint64]int
}

func newSeen() *seen { return &seen{maphash.MakeSeed(), map[uint64]int{}} }

func (s *seen) before(line int, key string) int {
	h := maphash.String(s.seed, key)
	if at, ok := s.at[h]; ok {
		return at
	}
	s.at[h] = line
	return 0
}

// check refuses what would make an import of the same file change something each time.
func (s *seen) check(kind string, r rosterRow) *RowProblem {
	if id := r.get("sourcedid"); id != "" {
		if at := s.before(r.line, "id/"+id); at > 0 {
			return &RowProblem{r.line, "sourcedId", fmt.Sprintf("is the same as on line %d", at)}
		}
	}
	if kind == "enrollments" && !r.gone() && strings.EqualFold(r.get("primary"), "true") && strings.EqualFold(r.get("role"), "teacher") {
		if at := s.before(r.line, "primary/"+r.get("classsourcedid")); at > 0 {
			return &RowProblem{r.line, "primary", fmt.Sprintf("the class has its primary teacher on line %d", at)}
		}
	}
	return nil
}

func clipText(s string, n int) string {
	r := []rune(strings.ToValidUTF8(s, "?"))
	return string(r[:min(len(r), n)])
}

func isNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n < 1<<30
}

func lineText(n int) string { return strconv.Itoa(n) }
