package tables

import (
	"archive/zip"
	"bufio"
	_ "embed" // for the styles
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Bounds of a workbook, as Excel has them.
const (
	sheetRows = 1_000_000 // of 1,048,576: what is more goes on in a sheet of its own
	cellText  = 32_767    // units of UTF-16 in a cell
	sheetName = 31        // characters of a sheet's name
)

// NewWorkbook begins a workbook (.xlsx), with a sheet for each table: its titles stand in the first row, which stays in sight. Times are those of a zone.
//
// A library would be shorter to use. Of those that are kept alive excelize alone writes row by row, into files beside the program that are as large as the table unpacked
// (166 MB for 200,000 people) and have names: a container whose folder of temporary files is 64 MB of memory cannot hold them, and a process that is killed leaves them, with all
// those people in them. What is written here is a small part of the format, and tests read it with excelize.
func NewWorkbook(to io.Writer, zone *time.Location) Writer {
	return &workbook{zip: zip.NewWriter(to), zone: zone, most: sheetRows}
}

type workbook struct {
	zip     *zip.Writer
	zone    *time.Location
	sheet   *bufio.Writer // the one that is being written
	names   []string      // of the sheets
	title   string        // of the table
	columns []Column
	row     int // how many rows the sheet has
	most    int // that it may have, below its titles
}

func (w *workbook) Table(title string, columns []Column) error {
	w.title, w.columns = title, columns
	return w.begin()
}

// begin begins a sheet for the table.
func (w *workbook) begin() error {
	if err := w.end(); err != nil {
		return err
	}
	w.names = append(w.names, w.free(w.title))
	part, err := w.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(w.names)))
	if err != nil {
		return err
	}
	w.sheet, w.row = bufio.NewWriterSize(part, 64<<10), 0
	w.write(xml.Header, `<worksheet xmlns="`, mainSpace, `"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`)
	if len(w.columns) > 0 {
		w.write(`<cols>`)
	}
	for i, c := range w.columns {
		w.write(fmt.Sprintf(`<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, min(max(utf8.RuneCountInString(c.Title)+4, 14), 40)))
	}
	if len(w.columns) > 0 {
		w.write(`</cols>`)
	}
	w.write(`<sheetData>`)
	titles := make([]any, len(w.columns))
	for i, c := range w.columns {
		titles[i] = c.Title
	}
	return w.cells(` s="1"`, titles)
}

// free gives a name that no sheet has, without what a name may not hold.
func (w *workbook) free(title string) string {
	title = strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\`, r) || r < ' ' {
			return ' '
		}
		return r
	}, title), " '")
	if title == "" {
		title = "1"
	}
	for n := 1; ; n++ {
		end := ""
		if n > 1 {
			end = fmt.Sprintf(" (%d)", n)
		}
		name := []rune(title)
		name = name[:min(len(name), sheetName-len(end))]
		taken := false
		for _, other := range w.names {
			taken = taken || strings.EqualFold(other, string(name)+end)
		}
		if !taken {
			return string(name) + end
		}
	}
}

func (w *workbook) Row(cells ...any) error {
	if err := fits(cells, w.columns); err != nil {
		return err
	}
	if w.row > w.most {
		if err := w.begin(); err != nil {
			return err
		}
	}
	return w.cells("", cells)
}

// cells writes a row. style is an attribute of its cells but those of times.
func (w *workbook) cells(style string, cells []any) error {
	w.row++
	w.write(`<row r="`, strconv.Itoa(w.row), `">`)
	for i, cell := range cells {
		at := column(i) + strconv.Itoa(w.row)
		switch v := plain(cell).(type) {
		case nil:
		case int:
			w.write(`<c r="`, at, `"`, style, `><v>`, strconv.Itoa(v), `</v></c>`)
		case Decimal:
			if !v.ok() {
				return unknown(cell)
			}
			w.write(`<c r="`, at, `"`, style, `><v>`, string(v), `</v></c>`)
		case bool:
			of := "0"
			if v {
				of = "1"
			}
			w.write(`<c r="`, at, `"`, style, ` t="b"><v>`, of, `</v></c>`)
		case time.Time:
			w.write(`<c r="`, at, `" s="2"><v>`, strconv.FormatFloat(w.serial(v), 'f', 6, 64), `</v></c>`)
		case string:
			w.write(`<c r="`, at, `"`, style, ` t="inlineStr"><is><t xml:space="preserve">`)
			if err := xml.EscapeText(w.sheet, []byte(escape.ReplaceAllString(clip(Harmless(v)), "_x005F$0"))); err != nil { // what XML cannot hold becomes U+FFFD
				return err
			}
			w.write(`</t></is></c>`)
		default:
			return unknown(cell)
		}
	}
	w.write(`</row>`)
	_, err := w.sheet.Write(nil) // what went wrong before
	return err
}

// serial is a time as spreadsheets have it: days since 30 December 1899, of the clock in the workbook's zone.
func (w *workbook) serial(t time.Time) float64 {
	t = t.In(w.zone)
	_, offset := t.Zone()
	return float64(t.Unix()+int64(offset))/86_400 + 25_569
}

// escape is how the format writes a character that XML cannot hold, as _x000D_ (ECMA-376, 22.9.2.19). Whoever typed that meant no other character.
var escape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}`)

// clip cuts a text that is too long for a cell. Spreadsheets count the units of UTF-16.
func clip(s string) string {
	if len(s) <= cellText {
		return s
	}
	units, end := 0, 0
	for i, r := range s {
		if units < cellText {
			end = i
		}
		if units += max(1, utf16.RuneLen(r)); units > cellText {
			return s[:end] + "…"
		}
	}
	return s
}

// column is the name of a column, A for 0.
func column(i int) string {
	name := ""
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// write writes into the sheet. What goes wrong is told when the row ends.
func (w *workbook) write(list ...string) {
	for _, s := range list {
		_, _ = w.sheet.WriteString(s) // bufio's error stays
	}
}

// end ends the sheet that is being written.
func (w *workbook) end() error {
	if w.sheet == nil {
		return nil
	}
	w.write(`</sheetData></worksheet>`)
	return w.sheet.Flush()
}

// What holds the sheets together, as the format has it.
type (
	sheetList struct {
		XMLName   xml.Name   `xml:"http://schemas.openxmlformats.org/spreadsheetml/2006/main workbook"`
		Relations string     `xml:"xmlns:r,attr"`
		Sheets    []sheetRef `xml:"sheets>sheet"`
	}
	sheetRef struct {
		Name string `xml:"name,attr"`
		ID   int    `xml:"sheetId,attr"`
		Rel  string `xml:"r:id,attr"`
	}
	links struct {
		XMLName xml.Name `xml:"http://schemas.openxmlformats.org/package/2006/relationships Relationships"`
		List    []link   `xml:"Relationship"`
	}
	link struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	}
	partTypes struct {
		XMLName  xml.Name   `xml:"http://schemas.openxmlformats.org/package/2006/content-types Types"`
		Defaults []partType `xml:"Default"`
		Parts    []partType `xml:"Override"`
	}
	partType struct {
		Extension string `xml:"Extension,attr,omitempty"`
		Part      string `xml:"PartName,attr,omitempty"`
		Type      string `xml:"ContentType,attr"`
	}
)

const (
	mainSpace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
	relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	kindOf    = "application/vnd.openxmlformats-officedocument.spreadsheetml."
)

// styles are those of cells: 0 as it is, 1 of titles, 2 of times.
//
//go:embed styles.xml
var styles []byte

// Close writes what holds the sheets together. A workbook without a table gets an empty sheet, since it must have one.
func (w *workbook) Close() error {
	if len(w.names) == 0 {
		if err := w.Table("", nil); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	book, within := sheetList{Relations: relations}, links{}
	types := partTypes{Defaults: []partType{{Extension: "rels", Type: "application/vnd.openxmlformats-package.relationships+xml"}, {Extension: "xml", Type: "application/xml"}},
		Parts: []partType{{Part: "/xl/workbook.xml", Type: kindOf + "sheet.main+xml"}, {Part: "/xl/styles.xml", Type: kindOf + "styles+xml"}}}
	for i, name := range w.names {
		id, part := fmt.Sprintf("rId%d", i+1), fmt.Sprintf("worksheets/sheet%d.xml", i+1)
		book.Sheets = append(book.Sheets, sheetRef{name, i + 1, id})
		within.List = append(within.List, link{id, relations + "/worksheet", part})
		types.Parts = append(types.Parts, partType{Part: "/xl/" + part, Type: kindOf + "worksheet+xml"})
	}
	within.List = append(within.List, link{fmt.Sprintf("rId%d", len(w.names)+1), relations + "/styles", "styles.xml"})
	for _, part := range []struct {
		name string
		is   any
	}{{"xl/workbook.xml", book}, {"xl/_rels/workbook.xml.rels", within}, {"xl/styles.xml", styles},
		{"_rels/.rels", links{List: []link{{"rId1", relations + "/officeDocument", "xl/workbook.xml"}}}}, {"[Content_Types].xml", types}} {
		text, fixed := part.is.([]byte)
		if !fixed {
			var err error
			if text, err = xml.Marshal(part.is); err != nil {
				return err
			}
			text = append([]byte(xml.Header), text...)
		}
		to, err := w.zip.Create(part.name)
		if err == nil {
			_, err = to.Write(text)
		}
		if err != nil {
			return err
		}
	}
	return w.zip.Close()
}
