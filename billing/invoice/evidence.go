package invoice

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"lignum/billing"
	"lignum/billing/meter"
)

// Evidence is all that an invoice follows from, with the invoice: what billing/verify, or anybody's own program, computes it from again. It holds pseudonyms and no names of
// people. Sums has the SHA-256 of each other part, as JSON without blanks, so that what was changed is found also where no sum of money depends on it. The printed invoice carries the
// SHA-256 of the file as a whole (Hash): whoever changes the evidence and all sums in it is found there.
type Evidence struct {
	Format string `json:"format"` // "lignum-evidence/1"
	Input
	Invoice Invoice           `json:"invoice"`
	Sums    map[string]string `json:"sums"`
}

// Format is the first version of the evidence.
const Format = "lignum-evidence/1"

// EvidenceOf gives the evidence of an issued invoice as the bytes of its file, one line of JSON: always the same for the same invoice. It assembles it again, and gives an error when another invoice comes out.
func EvidenceOf(in Input, inv Invoice) ([]byte, error) {
	again, err := Assemble(in)
	if err != nil {
		return nil, err
	}
	was, err := billing.JSON(inv)
	if err != nil {
		return nil, err
	}
	is, err := billing.JSON(again)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(was, is) {
		return nil, fmt.Errorf("the invoice %s does not follow from this input", inv.Number)
	}
	if in.Facts, err = meter.Normal(in.Facts); err != nil {
		return nil, err
	}
	e := Evidence{Format: Format, Input: in, Invoice: inv, Sums: map[string]string{}}
	whole, err := billing.JSON(e)
	if err != nil {
		return nil, err
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(whole, &parts); err != nil {
		return nil, err
	}
	for name, part := range parts {
		if name != "sums" {
			e.Sums[name] = Hash(part)
		}
	}
	whole, err = billing.JSON(e)
	return append(whole, '\n'), err
}

// Hash is the SHA-256 of a file in hexadecimal digits, as `sha256sum` prints it.
func Hash(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}
