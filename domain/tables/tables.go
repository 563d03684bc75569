// Package tables writes tables that spreadsheets open: as CSV (RFC 4180) and as a workbook of Office Open XML (ECMA-376), row by row as they come, so that a table of a million
// rows takes no more memory than one of ten.
//
// What people typed is no formula. A spreadsheet takes a cell that begins with one of = + - @ for one, which may send what stands beside it to a stranger, or run a program; so
// such a cell gets an apostrophe before it (Harmless), in both kinds of file, since a workbook is often saved as CSV later.
package tables

import (
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Column is a column of a table.
type Column struct {
	Name  string // for programs: a file of CSV has it
	Title string // for people: a workbook has it
}

// Columns makes columns of names, whose titles are the same.
func Columns(names ...string) []Column {
	list := make([]Column, len(names))
	for i, name := range names {
		list[i] = Column{name, name}
	}
	return list
}

// Writer writes tables into a file. A cell is a string, an int, a Decimal, a bool, a time.Time, or a pointer to an int or a time.Time, of which nil is an empty cell. Whatever fails, fails
// for good.
type Writer interface {
	// Table begins a table. A file of CSV has one: those that follow have the same columns, and go on in it.
	Table(title string, columns []Column) error
	// Row adds a row to it, a cell for each of its columns.
	Row(cells ...any) error
	// Close ends the file. It does not close what it is written to.
	Close() error
}

// Harmless keeps a spreadsheet from taking what somebody typed for a formula, also where spaces or what nobody sees stand before it, and where it begins with a character of
// double width. Neither does it of what stands behind a semicolon or a tab, at which some spreadsheets begin a cell.
func Harmless(s string) string {
	s = within.ReplaceAllString(s, "$1'$2")
	begins := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) })
	if begins == "" {
		return s
	}
	if strings.ContainsRune("=+-@＝＋－＠", []rune(begins)[0]) || strings.ContainsRune("\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// within is where a cell could begin within a text, for a spreadsheet that takes other separators.
var within = regexp.MustCompile(`([;\t][\s\p{Cf}"']*)([=+@＝＋－＠-])`)

// NewCSV begins a file of CSV, in UTF-8 with a mark at its beginning, for which Excel asks to read letters with accents right. Times are in UTC, as RFC 3339 has them.
func NewCSV(to io.Writer) Writer { return &commas{to: to, out: csv.NewWriter(to)} }

type commas struct {
	to      io.Writer
	out     *csv.Writer
	columns []Column
	cells   []string
}

func (c *commas) Table(_ string, columns []Column) error {
	if c.columns != nil {
		if !slices.Equal(columns, c.columns) {
			return fmt.Errorf("tables: a file of CSV has one table, and so the same columns")
		}
		return nil
	}
	c.columns, c.cells = slices.Clone(columns), make([]string, len(columns))
	if _, err := io.WriteString(c.to, "\uFEFF"); err != nil {
		return err
	}
	for i, column := range columns {
		c.cells[i] = column.Name
	}
	return c.out.Write(c.cells)
}

func (c *commas) Row(cells ...any) error {
	if err := fits(cells, c.columns); err != nil {
		return err
	}
	for i, cell := range cells {
		switch v := plain(cell).(type) {
		case nil:
			c.cells[i] = ""
		case int:
			c.cells[i] = strconv.Itoa(v)
		case bool:
			c.cells[i] = strconv.FormatBool(v)
		case time.Time:
			c.cells[i] = v.UTC().Format(time.RFC3339Nano)
		case Decimal:
			if !v.ok() {
				return unknown(cell)
			}
			c.cells[i] = string(v)
		case string:
			c.cells[i] = Harmless(v)
		default:
			return unknown(cell)
		}
	}
	return c.out.Write(c.cells)
}

func (c *commas) Close() error {
	c.out.Flush()
	return c.out.Error()
}

// Decimal is a number that the program has written out, such as -1234.50: a cell that a spreadsheet adds up, to the last digit. Another text is no cell.
type Decimal string

var decimal = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,6})?$`)

func (d Decimal) ok() bool { return decimal.MatchString(string(d)) }

// plain gives what a pointer points at, and nil for one that points at nothing.
func plain(cell any) any {
	switch v := cell.(type) {
	case *int:
		if v == nil {
			return nil
		}
		return *v
	case *time.Time:
		if v == nil {
			return nil
		}
		return *v
	}
	return cell
}

func fits(cells []any, columns []Column) error {
	if columns == nil || len(cells) != len(columns) {
		return fmt.Errorf("tables: a row of %d cells in a table of %d columns", len(cells), len(columns))
	}
	return nil
}

func unknown(cell any) error { return fmt.Errorf("tables: a cell cannot be a %T", cell) }
