package api

import (
	"context"
	"time"

	"lignum/tenants/limits"
)

// StopClock makes all quotas begin anew at a moment that lasts: nothing is given back, however slow the machine.
func (s *Server) StopClock(at time.Time) {
	now := func() time.Time { return at }
	s.rate, s.shares = limits.NewRate(now), limits.NewShares(now)
}

// Summarise writes down what is counted, as each minute does.
func (s *Server) Summarise() { s.summarise(context.Background()) }
