package testkit

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// filled are the templates that this process made, by name; they end with the cluster.
var filled = struct {
	sync.Mutex
	made map[string]bool
}{made: map[string]bool{}}

// Filled is New with what fill puts into a world besides. That is done once a process and name, and cloned from then on, for what takes
// longer to make than to copy. What fill makes must not depend on the test.
func Filled(t testing.TB, name string, fill func(w *World) error) *World {
	t.Helper()
	template := fmt.Sprintf("filled%d_%s", os.Getpid(), name)
	filled.Lock()
	defer filled.Unlock()
	if !filled.made[name] {
		w := New(t)
		if err := fill(w); err != nil {
			t.Fatal(err)
		}
		if err := w.keepAs(template); err != nil {
			t.Fatal(err)
		}
		filled.made[name] = true
	}
	return open(t, template)
}

// keepAs makes a template of a world as it is. A database to which anybody is connected cannot be copied, and the pooler keeps connections
// open, so all of them are ended and no new ones are let in.
func (w *World) keepAs(template string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.Store.Close()
	conn, err := pgx.Connect(ctx, cluster.DirectDSN("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+w.Database+" WITH ALLOW_CONNECTIONS false"); err != nil {
		return err
	}
	for n := 1; n > 0; {
		err := conn.QueryRow(ctx, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1", w.Database).Scan(&n)
		if err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy ALLOW_CONNECTIONS false", template, w.Database))
	return err
}
