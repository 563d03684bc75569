package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

var codePattern = regexp.MustCompile(`\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b`)

// redeem chooses a password with a code, as its owner does.
func redeem(t *testing.T, w *testkit.World, slug, code string) (identity.SignedIn, error) {
	t.Helper()
	desk := identity.NewDesk(identity.NewHasher(1))
	return desk.RedeemCard(t.Context(), w.DB(slug), identity.RedeemCard{Code: code, Password: "four brown pelicans at noon", Device: identity.Device{Address: "127.0.0.1"}}, time.Now().UTC())
}

func TestUserCreateAndReset(t *testing.T) {
	w := installed(t)
	out := must(t, "user", "create", "jamaica", "J.Clarke", "--given", "Joan", "--family", "Clarke", "--role", "coach", "--role", "teacher", "--email", "j.clarke@moe.example")
	wants(t, out, "Joan Clarke is j.clarke, as coach, teacher", "http://jamaica.localhost/card")
	code := codePattern.FindString(out)
	who, err := redeem(t, w, "jamaica", code)
	if err != nil || who.UserName != "j.clarke" {
		t.Fatalf("the code does not work: %+v %v", who, err)
	}
	out = must(t, "user", "reset-password", "jamaica", "J.CLARKE")
	wants(t, out, "Joan Clarke (j.clarke) is signed out everywhere")
	if again, err := redeem(t, w, "jamaica", codePattern.FindString(out)); err != nil || again.UserID != who.UserID || again.SessionVersion <= who.SessionVersion {
		t.Errorf("%+v %v", again, err)
	}
	if _, err := redeem(t, w, "jamaica", code); err == nil {
		t.Error("the first code worked twice")
	}
	wants(t, must(t, "audit", "tail", "jamaica"), "user.create", "user.password.reset", " of platform  user "+who.UserID.String())

	out = must(t, "user", "create", "platform", "m.rolle", "--given", "Mark", "--family", "Rolle", "--role", "operator")
	if _, err := redeem(t, w, "", codePattern.FindString(out)); err != nil {
		t.Error(err)
	}
	wants(t, must(t, "user", "list", "platform", "--role", "operator"), "m.rolle", "Mark Rolle")
}

func TestUserRefuses(t *testing.T) {
	installed(t)
	create := func(realm, name string, more ...string) []string {
		return append([]string{"user", "create", realm, name, "--given", "Joan", "--family", "Clarke"}, more...)
	}
	refused(t, `required flag(s) "role"`, create("jamaica", "j.clarke")...)
	refused(t, `--role: "operator" is no role here`, create("jamaica", "j.clarke", "--role", "operator")...)
	refused(t, `--role: "student" is no role here`, create("platform", "j.clarke", "--role", "student")...)
	refused(t, "--school: is for tenants", create("platform", "j.clarke", "--role", "operator", "--school", "s1")...)
	refused(t, "--school: no school here has the sourcedId s1", create("jamaica", "j.clarke", "--role", "coach", "--school", "s1")...)
	refused(t, "user_name", create("jamaica", "j clarke", "--role", "coach")...)
	refused(t, "email: must be an address", create("jamaica", "j.clarke", "--role", "coach", "--email", "moe")...)
	refused(t, "USERNAME: must not be empty", create("jamaica", " ", "--role", "coach")...)
	refused(t, "is taken", create("jamaica", "admin1", "--role", "coach")...)
	refused(t, `USERNAME: no account here has the user name "nobody"`, "user", "reset-password", "jamaica", "nobody")
	refused(t, "--state must be", "user", "list", "jamaica", "--state", "asleep")
	refused(t, "name exactly one", "user", "cards", "jamaica")
	refused(t, "name exactly one", "user", "cards", "jamaica", "--school", "s1", "admin1")
	refused(t, "--class: must be the id", "user", "cards", "jamaica", "--class", "10A")
	refused(t, "--class: there is no such class", "user", "cards", "jamaica", "--class", "01981c5e-7d3a-7c07-8a11-3f0c52a4b6d1")
	refused(t, "no account here has the user name \"one\"\n  - USERNAME: no account here has the user name \"two\"", "user", "cards", "jamaica", "one", "two", "admin1")
	refused(t, "TENANT: must be the slug", "user", "cards", "platform", "m.rolle")
}

func TestUserCards(t *testing.T) {
	w := installed(t)
	school.Schools(t, w.DB("jamaica"), school.School{SourceID: "s1", Name: "St. Hugh's <High>"})
	for _, name := range []string{"kerry.brown", "ama.grant", "tia.chin"} {
		given, family, _ := strings.Cut(name, ".")
		must(t, "user", "create", "jamaica", name, "--given", given, "--family", family, "--role", "student", "--school", "s1", "--grade", "10")
	}
	sheet := filepath.Join(t.TempDir(), "cards.html")
	out := must(t, "user", "cards", "jamaica", "--school", "s1", "--html", sheet)
	wants(t, out, "3 cards", sheet)
	if codePattern.MatchString(out) {
		t.Error("the codes are on the terminal as well")
	}
	raw, err := os.ReadFile(sheet)
	if err != nil {
		t.Fatal(err)
	}
	html := string(raw)
	wants(t, html, "St. Hugh&#39;s &lt;High&gt;", "<h2>kerry brown <small>Grade 10</small></h2>", "http://jamaica.localhost/card", "Ministry of Education, Jamaica")
	if info, err := os.Stat(sheet); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the sheet: %v %v", info.Mode(), err)
	}
	codes := codePattern.FindAllString(html, -1)
	if len(codes) != 3 {
		t.Fatalf("%d codes on the sheet", len(codes))
	}
	if _, err := redeem(t, w, "jamaica", codes[0]); err != nil {
		t.Fatal(err)
	}
	// The cards are in the order of family names: Brown, Chin, Grant. A sheet is never written over, and nothing happens to the codes that are on it.
	refused(t, "--html: must be a file that can be made", "user", "cards", "jamaica", "--school", "s1", "--html", sheet)
	if who, err := redeem(t, w, "jamaica", codes[1]); err != nil {
		t.Error(who, err)
	}
	out = must(t, "user", "cards", "jamaica", "kerry.brown", "ama.grant", "tia.chin")
	wants(t, out, "1 card, ", "St. Hugh's <High>", "ama.grant")
	if _, err := redeem(t, w, "jamaica", codes[2]); err == nil {
		t.Error("the older card still works")
	}
	if _, err := redeem(t, w, "jamaica", codePattern.FindString(out)); err != nil {
		t.Error(err)
	}
	none := filepath.Join(t.TempDir(), "none.html")
	wants(t, must(t, "user", "cards", "jamaica", "--school", "s1", "--html", none), "No cards are needed")
	if _, err := os.Stat(none); !os.IsNotExist(err) {
		t.Error("an empty sheet was left")
	}

	wants(t, must(t, "user", "list", "jamaica", "--school", "s1"), "tia.chin", "student", "yes")
	lines := strings.Split(strings.TrimSpace(must(t, "user", "list", "jamaica", "--role", "student", "--json")), "\n")
	var u people.User
	if err := json.Unmarshal([]byte(lines[0]), &u); err != nil || len(lines) != 3 || u.UserName != "kerry.brown" {
		t.Errorf("%v %d lines, %+v", err, len(lines), u)
	}
}

// An operator who lost the telephone and the recovery codes comes back in by the command line.
func TestResetSecondFactor(t *testing.T) {
	w := installed(t)
	must(t, "user", "create", "platform", "m.rolle", "--given", "Mark", "--family", "Rolle", "--role", "operator")
	refused(t, "has no authenticator app", "user", "reset-second-factor", "platform", "m.rolle")
	school.GiveAuthenticator(t, w.DB(""), school.ID(t, w.DB(""), "m.rolle"))
	wants(t, must(t, "user", "reset-second-factor", "platform", "m.rolle"), "has no authenticator app any more")
	wants(t, must(t, "user", "list", "platform"), "m.rolle", "no")
}

func TestClassCards(t *testing.T) {
	w := installed(t)
	must(t, "content", "import", "bahamas", "--builtin", "bgcse-biology")
	must(t, "user", "create", "bahamas", "in.class", "--given", "In", "--family", "Class", "--role", "student")
	must(t, "user", "create", "bahamas", "not.there", "--given", "Not", "--family", "There", "--role", "student")
	db := w.DB("bahamas")
	class := school.Classes(t, db, school.Class{Title: "10A", Learners: []uuid.UUID{school.ID(t, db, "in.class")}})[0].String()
	out := must(t, "user", "cards", "bahamas", "--class", class)
	if wants(t, out, "1 card, ", "in.class"); len(codePattern.FindAllString(out, -1)) != 1 || strings.Contains(out, "not.there") {
		t.Error(out)
	}
}
