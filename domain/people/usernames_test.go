package people

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/runenames"

	"lignum/tenants"
)

func TestNamesAreSpelledInLatinLetters(t *testing.T) {
	for name, want := range map[string]string{
		"Łukasz": "lukasz", "Straße": "strasse", "STRAẞE": "strasse", "Æsop": "aesop", "Œuvre": "oeuvre", "Søren": "soren", "Đặng": "dang", "Ðorður": "dordur", "Þór": "thor", "Işık": "isik", "İnci": "inci",
		"Ñandú": "nandu", "D'Arcy-O’Neil": "darcyoneil", "Əli": "eli", "Ŋuŋ": "ngung", "Ħaż-Żebbuġ": "hazzebbug", "Ŧoŧ": "tot", "Ꝁꝁ": "kk", "ǆ": "dz", "ﬁn": "fin", "Ｌee": "lee",
		"Иван": "ivan", "Γιώργος": "giorgos", "王": "wang", "अमित": "amit", "김": "gim", "はな": "hana", "": "", "123 !": "", "\u0301": "", "🙂": "",
	} {
		if got := latinLetters(name); got != want {
			t.Errorf("%s is spelled %q, want %q", name, got, want)
		}
	}
	// Every letter whose Unicode name says which letters of a to z it is.
	plain := regexp.MustCompile(`^LATIN (?:SMALL|CAPITAL) (?:LETTER|LIGATURE) ([A-Z]{1,2})(?: WITH .*)?$`)
	tried := 0
	for c := rune(0x80); c < 0x1_0000; c++ {
		if m := plain.FindStringSubmatch(runenames.Name(c)); m != nil && unicode.IsLetter(c) && !unicode.IsTitle(c) {
			if tried++; latinLetters(string(c)) != strings.ToLower(m[1]) {
				t.Errorf("%c (%s) is spelled %q", c, runenames.Name(c), latinLetters(string(c)))
			}
		}
	}
	if tried < 700 {
		t.Errorf("only %d letters were tried", tried)
	}
	if stem := UserNameStem("Łukasz Jan", "Żółć-Ødegård"); stem != "lukasz.zolcodegard" {
		t.Error(stem)
	}
	if stem := UserNameStem("!", "?"); stem != "user" {
		t.Error(stem)
	}
}

// An account made by hand gets its user name in the same way.
func TestAUserNameOfAnyName(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var u User
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		u, err = CreateUser(r.Ctx, tx, r.DB.Realm(), NewUser{GivenName: "Łukasz", FamilyName: "Æsop", Roles: []string{Student}}, r.Now)
		return err
	}))
	if u.UserName != "lukasz.aesop" {
		t.Error(u.UserName)
	}
}
