package aws

// stacks are the five in order, each with what it is given: everything without a default, and what Settings choose.
func stacks(s Settings) []stack {
	installation, size := parameter{name: "Installation", value: `"$INSTALLATION"`}, parameter{name: "Size", value: s.Size}
	domain, zone := parameter{name: "BaseDomain", value: `"$BASE_DOMAIN"`}, parameter{name: "HostedZoneId", value: s.HostedZone}
	sandbox, sandboxZone := parameter{name: "SandboxDomain", value: `"$SANDBOX_DOMAIN"`}, parameter{name: "SandboxHostedZoneId", value: s.SandboxZone}
	operations := []parameter{installation, size, {name: "Version", value: `"$VERSION"`}, {name: "AutoscaleSha256", value: `"$(base64_of "$AUTOSCALE_SHA256")"`}}
	if s.AlarmEmail != "" { // else who was told before stays told
		operations = append(operations, parameter{name: "AlarmEmail", value: s.AlarmEmail})
	}
	web := []parameter{installation, size, domain, zone, sandbox, sandboxZone, {name: "Version", value: `"$VERSION"`}, {name: "BinarySha256", value: `"$LIGNUM_SHA256"`}}
	if s.AlarmEmail != "" {
		web = append(web, parameter{name: "MailReports", value: s.AlarmEmail})
	}
	return []stack{
		{"network", []parameter{installation, size, {name: "CloudFrontPrefixListId", value: `"$CLOUDFRONT_PREFIX_LIST"`}}},
		{"data", []parameter{installation, size}},
		{"web", web},
		{"edge", []parameter{installation, size, domain, zone, sandbox, sandboxZone, {name: "AlbDnsName", of: output{"web", "AlbDnsName"}},
			{name: "OriginSecretName", of: output{"web", "OriginSecretName"}}}},
		{"operations", operations},
	}
}

// before reads what a stack is given and no stack gives.
func (p *plan) before(s stack) {
	if s.name == "network" {
		p.line(`CLOUDFRONT_PREFIX_LIST=$(aws ec2 describe-managed-prefix-lists --region "$REGION" \
  --filters Name=prefix-list-name,Values=com.amazonaws.global.cloudfront.origin-facing --query 'PrefixLists[0].PrefixListId' --output text)`)
	}
}

// connect gives the stacks made early what only later ones know. Parameters that are not named keep their values.
func (p *plan) connect(s Settings) {
	p.step("What early stacks take of later ones: the health check's alarm has somebody to tell.")
	if s.Region == "us-east-1" { // the alarm is there alone, and tells no topic of another region
		topic := parameter{name: "AlarmTopicArn", of: output{"operations", "AlarmTopicArn"}}
		p.need(topic.of)
		p.deploy(stack{name: "edge"}, []parameter{topic})
	} else {
		p.line("# The health check's alarm lives in us-east-1; to have it, make a topic there and give the edge its AlarmTopicArn.")
	}
}
