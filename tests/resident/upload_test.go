package resident

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lignum/domain/identity"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// uploadMost is how much more a process may hold while somebody sends a large file, bytes.
const uploadMost = 150 << 20

// A gigabyte, of which a tenth is sent unless all is tested, goes through a process that holds a small part of it. The process is killed in the middle of a part, and another one
// goes on from what is kept: the file has the hash of what was sent.
func TestALargeFileIsUploadedInParts(t *testing.T) {
	size := int64(1<<30) / 10
	if os.Getenv("LIGNUM_TEST_ALL") != "" {
		size = 1<<30 + 12345
	}
	w, binary := testkit.New(t), program(t)
	if other := os.Getenv("LIGNUM_TEST_PROGRAM"); other != "" { // to compare with one that was built otherwise
		binary = other
	}
	hash, err := identity.NewHasher(1).Hash(t.Context(), "", password)
	if err != nil {
		t.Fatal(err)
	}
	school.People(t, w.DB("jamaica"), school.Person{UserName: "teacher", PasswordHash: hash, Roles: []string{"teacher"}})
	listen := free(t)
	env := environment(w, listen, free(t), "LIGNUM_MEMORY=512MiB")
	c := &client{t: t, listen: listen, base: "http://jamaica.localhost:" + listen[strings.LastIndex(listen, ":")+1:], http: &http.Client{Timeout: 90 * time.Second}}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listen)
	}}

	first := c.serve(binary, env)
	c.signIn()
	for range 300 { // it has answered somebody
		c.ask(http.MethodGet, "/api/v1/classes", nil, nil)
	}
	before := c.memory(first)
	t.Logf("before: %d MB resident", before.Now/1e6)
	var u struct {
		ID       string `json:"id"`
		Offset   int64  `json:"offset"`
		Complete bool   `json:"complete"`
		SHA256   string `json:"sha256"`
		Path     string `json:"path"`
	}
	c.ask(http.MethodPost, "/api/v1/uploads", fmt.Appendf(nil, `{"purpose": "general", "name": "lesson.mp4", "bytes": %d}`, size), &u)
	path, half := "/api/v1/uploads/"+u.ID, size/2
	send := func(until int64) {
		t.Helper()
		for u.Offset < until {
			n := min(16<<20, until-u.Offset)
			c.part(path, u.Offset, n, n, &u)
		}
	}
	send(half)
	t.Logf("of the first process: %s", grown(before, c.memory(first)))
	if now := c.memory(first); now.Most-before.Now > uploadMost {
		t.Errorf("it holds %d bytes more", now.Most-before.Now)
	}
	c.http.CloseIdleConnections()
	c.part(path, half, 16<<20, 7<<20, nil) // and nothing more comes: the process is killed while it waits
	if err := first.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // it was killed

	second := c.serve(binary, env)
	before = c.memory(second)
	c.ask(http.MethodGet, path, nil, &u)
	if u.Offset < half || u.Offset > half+7<<20 {
		t.Fatalf("it is at %d, after %d were told to be kept", u.Offset, half)
	}
	t.Logf("%d of %d bytes of the part whose process was killed are kept", u.Offset-half, 7<<20)
	begun := time.Now()
	send(size)
	took := time.Since(begun)
	t.Logf("of the second process: %s; the second half took %s", grown(before, c.memory(second)), took.Round(10*time.Millisecond))
	if now := c.memory(second); now.Most-before.Now > uploadMost {
		t.Errorf("it holds %d bytes more", now.Most-before.Now)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, content(0, size)); err != nil {
		t.Fatal(err)
	}
	sent := hex.EncodeToString(sum.Sum(nil))
	if !u.Complete || u.SHA256 != sent {
		t.Fatalf("%+v, %s was sent", u, sent)
	}
	res, err := c.http.Get(c.base + u.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	sum.Reset()
	if n, err := io.Copy(sum, res.Body); err != nil || n != size || hex.EncodeToString(sum.Sum(nil)) != sent {
		t.Errorf("%d bytes come back, %v", n, err)
	}
	t.Logf("and after it was read back: %s", grown(before, c.memory(second)))
}

func grown(before, now Memory) string {
	return fmt.Sprintf("%d MB resident before, at most %d MB", before.Now/1e6, now.Most/1e6)
}

// block is what a large file is made of.
const block = 1 << 20

// content is bytes of a large file, from one to another: blocks that each begin with their number.
func content(from, to int64) io.Reader {
	noise := make([]byte, block)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it has no error
	return io.LimitReader(&blocks{at: from, noise: noise}, to-from)
}

type blocks struct {
	at    int64
	noise []byte
}

func (b *blocks) Read(p []byte) (int, error) {
	in := b.at % block
	copy(b.noise, fmt.Sprintf("%016d", b.at/block))
	n := copy(p, b.noise[in:])
	b.at += int64(n)
	return n, nil
}

// client sends a file.
type client struct {
	t            *testing.T
	listen, base string
	http         *http.Client
	token        string
}

// serve starts the program and waits until it answers.
func (c *client) serve(binary string, env []string) *exec.Cmd {
	c.t.Helper()
	serve := exec.Command(binary, "serve")
	serve.Env, serve.Stdout, serve.Stderr = env, os.Stdout, os.Stderr
	if err := serve.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt) // it may have ended
		_ = serve.Wait()
	})
	for i := 0; ; i++ {
		if res, err := c.http.Get(c.base + "/sign-in"); err == nil {
			res.Body.Close()
			return serve
		} else if i > 600 {
			c.t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *client) memory(serve *exec.Cmd) Memory {
	c.t.Helper()
	m, err := Of(serve.Process.Pid)
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

func (c *client) signIn() {
	c.t.Helper()
	var signedIn struct {
		Token string `json:"access_token"`
	}
	c.ask(http.MethodPost, "/api/v1/sign-in", fmt.Appendf(nil, `{"user_name": "teacher", "password": %q}`, password), &signedIn)
	c.token = signedIn.Token
}

func (c *client) do(req *http.Request, answer any) {
	c.t.Helper()
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode > 202 {
		c.t.Fatalf("%s %s: %s %v %.500s", req.Method, req.URL.Path, res.Status, err, said)
	}
	if answer != nil {
		if err := json.Unmarshal(said, answer); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *client) ask(method, path string, body []byte, answer any) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	c.do(req, answer)
}

// part sends a part of n bytes; with less than that to come it sends so much, and leaves the connection as it is then.
func (c *client) part(path string, offset, n, come int64, answer any) {
	c.t.Helper()
	if come == n {
		req, err := http.NewRequest(http.MethodPatch, c.base+path, content(offset, offset+n))
		if err != nil {
			c.t.Fatal(err)
		}
		req.ContentLength = n
		req.Header.Set("Upload-Offset", strconv.FormatInt(offset, 10))
		c.do(req, answer)
		return
	}
	conn, err := net.Dial("tcp", c.listen)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n", path, strings.TrimPrefix(c.base, "http://"), c.token, offset, n); err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.Copy(conn, content(offset, offset+come)); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // what came is read
}
