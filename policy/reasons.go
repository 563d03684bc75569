package policy

import "slices"

// Reason is the stable code of a refusal, "" when allowed. Clients may rely on the codes; the sentences may change.
type Reason string

// Refusals that come from Go and not from the Rego rules.
const (
	PolicyError  Reason = "policy_error"          // a rule could not be evaluated, or gave nonsense
	UnknownScope Reason = "unknown_scope"         // the rules allowed rows that no query knows
	RoleLacks    Reason = "role_lacks_permission" // Casbin said no
)

// ReasonInfo is a refusal in words: what is so, and what would change it.
type ReasonInfo struct {
	Code     Reason
	Sentence string // for the person who was refused
	Remedy   string // what would be needed; for whoever explains or administers
}

var reasons = []ReasonInfo{
	{"account_suspended", "Your account is suspended.", "An administrator must let the account in again."},
	{"attempt_closed", "This attempt has already been handed in.", "An attempt that is still open."},
	{"attempts_used_up", "You have used all attempts at this test.", "A test that allows more attempts."},
	{"class_closed", "This class does not take registrations now.", "A class that is open for registration."},
	{"deadline_passed", "The time for this attempt is over.", "To answer before the deadline, or to hand in within the grace after it."},
	{"guardian_consent_missing", "Consent for this child has not been given.", "The guardian gives consent."},
	{"guardian_link_missing", "You are not registered as this child's guardian.", "An administrator links the guardian to the child."},
	{"import_needs_active_tenant", "Nothing can be imported while changes are not taken.", "The tenant must be active."},
	{"left_leaderboard", "This learner does not take part in the leaderboard.", "The learner joins the leaderboard."},
	{"lesson_needs_enrolment", "Register for a class with this lesson first.", "An active place in a class that has the lesson."},
	{"not_assigned", "This is not yours to look after.", "To be the learner's coach, or to teach the class."},
	{"not_own", "Only the person it belongs to can do this.", "To be the owner."},
	{"not_own_school", "This does not belong to your school.", "To belong to the same school, or to administer the tenant."},
	{"not_permitted", "You may not do this.", "A rule that allows it; none does."},
	{"not_your_learner", "This learner's record is not open to you.", "To be the learner, their coach or teacher, or the administrator of their school."},
	{"password_change_needed", "Choose your own password first.", "The person changes the password that they were given."},
	{PolicyError, "This cannot be decided now, so it is refused.", "The rules must evaluate without error; see the log."},
	{"reason_required", "State a reason of at least ten letters or digits, in at least two words; it is written down.", "A stated reason of at least ten letters or digits, in at least two words."},
	{"reset_needs_approval", "This learner has chosen a password before. Ask the school to approve a new card.", "The learner's school approves the request of the teacher."},
	{RoleLacks, "Your roles do not let you do this.", "A role that holds the permission."},
	{"second_factor_needed", "Sign in with your second factor first.", "A session that has proven a second factor."},
	{"subject_holds_more", "This account may do more than yours, so you cannot change it.", "To hold everything that the account's roles hold, and to reach as far."},
	{"tenant_read_only", "Changes are not taken at the moment; reading goes on.", "The tenant must be active."},
	{"tenant_suspended", "This platform is suspended for your country or college.", "The platform's account manager lets the tenant work again."},
	{"test_needs_enrolment", "Register for a class with this test first.", "An active place in a class that has the test."},
	{UnknownScope, "This cannot be decided now, so it is refused.", "The rules must answer with one of the known scopes."},
	{"window_closed", "This test is not open now.", "To start within the test's window."},
	{"wrong_realm", "This cannot be done here.", "To use the host of the realm in which the permission means something."},
}

// Reasons lists every refusal that the rules which come with the program can give, sorted by code.
func Reasons() []ReasonInfo { return slices.Clone(reasons) }

// Info gives a refusal in words. A code that only a replaced bundle knows gets the sentence of not_permitted.
func (r Reason) Info() ReasonInfo {
	for _, info := range reasons {
		if info.Code == r {
			return info
		}
	}
	info := Reason("not_permitted").Info()
	info.Code = r
	return info
}

// Sentence says the refusal to the person who was refused.
func (r Reason) Sentence() string { return r.Info().Sentence }

// Standing tells whether a refusal is about the person or the realm as such, so that no other thing of the kind would fare better.
func (r Reason) Standing() bool {
	switch r {
	case "wrong_realm", "tenant_suspended", "account_suspended", "password_change_needed", "second_factor_needed", "import_needs_active_tenant",
		"tenant_read_only", PolicyError, UnknownScope, RoleLacks:
		return true
	}
	return false
}
