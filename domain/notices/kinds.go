package notices

import (
	"regexp"
	"strings"
)

// Kind is one thing that people are told about. The zero Kind tells nothing.
type Kind struct {
	name string // what is stored and what the API gives, such as "class_cancelled"
}

type saying struct{ sentence, path string }

var (
	sayings     = map[string]saying{}
	placeholder = regexp.MustCompile(`\{[a-z_]+\}`)
)

// declare makes a kind: its sentence, with parameters in braces, and the page that it leads to, which may have parameters
// too; "" leads nowhere.
func declare(name, sentence, path string) Kind {
	if _, twice := sayings[name]; twice {
		panic("notices: " + name + " is declared twice")
	}
	sayings[name] = saying{sentence, path}
	return Kind{name}
}

// fill puts the parameters in. One that is missing leaves "…", which is better than a brace.
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
	CardPrinted         = declare("card_printed", "{who} printed a sign-in card for you on {day}. If you did not get it, tell your school or your administrator at once.", "/account")
	PasswordReset       = declare("password_reset", "{who} took your old password away on {day}, so that you can choose a new one with a card. If you did not ask for that, tell whoever looks after your account at once.", "/account")
	ResetAskedForYou    = declare("reset_asked_for_you", "{who} asked your school for a new sign-in card for you. If you need none, tell your school.", "/account")
	SecondFactorAdded   = declare("second_factor_added", "An authenticator app was added to your account on {day}. If that was not you, tell whoever looks after your account at once.", "/account")
	SecondFactorRemoved = declare("second_factor_removed", "The authenticator app was taken off your account on {day}. If that was not you, tell whoever looks after your account at once.", "/account")
	SecondFactorReset   = declare("second_factor_reset", "{who} took the authenticator app off your account on {day}. If you did not ask for that, tell whoever looks after your account at once.", "/account")

	// Accounts, to those who look after them.
	CardsPrinted             = declare("cards_printed", "{who} printed sign-in cards for learners of your school on {day}.", "")
	AccountCardPrinted       = declare("account_card_printed", "{who} printed a sign-in card for {name}.", "/people/{id}")
	AccountReset             = declare("account_reset", "{who} took the old password of {name} away and printed a new sign-in card.", "/people/{id}")
	AccountSecondFactorReset = declare("account_second_factor_reset", "{who} took the authenticator app off the account of {name}.", "/people/{id}")
	ResetAsked               = declare("reset_asked", "{who} asks for a new sign-in card for {name}.", "/resets")
	ResetApproved            = declare("reset_approved", "Your school approved a new sign-in card for {name}. Print it by {day}.", "/learners/{id}/card")
	ResetRefused             = declare("reset_refused", "Your school refused a new sign-in card for {name}.", "/learners/{id}/card")

	// Classes, to those who are in them or teach them.
	ClassCancelled = declare("class_cancelled", "The class {class} was cancelled: {reason}", "/classes/{class_id}")
	ClassMoved     = declare("class_moved", "The class {class} meets at other times now: {when}.", "/classes/{class_id}")
	ClassDates     = declare("class_dates", "The class {class} has other days now: from {from} to {to}.", "/classes/{class_id}")
	ClassAddress   = declare("class_address", "The meetings of the class {class} are at another address now. It is on the page of the class.", "/classes/{class_id}")
	ClassPlaced    = declare("class_placed", "You have a place in the class {class} now.", "/classes/{class_id}")
	ClassRemoved   = declare("class_removed", "You have no place in the class {class} any more. If you think that is wrong, ask your school.", "")

	PasswordChanged = declare("password_changed", "Your password was changed on {day}. If that was not you, tell your school at once.", "/account")
)
