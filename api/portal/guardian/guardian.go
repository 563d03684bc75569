// Package guardian is the pages of parents and guardians: their children's progress, consent, and the leaderboard.
package guardian

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
	for _, pages := range []func(*api.Server){childPages} {
		pages(s)
	}
}
