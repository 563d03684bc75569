package identity

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/tenants"
)

// A device token is proof of an earlier sign-in to one account: failures of a device that shows one are counted apart from
// everybody else's, so that a stranger who guesses does not shut the person out ('device cookies', OWASP). It is no
// credential: it opens nothing, and only chooses where a failure is counted.
//
// It is user id | device id | time of issue | tag in base64url. The tag is a hash with a key of the realm. Each sign-in gives a new device id,
// so that failures with a copied token are none of its owner's.

// DeviceLife is how long a device token counts.
const DeviceLife = 180 * 24 * time.Hour

// maxDevices is how many people's tokens one device keeps: siblings share a telephone, classes share a computer.
const maxDevices = 8

const (
	deviceBody  = 16 + 16 + 8
	deviceBytes = deviceBody + 32
)

var deviceLength = base64.RawURLEncoding.EncodedLen(deviceBytes)

// MaxDeviceTokens is the length in bytes of the longest list of device tokens.
var MaxDeviceTokens = maxDevices * (deviceLength + 1)

func deviceTag(db *tenants.DB, body []byte) []byte {
	return db.Vault().MAC(db.Realm().Name(), "device-tag", string(body))
}

// newDeviceToken is for somebody whose sign-in has just succeeded.
func newDeviceToken(db *tenants.DB, user uuid.UUID, now time.Time) string {
	id := make([]byte, 16)
	rand.Read(id)
	raw := binary.BigEndian.AppendUint64(append(append(make([]byte, 0, deviceBytes), user[:]...), id...), uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, deviceTag(db, raw)...))
}

// knownDevice is what a genuine token says: whose account, and under which subject failures are counted, in hexadecimal.
type knownDevice struct{ user, subject string }

// knownDevices reads a list of tokens as DeviceTokens joins them, and leaves out what is forged, expired or another realm's.
func knownDevices(db *tenants.DB, list string, now time.Time) (known []knownDevice) {
	if len(list) > MaxDeviceTokens {
		return nil
	}
	for token := range strings.SplitSeq(list, ".") {
		if len(token) != deviceLength || len(known) == maxDevices {
			continue
		}
		raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
		if err != nil || len(raw) != deviceBytes || subtle.ConstantTimeCompare(raw[deviceBody:], deviceTag(db, raw[:deviceBody])) != 1 {
			continue
		}
		issued := time.Unix(int64(binary.BigEndian.Uint64(raw[32:deviceBody])), 0)
		if now.Before(issued.Add(-time.Minute)) || !now.Before(issued.Add(DeviceLife)) {
			continue
		}
		subject := db.Vault().MAC(db.Realm().Name(), "sign-in-device", string(raw[16:32]))
		known = append(known, knownDevice{uuid.UUID(raw[:16]).String(), hex.EncodeToString(subject)})
	}
	return known
}

// KnownDevice reports whether a list of tokens holds a genuine one, and gives a key of that device: without a query.
func KnownDevice(db *tenants.DB, list string, now time.Time) (key string, known bool) {
	if list == "" {
		return "", false
	}
	all := knownDevices(db, list, now)
	if len(all) == 0 {
		return "", false
	}
	return all[0].subject, true
}

// DeviceTokens puts a new token before those that a device shows, in place of the same person's, at most maxDevices in all.
func DeviceTokens(shown, token string) string {
	list := token
	if len(shown) > MaxDeviceTokens {
		return list
	}
	n := 1
	for old := range strings.SplitSeq(shown, ".") {
		if len(old) == deviceLength && !sameUser(old, token) && n < maxDevices {
			list += "." + old
			n++
		}
	}
	return list
}

func sameUser(a, b string) bool {
	const user = 22 // the characters that hold the id's 16 bytes, and four bits of what follows
	rawA, errA := base64.RawURLEncoding.DecodeString(a[:user])
	rawB, errB := base64.RawURLEncoding.DecodeString(b[:user])
	return errA != nil || errB != nil || bytes.Equal(rawA, rawB)
}
