package policy

import "github.com/open-policy-agent/opa/v1/ast"

// Takes is what a tenant takes of requests. It follows from the tenant's state, by the one table of states (tenants/state.go); the rules know no states.
type Takes string

// From most to least. The zero value is none of them, and allows nothing.
const (
	TakesChanges        Takes = "changes"        // whatever the person may
	TakesReads          Takes = "reads"          // nothing that changes
	TakesAdministrators Takes = "administrators" // what its administrators read; everybody else is told why
	TakesNothing        Takes = "nothing"        // everybody is told why
)

// Input is everything that the contextual rules may know about a request. All facts are positive, so that one which the
// caller forgets denies.
type Input struct {
	Permission           Permission // of the route
	Realm                RealmKind  // Tenant or Platform: whose host the request came to
	Roles                []string   // the person's roles with those they include: (*Enforcer).Expand
	TenantTakes          Takes      // what the state of the tenant lets anybody ask; not looked at on the platform
	ActorState           string     // "active" or "suspended"
	MustChangePassword   bool       // signed in with a card or a reset password
	SecondFactorRequired bool       // the realm wants a second factor of its staff
	SecondFactor         bool       // this session has proven one
	Facts                Facts
}

// Facts are about the one thing that the request names; for a list only Listing is set. Read them inside the request's
// transaction, or from a signed ticket.
type Facts struct {
	Listing         bool // the route gives a list, and Decision.Scope will limit it
	Owner           bool // the thing is the actor's own: attempt, progress, booking, enrolment
	Enrolled        bool // the actor has an active place in a class that has the lesson or test
	CoachOf         bool // the actor is the coach of the learner
	Teaches         bool // the actor teaches the class, or a class of the learner
	SameSchool      bool // the thing or the learner belongs to the actor's school
	GuardianOf      bool // an active link, not ended
	GuardianConsent bool // consent on that link was given and not withdrawn
	OnLeaderboard   bool // the learner takes part in the leaderboard
	Covers          bool // the actor's roles hold all that the subject's roles hold, and reach as far: (*Enforcer).Covers
	Unclaimed       bool // nobody has chosen a password for the account yet: no work and no words are behind it
	ResetApproved   bool // the account's school approved that the actor makes it a new card, and the approval still stands
	ClassOpen       bool // the class takes registrations now
	WindowOpen      bool // now is inside the test's window, or it has none
	AttemptOpen     bool // the attempt is not handed in yet
	WithinDeadline  bool // now is not after the attempt's deadline
	WithinGrace     bool // now is not after the deadline and the grace for handing in
	AttemptsLeft    int  // how many more attempts the learner may start; a large number where there is no limit
	ReasonLength    int  // letters and digits of the stated reason; 0 when it has fewer than two words
}

func key(name string) *ast.Term { return ast.StringTerm(name) }

var (
	keyPermission           = key("permission")
	keyPermissionRealm      = key("permission_realm")
	keyMutating             = key("mutating")
	keyRealm                = key("realm")
	keyRoles                = key("roles")
	keyTenantTakes          = key("tenant_takes")
	keyActorState           = key("actor_state")
	keyMustChangePassword   = key("must_change_password")
	keySecondFactorRequired = key("second_factor_required")
	keySecondFactor         = key("second_factor")
	keyListing              = key("listing")
	keyOwner                = key("owner")
	keyEnrolled             = key("enrolled")
	keyCoachOf              = key("coach_of")
	keyTeaches              = key("teaches")
	keySameSchool           = key("same_school")
	keyGuardianOf           = key("guardian_of")
	keyGuardianConsent      = key("guardian_consent")
	keyOnLeaderboard        = key("on_leaderboard")
	keyCovers               = key("covers")
	keyUnclaimed            = key("unclaimed")
	keyResetApproved        = key("reset_approved")
	keyClassOpen            = key("class_open")
	keyWindowOpen           = key("window_open")
	keyAttemptOpen          = key("attempt_open")
	keyWithinDeadline       = key("within_deadline")
	keyWithinGrace          = key("within_grace")
	keyAttemptsLeft         = key("attempts_left")
	keyReasonLength         = key("reason_length")
)

// terms holds the values that come up again and again, made once.
var terms = func() map[string]*ast.Term {
	words := []string{"active", "suspended", string(TakesChanges), string(TakesReads), string(TakesAdministrators), string(TakesNothing), "tenant", "platform", "either", "member"}
	words = append(append(words, systemRoles[Tenant]...), systemRoles[Platform]...)
	for _, p := range registry {
		words = append(words, p.Name())
	}
	m := make(map[string]*ast.Term, len(words))
	for _, w := range words {
		m[w] = ast.StringTerm(w)
	}
	return m
}()

func word(s string) *ast.Term {
	if t, ok := terms[s]; ok {
		return t
	}
	return ast.StringTerm(s)
}

// value builds the input document by hand: through JSON or reflection it would take longer than the decision.
// Facts that are false are left out; the rules take a missing one for false.
func (in *Input) value() ast.Object {
	f := &in.Facts
	pairs := make([][2]*ast.Term, 0, 30)
	text := func(key *ast.Term, s string) {
		if s != "" {
			pairs = append(pairs, [2]*ast.Term{key, word(s)})
		}
	}
	always := func(key *ast.Term, b bool) { pairs = append(pairs, [2]*ast.Term{key, ast.InternedTerm(b)}) }
	fact := func(key *ast.Term, b bool) {
		if b {
			always(key, true)
		}
	}
	number := func(key *ast.Term, n int) {
		if n = clamp(n); n > 0 {
			pairs = append(pairs, [2]*ast.Term{key, ast.InternedTerm(n)})
		}
	}
	text(keyPermission, in.Permission.Name())
	text(keyPermissionRealm, in.Permission.Realm().String())
	text(keyRealm, in.Realm.String())
	text(keyTenantTakes, string(in.TenantTakes))
	text(keyActorState, in.ActorState)
	always(keyMutating, in.Permission.Mutating())
	always(keyMustChangePassword, in.MustChangePassword)
	always(keySecondFactorRequired, in.SecondFactorRequired)
	always(keyListing, f.Listing)
	roles := make([][2]*ast.Term, len(in.Roles))
	for i, role := range in.Roles {
		roles[i] = [2]*ast.Term{word(role), ast.InternedTerm(true)}
	}
	pairs = append(pairs, [2]*ast.Term{keyRoles, ast.ObjectTerm(roles...)})
	fact(keySecondFactor, in.SecondFactor)
	fact(keyOwner, f.Owner)
	fact(keyEnrolled, f.Enrolled)
	fact(keyCoachOf, f.CoachOf)
	fact(keyTeaches, f.Teaches)
	fact(keySameSchool, f.SameSchool)
	fact(keyGuardianOf, f.GuardianOf)
	fact(keyGuardianConsent, f.GuardianConsent)
	fact(keyOnLeaderboard, f.OnLeaderboard)
	fact(keyCovers, f.Covers)
	fact(keyUnclaimed, f.Unclaimed)
	fact(keyResetApproved, f.ResetApproved)
	fact(keyClassOpen, f.ClassOpen)
	fact(keyWindowOpen, f.WindowOpen)
	fact(keyAttemptOpen, f.AttemptOpen)
	fact(keyWithinDeadline, f.WithinDeadline)
	fact(keyWithinGrace, f.WithinGrace)
	number(keyAttemptsLeft, f.AttemptsLeft)
	number(keyReasonLength, f.ReasonLength)
	return ast.NewObject(pairs...)
}
