package policy

// A person's own account, in either realm.
var (
	ProfileRead   = read(Either, "profile.read", "See the own profile.")
	ProfileChange = change(Either, "profile.change", "Change the own password, second factor and preferences.")
	// Leaving must always be possible, also where changes are not taken: it counts as no change of the realm's data.
	SessionEnd = read(Either, "session.end", "End the own sessions, also everywhere at once.")
)

// Learning: what a learner does, and what staff see of it.
var (
	CourseRead      = read(Tenant, "course.read", "See the catalogue of courses.")
	LessonRead      = read(Tenant, "lesson.read", "Open a lesson.")
	ResourceRead    = read(Tenant, "resource.read", "Open a file, animation or lab of a lesson.")
	ClassRead       = read(Tenant, "class.read", "See classes and the timetable.")
	ClassRegister   = change(Tenant, "class.register", "Register for a class.")
	ClassLeave      = change(Tenant, "class.leave", "Leave a class.")
	ClassManage     = change(Tenant, "class.manage", "Open, change and cancel classes, and place learners in them.")
	AttendanceRead  = read(Tenant, "attendance.read", "See attendance.")
	ProgressRead    = read(Tenant, "progress.read", "See progress through lessons.")
	ProgressRecord  = change(Tenant, "progress.record", "Record the own progress through a lesson.")
	TestRead        = read(Tenant, "test.read", "See a test and its rules, without its answers.")
	AttemptStart    = change(Tenant, "attempt.start", "Start an attempt at a test.")
	AttemptAnswer   = change(Tenant, "attempt.answer", "Save answers in an open attempt.")
	AttemptSubmit   = change(Tenant, "attempt.submit", "Hand an attempt in.")
	AttemptRead     = read(Tenant, "attempt.read", "See an attempt and its score.")
	AttemptMark     = change(Tenant, "attempt.mark", "Mark what a machine cannot mark, and give feedback.")
	PointsRead      = read(Tenant, "points.read", "See points and badges.")
	LeaderboardRead = read(Tenant, "leaderboard.read", "See the leaderboard of those who take part in it.")
	QuestionRead    = read(Tenant, "question.read", "See questions to a coach and their answers.")
	QuestionAsk     = change(Tenant, "question.ask", "Ask the coach a question.")
	QuestionAnswer  = change(Tenant, "question.answer", "Answer a learner's question.")
	BookingRead     = read(Tenant, "booking.read", "See booked coaching sessions.")
	BookingMake     = change(Tenant, "booking.make", "Book a coaching session.")
	BookingCancel   = change(Tenant, "booking.cancel", "Cancel a booked coaching session.")
	BookingOffer    = change(Tenant, "booking.offer", "Offer times for coaching sessions.")
)

// Seeing other people's learning.
var (
	LearnerRead     = read(Tenant, "learner.read", "See the roster of learners.")
	LearnerProgress = read(Tenant, "learner.progress", "See another person's progress and results.")
	InsightRead     = read(Tenant, "insight.read", "See figures of a school, a region or the tenant.")
	ChildRead       = read(Tenant, "child.read", "See the progress of the own child.")
	ConsentChange   = change(Tenant, "consent.change", "Give or withdraw consent for the own child.")
)

// Running a tenant.
var (
	UserRead       = read(Tenant, "user.read", "See accounts.")
	UserCreate     = change(Tenant, "user.create", "Open an account.")
	UserChange     = change(Tenant, "user.change", "Change an account and its roles.")
	UserReset      = change(Tenant, "user.reset", "Print password cards and reset passwords and second factors.")
	UserSuspend    = change(Tenant, "user.suspend", "Suspend an account, and let it in again.")
	UserExport     = read(Tenant, "user.export", "Export everything that is stored about a person.")
	UserErase      = change(Tenant, "user.erase", "Erase a person's data for good.")
	GuardianLink   = change(Tenant, "guardian.link", "Link a guardian to a learner, and end the link.")
	RoleRead       = read(Tenant, "role.read", "See roles and their permissions.")
	RoleChange     = change(Tenant, "role.change", "Change roles and their permissions.")
	AuditRead      = read(Tenant, "audit.read", "See and export the audit trail.")
	SchoolChange   = change(Tenant, "school.change", "Add schools, correct and close them.")
	RosterImport   = change(Tenant, "roster.import", "Import schools, people, classes and enrolments.")
	ContentRead    = read(Tenant, "content.read", "See courses and item banks as their author, with answers.")
	ContentChange  = change(Tenant, "content.change", "Write and publish courses, lessons, items and tests.")
	ContentImport  = change(Tenant, "content.import", "Import courses, items and packages.")
	CalendarRead   = read(Tenant, "calendar.read", "See terms, holidays and exam windows.")
	CalendarChange = change(Tenant, "calendar.change", "Change terms, holidays and exam windows.")
	TenantRead     = read(Tenant, "tenant.read", "See the own tenant's state, settings and quotas used.")
	TenantChange   = change(Tenant, "tenant.change", "Change the own tenant's name, colours and settings.")
)

// Running the platform. None of these reaches a learner's data.
var (
	PlatformTenantRead      = read(Platform, "platform.tenant.read", "See tenants, their plans and states.")
	PlatformTenantProvision = change(Platform, "platform.tenant.provision", "Open a tenant.")
	PlatformTenantChange    = change(Platform, "platform.tenant.change", "Change a tenant's plan, limits and colours.")
	PlatformTenantSuspend   = change(Platform, "platform.tenant.suspend", "Suspend a tenant or make it read-only, for a stated reason.")
	PlatformTenantResume    = change(Platform, "platform.tenant.resume", "Let a suspended or read-only tenant work again.")
	PlatformUsageRead       = read(Platform, "platform.usage.read", "See what tenants use.")
	PlatformAuditRead       = read(Platform, "platform.audit.read", "See and export the platform's audit trail.")
	PlatformUserRead        = read(Platform, "platform.user.read", "See the platform's own accounts.")
	PlatformUserCreate      = change(Platform, "platform.user.create", "Open an account of the platform.")
	PlatformUserChange      = change(Platform, "platform.user.change", "Change an account of the platform and its roles.")
	PlatformUserReset       = change(Platform, "platform.user.reset", "Reset an account of the platform.")
	PlatformUserSuspend     = change(Platform, "platform.user.suspend", "Suspend an account of the platform, and let it in again.")
	PlatformRoleRead        = read(Platform, "platform.role.read", "See the platform's roles.")
	PlatformRoleChange      = change(Platform, "platform.role.change", "Change the platform's roles.")
)
