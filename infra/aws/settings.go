package aws

import (
	"regexp"
	"slices"
	"strings"

	"lignum/infra/config"
)

// Settings are what an operator chooses for an installation and a release.
type Settings struct {
	Installation string // prefix of all names: 2 to 12 lower-case letters and digits, a letter first
	BaseDomain   string // tenants are <slug>.<base domain>
	Sandbox      string // domain above the hosts of packages; of another registrable domain
	Region       string // of all stacks but edge, which is always in us-east-1
	Size         string // small, country or region
	Version      string // of the release: v1.2.3
	HostedZone   string // Route 53's id of the base domain's zone
	SandboxZone  string // and of the sandbox domain's
	AlarmEmail   string // who hears of alarms; may be empty
}

// Sizes of an installation, smallest first.
var Sizes = []string{"small", "country", "region"}

// None of the patterns lets through a character that a shell would read as more than text.
var (
	installationForm = regexp.MustCompile(`^[a-z][a-z0-9]{1,11}$`)
	domainForm       = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	regionForm       = regexp.MustCompile(`^[a-z]{2}(-[a-z]+){1,2}-[1-9]$`)
	versionForm      = regexp.MustCompile(`^v(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(-[0-9a-z]+(\.[0-9a-z]+)*)?$`)
	zoneForm         = regexp.MustCompile(`^Z[A-Z0-9]{7,31}$`)
	emailForm        = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z]{2,63}$`)
)

// Check tells wrong, by the flags of lignum deploy plan, everything that is not right.
func (s Settings) Check(wrong func(flag, format string, args ...any)) {
	for _, field := range []struct {
		flag, value string
		form        *regexp.Regexp
		most        int
		reason      string
	}{
		{"--installation", s.Installation, installationForm, 12, "must be 2 to 12 lower-case letters and digits, a letter first, such as prod"},
		{"--base-domain", s.BaseDomain, domainForm, 200, "must be a domain in lower case, such as lignum.example"},
		{"--sandbox-domain", s.Sandbox, domainForm, 190, "must be a domain in lower case, such as lignum-packages.example"},
		{"--region", s.Region, regionForm, 20, "must be a region of AWS, such as us-east-1"},
		{"--version", s.Version, versionForm, 40, "must be a version such as v1.2.3"},
		{"--hosted-zone", s.HostedZone, zoneForm, 32, "must be the id of a Route 53 zone, such as Z0123456789ABC"},
		{"--sandbox-zone", s.SandboxZone, zoneForm, 32, "must be the id of a Route 53 zone, such as Z0123456789ABC"},
	} {
		if len(field.value) > field.most || !field.form.MatchString(field.value) {
			wrong(field.flag, "%s", field.reason)
		}
	}
	if domainForm.MatchString(s.Sandbox) && domainForm.MatchString(s.BaseDomain) {
		if reason := config.SandboxFault(s.Sandbox, s.BaseDomain, "https"); reason != "" {
			wrong("--sandbox-domain", "%s", reason)
		}
	}
	if !slices.Contains(Sizes, s.Size) {
		wrong("--size", "must be one of %s", strings.Join(Sizes, ", "))
	}
	if s.AlarmEmail != "" && !emailForm.MatchString(s.AlarmEmail) {
		wrong("--alarm-email", "must be an address such as alarms@lignum.example")
	}
}
