package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/domain/words"
)

// Problem is what a client gets when something was wrong: problem details by RFC 9457.
type Problem struct {
	Type       string         `json:"type" doc:"A URI that names the kind of problem" example:"urn:lignum:problem:invalid"`
	Title      string         `json:"title" doc:"The kind of problem in a few words"`
	Status     int            `json:"status" doc:"The HTTP status"`
	Detail     words.Text     `json:"detail,omitzero" doc:"What happened here, for a person"`
	Permission string         `json:"permission,omitempty" doc:"The permission that was missing"`
	Errors     []domain.Field `json:"errors,omitempty" doc:"Every field that was wrong"`
	RequestID  string         `json:"request_id,omitempty" doc:"The id of the request: quote it when you ask for help"`

	retryAfter int // seconds; 0: no header
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail.String() }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is RFC 9457's.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Refused reports whether an error is the policy's no: known, but not for this person.
func Refused(err error) bool { return err != nil && problemOf(err).Status == http.StatusForbidden }

var statusOf = map[domain.Code]int{
	domain.NotFound: http.StatusNotFound, domain.Invalid: http.StatusUnprocessableEntity, domain.Conflict: http.StatusConflict,
	domain.Forbidden: http.StatusForbidden, domain.Unauthentic: http.StatusUnauthorized, domain.ReadOnly: http.StatusConflict,
	domain.OverQuota: http.StatusTooManyRequests, domain.Gone: http.StatusGone, domain.TooLarge: http.StatusRequestEntityTooLarge, domain.Unavailable: http.StatusServiceUnavailable,
}

// problemOf is the one place where errors become HTTP. What is not of the domain's vocabulary is a 500 without a word
// of its text.
func problemOf(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var d *domain.Error
	if errors.As(err, &d) {
		status := statusOf[d.Code]
		p := newProblem(status, d.Message)
		p.Type, p.Errors = "urn:lignum:problem:"+strings.ReplaceAll(string(d.Code), "_", "-"), d.Fields
		if d.RetryAfter > 0 {
			p.retryAfter = int(math.Ceil(d.RetryAfter.Seconds()))
		}
		return p
	}
	var f *fiber.Error
	if errors.As(err, &f) && f.Code < 500 {
		return newProblem(f.Code, words.Plain(http.StatusText(f.Code)+"."))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		p := newProblem(http.StatusServiceUnavailable, words.Say("api.this_took_too_long_nothing"))
		p.retryAfter = 2
		return p
	}
	return newProblem(http.StatusInternalServerError, words.Say("api.something_went_wrong_on_our"))
}

func newProblem(status int, detail words.Text) *Problem {
	title := http.StatusText(status)
	return &Problem{Type: "urn:lignum:problem:" + strings.ReplaceAll(strings.ToLower(title), " ", "-"), Title: title, Status: status, Detail: detail}
}

// write sends the problem as JSON.
func (p *Problem) write(fc *fiber.Ctx) error {
	if p.retryAfter > 0 {
		fc.Set(fiber.HeaderRetryAfter, strconv.Itoa(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		fc.Set(fiber.HeaderWWWAuthenticate, "Bearer")
	}
	fc.Status(p.Status)
	return fc.JSON(domain.FullLists(p), "application/problem+json")
}

// Huma asks these variables of its own whenever it refuses; they are set once, before any server runs.
func init() {
	huma.NewError = humaError
	huma.DefaultArrayNullable = false // domain.FullLists sees to it, and null is not taken for a list either
	huma.NewErrorWithContext = func(hc huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := humaError(status, message, errs...)
		if c, ok := hc.Context().Value(callKey{}).(*Call); ok {
			return c.Server.fail(c, p) // counted, and with the id to quote
		}
		return p
	}
}

// humaError makes huma's own refusals (a body that is no JSON, a field out of range) our problems.
func humaError(status int, message string, errs ...error) huma.StatusError {
	if status == http.StatusRequestTimeout {
		status = http.StatusBadRequest
	}
	if message != "" {
		message = strings.ToUpper(message[:1]) + message[1:] + "."
	}
	p := newProblem(status, words.Plain(message))
	if status >= 500 {
		return newProblem(http.StatusInternalServerError, words.Say("api.something_went_wrong_on_our"))
	}
	if status == http.StatusUnprocessableEntity {
		p.Type = "urn:lignum:problem:invalid"
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		var d *huma.ErrorDetail
		if errors.As(err, &d) {
			p.Errors = append(p.Errors, domain.Field{Name: d.Location, Reason: words.Plain(d.Message)})
			continue
		}
		p.Errors = append(p.Errors, domain.Field{Name: "body", Reason: words.Of(err)})
	}
	return p
}

// Renamed gives a wrong field the name that it has here.
func Renamed(err error, from, to string) error {
	if d, ok := err.(*domain.Error); ok {
		for i := range d.Fields {
			if d.Fields[i].Name == from {
				d.Fields[i].Name = to
			}
		}
	}
	return err
}

// InBody names wrong fields as those of a JSON body.
func InBody(err error) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i := range d.Fields {
			d.Fields[i].Name = "body." + d.Fields[i].Name
		}
	}
	return err
}
