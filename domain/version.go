package domain

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// Version is a short name of what a thing holds: equal while nothing of it changed, whoever changes it and by whatever way. It
// is given out with the thing and may come back with a change, so that two people who edit at once do not undo each other.
func Version(of any) string {
	raw, err := json.Marshal(of)
	if err != nil {
		panic(err) // texts, numbers and times always marshal
	}
	sum := sha256.Sum256(raw)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// CheckVersion refuses a change that was made of an older version than there is now, with Conflict. "" checks nothing: the
// change says that it holds whatever was there.
func CheckVersion(seen, is string) error {
	if seen == "" || seen == is {
		return nil
	}
	return Refuse(Conflict, "domain.somebody_else_changed_this_after")
}
