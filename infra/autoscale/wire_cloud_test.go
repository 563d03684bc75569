//go:build cloud

package autoscale

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A wire is the network between the autoscaler and AWS. It notes the changing RDS calls that arrive, and does what AWS does
// and moto does not: it answers, alters or loses calls.
type wire struct {
	mu     sync.Mutex
	noted  []string
	before func(call string) *http.Response               // an answer without asking AWS
	after  func(call string, body []byte) ([]byte, error) // another answer than AWS's, or its loss
	pause  func(call string)                              // before the call goes out
}

func (n *wire) changes() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.noted)
}

func (n *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	call := r.Header.Get("X-Amz-Target")
	if _, after, ok := strings.Cut(call, "."); ok {
		call = after
	}
	if call == "" && r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		call = form.Get("Action")
	}
	if n.pause != nil {
		n.pause(call)
	}
	if n.before != nil {
		if resp := n.before(call); resp != nil {
			return resp, nil
		}
	}
	if slices.Contains([]string{"ModifyDBCluster", "CreateDBInstance", "DeleteDBInstance", "ModifyDBInstance", "FailoverDBCluster"}, call) {
		n.mu.Lock()
		n.noted = append(n.noted, call)
		n.mu.Unlock()
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || n.after == nil {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if body, err = n.after(call, body); err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// no is RDS's answer to a call that it refuses.
func no(status int, code, message string) *http.Response {
	body := fmt.Sprintf(`<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/">
		<Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>
		<RequestId>r</RequestId></ErrorResponse>`, code, message)
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"text/xml"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), ProtoMajor: 1, ProtoMinor: 1}
}
