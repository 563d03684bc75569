package web

import (
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"lignum/domain"
)

// RefreshEach is after how many seconds a browser asks again for a page on which something is at work.
const RefreshEach = "4"

// Asked is a GET form as it was sent.
func Asked(fc *fiber.Ctx, names ...string) *Form {
	f := &Form{Values: url.Values{}}
	for _, name := range names {
		if v := fc.Query(name); v != "" {
			f.Set(name, v)
		}
	}
	return f
}

// FirstPage is where a list begins again, or "" when it is shown from its beginning.
func FirstPage(fc *fiber.Ctx) string {
	if fc.Query("cursor") == "" {
		return ""
	}
	q := url.Values{}
	for key, value := range fc.Queries() {
		if key != "cursor" {
			q.Set(key, value)
		}
	}
	return strings.TrimSuffix(fc.Path(), Exporting) + "?" + q.Encode()
}

// PathID reads an id of the path. A path without one is an address at which nothing is.
func PathID(fc *fiber.Ctx, name string) (uuid.UUID, error) {
	id, err := uuid.Parse(fc.Params(name))
	if err != nil {
		return id, domain.Refuse(domain.NotFound, "domain.there_is_nothing_at_this")
	}
	return id, nil
}

// ChosenID reads an id that was chosen in a form; "" is none.
func ChosenID(f *Form, name string) (*uuid.UUID, error) {
	if f.Text(name) == "" {
		return nil, nil
	}
	id, err := uuid.Parse(f.Text(name))
	if err != nil {
		return nil, domain.InvalidField(name, "domain.must_be_one_of_those")
	}
	return &id, nil
}

// NextPage is the address of a list's next page, with what the list was narrowed by.
func NextPage(fc *fiber.Ctx, cursor string) string {
	if cursor == "" {
		return ""
	}
	q := url.Values{}
	for key, value := range fc.Queries() {
		q.Set(key, value)
	}
	q.Set("cursor", cursor)
	return strings.TrimSuffix(fc.Path(), Exporting) + "?" + q.Encode()
}
