package pack

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"lignum/domain"
	"lignum/domain/catalog/gift"
	"lignum/domain/catalog/item"
	"lignum/domain/words"
)

// A bank in YAML is a list of items as their JSON has them, so that it holds every kind there is and a new kind needs nothing
// here: which keys there are follows from the fields of item.Item. Only what would be tiresome to write is easier: ids may be
// left out, and where a text is expected, or an entry that is little more than one, the text alone will do, in Markdown.

func (r *reader) yamlBank(file string, data []byte) (list []gift.Parsed) {
	if len(data) > MaxManifest {
		r.wrongAt(file, 0, 0, "pack.the_file_is_larger_than", "Most", MaxManifest>>10)
		return nil
	}
	root := r.parseYAML(file, data)
	if !root.exists() {
		return nil
	}
	for _, entry := range root.list(MaxItems) {
		if q, ok := r.yamlItem(entry); ok {
			list = append(list, q)
		}
	}
	return list
}

// yamlItem reads one entry; false when something is wrong with it, which is noted.
func (r *reader) yamlItem(entry node) (gift.Parsed, bool) {
	q, before := gift.Parsed{Item: &item.Item{}, Line: entry.line}, len(r.errs)
	about := []string{"name", "category", "tags"}
	get := entry.object(append(about, keysOf(reflect.TypeFor[item.Item]())...)...)
	q.Name, q.Category = get("name").text(gift.MaxName), get("category").optionalText(gift.MaxCategory)
	for _, tag := range get("tags").list(gift.MaxTags) {
		q.Tags = append(q.Tags, tag.text(gift.MaxTag))
	}
	at := places{}
	at.fields(get, reflect.ValueOf(q.Item).Elem(), "")
	if len(r.errs) > before {
		return q, false
	}
	var wrong *domain.Error
	if err := q.Item.Validate(); errors.As(err, &wrong) {
		for _, f := range wrong.Fields {
			n := at.of(f.Name, entry)
			r.wrongIn(n.file, n.line, n.col, words.Join(": ", words.Plain(entry.path+"."+f.Name), f.Reason))
		}
		return q, false
	}
	q.Item.AssignIDs()
	for _, a := range q.Item.Advise() {
		if a.Fatal {
			entry.failIn(a.Reason)
		} else {
			entry.hintIn(a.Reason)
		}
	}
	return q, len(r.errs) == before
}

// places is where each field of an item stands, by its name as item.Validate gives it.
type places map[string]node

// of returns where a field stands, or what it belongs to.
func (at places) of(name string, entry node) node {
	for name != "" {
		if n, ok := at[name]; ok {
			return n
		}
		name = name[:max(0, strings.LastIndexAny(name, ".["))]
	}
	return entry
}

// keysOf lists the JSON names of a struct's fields.
func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		keys = append(keys, key)
	}
	return keys
}

func (at places) fields(get func(key string) node, v reflect.Value, path string) {
	for i, key := range keysOf(v.Type()) {
		if n := get(key); n.exists() {
			at.read(n, v.Field(i), strings.TrimPrefix(path+"."+key, "."))
		}
	}
}

// read puts what a node says into a field of an item.
func (at places) read(n node, v reflect.Value, path string) {
	at[path] = n
	switch into := v.Addr().Interface().(type) {
	case *item.Text:
		into.Format = item.Markdown
		if written, ok := n.written(); ok {
			into.Body = written
			return
		}
	case *item.Weight:
		written, _ := n.written()
		w, err := item.ParseWeight(written)
		if err != nil {
			n.failIn(words.Of(err))
		}
		*into = w
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		at.read(n, v.Elem(), path)
	case reflect.Struct:
		if _, ok := n.written(); ok {
			if i := textOf(v.Type()); i >= 0 { // the text alone
				at.read(n, v.Field(i), path+"."+keysOf(v.Type())[i])
				return
			}
		}
		at.fields(n.object(keysOf(v.Type())...), v, path)
	case reflect.Slice:
		for i, entry := range n.list(item.MaxAnswers) {
			one := reflect.New(v.Type().Elem()).Elem()
			at.read(entry, one, fmt.Sprintf("%s[%d]", path, i))
			if id := one.FieldByName("ID"); id.IsValid() && id.String() == "" {
				id.SetString(fmt.Sprintf("unnamed-%d", i)) // until AssignIDs
			}
			v.Set(reflect.Append(v, one))
		}
	case reflect.Bool:
		v.SetBool(n.boolean(false))
	default:
		written, ok := n.written()
		if !ok {
			n.fail("pack.text_is_expected_put_it")
			return
		}
		v.SetString(written)
	}
}

// textOf is the first field of a struct that is a text; -1: none.
func textOf(t reflect.Type) int {
	for i := range t.NumField() {
		if t.Field(i).Type == reflect.TypeFor[item.Text]() {
			return i
		}
	}
	return -1
}

// written is a text or a number as it is written; false for anything else.
func (n node) written() (string, bool) {
	switch v := n.n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return strings.TrimRight(v.Value.Value, "\n"), true
	case *ast.IntegerNode, *ast.FloatNode:
		return v.GetToken().Value, true
	}
	return "", false
}
