package item

import (
	"math/big"
	"regexp"
	"strings"
	"unicode/utf8"

	"lignum/domain/words"
)

// Caribbean English writes 1,234.5: the dot is the decimal sign, a comma may separate
// thousands. "3,5" is therefore no number rather than a guess.
var numberPattern = regexp.MustCompile(`^[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$`)

var errNotANumber = words.Say("catalog.write_a_number_with_digits")

// CleanNumber returns the number without spaces around it and thousands separators, in the characters of ASCII (minus
// signs of any kind, digits of any script), ready to be compared; an error tells the person
// who typed it what a number looks like. Fractions such as 3/4 are not numbers here.
func CleanNumber(s string) (string, error) {
	if len(s) > MaxNumber*utf8.UTFMax {
		return "", errNotANumber
	}
	s = strings.TrimSpace(numberMarks.Replace(foldMarks(s)))
	switch {
	case len(s) > MaxNumber:
		return "", errNotANumber
	case numberPattern.MatchString(s):
		return strings.ReplaceAll(s, ",", ""), nil
	case fractionPattern.MatchString(s):
		return "", words.Say("catalog.write_a_fraction_as_a")
	case commaPattern.MatchString(s):
		return "", words.Say("catalog.write_a_decimal_point_not")
	case unitPattern.MatchString(s):
		return "", words.Say("catalog.write_the_number_alone_with")
	case !strings.ContainsAny(s, "0123456789"):
		return "", words.Say("catalog.write_the_number_with_digits")
	}
	return "", errNotANumber
}

// The Arabic script has signs of its own.
var numberMarks = strings.NewReplacer("\u066b", ".", "\u066c", ",")

// What is often typed instead of a number, each with a reason of its own.
var (
	fractionPattern = regexp.MustCompile(`^[+-]?(?:\d+ +)?\d+ *[/\x{2044}\x{2215}] *\d+$|[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]$`)
	commaPattern    = regexp.MustCompile(`^[+-]?\d+,\d+$`)
	unitPattern     = regexp.MustCompile(`^(?:[\pL\p{Sc}°%= ]+[+-]?[\d.,]*\d|[+-]?\d[\d.,]*[\pL\p{Sc}°%²³/. ]+)$`)
)

func parseNumber(s string) (*big.Rat, error) {
	clean, err := CleanNumber(s)
	if err != nil {
		return nil, err
	}
	r, ok := new(big.Rat).SetString(clean)
	if !ok {
		return nil, errNotANumber
	}
	return r, nil
}

func (n Number) check() error {
	switch {
	case n.Any:
		if n.Value+n.Tolerance+n.Low+n.High != "" {
			return words.Say("catalog.any_number_or_a_value")
		}
		return nil
	case n.Low != "" || n.High != "":
		if n.Value+n.Tolerance != "" {
			return words.Say("catalog.a_value_or_a_range")
		}
	}
	low, high, err := n.bounds()
	if err != nil {
		return err
	}
	if low.Cmp(high) > 0 {
		return words.Say("catalog.the_range_or_tolerance_is")
	}
	return nil
}

// bounds returns the closed interval that counts as this answer; not for Any.
func (n Number) bounds() (low, high *big.Rat, err error) {
	if n.Low != "" || n.High != "" {
		if low, err = parseNumber(n.Low); err != nil {
			return nil, nil, err
		}
		high, err = parseNumber(n.High)
		return low, high, err
	}
	value, err := parseNumber(n.Value)
	if err != nil {
		return nil, nil, err
	}
	tolerance := new(big.Rat)
	if n.Tolerance != "" {
		if tolerance, err = parseNumber(n.Tolerance); err != nil {
			return nil, nil, err
		}
	}
	return new(big.Rat).Sub(value, tolerance), new(big.Rat).Add(value, tolerance), nil
}

func (n Number) accepts(x *big.Rat) bool {
	if n.Any {
		return true
	}
	low, high, err := n.bounds()
	return err == nil && low.Cmp(x) <= 0 && x.Cmp(high) <= 0
}

func (n Number) String() string {
	switch {
	case n.Any:
		return "*"
	case n.Low != "" || n.High != "":
		return n.Low + " to " + n.High
	}
	if t, err := parseNumber(n.Tolerance); err == nil && t.Sign() > 0 {
		return n.Value + " (± " + n.Tolerance + ")"
	}
	return n.Value
}
