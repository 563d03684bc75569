package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/policy"
	"lignum/tenants/limits"
	"lignum/tenants/provision"
)

// health registers what load balancers and people who look after the platform ask.
func (s *Server) health() {
	Bare(s, Route{Path: "/livez", Permission: policy.Public("a load balancer has no token"), Quota: limits.Free, Summary: "Is the process alive?"},
		func(fc *fiber.Ctx) error { return fc.SendString("alive\n") })
	Bare(s, Route{Path: "/readyz", Permission: policy.Public("a load balancer has no token"), Quota: limits.Free, Summary: "Can it serve?"}, s.ready)
}

// Readiness is what /readyz answers: 200 when everything is well, else 503 with Retry-After.
type Readiness struct {
	Ready      bool   `json:"ready"`
	Database   string `json:"database"`
	Policy     string `json:"policy"`
	Migrations string `json:"migrations"`
}

// ready answers from what was found within the last second: anybody may ask, and each look asks the database.
func (s *Server) ready(fc *fiber.Ctx) error {
	s.readiness.Lock()
	if time.Since(s.readiness.at) > time.Second {
		s.readiness.found, s.readiness.at = s.lookReady(), time.Now()
	}
	r := s.readiness.found
	s.readiness.Unlock()
	if s.draining.Load() {
		r.Ready, r.Database = false, "the process is stopping"
	}
	if !r.Ready {
		fc.Set(fiber.HeaderRetryAfter, "2")
		fc.Status(http.StatusServiceUnavailable)
	}
	return fc.JSON(r)
}

func (s *Server) lookReady() Readiness {
	ctx, cancel := context.WithTimeout(s.base, 3*time.Second)
	defer cancel()
	r := Readiness{Ready: true, Database: "ok", Policy: "ok", Migrations: "ok"}
	if pending, err := provision.Pending(ctx, s.store.DB(s.platform)); err != nil {
		r.Ready, r.Database, r.Migrations = false, "away", "unknown"
	} else if len(pending) > 0 {
		r.Ready, r.Migrations = false, "pending"
	}
	if _, err := s.Rules.Decide(ctx, policy.Input{}); err != nil {
		r.Ready, r.Policy = false, "failing"
	}
	return r
}
