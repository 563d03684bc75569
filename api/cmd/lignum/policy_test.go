package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"lignum/policy"
)

func TestEveryFactCanBeStated(t *testing.T) {
	typ := reflect.TypeFor[policy.Facts]()
	set := map[string]bool{}
	for _, f := range facts {
		stated := f.name
		if f.count {
			stated += "=3"
		}
		got, err := parseFacts([]string{stated})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for i := range typ.NumField() {
			if !reflect.ValueOf(got).Field(i).IsZero() {
				set[typ.Field(i).Name] = true
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s sets %d facts", f.name, n)
		}
	}
	if len(set) != typ.NumField() {
		t.Errorf("only %d of %d facts can be stated", len(set), typ.NumField())
	}
}

func TestPolicyExplain(t *testing.T) {
	w := installed(t)
	register := []string{"policy", "explain", "jamaica", "class.register", "--role", "student"}
	wants(t, must(t, register...), "class.register", "refused", "needed")
	wants(t, must(t, append(register, "--fact", "owner", "--fact", "class_open")...), "answer      allowed", "p, student, jamaica, class.register")
	wants(t, must(t, append(register, "--fact", "owner", "--fact", "class_open", "--tenant-state", "read_only")...), "refused")
	wants(t, must(t, append(register, "--fact", "owner", "--fact", "class_open", "--actor-state", "suspended")...), "refused")
	wants(t, must(t, "policy", "explain", "platform", "--role", "operator", "platform.tenant.read", "--fact", "listing"), "allowed")
	wants(t, must(t, "policy", "explain", "platform", "--role", "operator", "platform.tenant.read", "--second-factor=false"), "second_factor_needed")

	// The rules are the realm's own, as they are stored now.
	conn := w.Direct(t)
	if _, err := conn.Exec(t.Context(), "DELETE FROM "+w.Tenant("jamaica").SchemaName+".casbin_rules WHERE ptype = 'p' AND v0 = 'student' AND v2 = 'class.register'"); err != nil {
		t.Fatal(err)
	}
	var x policy.Explanation
	if err := json.Unmarshal([]byte(must(t, append(register, "--fact", "owner", "--fact", "class_open", "--json")...)), &x); err != nil {
		t.Fatal(err)
	}
	if x.Allowed || x.Reason != policy.RoleLacks || !x.NotAsked {
		t.Errorf("%+v", x)
	}
	wants(t, must(t, "policy", "explain", "bahamas", "class.register", "--role", "student", "--fact", "owner", "--fact", "class_open"), "answer      allowed")

	refused(t, "PERMISSION: class.fly is not in the catalogue", "policy", "explain", "jamaica", "class.fly", "--role", "student")
	refused(t, `--role: "pirate" is no role here; there are coach`, "policy", "explain", "jamaica", "class.read", "--role", "pirate")
	refused(t, `required flag(s) "role"`, "policy", "explain", "jamaica", "class.read")
	refused(t, "--tenant-state: must be", append(register, "--tenant-state", "asleep")...)
	refused(t, "--tenant-state: is for tenants", "policy", "explain", "platform", "platform.tenant.read", "--role", "operator", "--tenant-state", "active")
	refused(t, `"magic" is not known`, append(register, "--fact", "magic")...)
	refused(t, "attempts_left needs a number", append(register, "--fact", "attempts_left")...)
	refused(t, "owner takes no value", append(register, "--fact", "owner=no")...)
}

func TestPolicyTest(t *testing.T) {
	wants(t, must(t, "policy", "test"), "passed")
	var rep testJSON
	if err := json.Unmarshal([]byte(must(t, "policy", "test", "--json")), &rep); err != nil {
		t.Fatal(err)
	}
	if rep.Passed < 10 || rep.Failed > 0 || len(rep.Results) != rep.Passed || rep.Coverage < 90 {
		t.Errorf("%d passed, %d failed, coverage %v", rep.Passed, rep.Failed, rep.Coverage)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, policy.Embedded()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "more_test.rego"), []byte("package lignum_test\n\nimport rego.v1\n\ntest_wrong if 1 == 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, refused(t, "1 of ", "policy", "test", dir), "test_wrong", "more_test.rego:5")
	refused(t, "DIR: must be a directory", "policy", "test", filepath.Join(dir, "nowhere"))
}

func TestPolicyPermissions(t *testing.T) {
	wants(t, must(t, "policy", "permissions"), permissionNames()...)
	var rows []map[string]any
	if err := json.Unmarshal([]byte(must(t, "policy", "permissions", "--json")), &rows); err != nil || len(rows) != len(policy.Catalogue()) {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}
