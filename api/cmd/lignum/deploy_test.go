package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lignum/infra/aws"
)

func TestDeployPlan(t *testing.T) {
	args := []string{"deploy", "plan", "--installation", "prod", "--base-domain", "lignum.example", "--region", "ca-central-1", "--size", "country",
		"--version", "v1.2.3", "--hosted-zone", "Z0123456789ABC", "--sandbox-domain", "lignum-packages.example", "--sandbox-zone", "Z9876543210ABC", "--alarm-email", "alarms@lignum.example"}
	want := aws.Plan(aws.Settings{Installation: "prod", BaseDomain: "lignum.example", Region: "ca-central-1", Size: "country",
		Version: "v1.2.3", HostedZone: "Z0123456789ABC", Sandbox: "lignum-packages.example", SandboxZone: "Z9876543210ABC", AlarmEmail: "alarms@lignum.example"})
	if got := must(t, args...); got != want {
		t.Errorf("the plan is not that of the settings:\n%s", got)
	}

	_, err := command(t, "deploy", "plan", "--size", "huge", "--alarm-email", "nobody")
	if err == nil {
		t.Fatal("a plan of nothing")
	}
	wants(t, explain(err), "--installation", "--base-domain", "--version", "--hosted-zone", "--size", "--alarm-email")
}

func TestDeployCheck(t *testing.T) {
	wants(t, must(t, "deploy", "check"), "5 templates, nothing found")

	dir := t.TempDir()
	for name, data := range aws.Templates() {
		text := strings.ReplaceAll(string(data), "RequireTLS: true", "RequireTLS: false")
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := command(t, "deploy", "check", dir)
	if err == nil || !strings.Contains(out, "[proxy-tls]") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := command(t, "deploy", "check", t.TempDir()); err == nil || !strings.Contains(explain(err), "no template") {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestDeployZipNeedsTheSource(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := command(t, "deploy", "zip", "--out", "autoscale.zip"); err == nil || !strings.Contains(err.Error(), "root of the source") {
		t.Errorf("%v", err)
	}
}
