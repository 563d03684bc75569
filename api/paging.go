package api

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"lignum/domain"
	"lignum/domain/catalog"
)

// Paging is the query of every list. Lists go on from the last thing shown, never from a number.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"4000" doc:"The value of next in the page before; without it the list begins at its start"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"30" doc:"The most entries of one page"`
}

// Page returns the same for a list of the domain.
func (p Paging) Page() catalog.Page { return catalog.Page{After: p.Cursor, Limit: p.Limit} }

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
