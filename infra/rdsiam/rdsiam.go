// Package rdsiam signs in to RDS Proxy and Aurora with IAM: the password of a database role is a token, signed with the
// credentials of the machine and good for 15 minutes, so that there is no secret to keep, to rotate or to lose. Secrets
// Manager would do as well, for at most 200 secrets a proxy; a platform of many tenants has more roles than that.
package rdsiam

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
)

// Signer makes tokens. It is safe for concurrent use; the credentials behind it renew themselves.
type Signer struct {
	region      string
	credentials aws.CredentialsProvider
}

// New takes region and credentials from where AWS programs find them: environment, shared configuration, the machine's role.
func New(ctx context.Context) (*Signer, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return nil, fmt.Errorf("AWS configuration: no region (set AWS_REGION)")
	}
	return &Signer{cfg.Region, cfg.Credentials}, nil
}

// Password is a token with which role may open a connection to the endpoint host:port. It is signed here: nothing is asked
// of AWS but, now and then, new credentials.
func (s *Signer) Password(ctx context.Context, endpoint, role string) (string, error) {
	token, err := auth.BuildAuthToken(ctx, endpoint, s.region, role, s.credentials)
	if err != nil {
		return "", fmt.Errorf("IAM token for the database role %s: %w", role, err)
	}
	return token, nil
}
