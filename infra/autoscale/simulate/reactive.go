package simulate

import "lignum/infra/autoscale"

// reactive changes the class of every instance when the average CPU crosses a threshold: the readers first, one by one, then a
// failover to one of them, then the old writer. It looks at nothing but CPU and knows no calendar.
type reactive struct {
	a           Assumptions
	least, most int // indices of classes
	target      int
	quiet       int // minutes left of the cool-down
}

// newReactive starts at the smallest class and may grow to one above static peak's. It has a reader at least: without one, a
// class change is an outage.
func newReactive(a Assumptions, static shape, readers int) (*reactive, shape) {
	r := &reactive{a: a, most: a.Prices.fixed() - 1}
	if static.Class != serverlessIndex {
		r.most = min(static.Class+1, r.most)
	}
	return r, shape{Class: r.least, Readers: max(readers, 1)}
}

func (r *reactive) tick(_ int, c *cluster) {
	if r.quiet > 0 {
		r.quiet--
	}
	if !c.idle() {
		return
	}
	if r.step(c) || r.quiet > 0 {
		return
	}
	use, ok := r.average(c)
	switch {
	case !ok:
	case use > r.a.ReactiveHigh && r.target < r.most:
		r.target++
	case use < r.a.ReactiveLow && r.target > r.least:
		r.target--
	default:
		return
	}
	r.step(c)
}

// average is the use of the busier of writer and readers, as late as the metrics are.
func (r *reactive) average(c *cluster) (float64, bool) {
	sum := 0.0
	for k := range r.a.ReactiveMinutes {
		s := c.seen(1 + r.a.MetricDelay + k)
		if s == nil {
			return 0, false
		}
		sum += max(s.writerCPU, s.readerCPU)
	}
	return sum / float64(r.a.ReactiveMinutes), true
}

// step takes the next step to the target, if there is one.
func (r *reactive) step(c *cluster) bool {
	ready := -1
	for i := range c.n {
		m := &c.members[i]
		if m.writer {
			continue
		}
		if m.class != r.target {
			m.next, m.away = r.target, r.a.ResizeMinutes
			c.count[resizeReader]++
			return true
		}
		ready = i
	}
	for i := range c.n {
		if c.members[i].writer && c.members[i].class != r.target && ready >= 0 {
			r.quiet = r.a.ReactiveCoolDown + r.a.ResizeMinutes
			return c.do(autoscale.Action{Kind: autoscale.FailOver, Instance: c.members[ready].id}) == nil
		}
	}
	return false
}
