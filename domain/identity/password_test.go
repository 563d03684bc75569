package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"lignum/domain"
)

func TestPasswordRule(t *testing.T) {
	expected := []string{"Akeem", "Brown-Whyte", "akeem.brown", "Ministry of Education, Jamaica"}
	for _, c := range []struct {
		name, password string
		second         bool
		refused        string // part of the reason; empty: accepted
	}{
		{"four words", "mango drum kettle orbit", false, ""},
		{"words without spaces", "mangodrumkettleorbit", false, ""},
		{"exactly fifteen", "xk2 plum vertig", false, ""},
		{"fourteen", "xk2 plum verti", false, "at least 15"},
		{"eight beside a second factor", "xk2plumv", true, ""},
		{"seven beside a second factor", "xk2plum", true, "at least 8"},
		{"64 characters", "orbit kettle plum drum fence yellow crab window paper stone lamp", false, ""},
		{"256 characters", longPassword(256), false, ""},
		{"257 characters", longPassword(257), false, "at most 256"},
		{"code points are counted, not bytes", "ñandú çedilla ü", false, ""},
		{"emoji", "🦜 river 🥭 quilt 🪘 sofa", false, ""},
		{"no composition rule", "lowercase quilts wander", false, ""},
		{"control character", "mango\tdrum kettle orbit", false, "control"},
		{"not UTF-8", "mango drum kettle \xff", false, "must be text"},
		{"one letter", "aaaaaaaaaaaaaaaaaa", false, "repeats"},
		{"one word again and again", "mangomangomangomango", false, "repeats"},
		{"the same with spaces", "mango mango mango mango", false, "repeats"},
		{"alphabet", "abcdefghijklmnop", false, "run of neighbouring"},
		{"digits", "1234567890123456", false, "r"},
		{"keyboard", "qwertyuiopasdfgh", false, "run of neighbouring"},
		{"keyboard backwards", "poiuytrewqlkjhgf", false, "run of neighbouring"},
		{"own names", "akeembrownwhyte2010", false, "your name"},
		{"own names in another case", "Akeem.Brown-WHYTE!", false, "your name"},
		{"tenant", "jamaicaeducation1", false, "name of this place"},
		{"platform", "LignumLignum2020!", false, "name of this place"},
		{"common words", "password12345678", false, "name of this place"},
		{"common password", "sunshine", true, "tried first"},
		{"a common one in capitals", "SunShine", true, "tried first"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := PasswordRule{SecondFactor: c.second, Expected: expected}.Check(c.password)
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.refused != "" && err == nil:
				t.Error("accepted")
			case c.refused != "" && (domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("refused with %q, want a reason with %q", err, c.refused)
			}
		})
	}
}

func longPassword(n int) string {
	const words = "orbit kettle plum drum fence yellow crab window paper stone lamp quarrel violin "
	return strings.Repeat(words, n/len(words)+1)[:n-3] + "xyq"
}

func TestHasher(t *testing.T) {
	ctx := context.Background()
	h := NewHasher(2)
	phc, err := h.Hash(ctx, "", "mango drum kettle é")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q lacks the recommended parameters", phc)
	}
	check := func(password, phc string, ok, stale bool) {
		t.Helper()
		gotOK, gotStale, err := h.Verify(ctx, "", password, phc)
		if err != nil || gotOK != ok || gotStale != stale {
			t.Errorf("Verify = %v, %v, %v; want %v, %v", gotOK, gotStale, err, ok, stale)
		}
	}
	check("mango drum kettle é", phc, true, false)
	check(norm.NFD.String("mango drum kettle é"), phc, true, false) // typed on another keyboard
	check("mango drum kettle e", phc, false, false)
	check("mango drum kettle é", "", false, false)
	// The same password under weaker parameters is right, and to be hashed anew.
	weak := weakHash("mango drum kettle é")
	check("mango drum kettle é", weak, true, true)
	check("another", weak, false, false)
	for _, bad := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		// Costs above those of any hash that was ever made here: each would take its slot's memory, or its time, many times over.
		"$argon2id$v=19$m=38912,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=19456,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=19456,t=2,p=200$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"} {
		if _, _, err := h.Verify(ctx, "", "x", bad); err == nil {
			t.Errorf("%q was taken for a hash", bad)
		}
	}
}

// wait starts hashing for a tenant and comes back when it stands in the queue.
func wait(ctx context.Context, h *Hasher, tenant string, done func(error)) {
	before := h.slots.Waiting()
	go func() {
		_, err := h.Hash(ctx, tenant, "mango")
		done(err)
	}()
	for h.slots.Waiting() == before {
		time.Sleep(time.Millisecond)
	}
}

func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(1)
	leave, err := h.slots.Acquire(t.Context(), "jamaica")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 200)
	for range 200 {
		wait(ctx, h, "jamaica", func(err error) { waits <- err })
	}
	_, err = h.Hash(t.Context(), "jamaica", "mango")
	if domain.CodeOf(err) != domain.Unavailable || err.(*domain.Error).RetryAfter <= 0 {
		t.Errorf("a full queue gives %v, want Unavailable with RetryAfter", err)
	}
	cancel()
	for range 200 {
		if err := <-waits; err != context.Canceled {
			t.Errorf("the waiting one gave %v", err)
		}
	}
	leave()
	if _, err := h.Hash(t.Context(), "jamaica", "mango"); err != nil {
		t.Errorf("after the slot is free again: %v", err)
	}
}

// A hundred sign-ins of one country wait; the first of another is the next but one at the latest, and a full queue is its own.
func TestSignInsOfOneTenantDoNotShutOutAnothers(t *testing.T) {
	h := NewHasher(1)
	leave, err := h.slots.Acquire(t.Context(), "jamaica")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	order := make(chan string, 101)
	for range 100 {
		wait(ctx, h, "jamaica", func(error) { order <- "jamaica" })
	}
	wait(ctx, h, "bahamas", func(err error) {
		if err != nil {
			t.Errorf("the Bahamian is turned away: %v", err)
		}
		order <- "bahamas"
	})
	leave()
	if first, second := <-order, <-order; first != "bahamas" && second != "bahamas" {
		t.Errorf("first %s, then %s, and the Bahamian still waits", first, second)
	}
}
