package main

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// A database that is said to have more processors than the pooler has connections for is refused at the start, with both numbers.
func TestServeRefusesMoreThanThePoolerOpens(t *testing.T) {
	w := installed(t)
	t.Setenv("LIGNUM_LISTEN", "127.0.0.1:0")
	t.Setenv("LIGNUM_METRICS_LISTEN", "127.0.0.1:0")
	for most, cores := range map[int]int{20: 10, 0: w.Cluster.Sizes().Pooler} {
		t.Setenv("LIGNUM_POOLER_CONNECTIONS", strconv.Itoa(most))
		t.Setenv("LIGNUM_DATABASE_CORES", strconv.Itoa(cores))
		if most == 0 { // what infra/pooling leaves it of the server's
			most = w.Cluster.Sizes().Pooler
		}
		refused(t, fmt.Sprintf("lets %d transactions be busy at once, and the pooler may open %d connections", 3*cores, most), "serve")
	}
}

// A serving process is in the table of those that share the database while it serves, by a name that people know.
func TestServeSaysThatItIsThere(t *testing.T) {
	w := installed(t)
	_, stop := servingInstalled(t, "off")
	host, _ := os.Hostname()
	direct := w.Direct(t)
	names := func() (all string) {
		t.Helper()
		if err := direct.QueryRow(t.Context(), "SELECT coalesce(string_agg(name, ','), '') FROM control.processes").Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := fmt.Sprintf("%s %d", host, os.Getpid())
	for deadline := time.Now().Add(time.Minute); names() != want; time.Sleep(20 * time.Millisecond) { // it listens before it has joined
		if time.Now().After(deadline) {
			t.Fatalf("%q serve, want %q", names(), want)
		}
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if all := names(); all != "" {
		t.Errorf("%q serve after the end", all)
	}
}
