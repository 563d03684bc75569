package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// profileLength is how much of a part one profile is of; what is left over at a part's end is lost.
const profileLength = 5 * time.Second

// profiling takes profiles of the API's processor time until it is told to stop, for whoever asked for a profile. An API that starts
// anew meanwhile is followed.
func (b *bench) profiling(ctx context.Context) (stop func()) {
	if b.profile == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			if err := b.profileOnce(ctx); err != nil && ctx.Err() == nil {
				time.Sleep(100 * time.Millisecond) // it is not there at this moment
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// profileOnce takes one.
func (b *bench) profileOnce(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", b.metricsAddr, int(profileLength.Seconds())), nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the profile: %s", res.Status)
	}
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	name := filepath.Join(b.dir, fmt.Sprintf("%d.pprof", len(b.profiles)))
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		return err
	}
	b.profiles = append(b.profiles, name)
	return nil
}

// saveProfile keeps all profiles as one, for the compiler.
func (b *bench) saveProfile(ctx context.Context) error {
	if b.profile == "" {
		return nil
	}
	if len(b.profiles) == 0 {
		return errors.New("no part took long enough for a profile")
	}
	merge := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof", "-proto", "-output", b.profile}, b.profiles...)...)
	if out, err := merge.CombinedOutput(); err != nil {
		return fmt.Errorf("merge the profiles: %w\n%s", err, out)
	}
	return nil
}
