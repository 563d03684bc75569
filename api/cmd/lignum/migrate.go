package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lignum/domain"
	"lignum/tenants/provision"
)

var errNoDirect = errors.New("this needs LIGNUM_DIRECT_DSN: a direct connection of a role that may create roles and schemas")

func migrateCommand() *cobra.Command {
	var parallel int
	var asJSON bool
	cmd := &cobra.Command{Use: "migrate", Short: "Bring the platform and every tenant up to date; may be repeated", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := open()
			if err != nil {
				return err
			}
			defer in.store.Close()
			if in.provisioner == nil {
				return errNoDirect
			}
			out := cmd.OutOrStdout()
			results, err := in.provisioner.MigrateAll(cmd.Context(), parallel, func(r provision.MigrationResult) {
				if asJSON {
					return
				}
				switch {
				case r.Err != nil:
					fmt.Fprintf(out, "%-32s FAILED after %s: %v\n", r.Realm, r.Took.Round(time.Millisecond), r.Err)
				case len(r.Applied) > 0:
					fmt.Fprintf(out, "%-32s %s in %s\n", r.Realm, strings.Join(r.Applied, ", "), r.Took.Round(time.Millisecond))
				}
			})
			if err != nil {
				return err
			}
			failed := 0
			for _, r := range results {
				if r.Err != nil {
					failed++
				}
			}
			if asJSON {
				if err := domain.WriteJSON(out, results, ""); err != nil {
					return err
				}
			} else {
				fmt.Fprintf(out, "%d tenants, %d failed\n", len(results), failed)
			}
			if failed > 0 {
				return fmt.Errorf("%d of %d tenants were not migrated; they keep the state they had, and running this again goes on with them", failed, len(results))
			}
			return nil
		}}
	cmd.Flags().IntVar(&parallel, "parallel", 4, "tenants at a time")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}
