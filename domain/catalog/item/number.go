package item

import (
	"errors"
	"math/big"
	"regexp"
	"strings"
)

// Caribbean English writes 1,234.5: the dot is the decimal sign, a comma may separate
// thousands. "3,5" is therefore no number rather than a guess.
var numberPattern = regexp.MustCompile(`^[+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$`)

var errNotANumber = errors.New("write a number with digits and a decimal point, such as 3.5, 1,250 or 2.5e3")

// CleanNumber gives the number without spaces around it, thousands separators and
// typographic minus signs, ready to be stored or compared; an error tells the person
// who typed it what a number looks like. Fractions such as 3/4 are not numbers here.
func CleanNumber(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > MaxNumber {
		return "", errNotANumber
	}
	s = strings.ReplaceAll(s, "\u2212", "-")
	if !numberPattern.MatchString(s) {
		return "", errNotANumber
	}
	return strings.ReplaceAll(s, ",", ""), nil
}

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
			return errors.New("any number, or a value, or a range: only one of them")
		}
		return nil
	case n.Low != "" || n.High != "":
		if n.Value+n.Tolerance != "" {
			return errors.New("a value or a range: only one of them")
		}
	}
	low, high, err := n.bounds()
	if err != nil {
		return err
	}
	if low.Cmp(high) > 0 {
		return errors.New("the range or tolerance is empty: the lower end is above the upper end")
	}
	return nil
}

// bounds gives the closed interval that counts as this answer; not for Any.
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
