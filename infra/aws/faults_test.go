package aws

import (
	"slices"
	"strings"
	"testing"
)

// A stackSet is the real templates, parsed, for a fault to be planted in.
type stackSet struct {
	*testing.T
	templates []*Template
}

func (s stackSet) template(name string) *Template {
	s.Helper()
	for _, t := range s.templates {
		if t.Name == name {
			return t
		}
	}
	s.Fatalf("there is no template %s", name)
	return nil
}

// first is the first resource of a type in a stack that fits; none fails the test.
func (s stackSet) first(stack, kind string, fits ...func(*Value) bool) *Value {
	s.Helper()
	for _, r := range s.template(stack).Resources.Items {
		if r.Get("Type").Scalar() == kind && !slices.ContainsFunc(fits, func(f func(*Value) bool) bool { return !f(r) }) {
			return r
		}
	}
	s.Fatalf("%s has no such %s", stack, kind)
	return nil
}

func has(path string) func(*Value) bool {
	return func(v *Value) bool { return v.Get(strings.Split(path, ".")...) != nil }
}

// set puts a literal in the place of the value at path, or adds it to the map that holds the path's last step.
func (s stackSet) set(v *Value, path, literal string) {
	s.Helper()
	s.put(v, path, &Value{Kind: Scalar, Line: v.Line, Text: literal})
}

func (s stackSet) put(v *Value, path string, value *Value) {
	s.Helper()
	steps := strings.Split(path, ".")
	last := len(steps) - 1
	if old := v.Get(steps...); old != nil {
		*old = *value
		return
	}
	holder := v.Get(steps[:last]...)
	if holder == nil || holder.Kind != Map {
		s.Fatalf("nothing holds %s", path)
	}
	holder.Keys, holder.Items = append(holder.Keys, steps[last]), append(holder.Items, value)
}

// drop takes away what is at path, which must be there.
func (s stackSet) drop(v *Value, path string) {
	s.Helper()
	steps := strings.Split(path, ".")
	last := len(steps) - 1
	holder := v.Get(steps[:last]...)
	if holder == nil || holder.Get(steps[last]) == nil {
		s.Fatalf("there is no %s to take away", path)
	}
	i := slices.Index(holder.Keys, steps[last])
	holder.Keys, holder.Items = slices.Delete(holder.Keys, i, i+1), slices.Delete(holder.Items, i, i+1)
}

// remove takes away the first resource of a type that fits.
func (s stackSet) remove(stack, kind string, fits ...func(*Value) bool) {
	s.Helper()
	gone := s.first(stack, kind, fits...)
	all := s.template(stack).Resources
	i := slices.Index(all.Items, gone)
	all.Keys, all.Items = slices.Delete(all.Keys, i, i+1), slices.Delete(all.Items, i, i+1)
}

// statement is the first allowing statement in a stack that fits.
func (s stackSet) statement(stack string, fits func(statement) bool) *Value {
	s.Helper()
	c := &checker{templates: []*Template{s.template(stack)}}
	for _, one := range c.allowing() {
		if fits(one) {
			return one.body
		}
	}
	s.Fatalf("%s has no such statement", stack)
	return nil
}

func bound(one statement) bool {
	return one.body.Get("Principal") == nil && !strings.Contains(text(one.body.Get("Resource")), "*") && one.body.Get("Resource") != nil
}

// ofAltered tells what is about altered logins by the name of a metric, ofJobs what is about jobs that are given up.
func ofAltered(path string) func(*Value) bool { return named(path, "lignum_altered_logins") }

func ofJobs(path string) func(*Value) bool { return named(path, "lignum_jobs_given_up") }

func named(path, metric string) func(*Value) bool {
	return func(v *Value) bool { return v.Get(strings.Split(path, ".")...).Scalar() == metric }
}

type fault struct {
	name, rule string
	plant      func(s stackSet)
}

// change is a fault that gives one property of a resource another value.
func change(rule, stack, kind, path, literal string) fault {
	return fault{path + " " + literal, rule, func(s stackSet) { s.set(s.first(stack, kind), path, literal) }}
}

// lose is a fault that takes one property of a resource away.
func lose(rule, stack, kind, path string) fault {
	return fault{"no " + path, rule, func(s stackSet) { s.drop(s.first(stack, kind, has(path)), path) }}
}

const (
	listener = "AWS::ElasticLoadBalancingV2::Listener"
	launch   = "AWS::EC2::LaunchTemplate"
	opened   = "AWS::RDS::DBProxyTargetGroup"
	targets  = "AWS::ElasticLoadBalancingV2::TargetGroup"
	alarm    = "AWS::CloudWatch::Alarm"
	filter   = "AWS::Logs::MetricFilter"
	cdn      = "Properties.DistributionConfig."
)

var faults = []fault{
	change("database-public", "data", instance, "Properties.PubliclyAccessible", "true"),
	lose("database-public", "data", instance, "Properties.PubliclyAccessible"),
	change("database-protected", "data", cluster, "Properties.DeletionProtection", "false"),
	change("database-backup", "data", cluster, "Properties.BackupRetentionPeriod", "1"),
	change("database-iam", "data", cluster, "Properties.EnableIAMDatabaseAuthentication", "false"),
	{"the web's group on the cluster", "database-groups", func(s stackSet) {
		s.put(s.first("data", cluster), "Properties.VpcSecurityGroupIds", &Value{Kind: List, Items: []*Value{{Kind: Call, Fn: "ImportValue",
			Items: []*Value{{Kind: Call, Fn: "Sub", Items: []*Value{{Text: "${Installation}-network-WebSecurityGroupId"}}}}}}})
	}},
	{"addresses of the VPC", "database-groups", func(s stackSet) {
		in := s.databaseIngress()
		s.drop(in, "SourceSecurityGroupId")
		s.set(in, "CidrIp", "10.0.0.0/16")
	}},
	{"everybody to the database", "open-group", func(s stackSet) { s.set(s.databaseIngress(), "CidrIp", "0.0.0.0/0") }},
	{"everybody by IPv6", "open-group", func(s stackSet) { s.set(s.databaseIngress(), "CidrIpv6", "::/0") }},
	{"no count", "altered-logins", func(s stackSet) { s.remove("web", filter, ofAltered("Properties.MetricTransformations.0.MetricName")) }},
	{"a count of other words", "altered-logins", func(s stackSet) {
		s.set(s.first("web", filter, ofAltered("Properties.MetricTransformations.0.MetricName")), "Properties.FilterPattern", "{ $.msg = panic }")
	}},
	{"no alarm", "altered-logins", func(s stackSet) { s.remove("operations", alarm, ofAltered("Properties.MetricName")) }},
	{"no count of jobs", "jobs-given-up", func(s stackSet) { s.remove("web", filter, ofJobs("Properties.MetricTransformations.0.MetricName")) }},
	{"a count of other words than the jobs'", "jobs-given-up", func(s stackSet) {
		s.set(s.first("web", filter, ofJobs("Properties.MetricTransformations.0.MetricName")), "Properties.FilterPattern", "{ $.msg = panic }")
	}},
	{"no alarm of jobs", "jobs-given-up", func(s stackSet) { s.remove("operations", alarm, ofJobs("Properties.MetricName")) }},
	change("ladder-start", "data", instance, "Properties.DBInstanceClass", "db.r8g.8xlarge"),
	{"another class than the first rung's", "ladder-start", func(s stackSet) { s.set(s.template("data").Mappings, "Sizes.small.Class", "db.t4g.large") }},
	{"a class that nobody gave", "ladder-start", func(s stackSet) { s.drop(s.template("data").Mappings, "Sizes.region.Class") }},
	{"as many sessions in any memory", "connections-memory", func(s stackSet) {
		s.set(s.template("data").Mappings, "Sizes.small.Connections", "2000")
		s.set(s.template("web").Mappings, "Sizes.small.Opened", "1800")
	}},
	{"more sessions than a country's fit", "connections-memory", func(s stackSet) {
		s.set(s.template("data").Mappings, "Sizes.country.Connections", "410")
		s.set(s.template("web").Mappings, "Sizes.country.Opened", "369")
	}},
	{"no alarm of credits", "credits-watched", func(s stackSet) {
		s.remove("operations", alarm, func(v *Value) bool { return v.Get("Properties", "MetricName").Scalar() == "CPUSurplusCreditsCharged" })
	}},
	change("proxy-tls", "data", proxy, "Properties.RequireTLS", "false"),
	lose("proxy-tls", "data", proxy, "Properties.RequireTLS"),
	change("proxy-iam", "data", proxy, "Properties.DefaultAuthScheme", "NONE"),

	change("proxy-connections", "data", opened, "Properties.ConnectionPoolConfigurationInfo.MaxConnectionsPercent", "100"),
	change("proxy-connections", "data", opened, "Properties.ConnectionPoolConfigurationInfo.MaxConnectionsPercent", "80"),
	lose("proxy-connections", "data", opened, "Properties.ConnectionPoolConfigurationInfo.MaxConnectionsPercent"),
	change("proxy-connections", "data", opened, "Properties.ConnectionPoolConfigurationInfo.MaxIdleConnectionsPercent", "90"),
	lose("proxy-connections", "data", opened, "Properties.ConnectionPoolConfigurationInfo.MaxIdleConnectionsPercent"),
	change("proxy-connections", "data", "AWS::RDS::DBClusterParameterGroup", "Properties.Parameters.max_connections", "300"),
	lose("proxy-connections", "data", "AWS::RDS::DBClusterParameterGroup", "Properties.Parameters.max_connections"),
	{"another number of connections", "proxy-connections", func(s stackSet) { s.script("LIGNUM_POOLER_CONNECTIONS=${Opened}", "LIGNUM_POOLER_CONNECTIONS=2000") }},
	{"no number of connections", "proxy-connections", func(s stackSet) { s.script("LIGNUM_POOLER_CONNECTIONS=${Opened}", "") }},
	{"machines that do not know the database's processors", "database-cores", func(s stackSet) { s.script("LIGNUM_DATABASE_CORES=${Cores}", "") }},
	{"the same number for all sizes", "database-cores", func(s stackSet) { s.script("LIGNUM_DATABASE_CORES=${Cores}", "LIGNUM_DATABASE_CORES=20") }},
	{"a size with another number", "database-cores", func(s stackSet) { s.set(s.template("web").Mappings, "Sizes.region.Cores", "40") }},
	{"a database that begins larger", "database-cores", func(s stackSet) { s.set(s.template("data").Mappings, "Sizes.region.MinCapacity", "4") }},
	{"a small one of which the machines know half", "database-cores", func(s stackSet) { s.set(s.template("web").Mappings, "Sizes.small.Cores", "1") }},

	{"every action of a service", "wildcard-action", func(s stackSet) { s.set(s.statement("operations", bound), "Action", "rds:*") }},
	{"every action", "wildcard-action", func(s stackSet) {
		s.set(s.statement("web", func(one statement) bool { return bound(one) && one.kind == "AWS::IAM::Role" }), "Action", "*")
	}},
	{"every resource", "wildcard-resource", func(s stackSet) { s.set(s.statement("operations", bound), "Resource", "*") }},
	{"everybody takes a role", "wildcard-principal", func(s stackSet) {
		role := s.statement("web", func(one statement) bool {
			return one.kind == "AWS::IAM::Role" && one.body.Get("Principal") != nil && one.body.Get("Condition") == nil
		})
		s.set(role, "Principal", "*")
	}},

	change("acl-scope", "web", webACL, "Properties.Scope", "CLOUDFRONT"),
	change("acl-scope", "edge", webACL, "Properties.Scope", "REGIONAL"),
	{"a firewall that stops uploads", "body-too-large", func(s stackSet) { s.paths(0, "uploads/[0-9a-f-]{36}|", "") }},
	{"a firewall that stops logos", "body-too-large", func(s stackSet) { s.paths(0, "|(tenant|settings)/logo", "") }},
	{"a firewall that reads films", "body-too-large", func(s stackSet) { s.paths(1, "uploads/[0-9a-f-]{36}|", "") }},
	{"a load balancer without one", "acl-scope", func(s stackSet) { s.remove("web", "AWS::WAFv2::WebACLAssociation") }},
	change("imdsv2", "web", launch, "Properties.LaunchTemplateData.MetadataOptions.HttpTokens", "optional"),
	{"an old policy", "listener-tls", func(s stackSet) {
		s.set(s.first("web", listener, has("Properties.SslPolicy")), "Properties.SslPolicy", "ELBSecurityPolicy-2016-08")
	}},
	change("target-tls", "web", targets, "Properties.Protocol", "HTTP"),
	change("target-tls", "web", targets, "Properties.Protocol", "TCP"),
	lose("target-tls", "web", targets, "Properties.Protocol"),
	change("target-tls", "web", targets, "Properties.HealthCheckProtocol", "HTTP"),
	lose("target-tls", "web", targets, "Properties.HealthCheckProtocol"),
	{"plain HTTP in one case of two", "target-tls", func(s stackSet) {
		s.put(s.first("web", targets), "Properties.Protocol", &Value{Kind: Call, Fn: "If",
			Items: []*Value{{Text: "HasTenantCertificate"}, {Text: "HTTPS"}, {Text: "HTTP"}}})
	}},
	{"machines that listen in plain HTTP", "target-tls", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) { v.Text = strings.ReplaceAll(v.Text, "LISTEN_TLS=self-signed", "LISTEN_TLS=off") })
	}},
	{"machines that are not told to speak TLS", "target-tls", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) { v.Text = strings.ReplaceAll(v.Text, "LIGNUM_LISTEN_TLS=self-signed", "") })
	}},
	{"a program that may take the whole machine", "memory-limit", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) { v.Text = strings.ReplaceAll(v.Text, "MemoryMax=85%\n", "") })
	}},
	{"a limit that is none", "memory-limit", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) { v.Text = strings.ReplaceAll(v.Text, "MemoryMax=85%", "MemoryMax=infinity") })
	}},
	{"a limit of Go's beside it", "memory-limit", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) {
			v.Text = strings.ReplaceAll(v.Text, "LIGNUM_SCHEME=https", "GOMEMLIMIT=2GiB\nLIGNUM_SCHEME=https")
		})
	}},
	{"a pace of Go's in the unit", "memory-limit", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) {
			v.Text = strings.ReplaceAll(v.Text, "UMask=0077", "Environment=\"GOGC=off\"\nUMask=0077")
		})
	}},
	{"a function without a version", "code-pinned", func(s stackSet) { s.remove("operations", "AWS::Lambda::Version") }},
	lose("code-pinned", "operations", "AWS::Lambda::Version", "Properties.CodeSha256"),
	change("code-pinned", "operations", "AWS::Lambda::Version", "Properties.CodeSha256", ""),
	{"two versions of one function", "code-pinned", func(s stackSet) {
		all := s.template("operations").Resources
		for i, r := range all.Items {
			if all.Keys[i] == "NightCode" {
				r.Get("Properties", "FunctionName").Items = s.first("operations", "AWS::Lambda::Version").Get("Properties", "FunctionName").Items
			}
		}
	}},
	{"a program of anybody's", "fetch-checksum", func(s stackSet) {
		s.first("web", launch).walk(func(v *Value) { v.Text = strings.ReplaceAll(v.Text, "sha256sum", "md5sum") })
	}},
	change("cdn-pages", "edge", distribution, cdn+"DefaultCacheBehavior.CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"),
	change("cdn-pages", "edge", distribution, cdn+"DefaultCacheBehavior.OriginRequestPolicyId", "59781a5b-3903-41f3-afcb-af62929ccde1"),
	change("cdn-tls", "edge", distribution, cdn+"ViewerCertificate.MinimumProtocolVersion", "TLSv1"),
	change("cdn-tls", "edge", distribution, cdn+"DefaultCacheBehavior.ViewerProtocolPolicy", "allow-all"),
	{"a bucket read by everybody", "cdn-origin", func(s stackSet) {
		s.drop(s.first("edge", distribution).Get("Properties", "DistributionConfig", "Origins", "0"), "CustomOriginConfig")
	}},

	{"machines that know no packages", "sandbox-apart", func(s stackSet) { s.script("LIGNUM_SANDBOX_DOMAIN=${SandboxDomain}", "") }},
	{"packages below the tenants' domain", "sandbox-apart", func(s stackSet) {
		s.script("LIGNUM_SANDBOX_DOMAIN=${SandboxDomain}", "LIGNUM_SANDBOX_DOMAIN=sandbox.${BaseDomain}")
	}},
	{"cookies that reach packages", "sandbox-apart", func(s stackSet) { s.set(s.packages(), cdn+"DefaultCacheBehavior.OriginRequestPolicyId", allViewer) }},
	{"authorization that reaches packages", "sandbox-apart", func(s stackSet) {
		policy := s.template("edge").Resources.Get("ContentRequest", "Properties", "OriginRequestPolicyConfig", "HeadersConfig", "Headers")
		policy.Items = append(policy.Items, &Value{Kind: Scalar, Text: "Authorization"})
	}},
	{"packages that stay at the edge", "sandbox-apart", func(s stackSet) {
		s.set(s.packages(), cdn+"DefaultCacheBehavior.CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6")
	}},
	{"packages by the pages' certificate", "sandbox-apart", func(s stackSet) {
		s.put(s.packages(), cdn+"ViewerCertificate.AcmCertificateArn", &Value{Kind: Call, Fn: "Ref", Items: []*Value{{Text: "Certificate"}}})
	}},
	{"packages and pages by one distribution", "sandbox-apart", func(s stackSet) {
		aliases := s.packages().Get("Properties", "DistributionConfig", "Aliases")
		aliases.Items = append(aliases.Items, &Value{Kind: Call, Fn: "Sub", Items: []*Value{{Text: "*.${BaseDomain}"}}})
	}},
	{"packages without a record", "sandbox-apart", func(s stackSet) {
		s.remove("edge", "AWS::Route53::RecordSetGroup", func(v *Value) bool { return strings.Contains(text(v.Get("Properties")), "*.${SandboxDomain}") })
	}},
	{"a load balancer that does not answer for packages", "sandbox-apart", func(s stackSet) {
		s.remove("web", "AWS::ElasticLoadBalancingV2::ListenerCertificate", func(v *Value) bool { return v.Get("Condition") == nil })
	}},
	{"packages that take forms", "sandbox-apart", func(s stackSet) {
		methods := s.packages().Get("Properties", "DistributionConfig", "DefaultCacheBehavior", "AllowedMethods")
		methods.Items = append(methods.Items, &Value{Kind: Scalar, Text: "PUT"})
	}},

	lose("retained", "data", cluster, "DeletionPolicy"),
	lose("retained", "operations", table, "UpdateReplacePolicy"),
	change("retained", "data", bucket, "DeletionPolicy", "Delete"),
	change("encrypted", "data", cluster, "Properties.StorageEncrypted", "false"),
	lose("encrypted", "data", bucket, "Properties.BucketEncryption"),
	lose("encrypted", "operations", "AWS::SNS::Topic", "Properties.KmsMasterKeyId"),
	lose("encrypted", "operations", logGroup, "Properties.KmsKeyId"),
	change("bucket-public", "data", bucket, "Properties.PublicAccessBlockConfiguration.BlockPublicPolicy", "false"),
	{"no policy", "bucket-tls", func(s stackSet) { s.remove("data", "AWS::S3::BucketPolicy") }},
	lose("log-retention", "operations", logGroup, "Properties.RetentionInDays"),

	{"machines that keep no uploads", "files-bucket", func(s stackSet) { s.script("LIGNUM_FILES=s3://${Files}?region=${AWS::Region}", "") }},
	{"uploads on the disk of one machine", "files-bucket", func(s stackSet) {
		s.script("LIGNUM_FILES=s3://${Files}?region=${AWS::Region}", "LIGNUM_FILES=/var/lib/lignum")
	}},
	{"machines that may not remove uploads", "files-bucket", func(s stackSet) { s.drop(s.right("s3:DeleteObject"), "Action") }},
	{"machines that may not list uploads", "files-bucket", func(s stackSet) { s.set(s.right("s3:ListBucket"), "Action", "s3:GetBucketLocation") }},
	{"machines that may not use the key", "files-bucket", func(s stackSet) { s.set(s.right("kms:GenerateDataKey"), "Action", "kms:DescribeKey") }},
	{"uploads that are gone at once", "files-bucket", func(s stackSet) { s.set(s.filesBucket(), "Properties.VersioningConfiguration.Status", "Suspended") }},
	{"uploads that are never gone", "files-bucket", func(s stackSet) {
		s.drop(s.filesBucket(), "Properties.LifecycleConfiguration.Rules.0.NoncurrentVersionExpiration")
	}},
	{"uploads in parts that end before their time", "files-bucket", func(s stackSet) {
		s.set(s.filesBucket(), "Properties.LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload.DaysAfterInitiation", "1")
	}},
	{"parts that stay for good", "files-bucket", func(s stackSet) {
		s.drop(s.filesBucket(), "Properties.LifecycleConfiguration.Rules.0.AbortIncompleteMultipartUpload")
	}},
	{"machines that may not give up an upload", "files-bucket", func(s stackSet) {
		uploads := s.right("s3:AbortMultipartUpload").Get("Action")
		uploads.Items = uploads.Items[:len(uploads.Items)-1]
	}},
	{"uploads that a distribution reads", "files-bucket", func(s stackSet) {
		policy := s.first("data", "AWS::S3::BucketPolicy", func(v *Value) bool { return refersTo(v.Get("Properties", "Bucket")) == "FilesBucket" })
		to := policy.Get("Properties", "PolicyDocument", "Statement")
		word := func(text string) *Value { return &Value{Kind: Scalar, Line: to.Line, Text: text} }
		to.Items = append(to.Items, &Value{Kind: Map, Line: to.Line, Keys: []string{"Effect", "Principal", "Action", "Resource"}, Items: []*Value{word("Allow"),
			{Kind: Map, Line: to.Line, Keys: []string{"Service"}, Items: []*Value{word("cloudfront.amazonaws.com")}}, word("s3:GetObject"),
			{Kind: Call, Line: to.Line, Fn: "Sub", Items: []*Value{word("${FilesBucket.Arn}/general/*")}}}})
	}},
	{"uploads that any distribution reads", "files-bucket", func(s stackSet) { s.drop(s.handedOut(), "Condition") }},
	{"uploads that every distribution of the account reads", "files-bucket", func(s stackSet) {
		s.set(s.handedOut(), "Condition.StringEquals.aws:SourceArn", "arn:aws:cloudfront::123456789012:distribution/*")
	}},
	{"rosters that a distribution reads", "files-bucket", func(s stackSet) { s.set(s.handedOut(), "Resource", "${FilesBucket.Arn}/*") }},
	{"exports that no distribution reads", "files-bucket", func(s stackSet) { s.set(s.handedOut(), "Resource", "${FilesBucket.Arn}/*/general/*") }},
	{"uploads that a distribution writes", "files-bucket", func(s stackSet) { s.set(s.handedOut(), "Action", "s3:PutObject") }},
	{"a key that any distribution uses", "files-bucket", func(s stackSet) {
		s.drop(s.statement("data", func(one statement) bool { return one.ofKey() && strings.Contains(text(one.body), "cloudfront") }), "Condition")
	}},
	{"files that need no link", "files-edge", func(s stackSet) { s.drop(s.files(), cdn+"DefaultCacheBehavior.TrustedKeyGroups") }},
	{"a second behaviour that needs no link", "files-edge", func(s stackSet) {
		again := *s.files().Get("Properties", "DistributionConfig", "DefaultCacheBehavior")
		again.Keys, again.Items = slices.Clone(again.Keys), slices.Clone(again.Items)
		s.drop(&again, "TrustedKeyGroups")
		s.put(s.files(), cdn+"CacheBehaviors", &Value{Kind: List, Line: again.Line, Items: []*Value{&again}})
	}},
	{"links of the account's own keys", "files-edge", func(s stackSet) {
		s.put(s.files(), cdn+"DefaultCacheBehavior.TrustedSigners", &Value{Kind: List, Items: []*Value{{Text: "self"}}})
	}},
	{"a group of somebody's", "files-edge", func(s stackSet) {
		s.set(s.files(), cdn+"DefaultCacheBehavior.TrustedKeyGroups.0", "12345678-1234-1234-1234-123456789012")
	}},
	{"a group whose key cannot be changed", "files-edge", func(s stackSet) {
		keys := s.template("edge").Resources.Get("FilesKeys", "Properties", "KeyGroupConfig", "Items")
		keys.Items = keys.Items[:1]
	}},
	{"a bucket of files read by everybody", "cdn-origin", func(s stackSet) {
		s.drop(s.files(), cdn+"Origins.0.OriginAccessControlId")
	}},
	{"access control that signs nothing", "files-edge", func(s stackSet) {
		s.set(s.first("edge", "AWS::CloudFront::OriginAccessControl"), "Properties.OriginAccessControlConfig.SigningBehavior", "never")
	}},
	{"files in plain HTTP", "cdn-tls", func(s stackSet) { s.set(s.files(), cdn+"DefaultCacheBehavior.ViewerProtocolPolicy", "allow-all") }},
	{"files in old TLS", "cdn-tls", func(s stackSet) { s.set(s.files(), cdn+"ViewerCertificate.MinimumProtocolVersion", "TLSv1") }},
	{"files without a firewall", "acl-scope", func(s stackSet) { s.drop(s.files(), cdn+"WebACLId") }},
	{"files that stay at the edge", "files-edge", func(s stackSet) {
		s.set(s.files(), cdn+"DefaultCacheBehavior.CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6")
	}},
	{"a query that reaches S3", "files-edge", func(s stackSet) { s.set(s.files(), cdn+"DefaultCacheBehavior.OriginRequestPolicyId", allViewer) }},
	{"a bucket that takes something", "files-edge", func(s stackSet) {
		methods := s.files().Get("Properties", "DistributionConfig", "DefaultCacheBehavior", "AllowedMethods")
		methods.Items = append(methods.Items, &Value{Kind: Scalar, Text: "PUT"})
	}},
	{"files without headers", "files-edge", func(s stackSet) { s.drop(s.files(), cdn+"DefaultCacheBehavior.ResponseHeadersPolicyId") }},
	{"files that are shown", "files-edge", func(s stackSet) { s.set(s.filesHeaders(), "CustomHeadersConfig.Items.0.Value", "inline") }},
	{"files that are not said to be attachments", "files-edge", func(s stackSet) {
		s.set(s.filesHeaders(), "CustomHeadersConfig.Items.0.Header", "X-Content-Disposition")
	}},
	{"files that lose their names", "files-edge", func(s stackSet) { s.set(s.filesHeaders(), "CustomHeadersConfig.Items.0.Override", "true") }},
	{"files that are kept on the way", "files-edge", func(s stackSet) { s.set(s.filesHeaders(), "CustomHeadersConfig.Items.1.Value", "public, max-age=3600") }},
	{"files that may be what they are not", "files-edge", func(s stackSet) { s.drop(s.filesHeaders(), "SecurityHeadersConfig.ContentTypeOptions") }},
	{"files that may run", "files-edge", func(s stackSet) {
		s.set(s.filesHeaders(), "SecurityHeadersConfig.ContentSecurityPolicy.ContentSecurityPolicy", "sandbox allow-scripts; default-src 'none'")
	}},
	{"a host of files without HSTS", "files-edge", func(s stackSet) { s.drop(s.filesHeaders(), "SecurityHeadersConfig.StrictTransportSecurity") }},
	{"files at a tenant's host", "files-edge", func(s stackSet) {
		s.put(s.files(), cdn+"Aliases.0", &Value{Kind: Call, Fn: "Sub", Items: []*Value{{Text: "files.${BaseDomain}"}}})
	}},
	{"files by the pages' certificate", "files-edge", func(s stackSet) {
		s.put(s.files(), cdn+"ViewerCertificate.AcmCertificateArn", &Value{Kind: Call, Fn: "Ref", Items: []*Value{{Text: "Certificate"}}})
	}},
	{"files without a record", "files-edge", func(s stackSet) {
		s.remove("edge", "AWS::Route53::RecordSetGroup", func(v *Value) bool { return strings.Contains(text(v.Get("Properties")), "files.${SandboxDomain}") })
	}},
	{"files that nobody logs", "files-edge", func(s stackSet) {
		s.remove("edge", "AWS::Logs::DeliverySource", func(v *Value) bool { return strings.Contains(text(v.Get("Properties")), "${Files}") })
	}},
	{"links in a log", "files-edge", func(s stackSet) {
		fields := s.first("edge", "AWS::Logs::Delivery", func(v *Value) bool { return refersTo(v.Get("Properties", "DeliverySourceName")) == "FilesLogSource" }).Get("Properties", "RecordFields")
		fields.Items = append(fields.Items, &Value{Kind: Scalar, Text: "cs-uri-query"})
	}},
	{"machines that know no key of links", "files-edge", func(s stackSet) { s.script("LIGNUM_FILES_KEY_ID=${FilesKeyId}\n", "") }},
	{"machines that sign with the newest key", "files-edge", func(s stackSet) { s.script(" --version-stage '${FilesKeyId}'", "") }},
	{"machines that know no host of files", "files-edge", func(s stackSet) { s.script("LIGNUM_FILES_HOST=${FilesHost}\n", "") }},
	{"a bucket of uploads that is public", "bucket-public", func(s stackSet) {
		s.set(s.filesBucket(), "Properties.PublicAccessBlockConfiguration.RestrictPublicBuckets", "false")
	}},
	{"uploads that are not encrypted", "encrypted", func(s stackSet) { s.drop(s.filesBucket(), "Properties.BucketEncryption") }},

	change("mail-signed", "web", mailIdentity, "Properties.DkimAttributes.SigningEnabled", "false"),
	change("mail-signed", "web", mailIdentity, "Properties.DkimSigningAttributes.NextSigningKeyLength", "RSA_1024_BIT"),
	lose("mail-signed", "web", mailIdentity, "Properties.MailFromAttributes.MailFromDomain"),
	{"two of three keys", "mail-signed", func(s stackSet) {
		s.set(s.record("${MailIdentity.DkimDNSTokenName3}", "CNAME"), "Name", "elsewhere.example")
	}},
	{"one key twice", "mail-signed", func(s stackSet) {
		s.put(s.record("${MailIdentity.DkimDNSTokenName3}", "CNAME"), "ResourceRecords.0", &Value{Kind: Call, Fn: "GetAtt", Items: []*Value{{Text: "MailIdentity.DkimDNSTokenValue2"}}})
	}},
	{"what comes back goes nowhere", "mail-signed", func(s stackSet) {
		s.set(s.record("mail-from.${BaseDomain}", "MX"), "ResourceRecords.0", "10 mail.example.org")
	}},
	{"an SPF that lets everybody", "mail-signed", func(s stackSet) {
		s.set(s.record("mail-from.${BaseDomain}", "TXT"), "ResourceRecords.0", `"v=spf1 include:amazonses.com ?all"`)
	}},
	{"records that are made now and then", "mail-signed", func(s stackSet) {
		s.set(s.template("web").Resources.Get("MailRecords"), "Condition", "MailFromHereAlone")
	}},
	{"no DMARC", "mail-dmarc", func(s stackSet) { s.set(s.record("_dmarc.${BaseDomain}", "TXT"), "Name", "dmarc.example") }},
	{"a DMARC that refuses nothing", "mail-dmarc", func(s stackSet) {
		s.set(s.record("_dmarc.${BaseDomain}", "TXT"), "ResourceRecords.0", `"v=DMARC1; p=none; sp=reject; adkim=s"`)
	}},
	{"tenants' hosts that anybody writes from", "mail-dmarc", func(s stackSet) {
		s.set(s.record("_dmarc.${BaseDomain}", "TXT"), "ResourceRecords.0", `"v=DMARC1; p=reject; adkim=s"`)
	}},
	change("mail-tls", "web", mailSettings, "Properties.DeliveryOptions.TlsPolicy", "OPTIONAL"),
	lose("mail-tls", "web", mailSettings, "Properties.DeliveryOptions"),
	{"letters without TLS", "mail-tls", func(s stackSet) { s.script("LIGNUM_MAIL_SERVER=smtps://", "LIGNUM_MAIL_SERVER=smtp+plain://") }},
	{"no mail server", "mail-tls", func(s stackSet) {
		s.script("LIGNUM_MAIL_SERVER=smtps://email-smtp.${AWS::Region}.amazonaws.com:465\n", "")
	}},
	{"a group that lets no letter out", "mail-tls", func(s stackSet) {
		s.set(s.template("network").Resources.Get("WebSecurityGroup", "Properties", "SecurityGroupEgress", "1"), "FromPort", "25")
		s.set(s.template("network").Resources.Get("WebSecurityGroup", "Properties", "SecurityGroupEgress", "1"), "ToPort", "25")
	}},
	change("mail-reputation", "web", mailSettings, "Properties.ReputationOptions.ReputationMetricsEnabled", "false"),
	change("mail-reputation", "web", mailSettings, "Properties.SuppressionOptions.SuppressedReasons.1", "BOUNCE"),
	lose("mail-reputation", "web", mailSettings, "Properties.SuppressionOptions"),
	lose("mail-reputation", "web", mailIdentity, "Properties.ConfigurationSetAttributes"),
	{"no alarm of complaints", "mail-reputation", func(s stackSet) {
		s.remove("operations", alarm, named("Properties.MetricName", "Reputation.ComplaintRate"))
	}},
	{"an alarm of bounces when it is too late", "mail-reputation", func(s stackSet) {
		s.set(s.first("operations", alarm, named("Properties.MetricName", "Reputation.BounceRate")), "Properties.Threshold", "0.1")
	}},
	{"returns that nobody hears of", "mail-returns", func(s stackSet) {
		s.remove("web", "AWS::SES::ConfigurationSetEventDestination", has("Properties.EventDestination.SnsDestination"))
	}},
	{"returns that are switched off", "mail-returns", func(s stackSet) {
		s.set(s.first("web", "AWS::SES::ConfigurationSetEventDestination", has("Properties.EventDestination.SnsDestination")), "Properties.EventDestination.Enabled", "false")
	}},
	{"returns without complaints", "mail-returns", func(s stackSet) {
		kinds := s.first("web", "AWS::SES::ConfigurationSetEventDestination", has("Properties.EventDestination.SnsDestination")).Get("Properties", "EventDestination", "MatchingEventTypes")
		kinds.Items = kinds.Items[:1]
	}},
	{"a topic for any account", "mail-returns", func(s stackSet) { s.drop(s.policy("AWS::SNS::TopicPolicy", "MailReturnsTopic"), "Condition") }},
	{"a topic for every sender of the account", "mail-returns", func(s stackSet) {
		s.drop(s.policy("AWS::SNS::TopicPolicy", "MailReturnsTopic"), "Condition.StringEquals.aws:SourceArn")
	}},
	{"a topic that SES may not tell", "mail-returns", func(s stackSet) { s.remove("web", "AWS::SNS::TopicPolicy") }},
	{"a topic in plain text", "encrypted", func(s stackSet) { s.drop(s.first("web", "AWS::SNS::Topic"), "Properties.KmsMasterKeyId") }},
	{"returns in an envelope", "mail-returns", func(s stackSet) {
		s.set(s.first("web", "AWS::SNS::Subscription"), "Properties.RawMessageDelivery", "false")
	}},
	{"returns that a topic drops", "mail-returns", func(s stackSet) { s.drop(s.first("web", "AWS::SNS::Subscription"), "Properties.RedrivePolicy") }},
	{"returns by e-mail", "mail-returns", func(s stackSet) { s.set(s.first("web", "AWS::SNS::Subscription"), "Properties.Protocol", "email") }},
	{"a queue of returns for everybody's topics", "mail-returns", func(s stackSet) { s.drop(s.policy("AWS::SQS::QueuePolicy", "MailReturns"), "Condition") }},
	{"a queue of returns that people write into", "mail-returns", func(s stackSet) {
		s.set(s.policy("AWS::SQS::QueuePolicy", "MailReturns"), "Principal.Service", "ec2.amazonaws.com")
	}},
	{"returns in plain text", "encrypted", func(s stackSet) {
		s.set(s.first("web", "AWS::SQS::Queue", has("Properties.RedrivePolicy")), "Properties.SqsManagedSseEnabled", "false")
	}},
	{"returns without a place for what is lost", "mail-returns", func(s stackSet) {
		s.drop(s.first("web", "AWS::SQS::Queue", has("Properties.RedrivePolicy")), "Properties.RedrivePolicy")
	}},
	{"returns that come twice", "mail-returns", func(s stackSet) {
		s.set(s.first("web", "AWS::SQS::Queue", has("Properties.RedrivePolicy")), "Properties.VisibilityTimeout", "30")
	}},
	{"machines that do not ask for returns", "mail-returns", func(s stackSet) { s.script("LIGNUM_MAIL_RETURNS=${MailReturns}\n", "") }},
	{"machines that may not remove returns", "mail-returns", func(s stackSet) { s.set(s.right("sqs:DeleteMessage"), "Action", "sqs:ReceiveMessage") }},
	{"machines that may write returns", "mail-returns", func(s stackSet) {
		may := s.right("sqs:DeleteMessage").Get("Action")
		may.Items = append(may.Items, &Value{Kind: Scalar, Text: "sqs:SendMessage"})
	}},
	{"no alarm of old returns", "mail-returns", func(s stackSet) {
		s.remove("operations", alarm, named("Properties.MetricName", "ApproximateAgeOfOldestMessage"))
	}},
	{"no alarm of lost returns", "mail-returns", func(s stackSet) {
		s.remove("operations", alarm, func(v *Value) bool {
			return strings.Contains(text(v.Get("Properties", "Dimensions")), "MailReturnsLostName")
		})
	}},
	{"a key that sends as anybody", "mail-key", func(s stackSet) { s.drop(s.mailRight(), "Condition") }},
	{"a key that does more", "mail-key", func(s stackSet) { s.set(s.mailRight(), "Action", "ses:CreateEmailIdentity") }},
	{"a key for every identity", "mail-key", func(s stackSet) { s.set(s.mailRight(), "Resource", "arn:aws:ses:*:*:identity/*") }},
	{"a key with a policy of AWS", "mail-key", func(s stackSet) {
		s.put(s.first("web", "AWS::IAM::User"), "Properties.ManagedPolicyArns", &Value{Kind: List, Items: []*Value{{Text: "arn:aws:iam::aws:policy/AmazonSESFullAccess"}}})
	}},
	{"the key in user data", "mail-key", func(s stackSet) {
		s.script("LIGNUM_MAIL_USER=", "LIGNUM_MAIL_PASSWORD=${MailKey.SecretAccessKey}\nLIGNUM_MAIL_USER=")
	}},
	{"the key in an output", "mail-key", func(s stackSet) {
		s.put(s.template("web").Outputs.Get("AsgName"), "Value", &Value{Kind: Call, Fn: "GetAtt", Items: []*Value{{Text: "MailKey.SecretAccessKey"}}})
	}},
	{"machines that keep the old key", "mail-key", func(s stackSet) { s.script("LIGNUM_MAIL_USER=${MailKey}\n", "LIGNUM_MAIL_USER=lignum\n") }},

	lose("alarm-action", "operations", alarm, "Properties.AlarmActions"),
	lose("alarm-missing-data", "operations", alarm, "Properties.TreatMissingData"),
	lose("dead-letter", "operations", lambda, "Properties.DeadLetterConfig"),
	lose("reserved-concurrency", "operations", lambda, "Properties.ReservedConcurrentExecutions"),
	{"a night without its morning", "night-morning", func(s stackSet) { s.remove("operations", schedule, s.turn("morning")) }},
	{"a morning without its night", "night-morning", func(s stackSet) { s.remove("operations", schedule, s.turn("night")) }},
	{"a morning elsewhere", "night-morning", func(s stackSet) {
		s.set(s.first("operations", schedule, s.turn("morning")), "Properties.ScheduleExpressionTimezone", "America/Cayenne")
	}},

	change("min-max", "web", "AWS::AutoScaling::AutoScalingGroup", "Properties.MinSize", "1000"),
	{"of the database", "min-max", func(s stackSet) {
		s.set(s.first("data", cluster), "Properties.ServerlessV2ScalingConfiguration.MinCapacity", "256.5")
	}},
	{"an import of nothing", "import-export", func(s stackSet) {
		s.put(s.first("web", "AWS::ElasticLoadBalancingV2::TargetGroup"), "Properties.VpcId", &Value{Kind: Call, Fn: "ImportValue",
			Items: []*Value{{Kind: Call, Fn: "Sub", Items: []*Value{{Text: "${Installation}-network-Vpc"}}}}})
	}},
	{"an export of another form", "export-name", func(s stackSet) {
		outputs := s.template("operations").Outputs
		for _, o := range outputs.Items {
			if o.Get("Export") != nil {
				s.set(o, "Export.Name", "alarms")
				return
			}
		}
	}},
	{"a parameter that takes anything", "parameter-constrained", func(s stackSet) { s.drop(s.template("data").Parameters, "Installation.AllowedPattern") }},
	{"a password", "literal-secret", func(s stackSet) {
		s.set(s.first("data", cluster), "Properties.MasterUserPassword", "correct-horse-battery")
	}},
	{"a secret's text", "literal-secret", func(s stackSet) {
		s.set(s.first("data", "AWS::SecretsManager::Secret"), "Properties.SecretString", "correct-horse-battery")
	}},
	{"a key in an output", "literal-secret", func(s stackSet) {
		s.set(s.template("data").Outputs.Items[0], "Value", "AKIA"+strings.Repeat("A2", 8))
	}},
}

// script changes words of what a machine does at its start.
func (s stackSet) script(old, new string) {
	s.Helper()
	found := false
	s.first("web", launch).walk(func(v *Value) {
		found = found || strings.Contains(v.Text, old)
		v.Text = strings.ReplaceAll(v.Text, old, new)
	})
	if !found {
		s.Fatalf("the script does not say %q", old)
	}
}

// paths changes which paths the n-th rule of the edge's firewall about bodies leaves out.
func (s stackSet) paths(n int, from, to string) {
	s.Helper()
	var rules []*Value
	s.template("edge").Resources.walk(func(v *Value) {
		if is := v.Get("NotStatement", "Statement", "RegexMatchStatement", "RegexString"); strings.Contains(is.Scalar(), "attempts/") {
			rules = append(rules, is)
		}
	})
	if len(rules) != 2 || !strings.Contains(rules[n].Text, from) {
		s.Fatalf("%d rules leave paths out", len(rules))
	}
	rules[n].Text = strings.Replace(rules[n].Text, from, to, 1)
}

// packages is the distribution of packages.
func (s stackSet) packages() *Value {
	s.Helper()
	return s.first("edge", distribution, func(v *Value) bool {
		return strings.Contains(text(v.Get("Properties", "DistributionConfig", "Aliases")), "*.${SandboxDomain}")
	})
}

// files is the distribution of personal files.
func (s stackSet) files() *Value {
	s.Helper()
	return s.first("edge", distribution, func(v *Value) bool {
		return strings.Contains(text(v.Get("Properties", "DistributionConfig", "Aliases")), "files.${SandboxDomain}")
	})
}

// filesHeaders is what it says beside each file.
func (s stackSet) filesHeaders() *Value {
	s.Helper()
	return s.template("edge").Resources.Get("FilesHeaders", "Properties", "ResponseHeadersPolicyConfig")
}

// handedOut is what that distribution may do with the bucket.
func (s stackSet) handedOut() *Value {
	s.Helper()
	return s.statement("data", func(one statement) bool {
		return one.kind == "AWS::S3::BucketPolicy" && strings.Contains(text(one.body.Get("Principal")), "cloudfront")
	})
}

// record is a record of a name and type in the web stack.
func (s stackSet) record(name, kind string) (found *Value) {
	s.Helper()
	s.template("web").Resources.walk(func(v *Value) {
		if text(v.Get("Name")) == name && v.Get("Type").Scalar() == kind && v.Get("ResourceRecords") != nil {
			found = v
		}
	})
	if found == nil {
		s.Fatalf("there is no %s of %s", kind, name)
	}
	return found
}

// mailRight is what the user that sends letters may.
func (s stackSet) mailRight() *Value {
	s.Helper()
	return s.statement("web", func(one statement) bool { return one.kind == "AWS::IAM::User" })
}

// policy is what a policy of a topic or a queue allows.
func (s stackSet) policy(kind, name string) *Value {
	s.Helper()
	return s.statement("web", func(one statement) bool {
		of := one.prop("Topics").entries()
		of = append(of, one.prop("Queues").entries()...)
		return one.kind == kind && len(of) == 1 && refersTo(of[0]) == name
	})
}

// filesBucket is where uploads lie.
func (s stackSet) filesBucket() *Value {
	return s.template("data").Resources.Get("FilesBucket")
}

// right is the machines' statement with an action.
func (s stackSet) right(action string) *Value {
	s.Helper()
	return s.statement("web", func(one statement) bool {
		return strings.Contains(text(one.body.Get("Action")), action+";") || text(one.body.Get("Action")) == action
	})
}

// databaseIngress is a rule of who may reach the database.
func (s stackSet) databaseIngress() *Value {
	s.Helper()
	t := s.template("network")
	c := &checker{templates: []*Template{t}}
	guarded := t.exported("-DatabaseSecurityGroupId")
	for _, in := range c.ingresses() {
		if slices.Contains(guarded, in.group) {
			return in.rule
		}
	}
	s.Fatal("nobody may reach the database")
	return nil
}

// turn tells the schedules of night or morning.
func (s stackSet) turn(which string) func(*Value) bool {
	c := &checker{templates: []*Template{s.template("operations")}}
	return func(v *Value) bool {
		return slices.ContainsFunc(c.turns(), func(t turn) bool { return t.whole == v && t.which == which })
	}
}
