package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func parsed(t *testing.T) stackSet {
	t.Helper()
	set := stackSet{T: t}
	for _, name := range Stacks {
		one, err := Parse(name, Templates()[name])
		if err != nil {
			t.Fatal(err)
		}
		set.templates = append(set.templates, one)
	}
	return set
}

// copy gives the same templates again, for another fault: to parse them each time is most of the work.
func (s stackSet) copy(t *testing.T) stackSet {
	var again func(v *Value) *Value
	again = func(v *Value) *Value {
		if v == nil {
			return nil
		}
		c := *v
		c.Keys, c.Items = slices.Clone(v.Keys), slices.Clone(v.Items)
		for i, item := range c.Items {
			c.Items[i] = again(item)
		}
		return &c
	}
	set := stackSet{T: t}
	for _, one := range s.templates {
		set.templates = append(set.templates, &Template{one.Name, again(one.Parameters), again(one.Mappings), again(one.Conditions),
			again(one.Rules), again(one.Resources), again(one.Outputs)})
	}
	return set
}

func TestTemplatesAreClean(t *testing.T) {
	stacks := Templates()
	if len(stacks) != len(Stacks) {
		t.Errorf("%d templates; the order of deployment names %d", len(stacks), len(Stacks))
	}
	for _, f := range Check(stacks) {
		t.Error(f)
	}
}

// TestPlantedFaults spoils the real templates in one way at a time. Each fault must be caught by its rule, by no other,
// and the same templates must be clean before it.
func TestPlantedFaults(t *testing.T) {
	clean := parsed(t)
	for _, f := range checkParsed(clean.templates) {
		t.Errorf("before the fault: %s", f)
	}
	before := clean.dump()
	for _, fault := range faults {
		t.Run(fault.rule+"/"+fault.name, func(t *testing.T) {
			set := clean.copy(t)
			fault.plant(set)
			if set.dump() == before {
				t.Fatal("the fault changed nothing")
			}
			found := checkParsed(set.templates)
			if len(found) == 0 {
				t.Fatal("not caught")
			}
			for _, f := range found {
				if f.Rule != fault.rule {
					t.Errorf("another rule: %s", f)
				}
				if f.Line == 0 || f.Resource == "" || f.Problem == "" || f.Remedy == "" {
					t.Errorf("a finding that does not say all: %+v", f)
				}
			}
		})
	}
	if clean.dump() != before {
		t.Error("a fault was planted in the templates of all")
	}
}

func TestEveryRuleHasAFault(t *testing.T) {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
		if !slices.ContainsFunc(faults, func(f fault) bool { return f.rule == r.name }) {
			t.Errorf("%s catches no planted fault", r.name)
		}
	}
	for _, f := range faults {
		if !slices.Contains(names, f.rule) {
			t.Errorf("%s is no rule", f.rule)
		}
	}
}

func TestWhatASecretLooksLike(t *testing.T) {
	for text, secret := range map[string]bool{
		"AKIA" + "ABCDEFGHIJKLMNOP": true, "ASIA" + "ABCDEFGHIJKLMNOP": true, "AKIA is short": false,
		"-----BEGIN PRIVATE KEY-----": true, "-----BEGIN RSA PRIVATE KEY-----": true, "a PRIVATE KEY": false,
		"see postgres://lignum:hidden@db:5432/x": true, "https://example.org:443/x": false,
		"export Password = 'correct-horse'": true, "API_KEY=abcdefgh": true, "password=$1": false, "no password": false,
		strings.Repeat("aB3/", 10) + "aB3=": true, strings.Repeat("aB3/", 12) + "aB3=": false, "a=b": false,
	} {
		one, err := Parse("data", fmt.Appendf(nil, "Resources:\n  A:\n    Type: AWS::SSM::Parameter\n    Properties: {Value: %q}\n", text))
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(checkParsed([]*Template{one}), func(f Finding) bool { return f.Rule == "literal-secret" })
		if found != secret {
			t.Errorf("%q is taken for a secret: %v", text, found)
		}
	}
}

func TestUnreadableTemplates(t *testing.T) {
	for name, test := range map[string]struct{ yaml, says string }{
		"no YAML":          {"Resources: [", "no YAML"},
		"two documents":    {"Resources: {}\n---\nResources: {}\n", "one YAML document"},
		"a list":           {"- a\n", "no map of sections"},
		"unknown section":  {"Resorces:\n  A: {Type: x}\n", "Resorces is no section"},
		"unknown function": {"Resources:\n  A:\n    Type: !Transform x\n", "!Transform is no function"},
		"key twice":        {"Resources:\n  A: {Type: x}\n  A: {Type: y}\n", "x.yaml:3"},
		"no resources":     {"Description: nothing\n", "no Resources"},
		"empty":            {"", "empty"},
	} {
		found := Check(map[string][]byte{"x": []byte(test.yaml)})
		if len(found) != 1 || found[0].Rule != "readable" || !strings.Contains(found[0].String(), test.says) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	const secret = "correct-horse-battery"
	found := Check(map[string][]byte{"x": []byte("Resources:\n  A:\n    Type: T\n    Properties:\n      MasterUserPassword: " + secret + "\n")})
	if len(found) != 1 || found[0].Rule != "literal-secret" || found[0].Line != 5 {
		t.Fatalf("%v", found)
	}
	if strings.Contains(found[0].String(), secret) {
		t.Error("the finding shows the secret")
	}
}

func TestTwoExportsOfOneName(t *testing.T) {
	set := parsed(t)
	outputs := set.template("network").Outputs
	outputs.Keys, outputs.Items = append(outputs.Keys, outputs.Keys[0]), append(outputs.Items, outputs.Items[0])
	found := checkParsed(set.templates)
	if len(found) != 1 || found[0].Rule != "import-export" || !strings.Contains(found[0].Problem, "twice") {
		t.Errorf("%v", found)
	}
}

// dump is all of the templates as text, to see whether a fault changed anything.
func (s stackSet) dump() string {
	s.Helper()
	data, err := json.Marshal(s.templates)
	if err != nil {
		s.Fatal(err)
	}
	return string(data)
}

// Where the program listens is where the load balancer asks, where the machine asks itself, and what the security groups let through.
func TestTheWebListensWhereItIsAsked(t *testing.T) {
	set := parsed(t)
	port := set.first("web", targets).Get("Properties", "Port").Scalar()
	script := ""
	set.first("web", launch).walk(func(v *Value) { script += v.Scalar() + "\n" })
	for _, want := range []string{"LIGNUM_LISTEN=:" + port + "\n", "https://127.0.0.1:" + port + "/readyz"} {
		if !strings.Contains(script, want) {
			t.Errorf("the machine's script has not %q", want)
		}
	}
	network := set.template("network").Resources
	for _, name := range []string{"AlbToWeb", "WebFromAlb"} {
		rule := network.Get(name, "Properties")
		if from, to := rule.Get("FromPort").Scalar(), rule.Get("ToPort").Scalar(); from != port || to != port {
			t.Errorf("%s lets %s to %s through, the load balancer asks at %s", name, from, to, port)
		}
	}
}
