package testkit

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"lignum/domain/calendar"
	"lignum/tenants"
	"lignum/tenants/jobs"
)

// Work lets the world's jobs of some kinds be worked, as one process does it, until the test ends.
func (w *World) Work(t testing.TB, kinds ...jobs.Kind) *jobs.Workers {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	process, err := tenants.Join(t.Context(), w.Store, w.Registry, "test", tenants.Capacity{Cores: 2}, log)
	if err != nil {
		t.Fatal(err)
	}
	works, err := jobs.Start(t.Context(), jobs.Deps{Store: w.Store, Registry: w.Registry, Process: process, Login: tenants.JobsLogin(Installation), Kinds: kinds, Begins: calendar.Begins, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := works.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := process.Leave(ctx); err != nil {
			t.Error(err)
		}
	})
	return works
}
