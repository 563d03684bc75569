package autoscale

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const available = "available"

// step is the next action that brings the cluster nearer to a rung, from what is observed alone: a change by hand or a run
// that died half-way is met where it stands. First comes what the cluster lacks for the rung, then what it has beyond it,
// each the gentlest first. The zero Action says that the rung is reached.
func step(s *Settings, r *Rung, o *Observed) Action {
	if a := grow(s, r, o); a.Kind != "" {
		return a
	}
	return tidy(r, o)
}

// grow takes nothing away: once it has nothing more to do, the cluster covers the rung.
func grow(s *Settings, r *Rung, o *Observed) Action {
	if r.Class == Serverless && o.MinACU < r.MinACU {
		return Action{Kind: SetRange, MinACU: r.MinACU, MaxACU: r.MaxACU}
	}
	var enough, small []*Instance // readers
	successor := 0                // a reader that takes over from a writer that is too small
	for i := range o.Instances {
		in := &o.Instances[i]
		switch little := s.small(in.Class, r, o); {
		case in.Writer && little:
			successor = 1
		case in.Writer:
		case little:
			small = append(small, in)
		default:
			enough = append(enough, in)
		}
	}
	wanted := max(r.Readers, successor)
	switch {
	case len(enough)+len(small) < wanted:
		return Action{Kind: AddReader, Instance: freeName(o), Class: r.Class}
	case len(enough) < wanted:
		return Action{Kind: ResizeReader, Instance: last(small, o).ID, Class: r.Class}
	case successor > 0:
		return Action{Kind: FailOver, Instance: heir(enough, r).ID} // the old writer is a reader then, and resized next
	}
	return Action{}
}

// tidy makes a cluster that covers the rung into exactly it. An instance is replaced before it is removed.
func tidy(r *Rung, o *Observed) Action {
	if r.Class == Serverless && (o.MinACU != r.MinACU || o.MaxACU != r.MaxACU) {
		return Action{Kind: SetRange, MinACU: r.MinACU, MaxACU: r.MaxACU}
	}
	var right, wrong []*Instance // readers of the rung's class, and of others
	successor := 0
	for i := range o.Instances {
		in := &o.Instances[i]
		switch {
		case in.Writer && in.Class != r.Class:
			successor = 1
		case in.Writer:
		case in.Class == r.Class:
			right = append(right, in)
		default:
			wrong = append(wrong, in)
		}
	}
	wanted := max(r.Readers, successor)
	switch {
	case len(right)+len(wrong) < wanted:
		return Action{Kind: AddReader, Instance: freeName(o), Class: r.Class}
	case len(right) < wanted:
		return Action{Kind: ResizeReader, Instance: last(wrong, o).ID, Class: r.Class}
	case successor > 0:
		return Action{Kind: FailOver, Instance: heir(right, r).ID}
	case len(wrong) > 0 && own(last(wrong, o), o):
		return Action{Kind: RemoveReader, Instance: last(wrong, o).ID}
	case len(right) > r.Readers && own(last(right, o), o):
		return Action{Kind: RemoveReader, Instance: last(right, o).ID}
	case len(wrong) > 0 && len(right) > 0 && own(last(right, o), o):
		return Action{Kind: ResizeReader, Instance: last(wrong, o).ID, Class: r.Class} // so that it can take the place of one's own
	}
	return Action{} // a reader too many that the template made is not the autoscaler's to remove: it stays
}

// readerName is what the readers that the autoscaler adds begin with.
func readerName(o *Observed) string { return o.Cluster + "-reader-" }

// freeName has the lowest number that no instance has, so that a repeated action makes no second reader.
func freeName(o *Observed) string {
	for n := 1; ; n++ {
		name := fmt.Sprint(readerName(o), n)
		if !slices.ContainsFunc(o.Instances, func(in Instance) bool { return in.ID == name }) {
			return name
		}
	}
}

func own(in *Instance, o *Observed) bool { return strings.HasPrefix(in.ID, readerName(o)) }

// last is the reader to change or remove: rather one that the autoscaler added than one of the template, and the newest.
func last(of []*Instance, o *Observed) *Instance {
	return slices.MaxFunc(of, func(a, b *Instance) int {
		if mine := own(a, o); mine != own(b, o) {
			if mine {
				return 1
			}
			return -1
		}
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// heir is the reader that takes over: of the rung's class if there is one, and the oldest, whose cache is warmest.
func heir(of []*Instance, r *Rung) *Instance {
	return slices.MinFunc(of, func(a, b *Instance) int {
		if right := a.Class == r.Class; right != (b.Class == r.Class) {
			if right {
				return -1
			}
			return 1
		}
		if c := a.Created.Compare(b.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}

// busy says what of the cluster forbids a change now, or nothing.
func busy(o *Observed) string {
	if o.Status != available {
		return "the cluster is " + orUnknown(o.Status)
	}
	writers := 0
	for i := range o.Instances {
		if o.Instances[i].Status != available {
			return o.Instances[i].ID + " is " + orUnknown(o.Instances[i].Status)
		}
		if o.Instances[i].Writer {
			writers++
		}
	}
	if writers != 1 {
		return fmt.Sprintf("the cluster shows %d writers", writers)
	}
	return ""
}

func orUnknown(status string) string {
	if status == "" {
		return "in an unknown state"
	}
	return status
}

// pendingTime is after how long an action whose effect cannot be seen counts as lost: no change that Aurora accepted is
// invisible for so long.
const pendingTime = 15 * time.Minute

// settled reports whether a pending action has had its effect, or never will.
func settled(a *Action, o *Observed, now time.Time) bool {
	if age := now.Sub(a.Begun); age >= pendingTime || age < -tooNew {
		return true
	}
	i := slices.IndexFunc(o.Instances, func(in Instance) bool { return in.ID == a.Instance })
	switch a.Kind {
	case SetRange:
		return o.MinACU == a.MinACU && o.MaxACU == a.MaxACU
	case AddReader:
		return i >= 0
	case RemoveReader:
		return i < 0
	case ResizeReader:
		return i < 0 || o.Instances[i].Class == a.Class
	case FailOver:
		return i < 0 || o.Instances[i].Writer
	}
	return true
}
