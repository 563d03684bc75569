package simulate

import (
	"fmt"
	"math"
	"time"

	"lignum/infra/autoscale"
)

const serverlessIndex = -1 // in place of an index into Prices.Classes

const mostInstances = 16 // Aurora: a writer and 15 readers

// Kinds of change, as indices.
const (
	setRange = iota
	addReader
	removeReader
	resizeReader
	failOver
	kinds
)

var kindNames = [kinds]string{autoscale.SetRange, autoscale.AddReader, autoscale.RemoveReader, autoscale.ResizeReader, autoscale.FailOver}

// shape is what a cluster starts with; all instances are alike.
type shape struct {
	Class          int
	Readers        int
	MinACU, MaxACU float64
}

// member is one instance.
type member struct {
	id      string
	class   int
	writer  bool
	away    int // minutes until it answers; 0: available
	next    int // class after the minutes away
	fresh   bool
	acu     float64
	warm    float64 // GiB of the hot set in its cache
	credits float64 // vCPU-minutes of a burstable class; below 0: borrowed
	created time.Time
}

// sample is what CloudWatch would have of one minute.
type sample struct {
	writerCPU, readerCPU, acu, readerACU, connections, borrow, queue float64

	credits  float64 // the fewest of any burstable instance
	bursting bool    // there is one
}

// cluster is the model of an Aurora cluster, advanced a minute at a time.
type cluster struct {
	a        *Assumptions
	hot      float64 // GiB
	now      time.Time
	members  [mostInstances]member
	n        int
	min, max float64 // Serverless range
	waitingW float64 // backlog, vCPU-seconds
	waitingR float64
	failing  bool    // a failover happens in this minute
	owed     float64 // USD for borrowed credits, to be paid in this minute
	count    [kinds]int
	history  [64]sample // ring, by minute
	minutes  int
}

// outcome is what a minute was like.
type outcome struct {
	cost, capacity, p99 float64
	short               bool // more work came than could be done
}

func newCluster(a *Assumptions, from shape, hot float64) *cluster {
	c := &cluster{a: a, hot: hot, min: from.MinACU, max: from.MaxACU}
	for i := range from.Readers + 1 {
		c.join(names[i], from.Class, 0)
		c.members[i].writer = i == 0
		c.members[i].warm = min(hot, c.memory(&c.members[i])*a.CacheShare)
	}
	return c
}

// names are those of the instances that a cluster begins with, the writer's first.
var names = func() (out [mostInstances]string) {
	out[0] = clusterName + "-writer"
	for i := 1; i < len(out); i++ {
		out[i] = fmt.Sprintf("%s-reader-%d", clusterName, i)
	}
	return out
}()

const clusterName = "lignum"

// join puts an instance into the cluster that answers after some minutes.
func (c *cluster) join(id string, class, away int) {
	c.members[c.n] = member{id: id, class: class, next: class, away: away, fresh: away > 0, acu: c.min, created: c.now}
	c.n++
}

func (c *cluster) memory(m *member) float64 {
	if m.class == serverlessIndex {
		return 2 * m.acu
	}
	return c.a.Prices.Classes[m.class].GiB
}

// idle says whether every instance answers.
func (c *cluster) idle() bool {
	for i := range c.n {
		if c.members[i].away > 0 {
			return false
		}
	}
	return true
}

func (c *cluster) changed() map[string]int {
	out := map[string]int{}
	for k, n := range c.count {
		out[kindNames[k]] = n
	}
	return out
}

// minute does the work of one minute: vCPU for the writer alone, for readers, the same in the busiest seconds, and requests.
func (c *cluster) minute(w, r, wb, rb, requests float64) outcome {
	readers := c.arrive()
	if readers == 0 {
		w, r, wb, rb = w+r, 0, wb+rb, 0
	}
	var out outcome
	var writer, reader served
	each, eachBurst := 0.0, 0.0
	if readers > 0 {
		each, eachBurst = r/float64(readers), rb/float64(readers)
	}
	want := c.wanted(w)
	reader.capacity = -1
	for i := range c.n {
		m := &c.members[i]
		if m.writer {
			writer = c.serve(m, w, wb, want, &c.waitingW, readers)
			out.cost += writer.cost
			continue
		}
		if m.away > 0 {
			out.cost += c.away(m)
			continue
		}
		one := c.serve(m, each, eachBurst, max(want, c.wanted(each)), nil, readers)
		out.cost += one.cost
		if reader.capacity < 0 || one.capacity < reader.capacity {
			reader = one
		}
	}
	if readers > 0 {
		c.settle(&reader, &c.waitingR)
	} else {
		c.waitingW, c.waitingR = c.waitingW+c.waitingR, 0
		reader.capacity = 0
	}
	out.p99 = max(writer.p99, reader.p99)
	if c.failing {
		out.p99 += c.a.FailoverSeconds * 1000
	}
	out.cost += c.owed
	c.owed = 0
	out.short = writer.load > writer.capacity || readers > 0 && reader.load > reader.capacity
	out.capacity = writer.capacity + float64(readers)*reader.capacity
	c.note(writer, reader, readers, requests)
	c.failing = false
	return out
}

// served is one instance's minute.
type served struct {
	cost, capacity, load, burst, use, p99, acu float64
}

// arrive counts the minutes of those who are away down, and gives the readers that answer.
func (c *cluster) arrive() (readers int) {
	for i := range c.n {
		m := &c.members[i]
		if m.away > 0 {
			c.leave(m)
			if m.away--; m.away == 0 {
				m.class, m.warm, m.fresh, m.credits = m.next, 0, false, 0
				m.acu = max(c.min, min(m.acu, c.max))
			}
		}
		if m.away == 0 && !m.writer {
			readers++
		}
	}
	return readers
}

// away is what an instance costs while it does not answer.
func (c *cluster) away(m *member) float64 {
	if m.next == serverlessIndex {
		return max(m.acu, c.min) * c.a.Prices.ACU / 60
	}
	return c.a.Prices.Classes[m.next].Hour / 60
}

// wanted is the capacity at which Serverless v2 would serve a load, in ACU.
func (c *cluster) wanted(load float64) float64 {
	return (load + c.a.BackgroundVCPU) / c.a.ServerlessUse / autoscale.VCPUPerACU
}

// serve moves an instance's capacity, warms its cache and does its work. Readers settle their backlog together: backlog is nil.
func (c *cluster) serve(m *member, load, burst, want float64, backlog *float64, readers int) served {
	s, speed := served{}, 1.0
	if m.class == serverlessIndex {
		from := m.acu
		want = math.Ceil(2*want) / 2 // Aurora moves in steps of half a unit
		m.acu = min(max(want, from-c.a.DownACU, c.min), from+max(c.a.UpACU, c.a.UpShare*from), max(c.max, from-c.a.DownACU))
		s.acu = (from + m.acu) / 2
		s.cost, s.capacity = s.acu*c.a.Prices.ACU/60, s.acu*autoscale.VCPUPerACU
	} else {
		class := &c.a.Prices.Classes[m.class]
		s.cost, s.capacity, speed = class.Hour/60, class.work(), class.speed()
		if class.Baseline > 0 && c.a.CreditMode == Standard { // with no credit left it does what it earns
			s.capacity = min(s.capacity, (class.Baseline*class.VCPU+m.credits)*speed)
		}
	}
	if m.away > 0 { // a writer whose class changes answers nothing
		s.capacity = 1e-3
	}
	m.warm = min(m.warm+c.a.WarmGiB, c.hot, c.memory(m)*c.a.CacheShare)
	cold := 0.0
	if c.hot > 0 {
		cold = 1 - m.warm/c.hot
	}
	s.load = load*(1+c.a.ColdCost*cold) + c.a.BackgroundVCPU
	s.burst = burst*(1+c.a.ColdCost*cold) + c.a.BackgroundVCPU
	s.p99 = c.a.BaseMs + c.a.ServiceMs/min(speed, s.capacity) + c.a.ColdMs*cold
	waits := c.waitingR / max(1, float64(readers))
	if backlog != nil {
		waits = *backlog
		c.settle(&s, backlog)
	}
	c.spend(m, min(s.capacity, s.load+waits/60)/speed)
	return s
}

// spend takes the credits of a minute's work, in the instance's own vCPU, and gives those that it earns. What is borrowed beyond
// a day's earnings is charged for at once; the rest when the instance goes, unless it was earned again before.
func (c *cluster) spend(m *member, vcpu float64) {
	if m.class == serverlessIndex || c.a.Prices.Classes[m.class].Baseline == 0 {
		return
	}
	class := &c.a.Prices.Classes[m.class]
	most := class.mostCredits()
	m.credits = min(m.credits+class.Baseline*class.VCPU-vcpu, most)
	if least := -most; c.a.CreditMode == Standard {
		m.credits = max(0, m.credits)
	} else if m.credits < least {
		c.owed += (least - m.credits) / 60 * c.a.Prices.Credit
		m.credits = least
	}
}

// leave pays for what an instance has borrowed when it is stopped or its class is changed.
func (c *cluster) leave(m *member) {
	c.owed += max(0, -m.credits) / 60 * c.a.Prices.Credit
	m.credits = 0
}

// settle adds waiting to an instance's minute and carries its backlog on.
func (c *cluster) settle(s *served, backlog *float64) {
	before := *backlog
	s.use = min(1, (s.load+before/60)/s.capacity)
	*backlog = max(0, before+(s.load-s.capacity)*60)
	behind := max(before, *backlog, before+(s.burst-s.capacity)*c.a.BurstSeconds)
	s.p99 += waiting(s.burst, s.capacity, (c.a.ReadMs+c.a.WriteMs)/2) + 1000*behind/s.capacity
}

// note keeps the minute as CloudWatch would.
func (c *cluster) note(writer, reader served, readers int, requests float64) {
	s := &c.history[c.minutes%len(c.history)]
	behind := c.waitingW/writer.capacity + c.waitingR/max(reader.capacity, 1e-3)*float64(min(readers, 1))
	*s = sample{writerCPU: writer.use, readerCPU: reader.use, acu: writer.acu, readerACU: reader.acu, borrow: 0.002 + behind,
		queue: (c.waitingW + c.waitingR) * 2000 / (c.a.ReadMs + c.a.WriteMs)}
	const perGiB = 50 // connections that memory allows
	for i := range c.n {
		m := &c.members[i]
		if m.writer {
			s.connections = min(1, requests/60*(0.02+behind)/(perGiB*c.memory(m)))
		}
		if m.class != serverlessIndex && m.away == 0 && c.a.Prices.Classes[m.class].Baseline > 0 && (!s.bursting || m.credits < s.credits) {
			s.credits, s.bursting = m.credits, true
		}
	}
	c.minutes++
	c.now = c.now.Add(time.Minute)
}

// seen is the sample of some minutes ago; 1 is the minute just over. It is nil before there is one.
func (c *cluster) seen(ago int) *sample {
	if c.minutes < ago || ago >= len(c.history) {
		return nil
	}
	return &c.history[(c.minutes-ago)%len(c.history)]
}
