package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lignum/billing/invoice"
	"lignum/tests/bills"
)

// An invoice is checked without a database, a network or settings; who runs it hears what differs, and scripts read it from the status.
func TestInvoiceVerify(t *testing.T) {
	in := bills.Jamaica()
	inv, err := invoice.Assemble(in)
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := invoice.EvidenceOf(in, inv)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "LL-000042.json")
	put := func(content []byte) {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(evidence)
	says := must(t, "invoice", "verify", file, "--hash", strings.ToUpper(invoice.Hash(evidence)))
	for _, want := range []string{"LL-000042", "Ministry of Education", "JMD 327750.00", "10 lines from 23 facts", invoice.Hash(evidence), "to the minor unit"} {
		if !strings.Contains(says, want) {
			t.Errorf("%q is not said:\n%s", want, says)
		}
	}
	fails := func(want int, words string, args ...string) {
		t.Helper()
		out, err := command(t, append([]string{"invoice", "verify"}, args...)...)
		if err == nil || status(err) != want || !strings.Contains(out+err.Error(), words) {
			t.Errorf("%v: status %d, %v\n%s", args, status(err), err, out)
		}
	}
	fails(1, "printed from another file", file, "--hash", strings.Repeat("0", 64))
	put(bytes.Replace(evidence, []byte(`"amount":13650`), []byte(`"amount":13651`), 1))
	fails(1, "invoice.lines[3].amount (usage:messages:country:1:2026-09-01): is 13651, comes to 13650", file)
	put([]byte("%PDF-1.4"))
	fails(2, "not evidence of an invoice", file)
	fails(2, "no such file", file+"x")
}
