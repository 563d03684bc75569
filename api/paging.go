package api

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"lignum/domain"
	"lignum/tenants"
)

// Paging is the query of every list. Lists go on from the last thing shown, never from a number.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"4000" doc:"The value of next in the page before; without it the list begins at its start"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"30" doc:"The most entries of one page"`
}

// Page is what a room is asked for.
func (p Paging) Page() domain.Page { return domain.Page{After: p.Cursor, Limit: p.Limit} }

// ReadList reads a page of a room's list with c.DB.Read, or c.DB.ReadFresh, and makes one of the API of it.
func ReadList[T any](ctx context.Context, read func(context.Context, func(r *tenants.Reader) error) error, of func(r *tenants.Reader) (domain.List[T], error)) (*List[T], error) {
	var list domain.List[T]
	err := read(ctx, func(r *tenants.Reader) (err error) {
		list, err = of(r)
		return err
	})
	return ListOf(list.Items, list.Next, err)
}

// ListOf makes a page of the API of a domain's.
func ListOf[T any](items []T, next string, err error) (*List[T], error) {
	if err != nil {
		return nil, AtCursor(err)
	}
	if items == nil {
		items = []T{}
	}
	return &List[T]{Items: items, Next: next}, nil
}

// AtCursor gives a wrong cursor the name that it has here.
func AtCursor(err error) error {
	var d *domain.Error
	if errors.As(err, &d) {
		for i := range d.Fields {
			if d.Fields[i].Name == "after" {
				d.Fields[i].Name = "query.cursor"
			}
		}
	}
	return err
}

// DayRange is a time in days; without it the last 30.
type DayRange struct {
	From string `query:"from" format:"date" doc:"The first day, such as 2026-11-01; without it 30 days end with the last day"`
	To   string `query:"to" format:"date" doc:"The last day, such as 2026-11-30; without it today"`
}

// Days reads a range of days; without one it is the last 30 until today.
func Days(from, to string, today time.Time) (first, last time.Time, err error) {
	first, last = today.AddDate(0, 0, -29), today
	var p domain.Problems
	if to != "" {
		if last, err = time.Parse(time.DateOnly, to); err != nil {
			p.Add("query.to", "api.must_be_a_date_such")
		}
		first = last.AddDate(0, 0, -29)
	}
	if from != "" {
		if first, err = time.Parse(time.DateOnly, from); err != nil {
			p.Add("query.from", "api.must_be_a_date_such_as")
		}
	}
	if len(p) == 0 && (first.Year() < 1 || last.Year() > 9000) { // neither calendars nor databases all know such days
		p.Add("query.from", "api.must_be_a_date_such_as")
	}
	if len(p) == 0 && last.Before(first) {
		p.Add("query.to", "domain.must_not_be_before_the")
	}
	return first, last, p.Err()
}

var packagePath = regexp.MustCompile(`lignum/(api/)?(?:[a-z]+/)*([a-z]+)\.`)

// schemaName names a type in the API's description: those of other rooms with the room's name, since a learner of a class
// is not a learner of a coach. The API's own, of whatever area, have their names alone.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	if t.PkgPath() != "" {
		name = t.PkgPath() + "." + name
	}
	name = packagePath.ReplaceAllStringFunc(name, func(path string) string {
		m := packagePath.FindStringSubmatch(path)
		room := m[2]
		if m[1] != "" || room == "api" {
			return ""
		}
		return strings.ToUpper(room[:1]) + room[1:]
	})
	var out strings.Builder
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("[]*,/. ", r) }) {
		out.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return out.String()
}
