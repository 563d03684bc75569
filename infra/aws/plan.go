package aws

import (
	"fmt"
	"regexp"
	"strings"
)

// A stack is one of the five with what it is given.
type stack struct {
	name       string
	parameters []parameter
}

// A parameter is given a word of the shell: a literal of Settings, "$NAME" that an earlier step has set, or an output.
type parameter struct {
	name  string
	value string
	of    output // when value is empty
}

// An output is a value that a stack gives; steps after that stack read it into a variable.
type output struct{ stack, key string }

var wordStart = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// variable is NETWORK_VPC_ID for VpcId of network.
func (o output) variable() string {
	return strings.ToUpper(o.stack + "_" + wordStart.ReplaceAllString(o.key, "${1}_${2}"))
}

// region of a stack, as a word of the plan.
func (s stack) region() string {
	if s.name == "edge" {
		return "us-east-1" // CloudFront takes certificates and web ACLs of there alone
	}
	return `"$REGION"`
}

// Plan is the commands that make an installation, or bring one to another version or size, in their order. It is text to
// read and to run in bash; it holds no secret. The settings must have passed Check.
func Plan(s Settings) string {
	p := plan{read: map[output]bool{}}
	p.preamble(s)
	p.build()
	all := stacks(s)
	p.stack(all[0])
	p.stack(all[1])
	p.upload()
	p.wayBack(all[2], all[4])
	p.prepare()
	for _, one := range all[2:] {
		p.stack(one)
	}
	p.connect(s)
	p.links()
	p.mail()
	p.verify()
	return p.String()
}

type plan struct {
	strings.Builder
	steps int
	read  map[output]bool
}

func (p *plan) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// step writes a heading.
func (p *plan) step(title string) {
	p.steps++
	p.line("\n# %d. %s", p.steps, title)
}

// need reads outputs into variables, each once.
func (p *plan) need(outputs ...output) {
	for _, o := range outputs {
		if !p.read[o] {
			p.read[o] = true
			region := ""
			if o.stack == "edge" {
				region = " us-east-1"
			}
			p.line("%s=$(output %s %s%s)", o.variable(), o.stack, o.key, region)
		}
	}
}

// stack writes one deployment; what it takes of other stacks is read just before.
func (p *plan) stack(s stack) {
	p.step("Stack " + s.name + ".")
	p.before(s)
	for _, one := range s.parameters {
		if one.value == "" {
			p.need(one.of)
		}
	}
	p.deploy(s, s.parameters)
	p.line(`aws cloudformation update-termination-protection --region %s --stack-name "$INSTALLATION-%s" --enable-termination-protection >/dev/null`, s.region(), s.name)
}

// bodyLimit is the largest template in bytes that CloudFormation takes in a request; a larger one goes by a bucket in the
// stack's own region, which is there once the release is uploaded.
const bodyLimit = 51_200

func (p *plan) deploy(s stack, parameters []parameter) {
	p.line(`aws cloudformation deploy --region %s --stack-name "$INSTALLATION-%s" --template-file infra/aws/templates/%[2]s.yaml \`, s.region(), s.name)
	if len(Templates()[s.name]) > bodyLimit {
		p.line(`  --s3-bucket "$DATA_RELEASES_BUCKET_NAME" --s3-prefix lignum/templates \`)
	}
	p.line(`  --capabilities CAPABILITY_NAMED_IAM --no-fail-on-empty-changeset --tags lignum:installation="$INSTALLATION" \`)
	p.WriteString(`  --parameter-overrides`)
	for _, one := range parameters {
		value := one.value
		if value == "" {
			value = `"$` + one.of.variable() + `"`
		}
		p.WriteString(" \\\n    " + one.name + "=" + value)
	}
	p.line("")
}
