package files

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

// LinkTime is how long a link is good.
const LinkTime = 5 * time.Minute

// Edge is a distribution of CloudFront before the bucket, which answers links that a key of its group has signed. It stands at a host of its own, where nothing
// of ours runs, and says by itself that whatever it answers is an attachment (infra/aws/templates/edge.yaml).
type Edge struct {
	Host  string // such as files.lignum-packages.example
	KeyID string // as CloudFront calls the public key
	Key   *ecdsa.PrivateKey
}

// By lets links to what is personal lead to a distribution, before the bucket is used. nil: they lead through the program.
func (b *Bucket) By(e *Edge) *Bucket {
	b.edge = e
	return b
}

// headOf is what a distribution finds beside the bytes of a file: it knows no rows.
func headOf(p Purpose, name, contentType string) head {
	h := head{contentType: contentType}
	if rules[p].apart {
		h.disposition = Disposition("attachment", name)
	}
	return h
}

// Link leads to a file of the realm, and is good for LinkTime: a path on the realm's host, or a URL of the distribution where it is there and the file is personal.
// Whoever hands it out has asked the policy: it is all that its bearer needs.
func (b *Bucket) Link(db *tenants.DB, p Purpose, id uuid.UUID, now time.Time) string {
	until := now.Add(LinkTime).Unix()
	if b != nil && b.edge != nil && rules[p].apart {
		return b.edge.sign("https://"+b.edge.Host+"/"+keyOf(db.Realm(), p, id), until)
	}
	end := strconv.FormatInt(until, 10)
	return fmt.Sprintf("/files/%s?until=%s&signature=%s", id, end, base64.RawURLEncoding.EncodeToString(sign(db, id, end)))
}

// sign makes of an address one that CloudFront answers until a second of Unix time, by a canned policy: for this address alone. Neither a key of the bucket nor a
// host has characters that would have to be written otherwise in JSON or in a URL.
func (e *Edge) sign(address string, until int64) string {
	policy := fmt.Sprintf(`{"Statement":[{"Resource":"%s","Condition":{"DateLessThan":{"AWS:EpochTime":%d}}}]}`, address, until)
	sum := sha256.Sum256([]byte(policy))
	signature, err := ecdsa.SignASN1(rand.Reader, e.Key, sum[:])
	if err != nil {
		panic(err) // the key is one of its curve, and the machine's randomness does not fail
	}
	return fmt.Sprintf("%s?Expires=%d&Signature=%s&Key-Pair-Id=%s&Hash-Algorithm=SHA256", address, until, inURL.Replace(base64.StdEncoding.EncodeToString(signature)), e.KeyID)
}

// inURL writes base64 as CloudFront reads it in a query.
var inURL = strings.NewReplacer("+", "-", "=", "_", "/", "~")

// sign is for one file of one realm, whose key the vault derives.
func sign(db *tenants.DB, id uuid.UUID, until string) []byte {
	return db.Vault().MAC(db.Realm().Name(), "file_link", id.String()+" "+until)
}

// CheckLink gives the file that a link is for. A link that nobody signed, for this realm, is domain.NotFound; one whose time is over is domain.Gone.
func CheckLink(db *tenants.DB, id, until, signature string, now time.Time) (uuid.UUID, error) {
	file, err := uuid.Parse(id)
	given, bad := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || bad != nil || file.String() != id || !hmac.Equal(given, sign(db, file, until)) {
		return uuid.Nil, domain.Refuse(domain.NotFound, "files.there_is_no_such_file")
	}
	end, err := strconv.ParseInt(until, 10, 64)
	if err != nil || now.Unix() >= end {
		return uuid.Nil, domain.Refuse(domain.Gone, "files.the_link_is_over")
	}
	return file, nil
}

// LogoPath is the path of a tenant's logo on its host, for everybody and for good: another picture has another one.
func LogoPath(f *File) string { return "/logo/" + f.SHA256 }
