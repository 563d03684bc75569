package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

func record(t *testing.T, w *testkit.World, slug string, entries ...audit.Entry) {
	t.Helper()
	for _, e := range entries { // each in its own transaction, so that their order is known
		err := w.DB(slug).Write(t.Context(), w.Actor, func(tx *tenants.Tx) error { tx.Record(e); return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAuditTail(t *testing.T) {
	w := installed(t)
	record(t, w, "jamaica", audit.Entry{Action: "test.one", ObjectKind: "class", ObjectID: "10A"}, audit.Entry{Action: "test.two", Refused: true, Reason: "not \x1b[31mallowed\nat all"},
		audit.Entry{Action: "other.three", After: map[string]any{"x": 1}})
	out := must(t, "audit", "tail", "jamaica", "--action", "test.")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "test.one") || !strings.Contains(lines[1], "test.two") {
		t.Fatalf("not the two, the newest at the end:\n%s", out)
	}
	wants(t, lines[0], "done", "setup of platform", "class 10A", " EST ")
	wants(t, lines[1], "refused", "not ?[31mallowed?at all")
	if out := must(t, "audit", "tail", "jamaica", "-n", "1"); strings.Count(out, "\n") != 1 || !strings.Contains(out, "other.three") {
		t.Error(out)
	}
	if out := must(t, "audit", "tail", "jamaica", "--outcome", "refused"); strings.Count(out, "\n") != 1 {
		t.Error(out)
	}
	if out := must(t, "audit", "tail", "jamaica", "--actor", w.Actor.ID.String()); strings.Count(out, "\n") != 3 {
		t.Error(out)
	}
	if out := must(t, "audit", "tail", "jamaica", "--actor", "admin1"); out != "" {
		t.Error(out)
	}
	if out := must(t, "audit", "tail", "bahamas", "--action", "test."); out != "" {
		t.Errorf("entries of another tenant: %s", out)
	}
	var e audit.Stored
	if err := json.Unmarshal([]byte(must(t, "audit", "tail", "jamaica", "-n", "1", "--json")), &e); err != nil || e.Action != "other.three" || string(e.After) != `{"x": 1}` && string(e.After) != `{"x":1}` {
		t.Errorf("%+v %v", e, err)
	}
	refused(t, "-n must be", "audit", "tail", "jamaica", "-n", "-1")
	refused(t, "outcome: must be done or refused", "audit", "tail", "jamaica", "--outcome", "maybe")
	refused(t, `--actor: no account here has the user name "ghost"`, "audit", "tail", "jamaica", "--actor", "ghost")
}

func TestAuditTailIsPaged(t *testing.T) {
	w := installed(t)
	err := w.DB("jamaica").Write(t.Context(), w.Actor, func(tx *tenants.Tx) error {
		for range 450 {
			tx.Record(audit.Entry{Action: "test.many", ObjectKind: "row", ObjectID: uuid.NewString()})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(must(t, "audit", "tail", "jamaica", "-n", "430", "--action", "test.many")) {
		seen[line] = true
	}
	if len(seen) != 430 {
		t.Errorf("%d different entries, not 430", len(seen))
	}
}

func TestAuditFollow(t *testing.T) {
	w := installed(t)
	record(t, w, "", audit.Entry{Action: "test.old"}, audit.Entry{Action: "test.last"})
	t.Setenv("LIGNUM_MASTER_KEY", base64.StdEncoding.EncodeToString(testkit.MasterKey))
	r, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	was := os.Stdout
	os.Stdout = out
	defer func() { os.Stdout = was }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"audit", "tail", "platform", "--follow", "-n", "1", "--action", "test."})
		done <- errors.Join(err, out.Close())
	}()
	lines := bufio.NewScanner(r)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), want) {
			t.Fatalf("%q is not %s (%v)", lines.Text(), want, lines.Err())
		}
	}
	next("test.last")
	record(t, w, "", audit.Entry{Action: "test.new"}, audit.Entry{Action: "else.new"}, audit.Entry{Action: "test.newer"})
	next("test.new")
	next("test.newer")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if lines.Scan() {
		t.Errorf("shown twice: %s", lines.Text())
	}
}
