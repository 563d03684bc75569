package demo

// Names are common in the region and combined at random; the people are invented.
var givenNames = []string{
	"Aaliyah", "Adrian", "Akeem", "Alicia", "Andre", "Anika", "Antonio", "Ashanti", "Brianna", "Carlton", "Chantal", "Chevaughn", "Claudia", "Damion",
	"Danielle", "Daryl", "Deandre", "Denise", "Dwayne", "Ebony", "Elijah", "Errol", "Fabian", "Gabrielle", "Garfield", "Giselle", "Hakeem", "Imani",
	"Isaiah", "Jada", "Jahmar", "Janelle", "Javon", "Jermaine", "Jodi-Ann", "Kadeem", "Kayla", "Keisha", "Kemar", "Khadija", "Kimberley", "Lamar",
	"Latoya", "Leroy", "Makayla", "Marcus", "Marsha", "Mikhail", "Monique", "Nadine", "Natasha", "Nickoy", "Oneil", "Orville", "Patrice", "Raheem",
	"Renae", "Ricardo", "Rohan", "Roxanne", "Sasha", "Shanice", "Shaquille", "Shemar", "Simone", "Tajay", "Tamara", "Tevin", "Tiffany", "Toni-Ann",
	"Trevor", "Tyrese", "Vanessa", "Winston", "Xavier", "Yanique", "Zara", "Zion",
}

var familyNames = []string{
	"Adderley", "Allen", "Anderson", "Bailey", "Barrett", "Bennett", "Bethel", "Blake", "Bowe", "Brown", "Bryan", "Butler", "Campbell", "Cartwright",
	"Clarke", "Coke", "Cooper", "Cunningham", "Davis", "Dawkins", "Deveaux", "Dixon", "Douglas", "Edwards", "Evans", "Farquharson", "Ferguson",
	"Forbes", "Francis", "Gayle", "Gordon", "Grant", "Green", "Hall", "Hamilton", "Harris", "Henry", "Hinds", "Jackson", "James", "Johnson", "Jones",
	"Kelly", "Kerr", "Knowles", "Lewis", "Lindsay", "Major", "Malcolm", "Marshall", "Martin", "McKenzie", "McPhee", "Miller", "Minnis", "Mitchell",
	"Morgan", "Morrison", "Moss", "Munroe", "Murray", "Nelson", "Newbold", "Palmer", "Parker", "Pinder", "Powell", "Reid", "Richards", "Roberts",
	"Robinson", "Rolle", "Rose", "Russell", "Salmon", "Samuels", "Sands", "Scott", "Simpson", "Smith", "Stewart", "Stubbs", "Taylor", "Thomas",
	"Thompson", "Turner", "Walker", "Wallace", "Watson", "White", "Williams", "Wilson", "Wright", "Young",
}

// place is a region of the tenant with towns in it.
type place struct {
	region string
	weight int // how many of a hundred or so schools are there
	towns  []string
}

// Jamaica's fourteen parishes in the ministry's seven regions.
var jamaicanPlaces = []place{
	{"Region 1: Kingston", 9, []string{"Rae Town", "Allman Town", "Port Royal"}},
	{"Region 1: St Andrew", 17, []string{"Half Way Tree", "Papine", "Stony Hill", "Gordon Town"}},
	{"Region 2: Portland", 4, []string{"Port Antonio", "Buff Bay", "Manchioneal"}},
	{"Region 2: St Mary", 5, []string{"Port Maria", "Annotto Bay", "Highgate"}},
	{"Region 2: St Thomas", 4, []string{"Morant Bay", "Yallahs", "Bath"}},
	{"Region 3: St Ann", 7, []string{"St Ann's Bay", "Brown's Town", "Ocho Rios"}},
	{"Region 3: Trelawny", 3, []string{"Falmouth", "Duncans", "Albert Town"}},
	{"Region 4: Hanover", 3, []string{"Lucea", "Green Island", "Sandy Bay"}},
	{"Region 4: St James", 7, []string{"Montego Bay", "Cambridge", "Adelphi"}},
	{"Region 4: Westmoreland", 6, []string{"Savanna-la-Mar", "Negril", "Darliston"}},
	{"Region 5: Manchester", 7, []string{"Mandeville", "Christiana", "Porus"}},
	{"Region 5: St Elizabeth", 6, []string{"Black River", "Santa Cruz", "Junction"}},
	{"Region 6: St Catherine", 14, []string{"Spanish Town", "Portmore", "Old Harbour", "Linstead"}},
	{"Region 7: Clarendon", 8, []string{"May Pen", "Lionel Town", "Chapelton"}},
}

var bahamianPlaces = []place{
	{"New Providence", 50, []string{"Nassau", "Carmichael", "Fox Hill"}},
	{"Grand Bahama", 16, []string{"Freeport", "Eight Mile Rock", "High Rock"}},
	{"Abaco", 9, []string{"Marsh Harbour", "Cooper's Town"}},
	{"Andros", 8, []string{"Nicholls Town", "Fresh Creek", "Kemp's Bay"}},
	{"Eleuthera", 8, []string{"Governor's Harbour", "Rock Sound"}},
	{"Exuma", 4, []string{"George Town", "Rolleville"}},
	{"Long Island", 3, []string{"Clarence Town", "Simms"}},
	{"Cat Island", 2, []string{"New Bight", "Arthur's Town"}},
	{"Bimini", 1, []string{"Alice Town"}},
	{"San Salvador", 1, []string{"Cockburn Town"}},
	{"Inagua", 1, []string{"Matthew Town"}},
	{"Acklins", 1, []string{"Spring Point"}},
}

var collegePlaces = []place{{"New Providence", 1, []string{"Nassau"}}, {"Grand Bahama", 1, []string{"Freeport"}}}

func placesOf(slug string) []place {
	switch slug {
	case "jamaica":
		return jamaicanPlaces
	case "bahamas":
		return bahamianPlaces
	}
	return collegePlaces
}

// Schools are named after trees, birds and flowers with their town, so that none is taken for a real one.
var schoolNames = []string{
	"Blue Mahoe", "Poinciana", "Ackee Walk", "Bougainvillea", "Yellow Elder", "Lignum Vitae", "Almond Tree", "Hummingbird", "Flamingo", "Pelican",
	"Sea Grape", "Breadfruit", "Silk Cotton", "Tamarind", "Guango", "Mango Walk", "Hibiscus", "Allamanda", "Oleander", "Frangipani", "Cedar Hill",
	"Swallowtail", "Heron", "Kingfisher", "Jacaranda", "Coconut Grove", "Logwood", "Pimento", "Bamboo", "Casuarina",
}

var schoolKinds = []struct{ title, kind string }{
	{"High School", "secondary"}, {"Primary School", "primary"}, {"Technical High School", "secondary"}, {"Primary and Junior High School", "primary"},
	{"Comprehensive High School", "secondary"}, {"Preparatory School", "primary"},
}

// Subjects that schools of the region teach, with topics for the catalogue.
var subjects = []struct {
	title  string
	topics []string
}{
	{"Mathematics", []string{"Fractions", "Sets", "Linear equations", "Quadratics", "Circle theorems", "Vectors", "Matrices", "Trigonometry", "Probability", "Compound interest"}},
	{"English", []string{"Summary writing", "Persuasion", "Poetry", "The short story", "Comprehension", "Punctuation", "Reports", "Letters"}},
	{"Biology", []string{"Cells", "Photosynthesis", "Respiration", "The heart", "Inheritance", "Food webs", "Mangroves", "Nutrition"}},
	{"Chemistry", []string{"Acids and bases", "The periodic table", "Bonding", "Electrolysis", "Rates of reaction", "Organic families", "Separation"}},
	{"Physics", []string{"Forces", "Waves", "Circuits", "Lenses", "Radioactivity", "Energy", "Pressure", "Magnetism"}},
	{"Integrated Science", []string{"The water cycle", "Soils", "Sound", "Simple machines", "Health", "Weather"}},
	{"Geography", []string{"Plate tectonics", "Hurricanes", "Limestone", "Map reading", "Population", "Coral reefs"}},
	{"Caribbean History", []string{"The Taino", "Emancipation", "Free villages", "Federation", "Migration", "Sugar"}},
	{"Social Studies", []string{"The family", "Government", "Regional integration", "Resources", "Communication"}},
	{"Information Technology", []string{"Spreadsheets", "Databases", "Algorithms", "Networks", "Web pages"}},
	{"Principles of Accounts", []string{"Ledgers", "The trial balance", "Depreciation", "Partnerships", "Cash flow"}},
	{"Principles of Business", []string{"Production", "Marketing", "Contracts", "Trade", "Business finance"}},
	{"Agricultural Science", []string{"Crops", "Livestock", "Irrigation", "Pests", "Farm records"}},
	{"Spanish", []string{"Greetings", "Family and home", "Travel", "Past tenses", "Food"}},
	{"French", []string{"At the market", "School life", "Directions", "Future tense", "Holidays"}},
	{"Technical Drawing", []string{"Projections", "Scales", "Loci", "Sections"}},
}
