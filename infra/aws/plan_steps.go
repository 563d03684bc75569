package aws

import "strings"

// preamble sets what all steps use. Forms of Settings let nothing through that a shell would read as more than text.
func (p *plan) preamble(s Settings) {
	p.line("# Lignum %s for %s on AWS: installation %s, size %s, %s and us-east-1.", s.Version, s.BaseDomain, s.Installation, s.Size, s.Region)
	p.line("# Read it, save it as deploy.sh in the root of the source of %s, and run: bash deploy.sh", s.Version)
	p.line("# It needs Go, git, openssl, the AWS CLI 2 signed in to the account, and curl. It stops at the first error and may be run again:")
	p.line("# what is there already stays. Nothing is deleted. The Route 53 zones must already answer for the base domain and the sandbox domain.")
	p.line("set -euo pipefail")
	p.line("INSTALLATION=%s REGION=%s VERSION=%s BASE_DOMAIN=%s SANDBOX_DOMAIN=%s", s.Installation, s.Region, s.Version, s.BaseDomain, s.Sandbox)
	p.line(`output() { # output STACK KEY REGION: what a stack gives
  local value
  value=$(aws cloudformation describe-stacks --region "${3:-$REGION}" --stack-name "$INSTALLATION-$1" \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]" --output text)
  if [ -z "$value" ] || [ "$value" = None ]; then echo "the stack $INSTALLATION-$1 gives no $2" >&2; return 1; fi
  printf '%%s' "$value"
}
sum() { sha256sum "$1" | cut -d ' ' -f 1; }
base64_of() { printf '%%b' "$(printf %%s "$1" | sed 's/../\\x&/g')" | base64; } # a sum in hexadecimal, as Lambda wants it`)
}

// build makes the programs: for the machines, for whoever prepares the database, and for the functions.
func (p *plan) build() {
	p.step("The templates and the programs. The same source and Go give the same bytes.")
	p.line("[ -z \"$(git status --porcelain)\" ] && [ \"$(git describe --tags --exact-match)\" = \"$VERSION\" ] || { echo \"this is not the source of $VERSION\" >&2; exit 1; }")
	p.line("mkdir -p bin/release")
	p.line("make build")
	p.line("bin/lignum deploy check infra/aws/templates")
	p.line("for arch in arm64 amd64; do")
	p.line("  VERSION=$VERSION infra/release/program.sh $arch bin/release/lignum-linux-$arch")
	p.line("done")
	p.line("bin/lignum deploy zip --out bin/release/autoscale.zip")
	p.line("LIGNUM_SHA256=$(sum bin/release/lignum-linux-arm64) AUTOSCALE_SHA256=$(sum bin/release/autoscale.zip)")
	p.line("(cd bin/release && sha256sum lignum-linux-arm64 lignum-linux-amd64 autoscale.zip | tee SHA256SUMS)")
}

// upload puts the release where machines and functions fetch it, below its version, which is never overwritten by another.
func (p *plan) upload() {
	p.step("The release into its bucket.")
	p.need(output{"data", "ReleasesBucketName"})
	p.line(`RELEASE="s3://$DATA_RELEASES_BUCKET_NAME/lignum/$VERSION"`)
	p.line(`if aws s3 cp --region "$REGION" "$RELEASE/SHA256SUMS" bin/release/SHA256SUMS.there 2>/dev/null; then`)
	p.line(`  cmp bin/release/SHA256SUMS bin/release/SHA256SUMS.there || { echo "another $VERSION is there already; give this one a new version" >&2; exit 1; }`)
	p.line("fi")
	p.line("for file in lignum-linux-arm64 lignum-linux-amd64 autoscale.zip SHA256SUMS; do")
	p.line(`  aws s3 cp --region "$REGION" --only-show-errors "bin/release/$file" "$RELEASE/$file"`)
	p.line("done")
}

// prepareScript runs within the VPC. Words in ${} are filled in when it is written; \$ stays for when it runs. The secrets
// go from Secrets Manager into the environment of one program, never onto a screen, a command line or a disk.
const prepareScript = `cat > bin/release/prepare.sh <<END
#!/usr/bin/env bash
set -euo pipefail
umask 077
cd "\$(mktemp -d)"
aws s3 cp --region $REGION --only-show-errors $RELEASE/lignum-linux-amd64 lignum
echo "$(sum bin/release/lignum-linux-amd64)  lignum" | sha256sum --check --quiet
chmod 700 lignum
curl --fail --silent --show-error --output rds.pem https://truststore.pki.rds.amazonaws.com/$REGION/$REGION-bundle.pem
secret() { aws secretsmanager get-secret-value --region $REGION --secret-id "\$1" --query SecretString --output text; }
export LIGNUM_INSTALLATION=$INSTALLATION LIGNUM_BASE_DOMAIN=$BASE_DOMAIN LIGNUM_PROXY=$DATA_PROXY_ENDPOINT:5432 LIGNUM_DATABASE_AUTH=iam
export AWS_REGION=$REGION
LIGNUM_MASTER_KEY=\$(secret $DATA_MASTER_KEY_SECRET_ARN)
LIGNUM_DIRECT_DSN=\$(secret $DATA_MASTER_SECRET_ARN | python3 -c 'import json, sys, urllib.parse
s = {k: urllib.parse.quote(v, "") for k, v in json.load(sys.stdin).items()}
print("postgres://" + s["username"] + ":" + s["password"] + "@$DATA_WRITER_ENDPOINT:5432/lignum?sslmode=verify-full&sslrootcert=rds.pem")')
export LIGNUM_MASTER_KEY LIGNUM_DIRECT_DSN
./lignum "\${@:-migrate}"
END
`

// prepare brings the database up to date before any machine runs the new program, which would not start without.
func (p *plan) prepare() {
	p.step("The database, from a host within the VPC: it has no other door. CloudShell has such hosts: in its console choose\n" +
		"# Actions, Create VPC environment, with the VPC, the subnet and the security group that are printed below.")
	p.need(output{"network", "VpcId"}, output{"network", "PrivateSubnetIds"}, output{"network", "WebSecurityGroupId"},
		output{"data", "ProxyEndpoint"}, output{"data", "WriterEndpoint"}, output{"data", "MasterSecretArn"}, output{"data", "MasterKeySecretArn"})
	p.WriteString(prepareScript)
	p.line(`aws s3 cp --region "$REGION" --only-show-errors bin/release/prepare.sh "$RELEASE/prepare.sh"`)
	p.line(`echo "VPC $NETWORK_VPC_ID, subnet ${NETWORK_PRIVATE_SUBNET_IDS%%%%,*}, security group $NETWORK_WEB_SECURITY_GROUP_ID. Run there:"`)
	p.line(`echo "  aws s3 cp --region $REGION $RELEASE/prepare.sh . && echo '$(sum bin/release/prepare.sh)  prepare.sh' | sha256sum --check && bash prepare.sh"`)
	p.line(`echo "It must end with '0 failed'. The first time, open an operator's account then, which prints a code:"`)
	p.line(`echo "  bash prepare.sh user create platform NAME --given GIVEN --family FAMILY --role operator"`)
	p.line(`read -r -p "Press Enter when the database is prepared (Ctrl-C stops here; run this again later). "`)
}

func (p *plan) verify() {
	p.step("Does it serve?")
	p.line(`curl --fail --silent --show-error --retry 20 --retry-delay 15 --retry-all-errors "https://platform.$BASE_DOMAIN/readyz"`)
	p.line(`curl --silent --output /dev/null --write-out '%%{http_code} %%{redirect_url}\n' "http://platform.$BASE_DOMAIN/" | grep '^301 https://'`)
	p.line(`for stack in %s; do`, strings.Join([]string{"network", "data", "web", "operations"}, " "))
	p.line(`  aws cloudformation describe-stacks --region "$REGION" --stack-name "$INSTALLATION-$stack" --query 'Stacks[0].[StackName,StackStatus]' --output text`)
	p.line(`done`)
	p.line(`aws cloudwatch describe-alarms --region "$REGION" --alarm-name-prefix "$INSTALLATION-" --state-value ALARM --query 'MetricAlarms[].AlarmName' --output text`)
}

// links makes the pair of keys with which links to personal files are signed, and lets them lead to the distribution. What was done before stays done, so it may
// stop anywhere and be run again. The private key goes from one program into another, never onto a screen, a command line or a disk.
func (p *plan) links() {
	p.step("Personal files leave by a distribution of their own, by links that the machines sign: a pair of keys, the private one in a\n" +
		"# secret, the public one at CloudFront. Once links lead there this does nothing. How to change the key stands in infra/aws/templates/edge.yaml.")
	p.line(`FILES_KEY=$(aws cloudformation describe-stacks --region "$REGION" --stack-name "$INSTALLATION-web" \
  --query "Stacks[0].Parameters[?ParameterKey=='FilesKeyId'].ParameterValue | [0]" --output text)`)
	p.line(`if [ -z "$FILES_KEY" ] || [ "$FILES_KEY" = None ]; then`)
	p.need(output{"data", "FilesBucketDomainName"})
	p.line(`secret() { aws secretsmanager "$1" --region "$REGION" --secret-id "$INSTALLATION-files-key" --output text "${@:2}"; }`)
	p.line(`if ! secret get-secret-value --query VersionId >/dev/null 2>&1; then`)
	p.line(`  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 | openssl pkcs8 -topk8 -nocrypt -outform DER | openssl base64 -A | secret put-secret-value --secret-string file:///dev/stdin >/dev/null`)
	p.line(`fi`)
	p.line(`FILES_PUBLIC_KEY=$(secret get-secret-value --query SecretString | openssl base64 -d -A | openssl pkey -inform DER -pubout)`)
	p.line(`FILES_KEY_VERSION=$(secret get-secret-value --query VersionId)`)
	p.deploy(stack{name: "edge"}, []parameter{{name: "FilesBucketDomainName", of: output{"data", "FilesBucketDomainName"}}, {name: "FilesPublicKeyOne", value: `"$FILES_PUBLIC_KEY"`}})
	p.need(output{"edge", "FilesDistributionId"}, output{"edge", "FilesKeyOne"})
	p.deploy(stack{name: "data"}, []parameter{{name: "FilesDistributionId", of: output{"edge", "FilesDistributionId"}}})
	p.line(`secret update-secret-version-stage --version-stage "$EDGE_FILES_KEY_ONE" --move-to-version-id "$FILES_KEY_VERSION" >/dev/null`)
	p.deploy(stack{name: "web"}, []parameter{{name: "FilesKeyId", of: output{"edge", "FilesKeyOne"}}})
	p.line(`fi`)
}

// mail tells whether Amazon SES takes letters to everybody, which AWS must agree to once for an account and region.
func (p *plan) mail() {
	p.step("E-mail: a new account is in SES's sandbox, and writes to verified addresses alone. AWS answers a request within a day or so.")
	p.line(`if [ "$(aws sesv2 get-account --region "$REGION" --query ProductionAccessEnabled --output text)" != True ]; then`)
	p.line(`  echo "Ask AWS once, then try it with: lignum mail try platform you@example.org"`)
	p.line(`  echo "  aws sesv2 put-account-details --region $REGION --production-access-enabled --mail-type TRANSACTIONAL --contact-language EN \\"`)
	p.line(`  echo "    --website-url https://platform.$BASE_DOMAIN --use-case-description 'Invitations, codes and digests to staff and learners who have an account'"`)
	p.line(`fi`)
}

// wayBack leaves a script beside the release, before anything of the release runs.
func (p *plan) wayBack(web, operations stack) {
	p.step("The way back: bash bin/release/roll-back.sh puts machines and functions back to the release of now, should this one\n" +
		"# answer and still be wrong; one that does not answer /readyz CloudFormation undoes itself. The database keeps its newer\n" +
		"# form: whether the release before works with it, the notes must say. What no release can mend:\n" +
		"# aws rds restore-db-cluster-to-point-in-time makes a second cluster as it was at a time.")
	p.line(`PREVIOUS=$(aws cloudformation describe-stacks --region "$REGION" --stack-name "$INSTALLATION-web" \
  --query "Stacks[0].Parameters[?ParameterKey=='Version'].ParameterValue | [0]" --output text 2>/dev/null) || PREVIOUS=None # the first time`)
	p.line(`if [ "$PREVIOUS" != None ] && [ "$PREVIOUS" != "$VERSION" ]; then`)
	p.line(`aws s3 cp --region "$REGION" --only-show-errors "s3://$DATA_RELEASES_BUCKET_NAME/lignum/$PREVIOUS/SHA256SUMS" bin/release/SHA256SUMS.previous`)
	p.line(`cat > bin/release/roll-back.sh <<END`)
	p.line("set -euo pipefail")
	var script plan
	script.deploy(web, []parameter{{name: "Version", value: "$PREVIOUS"},
		{name: "BinarySha256", value: "$(grep lignum-linux-arm64 bin/release/SHA256SUMS.previous | cut -d ' ' -f 1)"}})
	script.deploy(operations, []parameter{{name: "Version", value: "$PREVIOUS"},
		{name: "AutoscaleSha256", value: `$(base64_of "$(grep autoscale.zip bin/release/SHA256SUMS.previous | cut -d ' ' -f 1)")`}})
	p.WriteString(strings.ReplaceAll(script.String(), "\\\n", "\\\\\n"))
	p.line("END\nfi")
}
