package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"lignum/api"
	"lignum/api/areas"
	"lignum/api/console"
	"lignum/api/portal"
	"lignum/infra/config"
)

func routesCommand() *cobra.Command {
	return &cobra.Command{Use: "routes", Args: cobra.NoArgs, Short: "List every route: method, path, permission, quota",
		Long: "List every route of the API and of the pages with the permission that it needs and the quota that it counts in. Needs no database.",
		RunE: func(cmd *cobra.Command, _ []string) error { return printRoutes(cmd.OutOrStdout()) }}
}

// allRoutes are the routes of the API and of all pages, in the order in which they are tried.
func allRoutes() ([]api.Route, error) {
	// It serves nobody: of what it is told, only the form matters.
	cfg := &config.Config{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", Scheme: "http", DrainTime: time.Second, LogLevel: "info"}
	server, err := api.New(api.Deps{Config: cfg, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	areas.Register(server)
	portal.Register(server)
	console.Register(server)
	return server.Routes(), nil
}

// printRoutes writes a line for each route, by path. Public routes say in brackets why everybody may ask.
func printRoutes(out io.Writer) error {
	routes, err := allRoutes()
	if err != nil {
		return err
	}
	slices.SortStableFunc(routes, func(a, b api.Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, rt := range routes {
		permission := rt.Permission.Name()
		if why, public := rt.Permission.IsPublic(); public {
			permission = "(" + why + ")"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", rt.Method, rt.Path, permission, rt.Quota)
	}
	return table.Flush()
}
