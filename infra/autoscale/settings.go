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
	return Rung{name, Serverless, readers, least, most, least * VCPUPerACU}
}

// DefaultSettings are those of an installation of a size: small (a college), country, region (many countries). Any other
// size is an error.
func DefaultSettings(size string) (Settings, error) {
	s := Settings{
		DayFloor: 1, TargetUse: 0.4, HighUse: 0.75, ReadShare: 0.5,
		LeadTime: 30 * time.Minute, UpCoolDown: 3 * time.Minute, DownCoolDown: 15 * time.Minute, Stale: 5 * time.Minute,
		// A signed-in read costs 0.7 ms of the database's processor, an answer saved 0.5 ms; a learner in an exam sends one
		// in two seconds at the peak, one in a live class one in ten, an import some 200 rows a second whoever is in it.
		PerLearner: map[string]float64{"exam": 0.0004, "live": 0.0001, "import": 0.00002},
	}
	for _, zone := range []string{"America/Jamaica", "America/Nassau", "America/Guyana", "America/Port_of_Spain", "America/Belize",
		"America/Paramaribo"} {
		s.Nights = append(s.Nights, NightHours{zone, "23:00", "05:30"})
	}
	// The steps are fine because a set_range hurts nobody and half an ACU too much costs for a whole year.
	ladder := func(readers int, most float64, acus ...float64) {
		for _, least := range acus {
			s.Rungs = append(s.Rungs, serverless(readers, least, most))
		}
	}
	switch size {
	case "small": // a surprise is large beside so small a load, and has room of its own
		s.Reserve = 0.17
		ladder(1, 16, 0.5, 1, 1.5, 2, 3, 4, 6, 8)
	case "country": // with ten countries and more the ordinary load's own room is enough for a surprise
		s.TargetUse, s.DayFloor = 0.35, 0
		ladder(1, 64, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)
	case "region": // most of so large a load are reads
		s.ReadShare = 0.7
		ladder(1, 256, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
		ladder(2, 256, 32, 48, 64, 96)
		ladder(3, 256, 96, 128, 192, 256)
	default:
		return Settings{}, fmt.Errorf("size %q: must be small, country or region", size)
	}
	return s, nil
}

// Check gives an error that names everything that is wrong.
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
		if i > 0 && r.Capacity(s.ReadShare) <= s.Rungs[i-1].Capacity(s.ReadShare) {
			bad("rungs[%d] (%s) must hold more than the one before it", i, r.Name)
		}
		if i > 0 && (r.Readers < s.Rungs[i-1].Readers || r.VCPU < s.Rungs[i-1].VCPU) { // or a step down would have to add something
			bad("rungs[%d] (%s) must not have fewer readers or a smaller vcpu than the one before it", i, r.Name)
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
	return wrong
}
