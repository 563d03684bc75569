package aws

import (
	"regexp"
	"slices"
	"strings"
)

const webACL, distribution = "AWS::WAFv2::WebACL", "AWS::CloudFront::Distribution"

// aclScope wants CLOUDFRONT in the edge stack and REGIONAL elsewhere: an ACL of the other scope cannot be attached.
func (c *checker) aclScope() {
	for _, r := range c.resources(webACL, "AWS::WAFv2::IPSet", "AWS::WAFv2::RegexPatternSet", "AWS::WAFv2::RuleGroup") {
		wanted := "REGIONAL"
		if r.t.Name == "edge" {
			wanted = "CLOUDFRONT"
		}
		c.need(r, "say Scope: "+wanted+" in "+r.t.Name, []string{wanted}, "Scope")
	}
	for _, r := range c.resources("AWS::WAFv2::WebACLAssociation") {
		c.attached(r, "WebACLArn", "REGIONAL")
	}
	for _, r := range c.resources(distribution) {
		c.attached(r, "DistributionConfig.WebACLId", "CLOUDFRONT")
	}
	for _, r := range c.resources("AWS::ElasticLoadBalancingV2::LoadBalancer") {
		guarded := slices.ContainsFunc(c.resources("AWS::WAFv2::WebACLAssociation"), func(a resource) bool {
			return a.t == r.t && refersTo(a.prop("ResourceArn")) == r.name
		})
		if !guarded {
			c.find(r, nil, "the load balancer has no web ACL", "add a WebACLAssociation")
		}
	}
}

func (c *checker) attached(r resource, property, scope string) {
	v := r.prop(strings.Split(property, ".")...)
	acl := r.t.Resources.Get(refersTo(v))
	if acl.Get("Type").Scalar() != webACL || !r.t.always(acl.Get("Properties", "Scope"), scope) {
		c.find(r, v, property+" is no web ACL of this template with scope "+scope, "refer to one")
	}
}

// LargeBodies are the paths of routes that take a larger body than the firewall lets through elsewhere (a test compares them with the routes).
var LargeBodies = []string{"/api/v1/roster/runs", "/roster", "/api/v1/attempts/{attempt}/answers", "/attempts/{attempt}", "/attempts/{attempt}/submission",
	"/api/v1/tenant/logo", "/settings/logo", "/api/v1/uploads/{upload}"}

// bodyTooLarge wants the firewall to let through what the program takes: each rule that bounds bodies, or blocks for what is in them, leaves out the paths of
// large ones. An upload is any bytes, among which a rule finds what it likes.
func (c *checker) bodyTooLarge() {
	for _, r := range c.resources(webACL) {
		for _, rule := range r.prop("Rules").entries() {
			inBody, left := false, []*regexp.Regexp(nil)
			rule.walk(func(v *Value) {
				if v.Get("SizeConstraintStatement", "FieldToMatch", "Body") != nil || strings.HasSuffix(v.Get("LabelMatchStatement", "Key").Scalar(), "_Body") {
					inBody = true
				}
				if is, err := regexp.Compile(v.Get("NotStatement", "Statement", "RegexMatchStatement", "RegexString").Scalar()); err == nil && is.String() != "" {
					left = append(left, is)
				}
			})
			for _, path := range LargeBodies {
				path = pathParameter.ReplaceAllString(path, "01a22e9b-c069-7e38-afb1-f9fd24241937")
				if inBody && !slices.ContainsFunc(left, func(is *regexp.Regexp) bool { return is.MatchString(path) }) {
					c.find(r, rule, "what is sent to "+path+" is stopped by its size or for what is in it", "leave the path out, by a RegexMatchStatement of the UriPath in a NotStatement")
				}
			}
		}
	}
}

var pathParameter = regexp.MustCompile(`\{[a-z]+\}`)

func (c *checker) imdsv2() {
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		c.need(r, "say HttpTokens: required", []string{"required"}, "LaunchTemplateData", "MetadataOptions", "HttpTokens")
	}
	for _, r := range c.resources("AWS::EC2::Instance", "AWS::AutoScaling::LaunchConfiguration") {
		c.find(r, nil, "a machine outside a launch template", "use a launch template, where HttpTokens: required can be said")
	}
}

// modern are the listener policies that speak TLS 1.3, and 1.2 with forward secrecy alone.
var modern = []string{"ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "ELBSecurityPolicy-TLS13-1-3-2021-06",
	"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09", "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09"}

func (c *checker) listenerTLS() {
	for _, r := range c.resources("AWS::ElasticLoadBalancingV2::Listener") {
		if r.t.always(r.prop("Protocol"), "HTTPS", "TLS") {
			c.need(r, "use a policy such as "+modern[1], modern, "SslPolicy")
			continue
		}
		for _, action := range r.prop("DefaultActions").entries() {
			if action.Get("RedirectConfig", "Protocol").Scalar() != "HTTPS" {
				c.find(r, action, "the listener answers plain HTTP", "redirect to HTTPS")
			}
		}
	}
}

// targetTLS wants load balancers to speak TLS to what is behind them, health checks too, and machines to start the program with it.
// A function behind a load balancer is called, not spoken to.
func (c *checker) targetTLS() {
	for _, r := range c.resources("AWS::ElasticLoadBalancingV2::TargetGroup") {
		if r.t.always(r.prop("TargetType"), "lambda") {
			continue
		}
		c.need(r, "say Protocol: HTTPS", []string{"HTTPS", "TLS"}, "Protocol")
		c.need(r, "say HealthCheckProtocol: HTTPS", []string{"HTTPS"}, "HealthCheckProtocol")
	}
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		v := r.prop("LaunchTemplateData", "UserData")
		script := ""
		v.walk(func(v *Value) { script += v.Scalar() + "\n" })
		if strings.Contains(script, "LIGNUM_LISTEN=") && !slices.Contains(strings.Fields(script), "LIGNUM_LISTEN_TLS=self-signed") {
			c.find(r, v, "the program listens in plain HTTP", "set LIGNUM_LISTEN_TLS=self-signed beside LIGNUM_LISTEN")
		}
	}
}

// memoryLimit wants a machine to run the program under a limit of its control group, which it follows by itself. Go's own settings
// would go before that, and nobody would change them with the size of the machine.
func (c *checker) memoryLimit() {
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		v := r.prop("LaunchTemplateData", "UserData")
		script := ""
		v.walk(func(v *Value) { script += v.Scalar() + "\n" })
		if !strings.Contains(script, "lignum serve") {
			continue
		}
		says := func(setting string) bool {
			return slices.ContainsFunc(strings.FieldsFunc(script, func(r rune) bool { return strings.ContainsRune(" \t\n\"'", r) }),
				func(word string) bool { return strings.HasPrefix(word, setting+"=") })
		}
		if !says("MemoryMax") || strings.Contains(script, "MemoryMax=infinity") {
			c.find(r, v, "nothing limits the program's memory, so that it can take the whole machine down", "set MemoryMax in its unit")
		}
		for _, setting := range []string{"GOMEMLIMIT", "GOGC"} {
			if says(setting) {
				c.find(r, v, setting+" is set, and the program's own limit is not", "leave it out: the program follows MemoryMax")
			}
		}
	}
}

// fetchChecksum wants a machine that fetches a program at its start to compare it with a sum that it was told.
func (c *checker) fetchChecksum() {
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		v := r.prop("LaunchTemplateData", "UserData")
		script := ""
		v.walk(func(v *Value) { script += v.Scalar() + "\n" })
		fetches := strings.Contains(script, "aws s3 cp") || strings.Contains(script, "s3api get-object") || strings.Contains(script, "curl -") && strings.Contains(script, "https://")
		verifies := slices.ContainsFunc(strings.Split(script, "\n"), func(line string) bool {
			_, command, found := strings.Cut(line, "sha256sum ")
			return found && (strings.Contains(command, "-c") || strings.Contains(command, "--check"))
		})
		if fetches && !verifies {
			c.find(r, v, "the program is fetched and run unseen", "compare it with its SHA-256 by sha256sum --check, and stop when it differs")
		}
	}
}

// codePinned wants functions that take their code from a bucket to publish a version of it by its sum, a parameter: of other code
// Lambda publishes none, and the stack is put back.
func (c *checker) codePinned() {
	versions := c.resources("AWS::Lambda::Version")
	for _, r := range c.resources("AWS::Lambda::Function") {
		if r.prop("Code", "S3Key") == nil {
			continue
		}
		pinned := slices.ContainsFunc(versions, func(v resource) bool {
			return v.t == r.t && refersTo(v.prop("FunctionName")) == r.name && r.t.Parameters.Get(refersTo(v.prop("CodeSha256"))) != nil
		})
		if !pinned {
			c.find(r, r.prop("Code"), "the function runs whatever lies in the bucket", "add an AWS::Lambda::Version of it with a CodeSha256 that is a parameter")
		}
	}
}

func (c *checker) cdnTLS() {
	for _, r := range c.resources(distribution) {
		c.need(r, "say TLSv1.2_2021 or newer", []string{"TLSv1.2_2021", "TLSv1.2_2025", "TLSv1.3_2025"},
			"DistributionConfig", "ViewerCertificate", "MinimumProtocolVersion")
		config := r.prop("DistributionConfig")
		behaviours := append(config.Get("CacheBehaviors").entries(), config.Get("DefaultCacheBehavior"))
		for _, b := range behaviours {
			if v := b.Get("ViewerProtocolPolicy"); !r.t.always(v, "redirect-to-https", "https-only") {
				c.find(r, b, "a behaviour answers plain HTTP", "say ViewerProtocolPolicy: redirect-to-https")
			}
		}
	}
}

// What CloudFront itself calls CachingDisabled and AllViewer.
const cachingDisabled, allViewer = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "216adef6-5c7f-47e4-b989-5492eafa07d3"

// cdnPages wants pages, which take forms, to be kept nowhere, and everything that a browser says to reach the program: whose page it is, and in which
// language (Accept-Language).
func (c *checker) cdnPages() {
	for _, r := range c.resources(distribution) {
		pages := r.prop("DistributionConfig", "DefaultCacheBehavior")
		if !slices.ContainsFunc(pages.Get("AllowedMethods").entries(), func(v *Value) bool { return v.Scalar() == "POST" }) {
			continue
		}
		if v := pages.Get("CachePolicyId"); !r.t.always(v, cachingDisabled) {
			c.find(r, pages, "pages are kept at the edge, and shown to others", "say CachePolicyId: "+cachingDisabled+" (CachingDisabled)")
		}
		if v := pages.Get("OriginRequestPolicyId"); !r.t.always(v, allViewer) {
			c.find(r, pages, "not all that a browser says reaches the program, such as its languages", "say OriginRequestPolicyId: "+allViewer+" (AllViewer)")
		}
	}
}

// cdnOrigin wants buckets behind origin access control, and other origins spoken to by TLS alone.
func (c *checker) cdnOrigin() {
	for _, r := range c.resources(distribution) {
		for _, o := range r.prop("DistributionConfig", "Origins").entries() {
			custom := o.Get("CustomOriginConfig")
			switch {
			case custom == nil && len(text(o.Get("OriginAccessControlId"))) == 0:
				c.find(r, o, "the bucket is read without origin access control", "name an OriginAccessControlId")
			case custom != nil && !r.t.always(custom.Get("OriginProtocolPolicy"), "https-only"):
				c.find(r, o, "the origin may be spoken to in plain HTTP", "say OriginProtocolPolicy: https-only")
			case custom != nil && text(custom.Get("OriginSSLProtocols")) != "TLSv1.2;":
				c.find(r, o, "the origin may be spoken to in old TLS", "say OriginSSLProtocols: [TLSv1.2]")
			}
		}
	}
}
