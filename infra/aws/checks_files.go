package aws

import (
	"slices"
	"strings"
)

// filesEdge wants a distribution before a bucket to hand out what a link names and nothing else: by the keys of a group, at a host of its own, by S3's own
// signature, as an attachment that a browser does nothing with, kept nowhere, and with no link in a log. The machines must sign with the key that they are told.
func (c *checker) filesEdge() {
	for _, r := range c.resources(distribution) {
		config := r.prop("DistributionConfig")
		origins := config.Get("Origins").entries()
		if !slices.ContainsFunc(origins, func(o *Value) bool {
			return o.Get("CustomOriginConfig") == nil && o.Get("OriginAccessControlId") != nil
		}) {
			continue
		}
		for _, o := range origins {
			access := r.t.Resources.Get(refersTo(o.Get("OriginAccessControlId")), "Properties", "OriginAccessControlConfig")
			if !r.t.always(access.Get("SigningBehavior"), "always") || !r.t.always(access.Get("OriginAccessControlOriginType"), "s3") {
				c.find(r, o, "the bucket is asked without CloudFront's signature", "refer to an OriginAccessControl for s3 that signs always")
			}
		}
		if text(config.Get("Aliases")) != "files.${SandboxDomain};" {
			c.find(r, config, "files are handed out at a host of something else", "say Aliases: [files.${SandboxDomain}] alone")
		}
		if of := r.t.Resources.Get(refersTo(config.Get("ViewerCertificate", "AcmCertificateArn"))); text(of.Get("Properties", "DomainName")) != "*.${SandboxDomain}" {
			c.find(r, config.Get("ViewerCertificate"), "the certificate is not that of the host", "refer to the one of *.${SandboxDomain}")
		}
		for _, b := range append(config.Get("CacheBehaviors").entries(), config.Get("DefaultCacheBehavior")) {
			c.filesBehaviour(r, b)
		}
		c.filesFound(r)
	}
	for _, r := range c.servers() {
		v := r.prop("LaunchTemplateData", "UserData")
		if script := text(v); !strings.Contains(script, "LIGNUM_FILES_KEY_ID=${FilesKeyId}\n") || !strings.Contains(script, " --version-stage '${FilesKeyId}'") || !strings.Contains(script, "LIGNUM_FILES_HOST=!If(HasFilesKey;files.${SandboxDomain};;)\n") {
			c.find(r, v, "the machines do not sign links to files with the key that they are told", "set LIGNUM_FILES_HOST, LIGNUM_FILES_KEY_ID=${FilesKeyId}, and fetch the version of the secret with that label")
		}
	}
}

// filesBehaviour looks at what the distribution of files does with a request.
func (c *checker) filesBehaviour(r resource, b *Value) {
	groups := b.Get("TrustedKeyGroups").entries()
	if len(groups) == 0 {
		c.find(r, b, "files are handed out to everybody", "name the key group in TrustedKeyGroups")
	}
	for _, g := range groups {
		of := r.t.Resources.Get(refersTo(g))
		keys := of.Get("Properties", "KeyGroupConfig", "Items").entries()
		ours := !slices.ContainsFunc(keys, func(k *Value) bool {
			return r.t.Resources.Get(refersTo(k)).Get("Type").Scalar() != "AWS::CloudFront::PublicKey"
		})
		if of.Get("Type").Scalar() != "AWS::CloudFront::KeyGroup" || len(keys) < 2 || !ours {
			c.find(r, g, "links are of other keys than ours, or of one that cannot be changed", "refer to a key group of this template that has room for two public keys of it")
		}
	}
	if v := b.Get("TrustedSigners"); v != nil {
		c.find(r, v, "the account's own keys open files too", "leave TrustedSigners out")
	}
	if !r.t.always(b.Get("CachePolicyId"), cachingDisabled) || b.Get("OriginRequestPolicyId") != nil {
		c.find(r, b, "what is erased stays at the edge, or S3 hears more than the name of the file", "say CachePolicyId: "+cachingDisabled+" (CachingDisabled), and no OriginRequestPolicyId")
	}
	if methods := text(b.Get("AllowedMethods")); methods != "GET;HEAD;" {
		c.find(r, b, "something can be sent to the bucket", "say AllowedMethods: [GET, HEAD]")
	}
	policy := r.t.Resources.Get(refersTo(b.Get("ResponseHeadersPolicyId"))).Get("Properties", "ResponseHeadersPolicyConfig")
	security := policy.Get("SecurityHeadersConfig")
	custom := map[string]string{}
	for _, h := range policy.Get("CustomHeadersConfig", "Items").entries() {
		custom[h.Get("Header").Scalar()] = h.Get("Value").Scalar() + " " + h.Get("Override").Scalar()
	}
	for _, want := range []struct {
		kept            bool
		problem, remedy string
	}{
		{custom["Content-Disposition"] == "attachment false", "a file without a name is shown in the browser, or one with a name loses it", "say Content-Disposition: attachment, Override: false"},
		{custom["Cache-Control"] == "private, no-store true", "somebody on the way may keep files", "say Cache-Control: private, no-store, Override: true"},
		{security.Get("ContentTypeOptions", "Override").Scalar() == "true", "a browser may take a file for what it is not", "say ContentTypeOptions"},
		{strings.HasPrefix(security.Get("ContentSecurityPolicy", "ContentSecurityPolicy").Scalar(), "sandbox; default-src 'none';") && security.Get("ContentSecurityPolicy", "Override").Scalar() == "true",
			"a file may run as a page", "say ContentSecurityPolicy: sandbox; default-src 'none', Override: true"},
		{security.Get("StrictTransportSecurity", "Override").Scalar() == "true", "a browser may ask without TLS", "say StrictTransportSecurity"},
	} {
		if !want.kept {
			c.find(r, b, want.problem, want.remedy+" in the ResponseHeadersPolicy")
		}
	}
}

// filesFound wants a name that leads to the distribution, and a log of it that has no links.
func (c *checker) filesFound(r resource) {
	leads := slices.ContainsFunc(c.resources("AWS::Route53::RecordSetGroup"), func(g resource) bool {
		return slices.ContainsFunc(g.prop("RecordSets").entries(), func(s *Value) bool {
			return text(s.Get("Name")) == "files.${SandboxDomain}" && refersTo(s.Get("AliasTarget", "DNSName")) == r.name
		})
	})
	if !leads {
		c.find(r, nil, "no record leads to files", "add a record of files.${SandboxDomain}")
	}
	logged := false
	for _, source := range c.resources("AWS::Logs::DeliverySource") {
		if !strings.HasSuffix(text(source.prop("ResourceArn")), ":distribution/${"+r.name+"}") {
			continue
		}
		for _, d := range c.resources("AWS::Logs::Delivery") {
			if refersTo(d.prop("DeliverySourceName")) != source.name {
				continue
			}
			logged = true
			fields := text(d.prop("RecordFields"))
			if fields == "" || strings.Contains(fields, "cs-uri-query") || strings.Contains(fields, "cs(Referer)") {
				c.find(d, d.prop("RecordFields"), "links stand in a log, where others could open them", "leave cs-uri-query and cs(Referer) out of RecordFields")
			}
		}
	}
	if !logged {
		c.find(r, nil, "nobody knows who fetched a file", "add a DeliverySource and a Delivery of its access logs")
	}
}

// PersonalPurposes are those of tenants/files whose files leave by the distribution.
var PersonalPurposes = []string{"general", "export"}

// handedOut reports whether a statement lets our distribution do what it must with uploads, an action on resources, and nobody else anything.
func handedOut(s *Value, action string, on ...string) bool {
	var resources []string
	for _, one := range s.Get("Resource").entries() {
		resources = append(resources, text(one))
	}
	return text(s.Get("Principal")) == "Service=cloudfront.amazonaws.com;" && text(s.Get("Action")) == action && slices.Equal(resources, on) &&
		text(s.Get("Condition")) == "StringEquals=aws:SourceArn=arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${FilesDistributionId};;"
}
