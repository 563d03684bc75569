package policy

import (
	"fmt"
	"regexp"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Scope is the widest reach that the rules give: which rows of a list the person may see. Whoever turns it into a WHERE
// clause does so in one exhaustive switch that denies what it does not know.
type Scope string

// The scopes. Region is for bundles that know regional offices; the rules that come with the program never give it.
const (
	Own       Scope = "own"       // the person's own rows; for a guardian, their children's
	Assigned  Scope = "assigned"  // of learners that the person coaches, and classes that they teach
	School    Scope = "school"    // of the person's school
	Region    Scope = "region"    // of the region of the person's school
	Whole     Scope = "tenant"    // of the whole realm
	Aggregate Scope = "aggregate" // no rows: figures, with counts below Decision.MinCell left blank
)

func (s Scope) known() bool {
	switch s {
	case Own, Assigned, School, Region, Whole, Aggregate:
		return true
	}
	return false
}

// Decision is the answer of the contextual rules. Its zero value denies.
type Decision struct {
	Allow   bool
	Reason  Reason // why not; "" when allowed
	Scope   Scope  // when allowed: how far
	MinCell int    // when allowed: counts below this are left blank; 0 shows all
}

func deny(r Reason) Decision { return Decision{Reason: r} }

var (
	answerAllow   = ast.StringTerm("allow")
	answerReason  = ast.StringTerm("reason")
	answerScope   = ast.StringTerm("scope")
	answerMinCell = ast.StringTerm("min_cell")

	reasonPattern = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)
)

// readDecision takes the rules' answer apart; whatever is not plainly an allowance denies.
func readDecision(v ast.Value) (Decision, error) {
	answer, ok := v.(ast.Object)
	if !ok {
		return deny(PolicyError), fmt.Errorf("policy: the decision is no object but %s", ast.ValueName(v))
	}
	if allow := answer.Get(answerAllow); allow == nil || !ast.Boolean(true).Equal(allow.Value) {
		reason := Reason(text(answer.Get(answerReason)))
		if !reasonPattern.MatchString(string(reason)) {
			return deny(PolicyError), fmt.Errorf("policy: a refusal without a reason code")
		}
		return deny(reason), nil
	}
	scope := Scope(text(answer.Get(answerScope)))
	if !scope.known() {
		return deny(UnknownScope), fmt.Errorf("policy: %q is no scope", clip(string(scope)))
	}
	cell, ok := number(answer.Get(answerMinCell))
	if !ok || (scope == Aggregate && cell < 2) {
		return deny(PolicyError), fmt.Errorf("policy: min_cell must be 0 or more, and at least 2 for figures")
	}
	return Decision{Allow: true, Scope: scope, MinCell: cell}, nil
}

func text(t *ast.Term) string {
	if t == nil {
		return ""
	}
	s, _ := t.Value.(ast.String)
	return string(s)
}

func number(t *ast.Term) (int, bool) {
	if t == nil {
		return 0, false
	}
	n, ok := t.Value.(ast.Number)
	if !ok {
		return 0, false
	}
	i, ok := n.Int()
	return i, ok && i >= 0
}
