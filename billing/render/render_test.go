package render_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/plan"
	"lignum/billing/render"
	"lignum/billing/tax"
	"lignum/tests/bills"
)

// sample is a document with all that makes printing hard.
type sample struct {
	name     string
	inv      invoice.Invoice
	evidence string
}

func assembled(t testing.TB, in invoice.Input) (invoice.Invoice, string) {
	inv, err := invoice.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	file, err := invoice.EvidenceOf(in, inv)
	if err != nil {
		t.Fatal(err)
	}
	return inv, invoice.Hash(file)
}

func samples(t testing.TB) (list []sample) {
	add := func(name string, in invoice.Input) invoice.Invoice {
		inv, evidence := assembled(t, in)
		list = append(list, sample{name, inv, evidence})
		return inv
	}
	jamaica := add("jamaica", bills.Jamaica())
	add("bahamas", bills.Bahamas())

	long := bills.Jamaica() // sixty lines, and names that no line holds
	long.Terms.Customer = invoice.Party{Name: "The Regional Consortium of Ministries of Education, Skills, Youth, Information, Culture, and Lifelong Learning of the Eastern Caribbean", Address: []string{
		"Antoine-François-Xavier de Sainte-Croix Boulevard, Building 14, Second Floor, Rooms 201 to 219", "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogochuchafwerthefawrhirwrethlandnawdd", "Castries"}, Country: "LC", TaxNumber: "123456"}
	v := &long.InForce[0].Version
	v.Currency, v.Minimum, v.Discounts = "XCD", "", nil
	for i := range 60 {
		v.Components = append(v.Components, plan.Component{Name: fmt.Sprintf("part_%d", i), Title: fmt.Sprintf("Messages of district %d", i+1), Meter: "messages", Model: plan.Unit, Per: 7, Price: billing.Decimal(fmt.Sprintf("%d.05", i))})
	}
	long.Tax, long.Credits = tax.Regime{Country: "LC", Name: "VAT", Document: tax.Invoice, Rates: []tax.Rate{{Percent: "12.5", From: bills.Date("2026-01-01"), Source: "made up"}}}, nil
	add("sixty-lines", long)

	haiti := bills.Jamaica() // Haitian Creole, French, Spanish, Papiamento; what Latin-1 lacks; and what no font of ours has
	haiti.Terms.Issuer.Name = "Liy Aprantisaj Kreyòl S.A."
	haiti.Terms.Customer = invoice.Party{Name: "Ministè Edikasyon Nasyonal ak Fòmasyon Pwofesyonèl (MENFP)", Address: []string{"5, rue Dr Audain, angle rue de l’Égalité", "Pòtoprens — attn. Zoë Dvořák-Żółć, Σωκράτης, Юлия", "e\u0301ducation, Curac\u0327ao, Ñandú, 张伟 ☂"}, Country: "HT", TaxNumber: "000-123-456-7"}
	haiti.InForce[0].Version.Currency, haiti.InForce[0].Version.Title = "HTG", "Plan pou peyi yo: lekòl, kolèj ak inivèsite"
	haiti.Tax, haiti.Credits, haiti.Facts = tax.Regime{Country: "HT", Name: "TCA", Document: tax.Invoice, Rates: []tax.Rate{{Percent: "0", From: bills.Date("2026-01-01"), Source: "made up"}}}, nil, nil // lines of nothing
	add("haiti", haiti)

	draft := bills.Jamaica()
	draft.Terms.Number, draft.Terms.Order = "", ""
	draft.InForce[0].Version = plan.Version{Plan: "trial", Version: 1, Title: "Trial", From: bills.Date("2026-01-01"), Currency: "JMD", Cycle: billing.Monthly, Proration: plan.Whole}
	inv, err := invoice.Assemble(draft)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, sample{"draft", inv, ""})

	note, err := invoice.Credit(jamaica, nil, "LC-000003", bills.Date("2026-10-12"), "Two classes of Black River were counted twice; agreed by telephone with Ms Clarke.",
		[]invoice.Credited{{Line: "usage:classes:country:1:2026-09-01", Amount: 10_00}, {Line: "base:country:1:2026-09-01", Amount: 1250_00}})
	if err != nil {
		t.Fatal(err)
	}
	list = append(list, sample{"credit-note", note, ""})
	void, err := invoice.Credit(jamaica, []invoice.Invoice{note}, "LC-000004", bills.Date("2026-10-13"), "Issued to the wrong ministry.", nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, sample{"void", void, ""})
}

func printed(t testing.TB, s sample) []byte {
	b, err := render.Bytes(s.inv, s.evidence)
	if err != nil {
		t.Fatal(s.name, err)
	}
	return b
}

// The same document makes the same bytes, now and later, and after it was stored.
func TestTheSameBytes(t *testing.T) {
	t.Parallel()
	all := samples(t)
	first := make([][]byte, len(all))
	for i, s := range all {
		first[i] = printed(t, s)
	}
	time.Sleep(1100 * time.Millisecond) // PDF tells time in seconds
	for i, s := range all {
		for range 3 {
			if !bytes.Equal(first[i], printed(t, s)) {
				t.Errorf("%s is not the same again", s.name)
			}
		}
	}
	other := all[0]
	other.evidence = strings.Repeat("0", 64)
	if bytes.Equal(first[0], printed(t, other)) {
		t.Error("another evidence makes the same paper")
	}
}

// drawn is a piece of text on a page, with where its line stands, in points from the bottom of the page.
type drawn struct {
	page int
	y    float64
	text string
}

var (
	streams = regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`)
	texts   = regexp.MustCompile(`(?s)BT [0-9.-]+ ([0-9.-]+) Td \(((?:[^\\)]|\\.)*)\) ?Tj ET`)
	escaped = strings.NewReplacer(`\(`, "(", `\)`, ")", `\\`, `\`, `\r`, "\r")
)

// read gives what stands on the pages: fpdf writes each text as UTF-16, and each page as a stream that is deflated.
func read(t testing.TB, pdf []byte) (all []drawn) {
	page := 0
	for _, m := range streams.FindAllSubmatch(pdf, -1) {
		z, err := zlib.NewReader(bytes.NewReader(m[1]))
		if err != nil {
			continue
		}
		content, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(content, []byte("Tj ET")) {
			continue
		}
		page++
		for _, m := range texts.FindAllSubmatch(content, -1) {
			raw := []byte(escaped.Replace(string(m[2])))
			var units []uint16
			for i := 0; i+1 < len(raw); i += 2 {
				units = append(units, uint16(raw[i])<<8|uint16(raw[i+1]))
			}
			y, err := strconv.ParseFloat(string(m[1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, drawn{page, y, string(utf16.Decode(units))})
		}
	}
	return all
}

// squeezed is a text without blanks, since lines are broken anywhere between words.
func squeezed(text string) string {
	return strings.NewReplacer(" ", "", "\u00a0", "").Replace(text)
}

// All that a document says stands on its pages: what the law asks for, each line with its words and its sum, the total, and the hash of its evidence. Each page has the head of the table, if it has lines, and its number.
func TestWhatStandsOnPaper(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		list, inv := read(t, printed(t, s)), s.inv
		var text strings.Builder
		pages, heads, feet := 0, 0, 0
		for _, d := range list {
			text.WriteString(squeezed(d.text))
			pages = max(pages, d.page)
			if d.text == "What for, and how it is computed" {
				heads++
			}
			if strings.Contains(d.text, fmt.Sprintf("page %d of ", d.page)) {
				feet++
			} else if mm := d.y * 25.4 / 72; (mm < 20 || mm > 285) && d.text != inv.Issuer.Name {
				t.Errorf("%s: %q stands at %.0f mm", s.name, d.text, mm)
			}
		}
		has := func(what, wanted string) {
			if !strings.Contains(text.String(), squeezed(wanted)) {
				t.Errorf("%s lacks %s, %q", s.name, what, wanted)
			}
		}
		if len(inv.Lines) > 30 && pages < 3 || feet != pages || heads < pages-1 || heads > pages {
			t.Errorf("%s: %d pages, %d heads of tables, %d numbers of pages", s.name, pages, heads, feet)
		}
		has("its end", fmt.Sprintf("page %d of %d", pages, pages))
		has("its number", inv.Number)
		has("its evidence", s.evidence)
		has("the issuer's number", inv.Issuer.TaxNumber)
		has("the registration", inv.Issuer.Registration)
		has("the customer's number", inv.Customer.TaxNumber)
		has("the total", inv.Currency.Money(inv.Total).In("en"))
		for _, l := range inv.Lines {
			has("a title", l.Title)
			has("an explanation", l.Explanation)
			if l.Explanation == "" {
				t.Errorf("%s: %s has no explanation", s.name, l.ID)
			}
			amount := strings.TrimPrefix(inv.Currency.Money(max(l.Amount, -l.Amount)).In("en"), string(inv.Currency))
			if l.Amount < 0 {
				amount = "−" + amount
			}
			has("an amount", amount)
		}
		for _, tl := range inv.Taxes {
			has("a tax", tl.Name+" "+string(tl.Percent)+" % of "+inv.Currency.Money(tl.Taxable).In("en"))
			has("a certificate", tl.Certificate)
		}
	}
}

// What the law calls a document is its heading; a draft is called by no such name.
func TestHeadings(t *testing.T) {
	t.Parallel()
	want := map[string]string{"jamaica": "Tax invoice", "bahamas": "VAT invoice", "sixty-lines": "Invoice", "haiti": "Invoice", "draft": "Draft of an invoice", "credit-note": "Tax credit note", "void": "Tax credit note"}
	for _, s := range samples(t) {
		var largest string
		for _, d := range read(t, printed(t, s)) {
			if !strings.Contains(d.text, " · page ") && (strings.Contains(strings.ToLower(d.text), "invoice") || strings.Contains(d.text, "note")) {
				largest = d.text
				break
			}
		}
		if largest != want[s.name] {
			t.Errorf("%s is headed %q", s.name, largest)
		}
	}
}

// Letters of the region's languages, and of names from elsewhere, are printed as they are; what the fonts lack is written in Latin letters.
func TestLetters(t *testing.T) {
	t.Parallel()
	for _, s := range samples(t) {
		if s.name != "haiti" {
			continue
		}
		var text strings.Builder
		for _, d := range read(t, printed(t, s)) {
			text.WriteString(squeezed(d.text))
		}
		for _, want := range []string{"Ministè Edikasyon Nasyonal ak Fòmasyon Pwofesyonèl", "l’Égalité", "Zoë Dvořák-Żółć", "Σωκράτης", "Юлия", "éducation, Curaçao, Ñandú", "ZhangWei?", "lekòl, kolèj ak inivèsite", "−31,250.00"} {
			if !strings.Contains(text.String(), squeezed(want)) {
				t.Errorf("%q is not there", want)
			}
		}
		return
	}
	t.Error("there is no such sample")
}

// A currency and its number stand on one line.
func TestSumsAreNotTornApart(t *testing.T) {
	t.Parallel()
	torn := regexp.MustCompile(`(JMD|BSD|XCD|HTG)$`)
	for _, s := range samples(t) {
		for _, d := range read(t, printed(t, s)) {
			if torn.MatchString(d.text) && !strings.HasPrefix(d.text, "Amount, ") && !strings.HasSuffix(d.text, "456, JMD") {
				t.Errorf("%s: %q", s.name, d.text)
			}
		}
	}
}

// LIGNUM_KEEP_PDF=folder keeps the samples, to be looked at.
func TestSamplesAreKept(t *testing.T) {
	folder := t.TempDir()
	if kept := os.Getenv("LIGNUM_KEEP_PDF"); kept != "" {
		folder = kept
	}
	for _, s := range samples(t) {
		if err := os.WriteFile(filepath.Join(folder, s.name+".pdf"), printed(t, s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
