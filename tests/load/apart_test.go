package load_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lignum/tests/load"
)

const apartAt = "LIGNUM_TEST_CLIENT_APART"

// This program is its own client apart.
func init() {
	if at := os.Getenv(apartAt); at != "" {
		if err := load.ServeApart(context.Background(), load.NewClient(at, 4), 4, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// A client in a process of its own sends what it is told, and what it heard is told here: how many were answered, with what waiting, how many
// were refused with which status, and what the first refusal said.
func TestAClientApartTellsWhatItHeard(t *testing.T) {
	s := serve(t)
	here := country(t, s, client(t, s, 4), "bahamas", 3)
	calls := make([]load.Call, 4)
	for i := range calls {
		calls[i] = pages(t, here)(i)
	}
	calls[3].Token = "nobody's"
	t.Setenv(apartAt, fmt.Sprintf("127.0.0.1:%d", s.Port))
	apart, err := load.StartApart(t.Context(), os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // one order after the other
		tally, err := apart.Steady(40, time.Second, calls)
		if err != nil {
			t.Fatal(err)
		}
		if tally.Requests != 30 || len(tally.All("class")) != 30 || tally.Refused[http.StatusUnauthorized] != 10 || tally.Took < time.Second {
			t.Errorf("%d answered, %d waited, refused %v, in %v", tally.Requests, len(tally.All()), tally.Refused, tally.Took)
		}
		if err := tally.Err(); err == nil || !strings.Contains(err.Error(), "the first: GET /api/v1/classes/") {
			t.Errorf("what went wrong is told as: %v", err)
		}
	}
	if err := apart.Close(); err != nil {
		t.Error(err)
	}
	if _, err := apart.Steady(1, time.Second, calls); err == nil {
		t.Error("a client that is closed answers")
	}
}
