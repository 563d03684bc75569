package files_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lignum/infra/aws"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
)

func edge(t *testing.T) *files.Edge {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &files.Edge{Host: "files.packages.example", KeyID: "K2JCJMDEHXQW5F", Key: key}
}

// answers judges a link as CloudFront says that it does with a canned policy: the policy is made again of the address as it was asked for, without what CloudFront
// added to it, and of Expires; the group's key must have signed that. It shares nothing with the program but the public key.
func answers(link, keyID string, key *ecdsa.PublicKey, now time.Time) error {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Fragment != "" {
		return fmt.Errorf("no address: %v", err)
	}
	base, query, _ := strings.Cut(link, "?")
	said, own := map[string]string{}, ""
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "Expires", "Signature", "Key-Pair-Id", "Hash-Algorithm":
			if _, twice := said[name]; twice {
				return errors.New(name + " twice")
			}
			said[name] = value
		default:
			own += "&" + part
		}
	}
	if own != "" {
		base += "?" + own[1:]
	}
	if said["Key-Pair-Id"] != keyID {
		return errors.New("of no key of the group")
	}
	if said["Hash-Algorithm"] != "SHA256" {
		return errors.New("hashed otherwise")
	}
	if !regexp.MustCompile(`^[A-Za-z0-9_~-]+$`).MatchString(said["Signature"]) {
		return errors.New("the signature is cut short by what a query takes for something else")
	}
	signature, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(said["Signature"]))
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(`{"Statement":[{"Resource":"` + base + `","Condition":{"DateLessThan":{"AWS:EpochTime":` + said["Expires"] + `}}}]}`))
	if !ecdsa.VerifyASN1(key, sum[:], signature) {
		return errors.New("not signed")
	}
	var end int64
	if _, err := fmt.Sscanf(said["Expires"], "%d", &end); err != nil || now.Unix() >= end {
		return fmt.Errorf("over: %v", err)
	}
	return nil
}

// A link to the distribution is for one object of one realm, for five minutes, whatever is done to it.
func TestALinkToTheDistributionIsForOneObject(t *testing.T) {
	s := newShelf(t)
	e, other := edge(t), edge(t)
	s.bucket.By(e)
	id := audit.NewID()
	link := s.bucket.Link(s.db, files.General, id, noon)
	if u, err := url.Parse(link); err != nil || u.Host != e.Host || u.Path != "/"+s.db.Realm().Login+"/general/"+id.String() || u.Query().Get("Expires") != fmt.Sprint(noon.Add(5*time.Minute).Unix()) {
		t.Errorf("%s: %v", link, err)
	}
	foreign := strings.Replace(link, s.db.Realm().Login, s.DB("bahamas").Realm().Login, 1)
	if foreign == link {
		t.Fatal("one login has all")
	}
	later := noon.Add(5*time.Minute - time.Second)
	for _, c := range []struct {
		what, link string
		key        *ecdsa.PublicKey
		at         time.Time
		ok         bool
	}{
		{"as it is", link, &e.Key.PublicKey, noon, true},
		{"just before its end", link, &e.Key.PublicKey, later, true},
		{"at its end", link, &e.Key.PublicKey, later.Add(time.Second), false},
		{"of another realm", foreign, &e.Key.PublicKey, noon, false},
		{"of another object", strings.Replace(link, id.String(), audit.NewID().String(), 1), &e.Key.PublicKey, noon, false},
		{"of another purpose", strings.Replace(link, "/general/", "/roster/", 1), &e.Key.PublicKey, noon, false},
		{"above it", strings.Replace(link, "/general/", "/general/../roster/", 1), &e.Key.PublicKey, noon, false},
		{"at another host", strings.Replace(link, e.Host, "files.elsewhere.example", 1), &e.Key.PublicKey, noon, false},
		{"for longer", regexp.MustCompile(`Expires=\d+`).ReplaceAllString(link, "Expires="+fmt.Sprint(noon.Add(time.Hour).Unix())), &e.Key.PublicKey, later.Add(time.Second), false},
		{"with a type of one's own", link + "&response-content-type=text/html", &e.Key.PublicKey, noon, false},
		{"with a version of the object", strings.Replace(link, "?", "?versionId=x&", 1), &e.Key.PublicKey, noon, false},
		{"signed by another", link, &other.Key.PublicKey, noon, false},
		{"by a key that is not in the group", strings.Replace(link, e.KeyID, "K2JCJMDEHXQW5G", 1), &e.Key.PublicKey, noon, false},
		{"without a signature", regexp.MustCompile(`&Signature=[^&]+`).ReplaceAllString(link, ""), &e.Key.PublicKey, noon, false},
	} {
		if err := answers(c.link, e.KeyID, c.key, c.at); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	for range 200 { // whatever characters a signature has
		if err := answers(s.bucket.Link(s.db, files.General, audit.NewID(), noon), e.KeyID, &e.Key.PublicKey, noon); err != nil {
			t.Fatal(err)
		}
	}
}

// What is shown in pages, and what never leaves, has no link there; and without a distribution all is as it is on one machine.
func TestOnlyWhatIsPersonalLeavesByTheDistribution(t *testing.T) {
	s := newShelf(t)
	id := audit.NewID()
	ways := map[string]func(files.Purpose) string{"without": func(p files.Purpose) string { return s.bucket.Link(s.db, p, id, noon) }}
	none := (*files.Bucket)(nil)
	ways["no bucket"] = func(p files.Purpose) string { return none.Link(s.db, p, id, noon) }
	for what, link := range ways {
		if got := link(files.General); !strings.HasPrefix(got, "/files/"+id.String()+"?until=") {
			t.Errorf("%s: %s", what, got)
		}
	}
	s.bucket.By(edge(t))
	for _, p := range []files.Purpose{files.Logo, files.Lesson, files.Package, files.Roster} {
		if got := ways["without"](p); !strings.HasPrefix(got, "/files/"+id.String()+"?until=") {
			t.Errorf("%s: %s", p, got)
		}
	}
	for _, p := range []files.Purpose{files.General, files.Export} {
		if got := ways["without"](p); !strings.HasPrefix(got, "https://files.packages.example/") {
			t.Error(got)
		}
	}
	// The bucket lets the distribution read these and no others.
	if got := files.Apart(); !slices.Equal(got, aws.PersonalPurposes) {
		t.Errorf("%v leave by the distribution, which may read %v", got, aws.PersonalPurposes)
	}
}

// hostile are names as a sender may call a file, and as what it is offered.
var hostile = map[string]string{
	`report.pdf`:                         `report.pdf`,
	`../../etc/passwd`:                   `passwd`,
	`..\..\boot.ini`:                     `boot.ini`,
	`a "quoted" \ name.pdf`:              ` name.pdf`,
	"a\r\nSet-Cookie: session=x\r\n.pdf": `a  Set-Cookie: session=x  .pdf`,
	`say "no"; filename=x.html`:          `say "no"; filename=x.html`,
	"Zeugnis für Zoë – 5.Ä.pdf":          "Zeugnis für Zoë – 5.Ä.pdf",
	"成绩单.pdf":                            "成绩单.pdf",
	"photo\u202egpj.exe":                 "photogpj.exe",
	"100%41' OR 1=1--.pdf":               "100%41' OR 1=1--.pdf",
	"\x00":                               "file",
}

func TestANameBreaksNothing(t *testing.T) {
	for name, want := range hostile {
		said := files.Disposition("attachment", files.CleanName(name))
		how, told, err := mime.ParseMediaType(said)
		if want = strings.TrimSpace(want); err != nil || how != "attachment" || len(told) != 1 || told["filename"] != want {
			t.Errorf("%q is offered as %q: %v, %v", name, said, told, err)
		}
		if strings.ContainsFunc(said, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is offered as %q", name, said)
		}
	}
	long := files.CleanName(strings.Repeat("🦉", 300) + ".pdf")
	said := files.Disposition("attachment", long)
	_, told, err := mime.ParseMediaType(said)
	if n := utf8.RuneCountInString(told["filename"]); err != nil || len(said) > 1200 || n < 80 || n > 100 || !strings.HasSuffix(told["filename"], "🦉.pdf") {
		t.Errorf("%d characters, %d bytes: %v", n, len(said), err)
	}
	if said := files.Disposition("attachment", strings.Repeat("x", 196)+".pdf"); !strings.Contains(said, strings.Repeat("x", 196)+".pdf") {
		t.Errorf("a name that has room is cut: %s", said)
	}
}

// On its way to the bucket each personal file is told what it is offered as, whether it comes at once or in pieces.
func TestABucketIsToldWhatAFileIsOfferedAs(t *testing.T) {
	s := newShelf(t)
	who := s.sender()
	large := make([]byte, files.Piece+10)
	for _, data := range [][]byte{[]byte("<!DOCTYPE html><script>alert(1)</script>"), large} {
		u, err := s.begin(who, files.Announced{Name: "../Zoë\r\n\"1\".html", Size: int64(len(data))})
		if err != nil {
			t.Fatal(err)
		}
		heads := s.bucket.Heads(func() { s.send(who, u.ID, 0, data) })
		s.is(u.ID, data)
		if got, want := heads[s.db.Realm().Login+"/general/"+u.ID.String()], `attachment; filename*=utf-8''Zo%C3%AB%20%20%221%22.html`; got != want {
			t.Errorf("%d bytes are offered as %q, want %q", len(data), got, want)
		}
	}
	heads := s.bucket.Heads(func() {
		if _, err := s.put(files.General, "at once.pdf", strings.NewReader("%PDF-1.7")); err != nil {
			t.Error(err)
		}
		if _, err := s.bucket.Put(t.Context(), s.db, nobody, files.Incoming{Purpose: files.Roster, Name: "people.zip", Body: strings.NewReader("x")}, noon, func(*tenants.Tx, *files.File) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	for key, said := range heads {
		if want := map[bool]string{true: `attachment; filename="at once.pdf"`}[strings.Contains(key, "/general/")]; said != want {
			t.Errorf("%s is offered as %q", key, said)
		}
	}
	if len(heads) != 2 {
		t.Errorf("%v", heads)
	}
}
