package resident

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"lignum/domain/identity"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const password = "correct horse battery staple"

// program builds what an operator runs, compiled as it is for a release. Under the race detector the tests' own memory would say nothing.
func program(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "lignum")
	build := exec.Command("go", "build", "-trimpath", "-tags", "timetzdata", "-o", binary, "lignum/api/cmd/lignum")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// free is an address that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// environment lets the program serve a world.
func environment(w *testkit.World, listen, metrics string, more ...string) []string {
	_, port, _ := net.SplitHostPort(listen)
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LIGNUM_") && !strings.HasPrefix(v, "GOGC=") && !strings.HasPrefix(v, "GOMEMLIMIT=") {
			env = append(env, v)
		}
	}
	return append(append(env, "LIGNUM_LISTEN="+listen, "LIGNUM_METRICS_LISTEN="+metrics, "LIGNUM_BASE_DOMAIN=localhost", "LIGNUM_SCHEME=http", "LIGNUM_PUBLIC_PORT="+port,
		"LIGNUM_INSTALLATION="+testkit.Installation, "LIGNUM_MASTER_KEY="+base64.StdEncoding.EncodeToString(testkit.MasterKey), "LIGNUM_DATABASE="+w.Database, "LIGNUM_SSLMODE=disable",
		"LIGNUM_PROXY="+net.JoinHostPort(w.Cluster.ProxyHost(), strconv.Itoa(w.Cluster.ProxyPort())), "LIGNUM_LOG_LEVEL=warn", "LIGNUM_FILES="+w.T.TempDir(), "LIGNUM_MAIL_SERVER=off"), more...)
}

// pupils makes so many with one password, and takes the tenant's limit of sign-ins away.
func pupils(t *testing.T, w *testkit.World, n int) (names []string) {
	t.Helper()
	ctx := t.Context()
	hash, err := identity.NewHasher(1).Hash(ctx, "", password)
	if err != nil {
		t.Fatal(err)
	}
	tenant := w.Tenant("jamaica")
	lim := tenant.Limits
	lim.SignInsPerSec = 1 << 30
	err = w.DB("").Write(ctx, w.Actor, func(tx *tenants.Tx) error {
		_, err := tenants.SetPlan(ctx, tx, tenant.Slug, tenant.Plan, &lim, audit.Entry{Action: "test.setup"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	list := make([]school.Person, n)
	for i := range list {
		name := fmt.Sprintf("pupil%d", i+1)
		names = append(names, name)
		list[i] = school.Person{UserName: name, GivenName: "Pupil", FamilyName: name, PasswordHash: hash, Roles: []string{"student"}}
	}
	school.People(t, w.DB("jamaica"), list...)
	return names
}

// figures reads a process' metrics that have no labels.
func figures(t *testing.T, address string) map[string]float64 {
	t.Helper()
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			if n, err := strconv.ParseFloat(value, 64); err == nil {
				got[name] = n
			}
		}
	}
	return got
}

func TestTheProgramKeepsToItsMemory(t *testing.T) {
	w, binary := testkit.New(t), program(t)
	t.Run("a storm of sign-ins stays within it", func(t *testing.T) { stormStaysWithin(t, w, binary) })
	t.Run("what is wrong with it is said", func(t *testing.T) { wrongIsSaid(t, w, binary) })
}

// A program that may use 256 MiB never has more than that, although sixty people who sign in at once make it allocate more than a
// gigabyte; and all of them get in.
func stormStaysWithin(t *testing.T, w *testkit.World, binary string) {
	names := pupils(t, w, 60)
	listen, metrics := free(t), free(t)
	serve := exec.Command(binary, "serve")
	serve.Env = environment(w, listen, metrics, "LIGNUM_MEMORY=256MiB")
	serve.Stdout, serve.Stderr = os.Stdout, os.Stderr
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt) // it may have ended
		_ = serve.Wait()
	})
	for i := 0; ; i++ {
		if conn, err := net.Dial("tcp", metrics); err == nil {
			conn.Close()
			break
		} else if i > 600 {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if begun, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", serve.Process.Pid)); err != nil || !strings.Contains(string(begun), "LIGNUM_SLACK_ALLOWED=1") {
		t.Errorf("its threads are not allowed the slack of infra/timerslack, %v", err)
	}
	got := figures(t, metrics)
	if got["lignum_memory_bytes"] != 256<<20 || got["go_gc_gomemlimit_bytes"] != 96<<20 || got["lignum_hash_slots"] != 1 {
		t.Errorf("of 256 MiB %v may be used, Go is held to %v, %v passwords are hashed at once", got["lignum_memory_bytes"], got["go_gc_gomemlimit_bytes"], got["lignum_hash_slots"])
	}
	_, port, _ := net.SplitHostPort(listen)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: len(names), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listen)
	}}}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	answers, err := SignIns(ctx, client, "http://jamaica.localhost:"+port, names, password)
	if err != nil || answers[http.StatusOK] != len(names) {
		t.Fatalf("the answers were %v: %v", answers, err)
	}
	had, err := Of(serve.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	after := figures(t, metrics)
	t.Logf("answers %v; resident now %d MB, at most %d MB; allocated %.0f MB", answers, had.Now/1e6, had.Most/1e6, after["go_memstats_alloc_bytes_total"]/1e6)
	if allocated := after["go_memstats_alloc_bytes_total"]; allocated < 1e9 {
		t.Errorf("only %.0f bytes were allocated: this is no storm", allocated)
	}
	if had.Most > 256<<20 {
		t.Errorf("%d bytes were resident, 256 MiB may be", had.Most)
	}
}

// What contradicts itself, or is no size, is said before anything is opened.
func wrongIsSaid(t *testing.T, w *testkit.World, binary string) {
	for _, c := range []struct {
		settings []string
		words    string
	}{
		{[]string{"LIGNUM_MEMORY=lots"}, "LIGNUM_MEMORY must be a whole number of bytes"},
		{[]string{"LIGNUM_MEMORY=64MiB"}, "LIGNUM_MEMORY must be from 128MiB"},
		{[]string{"LIGNUM_MEMORY=512MiB", "GOMEMLIMIT=2GiB"}, "GOMEMLIMIT and LIGNUM_MEMORY are both set"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		serve := exec.CommandContext(ctx, binary, "serve")
		serve.Env = environment(w, free(t), free(t), c.settings...)
		out, err := serve.CombinedOutput()
		cancel()
		if err == nil || ctx.Err() == context.DeadlineExceeded || !strings.Contains(string(out), c.words) {
			t.Errorf("%v: %v\n%s", c.settings, err, out)
		}
	}
}
