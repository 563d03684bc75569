package web

import (
	"html"
	"regexp"
	"strings"

	"lignum/api"
	"lignum/tenants"
)

// readOnly says to the people of a read-only tenant what that means for them, and the reason that was given; "" where changes
// are taken.
func readOnly(c *api.Call) string {
	if c.Tenant == nil || c.Tenant.State != tenants.ReadOnly {
		return ""
	}
	text := "Just now you can look at everything, but nothing can be changed or handed in. Your work is safe, and you can go on later."
	if c.Tenant.StateReason != "" {
		text += " The reason: " + strings.TrimRight(c.Tenant.StateReason, ". ") + "."
	}
	return text
}

var (
	postForm = regexp.MustCompile(`(?s)<form\b[^>]*\bmethod="post"[^>]*>.*?</form>`)
	anchor   = regexp.MustCompile(`(?s)<a\b[^>]*>.*?</a>`)
	action   = regexp.MustCompile(`\baction="([^"]*)"`)
	href     = regexp.MustCompile(`\bhref="([^"]*)"`)
)

// withoutChanges leaves out of a page of a read-only tenant each form, and each link to a form, that would be refused. Templates
// ask May and word the page accordingly; this is the fence behind them, so that no page can forget it. What people wrote is
// escaped on a page: whatever looks like a form or a link here is one.
func withoutChanges(c *api.Call, page []byte) []byte {
	drop := func(method string, target *regexp.Regexp) func([]byte) []byte {
		return func(tag []byte) []byte {
			if m := target.FindSubmatch(tag); m != nil && c.Refuses(method, html.UnescapeString(string(m[1]))) {
				return nil
			}
			return tag
		}
	}
	page = postForm.ReplaceAllFunc(page, drop("POST", action))
	return anchor.ReplaceAllFunc(page, drop("GET", href))
}
