package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tests/testkit"
)

const issuer = "https://jamaica.example"

func (r *room) ring() *KeyRing {
	r.T.Helper()
	var ring *KeyRing
	r.Read(func(q *tenants.Reader) (err error) {
		ring, err = LoadKeys(r.Ctx, q, r.DB.Vault(), r.DB.Realm().Name())
		return err
	})
	return ring
}

func someSession() SignedIn {
	return SignedIn{SessionID: uuid.New(), UserID: uuid.New(), UserName: "akeem", Roles: []string{people.Student}, SessionVersion: 1}
}

func TestToken(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	ring := r.ring()
	s := someSession()
	tokens, err := ring.Issue(s, issuer, r.Now)
	r.OK(err)
	c, err := ring.Verify(tokens.Access, issuer, r.Now.Add(TokenLife))
	r.OK(err)
	if c.UserID != s.UserID || c.SessionID != s.SessionID || c.UserName != "akeem" || c.ID == "" || tokens.AccessExpires != r.Now.Add(12*time.Minute) {
		t.Errorf("claims are %+v", c)
	}
	if PeekIssuer(tokens.Access) != issuer || PeekIssuer("x") != "" {
		t.Error("PeekIssuer")
	}

	key := ring.list[0]
	forge := func(change func(t *jwt.Token, c *Claims)) string {
		c := s.Claims(issuer, r.Now)
		tok := jwt.NewWithClaims(jwt.SigningMethodEdDSA, &c)
		tok.Header["typ"], tok.Header["kid"] = "at+jwt", key.kid
		change(tok, &c)
		text, err := tok.SignedString(key.private)
		r.OK(err)
		return text
	}
	if _, err := ring.Verify(forge(func(*jwt.Token, *Claims) {}), issuer, r.Now); err != nil {
		t.Fatalf("the forger's own good token: %v", err)
	}
	none := jwt.NewWithClaims(jwt.SigningMethodNone, s.Claims(issuer, r.Now))
	none.Header["typ"], none.Header["kid"] = "at+jwt", key.kid
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	r.OK(err)
	confused := jwt.NewWithClaims(jwt.SigningMethodHS256, s.Claims(issuer, r.Now))
	confused.Header["typ"], confused.Header["kid"] = "at+jwt", key.kid
	hmac, err := confused.SignedString([]byte(key.public))
	r.OK(err)
	parts := strings.Split(tokens.Access, ".")
	_, stranger, err := ed25519.GenerateKey(nil)
	r.OK(err)
	strange := jwt.NewWithClaims(jwt.SigningMethodEdDSA, s.Claims(issuer, r.Now))
	strange.Header["typ"], strange.Header["kid"] = "at+jwt", key.kid
	foreign, err := strange.SignedString(stranger)
	r.OK(err)
	for name, token := range map[string]string{
		"no signature":      parts[0] + "." + parts[1] + ".",
		"other payload":     parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"x"}`)) + "." + parts[2],
		"algorithm none":    unsigned,
		"algorithm HS256":   hmac,
		"a stranger's key":  foreign,
		"type JWT":          forge(func(t *jwt.Token, _ *Claims) { t.Header["typ"] = "JWT" }),
		"no type":           forge(func(t *jwt.Token, _ *Claims) { delete(t.Header, "typ") }),
		"unknown key":       forge(func(t *jwt.Token, _ *Claims) { t.Header["kid"] = "other" }),
		"critical header":   forge(func(t *jwt.Token, _ *Claims) { t.Header["crit"] = []string{"x"} }),
		"another issuer":    forge(func(_ *jwt.Token, c *Claims) { c.Issuer = "https://bahamas.example" }),
		"another audience":  forge(func(_ *jwt.Token, c *Claims) { c.Audience = jwt.ClaimStrings{"https://bahamas.example"} }),
		"no expiry":         forge(func(_ *jwt.Token, c *Claims) { c.ExpiresAt = nil }),
		"issued tomorrow":   forge(func(_ *jwt.Token, c *Claims) { c.IssuedAt = jwt.NewNumericDate(r.Now.Add(24 * time.Hour)) }),
		"subject no UUID":   forge(func(_ *jwt.Token, c *Claims) { c.Subject = "akeem" }),
		"no session":        forge(func(_ *jwt.Token, c *Claims) { c.SessionID = uuid.Nil }),
		"longer than 4 KiB": tokens.Access + strings.Repeat("A", 4096),
		"nothing":           "",
	} {
		if _, err := ring.Verify(token, issuer, r.Now); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ring.Verify(tokens.Access, issuer, r.Now.Add(TokenLife+31*time.Second)); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("expired: %v", err)
	}
}

// respelled is the same bytes in base64url with other bits in the last character, where bytes leave some unused.
func respelled(text string, unused uint) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(letters, text[len(text)-1])
	return text[:len(text)-1] + string(letters[last^1&(1<<unused-1)])
}

func TestATokenHasOneSpelling(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	ring, v := r.ring(), NewVerifier(0)
	tokens, err := ring.Issue(someSession(), issuer, r.Now)
	r.OK(err)
	_, err = v.Verify(ring, tokens.Access, issuer, r.Now)
	r.OK(err)
	other := respelled(tokens.Access, 4) // a signature of 64 bytes leaves four bits
	lenient, _ := base64.RawURLEncoding.DecodeString(other[strings.LastIndexByte(other, '.')+1:])
	exact, _ := base64.RawURLEncoding.DecodeString(tokens.Access[strings.LastIndexByte(tokens.Access, '.')+1:])
	if other == tokens.Access || string(lenient) != string(exact) {
		t.Fatal("the test does not respell the token")
	}
	for range 2 { // what was refused is not remembered as good
		if _, err := v.Verify(ring, other, issuer, r.Now); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("another spelling of a good token: %v", err)
		}
	}
	if PeekIssuer(other) != "" {
		t.Error("another spelling of a token names an issuer")
	}
}

func TestVerifierRemembers(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	ring, v := r.ring(), NewVerifier(2)
	tokens, err := ring.Issue(someSession(), issuer, r.Now)
	r.OK(err)
	a, err := v.Verify(ring, tokens.Access, issuer, r.Now)
	r.OK(err)
	b, err := v.Verify(ring, tokens.Access, issuer, r.Now.Add(time.Minute))
	r.OK(err)
	if a != b {
		t.Error("it was verified twice")
	}
	if v.Known(r.ring(), tokens.Access, issuer, r.Now) != a {
		t.Error("when the same keys were loaded anew, the token counts as one that was never seen: it pays as junk does")
	}
	for name, check := range map[string]func() error{
		"expired":        func() error { _, err := v.Verify(ring, tokens.Access, issuer, r.Now.Add(13*time.Minute)); return err },
		"another issuer": func() error { _, err := v.Verify(ring, tokens.Access, issuer+"x", r.Now); return err },
		"keys withdrawn": func() error { _, err := v.Verify(&KeyRing{}, tokens.Access, issuer, r.Now); return err },
	} {
		if err := check(); domain.CodeOf(err) != domain.Unauthentic {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for range 3 {
		r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	}
	first := r.ring()
	if len(first.list) != 1 {
		t.Fatalf("%d keys at the start", len(first.list))
	}
	old, err := first.Sign(someSession().Claims(issuer, r.Now))
	r.OK(err)
	r.Now = r.Now.Add(30*24*time.Hour - 10*time.Minute)
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	ring := r.ring()
	var doc struct {
		Keys []map[string]string `json:"keys"`
	}
	r.OK(json.Unmarshal(ring.JWKS(r.Now), &doc))
	if len(doc.Keys) != 2 || doc.Keys[0]["kty"] != "OKP" || doc.Keys[0]["crv"] != "Ed25519" || doc.Keys[0]["alg"] != "EdDSA" || len(doc.Keys[0]) != 6 {
		t.Errorf("published %v", doc.Keys)
	}
	signer := func() string {
		text, err := ring.Sign(someSession().Claims(issuer, r.Now))
		r.OK(err)
		tok, _, err := jwt.NewParser().ParseUnverified(text, &Claims{})
		r.OK(err)
		return tok.Header["kid"].(string)
	}
	if signer() != first.list[0].kid {
		t.Error("the new key signs before its notice is over")
	}
	r.Now = r.Now.Add(10 * time.Minute)
	if signer() == first.list[0].kid {
		t.Error("the old key signs on")
	}
	r.Now = r.Now.Add(25 * time.Hour)
	if _, err := ring.Verify(old, issuer, testkit.Noon); err != nil {
		t.Errorf("at its own time the old token held: %v", err)
	}
	r.OK(json.Unmarshal(ring.JWKS(r.Now), &doc))
	if len(doc.Keys) != 1 {
		t.Errorf("%d keys are published after the old one retired", len(doc.Keys))
	}
	// Nobody was there for a year: a key signs at once.
	r.Now = r.Now.Add(365 * 24 * time.Hour)
	r.OK(EnsureKeys(r.Ctx, r.DB, r.Now))
	ring = r.ring()
	signer()
	if n := r.entries("signing_key.create"); n != 3 {
		t.Errorf("%d entries for three keys", n)
	}
}
