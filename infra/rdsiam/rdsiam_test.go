package rdsiam

import (
	"context"
	"net/url"
	"strings"
	"testing"
)

func TestPasswordIsATokenForOneRoleAtOneEndpoint(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "not-a-real-secret")
	s, err := New(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Password(context.Background(), "proxy.example:5432", "prod_jamaica")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse("https://" + token)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Host != "proxy.example:5432" || q.Get("DBUser") != "prod_jamaica" || q.Get("Action") != "connect" || q.Get("X-Amz-Expires") != "900" ||
		!strings.Contains(q.Get("X-Amz-Credential"), "/us-east-1/rds-db/") || q.Get("X-Amz-Signature") == "" {
		t.Errorf("not a token for that role: %v", q)
	}
	if strings.Contains(token, "not-a-real-secret") {
		t.Error("the secret key is in the token")
	}
}

func TestWithoutARegionNothingIsSigned(t *testing.T) {
	for _, v := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		t.Setenv(v, "")
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir()+"/none")
	if _, err := New(context.Background()); err == nil || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("no region, and yet: %v", err)
	}
}
