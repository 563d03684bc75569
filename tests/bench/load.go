package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// request is one that is sent again and again. Body makes the n-th body; nil: none.
type request struct {
	method, host, path, token string
	body                      func(n int64) string
}

// load sends requests over keep-alive connections from several clients for a while, as fast as the answers come.
func (b *bench) load(clients int, length time.Duration, requests []request) (sample, error) {
	var done, failed atomic.Int64
	var problem atomic.Pointer[string]
	client := &fasthttp.HostClient{Addr: b.apiAddr, MaxConns: clients, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, NoDefaultUserAgentHeader: true}
	defer client.CloseIdleConnections()
	before, start := b.usage(), time.Now()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			for i := c; time.Since(start) < length; i += clients { // of a learner one request at a time, as people work
				if err := b.send(client, &requests[i%len(requests)], req, res); err != nil {
					failed.Add(1)
					text := err.Error()
					problem.CompareAndSwap(nil, &text)
					continue
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	s := sample{requests: int(done.Load()), took: time.Since(start), failed: int(failed.Load())}
	s.used = b.usage().minus(before)
	if p := problem.Load(); p != nil {
		return s, fmt.Errorf("%d requests failed, the first with %s", s.failed, *p)
	}
	return s, nil
}

func (b *bench) send(client *fasthttp.HostClient, r *request, req *fasthttp.Request, res *fasthttp.Response) error {
	req.Reset()
	req.Header.SetMethod(r.method)
	req.SetRequestURI("http://" + r.host + r.path)
	req.Header.Set("Authorization", "Bearer "+r.token)
	if r.body != nil {
		req.Header.SetContentType("application/json")
		req.SetBodyString(r.body(b.counter.Add(1)))
	}
	if err := client.Do(req, res); err != nil {
		return err
	}
	if res.StatusCode() != 200 {
		return fmt.Errorf("%s %s: %d %s", r.method, r.path, res.StatusCode(), clip(string(res.Body()), 300))
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// once sends each request once.
func (b *bench) once(requests []request) error {
	client := &fasthttp.HostClient{Addr: b.apiAddr, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	req, res := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	for i := range requests {
		if err := b.send(client, &requests[i], req, res); err != nil {
			return err
		}
	}
	return nil
}
