package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/tenants"
)

func userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Open accounts, reset passwords, print sign-in cards, list people"}
	cmd.AddCommand(userCreate(), userResetPassword(), userResetSecondFactor(), userCards(), userList())
	return cmd
}

func userCreate() *cobra.Command {
	var in people.NewUser
	var school string
	cmd := &cobra.Command{Use: "create REALM USERNAME", Short: "Open an account and print the code with which its owner chooses a password", Args: cobra.ExactArgs(2),
		Long: "Open an account in a realm: a tenant's slug, or platform. It prints a code that works once; it is not stored and cannot be shown again.",
		Example: "  lignum user create jamaica j.clarke --given Joan --family Clarke --role tenant_administrator --email j.clarke@moe.example\n" +
			"  lignum user create jamaica k.brown --given Kerry --family Brown --role student --school 10034\n" +
			"  lignum user create platform m.rolle --given Mark --family Rolle --role operator",
		RunE: func(cmd *cobra.Command, args []string) error {
			in.UserName = strings.TrimSpace(args[1])
			if in.UserName == "" {
				return domain.InvalidFieldIn("USERNAME", words.Plain("must not be empty"))
			}
			return inRealm(cmd, args[0], func(ctx context.Context, o opened) error {
				u, card, err := o.createUser(ctx, in, school)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s is %s, as %s\n", u.GivenName, u.FamilyName, u.UserName, strings.Join(u.Roles, ", "))
				return o.printCode(ctx, cmd.OutOrStdout(), card)
			})
		}}
	f := cmd.Flags()
	f.StringVar(&in.GivenName, "given", "", "given name")
	f.StringVar(&in.FamilyName, "family", "", "family name")
	f.StringSliceVar(&in.Roles, "role", nil, "a role of the realm; may be repeated")
	f.StringVar(&school, "school", "", "sourcedId of the school, in a tenant")
	f.StringVar(&in.Email, "email", "", "address; children have none")
	f.StringVar(&in.Grade, "grade", "", "grade or form of a learner")
	for _, name := range []string{"given", "family", "role"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // no such flag
		}
	}
	return cmd
}

func (in opened) createUser(ctx context.Context, user people.NewUser, school string) (u people.User, card identity.Card, err error) {
	if school != "" && in.tenant == nil {
		return u, card, domain.InvalidFieldIn("--school", words.Plain("is for tenants; the platform's own realm has no schools"))
	}
	rules, err := in.enforcer(ctx)
	if err != nil {
		return u, card, err
	}
	for _, role := range user.Roles {
		if !slices.Contains(rules.Roles(), role) {
			return u, card, domain.InvalidFieldIn("--role", words.Plain(fmt.Sprintf("%q is no role here; there are %s", role, strings.Join(rules.Roles(), ", "))))
		}
	}
	err = in.db.Write(ctx, operator(), func(tx *tenants.Tx) (err error) {
		if school != "" {
			id, err := schoolID(ctx, tx, school)
			if err != nil {
				return err
			}
			user.SchoolID = &id
		}
		u, card, err = identity.CreateUser(ctx, tx, in.db.Realm(), user, time.Now().UTC())
		return err
	})
	return u, card, err
}

func (in opened) printCode(ctx context.Context, out io.Writer, card identity.Card) error {
	where, err := in.cardURL(ctx)
	if err != nil {
		where = "the card page"
	}
	_, err = fmt.Fprintf(out, "Code, good once and until %s: %s\nIt is used at %s\n", in.date(card.Expires), card.Code, where)
	return err
}

// date is a day where the realm is.
func (in opened) date(t time.Time) string {
	if in.tenant != nil {
		t = t.In(in.tenant.Location())
	}
	return t.Format("2 January 2006")
}

func userResetPassword() *cobra.Command {
	return &cobra.Command{Use: "reset-password REALM USERNAME", Short: "Take a password away, sign its owner out everywhere, and print a code for a new one", Args: cobra.ExactArgs(2),
		Long: "Take a user's password away and end all sessions. It prints a code that works once; it is not stored and cannot be shown\n" +
			"again. A second factor stays and will be asked for.",
		Example: "  lignum user reset-password jamaica j.clarke\n  lignum user reset-password platform m.rolle",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				var card identity.Card
				err := in.db.Write(ctx, operator(), func(tx *tenants.Tx) error {
					ids, err := userIDs(ctx, tx, "USERNAME", args[1])
					if err != nil {
						return err
					}
					u, err := people.UserByID(ctx, tx, ids[0])
					if err != nil {
						return err
					}
					card, err = identity.ResetPassword(ctx, tx, u.ID, !u.HasPassword, time.Now().UTC())
					return err
				})
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s %s (%s) is signed out everywhere\n", card.GivenName, card.FamilyName, card.UserName)
				return in.printCode(ctx, cmd.OutOrStdout(), card)
			})
		}}
}

func userResetSecondFactor() *cobra.Command {
	return &cobra.Command{Use: "reset-second-factor REALM USERNAME", Short: "Take a lost authenticator app away, and sign its owner out everywhere", Args: cobra.ExactArgs(2),
		Long: "Take the authenticator app off an account whose owner lost it with the recovery codes, and end all sessions. The password stays. On\n" +
			"the platform, signing in then leads to setting up another app.",
		Example: "  lignum user reset-second-factor platform m.rolle",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				err := in.db.Write(ctx, operator(), func(tx *tenants.Tx) error {
					ids, err := userIDs(ctx, tx, "USERNAME", args[1])
					if err != nil {
						return err
					}
					return identity.ResetTOTP(ctx, tx, ids[0], time.Now().UTC())
				})
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has no authenticator app any more, and is signed out everywhere\n", args[1])
				return err
			})
		}}
}

func userList() *cobra.Command {
	var filter people.UserFilter
	var school string
	var asJSON bool
	cmd := &cobra.Command{Use: "list REALM", Short: "List accounts by name", Args: cobra.ExactArgs(1),
		Example: "  lignum user list jamaica --role coach\n  lignum user list platform --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if filter.State != "" && filter.State != people.UserActive && filter.State != people.UserSuspended {
				return errors.New("--state must be active or suspended")
			}
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				if school != "" && in.tenant == nil {
					return domain.InvalidFieldIn("--school", words.Plain("is for tenants; the platform's own realm has no schools"))
				}
				return in.db.ReadFresh(ctx, func(r *tenants.Reader) error {
					if school != "" {
						id, err := schoolID(ctx, r, school)
						if err != nil {
							return err
						}
						filter.SchoolID = &id
					}
					return printUsers(ctx, cmd.OutOrStdout(), r, filter, asJSON)
				})
			})
		}}
	f := cmd.Flags()
	f.StringVar(&filter.Role, "role", "", "only those who have this role")
	f.StringVar((*string)(&filter.State), "state", "", "active or suspended")
	f.StringVar(&filter.Prefix, "name", "", "beginning of the given, family or user name")
	f.StringVar(&school, "school", "", "sourcedId of a school, in a tenant")
	f.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func printUsers(ctx context.Context, out io.Writer, q tenants.Querier, filter people.UserFilter, asJSON bool) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(w, "USERNAME\tNAME\tROLES\tGRADE\tSTATE\tPASSWORD\tSECOND FACTOR")
	}
	err := eachUser(ctx, q, filter, func(u people.User) error {
		if asJSON {
			return domain.WriteJSON(out, u, "")
		}
		_, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", plain(u.UserName), plain(u.GivenName+" "+u.FamilyName), strings.Join(u.Roles, ","), plain(u.Grade), u.State,
			yesNo(u.HasPassword), yesNo(u.SecondFactor))
		return err
	})
	return errors.Join(err, w.Flush())
}

// eachUser returns every account that the filter takes.
func eachUser(ctx context.Context, q tenants.Querier, filter people.UserFilter, each func(people.User) error) error {
	for page := (domain.Page{Limit: 200}); ; {
		list, err := people.Users(ctx, q, filter, page)
		if err != nil {
			return err
		}
		for _, u := range list.Items {
			if err := each(u); err != nil {
				return err
			}
		}
		if page.After = list.Next; page.After == "" {
			return nil
		}
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// studentsWithoutPassword are the active students of a school who still need a card.
func studentsWithoutPassword(ctx context.Context, q tenants.Querier, school uuid.UUID) (ids []uuid.UUID, err error) {
	err = eachUser(ctx, q, people.UserFilter{SchoolID: &school, Role: people.Student, State: people.UserActive, NoCard: true},
		func(u people.User) error { ids = append(ids, u.ID); return nil })
	return ids, err
}
