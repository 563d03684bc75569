package policy

import (
	"slices"

	"lignum/domain/words"
)

// Reason is the stable code of a refusal, "" when allowed. Clients may rely on the codes; the sentences may change.
type Reason string

// Refusals that come from Go and not from the Rego rules.
const (
	PolicyError  Reason = "policy_error"          // a rule could not be evaluated, or gave nonsense
	UnknownScope Reason = "unknown_scope"         // the rules allowed rows that no query knows
	RoleLacks    Reason = "role_lacks_permission" // Casbin said no
)

// reasons are all refusals that the rules which come with the program can give, sorted.
var reasons = []Reason{
	"account_suspended",
	"attempt_closed",
	"attempts_used_up",
	"class_closed",
	"deadline_passed",
	"guardian_consent_missing",
	"guardian_link_missing",
	"import_needs_active_tenant",
	"left_leaderboard",
	"lesson_needs_enrolment",
	"not_assigned",
	"not_own",
	"not_own_school",
	"not_permitted",
	"not_your_learner",
	"password_change_needed",
	PolicyError,
	"reason_required",
	"reset_needs_approval",
	RoleLacks,
	"second_factor_needed",
	"subject_holds_more",
	"tenant_closed",
	"tenant_read_only",
	"tenant_suspended",
	"test_needs_enrolment",
	UnknownScope,
	"window_closed",
	"wrong_realm",
}

// Sentence says the refusal to the person who was refused. A code that only a replaced bundle knows gets the sentence of not_permitted.
func (r Reason) Sentence() words.Text { return words.Say("reason." + r.known()) }

// Needed says what would change it, for whoever explains or administers.
func (r Reason) Needed() words.Text { return words.Say("reason.needs." + r.known()) }

func (r Reason) known() string {
	if slices.Contains(reasons, r) {
		return string(r)
	}
	return "not_permitted"
}

// Standing reports whether a refusal is about the person or the realm as such, so that no other thing of the kind would fare better.
func (r Reason) Standing() bool {
	switch r {
	case "wrong_realm", "tenant_suspended", "tenant_closed", "account_suspended", "password_change_needed", "second_factor_needed", "import_needs_active_tenant",
		"tenant_read_only", PolicyError, UnknownScope, RoleLacks:
		return true
	}
	return false
}
