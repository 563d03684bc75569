//go:build cloud

package aws

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPrepareScript runs the script for the host in the VPC, with programs that stand in again, and looks at how lignum is
// started: with the secrets in its environment and nowhere else.
func TestPrepareScript(t *testing.T) {
	source, _ := runPlan(t)
	for _, name := range []string{"bash", "python3"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatal("this test needs " + name)
		}
	}
	dir := t.TempDir()
	seen := filepath.Join(dir, "seen")
	const password = "p@ss/w%rd'\"$x"
	stands := map[string]string{
		"aws": `case "$*" in
*"s3 cp"*) printf '#!/bin/sh\nprintf "%%s\\n" "$*" "$LIGNUM_MASTER_KEY" "$LIGNUM_DIRECT_DSN" >"$SEEN"\n' >lignum ;;
*a-value*) cat "$SECRET" ;;
esac`,
		"curl":      `:`,
		"sha256sum": `cat >/dev/null`,
	}
	for name, body := range stands {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	secret := filepath.Join(dir, "secret.json")
	if err := os.WriteFile(secret, fmt.Appendf(nil, `{"username":"lignum_master","password":%q}`, password), 0o600); err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), "bash", filepath.Join(source, "bin/release/prepare.sh"))
	run.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "SEEN="+seen, "SECRET="+secret, "TMPDIR="+t.TempDir())
	said, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if strings.Contains(string(said), "p@ss") {
		t.Error("the secret is printed")
	}
	got, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(got), "\n")
	if lines[0] != "migrate" || !strings.Contains(string(got), "postgres://lignum_master:p%40ss%2Fw%25rd%27%22%24x@a-value:5432/lignum?sslmode=verify-full&sslrootcert=rds.pem") {
		t.Errorf("lignum was started with %q", lines)
	}
}
