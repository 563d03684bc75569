package files

import (
	"crypto/hmac"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/tenants"
)

// LinkTime is how long a link is good.
const LinkTime = 5 * time.Minute

// Link is the path of a file on its realm's host, good for LinkTime. Whoever hands it out has asked the policy: it is all that its bearer needs.
func Link(db *tenants.DB, id uuid.UUID, now time.Time) string {
	until := strconv.FormatInt(now.Add(LinkTime).Unix(), 10)
	return fmt.Sprintf("/files/%s?until=%s&signature=%s", id, until, base64.RawURLEncoding.EncodeToString(sign(db, id, until)))
}

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
