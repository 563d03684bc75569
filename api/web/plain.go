package web

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"lignum/api"
	"lignum/domain"
	"lignum/domain/words"
)

// A problem of the API speaks to programs: it names permissions, fields and the shape of ids. A page speaks to people, most
// of them children. What follows turns the one into the other, for the error page and for forms that are shown again; the API
// itself keeps its words.

// machine finds what only programs say.
var machine = regexp.MustCompile(`(?i)\b(uuid|json|utf-?8|cursor|base64|regexp?|boolean|integer|null|bytes?|permission|parameter|schema)\b|\b(query|body|path|header|form)\.|[a-z0-9]_[a-z0-9]|2\^[0-9]|\[[0-9]*\]|[{}]`)

// lastName is a field's name without where it is: "query.cursor" is "cursor".
func lastName(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// label says a field's name as people do: "body.coach_id" is "Teacher or coach", "school_id" is "School".
func label(l words.Language, name string) string {
	name, _, _ = strings.Cut(lastName(name), "[")
	if l.Message("label."+name) != nil {
		return l.Say("label." + name)
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id")
	if name == "" {
		return l.Say("label.something")
	}
	return l.Word(name)
}

// plainReason says what was wrong with a field, or where only a program would understand it, that it was.
func plainReason(reason words.Text) words.Text {
	if ForMachines(reason.String()) {
		return words.Say("page.cannot_be_taken_as_it_is")
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
func plainMessage(text words.Text) words.Text {
	if ForMachines(text.String()) {
		return byStatus[http.StatusUnprocessableEntity]
	}
	return text
}

var (
	oldAddress = words.Say("page.this_address_is_not_complete")
	notForYou  = words.Say("page.your_account_does_not_open")
)

// byStatus says what happened where a problem has nothing to say to a person.
var byStatus = map[int]words.Text{
	http.StatusBadRequest: words.Say("page.we_could_not_read_what"), http.StatusForbidden: notForYou,
	http.StatusNotFound: oldAddress, http.StatusMethodNotAllowed: oldAddress, http.StatusConflict: words.Say("page.this_cannot_be_done_now"),
	http.StatusRequestEntityTooLarge: words.Say("page.that_is_more_than_fits"), http.StatusUnprocessableEntity: words.Say("page.something_in_it_cannot_be"),
	http.StatusTooManyRequests: words.Say("page.too_many_people_are_asking"),
}

// typed are the fields that people type into forms which only look something up, so that what they typed is in the address.
var typed = map[string]bool{"q": true, "query": true, "prefix": true, "from": true, "to": true, "actor": true}

// plain returns a problem in words for people, with a heading. looking tells that a page was only asked for: what is wrong then
// is the address, unless it was typed.
func plain(p *api.Problem, looking bool) (heading words.Text, q api.Problem) {
	q = *p
	q.Errors = plainFields(p.Errors)
	heading = errorTitle(p)
	switch {
	case looking && p.Status == http.StatusUnprocessableEntity:
		q.Errors = slices.DeleteFunc(q.Errors, func(f domain.Field) bool {
			return !typed[lastName(f.Name)]
		})
		if len(q.Errors) == 0 {
			return words.Say("page.we_cannot_find_that_page"), api.Problem{Status: p.Status, Detail: oldAddress, RequestID: p.RequestID}
		}
		q.Detail = words.Text{}
	case strings.HasSuffix(p.Type, ":permission"):
		q.Detail = notForYou
	case len(q.Errors) > 0:
		q.Detail = words.Say("page.please_go_back_and_look")
	case p.Status == http.StatusRequestEntityTooLarge, p.Detail.String() == http.StatusText(p.Status)+".", ForMachines(p.Detail.String()):
		q.Detail = byStatus[p.Status]
	}
	return heading, q
}

// ForMachines reports whether a sentence says what only programs understand. Sentences are to be written without; where one slips
// through all the same, pages say something general instead of it.
func ForMachines(sentence string) bool { return machine.MatchString(sentence) }
