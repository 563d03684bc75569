package roster

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lignum/domain"
	"lignum/domain/words"
)

// File is one CSV file. Open is called more than once, and each time gives the same bytes from the start.
type File struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// Bounds of a directory or an archive.
const (
	maxFiles      = 50    // tables
	maxOtherFiles = 1_000 // that are left out
)

// Open returns the files of a path: one file, or all in a directory or a zip archive with the folders in it, so that each is either
// imported or named as left out. Close the closer after the import.
func Open(path string) ([]File, io.Closer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, domain.InvalidField("file", "roster.cannot_be_read", "Name", filepath.Base(path))
	}
	switch {
	case info.IsDir():
		files, err := filesIn(os.DirFS(path))
		return files, io.NopCloser(nil), err
	case strings.EqualFold(filepath.Ext(path), ".zip"):
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, domain.InvalidField("file", "roster.cannot_be_read", "Name", filepath.Base(path))
		}
		files, err := Unpack(f, info.Size())
		return files, f, err
	}
	return []File{{filepath.Base(path), func() (io.ReadCloser, error) { return os.Open(path) }}}, io.NopCloser(nil), nil
}

// mostDirectory bounds what an archive says of what is in it, in bytes: all of that is read before anything else, and each entry of 46 bytes takes ten times as
// many of memory.
const mostDirectory = 1 << 20

// Unpack returns the files of a zip archive of so many bytes. Nothing is written anywhere: each is unpacked while it is read. Errors: domain.Invalid for what is no
// archive, or one of which a name leads out of it.
func Unpack(r io.ReaderAt, size int64) ([]File, error) {
	if err := checkDirectory(r, size); err != nil {
		return nil, err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, domain.InvalidField("file", "roster.is_not_a_zip_archive")
	}
	for _, f := range z.File {
		if name := strings.ReplaceAll(f.Name, `\`, "/"); !filepath.IsLocal(strings.TrimSuffix(name, "/")) {
			return nil, domain.InvalidField("file", "roster.a_name_leads_out_of_the_archive", "Name", strconv.Quote(clipText(f.Name, 60)))
		}
	}
	return filesIn(z)
}

// checkDirectory refuses an archive that ends in the middle, or has more entries than one should look at (APPNOTE.TXT 4.3.16: the record at its end says where its
// directory is, and how long). An archive with the records of 64 bits, which begin at 4 GB, is none of ours.
func checkDirectory(r io.ReaderAt, size int64) error {
	const record, longest = 22, 22 + 1<<16 // bytes: of the record, and with a comment behind it
	tail := make([]byte, min(size, longest))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	at := bytes.LastIndex(tail[:max(0, len(tail)-record+4)], []byte("PK\x05\x06"))
	if at < 0 || at+record > len(tail) {
		return domain.InvalidField("file", "roster.is_not_a_zip_archive")
	}
	end := size - int64(len(tail)-at)
	long, from := int64(binary.LittleEndian.Uint32(tail[at+12:])), int64(binary.LittleEndian.Uint32(tail[at+16:]))
	if from+long > end || binary.LittleEndian.Uint16(tail[at+10:]) == 0xffff {
		return domain.InvalidField("file", "roster.is_not_a_zip_archive")
	}
	if long > mostDirectory || end-from > mostDirectory { // either may be where it is read from
		return domain.InvalidField("file", "roster.holds_more_than_files", "Most", maxOtherFiles)
	}
	return nil
}

func filesIn(tree fs.FS) ([]File, error) {
	var files []File
	tables := 0
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, _, leftOut := byName(name); !leftOut {
			tables++
		}
		if tables > maxFiles {
			return domain.InvalidField("file", "roster.holds_more_than_csv_files", "Most", maxFiles)
		}
		if len(files) == maxOtherFiles {
			return domain.InvalidField("file", "roster.holds_more_than_files", "Most", maxOtherFiles)
		}
		files = append(files, File{name, func() (io.ReadCloser, error) { return tree.Open(name) }})
		return nil
	})
	if err != nil && domain.CodeOf(err) == "" {
		err = domain.InvalidField("file", "roster.cannot_be_read_as_a")
	}
	return files, err
}

// byName tells what is left out for its name alone, and why; needed: somebody meant it to be imported.
func byName(name string) (why words.Text, needed, leftOut bool) {
	base := strings.ToLower(filepath.Base(name))
	switch {
	case strings.HasPrefix(base, "."), strings.HasPrefix(base, "~$"), base == "thumbs.db", base == "desktop.ini", strings.HasPrefix(name, "__MACOSX/"):
		return words.Say("roster.a_file_of_the_computers"), false, true
	}
	switch filepath.Ext(base) {
	case ".csv", ".tsv", ".tab", ".txt", "":
		return words.Text{}, true, false
	case ".xls", ".xlsx", ".xlsm", ".xlsb", ".ods", ".numbers":
		return words.Say("roster.is_a_spreadsheet_save_it"), true, true
	case ".zip":
		return words.Say("roster.is_an_archive_in_the"), true, true
	}
	return words.Say("roster.is_no_csv_file_left"), false, true
}

// sourceFile is a file of which the header is read.
type sourceFile struct {
	File
	kind     string // "": left out, and why is in leftOut
	leftOut  words.Text
	needed   bool   // it was left out although somebody meant it to be imported
	hash     string // SHA-256 of the bytes, in hex
	text     fileText
	total    int            // lines, at least as many as there are
	columns  map[string]int // by name in lower case
	header   []string
	unnamed  int // columns without a name
	headerAt int // line
}

func (s *sourceFile) has(column string) bool { _, ok := s.columns[column]; return ok }

// inspect reads every file once: it checks the bounds of the whole import, hashes, and tells the kinds. A file that cannot be taken is left out
// with the reason; it stops no other.
func inspect(files []File) ([]*sourceFile, error) {
	if len(files) == 0 || len(files) > maxOtherFiles {
		return nil, domain.InvalidField("file", "roster.must_be_1_to_csv", "Most", maxFiles)
	}
	left, lines, tables := int64(maxBytes), 0, 0
	var out []*sourceFile
	for _, f := range files {
		s := &sourceFile{File: f}
		out = append(out, s)
		var leftOut bool
		if s.leftOut, s.needed, leftOut = byName(f.Name); leftOut {
			continue
		}
		if tables++; tables > maxFiles {
			return nil, domain.InvalidField("file", "roster.must_be_1_to_csv", "Most", maxFiles)
		}
		if err := s.measure(&left, &lines); err != nil {
			return nil, err
		}
		if s.leftOut.IsZero() {
			s.tellKind()
		}
	}
	slices.SortStableFunc(out, func(a, b *sourceFile) int { return strings.Compare(a.Name, b.Name) })
	for i, s := range out {
		for _, before := range out[:i] {
			if s.kind != "" && s.kind == before.kind && s.hash == before.hash {
				s.kind, s.leftOut, s.needed = "", words.Say("roster.same_file", "File", before.Name), false
			}
		}
	}
	return out, nil
}

func (s *sourceFile) measure(left *int64, lines *int) error {
	in, err := s.Open()
	if err != nil {
		s.leftOut = words.Say("roster.cannot_be_read_now")
		return nil
	}
	defer in.Close()
	h := sha256.New()
	buf := make([]byte, 64<<10)
	for before := *lines; ; {
		n, err := in.Read(buf)
		*left -= int64(n)
		s.text.look(buf[:n])
		s.total = max(s.text.lf, s.text.cr) + 1
		if *lines = before + s.total; *left < 0 || *lines > maxRows+maxFiles {
			return domain.Refuse(domain.TooLarge, "roster.a_roster_has_at_most", "Size", maxBytes>>20, "Rows", maxRows)
		}
		h.Write(buf[:n])
		if err == io.EOF {
			s.hash = hex.EncodeToString(h.Sum(nil))
			s.leftOut = s.text.settle()
			return nil
		}
		if err != nil {
			s.leftOut = words.Say("roster.cannot_be_read_to_its")
			return nil
		}
	}
}

// seen remembers what the files of a kind said before, by hash: a million rows fit into a few dozen megabytes.
type seen struct {
	what  string // kind and pass
	seed  maphash.Seed
	at    map[uint64]seenAt
	files []string
}

type seenAt struct{ file, line int32 }

func newSeen(what string) *seen {
	return &seen{what: what, seed: maphash.MakeSeed(), at: map[uint64]seenAt{}}
}

// in begins a file. The lines that follow are of it.
func (s *seen) in(file string) { s.files = append(s.files, file) }

// before returns where the key stood before: on a line of a file, "" for the same file; 0 when it did not.
func (s *seen) before(line int, key string) (at int, file string) {
	h := maphash.String(s.seed, key)
	this := int32(len(s.files) - 1)
	first, ok := s.at[h]
	switch {
	case !ok:
		s.at[h] = seenAt{this, int32(line)}
		return 0, ""
	case first.file == this:
		return int(first.line), ""
	}
	return int(first.line), s.files[first.file]
}

// check refuses what would make an import of the same files change something each time.
func (s *seen) check(kind string, r record) *Problem {
	if id := r.get("sourcedid"); id != "" {
		if at, file := s.before(r.line, "id/"+id); file != "" {
			return &Problem{r.line, "sourcedId", words.Say("roster.same_row_elsewhere", "Line", strconv.Itoa(at), "File", file)}
		} else if at > 0 {
			return &Problem{r.line, "sourcedId", words.Say("roster.same_row", "Line", strconv.Itoa(at))}
		}
	}
	if kind == "enrollments" && !r.ends() && strings.EqualFold(r.get("primary"), "true") && strings.EqualFold(r.get("role"), "teacher") {
		if at, file := s.before(r.line, "primary/"+r.get("classsourcedid")); file != "" {
			return &Problem{r.line, "primary", words.Say("roster.has_primary_elsewhere", "Line", strconv.Itoa(at), "File", file)}
		} else if at > 0 {
			return &Problem{r.line, "primary", words.Say("roster.has_primary", "Line", strconv.Itoa(at))}
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
