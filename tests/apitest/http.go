package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"lignum/domain"
)

// Host is a tenant's host name with the port; "" is the platform's.
func (s *Server) Host(slug string) string {
	if slug == "" {
		slug = "platform"
	}
	return fmt.Sprintf("%s.localhost:%d", slug, s.Port)
}

// URL is where a tenant is reached.
func (s *Server) URL(slug string) string { return "http://" + s.Host(slug) }

// Response is an answer, read to its end.
type Response struct {
	T      testing.TB
	What   string // "GET /api/v1/me"
	Status int
	Header http.Header
	Body   []byte
}

// Path is a path of the API: Path("/users/%s", id).
func Path(format string, args ...any) string { return "/api/v1" + fmt.Sprintf(format, args...) }

// Do sends a request as somebody to their own tenant's host and reads the answer. body is nil, text, bytes, or what is
// sent as JSON.
func (s *Server) Do(u User, method, path string, body any) *Response {
	s.T.Helper()
	return s.Send(u, method, s.URL(u.Slug)+path, body)
}

// Get is Do with GET.
func (s *Server) Get(u User, path string) *Response {
	s.T.Helper()
	return s.Do(u, http.MethodGet, path, nil)
}

// Post is Do with POST.
func (s *Server) Post(u User, path string, body any) *Response {
	s.T.Helper()
	return s.Do(u, http.MethodPost, path, body)
}

// Send is Do to any address, with headers as pairs of name and value.
func (s *Server) Send(u User, method, url string, body any, headers ...string) *Response {
	s.T.Helper()
	req, err := http.NewRequest(method, url, reader(s.T, body))
	if err != nil {
		s.T.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if u.Token != "" {
		req.Header.Set("Authorization", "Bearer "+u.Token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := s.Client.Do(req)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		s.T.Fatalf("%s %s: %v", method, url, err)
	}
	return &Response{T: s.T, What: method + " " + req.URL.Path, Status: res.StatusCode, Header: res.Header, Body: raw}
}

func reader(t testing.TB, body any) io.Reader {
	t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	case []byte:
		return bytes.NewReader(b)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(raw)
}

// Want fails the test at once when the status is another, and shows the answer.
func (r *Response) Want(status int) *Response {
	r.T.Helper()
	if r.Status != status {
		r.T.Fatalf("%s: status %d, want %d\n%s", r.What, r.Status, status, r.Body)
	}
	return r
}

// Into reads the answer's JSON.
func (r *Response) Into(v any) *Response {
	r.T.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.T.Fatalf("%s: %v\n%s", r.What, err, r.Body)
	}
	return r
}

// Problem is a refusal by RFC 9457.
type Problem struct {
	Type, Title, Detail, Permission string
	Status                          int
	Errors                          []domain.Field
	RequestID                       string `json:"request_id"`
}

// Names are those of the fields that are wrong, in the order of the alphabet.
func (p Problem) Names() (list []string) {
	for _, f := range p.Errors {
		list = append(list, f.Name)
	}
	slices.Sort(list)
	return list
}

// Problem reads a refusal, and fails the test when it is no problem document of the same status.
func (r *Response) Problem() Problem {
	r.T.Helper()
	var p Problem
	r.Into(&p)
	if kind := r.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") || p.Status != r.Status {
		r.T.Fatalf("%s: %s with status %d inside %d\n%s", r.What, kind, p.Status, r.Status, r.Body)
	}
	return p
}

// As reads the answer's JSON into a T, after checking that the status is a success.
func As[T any](r *Response) (v T) {
	r.T.Helper()
	if r.Status/100 != 2 {
		r.T.Fatalf("%s: status %d\n%s", r.What, r.Status, r.Body)
	}
	r.Into(&v)
	return v
}
