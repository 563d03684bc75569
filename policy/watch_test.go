package policy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	eng, dir := newEngine(t), t.TempDir()
	put := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, f := range embedded(t) {
		put(name, string(f.Data))
	}
	type result struct {
		version string
		err     error
	}
	results := make(chan result, 100)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		eng.Watch(ctx, dir, 0, func(v string, err error) { results <- result{v, err} })
	}()
	next := func() result {
		t.Helper()
		select {
		case r := <-results:
			return r
		case <-time.After(30 * time.Second):
			t.Fatal("a change was not noticed")
			return result{}
		}
	}
	start := eng.Version()
	put("extra.rego", "package lignum\n\nnonsense if {")
	if r := next(); r.err == nil || !strings.Contains(r.err.Error(), "extra.rego") || eng.Version() != start {
		t.Error("a broken bundle:", r, eng.Version())
	}
	put("extra.rego", "package lignum\n\nreaches_region if input.region\n")
	r := next()
	for r.err != nil { // a look between the file's emptying and its filling is refused too
		r = next()
	}
	if eng.Version() == start {
		t.Error("the whole bundle was not taken")
	}
	if err := os.Rename(dir, dir+"-gone"); err != nil {
		t.Fatal(err)
	}
	if r := next(); r.err == nil || r.version != "" {
		t.Error("a directory that is gone:", r)
	}
	cancel()
	<-ended
	if len(results) > 0 {
		t.Error("one fault was reported twice:", <-results)
	}
}
