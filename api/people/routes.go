// Package people is accounts, the cards for them, and schools: a tenant's, and on its own host the platform's.
// One's own account is in api/account, places in classes in api/classes.
package people

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/policy"
	"lignum/tenants"
)

// UserRef names an account in a path.
type UserRef struct {
	User uuid.UUID `path:"user" format:"uuid" doc:"The account's id"`
}

type rolesBody struct {
	Roles   []string `json:"roles" minItems:"1" maxItems:"10" doc:"All roles that the account is to have"`
	Version string   `json:"version,omitempty" maxLength:"64" doc:"The version of the account that you read: the answer is 409 when somebody else has changed it since"`
}

type reasonBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why the account is suspended; it stands with the account and in the audit trail"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	accounts(s, "/api/v1/users", "Users", policy.UserRead, policy.UserCreate, policy.UserChange, policy.UserReset, policy.UserSuspend)
	accounts(s, "/api/v1/platform/users", "Platform", policy.PlatformUserRead, policy.PlatformUserCreate, policy.PlatformUserChange, policy.PlatformUserReset, policy.PlatformUserSuspend)

	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/users/cards", Permission: policy.UserReset, Tag: "Users", ShownOnce: true, Summary: "Create sign-in cards for students without a password",
		Detail: "A teacher gets cards only for accounts whose password nobody has ever chosen. Other accounts in the list are left out. Older unused cards of those who get one become void. The codes are shown once."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			Body struct {
				UserIDs []uuid.UUID `json:"user_ids" minItems:"1" maxItems:"1000" doc:"The students' ids"`
			}
		}) (*CardSheet, error) {
			return PrintCards(ctx, c, tx, in.Body.UserIDs)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: "/api/v1/classes/{class}/cards", Permission: policy.UserReset, Tag: "Users", ShownOnce: true, Summary: "Create sign-in cards for the students of a class without a password",
		Detail: "They are for the students of your school or, for a tenant administrator, of any school. A teacher gets cards only for accounts whose password nobody has ever chosen."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *classesapi.ClassRef) (*CardSheet, error) {
			return PrintClassCards(ctx, c, tx, in.Class)
		})
}

// accounts registers what both kinds of realm have.
func accounts(s *api.Server, path, tag string, read, create, change, reset, suspend policy.Permission) {
	api.Query(s, api.Route{Path: path, Permission: read, Tag: tag, Summary: "List accounts by name"},
		func(ctx context.Context, c *api.Call, in *struct {
			api.Paging
			UserFilter
		}) (*api.List[people.User], error) {
			return ListUsers(ctx, c, in.UserFilter, in.Paging)
		})
	api.Query(s, api.Route{Path: path + "/{user}", Permission: read, Tag: tag, Summary: "Show an account"},
		func(ctx context.Context, c *api.Call, in *UserRef) (*people.User, error) {
			return UserPage(ctx, c, in.User)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: path, Permission: create, Tag: tag, Status: http.StatusCreated, ShownOnce: true, Summary: "Open an account",
		Detail: "The answer holds a card with a code, shown once, with which the person chooses a password. You can give only roles that hold no more than your own."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body NewUser }) (*NewAccount, error) {
			return CreateUser(ctx, c, tx, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPatch, Path: path + "/{user}", Permission: change, Tag: tag, Summary: "Change an account"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			UserRef
			Body UserChange
		}) (*people.User, error) {
			return ChangeUser(ctx, c, tx, in.User, in.Body)
		})
	api.Command(s, api.Route{Method: http.MethodPut, Path: path + "/{user}/roles", Permission: change, Tag: tag, Summary: "Change the roles of an account", Detail: "They take effect with the person's next request."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			UserRef
			Body rolesBody
		}) (*people.User, error) {
			return SetUserRoles(ctx, c, tx, in.User, in.Body.Roles, in.Body.Version)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: path + "/{user}/suspension", Permission: suspend, Tag: tag, Summary: "Suspend an account; its sessions end at once"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
			UserRef
			Body reasonBody
		}) (*people.User, error) {
			return SuspendUser(ctx, c, tx, in.User, in.Body.Reason)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: path + "/{user}/suspension", Permission: suspend, Tag: tag, Summary: "Resume a suspended account"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *UserRef) (*people.User, error) {
			return ResumeUser(ctx, c, tx, in.User)
		})
	api.Command(s, api.Route{Method: http.MethodPost, Path: path + "/{user}/reset", Permission: reset, Tag: tag, ShownOnce: true, Summary: "Reset a password, and create a card for choosing a new one",
		Detail: "A teacher can do this for an account whose password nobody has ever chosen, or with an approved request (`POST /users/{user}/reset-requests`), which is then used up. The account's owner and the school are told."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *UserRef) (*identity.Card, error) {
			return ResetUser(ctx, c, tx, in.User)
		})
	api.Command(s, api.Route{Method: http.MethodDelete, Path: path + "/{user}/second-factor", Permission: reset, Tag: tag, Summary: "Remove a lost authenticator app from an account"},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *UserRef) (*api.Done, error) {
			return ResetSecondFactor(ctx, c, tx, in.User)
		})
}
