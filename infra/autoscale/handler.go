package autoscale

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

const (
	closing    = 2 * time.Second  // kept of a function's time for writing down what happened
	longest    = 50 * time.Second // of a run that nobody has given a time
	lockMargin = 10 * time.Second // the lock outlives its run by this, for clocks that differ
	lockWait   = time.Second      // between two questions of a patient run for the lock
)

// An Autoscaler is one installation's: its handlers are what Lambda calls. A handler's error asks Lambda for another try;
// what a try would not mend is logged and written to the decisions.
type Autoscaler struct {
	Cluster  *Cluster
	Store    *Store
	Forecast *Forecast
	Tell     func(ctx context.Context, writer, readers float64) error // the serving processes how many processors there are; nil: nobody is told
	Settings Settings
	DryRun   bool             // decide and write, change nothing
	Now      func() time.Time // the clock
	Log      *slog.Logger
}

// ZoneInput is what the schedules of the night and the morning send.
type ZoneInput struct {
	Zone string `json:"zone"` // IANA name, one of Settings.Nights
}

// HandleWatch looks once and takes one step, or none.
func (a *Autoscaler) HandleWatch(ctx context.Context) error {
	return a.run(ctx, &Entry{Function: "watch"}, Decide)
}

// HandleNight lets a zone sleep.
func (a *Autoscaler) HandleNight(ctx context.Context, in ZoneInput) error {
	return a.run(ctx, &Entry{Function: "night", Zone: in.Zone}, func(i Input) Decision { return Night(i, in.Zone) })
}

// HandleMorning wakes a zone.
func (a *Autoscaler) HandleMorning(ctx context.Context, in ZoneInput) error {
	return a.run(ctx, &Entry{Function: "morning", Zone: in.Zone}, func(i Input) Decision { return Morning(i, in.Zone) })
}

// run is: lock, memory, observe, forecast, decide, announce, act, write the outcome and the memory, unlock, publish.
func (a *Autoscaler) run(ctx context.Context, e *Entry, decide func(Input) Decision) error {
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, longest)
		defer cancel()
		ctx = limited
	}
	deadline, _ := ctx.Deadline()
	work, cancel := context.WithDeadline(ctx, deadline.Add(-closing)) // ctx itself is for writing down
	defer cancel()
	e.Request = requestID(ctx)
	log := a.Log.With("function", e.Function, "zone", e.Zone, "request", e.Request)

	l, err := a.lock(work, e, time.Until(deadline)+lockMargin)
	var locked *Locked
	if errors.As(err, &locked) && e.Function == "watch" {
		log.Info("nothing is done: " + err.Error())
		return nil // the next minute's watch comes anyway
	}
	if err != nil {
		log.Error("the run could not begin", "error", err.Error())
		return err
	}
	if l.request == e.Request {
		log.Info("nothing is done: this request was finished before")
		return a.Store.Unlock(ctx, l)
	}
	err = a.underLock(ctx, work, l, e, decide, log)
	if errors.Is(err, ErrLost) {
		log.Warn("nothing more is done: " + err.Error())
		return nil // whoever took over has decided anew
	}
	if err != nil {
		log.Error("the run ended early", "error", err.Error())
		return errors.Join(err, a.Store.Unlock(ctx, l))
	}
	return nil
}

// lock takes the lock. The watch, which comes every minute, does not wait for it; night and morning, of which there is one
// a day, do.
func (a *Autoscaler) lock(ctx context.Context, e *Entry, ttl time.Duration) (*Lease, error) {
	for {
		l, err := a.Store.Lock(ctx, e.Function+"/"+e.Request, a.Now(), ttl)
		var locked *Locked
		if !errors.As(err, &locked) || e.Function == "watch" {
			return l, err
		}
		select {
		case <-time.After(lockWait):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (a *Autoscaler) underLock(ctx, work context.Context, l *Lease, e *Entry, decide func(Input) Decision, log *slog.Logger) error {
	in, notes, err := a.look(work)
	if err != nil {
		return err
	}
	if err := a.settle(work, l, &in, log); err != nil {
		return err
	}
	in.Memory = l.Memory
	d := decide(in)
	d.Reasons = append(notes, d.Reasons...)
	e.Token, e.Decision, e.Observed, e.Before = l.Token, d, in.Observed, marksOf(&in.Memory)
	memory := d.Memory
	if err := a.carryOut(work, l, e, &memory); err != nil {
		return err
	}
	e.Ended = a.Now()
	a.report(e, log)
	if err := a.Store.Finish(ctx, l, e, memory); err != nil {
		return err
	}
	if err := a.Cluster.Publish(ctx, &a.Settings, &in.Observed, &e.Decision); err != nil {
		log.Warn(err.Error())
	}
	if a.Tell != nil {
		writer, readers := processors(&a.Settings, &in.Observed, in.Now)
		if err := a.Tell(work, writer, readers); err != nil {
			log.Warn("the serving processes could not be told how large the database is: " + err.Error())
		}
	}
	if l.Intent != nil && l.Intent.Request == e.Request {
		return fmt.Errorf("%s: %s", e.Decision.Action.Kind, e.Outcome) // to be looked after by the next run, best soon
	}
	return nil
}

// look gathers all that a decision knows but the memory. Only a cluster that cannot be described is an error; what else is
// missing is noted.
func (a *Autoscaler) look(ctx context.Context) (in Input, notes []string, err error) {
	in = Input{Now: a.Now(), Settings: a.Settings}
	in.Observed, err = a.Cluster.Observe(ctx, in.Now, a.Settings.Connections)
	if errors.Is(err, ErrNoMetrics) {
		notes = append(notes, err.Error())
	} else if err != nil {
		return in, nil, err
	}
	in.Events, in.ForecastAt, err = a.Forecast.Read(ctx, in.Now)
	if err != nil {
		notes = append(notes, "the forecast could not be read: "+err.Error())
	}
	return in, notes, nil
}

// settle finds out what became of an action that an earlier run announced and did not see the end of. Its effect is there,
// or may still come, or it is decided anew, as if it had never been.
func (a *Autoscaler) settle(ctx context.Context, l *Lease, in *Input, log *slog.Logger) error {
	if l.Intent == nil {
		return nil
	}
	action := &l.Intent.Decision.Action
	outcome := "no effect was seen by the next run, which decides anew"
	switch {
	case settled(action, &in.Observed, action.Begun): // judged at its beginning, so that age alone does not count
		outcome = "done, as the next run saw"
	case busy(&in.Observed) != "":
		return nil // it may be under way; nothing else is done meanwhile
	default:
		l.Intent.Before.restore(&l.Memory)
		l.acted = ""
	}
	log.Warn("an earlier run did not see the end of its action", "action", action.Kind, "instance", action.Instance, "outcome", outcome)
	return a.Store.Settle(ctx, l, outcome, in.Now)
}

// carryOut takes the action of a decision, if there is one that may be taken, and notes the outcome. After an error nothing
// is known of the run's own lock or store, and nothing was changed.
func (a *Autoscaler) carryOut(ctx context.Context, l *Lease, e *Entry, m *Memory) error {
	d := &e.Decision
	switch {
	case d.Action.Kind == "":
		e.Outcome = "nothing to do"
		return nil
	case a.DryRun:
		e.Outcome = "dry run: nothing was changed"
		e.Before.restore(m)
		return nil
	case l.acted == minute(d.At):
		e.Outcome = "not taken: an action was taken in this minute already"
		e.Before.restore(m)
		return nil
	}
	err := a.Store.Announce(ctx, l, e, *m)
	if errors.Is(err, ErrHeld) {
		e.Outcome = "not taken: " + err.Error()
		e.Before.restore(m)
		return nil
	}
	if err != nil {
		return err
	}
	err = a.Cluster.Act(ctx, d.Action)
	var refused *Refused
	switch {
	case err == nil:
		e.Outcome = "accepted by RDS"
	case errors.As(err, &refused):
		e.Outcome = refused.Error()
		m.Pending = nil // the rest stays, so that the next try keeps the distance of the cool-down
		if e.level = slog.LevelError; refused.Passing {
			e.level = slog.LevelWarn
		}
	default:
		e.Outcome, e.level = "not known: "+err.Error(), slog.LevelError
		left := *e
		left.Outcome = ""
		l.Intent = &left
	}
	return nil
}

func (a *Autoscaler) report(e *Entry, log *slog.Logger) {
	d := &e.Decision
	log.Log(context.Background(), e.level, "decided", "load", d.Load, "need", d.Need, "rung", d.Now, "target", d.Rung, "action", d.Action.Kind,
		"instance", d.Action.Instance, "class", d.Action.Class, "min_acu", d.Action.MinACU, "max_acu", d.Action.MaxACU,
		"outcome", e.Outcome, "reasons", d.Reasons)
}

// requestID is Lambda's, the same for each try of one event; other callers have one of their own.
func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		return lc.AwsRequestID
	}
	return "local-" + rand.Text()[:12]
}
