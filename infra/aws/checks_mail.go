package aws

import (
	"slices"
	"strings"
)

const (
	mailSettings = "AWS::SES::ConfigurationSet"
	mailIdentity = "AWS::SES::EmailIdentity"
)

// records are the texts of the records of a name and type in the template, with the condition under which they are made.
func (t *Template) records(name, kind string) (texts []string, condition string) {
	for _, r := range t.Resources.Items {
		if r.Get("Type").Scalar() != "AWS::Route53::RecordSetGroup" {
			continue
		}
		for _, set := range r.Get("Properties", "RecordSets").entries() {
			if text(set.Get("Name")) != name || set.Get("Type").Scalar() != kind {
				continue
			}
			condition = r.Get("Condition").Scalar()
			for _, one := range set.Get("ResourceRecords").entries() {
				texts = append(texts, text(one))
			}
		}
	}
	return texts, condition
}

// mailSigned wants letters to be signed for the base domain with keys that are found in its zone, and their envelope to be of a name of it.
func (c *checker) mailSigned() {
	for _, r := range c.resources(mailIdentity) {
		c.need(r, "say SigningEnabled: true", []string{"true"}, "DkimAttributes", "SigningEnabled")
		c.need(r, "say RSA_2048_BIT", []string{"RSA_2048_BIT"}, "DkimSigningAttributes", "NextSigningKeyLength")
		for _, n := range []string{"1", "2", "3"} {
			texts, condition := r.t.records("${"+r.name+".DkimDNSTokenName"+n+"}", "CNAME")
			if !slices.Equal(texts, []string{"${" + r.name + ".DkimDNSTokenValue" + n + "}"}) || condition != "" {
				c.find(r, nil, "the zone has no record of the "+n+". key that letters are signed with", "add the CNAME DkimDNSTokenName"+n+" with DkimDNSTokenValue"+n)
			}
		}
		from := r.prop("MailFromAttributes", "MailFromDomain")
		if from == nil {
			c.find(r, nil, "the envelope of letters is of amazonses.com", "say MailFromDomain, a name below the base domain")
			continue
		}
		if texts, condition := r.t.records(text(from), "MX"); !slices.Equal(texts, []string{"10 feedback-smtp.${AWS::Region}.amazonses.com"}) || condition != "" {
			c.find(r, from, "SES does not get what comes back to the envelope's domain", "add its MX record to feedback-smtp of the region")
		}
		if texts, condition := r.t.records(text(from), "TXT"); !slices.Equal(texts, []string{`"v=spf1 include:amazonses.com -all"`}) || condition != "" {
			c.find(r, from, "SPF of the envelope's domain does not name SES and nobody else", `add its TXT record "v=spf1 include:amazonses.com -all"`)
		}
	}
}

// mailDMARC wants other mail servers to be told what to do with letters that are not ours: to refuse them.
func (c *checker) mailDMARC() {
	for _, r := range c.resources(mailIdentity) {
		texts, _ := r.t.records("_dmarc."+text(r.prop("EmailIdentity")), "TXT")
		if len(texts) == 0 {
			c.find(r, nil, "the base domain has no DMARC record", "add the TXT record _dmarc")
		}
		for _, one := range texts {
			for _, part := range []string{"v=DMARC1; ", "; p=reject;", "; sp=reject;"} {
				if !strings.Contains(one, part) {
					c.find(r, nil, "the DMARC record lets others write in our name", "let it have p=reject and sp=reject")
					break
				}
			}
		}
	}
}

// mailTLS wants letters to go by TLS alone, to SES and from it.
func (c *checker) mailTLS() {
	for _, r := range c.resources(mailSettings) {
		c.need(r, "say TlsPolicy: REQUIRE", []string{"REQUIRE"}, "DeliveryOptions", "TlsPolicy")
	}
	for _, r := range c.servers() {
		_, server, _ := strings.Cut(text(r.prop("LaunchTemplateData", "UserData")), "LIGNUM_MAIL_SERVER=")
		if !strings.HasPrefix(server, "smtps://email-smtp.${AWS::Region}.amazonaws.com:465\n") {
			c.find(r, r.prop("LaunchTemplateData", "UserData"), "the machines do not hand letters to SES of the region by TLS", "set LIGNUM_MAIL_SERVER=smtps://email-smtp. and so on, port 465")
		}
	}
	for _, r := range c.resources(group) {
		out := slices.ContainsFunc(r.prop("SecurityGroupEgress").entries(), func(v *Value) bool { return v.Get("FromPort").Scalar() == "465" })
		if slices.Contains(r.t.exported("-WebSecurityGroupId"), r.name) && !out {
			c.find(r, r.prop("SecurityGroupEgress"), "the machines do not reach SES", "let them out to port 465")
		}
	}
}

// servers are the launch templates of machines that serve.
func (c *checker) servers() []resource {
	return slices.DeleteFunc(c.resources("AWS::EC2::LaunchTemplate"), func(r resource) bool {
		return !strings.Contains(text(r.prop("LaunchTemplateData", "UserData")), "lignum serve")
	})
}

// mailReputation wants what the letters are sent under to be used, watched and merciful: no second letter to whom one came back from.
func (c *checker) mailReputation() {
	for _, r := range c.resources(mailIdentity) {
		if set := r.t.Resources.Get(refersTo(r.prop("ConfigurationSetAttributes", "ConfigurationSetName"))); set.Get("Type").Scalar() != mailSettings {
			c.find(r, r.prop("ConfigurationSetAttributes"), "letters are sent under no configuration set", "name it in ConfigurationSetName")
		}
	}
	for _, r := range c.resources(mailSettings) {
		c.need(r, "say ReputationMetricsEnabled: true", []string{"true"}, "ReputationOptions", "ReputationMetricsEnabled")
		for _, reason := range []string{"BOUNCE", "COMPLAINT"} {
			if !slices.ContainsFunc(r.prop("SuppressionOptions", "SuppressedReasons").entries(), func(v *Value) bool { return v.Scalar() == reason }) {
				c.find(r, r.prop("SuppressionOptions"), "letters go on after a "+strings.ToLower(reason), "name "+reason+" in SuppressedReasons")
			}
		}
		for metric, most := range map[string]float64{"Reputation.BounceRate": 0.05, "Reputation.ComplaintRate": 0.001} {
			told := slices.ContainsFunc(c.alarms(), func(a resource) bool {
				limit, known := a.t.number(a.prop("Threshold"), world{})
				return a.prop("MetricName").Scalar() == metric && known && limit <= most && strings.HasPrefix(a.prop("ComparisonOperator").Scalar(), "GreaterThan") &&
					strings.Contains(text(a.prop("Dimensions")), "Name=ses:configuration-set;")
			})
			if !told {
				c.find(r, nil, "nobody hears when AWS is about to stop letters for "+metric, "make an alarm of it, early enough")
			}
		}
	}
}

// mailKey wants the key that letters are sent with to do nothing else, and to lie in Secrets Manager alone: no output and no script has it.
func (c *checker) mailKey() {
	users := map[string]bool{}
	for _, key := range c.resources("AWS::IAM::AccessKey") {
		users[refersTo(key.prop("UserName"))] = true
		secret := "${" + key.name + ".SecretAccessKey}"
		for _, r := range append(c.resources(), c.outputs()...) {
			r.whole.walk(func(v *Value) {
				kept := r.kind == "AWS::SecretsManager::Secret" && v == r.prop("SecretString")
				if r.t == key.t && (v.Kind == Scalar || v.Kind == Call) && strings.Contains(text(v), secret) && !kept && !(v.Kind == Call && v.Fn != "GetAtt" && v.Fn != "Sub") {
					c.find(r, v, "the secret key stands where others read it", "let the machines fetch it of Secrets Manager")
				}
			})
		}
		for _, r := range c.servers() {
			if !strings.Contains(text(r.prop("LaunchTemplateData", "UserData")), "LIGNUM_MAIL_USER=${"+key.name+"}\n") {
				c.find(r, r.prop("LaunchTemplateData", "UserData"), "machines keep the old key when another is made", "set LIGNUM_MAIL_USER to it in their script, so that they are replaced")
			}
		}
	}
	for _, s := range c.allowing() {
		if s.kind != "AWS::IAM::User" || !users[s.name] {
			continue
		}
		from := text(s.body.Get("Condition", "StringEquals", "ses:FromAddress"))
		if text(s.body.Get("Action")) != "ses:SendRawEmail" || !strings.HasPrefix(from, "no-reply@") || strings.Contains(text(s.body.Get("Resource")), "*") {
			c.find(s.resource, s.body, "the key for letters may do more than send as one address", "allow ses:SendRawEmail alone, on the identity and the configuration set, with a condition of ses:FromAddress")
		}
	}
	for _, r := range c.resources("AWS::IAM::User") {
		if v := r.prop("ManagedPolicyArns"); v != nil {
			c.find(r, v, "the key for letters may do more than send as one address", "leave managed policies out")
		}
	}
}
