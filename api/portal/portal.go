// Package portal is the web pages of a tenant, in a folder for each who reads them. Pages only show and collect: what they read and change is a use case of an
// area of the API, which asks the policy. Layout, forms and static files are in api/web.
package portal

import (
	"lignum/api"
	"lignum/api/portal/account"
	"lignum/api/portal/coach"
	"lignum/api/portal/guardian"
	"lignum/api/portal/learner"
	"lignum/api/portal/staff"
	"lignum/api/web"
)

// Register puts all pages on the server. Of two that match an address the first is shown: /classes/manage of staff stands before /classes/{class}.
func Register(s *api.Server) {
	web.Register(s)
	for _, pages := range []func(*api.Server){account.Register, coach.Register, staff.Register, learner.Register, guardian.Register} {
		pages(s)
	}
}
