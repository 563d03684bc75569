package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"

	"lignum/domain"
	"lignum/domain/words"
)

// TokenLife is how long an access token is good. It is short, because a role that was taken away lives on in it until
// its session's version is polled.
const TokenLife = 12 * time.Minute

// tokenLeeway is how far the clocks of two machines may be apart.
const tokenLeeway = 30 * time.Second

// maxToken bounds the bytes of a token that is looked at.
const maxToken = 4096

// Claims are what an access token says (JWT, RFC 7519; profile of RFC 9068, typ at+jwt). No personal names are in it.
type Claims struct {
	jwt.RegisteredClaims            // iss and aud are the realm's issuer URL, sub the user's id
	UserID               uuid.UUID  `json:"-"` // the subject, once Verify has read it
	SessionID            uuid.UUID  `json:"sid"`
	SessionVersion       int        `json:"sv"` // void when the user's is higher
	UserName             string     `json:"user_name"`
	Roles                []string   `json:"roles"`
	SecondFactor         bool       `json:"mfa"` // the session was opened with a second factor
	MustChangePassword   bool       `json:"mcp,omitempty"`
	SchoolID             *uuid.UUID `json:"school,omitempty"`
	Locale               string     `json:"locale,omitempty"` // the language that the person chose, BCP 47
}

// Claims are those of a new access token of the session. issuer is the realm's own URL.
func (s SignedIn) Claims(issuer string, now time.Time) Claims {
	return Claims{
		RegisteredClaims: jwt.RegisteredClaims{Issuer: issuer, Audience: jwt.ClaimStrings{issuer}, Subject: s.UserID.String(), ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(TokenLife))},
		UserID: s.UserID, SessionID: s.SessionID, SessionVersion: s.SessionVersion, UserName: s.UserName, Roles: s.Roles,
		SecondFactor: s.SecondFactor, MustChangePassword: s.MustChangePassword, SchoolID: s.SchoolID, Locale: s.Locale,
	}
}

// signingKey is one row of signing_keys, opened.
type signingKey struct {
	kid       string
	private   ed25519.PrivateKey
	public    ed25519.PublicKey
	signsFrom time.Time
	retiresAt time.Time
}

// KeyRing is a realm's signing keys at one moment. It does not change; a process loads a new one when 'keys' moves.
type KeyRing struct {
	keys map[string]signingKey
	list []signingKey // by signsFrom
}

// Sign makes the token with the youngest key that may sign at the claims' time of issue.
func (k *KeyRing) Sign(c Claims) (string, error) {
	if c.IssuedAt == nil || c.ExpiresAt == nil {
		return "", fmt.Errorf("sign: claims without iat and exp")
	}
	var key *signingKey
	for i := range k.list {
		if !k.list[i].signsFrom.After(c.IssuedAt.Time) && k.list[i].retiresAt.After(c.ExpiresAt.Time) {
			key = &k.list[i]
		}
	}
	if key == nil {
		return "", &domain.Error{Code: domain.Unavailable, Message: words.Say("identity.signing_in_is_being_prepared"),
			RetryAfter: 5 * time.Second, Cause: fmt.Errorf("no key signs at %s", c.IssuedAt)}
	}
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, c)
	t.Header["typ"], t.Header["kid"] = "at+jwt", key.kid
	return t.SignedString(key.private)
}

// Tokens are what a signed-in client holds.
type Tokens struct {
	Access         string
	AccessExpires  time.Time
	Refresh        string
	RefreshExpires time.Time
	Device         string // a new device token, after a sign-in; it counts for DeviceLife
}

// Issue signs an access token for a session that was just opened or refreshed.
func (k *KeyRing) Issue(s SignedIn, issuer string, now time.Time) (*Tokens, error) {
	c := s.Claims(issuer, now)
	access, err := k.Sign(c)
	if err != nil {
		return nil, err
	}
	return &Tokens{Access: access, AccessExpires: c.ExpiresAt.Time, Refresh: s.Refresh, RefreshExpires: s.RefreshExpires, Device: s.Device}, nil
}

// PeekIssuer reads the issuer that a token claims, without believing it: to find the keys that can tell.
func PeekIssuer(token string) string {
	var c jwt.RegisteredClaims
	if len(token) > maxToken {
		return ""
	}
	if _, _, err := jwt.NewParser(jwt.WithStrictDecoding()).ParseUnverified(token, &c); err != nil {
		return ""
	}
	return c.Issuer
}

// signInAgain is the one answer to every token that does not hold.
func signInAgain(cause error) error {
	return &domain.Error{Code: domain.Unauthentic, Message: words.Say("identity.please_sign_in"), Cause: cause}
}

// Verify checks a token's signature, algorithm, type, key, issuer, audience and times, and gives what it says. Whether
// the session was ended since is for the caller to ask. Every failure is the same domain.Unauthentic.
func (k *KeyRing) Verify(token, issuer string, now time.Time) (*Claims, error) {
	c, _, err := k.verify(token, issuer, now)
	return c, err
}

// verify returns the id of the key as well.
func (k *KeyRing) verify(token, issuer string, now time.Time) (claims *Claims, kid string, err error) {
	if len(token) > maxToken {
		return nil, "", signInAgain(fmt.Errorf("token of %d bytes", len(token)))
	}
	var c Claims
	_, err = jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		typ, _ := t.Header["typ"].(string)
		if typ = strings.ToLower(typ); typ != "at+jwt" && typ != "application/at+jwt" {
			return nil, fmt.Errorf("typ is not at+jwt")
		}
		if _, has := t.Header["crit"]; has {
			return nil, fmt.Errorf("critical headers are not known here")
		}
		kid, _ = t.Header["kid"].(string)
		if !k.trusts(kid, now) {
			return nil, fmt.Errorf("key is not known or retired")
		}
		return k.keys[kid].public, nil
	}, jwt.WithValidMethods([]string{"EdDSA"}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithLeeway(tokenLeeway), jwt.WithStrictDecoding(), // one token has one spelling
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithTimeFunc(func() time.Time { return now }))
	if err == nil {
		c.UserID, err = uuid.Parse(c.Subject)
	}
	if err == nil && (c.SessionID == uuid.Nil || c.SessionVersion < 1) {
		err = fmt.Errorf("token names no session")
	}
	if err != nil {
		return nil, "", signInAgain(err)
	}
	return &c, kid, nil
}

// trusts says whether the ring holds a key, and it is not retired.
func (k *KeyRing) trusts(kid string, now time.Time) bool {
	key, ok := k.keys[kid]
	return ok && now.Before(key.retiresAt)
}

// Expired reports whether a token was refused for its age: whoever shows it was signed in once.
func Expired(err error) bool { return errors.Is(err, jwt.ErrTokenExpired) }

// JWKS is the document of public keys (RFC 7517, key type of RFC 8037), with the key that signs next.
func (k *KeyRing) JWKS(now time.Time) []byte {
	type jwk struct {
		KeyType   string `json:"kty"`
		Curve     string `json:"crv"`
		X         string `json:"x"`
		KeyID     string `json:"kid"`
		Use       string `json:"use"`
		Algorithm string `json:"alg"`
	}
	keys := []jwk{}
	for _, key := range k.list {
		if now.Before(key.retiresAt) {
			keys = append(keys, jwk{"OKP", "Ed25519", base64.RawURLEncoding.EncodeToString(key.public), key.kid, "sig", "EdDSA"})
		}
	}
	doc, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err) // strings only
	}
	return doc
}

// keyID is the JWK thumbprint (RFC 7638, members in the order of RFC 8037), shortened.
func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}`))
	return hex.EncodeToString(sum[:8])
}

// Verifier checks tokens and remembers those that held, so that a busy client costs one signature check in twelve minutes.
// It is safe for concurrent use and serves all realms.
type Verifier struct {
	seen *lru.Cache[[32]byte, seenToken]
}

type seenToken struct {
	kid    string // made of the key itself (keyID), so that a ring which was loaded anew is asked for the same key
	issuer string
	claims *Claims
}

// NewVerifier remembers at most n tokens; 0: 50,000, about 40 MB.
func NewVerifier(n int) *Verifier {
	if n <= 0 {
		n = 50_000
	}
	c, err := lru.New[[32]byte, seenToken](n)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return &Verifier{c}
}

// Verify is KeyRing.Verify with memory. Expiry is checked on every call. The claims are shared: do not change them.
func (v *Verifier) Verify(k *KeyRing, token, issuer string, now time.Time) (*Claims, error) {
	sum := sha256.Sum256([]byte(token))
	if claims := v.known(sum, k, issuer, now); claims != nil {
		return claims, nil
	}
	claims, kid, err := k.verify(token, issuer, now)
	if err == nil {
		v.seen.Add(sum, seenToken{kid, issuer, claims})
	}
	return claims, err
}

// Known returns what a token says that held before and still does, without a signature being checked; nil for any other.
func (v *Verifier) Known(k *KeyRing, token, issuer string, now time.Time) *Claims {
	return v.known(sha256.Sum256([]byte(token)), k, issuer, now)
}

func (v *Verifier) known(sum [32]byte, k *KeyRing, issuer string, now time.Time) *Claims {
	s, ok := v.seen.Get(sum)
	switch {
	case !ok || !k.trusts(s.kid, now) || s.issuer != issuer:
		return nil
	case now.Before(s.claims.ExpiresAt.Add(tokenLeeway)):
		return s.claims
	}
	v.seen.Remove(sum)
	return nil
}
