package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"lignum/api"
	"lignum/domain"
)

// A problem of the API speaks to programs: it names permissions, fields and the shape of ids. A page speaks to people, most
// of them children. What follows turns the one into the other, for the error page and for forms that are shown again; the API
// itself keeps its words.

// machine finds what only programs say.
var machine = regexp.MustCompile(`(?i)\b(uuid|json|utf-?8|cursor|base64|regexp?|boolean|integer|null|bytes?|permission|parameter|schema)\b|\b(query|body|path|header|form)\.|[a-z0-9]_[a-z0-9]|2\^[0-9]|\[[0-9]*\]|[{}]`)

// labels are the names of fields that people would not guess; the others are made of the name itself.
var labels = map[string]string{
	"q": "What you search for", "query": "What you search for", "prefix": "What you search for", "from": "The first day", "to": "The last day", "period": "The month", "among": "The group",
	"scope": "The group", "opens_at": "Opens", "closes_at": "Closes", "starts_on": "First day", "ends_on": "Last day", "given_name": "Given name", "family_name": "Family name",
	"user_name": "User name", "coach_id": "Teacher or coach", "meeting_url": "Address of the meetings", "meets": "The same in words", "weekly": "Meets every week",
	"old_password": "The password you have now", "password": "New password", "again": "The same password again", "code": "The code", "otp": "The code from your app", "actor": "Who", "email": "E-mail", "grant": "What the role may do", "include": "The roles that it includes",
}

// lastName is a field's name without where it is: "query.cursor" is "cursor".
func lastName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// label says a field's name as people do: "body.coach_id" is "Teacher or coach", "school_id" is "School".
func label(name string) string {
	name, _, _ = strings.Cut(lastName(name), "[")
	if text, ok := labels[name]; ok {
		return text
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id")
	if name == "" {
		return "Something"
	}
	return roleName(name)
}

// plainReason says what was wrong with a field, or where only a program would understand it, that it was.
func plainReason(reason string) string {
	if machine.MatchString(reason) {
		return "cannot be taken as it is"
	}
	return reason
}

// plainFields does so for all; their names stay, since forms know their fields by them.
func plainFields(fields []domain.Field) []domain.Field {
	list := make([]domain.Field, len(fields))
	for i, f := range fields {
		list[i] = domain.Field{Name: f.Name, Reason: plainReason(f.Reason)}
	}
	return list
}

// plainMessage is a sentence as it is, unless only a program would understand it.
func plainMessage(text string) string {
	if machine.MatchString(text) {
		return byStatus[http.StatusUnprocessableEntity]
	}
	return text
}

const (
	oldAddress = "This address is not complete, or it is an old one. Go back and follow the link again, or begin at the start page."
	notForYou  = "Your account does not open this. If you need it, ask your teacher or whoever looks after your account."
)

// byStatus says what happened where a problem has nothing to say to a person.
var byStatus = map[int]string{
	http.StatusBadRequest: "We could not read what was sent. Please go back and try again.", http.StatusForbidden: notForYou,
	http.StatusNotFound: oldAddress, http.StatusMethodNotAllowed: oldAddress, http.StatusConflict: "This cannot be done now. Please go back and look again.",
	http.StatusRequestEntityTooLarge: "That is more than fits here. Please send less at once.", http.StatusUnprocessableEntity: "Something in it cannot be taken as it is. Please go back and look at it again.",
	http.StatusTooManyRequests: "Too many people are asking just now. Please try again in a moment.",
}

// typed are the fields that people type into forms which only look something up, so that what they typed is in the address.
var typed = map[string]bool{"q": true, "query": true, "prefix": true, "from": true, "to": true, "actor": true}

// plain gives a problem in words for people, with a heading. looking tells that a page was only asked for: what is wrong then
// is the address, unless it was typed.
func plain(p *api.Problem, looking bool) (heading string, q api.Problem) {
	q = *p
	q.Errors = plainFields(p.Errors)
	heading = errorTitle(p)
	switch {
	case looking && p.Status == http.StatusUnprocessableEntity:
		q.Errors = slices.DeleteFunc(q.Errors, func(f domain.Field) bool {
			return !typed[lastName(f.Name)]
		})
		if len(q.Errors) == 0 {
			return "We cannot find that page", api.Problem{Status: p.Status, Detail: oldAddress, RequestID: p.RequestID}
		}
		q.Detail = ""
	case strings.HasSuffix(p.Type, ":permission"):
		q.Detail = notForYou
	case len(q.Errors) > 0:
		q.Detail = "Please go back and look at this again."
	case p.Status == http.StatusRequestEntityTooLarge, p.Detail == http.StatusText(p.Status)+".", machine.MatchString(p.Detail):
		q.Detail = byStatus[p.Status]
	}
	return heading, q
}

// ForMachines reports whether a sentence says what only programs understand. Sentences are to be written without; where one slips
// through all the same, pages say something general instead of it.
func ForMachines(sentence string) bool { return machine.MatchString(sentence) }
