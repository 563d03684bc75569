package aws

import (
	"slices"
	"strconv"
	"strings"
)

const bucket, table, logGroup = "AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"

// retained wants what holds data to outlive its stack, whether it is deleted or replaced.
func (c *checker) retained() {
	for _, r := range c.resources(cluster, bucket, table, "AWS::KMS::Key", "AWS::SecretsManager::Secret", logGroup) {
		if r.kind == logGroup && !strings.Contains(strings.ToLower(r.name+text(r.prop("LogGroupName"))), "audit") {
			continue
		}
		allowed := []string{"Retain", "RetainExceptOnCreate"}
		if r.kind == cluster {
			allowed = append(allowed, "Snapshot")
		}
		for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if v := r.whole.Get(policy); !slices.Contains(allowed, v.Scalar()) {
				c.find(r, v, policy+" would lose the data", "say "+policy+": Retain")
			}
		}
	}
}

// encrypted wants everything at rest encrypted, and says so also where AWS does it by default: a reader shall see it.
func (c *checker) encrypted() {
	yes := []string{"true"}
	for _, r := range c.resources() {
		switch r.kind {
		case cluster:
			c.need(r, "say StorageEncrypted: true", yes, "StorageEncrypted")
			c.present(r, "name the data key", "KmsKeyId")
		case bucket:
			c.present(r, "say which key encrypts the bucket", "BucketEncryption", "ServerSideEncryptionConfiguration", "0", "ServerSideEncryptionByDefault", "SSEAlgorithm")
		case table:
			c.need(r, "say SSEEnabled: true", yes, "SSESpecification", "SSEEnabled")
		case "AWS::SNS::Topic":
			c.present(r, "name a key", "KmsMasterKeyId")
		case "AWS::SQS::Queue":
			if !r.t.always(r.prop("SqsManagedSseEnabled"), "true") {
				c.present(r, "name a key, or say SqsManagedSseEnabled: true", "KmsMasterKeyId")
			}
		case logGroup:
			c.present(r, "name a key, such as the network stack's LogsKeyArn", "KmsKeyId")
		case "AWS::EC2::LaunchTemplate":
			disks := r.prop("LaunchTemplateData", "BlockDeviceMappings").entries()
			if len(disks) == 0 {
				c.find(r, nil, "the disk is as the image has it", "name the root disk in BlockDeviceMappings with Encrypted: true")
			}
			for _, disk := range disks {
				if v := disk.Get("Ebs", "Encrypted"); !r.t.always(v, "true") {
					c.find(r, disk, "a disk is not encrypted", "say Encrypted: true")
				}
			}
		}
	}
}

// present notes a property that is not there in every case that !If leaves.
func (c *checker) present(r resource, remedy string, path ...string) {
	if v := r.prop(path...); slices.Contains(v.branches(), nil) {
		c.find(r, v, path[len(path)-1]+" is missing", remedy)
	}
}

func (c *checker) bucketPublic() {
	for _, r := range c.resources(bucket) {
		for _, what := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			c.need(r, "say "+what+": true", []string{"true"}, "PublicAccessBlockConfiguration", what)
		}
	}
}

// bucketTLS wants of every bucket a policy that denies everything to whoever comes without TLS.
func (c *checker) bucketTLS() {
	policies := c.resources("AWS::S3::BucketPolicy")
	for _, b := range c.resources(bucket) {
		refuses := slices.ContainsFunc(policies, func(p resource) bool {
			return p.t == b.t && refersTo(p.prop("Bucket")) == b.name &&
				slices.ContainsFunc(p.prop("PolicyDocument", "Statement").entries(), deniesPlain)
		})
		if !refuses {
			c.find(b, nil, "the bucket answers plain HTTP", "add a bucket policy that denies s3:* to everybody when aws:SecureTransport is false")
		}
	}
}

func deniesPlain(s *Value) bool {
	all := s.Get("Principal").Scalar() == "*" || s.Get("Principal", "AWS").Scalar() == "*"
	action := text(s.Get("Action"))
	return all && s.Get("Effect").Scalar() == "Deny" && (strings.Contains(action, "s3:*") || action == "*") &&
		text(s.Get("Condition", "Bool", "aws:SecureTransport")) == "false" && len(s.Get("Condition").Items) == 1 &&
		strings.Contains(text(s.Get("Resource")), "/*")
}

func (c *checker) logRetention() {
	for _, r := range c.resources(logGroup) {
		c.present(r, "say how many days the logs are kept", "RetentionInDays")
	}
}

// filesBucket wants the machines to keep uploads in a bucket of the data stack: they may read, write, remove and list there, under its key, and nobody else may
// anything but the distribution of files, which reads what is personal; what was removed by mistake can be had back for a while, and no longer.
func (c *checker) filesBucket() {
	for _, r := range c.resources("AWS::EC2::LaunchTemplate") {
		v := r.prop("LaunchTemplateData", "UserData")
		script := text(v)
		if !strings.Contains(script, "lignum serve") {
			continue
		}
		_, where, found := strings.Cut(script, "LIGNUM_FILES=s3://")
		bucketOf, _, _ := strings.Cut(where, "?")
		if !found || !strings.HasPrefix(bucketOf, "!ImportValue(") {
			c.find(r, v, "the machines are not told where uploads lie, and do not serve", "set LIGNUM_FILES=s3://, a bucket that the data stack exports, ?region= and the region")
			continue
		}
		c.uploadRights(r, bucketOf)
		for _, s := range c.allowing() {
			if s.ofKey() && strings.Contains(text(s.body.Get("Principal")), "cloudfront") && !handedOut(s.body, "kms:Decrypt", "*") {
				c.find(s.resource, s.body, "any distribution may use the key", "allow kms:Decrypt alone, for the one distribution of files")
			}
		}
		kept := false
		for _, b := range c.resources(bucket) {
			if !slices.ContainsFunc(b.t.exported(strings.TrimSuffix(bucketOf[strings.Index(bucketOf, "}")+1:], ")")), func(name string) bool { return name == b.name }) {
				continue
			}
			kept = true
			c.need(b, "say Status: Enabled", []string{"Enabled"}, "VersioningConfiguration", "Status")
			c.present(b, "say after how many days what was removed is gone", "LifecycleConfiguration", "Rules", "0", "NoncurrentVersionExpiration", "NoncurrentDays")
			// files.UploadTime is three days, and what is put together then is counted from its first piece.
			if days, err := strconv.Atoi(b.prop("LifecycleConfiguration", "Rules", "0", "AbortIncompleteMultipartUpload", "DaysAfterInitiation").Scalar()); err != nil || days < 4 || days > 30 {
				c.find(b, b.prop("LifecycleConfiguration"), "what has come of a file that never became whole goes too early, or never", "remove it after 4 to 30 days: an upload in parts may take three")
			}
			var personal []string
			for _, purpose := range PersonalPurposes {
				personal = append(personal, "${"+b.name+".Arn}/*/"+purpose+"/*")
			}
			for _, p := range c.resources("AWS::S3::BucketPolicy") {
				for _, s := range p.prop("PolicyDocument", "Statement").entries() {
					if p.t == b.t && refersTo(p.prop("Bucket")) == b.name && s.Get("Effect").Scalar() != "Deny" && !handedOut(s, "s3:GetObject", personal...) {
						c.find(p, s, "somebody else may do something with uploads", "let the policy deny, and one distribution s3:GetObject of what is personal; the machines' role says what they may")
					}
				}
			}
		}
		if !kept {
			c.find(r, v, "uploads lie in no bucket of ours", "name one that the data stack exports")
		}
	}
}

// uploadRights wants the stack of a machine to allow it what the program does with uploads.
func (c *checker) uploadRights(r resource, bucketOf string) {
	for _, right := range [][2]string{{"s3:GetObject", bucketOf + "/*"}, {"s3:PutObject", bucketOf + "/*"}, {"s3:DeleteObject", bucketOf + "/*"}, {"s3:AbortMultipartUpload", bucketOf + "/*"}, {"s3:ListBucket", bucketOf},
		{"kms:GenerateDataKey", "-data-DataKeyArn)"}, {"kms:Decrypt", "-data-DataKeyArn)"}} {
		allowed := slices.ContainsFunc(c.allowing(), func(s statement) bool {
			return s.t == r.t && s.kind == "AWS::IAM::Role" && strings.HasSuffix(text(s.body.Get("Resource")), right[1]) &&
				slices.ContainsFunc(s.body.Get("Action").entries(), func(a *Value) bool { return text(a) == right[0] })
		})
		if !allowed {
			c.find(r, nil, "the machines may not "+right[0]+" where uploads lie", "allow it to their role")
		}
	}
}
