package aws

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var example = Settings{Installation: "prod", BaseDomain: "lignum.example", Region: "ca-central-1", Size: "country", Version: "v1.2.3",
	Sandbox: "lignum-packages.example", HostedZone: "Z0123456789ABC", SandboxZone: "Z9876543210ABC", AlarmEmail: "alarms@lignum.example"}

// bare is without an address for alarms, and with all stacks in one region.
func bare() Settings {
	s := example
	s.AlarmEmail, s.Region = "", "us-east-1"
	return s
}

func TestSettingsAreCheckedAllAtOnce(t *testing.T) {
	check := func(s Settings) (flags []string) {
		s.Check(func(flag, _ string, _ ...any) { flags = append(flags, flag) })
		return flags
	}
	if wrong := append(check(example), check(bare())...); len(wrong) > 0 {
		t.Errorf("refused: %v", wrong)
	}
	all := []string{"--installation", "--base-domain", "--sandbox-domain", "--region", "--version", "--hosted-zone", "--sandbox-zone", "--size", "--alarm-email"}
	if wrong := check(Settings{AlarmEmail: "nobody"}); !slices.Equal(wrong, all) {
		t.Errorf("named %v of %v", wrong, all)
	}
	for _, shared := range []string{"lignum.example", "sandbox.lignum.example"} {
		s := example
		if s.Sandbox = shared; !slices.Equal(check(s), []string{"--sandbox-domain"}) {
			t.Errorf("packages may be at %s: %v", shared, check(s))
		}
	}
	for _, bad := range []string{"prod;id", "$(id)", "a b", "x\ny", "`id`", "prod'", "../prod", strings.Repeat("a", 300)} {
		s := Settings{bad, bad, bad, bad, bad, bad, bad, bad, bad}
		if wrong := check(s); len(wrong) != len(all) {
			t.Errorf("%q: named only %v", bad, wrong)
		}
	}
}

// given are the parameters of each deployment in a plan, by template, in the order of the plan.
func given(t *testing.T, plan string) (stacks []string, parameters [][]string) {
	t.Helper()
	deploy := regexp.MustCompile(`--template-file infra/aws/templates/([a-z]+)\.yaml`)
	assign := regexp.MustCompile(`^    ([A-Za-z0-9]+)=`)
	scripts := regexp.MustCompile(`(?s)<<END\n.*?\nEND\n`) // that the plan writes for another time
	for _, line := range strings.Split(scripts.ReplaceAllString(plan, "\n"), "\n") {
		if m := deploy.FindStringSubmatch(line); m != nil {
			stacks, parameters = append(stacks, m[1]), append(parameters, nil)
		} else if m := assign.FindStringSubmatch(line); m != nil {
			last := len(parameters) - 1
			parameters[last] = append(parameters[last], m[1])
		}
	}
	return stacks, parameters
}

func TestPlanFitsTheTemplates(t *testing.T) {
	set := parsed(t)
	for _, s := range []Settings{example, bare()} {
		stacks, parameters := given(t, Plan(s))
		seen := map[string]bool{}
		for i, name := range stacks {
			known := set.template(name).Parameters
			for _, one := range parameters[i] {
				if known.Get(one) == nil {
					t.Errorf("%s has no parameter %s", name, one)
				}
			}
			if seen[name] {
				continue // an update keeps what it does not name
			}
			seen[name] = true
			for j, one := range known.Keys {
				if known.Items[j].Get("Default") == nil && !slices.Contains(parameters[i], one) {
					t.Errorf("%s is not given %s, which has no default", name, one)
				}
			}
		}
		if len(seen) != len(Stacks) {
			t.Errorf("the plan makes %v of %v", stacks, Stacks)
		}
	}
}

// TestPlanLiterals holds what the plan writes against what the templates' parameters take.
func TestPlanLiterals(t *testing.T) {
	set := parsed(t)
	checked := 0
	for _, s := range stacks(example) {
		for _, one := range s.parameters {
			p := set.template(s.name).Parameters.Get(one.name)
			value := strings.NewReplacer(`"$INSTALLATION"`, example.Installation, `"$VERSION"`, example.Version, `"$BASE_DOMAIN"`, example.BaseDomain, `"$SANDBOX_DOMAIN"`, example.Sandbox).Replace(one.value)
			if value == "" || strings.Contains(value, "$") {
				continue
			}
			checked++
			if pattern := p.Get("AllowedPattern").Scalar(); pattern != "" && !regexp.MustCompile(pattern).MatchString(value) {
				t.Errorf("%s refuses %s=%s: %s", s.name, one.name, value, pattern)
			}
			if allowed, known := set.template(s.name).parameterTexts(one.name); known && !slices.Contains(allowed, value) {
				t.Errorf("%s refuses %s=%s: %v", s.name, one.name, value, allowed)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d literals were held against their patterns", checked)
	}
}

func TestPlanReadsOutputsThatAreThere(t *testing.T) {
	set := parsed(t)
	reads := regexp.MustCompile(`\$\(output ([a-z]+) ([A-Za-z0-9]+)`).FindAllStringSubmatch(Plan(example), -1)
	if len(reads) < 8 {
		t.Errorf("only %d outputs are read", len(reads))
	}
	for _, m := range reads {
		if set.template(m[1]).Outputs.Get(m[2]) == nil {
			t.Errorf("%s has no output %s", m[1], m[2])
		}
	}
}

// TestEarlyTemplatesFitARequest: the bucket for larger templates is made by data, and stands in another region than edge.
func TestEarlyTemplatesFitARequest(t *testing.T) {
	for _, name := range []string{"network", "data", "edge"} {
		if size := len(Templates()[name]); size == 0 || size > bodyLimit {
			t.Errorf("%s has %d bytes of at most %d", name, size, bodyLimit)
		}
	}
}

// zipBefore is the sum of the zip of the release before.
const zipBefore = "00ff0a2725e35c6e81d0cf1b58a44e4b2d3a1fd4b8d6d2c5c1f6a1f27b0d9e3a"

// inBase64 is how Lambda writes a sum.
func inBase64(t *testing.T, sum string) string {
	t.Helper()
	raw, err := hex.DecodeString(sum)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// runPlan runs the plan in bash with -u, with programs that stand in for AWS, Go and the network: every variable is
// set before it is used, every line is one that bash takes, and the stacks come in order. It cannot show what AWS says.
func runPlan(t *testing.T, env ...string) (source, calls string) {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal("this test needs bash")
	}
	dir := t.TempDir()
	stands := map[string]string{
		"aws": `case "$*" in
*"s3 cp"*SHA256SUMS.there*) exit 1 ;;
*"s3 cp"*SHA256SUMS.previous*) printf '0123abcd  lignum-linux-arm64\n%s  autoscale.zip\n' "$ZIP_BEFORE" >bin/release/SHA256SUMS.previous ;;
*deploy*|*"s3 cp"*) printf '%s\n' "$*" >>"$CALLS" ;;
*FilesKeyId*) echo "$LINKS" ;;
*put-secret-value*) cat >"$FILES_KEY_AT"; printf '%s\n' "$*" >>"$CALLS" ;;
*get-secret-value*VersionId*) [ -s "$FILES_KEY_AT" ] && echo a-version ;;
*get-secret-value*SecretString*) cat "$FILES_KEY_AT" ;;
*update-secret-version-stage*) printf '%s\n' "$*" >>"$CALLS" ;;
*describe-stacks*|*describe-managed-prefix-lists*) echo a-value ;;
esac`,
		"go":   `while [ $# -gt 0 ]; do [ "$1" = -o ] && echo "$GOARCH" >"$2"; shift; done`,
		"make": `mkdir -p bin; printf '#!/bin/sh\n[ "$2" = zip ] && echo zip >"$4"; true\n' >bin/lignum; chmod +x bin/lignum`,
		"git":  `[ "$1" = status ] || echo v1.2.3`,
		"curl": `echo '301 https://platform.lignum.example/'`,
	}
	for name, script := range stands {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"+bash+"\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	source = t.TempDir()
	if err := os.CopyFS(filepath.Join(source, "infra/release"), os.DirFS("../release")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "calls")
	run := exec.CommandContext(t.Context(), bash, "-c", Plan(example))
	run.Dir, run.Stdin = source, strings.NewReader("\n")
	run.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "CALLS="+file, "ZIP_BEFORE="+zipBefore, "FILES_KEY_AT="+filepath.Join(dir, "files-key"), "LINKS=None")
	run.Env = append(run.Env, env...)
	said, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if key, err := os.ReadFile(filepath.Join(dir, "files-key")); err == nil && len(key) > 0 && strings.Contains(string(said), string(key)) {
		t.Error("the private key of links is printed")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return source, string(data)
}

func TestPlanRuns(t *testing.T) {
	source, calls := runPlan(t)
	var order []string
	for _, m := range regexp.MustCompile(`--stack-name prod-([a-z]+) `).FindAllStringSubmatch(calls, -1) {
		if !slices.Contains(order, m[1]) {
			order = append(order, m[1])
		}
	}
	if !slices.Equal(order, Stacks) {
		t.Errorf("stacks in the order %v, wanted %v", order, Stacks)
	}
	now := fmt.Sprintf("%x", sha256.Sum256([]byte("zip\n"))) // what stands in for the zip
	if want := "AutoscaleSha256=" + inBase64(t, now) + " "; !strings.Contains(calls+" ", want) {
		t.Errorf("%s is not given:\n%s", want, calls)
	}
	back, err := os.ReadFile(filepath.Join(source, "bin/release/roll-back.sh"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`--stack-name "prod-web"`, "Version=a-value", "BinarySha256=0123abcd", "AutoscaleSha256=" + inBase64(t, zipBefore), `--stack-name "prod-operations"`} {
		if !strings.Contains(string(back), part) {
			t.Errorf("roll-back.sh lacks %s:\n%s", part, back)
		}
	}
	if said, err := exec.CommandContext(t.Context(), "bash", "-n", filepath.Join(source, "bin/release/roll-back.sh")).CombinedOutput(); err != nil {
		t.Errorf("roll-back.sh: %v\n%s", err, said)
	}
}

// The pair of keys is made once: the machines get the private one, CloudFront the public one of the same pair; and where links lead there already, or the secret
// has a key, none is made.
func TestPlanMakesTheKeyOfLinks(t *testing.T) {
	at := filepath.Join(t.TempDir(), "key")
	_, calls := runPlan(t, "FILES_KEY_AT="+at)
	pair := func(calls string) {
		t.Helper()
		text, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		der, err := base64.StdEncoding.DecodeString(string(text))
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			t.Fatal(err)
		}
		private, ok := key.(*ecdsa.PrivateKey)
		if !ok || private.Curve != elliptic.P256() {
			t.Fatalf("the key is a %T", key)
		}
		given := regexp.MustCompile(`(?s)FilesPublicKeyOne=(-----BEGIN.*?-----END PUBLIC KEY-----)`).FindStringSubmatch(calls)
		if given == nil {
			t.Fatalf("CloudFront gets no key:\n%s", calls)
		}
		if pattern := parsed(t).template("edge").Parameters.Get("FilesPublicKeyOne", "AllowedPattern").Scalar(); !regexp.MustCompile(pattern).MatchString(given[1]) {
			t.Errorf("the edge refuses %q", given[1])
		}
		block, _ := pem.Decode([]byte(given[1]))
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil || !private.PublicKey.Equal(public) {
			t.Errorf("CloudFront gets the public key of another pair: %v", err)
		}
		if strings.Contains(calls, string(text)) {
			t.Error("the private key stands on a command line")
		}
		for _, want := range []string{"--version-stage a-value --move-to-version-id a-version", "FilesKeyId=a-value", "FilesDistributionId=a-value", "FilesBucketDomainName=a-value"} {
			if !strings.Contains(calls, want) {
				t.Errorf("%s is not said:\n%s", want, calls)
			}
		}
	}
	pair(calls)
	before, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	_, again := runPlan(t, "FILES_KEY_AT="+at) // it stopped before the machines were told
	pair(again)
	if after, err := os.ReadFile(at); err != nil || string(after) != string(before) {
		t.Errorf("another key is made: %v", err)
	}
	_, done := runPlan(t, "FILES_KEY_AT="+at, "LINKS=K2JCJMDEHXQW5F")
	for _, no := range []string{"put-secret-value", "FilesPublicKeyOne", "FilesKeyId="} {
		if strings.Contains(done, no) {
			t.Errorf("%s again", no)
		}
	}
}
