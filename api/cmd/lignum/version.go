package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"lignum/tenants/provision"
)

// version is set by the linker for releases; otherwise it is the revision that Go noted.
var version = ""

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				return s.Value[:12]
			}
		}
	}
	return "development"
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version and the fingerprint of the migrations", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			fmt.Fprintf(cmd.OutOrStdout(), "lignum %s, migrations %s\n", versionText(), provision.MigrationsHash())
		}}
}
