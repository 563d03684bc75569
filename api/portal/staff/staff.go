// Package staff is the pages of who runs a school or a tenant: classes, people, roles, schools, terms, figures, settings, the trail.
// Who looks after single learners has their pages in coach.
package staff

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
	for _, pages := range []func(*api.Server){staffClasses, staffPlacing, staffPeople, staffRoles, staffSchools, staffTerms, staffRoster, staffFigures, staffSettings, staffBills, staffAudit, staffWatched} {
		pages(s)
	}
}
