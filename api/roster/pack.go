package roster

import (
	"archive/zip"
	"bufio"
	"bytes"
	"io"
	"path"
	"strconv"
	"strings"

	"lignum/domain"
	"lignum/tenants/files"
)

// mostFiles is how many files may be sent at once; an archive may hold as many tables.
const mostFiles = 50

// packed is what was sent as one archive, made while it is read: the archive that was sent, or one of the CSV files.
type packed struct {
	names []string // what was sent
	next  Sent
	part  io.Reader // what is being read; nil: the next is to come
	into  io.Writer // its place in the archive
	ready bytes.Buffer
	zip   *zip.Writer // nil: an archive was sent
	ended bool
	chunk []byte
}

// pack begins an archive with the first file. It gives domain.Invalid where none was sent, and for what is plainly neither CSV nor an archive.
func pack(next Sent) (*packed, error) {
	p := &packed{next: next, chunk: make([]byte, 32<<10)}
	if err := p.begin(); err == io.EOF {
		return nil, domain.InvalidField("file", "api.must_be_a_file")
	} else if err != nil {
		return nil, err
	}
	return p, nil
}

// begin takes the next file, or gives io.EOF.
func (p *packed) begin() error {
	name, part, err := p.next()
	if err != nil {
		return err
	}
	name = files.CleanName(name)
	isZip := strings.HasSuffix(strings.ToLower(name), ".zip")
	switch {
	case len(p.names) == mostFiles:
		return domain.InvalidField("file", "roster.must_be_1_to_csv", "Most", mostFiles)
	case len(p.names) > 0 && (isZip || p.zip == nil):
		return domain.InvalidField("file", "roster.send_one_archive_alone")
	}
	from := bufio.NewReaderSize(part, 512)
	head, err := from.Peek(4)
	if err != nil && err != io.EOF {
		return err
	}
	like := len(head) == 4 && string(head) == "PK\x03\x04"
	switch {
	case len(head) == 0:
		return domain.InvalidField("file", "roster.the_file_is_empty", "N", len(p.names)+1)
	case isZip && !like:
		return domain.InvalidField("file", "roster.the_file_is_no_archive")
	case !isZip && like:
		return domain.InvalidField("file", "roster.the_file_is_a_spreadsheet", "N", len(p.names)+1)
	}
	p.part = from
	if !isZip {
		if p.zip == nil {
			p.zip = zip.NewWriter(&p.ready)
		}
		if p.into, err = p.zip.CreateHeader(&zip.FileHeader{Name: p.unlike(name), Method: zip.Store}); err != nil {
			return err
		}
	}
	p.names = append(p.names, name)
	return nil
}

// unlike gives a name that no file before has, which ends as the name does: how a file ends says what it is.
func (p *packed) unlike(name string) string {
	for _, before := range p.names {
		if strings.EqualFold(before, name) {
			end := path.Ext(name)
			return strings.TrimSuffix(name, end) + " (" + strconv.Itoa(len(p.names)+1) + ")" + end
		}
	}
	return name
}

// Read is io.Reader's.
func (p *packed) Read(b []byte) (int, error) {
	for p.ready.Len() == 0 {
		if p.ended {
			return 0, io.EOF
		}
		if err := p.step(); err != nil {
			return 0, err
		}
	}
	return p.ready.Read(b)
}

// step moves some of what is sent into the archive.
func (p *packed) step() error {
	if p.part == nil {
		err := p.begin()
		if err != io.EOF {
			return err
		}
		if p.ended = true; p.zip != nil {
			return p.zip.Close()
		}
		return nil
	}
	n, err := p.part.Read(p.chunk)
	switch {
	case p.zip == nil:
		p.ready.Write(p.chunk[:n])
	default:
		if _, wrong := p.into.Write(p.chunk[:n]); wrong != nil {
			return wrong
		}
		if wrong := p.zip.Flush(); wrong != nil {
			return wrong
		}
	}
	if err == io.EOF {
		p.part, err = nil, nil
	}
	return err
}
