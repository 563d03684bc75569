package load

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Surge is learners who start a test at about the same time and go on saving. Each step is due at a time of its own: who waits for the
// start saves late, and the waiting counts.
type Surge struct {
	Client   *Client // with a connection for each learner, as browsers have
	Desk     *Desk
	Test     uuid.UUID
	Learners []Person
	Within   time.Duration // in which all of them press 'start', evenly
	Saves    int           // of each learner, who answers the whole paper in so many parts
	Every    time.Duration // between the start and the first save, and between saves
	Submit   bool          // they hand in at the end
	Journal  *Journal
}

// Run returns what came back when the last learner is done. An error means that it could not begin.
func (s *Surge) Run(ctx context.Context) (*Tally, error) {
	sittings := make([]*Sitting, len(s.Learners))
	for i, p := range s.Learners {
		token, err := s.Desk.Token(p)
		if err != nil {
			return nil, err
		}
		sittings[i] = &Sitting{Client: s.Client, Slug: s.Desk.Slug, Token: token, From: Address(i / 30), Test: s.Test, Journal: s.Journal} // a school behind each address
	}
	t, start := NewTally(), time.Now()
	var wg sync.WaitGroup
	for i, sitting := range sittings {
		wg.Go(func() { s.sit(ctx, t, sitting, start.Add(s.Within*time.Duration(i)/time.Duration(len(sittings)))) })
	}
	wg.Wait()
	t.Took = time.Since(start)
	return t, nil
}

// sit goes through one learner's steps. Whoever could not start has nothing to save.
func (s *Surge) sit(ctx context.Context, t *Tally, sitting *Sitting, due time.Time) {
	step := func(kind string, do func() error) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Until(due)):
		}
		err := do()
		t.Note(kind, due, err)
		due = due.Add(s.Every)
		return err == nil
	}
	if !step(StartKind, sitting.Start) {
		return
	}
	part := (sitting.Questions() + s.Saves - 1) / max(1, s.Saves)
	for from := 0; from < sitting.Questions(); from += part {
		step(SaveKind, func() error { return sitting.Save(from, from+part) })
	}
	if s.Submit {
		step(SubmitKind, sitting.Submit)
	}
}
