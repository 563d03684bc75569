package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/mail"
)

func mailCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mail", Short: "See what was sent by e-mail, send it again, try the mail server, take what came back"}
	cmd.AddCommand(mailList(), mailRetry(), mailTry(), mailBounced())
	return cmd
}

func mailList() *cobra.Command {
	var state, after string
	var n int
	var asJSON bool
	cmd := &cobra.Command{Use: "list REALM", Short: "List e-mails, the newest first", Args: cobra.ExactArgs(1),
		Long:    "List the e-mails of the last 90 days, the newest first: a tenant's (its slug) or the platform's own (platform). What they say is not kept.",
		Example: "  lignum mail list jamaica --state refused\n  lignum mail list platform --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				var list domain.List[mail.Stored]
				err := in.db.ReadFresh(ctx, func(r *tenants.Reader) (err error) {
					list, err = mail.List(ctx, r, mail.Filter{State: mail.State(state)}, domain.Page{After: after, Limit: n})
					return err
				})
				if err != nil {
					return err
				}
				if asJSON {
					out := json.NewEncoder(cmd.OutOrStdout())
					for _, l := range list.Items {
						if err := out.Encode(l); err != nil {
							return err
						}
					}
					return nil
				}
				w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tTO\tKIND\tSTATE\tTRIES\tTWICE\tWRITTEN\tFAULT")
				for _, l := range list.Items {
					twice := "-"
					if l.Doubtful {
						twice = "perhaps"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", l.ID, l.Address, l.Kind, l.State, l.Tries, twice, l.CreatedAt.UTC().Format(time.RFC3339), l.Fault)
				}
				if err := w.Flush(); err != nil || list.Next == "" {
					return err
				}
				_, err = fmt.Fprintf(cmd.ErrOrStderr(), "More: --after %s\n", list.Next)
				return err
			})
		}}
	flags := cmd.Flags()
	flags.StringVar(&state, "state", "", "only those that are waiting, sending, sent, refused, suppressed, failed or late")
	flags.StringVar(&after, "after", "", "the next page, as the one before names it")
	flags.IntVarP(&n, "lines", "n", 30, "how many, 1 to 200")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func mailRetry() *cobra.Command {
	return &cobra.Command{Use: "retry REALM ID", Short: "Send an e-mail again that was not taken", Args: cobra.ExactArgs(2), Example: "  lignum mail retry jamaica 0190a000-0000-7000-8000-000000000001",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := uuid.Parse(args[1])
			if err != nil {
				return domain.InvalidFieldIn("ID", words.Plain("must be the id of an e-mail, as list shows it"))
			}
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				if err := in.db.Write(ctx, operator(), func(tx *tenants.Tx) error { return mail.Retry(ctx, tx, id) }); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "It is sent again.")
				return err
			})
		}}
}

func mailTry() *cobra.Command {
	return &cobra.Command{Use: "try REALM ADDRESS", Short: "Send an e-mail to try the mail server with; what became of it stands in the list", Args: cobra.ExactArgs(2), Example: "  lignum mail try platform operator@example.org",
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRealm(cmd, args[0], func(ctx context.Context, in opened) error {
				err := in.db.Write(ctx, operator(), func(tx *tenants.Tx) error {
					tx.Record(audit.Entry{Action: "mail.try", ObjectKind: "mail"})
					return mail.Write(ctx, tx, time.Now(), mail.Letter{Kind: "try", To: mail.To{Address: args[1], Name: args[1], Language: words.English}, Subject: words.Say("mail.try.subject"),
						Lines: []words.Text{words.Say("mail.try.text")}, Button: words.Say("mail.try.button"), Path: "/", Life: time.Hour})
				})
				if tenants.IsViolation(err, "mails_address_check") {
					return domain.InvalidFieldIn("ADDRESS", words.Plain("must be an address such as operator@example.org"))
				}
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "It is on its way, if something serves: lignum mail list %s -n 1\n", args[0])
				return err
			})
		}}
}

func mailBounced() *cobra.Command {
	return &cobra.Command{Use: "bounced", Short: "Take an e-mail that came back, from the standard input", Args: cobra.NoArgs,
		Long: "Take a delivery status notification (RFC 3464) or a complaint (RFC 5965) as it came by mail, from the standard input: it is noted with the e-mail\n" +
			"that it is about, and nothing more goes to an address that does not exist, or whose owner wants none. Let the mail server hand everything that\n" +
			"comes to LIGNUM_MAIL_FROM to this command. What is no such report is refused, and ends with 1.",
		Example: "  lignum mail bounced < report.eml\n  no-reply: \"|lignum mail bounced\"          # in /etc/aliases",
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := mail.ReadReport(cmd.InOrStdin())
			if err != nil {
				return err
			}
			return inRealm(cmd, r.Realm, func(ctx context.Context, in opened) error {
				if err := r.Take(ctx, in.db, operator(), time.Now().UTC()); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "It is noted.")
				return err
			})
		}}
}
