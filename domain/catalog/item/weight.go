package item

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"lignum/domain/words"
)

// Weight is a share of an item's mark in hundred-thousandths of a percent: Whole is 100 %.
// Five decimals of a percent are what Moodle keeps, so that 33.33333 survives a round trip.
// In JSON and text it is a percentage: 100, 33.33333, -50.
type Weight int32

// Whole is a weight of 100 %.
const Whole Weight = 100 * percent

const percent = 100_000

// ParseWeight reads a percentage of -100 to 100, rounded to five decimals.
func ParseWeight(s string) (Weight, error) {
	if len(s) > 32 || s == "" || strings.Trim(s, "+-.0123456789") != "" {
		return 0, words.Say("catalog.is_not_a_percentage", "Given", fmt.Sprintf("%.40q", s))
	}
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, words.Say("catalog.is_not_a_percentage", "Given", strconv.Quote(s))
	}
	if r.Cmp(big.NewRat(100, 1)) > 0 || r.Cmp(big.NewRat(-100, 1)) < 0 {
		return 0, words.Say("catalog.is_not_between_100_and", "Weight", s)
	}
	scaled, _ := new(big.Rat).SetString(r.FloatString(5))
	scaled.Mul(scaled, big.NewRat(percent, 1))
	return Weight(scaled.Num().Int64()), nil
}

// thirds are the denominators whose shares no decimal writes out: thirds, sixths, sevenths, ninths and twelfths.
var thirds = []int64{3, 6, 7, 9, 12}

// Share returns the exact share of the mark that the weight means. As in Moodle, 33.33333 is one third and 16.66667 one
// sixth: what agrees with such a share in every decimal that was written, two at least, rounded or cut off, is that
// share. Three thirds are then the whole. Anything else is what the decimals say.
func (w Weight) Share() *big.Rat {
	n, sign := int64(w), int64(1)
	if n < 0 {
		n, sign = -n, -1
	}
	step := int64(1) // the last decimal that was written
	for step < percent && n%(step*10) == 0 {
		step *= 10
	}
	if step <= percent/100 {
		for _, of := range thirds {
			part := (n*of + int64(Whole)/2) / int64(Whole)
			exact := part * int64(Whole)
			cut := exact / (of * step) * step
			rounded := (2*exact + of*step) / (2 * of * step) * step
			if n == cut || n == rounded {
				return big.NewRat(sign*part, of)
			}
		}
	}
	return big.NewRat(sign*n, int64(Whole))
}

// String returns the percentage without the sign: "33.33333".
func (w Weight) String() string {
	sign, n := "", int64(w)
	if n < 0 {
		sign, n = "-", -n
	}
	s := sign + strconv.FormatInt(n/percent, 10)
	if rest := n % percent; rest != 0 {
		s += strings.TrimRight(fmt.Sprintf(".%05d", rest), "0")
	}
	return s
}

// MarshalJSON writes the percentage as a number.
func (w Weight) MarshalJSON() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalJSON reads a percentage of -100 to 100.
func (w *Weight) UnmarshalJSON(data []byte) error {
	parsed, err := ParseWeight(string(data))
	if err != nil {
		return err
	}
	*w = parsed
	return nil
}
