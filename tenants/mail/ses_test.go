package mail

import "testing"

// The pairs are those that other implementations of AWS's derivation are tested with, and that SES takes.
func TestPasswordOfSES(t *testing.T) {
	for _, one := range []struct{ secret, region, want string }{
		{"some+secret+key", "eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"},
		{"another+secret+key", "eu-central-1", "BBbphbrQmrKMx42d1N6+C7VINYEBGI5v9VsZeTxwskfh"},
		{"some+secret+key", "us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"},
		{"another+secret+key", "us-west-1", "BKVmjjMDFk/qqw8EROW99bjCS65PF8WKvK5bSr4Y6EqF"},
	} {
		if got := sesPassword(one.secret, one.region); got != one.want {
			t.Errorf("%s in %s: %s, want %s", one.secret, one.region, got, one.want)
		}
	}
}
