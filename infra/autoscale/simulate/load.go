package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"lignum/infra/autoscale"
)

// Load is the year's work by minute, and what the forecast knew of it. vCPU are busy processors on the average of the minute;
// the Burst figures are those of its busiest seconds.
type Load struct {
	Countries   int
	Scale       float64 // of users and requests, as in the assumptions
	Start       time.Time
	Minutes     int
	Users       [][]float64 // a day, by country and local day
	Requests    []float64
	Writer      []float64 // vCPU of work that only the writer can do
	Reader      []float64 // vCPU of work that a reader may do
	WriterBurst []float64
	ReaderBurst []float64
	Events      []autoscale.Event // announced, by start
	HotSetGiB   float64
	RecordAt    int // minute at which the record day begins in Jamaica
	StormAt     int // minute at which the storm comes
	Zones       []string
}

// parts are the requests of each minute by kind, summed over the countries.
type parts struct {
	start           time.Time
	ordinary        []float64
	exam            []float64
	begin           []float64 // 'start' pressed
	heavy           []float64 // vCPU of imports
	weekday, freely [1440]float64
}

// NewLoad makes the load of the first n countries, 1 to 30.
func NewLoad(a Assumptions, n int) (*Load, error) {
	if n < 1 || n > len(countries) {
		return nil, fmt.Errorf("there are 1 to %d countries, not %d", len(countries), n)
	}
	cal := newCalendar(a, n)
	minutes := a.Days * 1440
	p := &parts{start: time.Date(a.Year, 1, 1, 0, 0, 0, 0, time.UTC), ordinary: make([]float64, minutes), exam: make([]float64, minutes),
		begin: make([]float64, minutes), heavy: make([]float64, minutes), weekday: curve(a.Hours), freely: curve(a.FreeHours)}
	l := &Load{Countries: n, Scale: a.Scale, Start: p.start, Minutes: minutes, Users: cal.users}
	byDay := make(map[[2]int][]occasion, len(cal.list))
	for _, o := range cal.list {
		key := [2]int{o.country, o.day}
		byDay[key] = append(byDay[key], o)
	}
	for i := range n {
		loc, err := time.LoadLocation(countries[i].zone)
		if err != nil {
			return nil, fmt.Errorf("the zone of %s: %w", countries[i].code, err)
		}
		if !slices.Contains(l.Zones, countries[i].zone) {
			l.Zones = append(l.Zones, countries[i].zone)
		}
		l.HotSetGiB += a.HotSetGiB * countries[i].size
		rng := rand.New(rand.NewPCG(uint64(a.Seed), uint64(100+i)))
		for d := range a.Days {
			midnight := int(time.Date(a.Year, 1, 1+d, 0, 0, 0, 0, loc).Sub(p.start).Minutes())
			taken := 0.0
			for _, o := range byDay[[2]int{i, d}] {
				taken += p.occasion(cal, o, midnight, n)
				if o.announced {
					l.announce(a, o, midnight)
				}
			}
			p.day(cal, i, d, midnight, taken, rng, n)
			if i == 0 && d == cal.record {
				l.RecordAt = midnight
			}
			if i == 0 && d == cal.storm {
				l.StormAt = midnight
			}
		}
	}
	slices.SortStableFunc(l.Events, func(x, y autoscale.Event) int { return x.Start.Compare(y.Start) })
	l.work(a, p)
	return l, nil
}

// announce puts an occasion into the forecast.
func (l *Load) announce(a Assumptions, o occasion, midnight int) {
	length := map[string]int{"exam": a.ExamMinutes, "live": a.LiveMinutes, "import": 30}[o.kind]
	at := l.Start.Add(time.Duration(midnight+o.minute) * time.Minute)
	l.Events = append(l.Events, autoscale.Event{Tenant: countries[o.country].code, Kind: o.kind,
		ID:    fmt.Sprintf("%s-%s-%d-%d", countries[o.country].code, o.kind, o.day, o.minute),
		Start: at, End: at.Add(time.Duration(length) * time.Minute), Learners: int(math.Ceil(o.learners))})
}

// curve gives each minute of a day its weight, between the hours' figures on straight lines.
func curve(hours [24]float64) (out [1440]float64) {
	for m := range out {
		h, f := m/60, float64(m%60)/60
		out[m] = hours[h]*(1-f) + hours[(h+1)%24]*f
	}
	return out
}

// at adds to a minute that may be outside the year.
func at(series []float64, minute int, v float64) {
	if minute >= 0 && minute < len(series) {
		series[minute] += v
	}
}

// occasion adds the requests of one event and gives their number, which is part of the day's.
func (p *parts) occasion(c *calendar, o occasion, midnight, n int) (requests float64) {
	a, from := c.a, midnight+o.minute
	there := o.actual
	if hit(o.country, n) { // who has no power does not come
		there *= min(1, c.weather(float64(o.day-c.storm)+float64(o.minute)/1440))
	}
	put := func(series []float64, minute int, v float64) {
		at(series, minute, v)
		requests += v
	}
	switch o.kind {
	case "exam":
		inside := 0.0
		for m := range a.ExamMinutes {
			if m < len(a.StartShares) {
				put(p.begin, from+m, there*a.StartShares[m]*a.StartRequests)
				inside += a.StartShares[m]
			}
			put(p.exam, from+m, there*inside*a.ExamRequests)
		}
	case "live":
		for m := range a.LiveMinutes {
			if m < 3 {
				put(p.ordinary, from+m, there/3*a.LiveJoinRequests)
			}
			put(p.ordinary, from+m, there*a.LiveRequests)
		}
	case "surprise":
		for m := range 45 {
			if m < len(a.StartShares) {
				put(p.begin, from+m, there*a.StartShares[m]*a.StartRequests)
			}
			put(p.ordinary, from+m, there*a.ExamRequests)
		}
	case "import":
		for m := range 30 {
			at(p.heavy, from+m, there/10_000*a.ImportSeconds/(30*60))
		}
	}
	return requests
}

// day spreads a country's remaining requests over one local day: its curve, with noise that does not change the day's total.
func (p *parts) day(c *calendar, country, d, midnight int, taken float64, rng *rand.Rand, n int) {
	each := c.a.RecordRequests / c.a.RecordUsers
	total := c.users[country][d] * each
	total = max(total-taken, 0.3*total)
	shape := &p.weekday
	if c.free[country][d] {
		shape = &p.freely
	}
	var weight [1440]float64
	sum, noise := 0.0, 0.0
	for m := range weight {
		noise = 0.9*noise + math.Sqrt(1-0.81)*rng.NormFloat64()
		weight[m] = shape[m] * max(0.2, 1+c.a.MinuteNoise*noise)
		sum += weight[m]
	}
	stormy := hit(country, n) && d >= c.storm && d <= c.storm+c.a.StormDays+c.a.StormRecoveryDays+4
	for m := range weight {
		v := total * weight[m] / sum
		if stormy {
			v *= c.weather(float64(d-c.storm) + float64(m)/1440)
		}
		at(p.ordinary, midnight+m, v)
	}
}

// work turns requests into busy processors.
func (l *Load) work(a Assumptions, p *parts) {
	l.Requests = make([]float64, l.Minutes)
	l.Writer, l.Reader = make([]float64, l.Minutes), make([]float64, l.Minutes)
	l.WriterBurst, l.ReaderBurst = make([]float64, l.Minutes), make([]float64, l.Minutes)
	cost := func(reads float64) (writer, reader float64) { // vCPU of one request a minute
		read, write := reads*a.ReadMs/60_000, (1-reads)*a.WriteMs/60_000
		return write + read*(1-a.StaleReads), read * a.StaleReads
	}
	ow, or := cost(a.ReadRequests)
	sw, sr := cost(a.StartReads)
	ew, er := cost(a.ExamReads)
	for m := range l.Minutes {
		o, s, e, h := p.ordinary[m], p.begin[m], p.exam[m], p.heavy[m]
		l.Requests[m] = o + s + e
		l.Writer[m] = o*ow + s*sw + e*ew + h
		l.Reader[m] = o*or + s*sr + e*er
		l.WriterBurst[m] = a.Burst*(o*ow+e*ew+h) + a.StartBurst*s*sw
		l.ReaderBurst[m] = a.Burst*(o*or+e*er) + a.StartBurst*s*sr
	}
}
