// Package load is what a country does at once, as traffic: learners who start an exam within seconds, a neighbour who goes on meanwhile, a
// tenant that asks for more than its quota, and the record day of the reference. The benchmark measures with it, the tests beside it run
// the same in small. What clients were told is kept in a Journal and compared with the database afterwards.
//
// Arrivals are open: a request is due at a time that does not depend on the answers before, and its waiting counts from then, so that
// a server which stalls is charged for everybody who would have come. The load is cheap, since it shares the machine with what it loads;
// what it costs is told by OwnTime.
package load

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/valyala/fasthttp"
)

// Client reaches one server under any tenant's host name, over connections that are kept. It is safe for concurrent use.
type Client struct {
	host *fasthttp.HostClient
	port string
}

// NewClient opens at most so many connections to an address such as 127.0.0.1:8080.
func NewClient(address string, connections int) *Client {
	_, port, _ := net.SplitHostPort(address) // without one the server's own complaint is clear enough
	return &Client{port: port, host: &fasthttp.HostClient{Addr: address, MaxConns: connections, MaxConnWaitTimeout: time.Minute, MaxIdleConnDuration: 10 * time.Second,
		ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, NoDefaultUserAgentHeader: true, DisablePathNormalizing: true,
		MaxIdemponentCallAttempts: 1, RetryIfErr: neverAgain}}
}

// neverAgain: what is sent twice would be counted once.
func neverAgain(*fasthttp.Request, int, error) (resetTimeout, retry bool) { return false, false }

// Close ends the idle connections.
func (c *Client) Close() { c.host.CloseIdleConnections() }

// Issuer is what tokens of a tenant say on this server.
func (c *Client) Issuer(slug string) string { return "http://" + slug + ".localhost:" + c.port }

// Call is one request.
type Call struct {
	Kind   string // what its waiting is counted under
	Method string // "": GET
	Slug   string // of the tenant
	Path   string
	Token  string // of the person; "": nobody
	Page   bool   // the token is a browser's cookie
	From   string // the visitor's address, as a trusted proxy reports it; "": the client's own
	Body   string // JSON
}

// Do sends a request and gives the answer's status. read, unless it is nil, gets the body of an answer with a status of success, which
// is gone when it returns. An answer that is no success is an error as well: see Refusal.
func (c *Client) Do(call Call, read func(body []byte) error) (status int, err error) {
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(res)
	req.SetRequestURI("http://" + call.Slug + ".localhost:" + c.port + call.Path)
	if call.Method != "" {
		req.Header.SetMethod(call.Method)
	}
	switch {
	case call.Token == "":
	case call.Page:
		req.Header.SetCookie("lignum", call.Token)
	default:
		req.Header.Set("Authorization", "Bearer "+call.Token)
	}
	if call.From != "" {
		req.Header.Set("X-Forwarded-For", call.From)
	}
	if call.Body != "" {
		req.Header.SetContentType("application/json")
		req.SetBodyString(call.Body)
	}
	if err := c.host.Do(req, res); err != nil {
		return 0, fmt.Errorf("%s %s: %w", call.method(), call.Path, err)
	}
	if status = res.StatusCode(); status != http.StatusOK && status != http.StatusCreated {
		return status, &Refusal{Status: status, Text: clip(fmt.Sprintf("%s %s: %d %s %s", call.method(), call.Path, status, res.Header.Peek("Location"), res.Body()), 400)}
	}
	if read != nil {
		err = read(res.Body())
	}
	return status, err
}

func (c *Call) method() string {
	if c.Method == "" {
		return http.MethodGet
	}
	return c.Method
}

// Refusal is an answer that is no success.
type Refusal struct {
	Status int
	Text   string
}

func (r *Refusal) Error() string { return r.Text }

// statusOf is the status of a Refusal, and 0 for what was never answered, or not as it should be.
func statusOf(err error) int {
	if r := (*Refusal)(nil); errors.As(err, &r) {
		return r.Status
	}
	return 0
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// Address makes the n-th visitor's address, of a network that is nobody's (RFC 2544).
func Address(n int) string { return fmt.Sprintf("198.18.%d.%d", n/250%256, 1+n%250) }

// OwnTime is the processor time that this process, and with it the load, has used so far, in seconds.
func OwnTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
