package domain

import (
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"sync"

	"lignum/domain/words"
)

// JSON returns v as JSON, for an answer, a parameter of a statement or a column: a list that is empty is [], never null, however
// deep it lies, and an empty map is {}.
func JSON(v any) ([]byte, error) { return json.Marshal(FullLists(v)) }

// Recordset returns rows as one parameter of a statement, which reads them with jsonb_to_recordset: one statement for many rows. Rows are structs of texts,
// numbers, ids and lists of these, named by their json tags; it panics for what is no JSON.
func Recordset[T any](rows []T) string {
	raw, err := JSON(rows)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// WriteJSON writes v as JSON and a line feed, indented by indent, as JSON gives it.
func WriteJSON(out io.Writer, v any, indent string) error {
	enc := json.NewEncoder(out)
	enc.SetIndent("", indent)
	return enc.Encode(FullLists(v))
}

// FullLists returns v with every nil list and map in it replaced by an empty one. Go hardly tells the two apart, but JSON does: nil
// becomes null, and null is not the list that a reader was promised. v itself is not changed, because others may hold it; what needs
// no change is not copied. Lists of bytes are text to JSON and stay, and so does what is left out when it is zero.
func FullLists[T any](v T) T { return In(v, words.English) }

// In returns v as FullLists does, with every Text in it said in a language.
func In[T any](v T, l words.Language) T {
	if full, changed := walk(reflect.ValueOf(&v).Elem(), l); changed {
		return full.Interface().(T)
	}
	return v
}

func walk(v reflect.Value, l words.Language) (full reflect.Value, changed bool) {
	if !v.IsValid() || !holdsLists(v.Type()) {
		return v, false
	}
	// edit gives the copy in which something is replaced.
	edit := func(copied func() reflect.Value) reflect.Value {
		if !changed {
			full, changed = copied(), true
		}
		return full
	}
	full = v
	if v.Type() == textType {
		if l == words.English {
			return v, false // as it is said by itself
		}
		return reflect.ValueOf(v.Interface().(words.Text).In(l)), true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return v, false
		}
		if inner, ok := walk(v.Elem(), l); ok {
			if v.Kind() == reflect.Pointer {
				edit(func() reflect.Value { return reflect.New(v.Type().Elem()) }).Elem().Set(inner)
			} else {
				edit(func() reflect.Value { return reflect.New(v.Type()).Elem() }).Set(inner)
			}
		}
	case reflect.Struct:
		for _, f := range fieldsWithLists(v.Type()) {
			field := v.FieldByIndex(f.index)
			if f.leftOutWhenZero && field.IsZero() {
				continue
			}
			if inner, ok := walk(field, l); ok {
				edit(func() reflect.Value { c := reflect.New(v.Type()).Elem(); c.Set(v); return c }).FieldByIndex(f.index).Set(inner)
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return reflect.MakeSlice(v.Type(), 0, 0), true
		}
		if !holdsLists(v.Type().Elem()) {
			return v, false
		}
		for i := range v.Len() {
			if inner, ok := walk(v.Index(i), l); ok {
				edit(func() reflect.Value { return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v) }).Index(i).Set(inner)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			if inner, ok := walk(v.Index(i), l); ok {
				edit(func() reflect.Value { c := reflect.New(v.Type()).Elem(); c.Set(v); return c }).Index(i).Set(inner)
			}
		}
	case reflect.Map:
		if v.IsNil() {
			return reflect.MakeMap(v.Type()), true
		}
		for it := v.MapRange(); it.Next(); {
			if inner, ok := walk(it.Value(), l); ok {
				edit(func() reflect.Value {
					c := reflect.MakeMapWithSize(v.Type(), v.Len())
					for all := v.MapRange(); all.Next(); {
						c.SetMapIndex(all.Key(), all.Value())
					}
					return c
				}).SetMapIndex(it.Key(), inner)
			}
		}
	}
	return full, changed
}

// listField is a field of a struct that may hold a list or a map.
type listField struct {
	index           []int
	leftOutWhenZero bool
}

// typesFields remembers fieldsWithLists of each type.
var typesFields sync.Map

// fieldsWithLists are those of the fields that JSON knows that may hold a list or a map.
func fieldsWithLists(t reflect.Type) []listField {
	if known, ok := typesFields.Load(t); ok {
		return known.([]listField)
	}
	var list []listField
	for _, f := range jsonFields(t) {
		if holdsLists(f.Type) {
			_, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
			list = append(list, listField{f.Index, strings.Contains(","+opts+",", ",omitzero,")})
		}
	}
	typesFields.Store(t, list)
	return list
}

// jsonFields are the fields that JSON knows: the exported ones, also those of an embedded struct.
func jsonFields(t reflect.Type) (fields []reflect.StructField) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			for _, inner := range jsonFields(f.Type) {
				inner.Index = append([]int{i}, inner.Index...) // a list of its own
				fields = append(fields, inner)
			}
		} else if f.IsExported() {
			fields = append(fields, f)
		}
	}
	return fields
}

// typesWithLists remembers holdsLists of each type: most answers hold none, and are not walked.
var typesWithLists sync.Map

var textType = reflect.TypeFor[words.Text]()

// holdsLists reports whether a value of the type may hold a list, a map or a Text, at any depth.
func holdsLists(t reflect.Type) bool {
	if known, ok := typesWithLists.Load(t); ok {
		return known.(bool)
	}
	holds := listsWithin(t, map[reflect.Type]bool{})
	typesWithLists.Store(t, holds)
	return holds
}

func listsWithin(t reflect.Type, under map[reflect.Type]bool) bool {
	if under[t] {
		return false // asked already, further up
	}
	under[t] = true
	if t == textType {
		return true
	}
	switch t.Kind() {
	case reflect.Slice:
		return t.Elem().Kind() != reflect.Uint8
	case reflect.Interface, reflect.Map:
		return true
	case reflect.Pointer, reflect.Array:
		return listsWithin(t.Elem(), under)
	case reflect.Struct:
		for _, f := range jsonFields(t) {
			if listsWithin(f.Type, under) {
				return true
			}
		}
	}
	return false
}
