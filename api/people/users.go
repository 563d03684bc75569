package people

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// The use cases of accounts serve both kinds of realm; routes.go has their tables. On the platform's host there are
// no schools, classes and guardians, and so none of their facts.

// UserFilter says which accounts to list. Conditions add up.
type UserFilter struct {
	Query  string    `query:"q" maxLength:"100" doc:"Only people whose given name, family name or user name begins so, or whose names begin as in \"Ann Bro\""`
	Role   string    `query:"role" maxLength:"64" doc:"Only people with this role"`
	State  string    `query:"state" enum:"active,suspended" doc:"Only accounts in this state"`
	School uuid.UUID `query:"school" format:"uuid" doc:"Only people of this school"`
	Class  uuid.UUID `query:"class" format:"uuid" doc:"Only people who have a place in this class"`
	NoCard bool      `query:"no_password" doc:"Only people who have not chosen a password yet"`

	ids []uuid.UUID // is one of these
}

// ListUsers lists the realm's accounts by name, those of the actor's own school when the rules reach no further.
func ListUsers(ctx context.Context, c *api.Call, f UserFilter, p api.Paging) (*api.List[people.User], error) {
	d, err := c.Decide(policy.Facts{Listing: true})
	if err != nil {
		return nil, err
	}
	filter, err := f.Within(d, c.Tenant != nil, c.Claims.UserID, c.Claims.SchoolID)
	if err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[people.User], error) {
		return people.Users(ctx, r, filter, p.Page())
	})
}

// Within narrows the accounts of a filter to those that somebody of a school sees by a decision about lists of accounts. tenant tells that the realm is one: on the platform's
// host there are no schools and classes.
func (f UserFilter) Within(d policy.Decision, tenant bool, who uuid.UUID, school *uuid.UUID) (people.UserFilter, error) {
	filter := people.UserFilter{Prefix: f.Query, Role: f.Role, State: people.UserState(f.State), NoCard: f.NoCard, IDs: f.ids}
	if tenant {
		if f.School != uuid.Nil {
			filter.SchoolID = &f.School
		}
		if f.Class != uuid.Nil {
			filter.In = append(filter.In, classes.Members(f.Class))
		}
	}
	switch d.Scope {
	case policy.Whole:
		return filter, nil
	case policy.School:
		if school == nil || filter.SchoolID != nil && *filter.SchoolID != *school {
			return filter, domain.Refuse(domain.Forbidden, "people.your_role_sees_the_accounts")
		}
		filter.SchoolID = school
		return filter, nil
	case policy.Assigned:
		filter.In = append(filter.In, classes.Coached(who))
		return filter, nil
	case policy.Own:
		filter.Self = &who
		return filter, nil
	case policy.Region, policy.Aggregate:
	}
	return filter, api.FiguresOnly()
}

// aboutUser reads the facts about another account, in either realm.
func aboutUser(ctx context.Context, c *api.Call, q tenants.Querier, id uuid.UUID) (policy.Facts, error) {
	if c.Tenant == nil {
		u, err := people.UserByID(ctx, q, id)
		return policy.Facts{Owner: id == c.Claims.UserID, Covers: c.State.Enforcer.Covers(c.Claims.Roles, u.Roles)}, err
	}
	t, err := classes.TiesTo(ctx, q, c.Claims.UserID, id)
	return policy.Facts{Owner: t.Self, SameSchool: t.SameSchool, CoachOf: t.CoachOf, Teaches: t.CoachOf, Unclaimed: t.Unclaimed, ResetApproved: t.ResetApproved,
		GuardianOf: t.GuardianOf, GuardianConsent: t.GuardianConsent, Covers: c.State.Enforcer.Covers(c.Claims.Roles, t.Roles)}, err
}

// mayOn asks the policy about an account.
func mayOn(ctx context.Context, c *api.Call, q tenants.Querier, id uuid.UUID) error {
	facts, err := aboutUser(ctx, c, q, id)
	if err != nil {
		return err
	}
	return c.Permit(facts)
}

// UserPage gives an account.
func UserPage(ctx context.Context, c *api.Call, id uuid.UUID) (*people.User, error) {
	var u people.User
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if err := mayOn(ctx, c, r, id); err != nil {
			return err
		}
		u, err = people.UserByID(ctx, r, id)
		return err
	})
	return &u, err
}

// NewUser is what is said of a new account.
type NewUser struct {
	UserName   string     `json:"user_name,omitempty" maxLength:"64" doc:"The name to sign in with; without it, it is made from the names"`
	GivenName  string     `json:"given_name" minLength:"1" maxLength:"100" doc:"The given name"`
	FamilyName string     `json:"family_name" minLength:"1" maxLength:"100" doc:"The family name"`
	Email      string     `json:"email,omitempty" maxLength:"254" doc:"An email address; children need none"`
	Roles      []string   `json:"roles" minItems:"1" maxItems:"10" doc:"The roles, by name"`
	SchoolID   *uuid.UUID `json:"school_id,omitempty" format:"uuid" doc:"The id of the person's school"`
	Grade      string     `json:"grade,omitempty" maxLength:"20" doc:"The learner's grade"`
	Locale     string     `json:"locale,omitempty" maxLength:"16" doc:"The language as a tag of BCP 47, such as en"`
}

// NewAccount is an account with the card for choosing a password, which is shown once.
type NewAccount struct {
	User people.User   `json:"user"`
	Card identity.Card `json:"card"`
}

// CreateUser opens an account with roles that reach no further than the actor's.
func CreateUser(ctx context.Context, c *api.Call, tx *tenants.Tx, in NewUser) (*NewAccount, error) {
	if err := c.Permit(policy.Facts{SameSchool: c.OfOwnSchool(in.SchoolID)}); err != nil {
		return nil, err
	}
	for i, role := range in.Roles {
		if err := policy.CheckAssign(c.State.Enforcer, c.Claims.Roles, role); err != nil {
			return nil, api.Renamed(err, "role", fmt.Sprintf("body.roles[%d]", i))
		}
	}
	if err := policy.CheckTogether(c.State.Enforcer, c.Claims.Roles, in.Roles); err != nil {
		return nil, err
	}
	u, card, err := identity.CreateUser(ctx, tx, c.Realm, people.NewUser{UserName: in.UserName, GivenName: in.GivenName, FamilyName: in.FamilyName, Email: in.Email,
		Roles: in.Roles, SchoolID: in.SchoolID, Grade: in.Grade, Locale: in.Locale}, c.Now)
	return &NewAccount{u, card}, err
}

// UserChange is what may be changed of an account; what is left out stays.
type UserChange struct {
	UserName   *string    `json:"user_name,omitempty" minLength:"1" maxLength:"64" doc:"The name to sign in with"`
	GivenName  *string    `json:"given_name,omitempty" minLength:"1" maxLength:"100" doc:"The given name"`
	FamilyName *string    `json:"family_name,omitempty" minLength:"1" maxLength:"100" doc:"The family name"`
	Email      *string    `json:"email,omitempty" maxLength:"254" doc:"An email address; empty to remove it"`
	SchoolID   *uuid.UUID `json:"school_id,omitempty" format:"uuid" doc:"The id of the person's school"`
	NoSchool   bool       `json:"no_school,omitempty" doc:"True to remove the school"`
	Grade      *string    `json:"grade,omitempty" maxLength:"20" doc:"The learner's grade"`
	Locale     *string    `json:"locale,omitempty" maxLength:"16" doc:"The language as a tag of BCP 47, such as en; empty for the tenant's"`
	Version    string     `json:"version,omitempty" maxLength:"64" doc:"The version that you read: the answer is 409 when somebody else has changed the account since"`
}

// ChangeUser changes an account. Nobody moves one into or out of another school than their own.
func ChangeUser(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, in UserChange) (*people.User, error) {
	facts, err := aboutUser(ctx, c, tx, id)
	if err != nil {
		return nil, err
	}
	if in.NoSchool || in.SchoolID != nil && !c.OfOwnSchool(in.SchoolID) {
		facts.SameSchool = false
	}
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	u, err := people.ChangeUser(ctx, tx, c.Realm, id, people.UserChange{UserName: in.UserName, GivenName: in.GivenName, FamilyName: in.FamilyName, Email: in.Email,
		SchoolID: in.SchoolID, NoSchool: in.NoSchool, Grade: in.Grade, Locale: in.Locale, Version: in.Version}, c.Now)
	return &u, err
}

// EditUserRoles gives an account some roles and takes others away; the rest stays, whoever changed it meanwhile.
func EditUserRoles(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, give, take []string) (*people.User, error) {
	was, err := people.LockUser(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	roles := slices.DeleteFunc(slices.Clone(was.Roles), func(r string) bool { return slices.Contains(take, r) })
	for _, r := range give {
		if !slices.Contains(roles, r) {
			roles = append(roles, r)
		}
	}
	return SetUserRoles(ctx, c, tx, id, roles, "")
}

// SetUserRoles gives an account exactly these roles. Who gives or takes a role reaches as far as it does, alone and beside
// the account's others, and somebody must still be able to change roles afterwards. version is the account's that was read; ""
// holds whatever was there.
func SetUserRoles(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, roles []string, version string) (*people.User, error) {
	if err := mayOn(ctx, c, tx, id); err != nil {
		return nil, err
	}
	was, err := people.LockUser(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if err := domain.CheckVersion(version, was.Version); err != nil {
		return nil, err
	}
	e := c.State.Enforcer
	managers := e.Managers()
	others, err := people.OthersWith(ctx, tx, managers, id)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(managers, role) }) {
		others++ // the account itself still can
	}
	for i, role := range roles {
		if slices.Contains(was.Roles, role) {
			continue
		}
		if err := policy.CheckAssign(e, c.Claims.Roles, role); err != nil {
			return nil, api.Renamed(err, "role", fmt.Sprintf("body.roles[%d]", i))
		}
	}
	if err := policy.CheckTogether(e, c.Claims.Roles, roles); err != nil {
		return nil, err
	}
	for _, role := range was.Roles {
		if slices.Contains(roles, role) || !slices.Contains(e.Roles(), role) { // a role that no rule knows any more holds nothing
			continue
		}
		if err := policy.CheckUnassign(e, c.Claims.Roles, role, others); err != nil {
			return nil, err
		}
	}
	u, err := people.SetRoles(ctx, tx, c.Realm, id, roles, c.Now)
	return &u, err
}

// SuspendUser closes an account; its sessions end at once. The reason stays with the account and in the trail.
func SuspendUser(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID, reason string) (*people.User, error) {
	if err := mayOn(ctx, c, tx, id); err != nil {
		return nil, err
	}
	if id == c.Claims.UserID {
		return nil, domain.Refuse(domain.Conflict, "people.nobody_suspends_their_own_account")
	}
	u, err := people.SuspendUser(ctx, tx, c.Realm, id, reason, identity.EndSessions, c.Now)
	return &u, err
}

// ResumeUser opens a suspended account again.
func ResumeUser(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*people.User, error) {
	if err := mayOn(ctx, c, tx, id); err != nil {
		return nil, err
	}
	u, err := people.ResumeUser(ctx, tx, c.Realm, id, c.Now)
	return &u, err
}

// ResetUser takes an account's password away, ends its sessions, and gives a card for choosing a new one. A teacher needs an
// account that nobody has used, or the school's approval, which is used up by it.
func ResetUser(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*identity.Card, error) {
	if _, err := people.LockUser(ctx, tx, id); err != nil { // what is asked about it still holds when it is changed
		return nil, err
	}
	facts, err := aboutUser(ctx, c, tx, id)
	if err != nil {
		return nil, err
	}
	d, err := c.Decide(facts)
	if err != nil {
		return nil, err
	}
	switch d.Scope {
	case policy.Whole, policy.Region, policy.School:
	case policy.Assigned:
		if !facts.Unclaimed {
			if err := identity.UseApproval(ctx, tx, id, c.Now); err != nil {
				return nil, err
			}
		}
	case policy.Own, policy.Aggregate:
		return nil, notYours()
	default:
		return nil, notYours()
	}
	u, err := people.UserByID(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	card, err := identity.ResetPassword(ctx, tx, id, !u.HasPassword, c.Now)
	return &card, err
}

func notYours() error {
	return domain.Refuse(domain.Forbidden, "people.this_account_is_not_yours")
}

// ResetSecondFactor takes an account's authenticator app away, for somebody who lost it. That is for those who look after the
// account: what lets a teacher print a card does not count.
func ResetSecondFactor(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	facts, err := aboutUser(ctx, c, tx, id)
	if err != nil {
		return nil, err
	}
	facts.Unclaimed, facts.ResetApproved = false, false
	if err := c.Permit(facts); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, identity.ResetTOTP(ctx, tx, id, c.Now)
}

// CardSheet is cards to print and cut out. The codes are shown once.
type CardSheet struct {
	Cards []identity.Card `json:"cards"`
}

// coversAll tells whether the actor reaches as far as each of several people.
func coversAll(c *api.Call, sets [][]string) bool {
	return !slices.ContainsFunc(sets, func(roles []string) bool { return !c.State.Enforcer.Covers(c.Claims.Roles, roles) })
}

// cardReach is whose cards are printed under a decision about several people.
func cardReach(c *api.Call, d policy.Decision) (identity.CardReach, error) {
	switch d.Scope {
	case policy.Whole:
		return identity.CardReach{}, nil
	case policy.School:
		return identity.CardReach{SchoolOf: c.Claims.UserID}, nil
	case policy.Assigned:
		return identity.CardReach{SchoolOf: c.Claims.UserID, Unclaimed: true}, nil
	case policy.Own, policy.Region, policy.Aggregate:
	}
	return identity.CardReach{}, notYours()
}

// PrintCards makes cards for the students among some accounts who have no password: of a teacher, for those of whom nobody has
// ever chosen one.
func PrintCards(ctx context.Context, c *api.Call, tx *tenants.Tx, users []uuid.UUID) (*CardSheet, error) {
	t, err := classes.TiesToAll(ctx, tx, c.Claims.UserID, users)
	if err != nil {
		return nil, err
	}
	// No other accounts get a card within a teacher's reach, so for those who do the fact holds.
	d, err := c.Decide(policy.Facts{SameSchool: t.SameSchool, CoachOf: t.CoachOf, Teaches: t.CoachOf, Unclaimed: true, Covers: coversAll(c, t.RoleSets)})
	if err != nil {
		return nil, err
	}
	reach, err := cardReach(c, d)
	if err != nil {
		return nil, err
	}
	cards, err := reach.Cards(ctx, tx, users, c.Now)
	return &CardSheet{cards}, err
}

// classCardFacts hold for everybody of a class who gets a card: cardReach leaves the others out.
func classCardFacts(c *api.Call, t classes.ClassTies) policy.Facts {
	return policy.Facts{SameSchool: t.OfSchool > 0 || t.Members == 0, CoachOf: t.CoachOf, Teaches: t.CoachOf, Unclaimed: true, Covers: coversAll(c, t.RoleSets)}
}

// PrintClassCards makes cards for the students of a class who have no password. A class may have learners of several schools,
// whatever its own: those of other schools than the actor's are left out, unless the actor reaches the whole tenant.
func PrintClassCards(ctx context.Context, c *api.Call, tx *tenants.Tx, class uuid.UUID) (*CardSheet, error) {
	t, err := classes.TiesToClass(ctx, tx, c.Claims.UserID, class)
	if err != nil {
		return nil, err
	}
	d, err := c.Decide(classCardFacts(c, t))
	if err != nil {
		return nil, err
	}
	reach, err := cardReach(c, d)
	if err != nil {
		return nil, err
	}
	cards, err := reach.GroupCards(ctx, tx, classes.Members(class), "class", class.String(), c.Now)
	return &CardSheet{cards}, err
}

// CardAccess is how the actor comes to a new sign-in card for a learner.
type CardAccess string

// The ways. The zero value is none.
const (
	CardByReset  CardAccess = "reset" // the actor resets the account
	CardByAsking CardAccess = "ask"   // the actor asks the learner's school first, unless the account is unused
)

// MayGiveCards tells how the actor comes to new sign-in cards for some learners; those for whom there is no way are left out.
func MayGiveCards(ctx context.Context, c *api.Call, learners []uuid.UUID) (map[uuid.UUID]CardAccess, error) {
	return api.Answers(ctx, c, learners, []policy.Permission{policy.UserReset, policy.ResetAsk}, classes.TiesToEach, func(t classes.LearnerTie) CardAccess {
		return cardAccess(c, policy.Facts{CoachOf: t.CoachOf, Teaches: t.CoachOf, SameSchool: t.SameSchool, Covers: true})
	})
}

func cardAccess(c *api.Call, f policy.Facts) CardAccess {
	switch {
	case c.Would(policy.UserReset, f) && c.Would(policy.UserRead, f):
		return CardByReset
	case c.Would(policy.ResetAsk, f):
		return CardByAsking
	}
	return ""
}

// MayPrintClassCards tells whether the actor may print the sign-in cards of a class.
func MayPrintClassCards(ctx context.Context, c *api.Call, class uuid.UUID) (bool, error) {
	if !c.May(policy.UserReset) {
		return false, nil
	}
	var t classes.ClassTies
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		t, err = classes.TiesToClass(ctx, r, c.Claims.UserID, class)
		return err
	})
	return err == nil && t.Members > 0 && c.Would(policy.UserReset, classCardFacts(c, t)), err
}

// UserOffers is what the actor may do to an account.
type UserOffers struct {
	Change, Reset, Suspend bool
	Record                 coachingapi.RecordAccess
}

// OffersOnUser tells what the actor may do to an account of a tenant.
func OffersOnUser(ctx context.Context, c *api.Call, id uuid.UUID) (o UserOffers, err error) {
	var f policy.Facts
	if err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		f, err = aboutUser(ctx, c, r, id)
		return err
	}); err != nil {
		return o, err
	}
	return UserOffers{Change: c.Would(policy.UserChange, f), Reset: c.Would(policy.UserReset, f), Suspend: c.Would(policy.UserSuspend, f), Record: coachingapi.AccessTo(c, f)}, nil
}
