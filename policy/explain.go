package policy

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Explanation says in words why something is allowed or refused.
type Explanation struct {
	Permission  string   `json:"permission"`
	Description string   `json:"description"`
	Allowed     bool     `json:"allowed"`
	Reason      Reason   `json:"reason,omitempty"`
	Sentence    string   `json:"sentence,omitempty"` // what the person is told
	Needed      string   `json:"needed,omitempty"`   // what would change it
	Scope       Scope    `json:"scope,omitempty"`
	MinCell     int      `json:"min_cell,omitempty"`
	Grants      []string `json:"grants,omitempty"`    // the roles' rules that hold the permission
	HeldBy      []string `json:"held_by,omitempty"`   // when the roles lack it: the roles that hold it
	Rules       []string `json:"rules,omitempty"`     // the contextual rules that applied, "learning.rego:34 reaches_own"
	Versions    string   `json:"versions"`            // of the roles' rules and of the bundle
	Fault       string   `json:"fault,omitempty"`     // why the rules could not be evaluated
	NotAsked    bool     `json:"not_asked,omitempty"` // the contextual rules were not asked, since the roles lack it
}

// Explain asks both engines as a request does, and tells how they came to their answer. It allows exactly what they both
// allow, but takes many times as long: it is for people, not for the request path. in.Roles may be the roles as they were
// given, or expanded.
func Explain(e *Enforcer, eng *Engine, in Input) Explanation {
	l := eng.current.Load()
	x := Explanation{Permission: in.Permission.Name(), Description: in.Permission.Description().String(),
		Versions: fmt.Sprintf("roles %d, rules %s", e.version, l.version)}
	if !e.Allows(in.Roles, in.Permission) {
		x.NotAsked = true
		x.HeldBy = e.RolesWith(in.Permission)
		x.refuse(RoleLacks)
		return x
	}
	x.Grants = e.grants(in.Roles, in.Permission)
	in.Roles = e.Expand(in.Roles)
	trace := topdown.NewBufferTracer()
	d, err := l.decide(context.Background(), &in, rego.EvalQueryTracer(trace))
	if err != nil {
		x.Fault = err.Error()
	}
	x.Rules = applied(*trace)
	if !d.Allow {
		x.refuse(d.Reason)
		return x
	}
	x.Allowed, x.Scope, x.MinCell = true, d.Scope, d.MinCell
	return x
}

func (x *Explanation) refuse(r Reason) {
	x.Reason, x.Sentence, x.Needed = r, r.Sentence().String(), r.Needed().String()
}

// grants returns Casbin's own explanation for each role: the rule that matched, and by which inclusion.
func (e *Enforcer) grants(roles []string, p Permission) []string {
	e.asking.Lock()
	defer e.asking.Unlock()
	var found []string
	for _, role := range roles {
		allowed, rule, err := e.casbin.EnforceEx(role, e.realm, p.Name())
		if err != nil || !allowed || len(rule) < 3 {
			continue
		}
		how := role
		if rule[0] != role {
			how = role + " includes " + rule[0]
		}
		found = append(found, how+": "+Rule{PType: "p", V0: rule[0], V1: rule[1], V2: rule[2]}.String())
	}
	return found
}

// applied names the rules that held, each once, in the order in which they were found to.
func applied(trace []*topdown.Event) []string {
	var rules []string
	for _, event := range trace {
		rule, ok := event.Node.(*ast.Rule)
		if !ok || event.Op != topdown.ExitOp {
			continue
		}
		name := place(rule.Head.Location) + " " + rule.Head.Ref().String()
		if !slices.Contains(rules, name) {
			rules = append(rules, name)
		}
	}
	return rules
}

// WriteText writes the explanation for a terminal.
func (x Explanation) WriteText(w io.Writer) error {
	var b strings.Builder
	line := func(label string, values ...string) {
		for _, v := range values {
			if v != "" {
				fmt.Fprintf(&b, "%-11s %s\n", label, v)
				label = ""
			}
		}
	}
	answer := "refused"
	if x.Allowed {
		answer = fmt.Sprintf("allowed, scope %s", x.Scope)
		if x.MinCell > 0 {
			answer += fmt.Sprintf(", counts below %d left blank", x.MinCell)
		}
	} else if x.Reason != "" {
		answer = fmt.Sprintf("refused, %s", x.Reason)
	}
	line("permission", strings.TrimSpace(x.Permission+"  "+x.Description))
	line("answer", answer, x.Sentence)
	line("needed", x.Needed)
	line("roles", x.Grants...)
	if x.NotAsked {
		held := "no role here"
		if len(x.HeldBy) > 0 {
			held = strings.Join(x.HeldBy, ", ")
		}
		line("held by", held)
	}
	line("rules", x.Rules...)
	line("fault", x.Fault)
	line("versions", x.Versions)
	_, err := io.WriteString(w, b.String())
	return err
}
