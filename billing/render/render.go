// Package render prints an invoice or a credit note as PDF, on A4, each line with the words that say how it is computed. The same document makes the same bytes: dates are the document's, and nothing is
// random. A PDF of fpdf has no tags for readers of screens; the page in HTML is its accessible copy.
//
// Words are set in Go Regular and Go Bold (golang.org/x/image/font/gofont, BSD licence), of which only the letters that are used go into the file. The fonts that every reader of PDF has know Latin-1 alone: enough for
// Spanish, French, Haitian Creole, Dutch and Papiamento, and not for a name such as Dvořák, a minus sign, or an address in Greek. These two have Latin, Greek and Cyrillic (WGL4) and cost the program
// 0.3 MB. What they lack is written in Latin letters.
//
// What may come in: how documents of bills look on paper. What they say comes with the document and from message files.
package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/rate"
	"lignum/billing/tax"
	"lignum/domain/words"
)

// Sizes of the page, in millimetres; of letters, in points.
const (
	pageWidth, pageHeight = 210.0, 297.0
	left, right           = 20.0, pageWidth - 20
	top, bottom           = 17.0, pageHeight - 21
	amountWidth           = 38.0
	textWidth             = right - left - amountWidth - 4
	normal, small, large  = 9.5, 8.0, 18.0
)

// PDF writes the document. evidence is the SHA-256 of its evidence, in hexadecimal digits; "" for one without: a draft, or a credit note.
func PDF(out io.Writer, inv invoice.Invoice, evidence string) error {
	pages := 0
	for { // once to count the pages, and once more to say how many there are
		p := newPage(inv, evidence, pages)
		p.draw()
		if p.Err() {
			return fmt.Errorf("billing: %w", p.Error())
		}
		if p.PageNo() == pages {
			return p.Output(out)
		}
		pages = p.PageNo()
	}
}

// page is the paper that is being written, and where on it.
type page struct {
	*fpdf.Fpdf
	invoice.Invoice
	evidence string
	pages    int
	y        float64 // where the next thing goes, from the top
	table    bool    // a new page begins with the head of the table
}

func newPage(inv invoice.Invoice, evidence string, pages int) *page {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(inv.Issued.UTC())
	pdf.SetModificationDate(inv.Issued.UTC())
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes("go", "", goregular.TTF)
	pdf.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	p := &page{Fpdf: pdf, Invoice: inv, evidence: evidence, pages: pages}
	pdf.SetTitle(p.heading()+" "+inv.Number, true)
	pdf.SetAuthor(inv.Issuer.Name, true)
	pdf.SetSubject(inv.Customer.Name, true)
	pdf.SetKeywords(evidence, true)
	pdf.SetLang(string(inv.Language))
	return p
}

func (p *page) say(key string, pairs ...any) string { return p.Language.Say(key, pairs...) }

// sum writes a sum without its currency, which stands at the head of its column.
func (p *page) sum(minor int64) string {
	_, number, _ := strings.Cut(p.Currency.Money(max(minor, -minor)).In(p.Language), "\u00a0")
	if minor < 0 {
		return "−" + number
	}
	return number
}

func (p *page) date(d billing.Date) string { return p.Language.Format(d.UTC(), "long_date") }

// heading is what the law calls the document.
func (p *page) heading() string {
	note := p.Kind == invoice.CreditNote
	switch {
	case p.Number == "":
		return p.say("billing.print.draft")
	case p.Document == tax.TaxInvoice && note:
		return p.say("billing.print.tax_credit_note")
	case p.Document == tax.VATInvoice && note:
		return p.say("billing.print.vat_credit_note")
	case note:
		return p.say("billing.print.credit_note")
	case p.Document == tax.TaxInvoice:
		return p.say("billing.print.tax_invoice")
	case p.Document == tax.VATInvoice:
		return p.say("billing.print.vat_invoice")
	}
	return p.say("billing.print.invoice")
}

// draw writes all of it.
func (p *page) draw() {
	p.newPage()
	p.head()
	p.table = true
	p.tableHead()
	for _, l := range p.Lines {
		p.line(l)
	}
	if len(p.Lines) == 0 {
		p.font("", normal, 0)
		p.text(left, textWidth, p.say("billing.print.nothing"))
		p.y += 2
	}
	p.table = false
	p.totals()
	p.closing()
}

// font chooses how the next text looks: "B" is bold; grey is from 0, black, to 255.
func (p *page) font(style string, size float64, grey int) {
	p.SetFont("go", style, size)
	p.SetTextColor(grey, grey, grey)
}

// height is that of a line of letters, in millimetres.
func (p *page) height() float64 {
	points, _ := p.GetFontSize()
	return points * 0.3528 * 1.35
}

// lines breaks a text to a width, at blanks, but not at those between a currency and its number; a word that is longer than a line is broken where the line ends.
func (p *page) lines(width float64, text string) (lines []string) {
	fits := func(text string) bool { return p.GetStringWidth(text) <= width-2.1 } // less the margins of a cell, of 1 mm each
	line := ""
	for _, word := range strings.Split(printable(text), " ") {
		if line != "" && fits(line+" "+word) {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for line = word; !fits(line); {
			n := 1
			for runes := []rune(line); n < len(runes)-1 && fits(string(runes[:n+1])); {
				n++
			}
			runes := []rune(line)
			lines, line = append(lines, string(runes[:n])), string(runes[n:])
		}
	}
	return append(lines, line)
}

// text writes a text at y, in lines, and moves on.
func (p *page) text(x, width float64, text string) {
	for _, line := range p.lines(width, text) {
		p.room(p.height())
		p.SetXY(x, p.y)
		p.CellFormat(width, p.height(), line, "", 0, "L", false, 0, "")
		p.y += p.height()
	}
}

// amount writes a sum in its column, at y, and stays there.
func (p *page) amount(text string) {
	p.SetXY(right-amountWidth, p.y)
	p.CellFormat(amountWidth, p.height(), printable(text), "", 0, "R", false, 0, "")
}

// rule draws a line across the page.
func (p *page) rule(grey int, width float64) {
	p.SetDrawColor(grey, grey, grey)
	p.SetLineWidth(width)
	p.Line(left, p.y, right, p.y)
}

// room goes on to a new page when there is not so much left on this one.
func (p *page) room(height float64) {
	if p.y+height <= bottom {
		return
	}
	points, _ := p.GetFontSize()
	style, r, g, b := p.GetFontStyle(), 0, 0, 0
	r, g, b = p.GetTextColor()
	p.newPage()
	if p.table {
		p.tableHead()
	}
	p.SetFont("go", style, points)
	p.SetTextColor(r, g, b)
}

// newPage begins a page: what is at its foot is written first.
func (p *page) newPage() {
	p.AddPage()
	p.y = bottom + 5
	p.rule(190, 0.2)
	p.y += 2
	p.font("", 7.5, 90)
	p.SetXY(left, p.y)
	p.CellFormat(right-left, 4, printable(p.Issuer.Name), "", 0, "L", false, 0, "")
	p.SetXY(left, p.y)
	p.CellFormat(right-left, 4, printable(p.say("billing.print.page", "Number", p.name(), "Page", p.PageNo(), "Pages", max(p.pages, 1))), "", 0, "R", false, 0, "")
	p.y = top
}

// name is the number, or that it is a draft.
func (p *page) name() string {
	if p.Number == "" {
		return p.say("billing.print.draft")
	}
	return p.Number
}

// head writes who bills whom, and the dates.
func (p *page) head() {
	p.font("B", large, 0)
	p.SetXY(left, p.y)
	p.CellFormat(120, 8, printable(p.heading()), "", 0, "L", false, 0, "")
	p.SetXY(left, p.y)
	p.CellFormat(right-left, 8, printable(p.Number), "", 0, "R", false, 0, "")
	p.y += 11
	p.rule(0, 0.5)
	p.y += 5
	began := p.y
	const column, gap = 82.0, 6.0
	p.party("billing.print.from", p.Issuer, left, column)
	below := p.y
	p.y = began
	p.party("billing.print.to", p.Customer, left+column+gap, column)
	p.y = max(p.y, below) + 4
	facts := [][2]string{{p.say("billing.print.issued"), p.date(p.Issued)}}
	add := func(label, value string) {
		if value != "" {
			facts = append(facts, [2]string{label, value})
		}
	}
	if p.Kind == invoice.Bill {
		add(p.say("billing.print.due"), p.date(p.Due))
	} else {
		add(p.say("billing.print.credits"), p.Credits)
	}
	add(p.say("billing.print.period"), p.say("billing.explain.days", "First", words.Moment{At: p.Period.From.UTC(), Layout: "date"}, "Last", words.Moment{At: p.Period.Last().UTC(), Layout: "date"}))
	add(p.say("billing.print.order"), p.Order)
	p.y += 1
	for i, f := range facts {
		x := left // two beside each other
		if i%2 == 1 {
			x += column + gap
		}
		p.font("", small, 90)
		p.SetXY(x, p.y)
		p.CellFormat(26, 5, printable(f[0]), "", 0, "L", false, 0, "")
		p.font("", normal, 0)
		p.SetXY(x+26, p.y)
		p.CellFormat(column-26, 5, printable(f[1]), "", 0, "L", false, 0, "")
		if i%2 == 1 || i == len(facts)-1 {
			p.y += 5.5
		}
	}
	if p.Reason != "" {
		p.y += 2
		p.font("", normal, 0)
		p.text(left, right-left, p.say("billing.print.reason", "Reason", p.Reason))
	}
	p.y += 5
}

// party writes a name, an address and the numbers that the law asks for.
func (p *page) party(label string, a invoice.Party, x, width float64) {
	p.font("", small, 90)
	p.text(x, width, p.say(label))
	p.font("B", normal, 0)
	p.text(x, width, a.Name)
	p.font("", normal, 0)
	for _, line := range append(a.Address, p.country(a.Country)) {
		p.text(x, width, line)
	}
	keys := [2]string{"billing.print.tax_number", "billing.print.registration"}
	switch p.Document {
	case tax.TaxInvoice:
		keys = [2]string{"billing.print.trn", "billing.print.gct"}
	case tax.VATInvoice:
		keys = [2]string{"billing.print.tin", "billing.print.vat"}
	case tax.Invoice:
	}
	for i, number := range []string{a.TaxNumber, a.Registration} {
		if number != "" {
			p.text(x, width, p.say(keys[i], "Number", number))
		}
	}
}

// country is a country's name, or its code where there are no words for it.
func (p *page) country(code string) string {
	if key := "country." + strings.ToLower(code); words.English.Message(key) != nil {
		return p.say(key)
	}
	return code
}

func (p *page) tableHead() {
	p.font("B", small, 0)
	p.SetXY(left, p.y)
	p.CellFormat(textWidth, p.height(), printable(p.say("billing.print.what")), "", 0, "L", false, 0, "")
	p.amount(p.say("billing.print.amount", "Currency", string(p.Currency)))
	p.y += p.height() + 1
	p.rule(0, 0.3)
	p.y += 2
}

// line writes a line with its explanation. It stays on one page, unless it is longer than one.
func (p *page) line(l rate.Line) {
	p.font("B", normal, 0)
	title := l.Title
	switch l.Kind {
	case rate.Correction:
		title = p.say("billing.print.correction", "Title", l.Title)
	case rate.Credit:
		title = p.say("billing.print.credit", "Title", l.Title)
	default:
	}
	height := float64(len(p.lines(textWidth, title))) * p.height()
	p.font("", small, 70)
	height += float64(len(p.lines(textWidth, l.Explanation)))*p.height() + 3.5
	if height < (bottom-top)/2 {
		p.room(height)
	}
	p.font("B", normal, 0)
	p.room(2 * p.height())
	p.amount(p.sum(l.Amount))
	p.text(left, textWidth, title)
	p.font("", small, 70)
	p.text(left, textWidth, l.Explanation)
	p.y += 1.2
	p.rule(215, 0.2)
	p.y += 1.7
}

// totals writes what all lines come to, tax, and the total, together on one page.
func (p *page) totals() {
	p.room(14 + 6*float64(len(p.Taxes)))
	p.y += 2
	row := func(style string, size float64, label, amount string) {
		p.font(style, size, 0)
		lines := p.lines(textWidth-40, label)
		for i, line := range lines {
			p.SetXY(left+40, p.y)
			p.CellFormat(textWidth-40, p.height(), line, "", 0, "R", false, 0, "")
			if i == len(lines)-1 {
				p.amount(amount)
			}
			p.y += p.height()
		}
		p.y += 1
	}
	row("", normal, p.say("billing.print.subtotal"), p.sum(p.Subtotal))
	for _, t := range p.Taxes {
		of := p.Currency.Money(t.Taxable).In(p.Language)
		if t.Certificate != "" {
			row("", normal, p.say("billing.print.exempt", "Tax", t.Name, "Of", of, "Certificate", t.Certificate), p.sum(t.Amount))
		} else {
			row("", normal, p.say("billing.print.tax", "Tax", t.Name, "Percent", string(t.Percent), "Of", of), p.sum(t.Amount))
		}
	}
	p.SetDrawColor(0, 0, 0)
	p.SetLineWidth(0.5)
	p.Line(left+textWidth-50, p.y, right, p.y)
	p.y += 1.5
	label := p.say("billing.print.total")
	if p.Kind == invoice.CreditNote {
		label = p.say("billing.print.total_credited")
	}
	row("B", 12, label, p.Currency.Money(p.Total).In(p.Language))
	p.y += 4
}

// closing writes how to pay, and how to compute the invoice again.
func (p *page) closing() {
	if p.Kind == invoice.Bill && len(p.Pay) > 0 && p.Total > 0 && p.Number != "" {
		p.room(6 + 5*float64(len(p.Pay)+1))
		p.font("B", small, 0)
		p.text(left, right-left, p.say("billing.print.pay"))
		p.font("", normal, 0)
		for _, line := range p.Pay {
			p.text(left, right-left, line)
		}
		p.text(left, right-left, p.say("billing.print.pay_naming", "Number", p.Number))
		p.y += 3
	}
	p.font("", small, 70)
	p.room(5 * p.height())
	p.text(left, right-left, p.say("billing.print.times", "Zone", p.Zone))
	if p.evidence != "" {
		p.text(left, right-left, p.say("billing.print.evidence"))
		p.font("", small, 0)
		p.text(left, right-left, p.evidence)
		p.font("", small, 70)
		p.text(left, right-left, p.say("billing.print.recompute"))
	}
}

// Bytes is PDF into memory.
func Bytes(inv invoice.Invoice, evidence string) ([]byte, error) {
	var b bytes.Buffer
	err := PDF(&b, inv, evidence)
	return b.Bytes(), err
}
