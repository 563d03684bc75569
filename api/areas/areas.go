// Package areas lists all that the API answers: a line for each area. Routes stand in the areas.
package areas

import (
	"lignum/api"
	"lignum/api/account"
	"lignum/api/attempts"
	"lignum/api/audit"
	"lignum/api/bills"
	"lignum/api/calendar"
	"lignum/api/catalogue"
	"lignum/api/classes"
	"lignum/api/coaching"
	"lignum/api/exports"
	"lignum/api/files"
	"lignum/api/guardians"
	"lignum/api/insight"
	"lignum/api/jobs"
	"lignum/api/mail"
	"lignum/api/notices"
	"lignum/api/people"
	"lignum/api/platform"
	"lignum/api/points"
	"lignum/api/roster"
	"lignum/api/settings"
)

// Register declares the routes of every area, in the order of the reference. Each area is a folder with its routes and their use cases; the pages
// that show them are listed in the portal and the console.
func Register(s *api.Server) {
	for _, routes := range []func(*api.Server){
		// who one is
		account.Routes, notices.Routes, points.Routes,
		// what is learned, and how far somebody is
		catalogue.Routes, classes.ProgressRoutes, classes.Routes, attempts.Routes, coaching.Routes,
		// people and schools, and when these have terms
		people.Routes, guardians.Routes, people.ResetRoutes, people.SchoolRoutes, roster.Routes, calendar.Routes, coaching.RecordRoutes,
		// a tenant
		insight.Routes, settings.RoleRoutes, settings.Routes, files.Routes, audit.Routes, exports.Routes, jobs.Routes, mail.Routes,
		// the platform
		platform.Routes, bills.Routes,
	} {
		routes(s)
	}
}
