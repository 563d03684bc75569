package main

import (
	"io"
	"regexp"
	"strings"
	"testing"
)

func TestDemoCodeIsWhatAnAppWouldShow(t *testing.T) {
	out := must(t, "demo", "code")
	if !regexp.MustCompile(`^[0-9]{6} for another [0-9]+s\n$`).MatchString(out) {
		t.Error(out)
	}
}

func TestDemoRefuses(t *testing.T) {
	for name, value := range map[string]string{"BASE_DOMAIN": "learning.example", "SCHEME": "https", "INSTALLATION": "real", "PROXY": "127.0.0.1:1",
		"MASTER_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="} {
		t.Setenv("LIGNUM_"+name, value)
	}
	for args, want := range map[string]string{"": "--yes-really", "--scale=post": "--yes-really", "--scale=huge": "must be small or post"} {
		t.Setenv("LIGNUM_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=") // it is taken out of the environment when read
		cmd := demoCommand()
		cmd.SetArgs(strings.Fields(args))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("demo %s: %v", args, err)
		}
	}
}
