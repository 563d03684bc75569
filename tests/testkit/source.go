package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"lignum/policy"
)

// sourceHash changes when what is put into the template besides the migrations does.
func sourceHash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%+v\n%s\n", Fixtures, administers)
	fmt.Fprintf(h, "%v\n", policy.DefaultRules(policy.Tenant, "x"))
	fmt.Fprintf(h, "%v\n", policy.DefaultRules(policy.Platform, "platform"))
	return hex.EncodeToString(h.Sum(nil))[:8]
}
