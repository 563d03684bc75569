// Package portal is the web pages of a tenant: signing in, the own account, what learners and guardians do, and the work of
// staff. Signing in and the account are there on the platform's host as well. Pages only show and collect: what they read and change
// is a use case of package api, which asks the policy. Layout, forms and static files are in api/web.
package portal

import (
	"embed"

	"lignum/api"
	"lignum/api/web"
)

//go:embed pages kinds
var files embed.FS

var pages = web.Parse(files)

// Register puts all pages of this package on the server.
func Register(s *api.Server) {
	web.Register(s)
	for _, area := range areas {
		area(s)
	}
}

// areas are all pages. Of two that match an address the first is shown: /classes/manage stands before /classes/{class}.
var areas = []func(*api.Server){
	// who one is
	startPages, signingIn, accountPages, toldPages, homePages,
	// staff
	staffLearners, staffRecords, staffClasses, staffPlacing, windowForms, staffPeople, resetPages, staffRoles, staffSchools, staffFigures, staffSettings, staffAudit,
	// learners, and the guardians of some
	classPages, lessonPages, attemptPages, triesPages, pointPages, childPages,
}
