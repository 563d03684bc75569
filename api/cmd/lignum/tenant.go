package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tenants/provision"
)

func tenantCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tenant", Short: "Create, list and show tenants, and change their states"}
	cmd.AddCommand(tenantCreate(), tenantList(), tenantShow(), tenantState("suspend", tenants.Suspended, "Stop all use; the reason is shown to everybody"),
		tenantState("read-only", tenants.ReadOnly, "Refuse changes; reading goes on"), tenantState("resume", tenants.Active, "Let everything go on"),
		tenantState("close", tenants.Closing, "Let only its administrators read; nothing is deleted"), tenantState("end", tenants.Closed, "Bill nothing any more; nothing is deleted"), tenantAbandon())
	return cmd
}

func tenantCreate() *cobra.Command {
	var spec provision.Spec
	cmd := &cobra.Command{Use: "create SLUG", Short: "Provision a tenant; interrupted, it may simply be repeated", Args: cobra.ExactArgs(1),
		Example: "  lignum tenant create barbados --name 'Ministry of Education, Barbados' --country BB --currency BBD \\\n" +
			"    --time-zone America/Barbados --admin-user j.clarke --admin-given Joan --admin-family Clarke",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			if in.provisioner == nil {
				return errNoDirect
			}
			spec.Slug = args[0]
			made, err := in.provisioner.Create(cmd.Context(), spec, operator())
			if err != nil {
				return err
			}
			if err := jobs.Ask(cmd.Context(), in.store.DB(made.Tenant.Realm()), "mail.collect", time.Now().UTC()); err != nil {
				in.log.Warn("the invitation's letter goes out in some minutes", "err", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is ready at %s\nInvitation for %s, good once and until %s: %s\nIt is used at %s/card\n", made.Tenant.Name,
				in.cfg.URL(made.Tenant.Slug+"."+in.cfg.BaseDomain), spec.Admin.UserName, made.Expires.Format("2 January 2006 15:04 MST"), made.Invitation,
				in.cfg.URL(made.Tenant.Slug+"."+in.cfg.BaseDomain))
			return nil
		}}
	f := cmd.Flags()
	f.StringVar(&spec.Name, "name", "", "the name people see")
	f.StringVar(&spec.Country, "country", "", "ISO 3166-1 alpha-2, such as JM")
	f.StringVar(&spec.Plan, "plan", "country", "school, college or country")
	f.StringVar(&spec.TimeZone, "time-zone", "America/Jamaica", "IANA name")
	f.StringVar(&spec.Locale, "locale", "en", "BCP 47 tag")
	f.StringVar(&spec.Currency, "currency", "USD", "The currency as a code of ISO 4217, such as JMD")
	f.StringVar(&spec.ExamScheme, "exam-scheme", "CSEC", "such as CSEC or BGCSE")
	f.StringVar(&spec.Colour, "colour", "#14532d", "main colour")
	f.StringVar(&spec.Accent, "accent", "#eab308", "second colour")
	f.StringVar(&spec.Admin.UserName, "admin-user", "admin", "user name of the first administrator")
	f.StringVar(&spec.Admin.GivenName, "admin-given", "", "given name of the first administrator")
	f.StringVar(&spec.Admin.FamilyName, "admin-family", "", "family name of the first administrator")
	f.StringVar(&spec.Admin.Email, "admin-email", "", "address of the first administrator")
	return cmd
}

func tenantList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "List all tenants", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			reg, err := in.registry(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return domain.WriteJSON(cmd.OutOrStdout(), reg.Tenants(), "")
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(w, "SLUG\tNAME\tCOUNTRY\tSTATE\tPLAN")
			for _, t := range reg.Tenants() {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.Slug, t.Name, t.Country, t.State, t.Plan)
			}
			return w.Flush()
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func tenantShow() *cobra.Command {
	return &cobra.Command{Use: "show SLUG", Short: "Show one tenant", Args: cobra.ExactArgs(1), Example: "  lignum tenant show jamaica",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			reg, err := in.registry(cmd.Context())
			if err != nil {
				return err
			}
			t, err := reg.Tenant(args[0])
			if err != nil {
				return err
			}
			return domain.WriteJSON(cmd.OutOrStdout(), t, "  ")
		}}
}

// tenantState leads a tenant to a state, from whichever there is a way.
func tenantState(use string, state tenants.State, short string) *cobra.Command {
	var reason string
	example := ""
	if state.Wants() {
		example = " --reason 'Contract under review'"
	}
	cmd := &cobra.Command{Use: use + " SLUG", Short: short, Args: cobra.ExactArgs(1), Example: "  lignum tenant " + use + " jamaica" + example,
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			db, _, err := in.realmDB(cmd.Context(), "platform")
			if err != nil {
				return err
			}
			var t tenants.Tenant
			err = db.Write(cmd.Context(), operator(), func(tx *tenants.Tx) (err error) {
				t, err = tenants.SetState(cmd.Context(), tx, args[0], state, reason, tenants.By{Server: true})
				return err
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is %s\n", t.Name, t.State.Words())
			return nil
		}}
	cmd.Flags().StringVar(&reason, "reason", "", "shown to the tenant's people and kept in both audit trails")
	return cmd
}

func tenantAbandon() *cobra.Command {
	var reason string
	cmd := &cobra.Command{Use: "abandon SLUG", Short: "Take away a tenant that was not made to the end, or only invited", Args: cobra.ExactArgs(1),
		Example: "  lignum tenant abandon barbados --reason 'The name was misspelled'",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			if in.provisioner == nil {
				return errNoDirect
			}
			if err := in.provisioner.Abandon(cmd.Context(), args[0], reason, operator()); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is gone; the name is free\n", args[0])
			return nil
		}}
	cmd.Flags().StringVar(&reason, "reason", "", "kept in the platform's audit trail")
	return cmd
}
