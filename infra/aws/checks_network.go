package aws

import (
	"slices"
	"strings"
)

const group, groupIngress = "AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress"

// An ingress is a rule of who may come in, written in its group or as a resource of its own.
type ingress struct {
	resource
	rule  *Value
	group string // logical name, or the text of an import
}

func (c *checker) ingresses() []ingress {
	var all []ingress
	for _, r := range c.resources(group) {
		for _, rule := range r.prop("SecurityGroupIngress").entries() {
			all = append(all, ingress{r, rule, r.name})
		}
	}
	for _, r := range c.resources(groupIngress) {
		all = append(all, ingress{r, r.props, refersTo(r.prop("GroupId"))})
	}
	return all
}

// refersTo is the logical name in !Ref X or !GetAtt X.Y; else the text of the value.
func refersTo(v *Value) string {
	if name := v.Arg("Ref").Scalar(); name != "" {
		return name
	}
	if name, _, ok := strings.Cut(v.Arg("GetAtt").Scalar(), "."); ok {
		return name
	}
	return text(v)
}

// exported are the logical names of what the template exports under names that end so.
func (t *Template) exported(endings ...string) []string {
	var names []string
	if t.Outputs == nil {
		return nil
	}
	for _, output := range t.Outputs.Items {
		name := text(output.Get("Export", "Name"))
		if slices.ContainsFunc(endings, func(end string) bool { return strings.HasSuffix(name, end) }) {
			names = append(names, refersTo(output.Get("Value")))
		}
	}
	return names
}

// openGroup lets the whole Internet come to the load balancer on 80 and 443, and nowhere else.
func (c *checker) openGroup() {
	for _, in := range c.ingresses() {
		for _, key := range []string{"CidrIp", "CidrIpv6"} {
			v := in.rule.Get(key)
			texts, known := in.t.possible(v)
			everybody := slices.ContainsFunc(texts, func(s string) bool { return strings.HasSuffix(s, "/0") })
			if v == nil || !everybody && known {
				continue
			}
			balancer := slices.Contains(in.t.exported("-AlbSecurityGroupId"), in.group)
			from, to := in.rule.Get("FromPort").Scalar(), in.rule.Get("ToPort").Scalar()
			if balancer && from == to && (from == "80" || from == "443") {
				continue
			}
			if everybody {
				c.find(in.resource, v, "everybody may come in", "admit a security group, a prefix list or the VPC; only the load balancer's 80 and 443 may be open")
			}
		}
	}
}

// databaseGroups lets only members of named groups come to the database and its proxy.
func (c *checker) databaseGroups() {
	for _, in := range c.ingresses() {
		guarded := in.t.exported("-DatabaseSecurityGroupId", "-ProxySecurityGroupId")
		if slices.Contains(guarded, in.group) && in.rule.Get("SourceSecurityGroupId") == nil {
			c.find(in.resource, in.rule, "the database or its proxy admits addresses", "name a SourceSecurityGroupId")
		}
	}
	for _, r := range c.resources(cluster, proxy, "AWS::RDS::DBProxyEndpoint") {
		ids, wanted := "VpcSecurityGroupIds", "ProxySecurityGroupId"
		if r.kind == cluster {
			wanted = "DatabaseSecurityGroupId"
		}
		groups := r.prop(ids).entries()
		if len(groups) == 0 {
			c.find(r, nil, ids+" is missing, and the VPC's default group would serve", "import "+wanted)
		}
		for _, g := range groups {
			if !strings.Contains(text(g), wanted) {
				c.find(r, g, "a group that is not the network stack's "+wanted, "import "+wanted)
			}
		}
	}
}
