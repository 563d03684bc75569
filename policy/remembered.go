package policy

import (
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// maxRemembered bounds what a version of the rules remembers, of some 200 bytes each: a permission comes with few sets of roles,
// and with few combinations of facts.
const maxRemembered = 8192

// question is an Input that can be compared. All that the rules see of an input is in it: see (*Input).value.
type question struct {
	permission           Permission
	realm                RealmKind
	roles                string
	tenantTakes          Takes
	actorState           string
	mustChangePassword   bool
	secondFactorRequired bool
	secondFactor         bool
	facts                Facts
}

// question returns the input as one, and false for one with roles that no rules can name.
func (in *Input) question() (question, bool) {
	q := question{permission: in.Permission, realm: in.Realm, tenantTakes: in.TenantTakes, actorState: in.ActorState,
		mustChangePassword: in.MustChangePassword, secondFactorRequired: in.SecondFactorRequired, secondFactor: in.SecondFactor, facts: in.Facts}
	q.facts.AttemptsLeft, q.facts.ReasonLength = clamp(q.facts.AttemptsLeft), clamp(q.facts.ReasonLength)
	for _, role := range in.Roles {
		if role == "" || strings.Contains(role, ",") {
			return q, false
		}
	}
	q.roles = strings.Join(in.Roles, ",")
	return q, true
}

// clamp is what the rules are told of a number: they distinguish none beyond.
func clamp(n int) int { return max(0, min(n, 100)) }

// remembered are the decisions of one version of the rules. The rules may use nothing but their input (capabilities), so that
// what they decided once they would decide again; a new version begins with nothing.
type remembered struct{ *lru.Cache[question, Decision] }

func newRemembered() remembered {
	cache, err := lru.New[question, Decision](maxRemembered)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	return remembered{cache}
}
