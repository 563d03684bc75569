// Package verify computes an invoice again from its evidence, offline, and says where the two differ. It is for whoever does not want to believe the program that wrote the
// invoice: it uses the standard library and nothing else, has its own types and its own arithmetic, and shares no line with the packages that made the invoice (verify's own test of imports says
// so). What it goes by is these rules.
//
// A period begins at the first moment at which clocks in the tenant's zone show its first day or a later one, and ends where its first day after it begins.
//
// What is counted. Facts with a moment in the period: sum adds up their quantities; distinct counts the subjects with a quantity above 0, in each of the meters that it names. Levels hold for
// a subject until its next fact: latest adds them up at the end of the period, highest is the most that they were together, by_day adds them up at the end of each day.
//
// What it costs. The plan's versions in force in the period count with their days (proration by_days), or the first of them for all of it (whole). Base fee, minimum and fixed discounts: the sum, times
// the version's days, by the days of the period. Usage: counted once over the days on which any version is in force, less what is included, priced by each version as a whole, times
// the version's days, by those days. unit: quantity times price by per. graduated: the same for the units in each tier. volume: all at the price of the tier that the last unit is in.
// package: packages, begun or full, times price. A percentage is taken of the version's lines as they are rounded. Discounts together take no more than there is, the minimum comes after them.
//
// Rounding. Fractions are exact until a line is complete; then half a minor unit goes away from zero. Lines of one charge, one for each version, are rounded together, and the
// rounded sum is shared: each line is cut down to whole minor units, and what is missing goes by one to those that lost most, of equal ones to the first.
//
// Corrections. Each earlier period is computed in the same way with all facts of now; a line that differs from what was billed for it becomes a line of its own. Credits: those that have
// not ended before the period, first what ends first, at most what the period costs, less what corrections take off. Tax: what a period costs, less credits, and what each earlier period's corrections come to, is shared among
// the days that are taxed alike, by their number; what bears one rate is added up, taxed, and rounded once.
package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Difference is a place where the invoice is not what its evidence comes to.
type Difference struct {
	Field  string // "invoice.lines[3].amount", or a part of the file: "facts"
	Line   string // the id of the line of the invoice that it is in, or ""
	Is     string // what stands there
	Should string // what it comes to
}

// Report is what came out.
type Report struct {
	Hash        string // SHA-256 of the file, which the printed invoice carries
	Number      string // of the invoice
	Issuer      string
	Customer    string
	Currency    string
	Total       string // as it stands there, in the major unit: "1234.50"
	Lines       int    // how many were computed
	Facts       int
	Differences []Difference // none: the invoice is right, to the minor unit
}

// Check reads a file of evidence and computes its invoice again. It gives an error when the file is no evidence that this program can read.
func Check(file []byte) (Report, error) {
	hash := sha256.Sum256(file)
	r := Report{Hash: hex.EncodeToString(hash[:])}
	e, parts, err := read(file)
	if err != nil {
		return r, err
	}
	i := e.Invoice
	r.Number, r.Issuer, r.Customer, r.Currency, r.Lines, r.Facts = i.Number, i.Issuer.Name, i.Customer.Name, i.Currency, len(i.Lines), len(e.Facts)
	r.Total = major(i.Total).FloatString(2)
	r.Differences = sums(e, parts)
	should, err := compute(e)
	if err != nil {
		r.Differences = append(r.Differences, Difference{Field: "invoice", Is: i.Number, Should: err.Error()})
		return r, nil //nolint:nilerr // what it cannot be computed from is a difference, and told as one
	}
	for n := range should.Lines { // words are not computed, but they are there
		if n < len(i.Lines) && i.Lines[n].Explanation != "" {
			should.Lines[n].Explanation = i.Lines[n].Explanation
		}
		if l := should.Lines[n]; l.Title == "" && (l.Kind == "minimum" || l.Kind == "correction") && n < len(i.Lines) {
			should.Lines[n].Title = i.Lines[n].Title
		}
	}
	compare(&r.Differences, "invoice", "", reflect.ValueOf(i), reflect.ValueOf(should))
	return r, nil
}

// sums looks at whether each part of the file is what it was when it was written.
func sums(e evidence, parts map[string]json.RawMessage) (list []Difference) {
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		if name == "sums" {
			continue
		}
		var part bytes.Buffer
		if json.Compact(&part, parts[name]) != nil {
			continue // it was read before
		}
		if sum := sha256.Sum256(part.Bytes()); hex.EncodeToString(sum[:]) != e.Sums[name] {
			list = append(list, Difference{Field: name, Is: "SHA-256 " + hex.EncodeToString(sum[:]), Should: "SHA-256 " + e.Sums[name]})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Sums)) {
		if parts[name] == nil {
			list = append(list, Difference{Field: "sums." + name, Is: e.Sums[name]})
		}
	}
	return list
}

// compare walks two values of one type and notes each place where they differ.
func compare(list *[]Difference, field, line string, is, should reflect.Value) {
	switch is.Kind() {
	case reflect.Struct:
		if is.Type() == reflect.TypeFor[time.Time]() {
			break
		}
		if id := is.FieldByName("ID"); id.IsValid() {
			line = id.String()
		}
		for n := range is.NumField() {
			name, _, _ := strings.Cut(is.Type().Field(n).Tag.Get("json"), ",")
			own := field + "." + name
			if name == "" {
				own = field // of what is embedded
			}
			compare(list, own, line, is.Field(n), should.Field(n))
		}
		return
	case reflect.Slice:
		for n := range max(is.Len(), should.Len()) {
			own := fmt.Sprintf("%s[%d]", field, n)
			switch {
			case n >= is.Len():
				*list = append(*list, Difference{Field: own, Line: idOf(should.Index(n)), Should: shown(should.Index(n))})
			case n >= should.Len():
				*list = append(*list, Difference{Field: own, Line: idOf(is.Index(n)), Is: shown(is.Index(n))})
			default:
				compare(list, own, line, is.Index(n), should.Index(n))
			}
		}
		return
	default:
	}
	if a, b := shown(is), shown(should); a != b {
		*list = append(*list, Difference{Field: field, Line: line, Is: a, Should: b})
	}
}

func idOf(v reflect.Value) string {
	if v.Kind() == reflect.Struct && v.FieldByName("ID").IsValid() {
		return v.FieldByName("ID").String()
	}
	return ""
}

// shown writes a value for people.
func shown(v reflect.Value) string {
	if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]() {
		if amount := v.FieldByName("Amount"); amount.IsValid() {
			return fmt.Sprint(amount.Int())
		}
	}
	if v.CanInterface() {
		if t, ok := v.Interface().(time.Time); ok {
			return t.Format(time.RFC3339Nano)
		}
	}
	return fmt.Sprint(v)
}

// major turns minor units into the major one: each of our currencies has a hundred.
func major(minor int64) *big.Rat { return big.NewRat(minor, 100) }
