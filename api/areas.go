package api

// areas are all that the API answers, in the order of the reference. Each is a function that declares its routes, in the file
// that has their use cases; the pages that show them are listed in the portal and the console.
var areas = []func(*Server){
	// who one is
	AccountRoutes, NoticeRoutes, PointRoutes,
	// what is learned, and how far somebody is
	CatalogueRoutes, ProgressRoutes, ClassRoutes, AttemptRoutes, CoachingRoutes,
	// people and schools
	PeopleRoutes, GuardianRoutes, ResetRoutes, SchoolRoutes, RecordRoutes,
	// a tenant
	InsightRoutes, RoleRoutes, SettingRoutes, TrailRoutes,
	// the platform
	PlatformRoutes,
}
