package simulate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"lignum/infra/autoscale"
)

// ladder returns the autoscaler's settings for a load: its defaults, with the night of every zone.
func ladder(a Assumptions, load *Load) (autoscale.Settings, error) {
	size := a.LadderSize
	if size == "" {
		size = sizeFor(a, load.Countries)
	}
	s, err := autoscale.DefaultSettings(size)
	if err != nil {
		return s, err
	}
	night := autoscale.NightHours{From: "23:30", Until: "05:00"}
	if len(s.Nights) > 0 {
		night = s.Nights[0]
	}
	s.Nights = nil
	for _, zone := range load.Zones {
		s.Nights = append(s.Nights, autoscale.NightHours{Zone: zone, From: night.From, Until: night.Until})
	}
	return s, s.Check()
}

// sizeFor is the size of an installation that an operator would choose, by the users of the record day.
func sizeFor(a Assumptions, n int) string {
	users := 0.0
	for _, c := range countries[:n] {
		users += c.size * a.RecordUsers * a.Scale
	}
	switch {
	case users <= 50_000:
		return "small"
	case users <= 200_000:
		return "country"
	}
	return "region"
}

func describeLadder(s autoscale.Settings) string {
	low, day, high := s.Rungs[0], s.Rungs[s.DayFloor], s.Rungs[len(s.Rungs)-1]
	return fmt.Sprintf("%d rungs: asleep %s, by day %s, at most %s", len(s.Rungs), describeRung(low), describeRung(day), describeRung(high))
}

func describeRung(r autoscale.Rung) string {
	if r.Class == autoscale.Serverless {
		return fmt.Sprintf("%d x %g to %g ACU", r.Readers+1, r.MinACU, r.MaxACU)
	}
	return fmt.Sprintf("%d x %s", r.Readers+1, r.Class)
}

// zoneCall is the schedule's call of the night or the morning function.
type zoneCall struct {
	minute  int
	zone    string
	morning bool
}

// autoscaler runs the autoscaler's functions on a cluster, as its Lambda functions would.
type autoscaler struct {
	a        Assumptions
	load     *Load
	settings autoscale.Settings
	memory   autoscale.Memory
	calls    []zoneCall
	seen     []autoscale.Instance
	from, to int // events within the forecast: load.Events[from:to]
	err      error
}

func newAutoscaler(a Assumptions, load *Load, s autoscale.Settings) (*autoscaler, error) {
	o := &autoscaler{a: a, load: load, settings: s, seen: make([]autoscale.Instance, 0, mostInstances)}
	for _, n := range s.Nights {
		loc, err := time.LoadLocation(n.Zone)
		if err != nil {
			return nil, err
		}
		for d := range a.Days {
			for _, at := range []string{n.From, n.Until} {
				clock, err := time.Parse("15:04", at)
				if err != nil {
					return nil, fmt.Errorf("the night of %s: %w", n.Zone, err)
				}
				minute := int(time.Date(a.Year, 1, 1+d, clock.Hour(), clock.Minute(), 0, 0, loc).Sub(load.Start).Minutes())
				o.calls = append(o.calls, zoneCall{minute, n.Zone, at == n.Until})
			}
		}
	}
	slices.SortStableFunc(o.calls, func(x, y zoneCall) int { return cmp.Compare(x.minute, y.minute) })
	return o, nil
}

// start is the day's floor: the cluster as CloudFormation makes it.
func (o *autoscaler) start() shape {
	r := o.settings.Rungs[o.settings.DayFloor]
	return shape{Class: o.class(r.Class), Readers: r.Readers, MinACU: r.MinACU, MaxACU: r.MaxACU}
}

func (o *autoscaler) class(name string) int {
	if name == autoscale.Serverless {
		return serverlessIndex
	}
	return o.a.class(name)
}

func (o *autoscaler) tick(minute int, c *cluster) {
	now := o.load.Start.Add(time.Duration(minute) * time.Minute)
	c.now = now
	for len(o.calls) > 0 && o.calls[0].minute <= minute {
		call := o.calls[0]
		o.calls = o.calls[1:]
		if call.morning {
			o.obey(c, autoscale.Morning(o.input(now, c), call.zone))
		} else {
			o.obey(c, autoscale.Night(o.input(now, c), call.zone))
		}
	}
	o.obey(c, autoscale.Decide(o.input(now, c)))
}

func (o *autoscaler) obey(c *cluster, d autoscale.Decision) {
	o.memory = d.Memory
	if err := c.do(d.Action); err != nil && o.err == nil {
		o.err = fmt.Errorf("at %s the autoscaler decided what RDS would refuse: %w (%s)", d.At.Format(time.RFC3339), err, strings.Join(d.Reasons, "; "))
	}
}

// input is what the functions would see: metrics late by MetricDelay, a forecast of some hours.
func (o *autoscaler) input(now time.Time, c *cluster) autoscale.Input {
	in := autoscale.Input{Now: now, Events: o.events(now), ForecastAt: now, Memory: o.memory, Settings: o.settings}
	in.Observed = autoscale.Observed{Cluster: clusterName, Status: "available", Instances: o.instances(c), MinACU: c.min, MaxACU: c.max}
	s := c.seen(1 + o.a.MetricDelay)
	if s == nil {
		return in
	}
	read := func(v float64) autoscale.Reading {
		return autoscale.Reading{Value: v, At: now.Add(-time.Duration(o.a.MetricDelay) * time.Minute)}
	}
	// CloudWatch has credits of every fifth minute.
	late := o.a.MetricDelay + (c.minutes-1-o.a.MetricDelay)%5
	if s := c.seen(1 + late); s != nil && s.bursting {
		in.Observed.Credits = autoscale.Reading{Value: s.credits, At: now.Add(-time.Duration(late) * time.Minute)}
	}
	in.Observed.WriterCPU, in.Observed.Connections = read(s.writerCPU), read(s.connections)
	in.Observed.Borrow, in.Observed.Queue, in.Observed.ReplicaLag = read(s.borrow), read(s.queue), read(0.02)
	if c.n > 1 {
		in.Observed.ReaderCPU = read(s.readerCPU)
	}
	if s.acu > 0 {
		in.Observed.ACU = read(s.acu)
	}
	if s.readerACU > 0 {
		in.Observed.ReaderACU = read(s.readerACU)
	}
	return in
}

func (o *autoscaler) instances(c *cluster) []autoscale.Instance {
	o.seen = o.seen[:0]
	for i := range c.n {
		m := &c.members[i]
		one := autoscale.Instance{ID: m.id, Class: autoscale.Serverless, Status: "available", Writer: m.writer, Created: m.created}
		if m.next != serverlessIndex {
			one.Class = o.a.Prices.Classes[m.next].Name
		}
		if m.away > 0 {
			if one.Status = "modifying"; m.fresh {
				one.Status = "creating"
			}
		}
		o.seen = append(o.seen, one)
	}
	return o.seen
}

// events are those of the forecast that are not over, without copying: the calendar is sorted by start.
func (o *autoscaler) events(now time.Time) []autoscale.Event {
	all, until := o.load.Events, now.Add(time.Duration(o.a.ForecastHours)*time.Hour)
	for o.to < len(all) && all[o.to].Start.Before(until) {
		o.to++
	}
	for o.from < o.to && all[o.from].End.Before(now) {
		o.from++
	}
	return all[o.from:o.to]
}
