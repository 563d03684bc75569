// Package mail is what was written by mail: to whom, of what kind and what became of it, for those who look after a realm; and which letters somebody wants. What letters say is
// nobody's but their reader's.
package mail

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/mail"
)

// Filter is what a list of letters can be narrowed by.
type Filter struct {
	State string `query:"state" enum:"waiting,sending,sent,refused,suppressed,failed,late" doc:"Only e-mails in this state"`
}

// letter names a letter in the path.
type letter struct {
	Letter uuid.UUID `path:"letter" format:"uuid" doc:"The e-mail's id"`
}

// Routes declares the routes of this area.
func Routes(s *api.Server) {
	api.Query(s, api.Route{Path: "/api/v1/me/mail", Permission: policy.ProfileRead, Tag: "Session", Summary: "Show which e-mails you get"},
		func(ctx context.Context, c *api.Call, _ *struct{}) (*mail.Wishes, error) { return MyWishes(ctx, c) })
	api.Command(s, api.Route{Method: http.MethodPut, Path: "/api/v1/me/mail", Permission: policy.ProfileChange, Tag: "Session", Summary: "Choose which e-mails you get",
		Detail: "Of what is done to your account you are told in any case."},
		func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct{ Body mail.Wishes }) (*api.Done, error) {
			return &api.Done{Done: true}, Wish(ctx, c, tx, in.Body)
		})
	for _, realm := range []struct {
		path         string
		read, change policy.Permission
	}{{"/api/v1/mail", policy.MailRead, policy.MailChange}, {"/api/v1/platform/mail", policy.PlatformMailRead, policy.PlatformMailChange}} {
		api.Query(s, api.Route{Path: realm.path, Permission: realm.read, Tag: "Mail", Summary: "List the e-mails that were sent, newest first", Detail: "For 90 days. What they say is not kept."},
			func(ctx context.Context, c *api.Call, in *struct {
				api.Paging
				Filter
			}) (*api.List[mail.Stored], error) {
				return List(ctx, c, in.Filter, in.Paging)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/{letter}/retry", Permission: realm.change, Tag: "Mail", Summary: "Start sending an e-mail again that was not taken"},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *letter) (*api.Done, error) {
				return Retry(ctx, c, tx, in.Letter)
			})
		api.Query(s, api.Route{Path: realm.path + "/suppressed", Permission: realm.read, Tag: "Mail", Summary: "List the addresses that nothing is sent to"},
			func(ctx context.Context, c *api.Call, in *api.Paging) (*api.List[mail.Suppressed], error) {
				return Suppressed(ctx, c, *in)
			})
		api.Command(s, api.Route{Method: http.MethodPost, Path: realm.path + "/suppressed/allow", Permission: realm.change, Tag: "Mail", Summary: "Resume e-mail to an address"},
			func(ctx context.Context, c *api.Call, tx *tenants.Tx, in *struct {
				Body struct {
					Address string `json:"address" minLength:"3" maxLength:"254" doc:"The address, as it is listed"`
				}
			}) (*api.Done, error) {
				return Allow(ctx, c, tx, in.Body.Address)
			})
	}
}

// MyWishes gives which letters the signed-in person wants.
func MyWishes(ctx context.Context, c *api.Call) (*mail.Wishes, error) {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return nil, err
	}
	var w mail.Wishes
	err := c.DB.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		w, err = mail.WishesOf(ctx, r, c.Claims.UserID)
		return err
	})
	return &w, err
}

// Wish stores which letters the signed-in person wants.
func Wish(ctx context.Context, c *api.Call, tx *tenants.Tx, w mail.Wishes) error {
	if err := c.Permit(policy.Facts{Owner: true}); err != nil {
		return err
	}
	return mail.Wish(ctx, tx, c.Claims.UserID, w)
}

// Stop notes that somebody wants no more letters of a topic, whose link they followed.
func Stop(ctx context.Context, c *api.Call, topic, user, signature string) error {
	if err := c.Open(); err != nil {
		return err
	}
	id, t, err := mail.CheckStop(c.DB, topic, user, signature)
	if err != nil {
		return err
	}
	who := audit.Actor{ID: id, Name: "letter", Realm: c.Realm.Name(), Address: c.Actor.Address, RequestID: c.Actor.RequestID}
	return c.DB.Write(ctx, who, func(tx *tenants.Tx) error { return mail.Stop(ctx, tx, id, t) })
}

// List lists letters, newest first.
func List(ctx context.Context, c *api.Call, f Filter, p api.Paging) (*api.List[mail.Stored], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[mail.Stored], error) {
		return mail.List(ctx, r, mail.Filter{State: mail.State(f.State)}, p.Page())
	})
}

// ListAll lists letters, newest first, and in the same round trip the first of the addresses that no letter goes to.
func ListAll(ctx context.Context, c *api.Call, f Filter, p api.Paging) (list *api.List[mail.Stored], addresses domain.List[mail.Suppressed], err error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, addresses, err
	}
	db := c.DB.Along(func(b *pgx.Batch) { mail.QueueSuppressed(b, &addresses) })
	list, err = api.ReadList(ctx, db.ReadFresh, func(r *tenants.Reader) (domain.List[mail.Stored], error) {
		return mail.List(ctx, r, mail.Filter{State: mail.State(f.State)}, p.Page())
	})
	return list, addresses, err
}

// Retry sends a letter again.
func Retry(ctx context.Context, c *api.Call, tx *tenants.Tx, id uuid.UUID) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, mail.Retry(ctx, tx, id)
}

// Suppressed lists addresses that no letter goes to.
func Suppressed(ctx context.Context, c *api.Call, p api.Paging) (*api.List[mail.Suppressed], error) {
	if err := c.Permit(policy.Facts{Listing: true}); err != nil {
		return nil, err
	}
	return api.ReadList(ctx, c.DB.ReadFresh, func(r *tenants.Reader) (domain.List[mail.Suppressed], error) {
		return mail.ListSuppressed(ctx, r, p.Page())
	})
}

// Allow lets letters go to an address again.
func Allow(ctx context.Context, c *api.Call, tx *tenants.Tx, address string) (*api.Done, error) {
	if err := c.Permit(policy.Facts{}); err != nil {
		return nil, err
	}
	return &api.Done{Done: true}, mail.Allow(ctx, tx, address)
}
