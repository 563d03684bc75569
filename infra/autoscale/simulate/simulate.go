// Package simulate replays a year of database load, minute by minute, and compares five ways to run the cluster: sized once
// for the year's highest minute, class changes on CPU thresholds, Serverless v2 with one wide range, burstable instances that
// are never changed, and the autoscaler's own Decide, Night and Morning, called as the Lambda functions call them. Nothing here reaches a network: what the cluster
// costs, how fast it changes and what learners do are assumptions, each a field of Assumptions with its source.
package simulate

import (
	"fmt"
	"math"
	"time"

	"lignum/infra/autoscale"
)

// Names of the strategies, in the order of the report.
const (
	StaticPeak = "static peak"
	Reactive   = "CPU-reactive"
	Serverless = "Serverless v2 alone"
	Burstable  = "burstable pair"
	Ours       = "ours"
)

// Result is what one strategy made of the year.
type Result struct {
	Strategy      string         `json:"strategy"`
	Sizing        string         `json:"sizing"`         // what it runs on, in words
	Cost          float64        `json:"cost_usd"`       // of the whole time simulated, all clusters
	MinutesOver   int            `json:"minutes_over"`   // p99 above the objective
	OverElsewhere int            `json:"over_elsewhere"` // of those, minutes in which static peak held the objective
	RequestsOver  float64        `json:"requests_over"`  // that came in minutes over the objective
	BelowNeed     int            `json:"below_need"`     // minutes in which more work came than the cluster could do
	WorstP99      float64        `json:"worst_p99_ms"`
	Changes       map[string]int `json:"changes"` // by kind; scaling inside a Serverless range is not a change
	Failovers     int            `json:"failovers"`
	Saving        float64        `json:"saving"` // share of static peak's cost; negative when dearer

	MonthCost [12]float64 `json:"month_cost_usd"`
	Capacity  []float32   `json:"-"` // vCPU that the cluster holds, by minute
	over      []bool
}

// Size is the comparison for one number of countries.
type Size struct {
	Countries int      `json:"countries"`
	Clusters  int      `json:"clusters"` // each strategy needs as many; tenants are divided evenly among them
	Results   []Result `json:"results"`
	Load      *Load    `json:"-"`
}

// Of returns the result of a strategy, or nil when it was not simulated.
func (s *Size) Of(strategy string) *Result {
	for i := range s.Results {
		if s.Results[i].Strategy == strategy {
			return &s.Results[i]
		}
	}
	return nil
}

// A controller runs one strategy: it looks at the cluster at the start of a minute and may change it.
type controller interface {
	tick(minute int, c *cluster)
}

// Compare simulates all strategies for one number of countries, 1 to 30. It fails when the assumptions are wrong or no
// single cluster can hold the year.
func Compare(a Assumptions, countries int) (Size, error) {
	if err := a.Check(); err != nil {
		return Size{}, err
	}
	load, err := NewLoad(a, countries)
	if err != nil {
		return Size{}, err
	}
	settings, err := ladder(a, load)
	if err != nil {
		return Size{}, err
	}
	return compare(a, load, settings)
}

func compare(a Assumptions, load *Load, settings autoscale.Settings) (Size, error) {
	size := Size{Countries: load.Countries, Clusters: 1, Load: load}
	readers := settings.Rungs[settings.DayFloor].Readers // every strategy has ours' standby of the day; only ours changes it at night
	static, err := sizeStatic(a, load, readers)
	if err != nil {
		return Size{}, err
	}
	wide := shape{Class: serverlessIndex, Readers: readers, MinACU: a.AloneMinACU, MaxACU: a.AloneMaxACU}
	own, err := newAutoscaler(a, load, settings)
	if err != nil {
		return Size{}, err
	}
	react, small := newReactive(a, static, readers)
	type run struct {
		name, sizing string
		from         shape
		by           controller
	}
	runs := []run{
		{StaticPeak, static.describe(a), static, nobody{}},
		{Reactive, fmt.Sprintf("%d instances, %s to %s", small.Readers+1, a.Prices.Classes[react.least].Name, a.Prices.Classes[react.most].Name), small, react},
		{Serverless, wide.describe(a), wide, nobody{}},
	}
	if pair, ok := sizeBurstable(a, load, readers); ok {
		runs = append(runs, run{Burstable, pair.describe(a), pair, nobody{}})
	}
	runs = append(runs, run{Ours, describeLadder(settings), own.start(), own})
	for _, r := range runs {
		size.Results = append(size.Results, replay(a, load, r.from, r.by))
		size.Results[len(size.Results)-1].Strategy, size.Results[len(size.Results)-1].Sizing = r.name, r.sizing
	}
	if own.err != nil {
		return Size{}, own.err
	}
	size.relate()
	return size, nil
}

// relate fills in what each strategy is beside static peak, the first.
func (s *Size) relate() {
	base := &s.Results[0]
	for i := range s.Results {
		r := &s.Results[i]
		r.Saving = 1 - r.Cost/base.Cost
		for m := range r.over {
			if r.over[m] && !base.over[m] {
				r.OverElsewhere++
			}
		}
	}
}

// replay runs the whole load through one cluster. The loop allocates nothing of its own.
func replay(a Assumptions, load *Load, from shape, by controller) Result {
	c := newCluster(&a, from, load.HotSetGiB)
	r := Result{Capacity: make([]float32, load.Minutes), over: make([]bool, load.Minutes)}
	month := monthOf(load)
	for m := range load.Minutes {
		by.tick(m, c)
		out := c.minute(load.Writer[m], load.Reader[m], load.WriterBurst[m], load.ReaderBurst[m], load.Requests[m])
		r.Cost += out.cost
		r.MonthCost[month[m/1440]] += out.cost
		r.Capacity[m] = float32(out.capacity)
		r.WorstP99 = math.Max(r.WorstP99, out.p99)
		if out.p99 > a.ObjectiveMs {
			r.MinutesOver++
			r.RequestsOver += load.Requests[m]
			r.over[m] = true
		}
		if out.short {
			r.BelowNeed++
		}
	}
	for i := range c.n {
		c.leave(&c.members[i])
	}
	r.Cost += c.owed
	r.Changes, r.Failovers = c.changed(), c.count[failOver]
	return r
}

// monthOf returns the month (0 to 11) of each day simulated.
func monthOf(load *Load) []int {
	days := make([]int, (load.Minutes+1439)/1440)
	for d := range days {
		days[d] = int(load.Start.Add(time.Duration(d)*24*time.Hour).Month()) - 1
	}
	return days
}

// nobody changes nothing: static peak and Serverless v2 alone.
type nobody struct{}

func (nobody) tick(int, *cluster) {}
