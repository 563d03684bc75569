// Package config reads the settings of a serving process from its environment and checks all of them at once, so
// that a process never starts half-configured.
package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/net/publicsuffix"

	"lignum/infra/memory"
	"lignum/infra/pooling"
)

// Config is everything that a serving process is told. Each field names its variable; those that an
// installation sets are in infra/single-server.md.
type Config struct {
	Listen        string        `env:"LIGNUM_LISTEN" envDefault:":8080"`                  // address of the API and the pages
	ListenTLS     string        `env:"LIGNUM_LISTEN_TLS" envDefault:"off"`                // or self-signed: what a load balancer that does not verify speaks to
	MetricsListen string        `env:"LIGNUM_METRICS_LISTEN" envDefault:"127.0.0.1:9090"` // Prometheus; never public
	BaseDomain    string        `env:"LIGNUM_BASE_DOMAIN,required"`                       // tenants are <slug>.<base domain>
	SandboxDomain string        `env:"LIGNUM_SANDBOX_DOMAIN"`                             // packages with scripts are at <slug>-<origin>.<sandbox domain>; it shares no registrable domain with the base domain; empty: none are shown
	Scheme        string        `env:"LIGNUM_SCHEME" envDefault:"https"`                  // as browsers see it; http only on loopback
	PublicPort    int           `env:"LIGNUM_PUBLIC_PORT"`                                // in links, when it is not the scheme's own
	Installation  string        `env:"LIGNUM_INSTALLATION,required"`                      // prefix of database roles
	MasterKey     string        `env:"LIGNUM_MASTER_KEY,required,unset"`                  // base64, 32 bytes or more
	Database      string        `env:"LIGNUM_DATABASE" envDefault:"lignum"`
	Proxy         string        `env:"LIGNUM_PROXY,required"` // host:port of the proxy's read-write endpoint
	ProxyReader   string        `env:"LIGNUM_PROXY_READER"`   // host:port of the read-only endpoint
	SSLMode       string        `env:"LIGNUM_SSLMODE" envDefault:"verify-full"`
	DatabaseAuth  string        `env:"LIGNUM_DATABASE_AUTH" envDefault:"password"` // or iam: tokens of the machine's AWS role
	DirectDSN     string        `env:"LIGNUM_DIRECT_DSN,unset"`                    // for migrate, tenant create and the console's provisioning
	ProxyRole     string        `env:"LIGNUM_PROXY_ROLE"`                          // role of the proxy's auth_query, where there is one
	DatabaseCores float64       `env:"LIGNUM_DATABASE_CORES"`                      // processors of the database's server, 0.25 to 1024, three times as many transactions are busy at once, in all processes together; 0: this machine's
	PoolerMost    int           `env:"LIGNUM_POOLER_CONNECTIONS"`                  // that the pooler may open to the database (PgBouncer's max_db_connections), 1 to 5000; 0: as infra/pooling divides max_connections
	Files         string        `env:"LIGNUM_FILES"`                               // where uploaded files lie, for serve, which does not start without: a directory that all serving processes share, or s3://BUCKET?region=REGION, with the machine's AWS role, and &endpoint=URL where it is not Amazon's
	FilesHost     string        `env:"LIGNUM_FILES_HOST"`                          // host of a CloudFront distribution before that bucket, to which links to personal files lead; with the two below, and of another registrable domain than the base domain; empty: links lead through the program
	FilesKeyID    string        `env:"LIGNUM_FILES_KEY_ID"`                        // what CloudFront calls the public key, such as K2JCJMDEHXQW5F; it is in the distribution's key group
	FilesKey      string        `env:"LIGNUM_FILES_KEY,unset"`                     // base64 of the private key: PKCS #8, of the curve P-256; on AWS the secret <installation>-files-key
	MailServer    string        `env:"LIGNUM_MAIL_SERVER"`                         // who takes letters, for serve, which does not start without: smtp://HOST[:587] with STARTTLS, smtps://HOST[:465], or off, and no letter goes out
	MailUser      string        `env:"LIGNUM_MAIL_USER"`                           // who signs in to it; without, nobody does
	MailPassword  string        `env:"LIGNUM_MAIL_PASSWORD,unset"`                 // with it
	MailRegion    string        `env:"LIGNUM_MAIL_SES_REGION"`                     // region of Amazon SES, such as eu-west-1, where LIGNUM_MAIL_PASSWORD is the secret access key of an IAM user and not what SES takes as its password
	MailReturns   string        `env:"LIGNUM_MAIL_RETURNS"`                        // address of a queue of SQS to which Amazon SES's events come, of letters that came back, such as https://sqs.eu-west-1.amazonaws.com/123456789012/prod-mail-returns; empty: none; without SES, lignum mail bounced takes them
	MailFrom      string        `env:"LIGNUM_MAIL_FROM"`                           // the address that letters come from, such as no-reply@lignum.example
	Memory        string        `env:"LIGNUM_MEMORY"`                              // what the process may use, such as 512MiB; else what its control group allows, else a quarter of the machine, at most 1 GiB
	TrustProxies  []string      `env:"LIGNUM_TRUSTED_PROXIES"`                     // networks whose X-Forwarded-For is believed
	PolicyDir     string        `env:"LIGNUM_POLICY_DIR"`                          // Rego that replaces the built-in rules, watched
	DrainTime     time.Duration `env:"LIGNUM_DRAIN" envDefault:"25s"`              // for requests under way when told to stop
	LogLevel      string        `env:"LIGNUM_LOG_LEVEL" envDefault:"info"`

	key     []byte
	files   *ecdsa.PrivateKey
	memory  int64
	proxies []netip.Prefix
}

// Load reads the environment. The error lists everything that is missing or wrong, each with its variable.
func Load() (*Config, error) {
	c := &Config{}
	var wrong []string
	if err := env.Parse(c); err != nil {
		var all env.AggregateError
		if !errors.As(err, &all) {
			return nil, err
		}
		for _, e := range all.Errors {
			wrong = append(wrong, e.Error())
		}
	}
	wrong = append(wrong, c.check()...)
	if len(wrong) > 0 {
		return nil, fmt.Errorf("the configuration is not complete:\n  - %s", strings.Join(wrong, "\n  - "))
	}
	return c, nil
}

// Validate checks a Config that was filled in by the program itself, as the local one is.
func (c *Config) Validate() error {
	if wrong := c.check(); len(wrong) > 0 {
		return fmt.Errorf("the configuration is not right:\n  - %s", strings.Join(wrong, "\n  - "))
	}
	return nil
}

// mailRegion is what regions of AWS are called.
var mailRegion = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

func (c *Config) check() (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if c.MasterKey != "" {
		key, err := base64.StdEncoding.DecodeString(c.MasterKey)
		if err != nil || len(key) < 32 {
			bad("LIGNUM_MASTER_KEY must be base64 of at least 32 random bytes")
		}
		c.key = key
	}
	for name, hostport := range map[string]string{"LIGNUM_PROXY": c.Proxy, "LIGNUM_PROXY_READER": c.ProxyReader, "LIGNUM_LISTEN": c.Listen, "LIGNUM_METRICS_LISTEN": c.MetricsListen} {
		if hostport == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(hostport); err != nil {
			bad("%s must be host:port", name)
		}
	}
	if c.ListenTLS == "" {
		c.ListenTLS = "off"
	}
	if c.ListenTLS != "off" && c.ListenTLS != "self-signed" {
		bad("LIGNUM_LISTEN_TLS must be off or self-signed")
	}
	if c.DatabaseAuth == "" {
		c.DatabaseAuth = "password"
	}
	if c.DatabaseAuth != "password" && c.DatabaseAuth != "iam" {
		bad("LIGNUM_DATABASE_AUTH must be password or iam")
	}
	if c.DatabaseAuth == "iam" && (c.SSLMode == "disable" || c.SSLMode == "allow" || c.SSLMode == "prefer") {
		bad("LIGNUM_SSLMODE must be verify-full with LIGNUM_DATABASE_AUTH=iam: a token is sent as it is")
	}
	if c.Scheme != "https" && c.Scheme != "http" {
		bad("LIGNUM_SCHEME must be https or http")
	}
	if c.Scheme == "http" && c.BaseDomain != "localhost" && !strings.HasSuffix(c.BaseDomain, ".localhost") {
		bad("LIGNUM_SCHEME may be http only for a base domain under localhost")
	}
	if c.SandboxDomain != "" {
		if reason := SandboxFault(c.SandboxDomain, c.BaseDomain, c.Scheme); reason != "" {
			bad("LIGNUM_SANDBOX_DOMAIN %s", reason)
		}
	}
	if c.DirectDSN != "" {
		if _, err := pgconn.ParseConfig(c.DirectDSN); err != nil {
			bad("LIGNUM_DIRECT_DSN must be a postgres:// URL or a keyword=value connection string")
		}
	}
	if c.DatabaseCores != 0 && !(c.DatabaseCores >= 0.25 && c.DatabaseCores <= 1024) {
		bad("LIGNUM_DATABASE_CORES must be between 0.25 and 1024, or 0 for those of this machine")
	}
	if c.PoolerMost < 0 || c.PoolerMost > pooling.Most {
		bad("LIGNUM_POOLER_CONNECTIONS must be between 1 and %d, or 0 for what max_connections lets it be", pooling.Most)
	}
	if where, isURL := strings.CutPrefix(c.Files, "s3://"); isURL || strings.Contains(c.Files, "://") {
		if u, err := url.Parse(c.Files); !isURL || err != nil || where == "" || u.Host == "" || u.Path != "" || u.User != nil {
			bad("LIGNUM_FILES must be a directory, or s3://BUCKET?region=REGION")
		}
	}
	if c.FilesHost+c.FilesKeyID+c.FilesKey != "" {
		for _, reason := range c.filesFaults() {
			bad("%s", reason)
		}
	}
	if c.MailRegion != "" && (!mailRegion.MatchString(c.MailRegion) || c.MailUser == "" || c.MailPassword == "") {
		bad("LIGNUM_MAIL_SES_REGION must be a region such as eu-west-1, beside LIGNUM_MAIL_USER and LIGNUM_MAIL_PASSWORD, the access key of an IAM user")
	}
	c.memory = 0
	if c.Memory != "" {
		var err error
		if c.memory, err = memory.Parse(c.Memory); err != nil {
			bad("LIGNUM_MEMORY %s", err)
		}
	}
	if c.DrainTime < time.Second || c.DrainTime > 10*time.Minute {
		bad("LIGNUM_DRAIN must be between 1s and 10m")
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		bad("LIGNUM_LOG_LEVEL must be debug, info, warn or error")
	}
	c.proxies = nil
	for _, text := range c.TrustProxies {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			bad("LIGNUM_TRUSTED_PROXIES: %q is not a network such as 10.0.0.0/16", text)
			continue
		}
		c.proxies = append(c.proxies, p)
	}
	return wrong
}

// keyIDForm is what CloudFront calls public keys.
var keyIDForm = regexp.MustCompile(`^[A-Z0-9]{8,32}$`)

// filesFaults says what is wrong with the distribution of files, and keeps its key. What is uploaded must not share a registrable domain with the pages, as what
// is in a package must not.
func (c *Config) filesFaults() (wrong []string) {
	if reason := SandboxFault(c.FilesHost, c.BaseDomain, c.Scheme); reason != "" {
		wrong = append(wrong, "LIGNUM_FILES_HOST "+reason)
	}
	if !strings.HasPrefix(c.Files, "s3://") {
		wrong = append(wrong, "LIGNUM_FILES_HOST stands before a bucket: LIGNUM_FILES must be s3://BUCKET?region=REGION")
	}
	if !keyIDForm.MatchString(c.FilesKeyID) {
		wrong = append(wrong, "LIGNUM_FILES_KEY_ID must be what CloudFront calls the public key, such as K2JCJMDEHXQW5F")
	}
	der, err := base64.StdEncoding.DecodeString(c.FilesKey)
	if err == nil {
		var key any
		key, err = x509.ParsePKCS8PrivateKey(der)
		c.files, _ = key.(*ecdsa.PrivateKey)
	}
	if err != nil || c.files == nil || c.files.Curve != elliptic.P256() {
		wrong = append(wrong, "LIGNUM_FILES_KEY must be base64 of a private key in PKCS #8, of the curve P-256")
	}
	return wrong
}

var sandboxForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// SandboxFault says what is wrong with a sandbox domain beside a base domain; "": nothing. Cookies may be set for a whole registrable domain, and browsers keep sites apart by it: so
// whatever runs in a package must share none with a tenant. On loopback, where each host below localhost is a site of its own, it need only be another name.
func SandboxFault(sandbox, base, scheme string) string {
	base = strings.ToLower(strings.TrimSuffix(base, "."))
	switch {
	case len(sandbox) > 190 || !sandboxForm.MatchString(sandbox):
		return "must be a domain in lower case, such as lignum-packages.example"
	case sandbox == base || strings.HasSuffix(base, "."+sandbox):
		return "must not be the base domain, and not above it"
	case scheme == "http":
		if !strings.HasSuffix(sandbox, ".localhost") {
			return "must be under localhost with LIGNUM_SCHEME=http, such as sandbox.localhost"
		}
		return ""
	case strings.HasSuffix(sandbox, "."+base):
		return "must not be below the base domain"
	}
	own, err := publicsuffix.EffectiveTLDPlusOne(sandbox)
	if err != nil { // it is a public suffix itself, so each package is a site of its own
		return ""
	}
	if of, err := publicsuffix.EffectiveTLDPlusOne(base); err == nil && of == own {
		return "must not be below " + own + ", as the base domain is: cookies may be set for all of it"
	}
	return ""
}

// Key is the decoded master key.
func (c *Config) Key() []byte { return c.key }

// FilesSigner is the private key of the distribution of files; nil: there is none.
func (c *Config) FilesSigner() *ecdsa.PrivateKey { return c.files }

// Cores is how many processors the database's server has.
func (c *Config) Cores() float64 {
	if c.DatabaseCores > 0 {
		return c.DatabaseCores
	}
	return float64(runtime.NumCPU())
}

// Proxies are the networks whose X-Forwarded-For is believed.
func (c *Config) Proxies() []netip.Prefix { return c.proxies }

// MemoryBytes is what the process may use, in bytes; 0: nobody said.
func (c *Config) MemoryBytes() int64 { return c.memory }

// Level is the log level.
func (c *Config) Level() (l slog.Level) {
	_ = l.UnmarshalText([]byte(c.LogLevel)) // checked by Load
	return l
}

// URL is where browsers find a host of this installation.
func (c *Config) URL(host string) string {
	if c.PublicPort != 0 {
		host += ":" + strconv.Itoa(c.PublicPort)
	}
	return c.Scheme + "://" + host
}
