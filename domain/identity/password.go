package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	zxcvbn "github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/frequency"
	"golang.org/x/text/unicode/norm"

	"lignum/domain"
)

// Lengths of a password in Unicode code points after NFKC (NIST SP 800-63B-4 section 3.1.1.2: fifteen where the
// password is the only factor, eight beside a second one, at least 64 allowed, no rules on what it is made of, no expiry).
const (
	MinPassword             = 15
	MinPasswordSecondFactor = 8
	MaxPassword             = 256
)

// PasswordRule says whether a password may be chosen.
type PasswordRule struct {
	SecondFactor bool     // the account has a confirmed second factor
	Expected     []string // what a guesser would try first: the person's names and user name, the tenant's name
}

// Check returns nil, or one domain.Invalid about the field "password" with a reason that helps to choose another.
func (r PasswordRule) Check(password string) error {
	refuse := func(key string) error { return domain.InvalidField("password", key) }
	if !utf8.ValidString(password) || len(password) > 4*MaxPassword {
		return refuse("identity.must_be_text_of_at")
	}
	stable := norm.NFKC.String(password)
	if strings.ContainsFunc(stable, unicode.IsControl) {
		return refuse("identity.must_not_hold_control_characters")
	}
	n := utf8.RuneCountInString(stable)
	switch {
	case n > MaxPassword:
		return refuse("identity.must_have_at_most_256")
	case r.SecondFactor && n < MinPasswordSecondFactor:
		return refuse("identity.must_have_at_least_8")
	case !r.SecondFactor && n < MinPassword:
		return refuse("identity.must_have_at_least_15")
	}
	return r.checkGuesses(stable, refuse)
}

// checkGuesses is the blocklist of the same section: common, expected, repetitive and sequential passwords.
func (r PasswordRule) checkGuesses(stable string, refuse func(string) error) error {
	folded := plain(stable)
	if _, common := commonPasswords[folded]; common {
		return refuse("identity.is_one_of_the_passwords")
	}
	if distinct(folded) < 4 || repeats(folded) {
		return refuse("identity.repeats_the_same_few_characters")
	}
	if sequential(folded) {
		return refuse("identity.is_mostly_a_run_of")
	}
	words := r.words()
	rest := folded
	for _, w := range words {
		rest = strings.ReplaceAll(rest, w, "")
	}
	if len(rest) < len(folded) && lettersOf(rest) < 6 {
		return refuse("identity.is_made_of_your_name")
	}
	// The strength estimate looks for words, names, keyboard patterns, dates and their usual disguises. It is quadratic, so it
	// sees the beginning alone; a long password whose beginning is strong is strong.
	sample := []rune(stable)
	if len(sample) > 48 {
		sample = sample[:48]
	}
	if zxcvbn.PasswordStrength(string(sample), words).Score < 2 {
		return refuse("identity.is_made_of_very_common")
	}
	return nil
}

// words are the expected words, folded, longest first enough for replacement, with their parts.
func (r PasswordRule) words() []string {
	out := []string{"lignum", "password"}
	for _, e := range r.Expected {
		whole := plain(e)
		if len(whole) >= 3 {
			out = append(out, whole)
		}
		for _, part := range strings.FieldsFunc(e, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }) {
			if p := plain(part); len(p) >= 3 && p != whole {
				out = append(out, p)
			}
		}
	}
	return out
}

// plain folds case, takes accents and the usual disguises off, and keeps letters and digits only.
func plain(s string) string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(strings.ToLower(s)) {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func lettersOf(s string) int { return utf8.RuneCountInString(strings.TrimRight(s, "0123456789")) }

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// repeats tells a text that is one unit again and again (the last time perhaps cut short).
func repeats(s string) bool {
	r := []rune(s)
	for unit := 1; unit <= len(r)/2; unit++ {
		same := true
		for i := unit; i < len(r) && same; i++ {
			same = r[i] == r[i-unit]
		}
		if same {
			return true
		}
	}
	return false
}

// rows are what a finger slides along.
var rows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "azertyuiop", "qsdfghjklm", "abcdefghijklmnopqrstuvwxyz"}

// sequential tells a text of which two thirds continue the character before, in the alphabet, in digits or on a keyboard.
func sequential(s string) bool {
	follows := map[[2]rune]bool{}
	for _, row := range rows {
		keys := []rune(row)
		for i := 1; i < len(keys); i++ {
			follows[[2]rune{keys[i-1], keys[i]}] = true
			follows[[2]rune{keys[i], keys[i-1]}] = true
		}
	}
	r := []rune(s)
	run := 0
	for i := 1; i < len(r); i++ {
		if r[i] == r[i-1] || follows[[2]rune{r[i-1], r[i]}] {
			run++
		}
	}
	return len(r) > 1 && run*3 >= (len(r)-1)*2
}

// commonPasswords are the library's passwords as they are compared. The library's matchers keep words of their own; its lists, which nothing else
// reads, are let go.
var commonPasswords = func() map[string]struct{} {
	list := frequency.Lists["Passwords"].List
	common := make(map[string]struct{}, len(list))
	for _, w := range list {
		common[plain(w)] = struct{}{}
	}
	clear(frequency.Lists)
	return common
}()
