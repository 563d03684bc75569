package policy

import (
	"context"
	"os"
	"time"
)

// Watch looks at a directory every so often, and reloads when its content is not what was last tried; it returns when the
// context ends. Content is compared by hash, so neither clocks nor lost notifications matter, and a directory that is
// caught half-written is refused and tried again when it is whole. onResult hears of each try once: the version of what was
// tried ("" when it could not be read) and nil, or why the rules in force stayed. A period under a tenth of a second counts
// as that.
func (e *Engine) Watch(ctx context.Context, dir string, every time.Duration, onResult func(version string, err error)) {
	tick := time.NewTicker(max(every, 100*time.Millisecond))
	defer tick.Stop()
	files := os.DirFS(dir)
	tried, failure := e.Version(), ""
	for {
		_, version, err := readSources(files)
		switch {
		case err != nil:
			if err.Error() != failure {
				onResult("", err)
			}
			failure = err.Error()
		case version != tried:
			tried, failure = version, ""
			onResult(version, e.Reload(ctx, files))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
