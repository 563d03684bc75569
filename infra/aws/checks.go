package aws

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Finding is something in a template that must not be deployed.
type Finding struct {
	Template string // name of the stack: data
	Line     int    // from 1; 0 when the whole template is meant
	Resource string // logical name, or that of a parameter or output
	Rule     string // as in the table below
	Problem  string // what is wrong
	Remedy   string // what to do
}

func (f Finding) String() string {
	return fmt.Sprintf("%s.yaml:%d: %s: %s; %s [%s]", f.Template, f.Line, f.Resource, f.Problem, f.Remedy, f.Rule)
}

// rules are the checks by name: what cfn-lint cannot know, since it knows CloudFormation and not this platform.
var rules = []struct {
	name  string
	check func(*checker)
}{
	{"acl-scope", (*checker).aclScope},
	{"alarm-action", (*checker).alarmAction},
	{"alarm-missing-data", (*checker).alarmMissingData},
	{"altered-logins", (*checker).alteredLogins},
	{"jobs-given-up", (*checker).jobsGivenUp},
	{"body-too-large", (*checker).bodyTooLarge},
	{"bucket-public", (*checker).bucketPublic},
	{"bucket-tls", (*checker).bucketTLS},
	{"cdn-origin", (*checker).cdnOrigin},
	{"cdn-pages", (*checker).cdnPages},
	{"cdn-tls", (*checker).cdnTLS},
	{"code-pinned", (*checker).codePinned},
	{"database-backup", (*checker).databaseBackup},
	{"database-cores", (*checker).databaseCores},
	{"database-groups", (*checker).databaseGroups},
	{"database-iam", (*checker).databaseIAM},
	{"database-protected", (*checker).databaseProtected},
	{"database-public", (*checker).databasePublic},
	{"connections-memory", (*checker).connectionsMemory},
	{"credits-watched", (*checker).creditsWatched},
	{"dead-letter", (*checker).deadLetter},
	{"encrypted", (*checker).encrypted},
	{"export-name", (*checker).exportName},
	{"fetch-checksum", (*checker).fetchChecksum},
	{"files-bucket", (*checker).filesBucket},
	{"files-edge", (*checker).filesEdge},
	{"imdsv2", (*checker).imdsv2},
	{"import-export", (*checker).importExport},
	{"literal-secret", (*checker).literalSecret},
	{"ladder-start", (*checker).ladderStart},
	{"listener-tls", (*checker).listenerTLS},
	{"log-retention", (*checker).logRetention},
	{"mail-dmarc", (*checker).mailDMARC},
	{"mail-key", (*checker).mailKey},
	{"mail-reputation", (*checker).mailReputation},
	{"mail-returns", (*checker).mailReturns},
	{"mail-signed", (*checker).mailSigned},
	{"mail-tls", (*checker).mailTLS},
	{"memory-limit", (*checker).memoryLimit},
	{"min-max", (*checker).minMax},
	{"night-morning", (*checker).nightMorning},
	{"open-group", (*checker).openGroup},
	{"parameter-constrained", (*checker).parameterConstrained},
	{"proxy-connections", (*checker).proxyConnections},
	{"proxy-iam", (*checker).proxyIAM},
	{"proxy-tls", (*checker).proxyTLS},
	{"reserved-concurrency", (*checker).reservedConcurrency},
	{"retained", (*checker).retained},
	{"sandbox-apart", (*checker).sandboxApart},
	{"target-tls", (*checker).targetTLS},
	{"wildcard-action", (*checker).wildcardAction},
	{"wildcard-principal", (*checker).wildcardPrincipal},
	{"wildcard-resource", (*checker).wildcardResource},
}

// Check looks at all templates together, by the names of their stacks, and gives what must not be deployed, in the
// order of the files. Nothing found means an empty list.
func Check(stacks map[string][]byte) []Finding {
	var templates []*Template
	var unreadable []Finding
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		t, err := Parse(name, stacks[name])
		if err != nil {
			f := Finding{name, 0, "template", "readable", err.Error(), "write it in the YAML of CloudFormation"}
			var at *Unreadable
			if errors.As(err, &at) {
				f.Line, f.Problem = at.Line, at.Problem
			}
			unreadable = append(unreadable, f)
			continue
		}
		templates = append(templates, t)
	}
	return append(unreadable, checkParsed(templates)...)
}

func checkParsed(templates []*Template) []Finding {
	c := &checker{templates: templates}
	for _, r := range rules {
		c.rule = r.name
		r.check(c)
	}
	slices.SortFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Template, b.Template), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Problem, b.Problem))
	})
	return slices.Compact(c.findings)
}

type checker struct {
	templates []*Template
	rule      string // that runs now
	findings  []Finding
}

// A resource of a template; props is nil when it has none.
type resource struct {
	t     *Template
	name  string
	kind  string // AWS::S3::Bucket
	whole *Value
	props *Value
}

// prop is a property by its path.
func (r resource) prop(path ...string) *Value { return r.props.Get(path...) }

// resources returns those of the types, or all.
func (c *checker) resources(types ...string) []resource {
	var all []resource
	for _, t := range c.templates {
		for i, name := range t.Resources.Keys {
			whole := t.Resources.Items[i]
			kind := whole.Get("Type").Scalar()
			if len(types) == 0 || slices.Contains(types, kind) {
				all = append(all, resource{t, name, kind, whole, whole.Get("Properties")})
			}
		}
	}
	return all
}

// find notes what is wrong with a resource at a value of it; a value that is missing is the resource as a whole.
func (c *checker) find(r resource, at *Value, problem, remedy string) {
	line := at.At()
	if line == 0 {
		line = r.whole.At()
	}
	c.findings = append(c.findings, Finding{r.t.Name, line, r.name, c.rule, problem, remedy})
}

// need notes a property that is not, in every case that !If leaves, one of the words wanted.
func (c *checker) need(r resource, remedy string, wanted []string, path ...string) {
	v := r.prop(path...)
	if !r.t.always(v, wanted...) {
		c.find(r, v, describe(v, path), remedy)
	}
}

// describe says what a property is now.
func describe(v *Value, path []string) string {
	name := path[len(path)-1]
	switch {
	case v == nil:
		return name + " is missing"
	case v.Kind == Scalar:
		return fmt.Sprintf("%s is %q", name, v.Text)
	}
	return name + " may be something else"
}
