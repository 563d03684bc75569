package autoscale

import (
	"fmt"
	"time"
)

// Thresholds that no installation needs to choose.
const (
	clippedUse    = 0.9             // above this share the load may be larger than it shows
	queueLimit    = 5               // transactions waiting in the API
	borrowLimit   = 0.05            // seconds to borrow a connection from the proxy
	lagLimit      = 1.0             // seconds of replica lag above which nothing is taken away
	comeBack      = 0.8             // a rung is left downwards only if the lower one would be used to this part of TargetUse
	undoneWithin  = time.Hour       // no step down that a known event would undo within it
	classWithin   = 24 * time.Hour  // nor one to a smaller class that the usual load or a known event would undo within this
	forecastStale = 2 * time.Hour   // an older forecast counts as missing: tenants publish every ten minutes
	tooNew        = 2 * time.Minute // a time further in the future than clocks differ counts as missing
)

// Decide returns the one step to take now, or none, with its reasons. It is a pure function: the same input gives the same
// decision, and the input is left as it was. It plans nothing ahead: each call starts from what is observed, so that a run
// that died, ran twice or met a change by hand does no harm.
func Decide(in Input) Decision { return decide(&in, false) }

func decide(in *Input, morning bool) Decision {
	s := &in.Settings
	if len(s.Rungs) == 0 || s.DayFloor < 0 || s.DayFloor >= len(s.Rungs) {
		return Decision{At: in.Now, Now: -1, Memory: in.Memory,
			Reasons: []string{"the settings have no rungs, or no day floor among them: nothing is changed"}}
	}
	m := remembered(in)
	v := judge(in, &m)
	d := Decision{At: in.Now, Load: v.load, Now: v.exact}
	say := func(format string, args ...any) { d.Reasons = append(d.Reasons, fmt.Sprintf(format, args...)) }
	v.learn(&m)
	d.Rung, d.Need = v.target(&m, say)
	if v.near != "" {
		say("%s is on or near", v.near)
	}
	if v.floor() < s.DayFloor {
		say("all zones are asleep")
	}
	quiet := v.quiet(&m, d.Rung)
	d.Action = v.next(&m, d.Rung, quiet, morning, say)
	if d.Action.Kind != "" {
		begun := d.Action
		m.Pending, m.LastAction = &begun, in.Now
		if d.Rung > v.counts {
			m.LastUp = in.Now
		}
	}
	d.Memory = m
	return d
}

// next is the action to begin now, or none.
func (v *view) next(m *Memory, target int, quiet, morning bool, say func(string, ...any)) Action {
	s, o, now := &v.in.Settings, &v.in.Observed, v.in.Now
	if h := m.Hold; now.Before(h.Until) {
		say("held by %s until %s (%s): nothing is changed", h.By, h.Until.UTC().Format("2 Jan 15:04 MST"), h.Reason)
		return Action{}
	}
	if why := busy(o); why != "" {
		say("%s: one change at a time", why)
		return Action{}
	}
	if p := m.Pending; p != nil {
		if !settled(p, o, now) {
			say("%s, begun at %s, has not shown its effect yet", words(*p), p.Begun.UTC().Format("15:04:05 MST"))
			return Action{}
		}
		m.Pending = nil
	}
	a := step(s, &s.Rungs[target], o)
	if a.Kind == "" {
		return a
	}
	why := ""
	if target > v.counts {
		why = v.notUp(a, m, morning)
	} else {
		why = v.notDown(a, target, m, quiet)
	}
	if why != "" {
		say("%s towards %s would come next, but %s", words(a), s.name(target), why)
		return Action{}
	}
	say("%s towards %s", words(a), s.name(target))
	a.Begun = now
	return a
}

// notUp says why the cluster must not be made larger now, or nothing. A known event and the floor are enlarged for without
// a known load: they alone make a target of more than there is then.
func (v *view) notUp(a Action, m *Memory, morning bool) string {
	s, since := &v.in.Settings, v.in.Now.Sub(m.LastAction)
	switch {
	case a.Kind == FailOver && v.on != "" && v.writerUse < s.HighUse:
		return v.on + " is on and the writer copes: no failover"
	case a.Kind == ResizeReader && v.on != "" && v.writerUse < s.HighUse: // a reader that is away leaves its reads to the writer
		return v.on + " is on and the writer copes: no reader is resized"
	case morning && v.counts < v.floor():
		return ""
	case since < s.UpCoolDown:
		return fmt.Sprintf("the last change was %s ago, less than %s", since.Round(time.Second), s.UpCoolDown)
	}
	return ""
}

// notDown says why nothing may be taken away, or tidied up, now, or nothing.
func (v *view) notDown(a Action, target int, m *Memory, quiet bool) string {
	s, lag, since := &v.in.Settings, v.in.Observed.ReplicaLag, v.in.Now.Sub(m.LastAction)
	switch {
	case !v.known:
		return "the load is not known: nothing is taken away"
	case !v.whole:
		return "the readers' load or lag is not known: nothing is taken away"
	case !v.forecast:
		return "the forecast is not known: nothing is taken away"
	case v.near != "":
		return v.near + " is on or near: nothing is taken away"
	case v.fresh(lag) && lag.Value > lagLimit:
		return fmt.Sprintf("a reader is %.1f s behind", lag.Value)
	case m.QuietSince.IsZero():
		return fmt.Sprintf("%s would not do with room to spare, also for what is known to come within %s", s.name(target), v.foreseen(target))
	case (a.Kind == FailOver || a.Kind == ResizeReader) && len(s.Nights) > 0 && !v.asleep:
		return "writes wait in a failover and reads lose a reader that is resized: it is done when all zones are asleep"
	case !quiet:
		return fmt.Sprintf("it has been enough for %s only, less than %s", v.in.Now.Sub(m.QuietSince).Round(time.Second), s.DownCoolDown)
	case since < s.DownCoolDown:
		return fmt.Sprintf("the last change was %s ago, less than %s", since.Round(time.Second), s.DownCoolDown)
	}
	return ""
}

// quiet notes since when the smaller rung that is the target would do with room to spare, also for what is known to come,
// and tells whether that is long enough. A rung that is left must not be wanted back at once.
func (v *view) quiet(m *Memory, target int) bool {
	s := &v.in.Settings
	lower := target
	if lower == v.exact {
		lower = max(lower-1, 0)
	}
	load := v.expect(m, v.further) / comeBack
	if s.Rungs[lower].Class != v.class {
		load = max(load, (m.usualWithin(v.in.Now, classWithin)+peak(s, m, v.in.Events, v.in.Now, v.in.Now.Add(classWithin)))/comeBack)
	}
	if !v.whole || v.pressure != "" || target > v.counts || lower < v.floor() || v.wanted(load) > s.capacity(lower) || !v.lasts(lower, load) ||
		!v.copes(&s.Rungs[lower]) {
		m.QuietSince = time.Time{}
		return false
	}
	if m.QuietSince.IsZero() || lower < m.QuietRung {
		m.QuietSince = v.in.Now
	}
	m.QuietRung = lower
	return v.in.Now.Sub(m.QuietSince) >= s.DownCoolDown
}

// foreseen is how long a rung must do, by what is known of the future, before it is stepped down to.
func (v *view) foreseen(rung int) time.Duration {
	if s := &v.in.Settings; s.Rungs[rung].Class == v.class {
		return s.LeadTime + undoneWithin
	}
	return classWithin
}

// copes reports whether a rung would hold what the writer and the readers do now without coming near HighUse, whatever part
// of the load the settings suppose to be the readers'.
func (v *view) copes(r *Rung) bool {
	limit := comeBack * v.in.Settings.HighUse * r.VCPU
	if r.Readers == 0 {
		return v.load <= limit
	}
	return v.writer <= limit && v.readers <= limit*float64(r.Readers)
}

// words name an action for the audit log.
func words(a Action) string {
	switch a.Kind {
	case SetRange:
		return fmt.Sprintf("%s to %g to %g ACU", a.Kind, a.MinACU, a.MaxACU)
	case AddReader, ResizeReader:
		return fmt.Sprintf("%s %s (%s)", a.Kind, a.Instance, a.Class)
	}
	return a.Kind + " " + a.Instance
}
