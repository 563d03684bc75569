package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/policy"
	"lignum/tenants"
)

// opened is one realm of the installation, for the time of one command.
type opened struct {
	*installation
	db     *tenants.DB
	tenant *tenants.Tenant // nil: the platform
}

// inRealm runs fn on a realm: a tenant's slug, or "platform".
func inRealm(cmd *cobra.Command, slug string, fn func(ctx context.Context, in opened) error) error {
	in, err := open()
	if err != nil {
		return err
	}
	defer in.store.Close()
	db, t, err := in.realmDB(cmd.Context(), slug)
	if err != nil {
		return err
	}
	return fn(cmd.Context(), opened{in, db, t})
}

// inTenant is inRealm for what the platform's own realm does not have.
func inTenant(cmd *cobra.Command, slug string, fn func(ctx context.Context, in opened) error) error {
	if slug == "platform" {
		return domain.InvalidFieldIn("TENANT", words.Plain("must be the slug of a tenant; the platform's own realm has no schools, classes and courses"))
	}
	return inRealm(cmd, slug, fn)
}

// cardURL is where a code is typed.
func (in opened) cardURL(ctx context.Context) (string, error) {
	reg, err := in.registry(ctx)
	if err != nil {
		return "", err
	}
	return in.cfg.URL(reg.Host(in.db.Realm().Slug)) + "/card", nil
}

// enforcer builds the realm's role rules as they are stored now.
func (in opened) enforcer(ctx context.Context) (*policy.Enforcer, error) {
	reg, err := in.registry(ctx)
	if err != nil {
		return nil, err
	}
	var rules []policy.Rule
	err = in.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		rules, err = tenants.Rules(ctx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	realm := in.db.Realm()
	return policy.NewEnforcer(realm.Name(), reg.Version(realm.Slug, "rules"), rules)
}

// userIDs finds accounts by user name, in the order asked. The error names every one that is not there.
func userIDs(ctx context.Context, q tenants.Querier, field string, names ...string) ([]uuid.UUID, error) {
	keys := make([]string, len(names))
	for i, n := range names {
		keys[i] = strings.ToLower(strings.TrimSpace(n))
	}
	list, err := tenants.Entity[people.User](q).Select("id", "user_name_key").Scopes(tenants.OneOf("user_name_key", keys)).Find(ctx)
	if err != nil {
		return nil, err
	}
	known := make(map[string]uuid.UUID, len(list))
	for _, u := range list {
		known[u.UserNameKey] = u.ID
	}
	var missing domain.Problems
	ids := make([]uuid.UUID, len(keys))
	for i, k := range keys {
		id, ok := known[k]
		if !ok {
			missing.AddIn(field, words.Plain(fmt.Sprintf("no account here has the user name %q", k)))
		}
		ids[i] = id
	}
	return ids, missing.Err()
}

// schoolID finds a school by its id in the country's own records.
func schoolID(ctx context.Context, q tenants.Querier, source string) (uuid.UUID, error) {
	known, err := people.SchoolsBySource(ctx, q, []string{source})
	if err != nil {
		return uuid.Nil, err
	}
	school := known[source]
	if school == nil {
		return uuid.Nil, domain.InvalidFieldIn("--school", words.Plain("no school here has the sourcedId "+plain(source)))
	}
	return school.ID, nil
}

// plain keeps text that somebody else wrote from commanding the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// number is "1 card" or "2 cards".
func number(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}
