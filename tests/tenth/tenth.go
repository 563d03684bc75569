// Package tenth chooses what of the long tests runs: `make test` a tenth, chosen by the commit's hash, so that a run can be
// repeated and each commit looks elsewhere; `make test-all` the whole. A test takes its cases through Of. Generated cases
// (pgregory.net/rapid) need only the import: a tenth is rapid's usual hundred, begun from the commit's hash.
package tenth

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	_ "pgregory.net/rapid" // its flags must be there before they are set
)

// all is LIGNUM_TEST_ALL=1: nothing is left out.
var all = os.Getenv("LIGNUM_TEST_ALL") == "1"

// commit names what is tested. Without git or a commit, as in an unpacked archive, it is the same for everybody.
var commit = sync.OnceValue(func() string { return commitOf(".") })

func commitOf(dir string) string {
	cmd := exec.Command("git", "rev-parse", "HEAD")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return "no commit"
	}
	return strings.TrimSpace(string(out))
}

// What is set here is only where rapid begins: -rapid.checks and -rapid.seed on the command line go before it.
func init() {
	checks := 100
	if all {
		checks = 1000
	}
	seed := max(1, number(commit(), "rapid")) // 0 would be a seed that nobody can repeat
	for name, value := range map[string]string{"rapid.checks": strconv.Itoa(checks), "rapid.seed": strconv.FormatUint(seed, 10)} {
		if err := flag.Set(name, value); err != nil {
			panic(err) // rapid has another flag now
		}
	}
}

// Of returns those of the cases that run now, in their order: a tenth, rounded up, or all of them. There must be some.
func Of[T any](t testing.TB, cases []T) []T {
	t.Helper()
	if len(cases) == 0 {
		t.Fatal("there are no cases to choose from")
	}
	if all {
		return cases
	}
	places := choose(commit(), t.Name(), len(cases))
	t.Logf("of %d cases those at %d, by the hash of %.12s; make test-all runs all", len(cases), places, commit())
	var chosen []T
	for _, i := range places {
		chosen = append(chosen, cases[i])
	}
	return chosen
}

// choose returns the places of a tenth of n cases of a test, rounded up, in ascending order.
func choose(commit, test string, n int) []int {
	order, rank := make([]int, n), make([]uint64, n)
	for i := range n {
		order[i], rank[i] = i, number(commit, test, i)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(rank[a], rank[b]) })
	chosen := order[:(n+9)/10]
	slices.Sort(chosen)
	return chosen
}

// number is any number that follows from the words.
func number(words ...any) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", words))
	return binary.BigEndian.Uint64(sum[:])
}
