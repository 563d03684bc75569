package autoscale

import (
	"fmt"
	"maps"
	"sync"
	"time"
)

// Night lets a zone sleep until its morning, unless an exam, an import or high load is on or near, the load or the forecast
// is not known, or it is not night there; then it decides as Decide does. The cluster sleeps, and may shrink to the first
// rung, while all zones do.
func Night(in Input, zone string) Decision {
	m := remembered(&in)
	v := judge(&in, &m)
	until, why := nightUntil(&in.Settings, zone, in.Now)
	switch {
	case why != "":
	case !v.forecast:
		why = "the forecast is not known"
	case v.near != "":
		why = v.near + " is on or near"
	case !v.known:
		why = "the load is not known"
	case v.pressure != "":
		why = v.pressure
	}
	first := fmt.Sprintf("%s does not go to sleep: %s", zone, why)
	if why == "" {
		in.Memory.Night = maps.Clone(in.Memory.Night)
		if in.Memory.Night == nil {
			in.Memory.Night = map[string]time.Time{}
		}
		in.Memory.Night[zone] = until
		first = fmt.Sprintf("%s sleeps until %s", zone, until.UTC().Format("15:04 MST"))
	}
	d := decide(&in, false)
	d.Reasons = append([]string{first}, d.Reasons...)
	return d
}

// Morning wakes a zone and restores the day's floor at once, whether or not the night function ever ran.
func Morning(in Input, zone string) Decision {
	in.Memory.Night = maps.Clone(in.Memory.Night)
	delete(in.Memory.Night, zone)
	d := decide(&in, true)
	d.Reasons = append([]string{zone + " wakes up"}, d.Reasons...)
	return d
}

// asleep reports whether every zone has been let sleep and has its night now. A mark alone is not enough: it may have been
// set by a clock that was wrong, or the hours may have been changed since.
func asleep(s *Settings, m *Memory, now time.Time) bool {
	for _, n := range s.Nights {
		if !now.Before(m.Night[n.Zone]) {
			return false
		}
		if _, ok := n.at(now); !ok {
			return false
		}
	}
	return len(s.Nights) > 0
}

// nightUntil is when the night that a zone has now ends, or why there is none.
func nightUntil(s *Settings, zone string, now time.Time) (time.Time, string) {
	for _, n := range s.Nights {
		if n.Zone != zone {
			continue
		}
		if until, ok := n.at(now); ok {
			return until, ""
		}
		return time.Time{}, fmt.Sprintf("it is not night there (%s to %s)", n.From, n.Until)
	}
	return time.Time{}, "it has no night in the settings"
}

// at returns the end of the night that the zone has at a time, and whether it has one then.
func (n NightHours) at(now time.Time) (until time.Time, night bool) {
	loc, err := location(n.Zone)
	from, ok1 := clock(n.From)
	to, ok2 := clock(n.Until)
	if err != nil || !ok1 || !ok2 {
		return time.Time{}, false
	}
	over := 0
	if to <= from {
		over = 1 // it ends on the day after
	}
	y, m, d := now.In(loc).Date()
	for _, day := range []int{d - 1, d} {
		begin, end := local(y, m, day, from, loc), local(y, m, day+over, to, loc)
		if !now.Before(begin) && now.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// clock reads HH:MM as the minutes since midnight. It is asked each minute for each zone, and time.Parse takes ten times as long.
func clock(text string) (minutes int, ok bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	for _, i := range []int{0, 1, 3, 4} {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	h, m := int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	return 60*h + m, h < 24 && m < 60
}

// local is the first instant of a day at which the zone's clocks show a time or, when a change of clocks skips it, a later one.
func local(y int, m time.Month, d, minutes int, loc *time.Location) time.Time {
	t := time.Date(y, m, d, 0, minutes, 0, 0, loc)
	begin, end := t.ZoneBounds()
	wanted := time.Date(y, m, d, 0, minutes, 0, 0, time.UTC)
	shown := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
	switch shown.Compare(wanted) { // not the same: it is skipped, and t on one side of the change or the other
	case 1:
		return begin
	case -1:
		return end
	}
	if !begin.IsZero() { // shown twice: t may be the second time
		_, now := t.Zone()
		_, before := begin.Add(-time.Second).Zone()
		if first := t.Add(time.Duration(now-before) * time.Second); first.Before(begin) {
			return first
		}
	}
	return t
}

var locations sync.Map // name -> *time.Location; LoadLocation reads a file each time

func location(name string) (*time.Location, error) {
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err == nil {
		locations.Store(name, loc)
	}
	return loc, err
}
