package billing_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/bojanz/currency"
	"pgregory.net/rapid"

	"lignum/billing"
	"lignum/domain"
	_ "lignum/tests/tenth"
)

// plain is a text with blanks at which lines may be broken.
func plain(text string) string { return strings.ReplaceAll(text, "\u00a0", " ") }

func TestMoneyIsWritten(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]billing.Money{"JMD 1,234.50": {Minor: 123450, Currency: "JMD"}, "−BSD 0.05": {Minor: -5, Currency: "BSD"}, "XCD 0.00": {Currency: "XCD"},
		"USD 90,000,000,000,000.00": {Minor: billing.Largest, Currency: "USD"}} {
		if is := plain(m.In("en")); is != want {
			t.Errorf("%q, not %q", is, want)
		}
	}
	for want, e := range map[string]billing.Exact{"JMD 12.00": "12", "JMD 0.125": "1/8", "JMD 1,209.677419…": "37500/31", "−JMD 0.333333…": "-1/3"} {
		if is := plain(e.In("en", "JMD")); is != want {
			t.Errorf("%q, not %q", is, want)
		}
	}
	if is := plain(billing.Decimal("95.505").In("en", "JMD")); is != "JMD 95.505" {
		t.Error(is)
	}
}

// The verifier knows by itself that each of our currencies has a hundred minor units.
func TestCurrenciesHaveAHundredMinorUnits(t *testing.T) {
	t.Parallel()
	for _, c := range billing.Currencies() {
		if digits, known := currency.GetDigits(string(c)); !known || digits != 2 || c.Digits() != 2 || !c.Known() {
			t.Errorf("%s has %d digits", c, digits)
		}
	}
	if billing.Currency("EUR").Known() || billing.Currency("").Known() {
		t.Error("a currency that we do not bill in is known")
	}
}

func TestHalvesGoAwayFromZero(t *testing.T) {
	t.Parallel()
	for exact, want := range map[string]int64{"0.125": 13, "0.124999": 12, "-0.125": -13, "1/3": 33, "2/3": 67, "0": 0, "0.005": 1, "-0.004": 0} {
		r, _ := new(big.Rat).SetString(exact)
		if is, err := billing.Round("x", r, "JMD"); is != want || err != nil {
			t.Errorf("%s: %d, %v", exact, is, err)
		}
	}
}

func TestTooMuchMoneyIsRefused(t *testing.T) {
	t.Parallel()
	huge := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil))
	for name, err := range map[string]error{"rounded": second(billing.Round("x", huge, "JMD")), "below": second(billing.Round("x", new(big.Rat).Neg(huge), "JMD")),
		"sum": second(billing.Sum("x", billing.Largest, 1)), "beyond int64": second(billing.Sum("x", 1<<62, 1<<62)),
		"plus": second(billing.Money{Minor: -billing.Largest, Currency: "JMD"}.Plus(billing.Money{Minor: -1, Currency: "JMD"})), "other": second(billing.Money{Currency: "JMD"}.Plus(billing.Money{Currency: "BSD"}))} {
		if domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if sum, err := billing.Sum("x", billing.Largest, -billing.Largest, 7); sum != 7 || err != nil {
		t.Error(sum, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestDecimals(t *testing.T) {
	t.Parallel()
	for text, wrong := range map[billing.Decimal]string{"12.5": "", "0": "", "000.000001": "", "999999999999.999999": "", "": "must be a number", "1.0000001": "must be a number", "1e3": "must be a number", "1/3": "must be a number", "+1": "must be a number",
		".5": "must be a number", "-1": "below zero", "1234567890123": "must be a number", "0x10": "must be a number"} {
		var p domain.Problems
		text.Check(&p, "price")
		if said(p) != wrong && (wrong == "" || !has(p, wrong)) {
			t.Errorf("%q: %v", text, p)
		}
		if wrong != "" && wrong != "below zero" && text.Rat().Sign() != 0 {
			t.Errorf("%q is read as %s", text, text.Rat())
		}
	}
	var p domain.Problems
	billing.Decimal("1.005").CheckSum(&p, "fee", "JMD")
	if !has(p, "at most 2 digits") {
		t.Error(p)
	}
}

// What is shared adds up, and no part is a whole minor unit off.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var exact []*big.Rat
		sum := new(big.Rat)
		for range rapid.IntRange(1, 12).Draw(t, "parts") {
			e := big.NewRat(rapid.Int64Range(-1_000_000, 1_000_000).Draw(t, "num"), rapid.Int64Range(1, 997).Draw(t, "den"))
			exact, sum = append(exact, e), sum.Add(sum, e)
		}
		whole, err := billing.Round("x", new(big.Rat).Quo(sum, big.NewRat(100, 1)), "JMD")
		if err != nil {
			t.Fatal(err)
		}
		parts, left := billing.Share(whole, exact), whole
		for i, part := range parts {
			left -= part
			if off := new(big.Rat).Sub(exact[i], big.NewRat(part, 1)); off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("%s became %d", exact[i], part)
			}
		}
		if left != 0 {
			t.Fatalf("%v do not add up to %d", parts, whole)
		}
	})
	// Of equal ones the first.
	third := big.NewRat(100, 3)
	if parts := billing.Share(100, []*big.Rat{third, third, third}); parts[0] != 34 || parts[1] != 33 || parts[2] != 33 {
		t.Error(parts)
	}
}
