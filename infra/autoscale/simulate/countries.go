package simulate

import _ "time/tzdata" // the zones must be there also where the system has none

// country is one tenant of the simulation. Sizes are the authors' estimates from population and access to the network,
// with Jamaica, whose figures the post reports, as 1.
type country struct {
	code, zone string
	size       float64  // users, of Jamaica's
	scheme     string   // whose timetable of exams it follows
	shift      int      // days by which its terms are later than Jamaica's
	holidays   []string // MM-DD, its own, beside those that all share
}

// The order is that of joining: the first 3, 10 and 30 are the sizes of the report.
var countries = []country{
	{"JM", "America/Jamaica", 1, "csec", 0, []string{"02-10", "05-24", "08-02", "08-06", "10-18"}},
	{"BS", "America/Nassau", 0.3, "bgcse", 0, []string{"01-11", "06-04", "07-12", "08-02", "10-11"}},
	{"TT", "America/Port_of_Spain", 0.45, "csec", 0, []string{"03-30", "05-31", "06-21", "08-02", "08-31", "09-24"}},
	{"BB", "America/Barbados", 0.14, "csec", 7, []string{"01-21", "04-28", "08-02", "11-30"}},
	{"GY", "America/Guyana", 0.28, "csec", 0, []string{"02-23", "05-05", "05-26", "07-05", "08-02"}},
	{"BZ", "America/Belize", 0.2, "csec", -14, []string{"03-08", "05-24", "09-10", "09-21", "11-19"}},
	{"LC", "America/St_Lucia", 0.09, "csec", 0, []string{"02-22", "08-02", "10-04", "12-13"}},
	{"GD", "America/Grenada", 0.06, "csec", 0, []string{"02-08", "08-02", "10-25"}},
	{"VC", "America/St_Vincent", 0.06, "csec", 0, []string{"03-15", "08-02", "10-27"}},
	{"KY", "America/Cayman", 0.04, "csec", -7, []string{"01-25", "05-17", "07-05", "11-08"}},
	{"AG", "America/Antigua", 0.05, "csec", 0, []string{"08-02", "11-01", "12-09"}},
	{"DM", "America/Dominica", 0.04, "csec", 0, []string{"08-02", "11-03", "11-04"}},
	{"KN", "America/St_Kitts", 0.03, "csec", 0, []string{"08-02", "09-16", "09-20"}},
	{"TC", "America/Grand_Turk", 0.03, "csec", -7, []string{"05-24", "08-02", "09-24"}},
	{"VG", "America/Tortola", 0.02, "csec", 0, []string{"03-08", "07-01", "08-02", "10-21"}},
	{"AI", "America/Anguilla", 0.01, "csec", 0, []string{"03-02", "05-31", "08-02"}},
	{"MS", "America/Montserrat", 0.01, "csec", 0, []string{"03-17", "08-02"}},
	{"BM", "Atlantic/Bermuda", 0.04, "bgcse", 0, []string{"05-28", "07-29", "07-30", "09-06"}},
	{"HT", "America/Port-au-Prince", 0.6, "national", 7, []string{"01-02", "05-18", "10-17", "11-18"}},
	{"SR", "America/Paramaribo", 0.22, "national", 21, []string{"02-25", "07-01", "11-25"}},
	{"DO", "America/Santo_Domingo", 0.9, "national", -7, []string{"01-25", "02-27", "08-16", "09-24"}},
	{"CW", "America/Curacao", 0.08, "national", -14, []string{"02-08", "04-27", "07-02"}},
	{"AW", "America/Aruba", 0.06, "national", -14, []string{"01-25", "03-18", "04-27"}},
	{"SX", "America/Lower_Princes", 0.03, "csec", -14, []string{"04-27", "04-30", "11-11"}},
	{"BQ", "America/Kralendijk", 0.015, "national", -14, []string{"04-27", "09-06"}},
	{"GP", "America/Guadeloupe", 0.2, "national", -3, []string{"05-27", "07-14", "11-11"}},
	{"MQ", "America/Martinique", 0.18, "national", -3, []string{"05-22", "07-14", "11-11"}},
	{"GF", "America/Cayenne", 0.16, "national", -3, []string{"06-10", "07-14", "11-11"}},
	{"VI", "America/St_Thomas", 0.05, "national", -21, []string{"01-18", "03-31", "05-31", "09-06"}},
	{"PR", "America/Puerto_Rico", 0.6, "national", -21, []string{"01-06", "03-22", "05-31", "07-05", "09-06"}},
}

// shared are the holidays that every country of the region keeps (Easter of 2027).
var shared = []string{"01-01", "03-26", "03-29", "05-01", "12-25", "12-27"}
