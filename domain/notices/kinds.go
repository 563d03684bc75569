package notices

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"lignum/domain/words"
)

// Kind is one thing that people are told about. The zero Kind tells nothing.
type Kind struct {
	name string // what is stored and what the API gives, such as "class_cancelled"
}

// About is what a kind is about, for whoever counts what is new.
type About string

// What notices are about.
const (
	OwnAccount About = "own_account" // the reader's own; it is told of at once, in other ways too
	Accounts   About = "accounts"    // those that the reader looks after
	Classes    About = "classes"
	Work       About = "work"  // the reader's own
	Plans      About = "plans" // what tenants may use
)

// Sentence is what a notice of the kind says, in the language of whoever reads it.
func (k Kind) Sentence(p Params) words.Text { return text(k.name, p.cut()) }

// KindsAbout are the names of the kinds that are about something, in order.
func KindsAbout(a About) []string { return about[a] }

var (
	paths       = map[string]string{} // by name of the kind
	about       = map[About][]string{}
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
)

// declare makes a kind. Its sentence is the message notices.<name>; a is what it is about, and path the page that it leads to, with parameters in braces; "" leads nowhere.
func declare(name string, a About, path string) Kind {
	if _, twice := paths[name]; twice {
		panic("notices: " + name + " is declared twice")
	}
	paths[name] = path
	about[a] = append(about[a], name)
	return Kind{name}
}

// text is what a kind says of parameters, in the language of whoever reads it. One that is missing leaves "…".
func text(kind string, p Params) words.Text {
	given := func(name string) any {
		if p[name] == "" {
			return "…"
		}
		return p[name]
	}
	day := func(name, layout string) any {
		if t, err := time.Parse(time.DateOnly, p[name]); err == nil {
			return words.Moment{At: t, Layout: layout}
		}
		return given(name) // it was said in English at the time, as all were once
	}
	who := given("who")
	if p["who"] == ByOperator {
		who = words.Say("notices.operator")
	}
	when := given("when")
	if p["when"] == "" && p["weekly"] != "" {
		when = weekly(p["weekly"])
	}
	quota := given("quota")
	if key := "quota." + p["quota"]; words.English.Message(key) != nil {
		quota = words.Say(key)
	}
	return words.Say("notices."+kind, "Quota", quota, "Percent", given("percent"), "Who", who, "Name", given("name"), "Class", given("class"), "Test", given("test"), "Reason", given("reason"), "When", when,
		"Day", day("day", "long_date"), "From", day("from", "date"), "To", day("to", "date"))
}

// ByOperator is the parameter who of what the platform's operators do, who have no account here.
const ByOperator = "@operator"

// NoSetTime is the parameter weekly of a class that meets at no set time.
const NoSetTime = "-"

// Slot writes a time of the week for the parameter weekly, which has several of them with commas between: the day, 0 (Sunday) to 6, when it begins, such
// as 16:00, and how many minutes it takes.
func Slot(weekday int, at string, minutes int) string {
	return fmt.Sprintf("%d %s %d", weekday, at, minutes)
}

func weekly(slots string) words.Text {
	if slots == NoSetTime {
		return words.Say("notices.no_set_time")
	}
	var list []words.Text
	for _, slot := range strings.Split(slots, ",") {
		var weekday, minutes int
		var at string
		if _, err := fmt.Sscanf(slot, "%d %s %d", &weekday, &at, &minutes); err != nil || weekday < 0 || weekday > 6 {
			list = append(list, words.Plain("…")) // it was cut
			continue
		}
		list = append(list, words.Say("notices.weekly_"+strconv.Itoa(weekday), "At", at, "Minutes", minutes))
	}
	return words.Join(", ", list...)
}

// fill puts the parameters into a path. One that is missing leaves "…", which is better than a brace.
func fill(text string, p Params) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		if v := p[strings.Trim(name, "{}")]; v != "" {
			return v
		}
		return "…"
	})
}

// The kinds. A parameter is what the reader may know anyway: names and titles, never a secret and never what a third person
// wrote about a child.
var (
	// An account, to its owner.
	CardPrinted         = declare("card_printed", OwnAccount, "/account")
	PasswordReset       = declare("password_reset", OwnAccount, "/account")
	ResetAskedForYou    = declare("reset_asked_for_you", OwnAccount, "/account")
	SecondFactorAdded   = declare("second_factor_added", OwnAccount, "/account")
	SecondFactorRemoved = declare("second_factor_removed", OwnAccount, "/account")
	SecondFactorReset   = declare("second_factor_reset", OwnAccount, "/account")

	// Accounts, to those who look after them.
	CardsPrinted             = declare("cards_printed", Accounts, "")
	AccountCardPrinted       = declare("account_card_printed", Accounts, "/people/{id}")
	AccountReset             = declare("account_reset", Accounts, "/people/{id}")
	AccountSecondFactorReset = declare("account_second_factor_reset", Accounts, "/people/{id}")
	ResetAsked               = declare("reset_asked", Accounts, "/resets")
	ResetApproved            = declare("reset_approved", Accounts, "/learners/{id}/card")
	ResetRefused             = declare("reset_refused", Accounts, "/learners/{id}/card")

	// Classes, to those who are in them or teach them.
	ClassCancelled = declare("class_cancelled", Classes, "/classes/{class_id}")
	ClassMoved     = declare("class_moved", Classes, "/classes/{class_id}")
	ClassDates     = declare("class_dates", Classes, "/classes/{class_id}")
	ClassAddress   = declare("class_address", Classes, "/classes/{class_id}")
	ClassCoach     = declare("class_coach", Classes, "/classes/{class_id}")
	ClassNoCoach   = declare("class_no_coach", Classes, "/classes/{class_id}")
	ClassPlaced    = declare("class_placed", Classes, "/classes/{class_id}")
	ClassRemoved   = declare("class_removed", Classes, "")

	// A learner's work, to the learner.
	TestMarked = declare("test_marked", Work, "/attempts/{attempt_id}/result")

	PasswordChanged = declare("password_changed", OwnAccount, "/account")

	// How much of a plan is used, to the tenant's administrators and to account managers.
	QuotaNear       = declare("quota_near", Plans, "/settings#quotas")
	QuotaUsedUp     = declare("quota_used_up", Plans, "/settings#quotas")
	TenantNear      = declare("tenant_quota_near", Plans, "/console/tenants/{id}")
	TenantHasUsedUp = declare("tenant_quota_used_up", Plans, "/console/tenants/{id}")

	// What somebody asked to be written into a file, to whoever asked.
	ExportReady  = declare("export_ready", Work, "/exports")
	ExportFailed = declare("export_failed", Work, "/exports")
)
