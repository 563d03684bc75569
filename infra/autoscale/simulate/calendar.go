package simulate

import (
	"math/rand/v2"
	"slices"
	"time"
)

// An occasion is an event with the learners that really come.
type occasion struct {
	country, day int // index; local day of the year
	minute       int // local, of the day
	kind         string
	learners     float64 // expected; what the forecast says
	actual       float64
	announced    bool
}

// calendar holds what the year has in store for each country.
type calendar struct {
	a      Assumptions
	rng    *rand.Rand
	users  [][]float64 // country, local day
	free   [][]bool    // weekend or holiday
	term   [][]bool
	record int // local day of the year
	storm  int
	list   []occasion
}

func newCalendar(a Assumptions, n int) *calendar {
	c := &calendar{a: a, rng: rand.New(rand.NewPCG(uint64(a.Seed), 1)), record: dayOf(a, a.RecordDay), storm: dayOf(a, a.StormDate)}
	for i := range n {
		c.days(countries[i], i)
	}
	c.sittings(n)
	c.mocks(n)
	c.school(n)
	c.surprise(n)
	return c
}

func dayOf(a Assumptions, date string) int {
	d, _ := time.Parse(time.DateOnly, date) // checked
	return int(d.Sub(time.Date(a.Year, 1, 1, 0, 0, 0, 0, time.UTC)).Hours() / 24)
}

// dayAt is the local date of a day of the year, which may be outside it.
func (c *calendar) dayAt(d int) time.Time { return time.Date(c.a.Year, 1, 1+d, 0, 0, 0, 0, time.UTC) }

// days fills in a country's users, free days and terms.
func (c *calendar) days(of country, index int) {
	users, free, term := make([]float64, c.a.Days), make([]bool, c.a.Days), make([]bool, c.a.Days)
	for d := range c.a.Days {
		day := c.dayAt(d)
		month := c.a.SettledYear
		if index == 0 {
			month = c.a.PostYear
		}
		n := month[day.Month()-1] * c.a.RecordUsers / 20_000
		date := day.Format("01-02")
		holiday := slices.Contains(shared, date) || slices.Contains(of.holidays, date)
		free[d] = holiday || day.Weekday() == time.Saturday || day.Weekday() == time.Sunday
		term[d] = inTerm(d-of.shift) && !holiday
		switch {
		case holiday:
			n *= c.a.HolidayShare
		case day.Weekday() == time.Friday:
			n *= c.a.FridayShare
		case day.Weekday() == time.Saturday:
			n *= c.a.SaturdayShare
		case day.Weekday() == time.Sunday:
			n *= c.a.SundayShare
		}
		n *= 1 + c.a.UserNoise*min(2.5, max(-2.5, c.rng.NormFloat64()))
		users[d] = min(n, 0.97*c.a.RecordUsers) * of.size * c.a.Scale
		if index == 0 && d == c.record {
			users[d] = c.a.RecordUsers * c.a.Scale
		}
	}
	c.users, c.free, c.term = append(c.users, users), append(c.free, free), append(c.term, term)
}

// inTerm knows Jamaica's three terms, by day of the year: Easter, Summer, Christmas.
func inTerm(d int) bool { return d >= 3 && d < 81 || d >= 95 && d < 183 || d >= 248 && d < 346 }

func (c *calendar) weekday(d int) bool {
	w := c.dayAt(d).Weekday()
	return w != time.Saturday && w != time.Sunday
}

// add puts an occasion on one country's day; the actual learners differ from the forecast.
func (c *calendar) add(country, day, minute int, kind string, share float64) {
	if day < 0 || day >= c.a.Days {
		return
	}
	expected := share * c.users[country][day]
	actual := expected * (1 + c.a.ForecastError*(2*c.rng.Float64()-1))
	c.list = append(c.list, occasion{country, day, minute, kind, expected, actual, true})
}

// sittings are exams that countries of one scheme sit on the same days at the same local time.
func (c *calendar) sittings(n int) {
	season := func(scheme string, from, until int, share float64, minutes ...int) {
		for d := from; d < until; d++ {
			if !c.weekday(d) || d == c.record {
				continue
			}
			for _, m := range minutes {
				part := share * (0.2 + 0.8*c.rng.Float64())
				for i := range n {
					if countries[i].scheme == scheme {
						c.add(i, d, m, "exam", part)
					}
				}
			}
		}
	}
	season("csec", 5, 22, c.a.SittingShare/4, 9*60)          // January
	season("csec", 129, 170, c.a.SittingShare, 9*60, 13*60)  // May and June
	season("bgcse", 136, 177, c.a.SittingShare, 9*60, 13*60) // May and June, its own papers
	season("national", 157, 177, c.a.SittingShare, 8*60+30)  // June
}

// mocks are four evenings before the season, and the record day's.
func (c *calendar) mocks(n int) {
	for i := range n {
		shift := map[string]int{"csec": 0, "bgcse": 5, "national": 12}[countries[i].scheme]
		for _, d := range []int{48, 69, 97, 111} {
			c.add(i, d+shift, 18*60, "exam", c.a.MockExamShare)
		}
		if countries[i].scheme == "csec" {
			share := c.a.MockExamShare
			if i == 0 {
				share = c.a.RecordExamShare
			}
			c.add(i, c.record, 18*60, "exam", share)
		}
	}
}

// school adds the live classes and the test of the week in term, and the roster import before the school year.
func (c *calendar) school(n int) {
	for i := range n {
		for d := range c.a.Days {
			if c.term[i][d] && !c.free[i][d] {
				c.add(i, d, 16*60+30, "live", c.a.LiveShare)
				c.add(i, d, 19*60+30, "live", c.a.LiveShare)
				if c.dayAt(d).Weekday() == time.Wednesday {
					c.add(i, d, 10*60, "exam", c.a.WeeklyTestShare)
				}
			}
		}
		if d := 243 + countries[i].shift; d < c.a.Days { // 1 September
			rows := 44_025 * countries[i].size * c.a.Scale
			c.list = append(c.list, occasion{i, d, 2 * 60, "import", rows, rows, true})
		}
	}
}

// surprise draws the surges that nobody announced: school days, late afternoon or evening.
func (c *calendar) surprise(n int) {
	for k := 0; k < c.a.Surprises; k++ {
		i, d, m := c.rng.IntN(n), c.rng.IntN(c.a.Days), 15*60+c.rng.IntN(6*60)
		if k%2 == 0 {
			i = 0 // the largest country's hurt most
		}
		learners := c.a.SurpriseShare * c.users[i][d]
		c.list = append(c.list, occasion{i, d, m, "surprise", learners, learners, false})
	}
}

// weather is the share of the usual load that a storm leaves, at a time in days since it came. Nobody forecasts it.
func (c *calendar) weather(days float64) float64 {
	const dark, fade = 0.03, 4
	out, back := float64(c.a.StormDays), float64(c.a.StormRecoveryDays)
	switch {
	case days < 0 || days > out+back+fade:
		return 1
	case days < out:
		return dark
	case days < out+back:
		return dark + (c.a.StormFlood-dark)*(days-out)/back
	default:
		return c.a.StormFlood + (1-c.a.StormFlood)*(days-out-back)/fade
	}
}

// hit says whether the storm takes a country off line: the first third, at least one.
func hit(country, n int) bool { return country < (n+2)/3 }
