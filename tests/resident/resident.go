// Package resident tells how much memory a process holds, and brings a storm of sign-ins over one that serves: what takes the
// most memory at once. The benchmark and the tests share it.
package resident

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Memory is what a process holds of the machine's, in bytes.
type Memory struct {
	Now  int64 // VmRSS: resident at this moment
	Most int64 // VmHWM: the most since it started
}

// Of reads it from /proc, so it works on Linux alone.
func Of(pid int) (m Memory, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(raw)) {
		f := strings.Fields(line)
		if len(f) != 3 || f[2] != "kB" {
			continue
		}
		n, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil {
			return m, err
		}
		switch f[0] {
		case "VmRSS:":
			m.Now = n << 10
		case "VmHWM:":
			m.Most = n << 10
		}
	}
	if m.Now == 0 || m.Most == 0 {
		return m, fmt.Errorf("process %d has no memory any more", pid)
	}
	return m, nil
}

// SignIns lets everybody sign in at the same moment at a host's address, such as http://jamaica.localhost:8080. Who is asked to come
// again does so when told, until all are in or ctx ends. It gives how many answers there were of each status.
func SignIns(ctx context.Context, client *http.Client, host string, names []string, password string) (map[int]int, error) {
	var mu sync.Mutex
	answers := map[int]int{}
	failed := make(chan error, len(names))
	for _, name := range names {
		go func() {
			failed <- func() error {
				for {
					status, again, err := signIn(ctx, client, host, name, password)
					if err != nil {
						return err
					}
					mu.Lock()
					answers[status]++
					mu.Unlock()
					if status == http.StatusOK {
						return nil
					}
					select {
					case <-time.After(again):
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}()
		}()
	}
	var first error
	for range names {
		if err := <-failed; err != nil && first == nil {
			first = err
		}
	}
	mu.Lock()
	defer mu.Unlock()
	return maps.Clone(answers), first
}

// signIn sends one, and gives the answer's status and when to come again. Anything but a yes or a later is an error.
func signIn(ctx context.Context, client *http.Client, host, name, password string) (status int, again time.Duration, err error) {
	body, err := json.Marshal(map[string]string{"user_name": name, "password": password})
	if err != nil {
		return 0, 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, host+"/api/v1/sign-in", bytes.NewReader(body))
	if err != nil {
		return 0, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil || res.StatusCode == http.StatusOK {
		return res.StatusCode, 0, err
	}
	seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || !slices.Contains([]int{http.StatusServiceUnavailable, http.StatusTooManyRequests}, res.StatusCode) {
		return 0, 0, fmt.Errorf("%s: %d %.300s", name, res.StatusCode, text)
	}
	return res.StatusCode, time.Duration(seconds) * time.Second, nil
}
