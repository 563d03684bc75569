package aws

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// outputs returns each output of a template as a resource, so that findings name it.
func (c *checker) outputs() []resource {
	var all []resource
	for _, t := range c.templates {
		if t.Outputs == nil {
			continue
		}
		for i, name := range t.Outputs.Keys {
			all = append(all, resource{t: t, name: name, kind: "output", whole: t.Outputs.Items[i]})
		}
	}
	return all
}

// exportName wants ${Installation}-<stack>-<Output>, so that whoever reads an import knows where to look.
func (c *checker) exportName() {
	for _, o := range c.outputs() {
		v := o.whole.Get("Export", "Name")
		wanted := "${Installation}-" + o.t.Name + "-" + o.name
		if v != nil && text(v) != wanted {
			c.find(o, v, "the export is called "+text(v), "call it "+wanted)
		}
	}
}

// importExport wants each import to have one export, of a stack made before.
func (c *checker) importExport() {
	exports := map[string][]string{} // name -> templates that export it
	for _, o := range c.outputs() {
		if v := o.whole.Get("Export", "Name"); v != nil {
			exports[text(v)] = append(exports[text(v)], o.t.Name)
			if len(exports[text(v)]) > 1 {
				c.find(o, v, text(v)+" is exported twice", "an export has one stack; rename or remove one")
			}
		}
	}
	for _, r := range append(c.resources(), c.outputs()...) {
		r.whole.walk(func(v *Value) {
			if v.Arg("ImportValue") == nil {
				return
			}
			name := text(v.Arg("ImportValue"))
			from := exports[name]
			switch {
			case len(from) == 0:
				c.find(r, v, name+" is exported by no template", "export it, or correct the name")
			case slices.Index(Stacks, from[0]) >= slices.Index(Stacks, r.t.Name):
				c.find(r, v, name+" comes of a stack that is made later", "import of stacks before "+r.t.Name+" alone")
			case r.t.Name == "edge":
				c.find(r, v, "the edge stands in us-east-1 and cannot import of another region", "take the value as a parameter")
			}
		})
	}
}

// Unused are the exports that no template imports: nothing wrong, and worth a look now and then.
func Unused(stacks map[string][]byte) ([]string, error) {
	c := &checker{}
	for _, name := range Stacks {
		if stacks[name] == nil {
			continue
		}
		t, err := Parse(name, stacks[name])
		if err != nil {
			return nil, err
		}
		c.templates = append(c.templates, t)
	}
	imported := map[string]bool{}
	for _, r := range append(c.resources(), c.outputs()...) {
		r.whole.walk(func(v *Value) { imported[text(v.Arg("ImportValue"))] = true })
	}
	var unused []string
	for _, o := range c.outputs() {
		if name := text(o.whole.Get("Export", "Name")); name != "" && !imported[name] {
			unused = append(unused, name)
		}
	}
	return unused, nil
}

// parameterConstrained wants each parameter to refuse nonsense before anything is made.
func (c *checker) parameterConstrained() {
	for _, t := range c.templates {
		if t.Parameters == nil {
			continue
		}
		for i, name := range t.Parameters.Keys {
			p := t.Parameters.Items[i]
			r := resource{t: t, name: name, kind: "parameter", whole: p}
			kind := p.Get("Type").Scalar()
			bounded := p.Get("AllowedValues") != nil
			switch {
			case strings.Contains(kind, "AWS::"): // CloudFormation looks whether such a thing is there
				bounded = true
			case kind == "Number":
				bounded = bounded || p.Get("MinValue") != nil && p.Get("MaxValue") != nil
			default:
				bounded = bounded || p.Get("AllowedPattern") != nil
			}
			if !bounded {
				c.find(r, p, "the parameter takes anything", "add AllowedPattern or AllowedValues, or MinValue and MaxValue")
			}
			if p.Get("Description") == nil {
				c.find(r, p, "the parameter does not say what it is for", "add a Description")
			}
		}
	}
}

var (
	secretName = regexp.MustCompile(`(?i)(password|passphrase|secret|token|credential|(private|master|api|access|signing)_?-?key)s?$`)
	// words that such names may end with and that are settings, no secrets
	settingName = []string{"HttpTokens", "ManageMasterUserPassword", "IncludeManagedMasterUserPassword"}
	// what secrets look like: keys of AWS, private keys, passwords in addresses, assignments in scripts, long random text; and
	// what all text like it has in it, which is quicker to look for
	secretLook = []struct {
		has  string
		look *regexp.Regexp
	}{
		{"AKIA", regexp.MustCompile(`\bAKIA[0-9A-Z]{16}\b`)},
		{"ASIA", regexp.MustCompile(`\bASIA[0-9A-Z]{16}\b`)},
		{"PRIVATE KEY", regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----`)},
		{"://", regexp.MustCompile(`[a-z]+://[^/\s:@$]*:[^/\s:@$]+@`)},
		{"=", regexp.MustCompile(`(?i)(password|passwd|secret|token|_key)\s*=\s*["']?[a-z0-9+/_.-]{8,}`)},
		{"=", regexp.MustCompile(`(^|[^A-Za-z0-9+/=_-])[A-Za-z0-9+/]{43}=($|[^A-Za-z0-9+/=])`)}, // 32 bytes in base64
	}
)

// literalSecret looks for passwords and keys that stand in a template for everybody who may read it.
func (c *checker) literalSecret() {
	for _, t := range c.templates {
		if t.Parameters != nil {
			for i, name := range t.Parameters.Keys {
				p := t.Parameters.Items[i]
				if d := p.Get("Default"); d.Scalar() != "" && (secretName.MatchString(name) || p.Get("NoEcho").Scalar() == "true") {
					c.secretAt(resource{t: t, name: name, whole: p}, d)
				}
			}
		}
	}
	for _, r := range append(c.resources(), c.outputs()...) {
		r.whole.walk(func(v *Value) {
			text := v.Scalar()
			for _, s := range secretLook {
				if strings.Contains(text, s.has) && s.look.MatchString(text) {
					c.secretAt(r, v)
					break
				}
			}
			if v.Kind != Map {
				return
			}
			for i, key := range v.Keys {
				literal := v.Items[i].Scalar()
				secret := secretName.MatchString(key) && !slices.Contains(settingName, key) || key == "SecretString" || key == "HeaderValue" && v.Get("HeaderName") != nil
				if secret && literal != "" && literal != "true" && literal != "false" && !strings.HasPrefix(literal, "{{resolve:") {
					c.secretAt(r, v.Items[i])
				}
			}
		})
	}
}

// secretAt does not repeat the secret: findings are printed and kept.
func (c *checker) secretAt(r resource, v *Value) {
	c.find(r, v, "a secret stands in the template", "let Secrets Manager make it, or take it by {{resolve:secretsmanager:...}}; and change it, since it is known now")
}

// minMax wants the least to be no more than the most, in each size of the installation.
func (c *checker) minMax() {
	for _, t := range c.templates {
		sections := []*Value{t.Parameters, t.Mappings}
		for _, section := range sections {
			if section == nil {
				continue
			}
			for i, name := range section.Keys {
				c.pairs(resource{t: t, name: name, whole: section.Items[i]})
			}
		}
	}
	for _, r := range c.resources() {
		c.pairs(r)
	}
	c.alarmPairs()
}

// pairs compares Min... with Max... and From... with To... of the same ending, wherever they stand side by side.
func (c *checker) pairs(r resource) {
	r.whole.walk(func(v *Value) {
		if v.Kind != Map {
			return
		}
		for i, key := range v.Keys {
			for _, name := range [][2]string{{"Min", "Max"}, {"From", "To"}} {
				end, found := strings.CutPrefix(key, name[0])
				most := v.Get(name[1] + end)
				if found && most != nil {
					c.atMost(r, v.Items[i], most, key, name[1]+end)
				}
			}
		}
		if wish := v.Get("DesiredCapacity"); wish != nil {
			c.atMost(r, v.Get("MinSize"), wish, "MinSize", "DesiredCapacity")
			c.atMost(r, wish, v.Get("MaxSize"), "DesiredCapacity", "MaxSize")
		}
	})
}

func (c *checker) atMost(r resource, least, most *Value, leastName, mostName string) {
	for _, w := range r.t.worlds() {
		a, okA := r.t.number(least, w)
		b, okB := r.t.number(most, w)
		if okA && okB && a > b {
			c.find(r, least, fmt.Sprintf("%s (%g) is above %s (%g)%s", leastName, a, mostName, b, inSize(w)), "swap or correct them")
			return
		}
	}
}

func inSize(w world) string {
	if w["Size"] == "" {
		return ""
	}
	return " in size " + w["Size"]
}

// alarmPairs compares alarms of one metric: that of too little must ring below that of too much, or one always rings.
func (c *checker) alarmPairs() {
	all := c.resources("AWS::CloudWatch::Alarm")
	same := func(r resource) string {
		return strings.Join([]string{r.t.Name, text(r.prop("Namespace")), text(r.prop("MetricName")), text(r.prop("Dimensions")), text(r.prop("Statistic")), text(r.prop("ExtendedStatistic"))}, "\n")
	}
	for _, low := range all {
		for _, high := range all {
			if low.prop("MetricName") != nil && same(low) == same(high) && strings.HasPrefix(low.prop("ComparisonOperator").Scalar(), "LessThan") &&
				strings.HasPrefix(high.prop("ComparisonOperator").Scalar(), "GreaterThan") {
				c.atMost(low, low.prop("Threshold"), high.prop("Threshold"), "Threshold of too little", "Threshold of "+high.name)
			}
		}
	}
}
