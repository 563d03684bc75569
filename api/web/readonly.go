package web

import (
	"bytes"
	"html"
	"regexp"
	"strings"

	"lignum/api"
	"lignum/policy"
	"lignum/tenants"
)

// readOnly says to the people of a tenant that takes no changes what that means for them, and the reason that was given; "" where changes
// are taken.
func readOnly(c *api.Call) string {
	if c.Tenant == nil {
		return ""
	}
	switch c.Tenant.Allows().Takes {
	case policy.TakesChanges:
		return ""
	case policy.TakesAdministrators, policy.TakesNothing:
		return c.Tenant.Told().In(c.Language).String()
	case policy.TakesReads:
	}
	if why := strings.TrimRight(c.Tenant.StateReason, ". "); why != "" {
		return c.Say("page.nothing_changes_now_because", "Reason", why)
	}
	return c.Say("page.nothing_changes_now")
}

// StateLook is the look of the tag that shows a tenant's state (template tenantstate).
func StateLook(s tenants.State) string {
	switch s.Allows().Takes {
	case policy.TakesChanges:
		return "go"
	case policy.TakesReads, policy.TakesAdministrators:
		return "wait"
	case policy.TakesNothing:
	}
	return "stop"
}

var (
	postForm = regexp.MustCompile(`(?s)<form\b[^>]*\bmethod="post"[^>]*>.*?</form>`)
	anchor   = regexp.MustCompile(`(?s)<a\b[^>]*>.*?</a>`)
	action   = regexp.MustCompile(`\baction="([^"]*)"`)
	href     = regexp.MustCompile(`\bhref="([^"]*)"`)
)

// withoutChanges leaves out of a page of a read-only tenant each form, and each link to a form, that would be refused. Templates
// ask May and word the page accordingly; this is the fence behind them, so that no page can forget it. What people wrote is
// escaped on a page: whatever looks like a form or a link here is one. A heading that stood above nothing else goes with it.
func withoutChanges(c *api.Call, page []byte) []byte {
	drop := func(method string, target *regexp.Regexp) func([]byte) []byte {
		return func(tag []byte) []byte {
			if m := target.FindSubmatch(tag); m != nil && c.Refuses(method, html.UnescapeString(string(m[1]))) {
				return []byte(gap)
			}
			return tag
		}
	}
	page = postForm.ReplaceAllFunc(page, drop("POST", action))
	return closeGaps(anchor.ReplaceAllFunc(page, drop("GET", href)))
}

// gap stands where something was left out, until what was only there for its sake is gone as well. No page has the character.
const gap = "\x00"

// hollow finds what holds nothing but a gap, and headings of nothing else.
var hollow = func() (all []*regexp.Regexp) {
	const gaps = `\s*` + gap + `[\s` + gap + `]*`
	for _, tag := range []string{"p", "li", "ul", "ol", "nav", "div", "dd", "aside", "section", "article"} {
		all = append(all, regexp.MustCompile(`()<`+tag+`\b[^>]*>`+gaps+`</`+tag+`>()`))
	}
	all = append(all, regexp.MustCompile(`()<details\b[^>]*>\s*<summary\b[^>]*>(?:[^<]|<[^/]|</[^s])*</summary>`+gaps+`</details>()`))
	for _, n := range []string{"2", "3", "4"} { // up to what ends its part of the page: a container's end, or a heading as high
		all = append(all, regexp.MustCompile(`()<h`+n+`\b[^>]*>(?:[^<]|<[^/h]|</[^h])*</h`+n+`>`+gaps+`(</(?:section|aside|article|div|main|details)>|<h[1-`+n+`]\b)`))
	}
	return all
}()

// closeGaps takes away what gaps left empty.
func closeGaps(page []byte) []byte {
	for bytes.Contains(page, []byte(gap)) {
		before := len(page)
		for _, h := range hollow {
			page = h.ReplaceAll(page, []byte("${1}"+gap+"${2}"))
		}
		if len(page) == before {
			break
		}
	}
	return bytes.ReplaceAll(page, []byte(gap), nil)
}
