package autoscale

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// MaxReaders is what Aurora allows beside the writer.
const MaxReaders = 15

// serverless is a rung of Aurora Serverless v2. One reader is there on every rung, by night too: it takes over when the writer
// fails, and the template makes it. All rungs of an installation share their upper limit: memory settings such
// as the connection limit follow from it, and to change it takes a restart.
func serverless(readers int, least, most float64) Rung {
	name := fmt.Sprintf("%g to %g ACU, %d reader", least, most, readers)
	if readers != 1 {
		name += "s"
	}
	return Rung{Name: name, Class: Serverless, Readers: readers, MinACU: least, MaxACU: most, VCPU: least * VCPUPerACU}
}

// burstable is a rung of two instances or more of a burstable class with two vCPU. RDS runs them in unlimited mode: one without
// credits is not slowed down but charged for, and AWS recommends them for loads whose average is below the baseline.
func burstable(class string, readers int, baseline float64) Rung {
	return Rung{Name: fmt.Sprintf("%d x %s", readers+1, class), Class: class, Readers: readers, VCPU: 2 * burstableSpeed, Baseline: baseline}
}

// provisioned is a rung of two instances or more of a class with 2 vCPU, 4, and so on.
func provisioned(class string, readers int, vcpu float64) Rung {
	return Rung{Name: fmt.Sprintf("%d x %s", readers+1, class), Class: class, Readers: readers, VCPU: vcpu}
}

// DefaultSettings are those of an installation of a size: small (a college), country, region (many countries). Any other
// size is an error.
func DefaultSettings(size string) (Settings, error) {
	s := Settings{
		DayFloor: 0, TargetUse: 0.5, HighUse: 0.75, ReadShare: 0.5, CreditsLeft: 60, Connections: 400,
		LeadTime: time.Hour, UpCoolDown: 3 * time.Minute, DownCoolDown: 15 * time.Minute, Stale: 5 * time.Minute,
	}
	for _, zone := range []string{"America/Jamaica", "America/Nassau", "America/Guyana", "America/Port_of_Spain", "America/Belize",
		"America/Paramaribo"} {
		s.Nights = append(s.Nights, NightHours{zone, "23:00", "05:30"})
	}
	ladder := func(readers int, most float64, acus ...float64) {
		for _, least := range acus {
			s.Rungs = append(s.Rungs, serverless(readers, least, most))
		}
	}
	switch size {
	// Classes, because a vCPU of theirs costs a third of what one of Serverless does, and the smallest pair holds thirty
	// countries as the reference describes them. A step between two of them moves the writer, so steps are few, a step has to
	// be done before an exam begins, and a learner must not be thought dearer than one is: who starts an exam sends eight
	// requests of 0.7 ms of the database's processor within a minute, who joins a live class three; an import takes 0.12 ms a row (50,000 users in 3 s on two cores), doubled.
	case "small", "country":
		s.Reserve = 0.3
		s.PerLearner = map[string]float64{"exam": 0.0001, "live": 0.00004, "import": 0.000004}
		s.Rungs = []Rung{burstable("db.t4g.medium", 1, 0.2), burstable("db.t4g.large", 1, 0.3),
			provisioned("db.r8g.large", 1, 2), provisioned("db.r8g.xlarge", 1, 4)}
		if size == "country" {
			s.Rungs = append(s.Rungs, provisioned("db.r8g.2xlarge", 1, 8), provisioned("db.r8g.4xlarge", 1, 16))
		}
	// Serverless, because so large a load rises and falls by many processors each day, and a set_range hurts nobody. Most of it
	// are reads. A learner in an exam sends a request in two seconds at the peak, one in a live class one in ten, an import some
	// 200 rows a second whoever is in it: on these fine steps too much costs little.
	case "region":
		s.DayFloor, s.TargetUse, s.ReadShare, s.LeadTime, s.Connections = 1, 0.4, 0.7, 30*time.Minute, 2000
		s.PerLearner = map[string]float64{"exam": 0.0004, "live": 0.0001, "import": 0.00002}
		ladder(1, 256, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
		ladder(2, 256, 32, 48, 64, 96)
		ladder(3, 256, 96, 128, 192, 256)
	default:
		return Settings{}, fmt.Errorf("size %q: must be small, country or region", size)
	}
	return s, nil
}

// Check returns an error that names everything that is wrong.
func (s Settings) Check() error {
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	between := func(name string, v, low, high float64) {
		if !(v >= low && v <= high) {
			bad("%s must be between %g and %g, is %g", name, low, high, v)
		}
	}
	lasts := func(name string, v, low, high time.Duration) {
		if v < low || v > high {
			bad("%s must be between %s and %s, is %s", name, low, high, v)
		}
	}
	between("target_use", s.TargetUse, 0.1, 0.9)
	between("high_use", s.HighUse, s.TargetUse, 1)
	between("read_share", s.ReadShare, 0, 0.95)
	between("reserve", s.Reserve, 0, 64)
	between("connections", s.Connections, 10, 5000)
	between("credits_left", s.CreditsLeft, 0, 1000)
	lasts("lead_time", s.LeadTime, time.Minute, 24*time.Hour)
	lasts("up_cool_down", s.UpCoolDown, 0, time.Hour)
	lasts("down_cool_down", s.DownCoolDown, s.UpCoolDown, 24*time.Hour)
	lasts("stale", s.Stale, time.Minute, time.Hour)
	if len(s.Rungs) == 0 || s.DayFloor < 0 || s.DayFloor >= len(s.Rungs) {
		bad("day_floor must be the index of a rung, 0 to %d, is %d", len(s.Rungs)-1, s.DayFloor)
	}
	for i, r := range s.Rungs {
		for _, w := range r.problems() {
			bad("rungs[%d] (%s): %s", i, r.Name, w)
		}
		if i == 0 {
			continue
		}
		before := s.Rungs[i-1]
		held, had := r.Capacity(s.ReadShare), before.Capacity(s.ReadShare)
		if held < had || held == had && r.lasting() <= before.lasting() {
			bad("rungs[%d] (%s) must hold more than the one before it, or the same for longer", i, r.Name)
		}
		if r.Readers < before.Readers || r.VCPU < before.VCPU || r.lasting() < before.lasting() { // or a step down would have to add something
			bad("rungs[%d] (%s) must not have fewer readers, a smaller vcpu or a smaller baseline's vcpu than the one before it", i, r.Name)
		}
	}
	zones := map[string]bool{}
	for i, n := range s.Nights {
		for _, w := range n.problems() {
			bad("nights[%d]%s", i, w)
		}
		if zones[n.Zone] {
			bad("nights[%d].zone: %s has a night already", i, n.Zone)
		}
		zones[n.Zone] = true
	}
	for _, kind := range slices.Sorted(maps.Keys(s.PerLearner)) {
		between("per_learner."+kind, s.PerLearner[kind], 0, 1)
	}
	if len(wrong) == 0 {
		return nil
	}
	return errors.New("the autoscaler's settings are not right:\n  - " + strings.Join(wrong, "\n  - "))
}

// longestNight is the longest that a night may be: what is longer is rather a slip of the pen.
const longestNight = 16 * time.Hour

func (n NightHours) problems() (wrong []string) {
	if _, err := location(n.Zone); err != nil || n.Zone == "" {
		wrong = append(wrong, fmt.Sprintf(".zone: %q is not a time zone", n.Zone))
	}
	from, err1 := time.Parse("15:04", n.From)
	until, err2 := time.Parse("15:04", n.Until)
	if err1 != nil || err2 != nil || from.Equal(until) {
		return append(wrong, ": from and until must be two different times written HH:MM")
	}
	if long := (until.Sub(from) + 24*time.Hour) % (24 * time.Hour); long > longestNight {
		wrong = append(wrong, fmt.Sprintf(": the night lasts %s, more than %s", long, longestNight))
	}
	return wrong
}

func (r Rung) problems() (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if r.Name == "" || !strings.HasPrefix(r.Class, "db.") {
		bad("needs a name and an instance class such as db.serverless")
	}
	if r.Readers < 0 || r.Readers > MaxReaders {
		bad("readers must be 0 to %d", MaxReaders)
	}
	half := func(v float64) bool { return v*2 == float64(int(v*2)) }
	if r.Class == Serverless && (r.MinACU < 0.5 || r.MaxACU > 256 || r.MinACU > r.MaxACU || !half(r.MinACU) || !half(r.MaxACU)) {
		bad("min_acu and max_acu must be steps of 0.5 from 0.5 to 256, the first at most the second")
	}
	if r.Class != Serverless && (r.MinACU != 0 || r.MaxACU != 0) {
		bad("a provisioned class has no ACU range")
	}
	if !(r.VCPU > 0 && r.VCPU <= 256) {
		bad("vcpu must be above 0 and at most 256")
	}
	if bursts := strings.HasPrefix(r.Class, burstableClass); bursts && !(r.Baseline > 0 && r.Baseline < 1) || !bursts && r.Baseline != 0 {
		bad("baseline must be above 0 and below 1 for a burstable class (db.t...), and is for no other")
	}
	return wrong
}
