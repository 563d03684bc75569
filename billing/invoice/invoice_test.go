package invoice_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/billing"
	"lignum/billing/invoice"
	"lignum/billing/meter"
	"lignum/billing/plan"
	"lignum/billing/rate"
	"lignum/billing/tax"
	"lignum/domain"
	"lignum/tests/bills"
	_ "lignum/tests/tenth"
)

func assemble(t interface{ Fatal(...any) }, in invoice.Input) invoice.Invoice {
	inv, err := invoice.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// Jamaica's month, computed by hand: see what each line says.
func TestAnInvoice(t *testing.T) {
	t.Parallel()
	inv := assemble(t, bills.Jamaica())
	want := map[string]int64{
		"base:country:1:2026-09-01":             250_000_00,
		"usage:students:country:1:2026-09-01":   455_51,     // 6 less 2 included: 3 at 120 and 1 at 95.505
		"usage:storage:country:1:2026-09-01":    134_38,     // 1,075 gigabytes for a day at 3.75 for 30 of them
		"usage:messages:country:1:2026-09-01":   136_50,     // 3 packages at 45.50
		"usage:live:country:1:2026-09-01":       163_75,     // 655 at 0.25
		"usage:classes:country:1:2026-09-01":    20_00,      // 2 at 10
		"discount:launch:country:1:2026-09-01":  -31_363_77, // 12.5 % of 250,910.14
		"discount:schools:country:1:2026-09-01": -1_000_00,
		"minimum":                               81_453_63, // to 300,000
		"credit:outage":                         -15_000_00,
	}
	for _, l := range inv.Lines {
		if amount, known := want[l.ID]; amount != l.Amount || !known || l.Title == "" || l.Explanation == "" {
			t.Errorf("%s: %d, %q", l.ID, l.Amount, l.Explanation)
		}
		delete(want, l.ID)
	}
	if len(want) > 0 || inv.Subtotal != 285_000_00 || inv.Tax != 42_750_00 || inv.Total != 327_750_00 || inv.Document != tax.TaxInvoice {
		t.Errorf("%v %d %d %d", want, inv.Subtotal, inv.Tax, inv.Total)
	}
	says := map[int]string{
		1: "Measured: 6 students. 2 are included, 4 are charged. 3 above 0 and up to 3, at JMD 120.00 each: JMD 360.00. 1 above 3, at JMD 95.505 each: JMD 95.505. Together JMD 455.505. Rounded: JMD 455.51.",
		2: "Measured: 1,075 gigabytes for a day. 1,075 at JMD 3.75 for every 30: JMD 134.375. Rounded: JMD 134.38.",
		4: "Measured: 655 minutes. Above 600, all cost JMD 0.25 each: 655 make JMD 163.75.",
		3: "Measured: 2,400 messages. 3 packages of 1,000, begun or full, at JMD 45.50 each: JMD 136.50.",
		6: "12.5 % of JMD 250,910.14, the charges above. Rounded: −JMD 31,363.77.",
		8: "A period costs at least JMD 300,000.00; the lines above come to JMD 218,546.37.",
	}
	for i, want := range says {
		if is := strings.ReplaceAll(inv.Lines[i].Explanation, "\u00a0", " "); is != want {
			t.Errorf("%q", is)
		}
	}
	if want := "2026-09-01T05:00:00Z 2026-10-01T05:00:00Z"; want != inv.Begins.Format(time.RFC3339)+" "+inv.Ends.Format(time.RFC3339) {
		t.Errorf("%s to %s", inv.Begins, inv.Ends)
	}
}

// Documents are stored as JSON and read back as they were, to the byte.
func TestDocumentsAreReadBack(t *testing.T) {
	t.Parallel()
	same := func(v, into any) {
		t.Helper()
		first, err := billing.JSON(v)
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bytes.NewReader(first))
		d.DisallowUnknownFields()
		if err := d.Decode(into); err != nil {
			t.Fatal(err)
		}
		second, err := billing.JSON(reflect.ValueOf(into).Elem().Interface())
		if err != nil || !bytes.Equal(first, second) || bytes.Contains(first, []byte("null")) {
			t.Errorf("%s became %s, %v", first, second, err)
		}
	}
	for _, in := range []invoice.Input{bills.Jamaica(), bills.Bahamas()} {
		inv := assemble(t, in)
		same(in, new(invoice.Input))
		same(inv, new(invoice.Invoice))
		same(in.InForce[0].Version, new(plan.Version))
		file, err := invoice.EvidenceOf(in, inv)
		if err != nil {
			t.Fatal(err)
		}
		var e invoice.Evidence
		if err := json.Unmarshal(file, &e); err != nil {
			t.Fatal(err)
		}
		if again := assemble(t, e.Input); !reflect.DeepEqual(again, inv) {
			t.Errorf("what the evidence holds comes to %+v", again)
		}
		note, err := invoice.Credit(inv, nil, "CN-1", inv.Issued, "a test", nil)
		if err != nil {
			t.Fatal(err)
		}
		same(note, new(invoice.Invoice))
	}
}

// Facts that come again, and in any order, make the same invoice and the same evidence, to the byte.
func TestReplayedFactsMakeTheSameInvoice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, billed := bills.Random(t)
		if !billed {
			return
		}
		inv := assemble(t, in)
		file, err := invoice.EvidenceOf(in, inv)
		if err != nil {
			t.Fatal(err)
		}
		again := append(slices.Clone(in.Facts), in.Facts[:rapid.IntRange(0, len(in.Facts)).Draw(t, "again")]...)
		in.Facts = rapid.Permutation(again).Draw(t, "order")
		for i := range in.Facts {
			in.Facts[i].At = in.Facts[i].At.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)) // the same moment, told elsewhere
		}
		second, err := invoice.EvidenceOf(in, assemble(t, in))
		if err != nil || !bytes.Equal(file, second) {
			t.Fatalf("%v\n%s\n%s", err, file, second)
		}
	})
}

// No credit takes more than is owed or than a bill comes to, no bill is below zero, and what is billed before tax is what bears tax.
func TestCreditsNeverExceed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, billed := bills.Random(t)
		if !billed {
			return
		}
		inv := assemble(t, in)
		sum, taxable := int64(0), int64(0)
		for _, l := range inv.Lines {
			if sum += l.Amount; l.Kind != rate.Credit {
				continue
			}
			i := slices.IndexFunc(in.Credits, func(c plan.Credit) bool { return "credit:"+c.Name == l.ID })
			if c := in.Credits[i]; -l.Amount > c.Left || l.Amount >= 0 || c.Until != 0 && c.Until < in.Terms.Period.From {
				t.Fatalf("%+v of %+v", l, c)
			}
		}
		for _, l := range inv.Taxes {
			taxable += l.Taxable
		}
		if sum != inv.Subtotal || sum < 0 || taxable != sum || inv.Total != inv.Subtotal+inv.Tax {
			t.Fatalf("lines %d, subtotal %d, taxable %d, tax %d, total %d", sum, inv.Subtotal, taxable, inv.Tax, inv.Total)
		}
	})
}

// Facts that arrive after the invoice change nothing of it. They become lines of the next, which say so; the one after that has nothing to correct any more.
func TestFactsThatComeLate(t *testing.T) {
	t.Parallel()
	in := bills.Jamaica()
	in.Credits = nil
	in.InForce[0].Version.Minimum = ""
	in.InForce[0].Version.Discounts = in.InForce[0].Version.Discounts[:1]
	september := assemble(t, in)
	in.Facts = append(in.Facts, meter.Fact{Key: "late", Meter: "messages", At: time.Date(2026, 9, 30, 23, 0, 0, 0, time.UTC), Quantity: 601}) // one more than the third package holds
	in.Terms.Number, in.Terms.Period = "LL-000055", bills.Days("2026-10-01", "2026-11-01")
	in.Terms.Issued, in.Terms.Due = bills.Date("2026-11-02"), bills.Date("2026-12-02")
	in.Earlier = invoice.EarlierOf([]invoice.Invoice{september})
	october := assemble(t, in)
	var corrections []rate.Line
	for _, l := range october.Lines {
		if l.Kind == rate.Correction {
			corrections = append(corrections, l)
		}
	}
	if len(corrections) != 2 || corrections[0].Amount != 45_50 || corrections[1].Amount != -5_69 || corrections[0].Corrects != "LL-000042" {
		t.Fatalf("%+v", corrections)
	}
	for i, want := range []string{
		"Corrects invoice LL-000042, of 1 Sep 2026 to 30 Sep 2026, by facts that arrived after it. Measured by now: 3,001 messages. It comes to JMD 182.00 now; JMD 136.50 was billed.",
		"Corrects invoice LL-000042, of 1 Sep 2026 to 30 Sep 2026, by facts that arrived after it. It comes to −JMD 31,369.46 now; −JMD 31,363.77 was billed.",
	} {
		if is := strings.ReplaceAll(corrections[i].Explanation, "\u00a0", " "); is != want {
			t.Errorf("%q", is)
		}
	}
	in.Terms.Number, in.Terms.Period, in.Terms.Issued, in.Terms.Due = "LL-000068", bills.Days("2026-11-01", "2026-12-01"), bills.Date("2026-12-02"), bills.Date("2027-01-02")
	in.Earlier = invoice.EarlierOf([]invoice.Invoice{september, october})
	for _, l := range assemble(t, in).Lines {
		if l.Kind == rate.Correction {
			t.Errorf("corrected twice: %+v", l)
		}
	}
}

// Late facts may make a period cheaper, where a tier is reached. More than a period costs is not taken off it: the earlier invoice is credited.
func TestCorrectionsBelowZero(t *testing.T) {
	t.Parallel()
	in := bills.Jamaica()
	in.Credits = nil
	v := &in.InForce[0].Version
	v.BaseFee, v.Minimum, v.Discounts = "", "", nil
	v.Components = []plan.Component{{Name: "live", Title: "Live classes", Meter: "live_minutes", Model: plan.Volume, Tiers: []plan.Tier{{UpTo: 700, Price: "10"}, {Above: 700, Price: "1"}}}}
	september := assemble(t, in)
	in.Facts = append(in.Facts, meter.Fact{Key: "late", Meter: "live_minutes", At: time.Date(2026, 9, 30, 23, 0, 0, 0, time.UTC), Quantity: 100})
	in.Terms.Number, in.Terms.Period, in.Terms.Issued, in.Terms.Due = "LL-000055", bills.Days("2026-10-01", "2026-11-01"), bills.Date("2026-11-02"), bills.Date("2026-12-02")
	in.Earlier = invoice.EarlierOf([]invoice.Invoice{september})
	if inv, err := invoice.Assemble(in); domain.CodeOf(err) != domain.Conflict || !strings.Contains(err.Error(), "LL-000042") {
		t.Error(inv.Total, err)
	}
	in.Facts = append(in.Facts, meter.Fact{Key: "october", Meter: "live_minutes", At: time.Date(2026, 10, 10, 12, 0, 0, 0, time.UTC), Quantity: 600})
	if inv := assemble(t, in); inv.Subtotal != 6000_00-(6550_00-755_00) {
		t.Error(inv.Subtotal)
	}
}

// What is wrong with an input is refused, and names its field.
func TestInputsThatAreWrong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*invoice.Input)
		code   domain.Code
		says   string
	}{
		"zone":              {func(in *invoice.Input) { in.Terms.Zone = "America/Atlantis" }, domain.Invalid, "terms.zone"},
		"the machine's":     {func(in *invoice.Input) { in.Terms.Zone = "Local" }, domain.Invalid, "terms.zone"},
		"empty period":      {func(in *invoice.Input) { in.Terms.Period.To = in.Terms.Period.From }, domain.Invalid, "terms.period: must end after it begins"},
		"a long period":     {func(in *invoice.Input) { in.Terms.Period.To += 1000 }, domain.Invalid, "terms.period"},
		"due before issued": {func(in *invoice.Input) { in.Terms.Due = in.Terms.Issued - 1 }, domain.Invalid, "terms.due"},
		"language":          {func(in *invoice.Input) { in.Terms.Language = "xx" }, domain.Invalid, "terms.language"},
		"no customer":       {func(in *invoice.Input) { in.Terms.Customer = invoice.Party{} }, domain.Invalid, "terms.customer.name"},
		"two lines in one":  {func(in *invoice.Input) { in.Terms.Customer.Name = "A\nB" }, domain.Invalid, "terms.customer.name"},
		"no TRN":            {func(in *invoice.Input) { in.Terms.Issuer.TaxNumber = "" }, domain.Invalid, "terms.issuer.tax_number: is missing"},
		"not a TRN":         {func(in *invoice.Input) { in.Terms.Issuer.TaxNumber = "12345" }, domain.Invalid, "nine digits"},
		"no registration":   {func(in *invoice.Input) { in.Terms.Issuer.Registration = "" }, domain.Invalid, "terms.issuer.registration"},
		"overlapping periods": {func(in *invoice.Input) {
			in.Earlier = []invoice.Earlier{{Number: "LL-000041", Period: bills.Days("2026-08-02", "2026-09-02")}}
		}, domain.Invalid, "the days in both would be billed twice"},
		"a period again": {func(in *invoice.Input) {
			in.Earlier = []invoice.Earlier{{Number: "LL-000041", Period: in.Terms.Period}}
		}, domain.Invalid, "billed twice"},
		"one invoice twice": {func(in *invoice.Input) {
			in.Earlier = []invoice.Earlier{{Number: "LL-000041", Period: bills.Days("2026-07-01", "2026-08-01")}, {Number: "LL-000041", Period: bills.Days("2026-08-01", "2026-09-01")}}
		}, domain.Invalid, "earlier[1].number"},
		"a line twice": {func(in *invoice.Input) {
			in.Earlier = []invoice.Earlier{{Number: "LL-000041", Period: bills.Days("2026-08-01", "2026-09-01"), Billed: []invoice.Billed{{Line: "x"}, {Line: "x"}}}}
		}, domain.Invalid, "earlier[0].billed[1].line"},
		"negative credit":    {func(in *invoice.Input) { in.Credits[0].Left = -1 }, domain.Invalid, "credits[0].left"},
		"a credit twice":     {func(in *invoice.Input) { in.Credits = append(in.Credits, in.Credits[0]) }, domain.Invalid, "credits[1].name"},
		"negative quantity":  {func(in *invoice.Input) { in.Facts[0].Quantity = -1 }, domain.Invalid, "quantity: must not be below zero"},
		"one key, two facts": {func(in *invoice.Input) { in.Facts[1].Key = in.Facts[0].Key }, domain.Conflict, "two different facts"},
		"unknown currency":   {func(in *invoice.Input) { in.InForce[0].Version.Currency = "EUR" }, domain.Invalid, "EUR is no currency"},
		"unknown meter":      {func(in *invoice.Input) { in.Meters = in.Meters[1:] }, domain.Invalid, "nothing is measured under the name active_students"},
		"overlapping tiers":  {func(in *invoice.Input) { in.InForce[0].Version.Components[0].Tiers[1].Above = 1 }, domain.Invalid, "has two prices for units 2 to 3"},
		"no plan":            {func(in *invoice.Input) { in.InForce[0].From = bills.Date("2026-10-01") }, domain.NotFound, "No plan holds between 2026-09-01 and 2026-09-30."},
		"no rate of tax": {func(in *invoice.Input) {
			in.Tax.Rates[0].From, in.Tax.Rates = bills.Date("2027-01-01"), in.Tax.Rates[:1]
		}, domain.NotFound, "No rate of GCT in JM is known for 2026-09-01"},
		"overlapping exempted": {func(in *invoice.Input) {
			in.Exemptions = []tax.Exemption{{Certificate: "a", Days: in.Terms.Period}, {Certificate: "b", Days: in.Terms.Period}}
		}, domain.Invalid, "exemptions"},
	} {
		in := bills.Jamaica()
		c.change(&in)
		if inv, err := invoice.Assemble(in); domain.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d, %v", name, inv.Total, err)
		}
	}
}

// An invoice goes out when its period has ended, and not with a clock that was set back: numbers follow days.
func TestIssuing(t *testing.T) {
	t.Parallel()
	in := bills.Jamaica()
	if inv, err := invoice.Issue(in, bills.Date("2026-10-02")); err != nil || !reflect.DeepEqual(inv, assemble(t, in)) {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*invoice.Input)
		code   domain.Code
		says   string
	}{
		"clock set back":   {func(in *invoice.Input) { in.Terms.Issued = bills.Date("2026-10-01") }, domain.Conflict, "the clock was set back"},
		"before its end":   {func(in *invoice.Input) { in.Terms.Period.To += 5 }, domain.Conflict, "has not ended on 2026-10-02"},
		"without a number": {func(in *invoice.Input) { in.Terms.Number = "" }, domain.Invalid, "terms.number"},
	} {
		in := bills.Jamaica()
		c.change(&in)
		if inv, err := invoice.Issue(in, bills.Date("2026-10-02")); domain.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d, %v", name, inv.Total, err)
		}
	}
	in.Terms.Number, in.Terms.Issued, in.Terms.Due = "", bills.Date("2026-09-12"), bills.Date("2026-10-12")
	if _, err := invoice.Assemble(in); err != nil { // a draft, in the middle of its period
		t.Error(err)
	}
	other := bills.Jamaica()
	other.Facts = other.Facts[1:]
	if file, err := invoice.EvidenceOf(other, assemble(t, bills.Jamaica())); err == nil {
		t.Errorf("evidence of another invoice: %s", file)
	}
}

func paid(name string, minor int64) invoice.Payment {
	return invoice.Payment{Name: name, On: bills.Date("2026-10-20"), Amount: billing.Money{Minor: minor, Currency: "JMD"}}
}

func TestBalances(t *testing.T) {
	t.Parallel()
	inv := assemble(t, bills.Jamaica())
	half := inv.Total / 2
	note, err := invoice.Credit(inv, nil, "CN-1", bills.Date("2026-10-10"), "a class was counted twice", []invoice.Credited{{Line: "usage:classes:country:1:2026-09-01", Amount: 10_00}})
	if err != nil || note.Total != 11_50 {
		t.Fatal(note.Total, err)
	}
	void, err := invoice.Credit(inv, []invoice.Invoice{note}, "CN-2", bills.Date("2026-10-11"), "issued to the wrong ministry", nil)
	if err != nil || void.Total+note.Total != inv.Total || void.Tax+note.Tax != inv.Tax {
		t.Fatal(void.Total, err)
	}
	for name, c := range map[string]struct {
		notes    []invoice.Invoice
		payments []invoice.Payment
		want     invoice.Balance
	}{
		"open":        {nil, nil, invoice.Balance{State: invoice.Open, Due: inv.Total}},
		"partial":     {nil, []invoice.Payment{paid("a", half)}, invoice.Balance{State: invoice.Partial, Paid: half, Due: inv.Total - half}},
		"told twice":  {nil, []invoice.Payment{paid("a", half), paid("a", half)}, invoice.Balance{State: invoice.Partial, Paid: half, Due: inv.Total - half}},
		"paid":        {nil, []invoice.Payment{paid("a", half), paid("b", inv.Total-half)}, invoice.Balance{State: invoice.Paid, Paid: inv.Total}},
		"less a note": {[]invoice.Invoice{note}, []invoice.Payment{paid("a", inv.Total-11_50)}, invoice.Balance{State: invoice.Paid, Credited: 11_50, Paid: inv.Total - 11_50}},
		"overpaid":    {[]invoice.Invoice{note}, []invoice.Payment{paid("a", inv.Total)}, invoice.Balance{State: invoice.Overpaid, Credited: 11_50, Paid: inv.Total, Over: 11_50}},
		"void":        {[]invoice.Invoice{note, void}, nil, invoice.Balance{State: invoice.Void, Credited: inv.Total}},
		"void, paid":  {[]invoice.Invoice{note, void}, []invoice.Payment{paid("a", 5)}, invoice.Balance{State: invoice.Void, Credited: inv.Total, Paid: 5, Over: 5}},
	} {
		c.want.Total = inv.Total
		if b, err := invoice.BalanceOf(inv, c.notes, c.payments); b != c.want || err != nil {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	wrong := func(change func(*invoice.Payment)) invoice.Payment {
		p := paid("a", 100)
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		notes   []invoice.Invoice
		payment invoice.Payment
		code    domain.Code
		says    string
	}{
		"a void invoice":   {[]invoice.Invoice{note, void}, paid("a", 100), domain.Conflict, "LL-000042 is void"},
		"another currency": {nil, wrong(func(p *invoice.Payment) { p.Amount.Currency = "USD" }), domain.Invalid, "must be in JMD, is in USD"},
		"nothing":          {nil, wrong(func(p *invoice.Payment) { p.Amount.Minor = 0 }), domain.Invalid, "must be more than 0"},
		"less than that":   {nil, wrong(func(p *invoice.Payment) { p.Amount.Minor = -5 }), domain.Invalid, "must be more than 0"},
		"no day":           {nil, wrong(func(p *invoice.Payment) { p.On = 0 }), domain.Invalid, "payments[1].on"},
		"one name, two":    {nil, wrong(func(p *invoice.Payment) { p.Name = "before" }), domain.Conflict, "Two different payments"},
		"a note too many":  {[]invoice.Invoice{note, void, note}, paid("a", 100), domain.Conflict, "More was credited"},
		"another's note":   {[]invoice.Invoice{func() invoice.Invoice { n := note; n.Credits = "LL-1"; return n }()}, paid("a", 100), domain.Invalid, "is no credit note of LL-000042"},
	} {
		if b, err := invoice.Pay(inv, c.notes, []invoice.Payment{paid("before", 1)}, c.payment); domain.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if b, err := invoice.Pay(inv, nil, nil, paid("a", inv.Total)); err != nil || b.State != invoice.Paid {
		t.Error(b, err)
	}
	if _, err := invoice.Pay(note, nil, nil, paid("a", 1)); domain.CodeOf(err) != domain.Conflict {
		t.Error(err)
	}
}

// Credit notes never come to more than was billed, line by line and in total; those that come to all of it come to all of its tax.
func TestCreditNotesNeverExceed(t *testing.T) {
	t.Parallel()
	voided := 0
	rapid.Check(t, func(t *rapid.T) {
		in, billed := bills.Random(t)
		if !billed {
			return
		}
		inv := assemble(t, in)
		var notes []invoice.Invoice
		for n := range rapid.IntRange(1, 5).Draw(t, "notes") {
			var lines []invoice.Credited
			if rapid.IntRange(0, 3).Draw(t, "all") > 0 && len(inv.Lines) > 0 {
				l := rapid.SampledFrom(inv.Lines).Draw(t, "line")
				lines = []invoice.Credited{{Line: l.ID, Amount: int64(rapid.IntRange(-1, int(max(l.Amount, 1))+1).Draw(t, "amount"))}}
			}
			note, err := invoice.Credit(inv, notes, fmt.Sprintf("CN-%d", n), inv.Issued, "a test", lines)
			var refused *domain.Error
			if err != nil && !errors.As(err, &refused) {
				t.Fatal(err)
			}
			if err == nil {
				notes = append(notes, note)
			}
		}
		var b invoice.Balance
		var err error
		if b, err = invoice.BalanceOf(inv, notes, nil); err != nil {
			t.Fatal(err)
		}
		of, subtotal, taxed := map[string]int64{}, int64(0), int64(0)
		for _, n := range notes {
			if n.Subtotal <= 0 || n.Tax < 0 || n.Total != n.Subtotal+n.Tax {
				t.Fatalf("%+v", n)
			}
			subtotal, taxed = subtotal+n.Subtotal, taxed+n.Tax
			for _, l := range n.Lines {
				of[l.CorrectsLine] += l.Amount
			}
		}
		for _, l := range inv.Lines {
			if of[l.ID] > max(l.Amount, 0) {
				t.Fatalf("of %d of %s %d are credited", l.Amount, l.ID, of[l.ID])
			}
		}
		if subtotal > inv.Subtotal || taxed > inv.Tax || subtotal == inv.Subtotal && taxed != inv.Tax {
			t.Fatalf("credited %d and tax of %d, of %d and %d", subtotal, taxed, inv.Subtotal, inv.Tax)
		}
		if b.State == invoice.Void {
			voided++
		}
	})
	if voided == 0 {
		t.Error("no invoice was credited whole")
	}
}
