package resident

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// exportMost is how much more a process may hold while it writes a large table, bytes.
const exportMost = uploadMost

// 200,000 accounts, of which a tenth are there unless all is tested, are written into a file by a process that holds a small part of them. It is killed in the middle, and another
// one makes the whole: each account once, and nothing is left of what was begun.
func TestALargeTableIsWritten(t *testing.T) {
	n := 20_000
	if os.Getenv("LIGNUM_TEST_ALL") != "" {
		n = 200_000
	}
	w, binary := testkit.New(t), program(t)
	hash, err := identity.NewHasher(1).Hash(t.Context(), "", password)
	if err != nil {
		t.Fatal(err)
	}
	db := w.DB("jamaica")
	school.People(t, db, school.Person{UserName: "teacher", PasswordHash: hash, Roles: []string{"tenant_administrator"}})
	for range n / 10_000 {
		list := make([]school.Person, 10_000)
		for i := range list {
			list[i] = school.Person{GivenName: "Annabelle", FamilyName: "Brown-Campbell", Roles: []string{"student"}, Grade: "10"}
		}
		school.People(t, db, list...)
	}
	listen, bucket := free(t), t.TempDir()
	env := environment(w, listen, free(t), "LIGNUM_MEMORY=512MiB", "LIGNUM_FILES="+bucket)
	c := &client{t: t, listen: listen, base: "http://jamaica.localhost:" + listen[strings.LastIndex(listen, ":")+1:], http: &http.Client{Timeout: 90 * time.Second}}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listen)
	}}
	first := c.serve(binary, env)
	c.signIn()
	for range 300 { // it has answered somebody
		c.ask(http.MethodGet, "/api/v1/users", nil, nil)
	}
	before := c.memory(first)
	var e struct {
		ID, State, URL string
		Rows           int
		Bytes          int64
	}
	for _, format := range []string{"csv", "xlsx"} {
		c.ask(http.MethodPost, "/api/v1/exports/people", fmt.Appendf(nil, `{"format": %q, "role": "student"}`, format), &e)
		id := e.ID
		show := func() { c.ask(http.MethodGet, "/api/v1/exports/"+id, nil, &e) }
		for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			if show(); e.State == "working" {
				break
			}
			if e.State != "waiting" || time.Since(begun) > time.Minute {
				t.Fatalf("%+v before it was killed", e)
			}
		}
		if format == "csv" {
			time.Sleep(150 * time.Millisecond)
			if show(); e.State != "working" {
				t.Fatalf("%+v, and it was to be killed while it is written", e)
			}
			c.http.CloseIdleConnections()
			if err := first.Process.Signal(syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			_ = first.Wait() // it was killed
			first = c.serve(binary, env)
			before = c.memory(first)
		}
		begun := time.Now()
		for e.State == "working" || e.State == "waiting" {
			if time.Sleep(50 * time.Millisecond); time.Since(begun) > 5*time.Minute {
				t.Fatalf("it is not made: %+v", e)
			}
			show()
		}
		now := c.memory(first)
		t.Logf("%s of %d rows, %d bytes: %s; made after %s", format, e.Rows, e.Bytes, grown(before, now), time.Since(begun).Round(100*time.Millisecond))
		if now.Most-before.Now > exportMost {
			t.Errorf("it holds %d bytes more", now.Most-before.Now)
		}
		if e.State != "done" || e.Rows != n {
			t.Fatalf("%+v", e)
		}
		res, err := c.http.Get(c.base + e.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || int64(len(body)) != e.Bytes {
			t.Fatalf("%d bytes: %v", len(body), err)
		}
		if ids := idsOf(t, format, body); len(ids) != n {
			t.Errorf("%s has %d accounts", format, len(ids))
		}
	}
	files := 0
	if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		return r.QueryRow(t.Context(), "SELECT count(*) FROM files").Scan(&files)
	}); err != nil || files != 2 {
		t.Errorf("%d files: %v", files, err)
	}
}

// idsOf are the ids of accounts in a table, each once.
func idsOf(t *testing.T, format string, body []byte) map[string]bool {
	t.Helper()
	var rows [][]string
	if format == "csv" {
		var err error
		if rows, err = csv.NewReader(bytes.NewReader(body)).ReadAll(); err != nil {
			t.Fatal(err)
		}
	} else {
		f, err := excelize.OpenReader(bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if rows, err = f.GetRows("People"); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, row := range rows[1:] {
		ids[row[0]] = true
	}
	return ids
}
