package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"lignum/api"
	"lignum/domain/catalog/pack"
	"lignum/infra/config"
	"lignum/infra/memory"
	"lignum/policy"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// live is what the garbage collector finds in use.
func live() int64 {
	var m runtime.MemStats
	for range 3 { // pools let go of what is in them after two collections
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Forty browsers that each fetched something of 200 KB, and stay connected, hold none of it.
func TestAnOpenConnectionKeepsNoAnswer(t *testing.T) {
	s := apitest.New(t)
	for n := range 50 {
		school.Course(t, s.DB("jamaica"), pack.Pack{Name: fmt.Sprintf("course-%d", n), Summary: strings.Repeat("Much is said about it. ", 200)})
	}
	request := "GET /api/v1/courses?limit=50 HTTP/1.1\r\nHost: " + s.Host("jamaica") + "\r\nAuthorization: Bearer " + s.User("jamaica", "student").Token + "\r\n\r\n"
	address := fmt.Sprintf("127.0.0.1:%d", s.Port)
	const browsers = 40
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	fetch := func(c net.Conn) (size int64) {
		t.Helper()
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if size, err = io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Fatal(res.Status, err)
		}
		return size
	}
	size, before := int64(0), int64(0)
	for i := range browsers + 1 {
		if i == 1 {
			before = live() // the first made what is made once
		}
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		size = fetch(c)
	}
	grown := (live() - before) / browsers
	t.Logf("an answer has %d bytes, a connection holds %d", size, grown)
	if size < 150<<10 {
		t.Fatalf("%d bytes are no large answer", size)
	}
	if grown > 64<<10 {
		t.Errorf("each open connection holds %d bytes", grown)
	}
}

// What cannot be served within the memory is not accepted: connections are held by anybody who likes to.
func TestConnectionsAreBoundedByTheMemory(t *testing.T) {
	w := testkit.New(t)
	rules, err := policy.NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const most = 50
	s, err := api.New(api.Deps{Store: w.Store, Registry: w.Registry, Rules: rules, Log: slog.New(slog.DiscardHandler), Version: "test", Memory: memory.Share{Go: most * 32 << 10},
		Config: &config.Config{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", BaseDomain: "localhost", Scheme: "http", Installation: testkit.Installation,
			MasterKey: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", Proxy: "127.0.0.1:1", DrainTime: time.Second, LogLevel: "error"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, ln) }()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("server: %v", err)
		}
	}()
	status := func() int {
		t.Helper()
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		if _, err := io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: jamaica.localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for i := range most {
		if got := status(); got != http.StatusOK {
			t.Fatalf("connection %d of %d: %d", i+1, most, got)
		}
	}
	if got := status(); got != http.StatusServiceUnavailable {
		t.Errorf("one more than fit: %d", got)
	}
	for _, c := range conns {
		c.Close()
	}
	for i := 0; ; i++ {
		if status() == http.StatusOK {
			break
		} else if i > 100 {
			t.Fatal("when the others are gone, still nobody is let in")
		}
		time.Sleep(50 * time.Millisecond)
	}
}
