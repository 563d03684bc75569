package api_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lignum/api/portal"
	"lignum/tests/apitest"
)

// dial opens a connection to the server, that ends with the test.
func dial(t *testing.T, s *apitest.Server) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// Fifty connections send eight megabytes each, all but the last byte, to somebody who did not ask for them. Nothing of it is kept,
// and each is told what was wrong. The answer comes before the body's end, or there would be none.
func TestBodiesThatNobodyAskedForAreNotKept(t *testing.T) {
	s := apitest.New(t, portal.Register)
	const size, connections = 8 << 20, 50
	s.Get(apitest.Anonymous("jamaica"), "/api/v1/me")
	s.Get(apitest.Anonymous("jamaica"), "/sign-in") // what a process needs once for its first page is not what is measured
	junk := bytes.Repeat([]byte("a"), 64<<10)
	for _, c := range []struct {
		what, host, path, more, method string
		chunked                        bool
		status                         int
	}{
		{what: "signing in", host: s.Host("jamaica"), path: "/api/v1/sign-in", status: http.StatusRequestEntityTooLarge},
		{what: "signing in, in chunks", host: s.Host("jamaica"), path: "/api/v1/sign-in", chunked: true, status: http.StatusRequestEntityTooLarge},
		{what: "the form to sign in", host: s.Host("jamaica"), path: "/sign-in", more: "Content-Type: application/x-www-form-urlencoded\r\n", status: http.StatusRequestEntityTooLarge},
		{what: "a form in parts", host: s.Host("jamaica"), path: "/sign-in", more: "Content-Type: multipart/form-data; boundary=x\r\n", status: http.StatusRequestEntityTooLarge},
		{what: "a path that is not there", host: s.Host("jamaica"), path: "/nothing", status: http.StatusNotFound},
		{what: "a path that is not there, in chunks", host: s.Host("jamaica"), path: "/nothing", chunked: true, status: http.StatusNotFound},
		{what: "a host that is none of ours", host: "atlantis.localhost", path: "/api/v1/sign-in", status: http.StatusNotFound},
		{what: "a route that needs a session", host: s.Host("jamaica"), path: "/api/v1/users", status: http.StatusUnauthorized},
		{what: "what is asked of any host", host: s.Host("jamaica"), path: "/livez", method: "GET", status: http.StatusOK},
	} {
		s.API.StopClock(time.Now())
		var most uint64
		var before runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		statuses := make(chan int, connections)
		var sent sync.WaitGroup
		finish := make(chan struct{})
		for range connections {
			conn := dial(t, s)
			sent.Add(1)
			go func() {
				head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n%s", cmp.Or(c.method, "POST"), c.path, c.host, c.more)
				if c.chunked {
					head += "Transfer-Encoding: chunked\r\n\r\n"
				} else {
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", size)
				}
				_, err := io.WriteString(conn, head)
				for n := 0; n < size-len(junk) && err == nil; n += len(junk) {
					if c.chunked {
						fmt.Fprintf(conn, "%x\r\n", len(junk))
					}
					if _, err = conn.Write(junk); c.chunked && err == nil {
						_, err = io.WriteString(conn, "\r\n")
					}
				}
				sent.Done()
				<-finish
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Errorf("%s: no answer: %v", c.what, err)
					statuses <- 0
					return
				}
				res.Body.Close()
				statuses <- res.StatusCode
			}()
		}
		sent.Wait() // everything is on its way, or was refused
		for range 5 {
			var now runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc))
		}
		close(finish)
		for range connections {
			if status := <-statuses; status != c.status {
				t.Errorf("%s: %d, want %d", c.what, status, c.status)
			}
		}
		if most > 32<<20 {
			t.Errorf("%s: %d MB are kept of %d that were sent", c.what, most>>20, size*connections>>20)
		}
	}
}

// One who sends slowly holds what was sent and no more, and is told in the end.
func TestWhoPromisesMuchHoldsLittle(t *testing.T) {
	s := apitest.New(t)
	s.Get(apitest.Anonymous("jamaica"), "/api/v1/me")
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 200 {
		fmt.Fprintf(dial(t, s), "POST /api/v1/sign-in HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", s.Host("jamaica"), 16<<10)
	}
	time.Sleep(300 * time.Millisecond) // until they stand at the door; a slower machine makes the test no stricter
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 200*96<<10 {
		t.Errorf("200 slow senders hold %d KB", grown>>10)
	}
}

func TestABodyIsReadToItsEndOrRefused(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	send := func(head, body string, then func(net.Conn)) (status int, text string) {
		t.Helper()
		conn := dial(t, s)
		fmt.Fprintf(conn, "POST /api/v1/users HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n%s", s.Host("jamaica"), admin.Token, head, body)
		if then != nil {
			then(conn)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(raw)
	}
	good := `{"given_name": "Ann", "family_name": "Brown", "roles": ["student"]}`
	if status, text := send("Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", 10, good[:10], len(good)-10, good[10:]), nil); status != http.StatusCreated {
		t.Errorf("in two chunks: %d %s", status, text)
	}
	if status, text := send(fmt.Sprintf("Content-Length: %d\r\nExpect: 100-continue\r\n", len(good)), good, nil); status != http.StatusContinue && status != http.StatusCreated {
		t.Errorf("after 100 Continue: %d %s", status, text)
	}
	cut := func(conn net.Conn) {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Error(err)
		}
	}
	if status, text := send(fmt.Sprintf("Content-Length: %d\r\n", len(good)+10), good, cut); status != http.StatusBadRequest {
		t.Errorf("cut off: %d %s", status, text)
	}
	if status, text := send("Transfer-Encoding: chunked\r\n", fmt.Sprintf("%x\r\n%s\r\n", len(good), good), cut); status != http.StatusBadRequest {
		t.Errorf("cut off in chunks: %d %s", status, text)
	}
	if status, text := send("Transfer-Encoding: chunked\r\n", "zz\r\n", cut); status != http.StatusBadRequest {
		t.Errorf("a chunk of no length: %d %s", status, text)
	}
	exact := good + strings.Repeat(" ", 64<<10-len(good))
	if r := s.Post(admin, "/api/v1/users", exact); r.Status != http.StatusCreated {
		t.Errorf("as large as may be: %d %s", r.Status, r.Body)
	}
	s.Post(admin, "/api/v1/users", exact+" ").Want(http.StatusRequestEntityTooLarge)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte(good)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	s.Send(admin, "POST", s.URL("jamaica")+"/api/v1/users", zipped.Bytes(), "Content-Encoding", "gzip", "Idempotency-Key", "k").Want(http.StatusUnsupportedMediaType).Problem()
	s.Post(admin, "/api/v1/users", good).Want(http.StatusCreated)
}
