package aws

import (
	"slices"
	"strings"
)

// sandboxApart wants the domain of packages apart from the pages' all the way: a distribution and a certificate of its own, to which neither cookies nor
// authorization come and which keeps nothing; a record that leads there; a certificate and a rule at the load balancer; and machines that know it. What serves
// both could hand a learner's cookie to a package, or a page to whoever asks its host.
func (c *checker) sandboxApart() {
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		v := r.prop("LaunchTemplateData", "UserData")
		if script := text(v); strings.Contains(script, "lignum serve") && !strings.Contains(script, "LIGNUM_SANDBOX_DOMAIN=${SandboxDomain}") {
			c.find(r, v, "the machines do not know the domain of packages, and show none", "set LIGNUM_SANDBOX_DOMAIN=${SandboxDomain}")
		}
	}
	names := func(v *Value) bool { return strings.Contains(text(v), "*.${SandboxDomain}") }
	own := func(r resource, certificate *Value) bool {
		of := r.t.Resources.Get(refersTo(certificate))
		return names(of.Get("Properties", "DomainName")) && of.Get("Properties", "SubjectAlternativeNames") == nil
	}
	shown := 0
	for _, r := range c.resources(distribution) {
		config := r.prop("DistributionConfig")
		aliases := config.Get("Aliases")
		if !names(aliases) {
			continue
		}
		shown++
		if strings.Contains(text(aliases), "BaseDomain") {
			c.find(r, aliases, "packages and pages come by one distribution", "give packages one of their own")
		}
		if !own(r, config.Get("ViewerCertificate", "AcmCertificateArn")) {
			c.find(r, config.Get("ViewerCertificate"), "packages have no certificate of their own", "refer to one that names *.${SandboxDomain} alone")
		}
		b := config.Get("DefaultCacheBehavior")
		if v := b.Get("CachePolicyId"); !r.t.always(v, cachingDisabled) {
			c.find(r, b, "packages of a tenant that is suspended go on at the edge", "say CachePolicyId: "+cachingDisabled+" (CachingDisabled)")
		}
		request := r.t.Resources.Get(refersTo(b.Get("OriginRequestPolicyId"))).Get("Properties", "OriginRequestPolicyConfig")
		if request.Get("CookiesConfig", "CookieBehavior").Scalar() != "none" || text(request.Get("HeadersConfig", "Headers")) != "Host;" {
			c.find(r, b, "cookies or authorization reach a package's host", "refer to an OriginRequestPolicy without cookies, and of headers with Host alone")
		}
		if methods := text(b.Get("AllowedMethods")); methods != "GET;HEAD;" {
			c.find(r, b, "something can be sent to a package's host", "say AllowedMethods: [GET, HEAD]")
		}
		leads := slices.ContainsFunc(c.resources("AWS::Route53::RecordSetGroup"), func(g resource) bool {
			return slices.ContainsFunc(g.prop("RecordSets").entries(), func(s *Value) bool {
				return names(s.Get("Name")) && strings.HasPrefix(refersTo(s.Get("AliasTarget", "DNSName")), r.name)
			})
		})
		if !leads {
			c.find(r, nil, "no record leads to packages", "add a record of *.${SandboxDomain}")
		}
	}
	for _, r := range c.resources("AWS::ElasticLoadBalancingV2::LoadBalancer") {
		if shown == 0 {
			c.find(r, nil, "no distribution shows packages", "add one for *.${SandboxDomain}")
		}
		spoken := slices.ContainsFunc(c.resources("AWS::ElasticLoadBalancingV2::ListenerCertificate"), func(l resource) bool {
			return slices.ContainsFunc(l.prop("Certificates").entries(), func(v *Value) bool { return own(l, v.Get("CertificateArn")) })
		})
		let := slices.ContainsFunc(c.resources("AWS::ElasticLoadBalancingV2::ListenerRule"), func(l resource) bool { return names(l.prop("Conditions")) })
		if !spoken || !let {
			c.find(r, nil, "the load balancer does not answer for packages", "give its listener a certificate that names *.${SandboxDomain}, and a rule for these hosts")
		}
	}
}
