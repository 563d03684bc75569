package api

// areas are all that the API answers, in the order of the reference. Each is a function that declares its routes, in the file
// that has their use cases; the pages that show them are listed in the portal and the console.
var areas = []func(*Server){
	// who one is
	sessions, noticeRoutes, pointRoutes,
	// what is learned, and how far somebody is
	courses, progress, classRoutes, attempts, coachingRoutes,
	// people and schools
	users, guardians, resetRoutes, schools, records,
	// a tenant
	insights, roles, settings, trail,
	// the platform
	platformTenants,
}
