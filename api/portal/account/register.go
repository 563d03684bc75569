// Package account is the pages of one's own account: signing in, passwords, authenticator apps, notices. They are there on the platform's host
// as well. Pages about other people's accounts are in staff.
package account

import (
	"embed"

	"lignum/api"
	"lignum/api/web"
)

//go:embed pages
var files embed.FS

var pages = web.Parse(files)

// Register puts the pages of this package on the server.
func Register(s *api.Server) {
	for _, pages := range []func(*api.Server){startPages, signingIn, accountPages, toldPages, exportPages} {
		pages(s)
	}
}
