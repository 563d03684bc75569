// Package coach is the pages of who looks after learners: who falls behind, one learner's record, new sign-in cards. Classes are
// managed in staff.
package coach

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
	for _, pages := range []func(*api.Server){staffLearners, staffRecords, resetPages} {
		pages(s)
	}
}
