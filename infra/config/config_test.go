package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"runtime"
	"strings"
	"testing"
)

func set(t *testing.T, vars map[string]string) {
	t.Helper()
	for k, v := range vars {
		t.Setenv(k, v)
	}
}

func complete() map[string]string {
	return map[string]string{
		"LIGNUM_BASE_DOMAIN": "lignum.example", "LIGNUM_INSTALLATION": "prod", "LIGNUM_PROXY": "db.example:5432",
		"LIGNUM_FILES": "/var/lib/lignum/files", "LIGNUM_MASTER_KEY": base64.StdEncoding.EncodeToString(make([]byte, 32)), "LIGNUM_TRUSTED_PROXIES": "10.0.0.0/16,fd00::/8",
	}
}

func TestLoadTakesACompleteEnvironment(t *testing.T) {
	set(t, complete())
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Key()) != 32 || len(c.Proxies()) != 2 || c.URL("jamaica.lignum.example") != "https://jamaica.lignum.example" {
		t.Fatalf("read wrongly: %d key bytes, %v, %s", len(c.Key()), c.Proxies(), c.URL("jamaica.lignum.example"))
	}
}

func TestLoadNamesEverythingThatIsWrongAtOnce(t *testing.T) {
	vars := complete()
	delete(vars, "LIGNUM_INSTALLATION")
	vars["LIGNUM_MASTER_KEY"], vars["LIGNUM_PROXY"], vars["LIGNUM_SCHEME"] = "c2hvcnQ=", "nowhere", "http"
	vars["LIGNUM_TRUSTED_PROXIES"], vars["LIGNUM_DATABASE_CORES"], vars["LIGNUM_LISTEN_TLS"] = "ten", "NaN", "on"
	vars["LIGNUM_POOLER_CONNECTIONS"], vars["LIGNUM_FILES"] = "5001", "s3:///files"
	vars["LIGNUM_MAIL_SES_REGION"] = "eu-west-1.example.org"
	set(t, vars)
	_, err := Load()
	if err == nil {
		t.Fatal("a half-configured environment was accepted")
	}
	for _, name := range []string{"LIGNUM_INSTALLATION", "LIGNUM_MASTER_KEY", "LIGNUM_PROXY ", "LIGNUM_SCHEME", "LIGNUM_TRUSTED_PROXIES", "LIGNUM_DATABASE_CORES", "LIGNUM_POOLER_CONNECTIONS", "LIGNUM_LISTEN_TLS", "LIGNUM_FILES", "LIGNUM_MAIL_SES_REGION"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in:\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "c2hvcnQ=") {
		t.Error("the master key shows in the error")
	}
}

func TestTheDatabasesProcessorsAreThisMachinesUnlessTold(t *testing.T) {
	for text, want := range map[string]float64{"": float64(runtime.NumCPU()), "0": float64(runtime.NumCPU()), "0.5": 0.5, "64": 64} {
		vars := complete()
		vars["LIGNUM_DATABASE_CORES"] = text
		set(t, vars)
		if c, err := Load(); err != nil || c.Cores() != want {
			t.Errorf("%q: %v, want %v processors", text, err, want)
		}
	}
	for _, text := range []string{"-1", "0.1", "1025", "two", "+Inf"} {
		vars := complete()
		vars["LIGNUM_DATABASE_CORES"] = text
		set(t, vars)
		if _, err := Load(); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestFilesLieInADirectoryOrABucket(t *testing.T) {
	for where, ok := range map[string]bool{"/var/lib/lignum/files": true, ".lignum/files": true, "s3://prod-files?region=eu-west-1": true, "": true, // all but serve do without

		"s3://": false, "s3://?region=x": false, "s3://a:b@prod-files": false, "s3://prod-files/below": false, "gs://prod-files": false, "file:///files": false, "mem://": false} {
		vars := complete()
		vars["LIGNUM_FILES"] = where
		set(t, vars)
		if _, err := Load(); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "LIGNUM_FILES") {
			t.Errorf("%q: %v", where, err)
		}
	}
}

// What is personal may leave by a distribution before a bucket, at a host that shares nothing with the pages.
func TestFilesMayLeaveByADistribution(t *testing.T) {
	key := func(curve elliptic.Curve) string {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(der)
	}
	good := map[string]string{"LIGNUM_FILES": "s3://prod-files?region=eu-west-1", "LIGNUM_FILES_HOST": "files.lignum-packages.example", "LIGNUM_FILES_KEY_ID": "K2JCJMDEHXQW5F", "LIGNUM_FILES_KEY": key(elliptic.P256())}
	for what, c := range map[string]struct{ name, value, wrong string }{
		"as it is": {}, "no key": {"LIGNUM_FILES_KEY", "", "LIGNUM_FILES_KEY "}, "no id": {"LIGNUM_FILES_KEY_ID", "", "LIGNUM_FILES_KEY_ID"}, "no host": {"LIGNUM_FILES_HOST", "", "LIGNUM_FILES_HOST"},
		"another curve": {"LIGNUM_FILES_KEY", key(elliptic.P384()), "LIGNUM_FILES_KEY "}, "no PKCS #8": {"LIGNUM_FILES_KEY", "AAAA", "LIGNUM_FILES_KEY "},
		"a tenant's host": {"LIGNUM_FILES_HOST", "files.lignum.example", "LIGNUM_FILES_HOST"}, "an address": {"LIGNUM_FILES_HOST", "https://files.packages.example", "LIGNUM_FILES_HOST"},
		"an id with more": {"LIGNUM_FILES_KEY_ID", "K2JCJMDEHXQW5F&x=1", "LIGNUM_FILES_KEY_ID"}, "a directory": {"LIGNUM_FILES", "/var/lib/lignum/files", "LIGNUM_FILES"},
	} {
		vars := complete()
		maps.Copy(vars, good)
		if c.name != "" {
			vars[c.name] = c.value
		}
		set(t, vars)
		loaded, err := Load()
		if (err == nil) != (c.wrong == "") || err != nil && (!strings.Contains(err.Error(), c.wrong) || strings.Contains(err.Error(), good["LIGNUM_FILES_KEY"])) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && loaded.FilesSigner() == nil {
			t.Errorf("%s: there is no key", what)
		}
	}
	vars := complete()
	maps.Copy(vars, map[string]string{"LIGNUM_FILES_HOST": "", "LIGNUM_FILES_KEY_ID": "", "LIGNUM_FILES_KEY": ""})
	set(t, vars)
	if c, err := Load(); err != nil || c.FilesSigner() != nil {
		t.Errorf("without: %v", err)
	}
}

// Packages share no registrable domain with the tenants, but on one's own machine.
func TestPackagesAreOfAnotherDomain(t *testing.T) {
	for _, c := range []struct {
		scheme, base, sandbox string
		ok                    bool
	}{
		{"https", "lignum.example", "", true}, {"https", "lignum.example", "lignum-packages.example", true}, {"https", "lignum.example", "sandbox.lignum-packages.example", true},
		{"https", "learn.moe.gov.jm", "packages.lignum.org", true}, {"https", "learn.moe.gov.jm", "packages.gov.jm", true}, // gov.jm is a public suffix
		{"https", "lignum.github.io", "packages.github.io", true}, // so is github.io
		{"https", "lignum.example", "lignum.example", false}, {"https", "lignum.example", "sandbox.lignum.example", false}, {"https", "learn.lignum.example", "lignum.example", false},
		{"https", "learn.lignum.example", "packages.lignum.example", false}, {"https", "learn.moe.gov.jm", "packages.moe.gov.jm", false},
		{"https", "learn.lignum.co.uk", "packages.lignum.co.uk", false}, {"https", "Lignum.Example", "sandbox.lignum.example", false},
		{"https", "lignum.example", "Packages.example", false}, {"https", "lignum.example", "packages", false}, {"https", "lignum.example", "packages.example.", false},
		{"https", "lignum.example", "*.packages.example", false}, {"https", "lignum.example", "https://packages.example", false}, {"https", "lignum.example", "packages.example:8080", false},
		{"http", "localhost", "sandbox.localhost", true}, {"http", "lignum.localhost", "sandbox.localhost", true},
		{"http", "localhost", "localhost", false}, {"http", "localhost", "packages.example", false}, {"http", "a.sandbox.localhost", "sandbox.localhost", false},
	} {
		vars := complete()
		vars["LIGNUM_SCHEME"], vars["LIGNUM_BASE_DOMAIN"], vars["LIGNUM_SANDBOX_DOMAIN"] = c.scheme, c.base, c.sandbox
		set(t, vars)
		if _, err := Load(); (err == nil) != c.ok || err != nil && !strings.Contains(err.Error(), "LIGNUM_SANDBOX_DOMAIN") {
			t.Errorf("%s, packages at %q: %v", c.base, c.sandbox, err)
		}
	}
}
