package localcluster

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"lignum/infra/pooling"
)

// crowd makes logins in a database of a small cluster, and gives a connection of each through PgBouncer.
func crowd(t *testing.T, c *Cluster, logins int) (open []*pgx.Conn) {
	t.Helper()
	if err := c.PrepareDatabase(t.Context(), "lignum"); err != nil {
		t.Fatal(err)
	}
	made, secret := "", verifier(t, "one")
	for i := range logins {
		made += fmt.Sprintf("CREATE ROLE land%d LOGIN CONNECTION LIMIT 20 PASSWORD '%s'; GRANT CONNECT ON DATABASE lignum TO land%d;", i, secret, i)
	}
	exec1(t, c, "lignum", made)
	for i := range logins {
		conn, err := pgx.Connect(t.Context(), proxyDSN(c, fmt.Sprintf("land%d", i), "one", "lignum"))
		if err != nil {
			t.Fatalf("login %d of %d: %v", i+1, logins, err)
		}
		t.Cleanup(func() { _ = conn.Close(t.Context()) }) // the cluster may be gone
		open = append(open, conn)
	}
	return open
}

// Three times as many tenants as the pooler may have backends are active in turn, well within the time that an idle backend is
// kept: none is refused, since idle backends are taken from those who had their turn.
func TestMoreLoginsThanBackendsInTurn(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true, MaxConnections: 30})
	open := crowd(t, c, 60)
	if c.Sizes().Pooler*3 > len(open) {
		t.Fatalf("%d logins are not three times the pooler's %d", len(open), c.Sizes().Pooler)
	}
	refused := 0
	for range 3 {
		for i, conn := range open {
			var who string
			if err := conn.QueryRow(t.Context(), "SELECT session_user").Scan(&who); err != nil || who != fmt.Sprintf("land%d", i) {
				t.Logf("login %d: %q, %v", i, who, err)
				refused++
			}
		}
	}
	if refused > 0 {
		t.Errorf("%d of %d were refused", refused, 3*len(open))
	}
}

// As many transactions as the pooler has room for are open at once, each of another login, while all others have idle connections;
// the next one waits for one of them, and the server has room left for whoever connects directly.
func TestAsManyAreBusyAtOnceAsThePoolerHas(t *testing.T) {
	c := start(t, Options{Dir: dirFor(t), Ephemeral: true, MaxConnections: 30})
	open, most := crowd(t, c, 45), c.Sizes().Pooler
	begun := make([]pgx.Tx, most)
	var all sync.WaitGroup
	for i := range begun {
		all.Go(func() {
			tx, err := open[i].Begin(t.Context())
			if err == nil {
				_, err = tx.Exec(t.Context(), "SELECT 1")
			}
			if err != nil {
				t.Errorf("transaction %d of %d at once: %v", i+1, most, err)
			}
			begun[i] = tx
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	served := make(chan error, 1)
	go func() {
		var one int
		served <- open[most].QueryRow(t.Context(), "SELECT 1").Scan(&one)
	}()
	direct, err := pgx.Connect(t.Context(), c.DirectDSN("lignum"))
	if err != nil {
		t.Fatalf("a direct connection beside them: %v", err)
	}
	defer direct.Close(t.Context())
	eventually(t, "all backends are busy", func() bool {
		var busy int
		err := direct.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'land%' AND state = 'idle in transaction'").Scan(&busy)
		return err == nil && busy == most
	})
	if err := begun[0].Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Errorf("the one that waited: %v", err)
	}
	for _, tx := range begun[1:] {
		if err := tx.Commit(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Both servers are made with the numbers of one place.
func TestBothServersHaveTheSizesOfOneSetting(t *testing.T) {
	for _, n := range []int{0, 30, 500} {
		o, err := Options{MaxConnections: n}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		want, err := pooling.For(o.MaxConnections)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 && want.Server != pooling.Usual {
			t.Errorf("%d connections unless told otherwise, want %d", want.Server, pooling.Usual)
		}
		c := &Cluster{opts: o}
		for _, f := range []struct{ text, line string }{
			{c.config(), fmt.Sprintf("max_connections = %d\n", want.Server)},
			{c.config(), fmt.Sprintf("superuser_reserved_connections = %d\n", want.Superuser)},
			{c.bouncerConfig(), fmt.Sprintf("max_db_connections = %d\n", want.Pooler)},
			{c.bouncerConfig(), fmt.Sprintf("default_pool_size = %d\n", want.Login)},
			{c.bouncerConfig(), fmt.Sprintf("max_client_conn = %d\n", want.Clients)},
		} {
			if !strings.Contains("\n"+f.text, "\n"+f.line) {
				t.Errorf("%q is missing from:\n%s", f.line, f.text)
			}
		}
	}
}
