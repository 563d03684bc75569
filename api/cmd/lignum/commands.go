package main

import "github.com/spf13/cobra"

func commands() []*cobra.Command {
	return []*cobra.Command{
		devCommand(), demoCommand(), serveCommand(), migrateCommand(), tenantCommand(), userCommand(), rosterCommand(),
		contentCommand(), policyCommand(), auditCommand(), invoiceCommand(), jobsCommand(), mailCommand(), deployCommand(), capacityCommand(), routesCommand(), versionCommand(),
	}
}
