package api_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"lignum/api/portal"
	"lignum/tests/apitest"
)

// A body that its handler reads as it comes ends at the route's bound also where its head does not say how long it is, and one that stops in the middle is not
// complete. Whoever may not send it is told before it comes.
func TestUploadsEndWhereTheirRouteEnds(t *testing.T) {
	s := apitest.New(t, portal.Register)
	admin := s.User("jamaica", "tenant_administrator")
	const form = "Content-Type: multipart/form-data; boundary=x\r\nAccept: application/json\r\nSec-Fetch-Site: same-origin\r\n"
	const field = "--x\r\nContent-Disposition: form-data; name=\"before\"\r\n\r\n"
	chunks := func(parts ...string) string {
		var b strings.Builder
		for _, p := range parts {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(p), p)
		}
		return b.String()
	}
	for _, c := range []struct {
		what, path, method, head, body string
		status                         int
		says                           string
	}{
		{"3 MB in chunks", "/api/v1/tenant/logo", "PUT", "Transfer-Encoding: chunked\r\n", chunks(strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)), 413, "too large"},
		{"3 MB before the file, in chunks", "/settings/logo", "POST", form + "Transfer-Encoding: chunked\r\n", chunks(field, strings.Repeat("x", 3<<20)), 413, ""},
		{"half of what was said", "/api/v1/tenant/logo", "PUT", "Content-Length: 1000000\r\n", strings.Repeat("x", 5000), 400, "not complete"},
		{"chunks without an end", "/api/v1/tenant/logo", "PUT", "Transfer-Encoding: chunked\r\n", chunks(strings.Repeat("x", 5000)), 400, "not complete"},
		{"a form that ends in the middle", "/settings/logo", "POST", form + "Content-Length: 1000000\r\n", field, 400, ""},
		{"packed", "/api/v1/tenant/logo", "PUT", "Content-Encoding: gzip\r\nContent-Length: 5\r\n", "xxxxx", 415, ""},
		{"by nobody", "/api/v1/tenant/logo", "PUT", "Authorization: Bearer x\r\nContent-Length: 1000000\r\n", strings.Repeat("x", 64<<10), 401, ""},
		{"no form", "/settings/logo", "POST", "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 6\r\n", "file=x", 422, ""},
	} {
		conn := dial(t, s)
		token := "Authorization: Bearer " + admin.Token + "\r\n"
		if strings.Contains(c.head, "Authorization") {
			token = ""
		}
		go func() {
			_, _ = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s\r\n%s", c.method, c.path, s.Host("jamaica"), token, c.head, c.body)
			if half, ok := conn.(interface{ CloseWrite() error }); ok && c.status == 400 { // it goes away
				_ = half.CloseWrite()
			}
		}()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		said, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status || !strings.Contains(string(said), c.says) {
			t.Errorf("%s: %d, %v, %.400s", c.what, res.StatusCode, err, said)
		}
	}
	if n := s.Text("jamaica", "SELECT count(*)::text FROM files"); n != "0" {
		t.Errorf("%s files are kept", n)
	}
}
