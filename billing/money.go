package billing

import (
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"github.com/bojanz/currency"

	"lignum/domain"
	"lignum/domain/words"
)

// Currency is a code of ISO 4217, one of those that we bill in: "JMD".
type Currency string

// Currencies are those that we bill in: of the countries that the platform serves, and the US dollar.
func Currencies() []Currency {
	return []Currency{"BBD", "BSD", "BZD", "GYD", "HTG", "JMD", "KYD", "SRD", "TTD", "USD", "XCD"}
}

// Known reports whether we bill in the currency.
func (c Currency) Known() bool { return slices.Contains(Currencies(), c) }

// Digits is how many digits its minor unit has behind the point, by CLDR: 2 for the cents of the Jamaican dollar.
func (c Currency) Digits() int {
	digits, _ := currency.GetDigits(string(c))
	return int(digits)
}

// unit is the number of minor units in one of the currency.
func (c Currency) unit() *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.Digits())), nil)
}

// Money is a sum of minor units in the currency.
func (c Currency) Money(minor int64) Money { return Money{minor, c} }

// Money is a sum in whole minor units: cents. It is never a floating-point number.
type Money struct {
	Minor    int64    `json:"minor"`
	Currency Currency `json:"currency"`
}

// Largest is the largest sum of money that a document may hold, in minor units, above and below zero; what is larger is refused. It is small enough that
// any program that reads the document, JavaScript's too, has it exactly (2 to the power of 53).
const Largest = 9_000_000_000_000_000

// TooLarge is the error about a field with a sum beyond Largest.
func TooLarge(field string) error { return domain.InvalidField(field, "billing.too_large") }

// Sum adds amounts of minor units. It gives domain.Invalid, which names the field, when the sum is beyond Largest.
func Sum(field string, amounts ...int64) (int64, error) {
	var sum int64
	for _, a := range amounts {
		if a > Largest || a < -Largest {
			return 0, TooLarge(field)
		}
		if sum += a; sum > Largest || sum < -Largest {
			return 0, TooLarge(field)
		}
	}
	return sum, nil
}

// Plus adds a sum of the same currency. It gives domain.Invalid for another currency, and for a sum that is too large.
func (m Money) Plus(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return m, domain.InvalidField("currency", "billing.other_currency", "Wanted", string(m.Currency), "Is", string(o.Currency))
	}
	sum, err := Sum("amount", m.Minor, o.Minor)
	return Money{sum, m.Currency}, err
}

// In writes the sum as a language writes numbers, with the currency's code: "JMD 1,234.50".
func (m Money) In(l words.Language) string {
	return format(l, m.Currency, m.Decimal(), m.Currency.Digits())
}

// format writes a decimal number with the code of its currency. The blank between is one at which no line is broken.
func format(l words.Language, c Currency, number string, digits int) string {
	amount, err := currency.NewAmount(number, string(c))
	if err != nil {
		return string(c) + " " + number // of a currency that CLDR does not know
	}
	f := currency.NewFormatter(currency.NewLocale(string(l)))
	f.CurrencyDisplay, f.MinDigits, f.MaxDigits = currency.DisplayCode, uint8(digits), 6
	return strings.Replace(f.Format(amount), "-", "−", 1)
}

// Decimal writes the sum in the currency's major unit: "1234.50".
func (m Money) Decimal() string {
	return new(big.Rat).SetFrac(big.NewInt(m.Minor), m.Currency.unit()).FloatString(m.Currency.Digits())
}

// Exact is the sum in the currency's major unit.
func (m Money) Exact() *big.Rat {
	return new(big.Rat).SetFrac(big.NewInt(m.Minor), m.Currency.unit())
}

// Minor turns an exact sum, in the major unit, into minor units without rounding.
func Minor(exact *big.Rat, c Currency) *big.Rat {
	return new(big.Rat).Mul(exact, new(big.Rat).SetInt(c.unit()))
}

// Round turns an exact sum of the major unit into minor units, half a unit away from zero: 0.125 is 0.13, −0.125 is −0.13. That is what tax offices
// print in their examples and what a person with a calculator expects. To let halves go to the even neighbour would even out many roundings, and here each line is
// rounded only once. It gives domain.Invalid, which names the field, for a sum beyond Largest.
func Round(field string, exact *big.Rat, c Currency) (int64, error) {
	minor := Minor(exact, c)
	num, den := new(big.Int).Abs(minor.Num()), minor.Denom()
	num.Add(num.Lsh(num, 1), den) // (2n + d) / 2d, rounded down
	num.Quo(num, new(big.Int).Lsh(den, 1))
	if !num.IsInt64() || num.Int64() > Largest {
		return 0, TooLarge(field)
	}
	return num.Int64() * int64(minor.Sign()), nil
}

// Decimal is a number from 0 that is written out: "12.5". Prices, fees and percentages are decimals, since a price may be less than a minor unit. It has at most
// twelve digits before the point and six behind it.
type Decimal string

var decimal = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]{1,6})?$`)

// Rat is the number; one that is empty, or cannot be read, is 0.
func (d Decimal) Rat() *big.Rat {
	if r, ok := new(big.Rat).SetString(string(d)); ok && decimal.MatchString(string(d)) {
		return r
	}
	return new(big.Rat)
}

// In writes the number as a price: "JMD 12.50", with as many digits as it has.
func (d Decimal) In(l words.Language, c Currency) string { return format(l, c, string(d), c.Digits()) }

// Check notes what is wrong with the number: it cannot be read, or is below zero.
func (d Decimal) Check(p *domain.Problems, field string) {
	switch {
	case !decimal.MatchString(string(d)):
		p.Add(field, "billing.must_be_a_decimal")
	case strings.HasPrefix(string(d), "-"):
		p.Add(field, "billing.must_not_be_negative")
	}
}

// CheckSum is Check for a sum of money that is charged as it is: it has no more digits than the currency's minor unit. An empty one is no sum, and right.
func (d Decimal) CheckSum(p *domain.Problems, field string, c Currency) {
	if d == "" {
		return
	}
	had := len(*p)
	if d.Check(p, field); len(*p) == had && !Minor(d.Rat(), c).IsInt() {
		p.Add(field, "billing.too_many_digits", "Digits", c.Digits())
	}
}

// Exact is a fraction in the currency's major unit, as it is before it is rounded: "37500/31", and "12" for a whole number.
type Exact string

// ExactOf writes a fraction.
func ExactOf(r *big.Rat) Exact { return Exact(r.RatString()) }

// Rat is the fraction.
func (e Exact) Rat() *big.Rat {
	r, ok := new(big.Rat).SetString(string(e))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// In writes the fraction as a sum of money, with as many digits as it needs; one that needs more than six is cut there, and marked.
func (e Exact) In(l words.Language, c Currency) string {
	r := e.Rat()
	digits, exact := r.FloatPrec()
	if !exact || digits > 6 {
		// Cut, not rounded: it goes on.
		scaled := new(big.Rat).Mul(r, big.NewRat(1_000_000, 1))
		cut := new(big.Int).Quo(scaled.Num(), scaled.Denom())
		return format(l, c, new(big.Rat).SetFrac(cut, big.NewInt(1_000_000)).FloatString(6), 6) + "…"
	}
	return format(l, c, r.FloatString(max(digits, c.Digits())), c.Digits())
}

// JSON writes a document: always the same bytes for the same document, lists never null, on one line.
func JSON(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(domain.FullLists(v)); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
