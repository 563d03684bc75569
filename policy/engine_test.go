package policy

import (
	"bytes"
	"context"
	"testing"
)

func newEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := NewEngine(nil)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEmbeddedBundlePassesItsTests(t *testing.T) {
	report, err := RunTests(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	if report.Failed > 0 || report.Skipped > 0 || report.Passed < 25 || report.Coverage < 100 {
		t.Fatal(out.String())
	}
	t.Log(out.String())
}
