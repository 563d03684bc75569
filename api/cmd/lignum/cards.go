package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/classes"
	"lignum/domain/identity"
	"lignum/domain/words"
	"lignum/tenants"
)

//go:embed cards.html
var cardsHTML string

var cardSheet = template.Must(template.New("cards").Parse(cardsHTML))

var errNoCards = errors.New("there is no active student among them who has not chosen a password")

// cardsFor says whose cards are asked for: exactly one of the three.
type cardsFor struct {
	class  string
	school string // sourcedId
	names  []string
}

func userCards() *cobra.Command {
	var who cardsFor
	var sheet string
	cmd := &cobra.Command{Use: "cards TENANT (--class ID | --school SOURCEID | USERNAME...)", Short: "Make sign-in cards for students who have not chosen a password yet", Args: cobra.MinimumNArgs(1),
		Long: "Make sign-in cards for active students who have not chosen a password yet; everybody else is left out. Cards that were made\n" +
			"before and not used are void. The codes are shown now and never again: as text, or with --html on a sheet for printing,\n" +
			"eight to a page of A4. The sheet must be a new file; keep it as you would keep a list of passwords.",
		Example: "  lignum user cards jamaica --school 10034 --html cards.html\n  lignum user cards jamaica --class 01981c5e-7d3a-7c07-8a11-3f0c52a4b6d1\n  lignum user cards jamaica k.brown a.grant",
		RunE: func(cmd *cobra.Command, args []string) error {
			who.names = args[1:]
			if err := who.check(); err != nil {
				return err
			}
			return inTenant(cmd, args[0], func(ctx context.Context, in opened) error {
				where, err := in.cardURL(ctx)
				if err != nil {
					return err
				}
				if sheet != "" {
					err = in.writeCards(ctx, cmd.OutOrStdout(), who, where, sheet)
				} else {
					err = in.printCards(ctx, cmd.OutOrStdout(), who, where)
				}
				if errors.Is(err, errNoCards) {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), "No cards are needed: "+errNoCards.Error()+".")
				}
				return err
			})
		}}
	cmd.Flags().StringVar(&who.class, "class", "", "id of a class")
	cmd.Flags().StringVar(&who.school, "school", "", "sourcedId of a school")
	cmd.Flags().StringVar(&sheet, "html", "", "write a sheet for printing to this new file, and show no code here")
	return cmd
}

func (who cardsFor) check() error {
	asked := 0
	for _, one := range []bool{who.class != "", who.school != "", len(who.names) > 0} {
		if one {
			asked++
		}
	}
	if asked != 1 {
		return errors.New("name exactly one: --class ID, --school SOURCEID, or user names")
	}
	if _, err := uuid.Parse(who.class); who.class != "" && err != nil {
		return domain.InvalidFieldIn("--class", words.Plain("must be the id of a class, a UUID"))
	}
	return nil
}

// printCards makes the cards and shows them.
func (in opened) printCards(ctx context.Context, out io.Writer, who cardsFor, where string) error {
	cards, err := in.makeCards(ctx, who)
	if err != nil {
		return err
	}
	for _, c := range cards {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", c.Code, plain(c.UserName), plain(c.GivenName+" "+c.FamilyName), plain(c.School))
	}
	_, err = fmt.Fprintf(out, "%s, good once and until %s, used at %s\n", number(len(cards), "card"), in.date(cards[0].Expires), where)
	return err
}

// writeCards makes the cards and puts them on a sheet. Its file is made first: codes that cannot be written would be lost.
func (in opened) writeCards(ctx context.Context, out io.Writer, who cardsFor, where, sheet string) error {
	f, err := os.OpenFile(sheet, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return domain.InvalidFieldIn("--html", words.Plain("must be a file that can be made and is not there yet"))
	}
	keep := false
	defer func() {
		_ = f.Close() // Sync has told whether all is on the disk
		if !keep {
			_ = os.Remove(sheet) // without a card on it
		}
	}()
	cards, err := in.makeCards(ctx, who)
	if err != nil {
		return err
	}
	until := in.date(cards[0].Expires)
	err = cardSheet.Execute(f, map[string]any{"Cards": cards, "Tenant": in.tenant, "Where": where, "Until": until})
	if err = errors.Join(err, f.Sync()); err != nil {
		return fmt.Errorf("the cards were made but could not be written; make them again: %w", err)
	}
	keep = true
	_, err = fmt.Fprintf(out, "%s, good once and until %s: %s\n", number(len(cards), "card"), until, sheet)
	return err
}

// makeCards makes them all in one transaction: either every card of the sheet is good, or none. It gives one at least, or errNoCards.
func (in opened) makeCards(ctx context.Context, who cardsFor) (cards []identity.Card, err error) {
	now := time.Now().UTC()
	defer func() {
		if err == nil && len(cards) == 0 {
			err = errNoCards
		}
	}()
	if who.class != "" {
		err = in.db.Write(ctx, operator(), func(tx *tenants.Tx) error {
			class := uuid.MustParse(who.class) // checked
			if err := classExists(ctx, tx, class); err != nil {
				return err
			}
			cards, err = identity.CardReach{}.GroupCards(ctx, tx, classes.Members(class), "class", class.String(), now)
			return err
		})
		return cards, err
	}
	var users []uuid.UUID
	err = in.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
		if who.school == "" {
			users, err = userIDs(ctx, r, "USERNAME", who.names...)
			return err
		}
		school, err := schoolID(ctx, r, who.school)
		if err != nil {
			return err
		}
		users, err = studentsWithoutPassword(ctx, r, school)
		return err
	})
	if err != nil || len(users) == 0 {
		return nil, err
	}
	err = in.db.Write(ctx, operator(), func(tx *tenants.Tx) error {
		for some := range slices.Chunk(users, 1000) {
			made, err := identity.Cards(ctx, tx, some, now)
			if err != nil {
				return err
			}
			cards = append(cards, made...)
		}
		return nil
	})
	return cards, err
}

func classExists(ctx context.Context, q tenants.Querier, class uuid.UUID) error {
	title, err := classes.Titles(ctx, q, []uuid.UUID{class})
	if err == nil && len(title) == 0 {
		err = domain.InvalidFieldIn("--class", words.Plain("there is no such class here"))
	}
	return err
}
