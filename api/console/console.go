// Package console is the web pages of the platform's own host: what account managers and operators see and do. They
// open tenants, give them plans and states, and see what is used; nothing here reaches a learner's data. Signing in,
// the own account, layout and static files are the portal's and api/web's.
package console

import (
	"embed"

	"lignum/api"
	"lignum/api/web"
)

//go:embed pages
var files embed.FS

var pages = web.Parse(files)

// Register puts all pages of this package on the server.
func Register(s *api.Server) {
	tenantPages(s)
	auditPages(s)
	watchedPages(s)
	billPages(s)
}
