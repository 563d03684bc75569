package aws

import (
	"slices"
	"strings"
)

// A statement is one of an IAM policy, whatever resource it stands in.
type statement struct {
	resource
	body *Value
}

func (c *checker) allowing() []statement {
	var all []statement
	for _, r := range c.resources() {
		r.props.walk(func(v *Value) {
			if v.Kind == Map && v.Get("Effect") != nil && v.Get("Effect").Scalar() != "Deny" {
				all = append(all, statement{r, v})
			}
		})
	}
	return all
}

// ofKey reports whether this is the policy of a key itself: there '*' means that one key.
func (s statement) ofKey() bool { return s.kind == "AWS::KMS::Key" }

// ownAccount reports whether the principal is the account that the stack is in; IAM policies say who of it may.
func (s statement) ownAccount() bool {
	p := s.body.Get("Principal")
	return p != nil && len(p.Items) == 1 && strings.HasSuffix(text(p.Get("AWS")), ":iam::${AWS::AccountId}:root")
}

func (c *checker) wildcardAction() {
	for _, s := range c.allowing() {
		if v := s.body.Get("NotAction"); v != nil {
			c.find(s.resource, v, "NotAction allows everything else", "list the actions in Action")
		}
		for _, action := range s.body.Get("Action").entries() {
			name := text(action)
			whole := name == "kms:*" && s.ofKey() && s.ownAccount() // as AWS advises, or nobody could ever change the key
			if !strings.Contains(name, "*") || whole || s.ofKey() && slices.Contains(keyFamilies, name) {
				continue
			}
			c.find(s.resource, action, "the action "+name+" allows more than is known", "list the actions that are needed")
		}
	}
}

// keyFamilies are actions on a key that only differ in form; service principals are given them so in AWS's own examples.
var keyFamilies = []string{"kms:GenerateDataKey*", "kms:ReEncrypt*"}

// unbound are the actions that IAM cannot tie to a resource, by the Service Authorization Reference of AWS.
var unbound = []string{
	"cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "cloudwatch:PutMetricData",
	"ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses",
	"ec2:DescribeInstances", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "ec2:DescribeTags",
	"ec2:DescribeVolumes", "ec2:DescribeVpcs", "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
	"ecr:GetAuthorizationToken", "logs:DescribeLogGroups", "secretsmanager:GetRandomPassword", "sts:GetCallerIdentity",
	"xray:PutTelemetryRecords", "xray:PutTraceSegments",
	"ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
	"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
}

func (c *checker) wildcardResource() {
	for _, s := range c.allowing() {
		if v := s.body.Get("NotResource"); v != nil {
			c.find(s.resource, v, "NotResource allows everything else", "list the resources in Resource")
		}
		all := slices.ContainsFunc(s.body.Get("Resource").entries(), func(v *Value) bool { return text(v) == "*" })
		if !all || s.ofKey() {
			continue
		}
		for _, action := range s.body.Get("Action").entries() {
			if !slices.Contains(unbound, text(action)) {
				c.find(s.resource, s.body.Get("Resource"), text(action)+" is allowed on every resource", "name the resources by their ARNs")
			}
		}
	}
}

func (c *checker) wildcardPrincipal() {
	for _, s := range c.allowing() {
		if v := s.body.Get("NotPrincipal"); v != nil {
			c.find(s.resource, v, "NotPrincipal allows everybody else", "name who may in Principal")
		}
		principal := s.body.Get("Principal")
		everybody := principal.Scalar() == "*"
		if principal != nil && principal.Kind == Map {
			for _, of := range principal.Items {
				everybody = everybody || slices.ContainsFunc(of.entries(), func(v *Value) bool { return text(v) == "*" })
			}
		}
		if everybody && len(s.body.Get("Condition").entries()) == 0 {
			c.find(s.resource, principal, "everybody is allowed", "name who may, or add a condition such as aws:PrincipalAccount")
		}
	}
}
