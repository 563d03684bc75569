package aws

import (
	"slices"
	"strconv"
)

// Kinds of a Value.
const (
	Scalar = iota
	List
	Map
	Call // an intrinsic function: !Ref x, or its long form Ref: x
)

// A Value is a node of a template. A nil *Value is one that is missing; every method takes it.
type Value struct {
	Kind  int
	Line  int      // of the file, from 1
	Text  string   // of a scalar
	Fn    string   // of a call: Ref, Sub, GetAtt ... without ! or Fn::
	Keys  []string // of a map; Items[i] belongs to Keys[i]
	Items []*Value // of a list or map; of a call its one argument
}

// Get follows keys of maps and indices of lists, and gives nil when there is no such node.
func (v *Value) Get(path ...string) *Value {
	for _, step := range path {
		if v == nil {
			return nil
		}
		switch v.Kind {
		case Map:
			i := slices.Index(v.Keys, step)
			if i < 0 {
				return nil
			}
			v = v.Items[i]
		case List:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v.Items) {
				return nil
			}
			v = v.Items[i]
		default:
			return nil
		}
	}
	return v
}

// Scalar is the text of a literal, and "" of anything else.
func (v *Value) Scalar() string {
	if v == nil || v.Kind != Scalar {
		return ""
	}
	return v.Text
}

// Arg is the argument of a call of fn, and nil of anything else.
func (v *Value) Arg(fn string) *Value {
	if v == nil || v.Kind != Call || v.Fn != fn {
		return nil
	}
	return v.Items[0]
}

// Each returns the items of a list; a value that is no list is a list of one, as IAM reads it.
func (v *Value) Each() []*Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == List:
		return v.Items
	}
	return []*Value{v}
}

// At is the line, 0 of a missing value.
func (v *Value) At() int {
	if v == nil {
		return 0
	}
	return v.Line
}

// walk visits the value and all within it, outer before inner.
func (v *Value) walk(visit func(*Value)) {
	if v == nil {
		return
	}
	visit(v)
	for _, item := range v.Items {
		item.walk(visit)
	}
}

// branches are the values that !If leaves possible, however deep; one that is not there (AWS::NoValue) is nil.
func (v *Value) branches() []*Value {
	if choice := v.Arg("If"); choice != nil && len(choice.Items) == 3 {
		return append(choice.Items[1].branches(), choice.Items[2].branches()...)
	}
	if v.Arg("Ref").Scalar() == "AWS::NoValue" {
		return []*Value{nil}
	}
	return []*Value{v}
}

// entries are the members of a list that has !If around it or around some of its members.
func (v *Value) entries() []*Value {
	var all []*Value
	for _, branch := range v.branches() {
		for _, item := range branch.Each() {
			for _, one := range item.branches() {
				if one != nil {
					all = append(all, one)
				}
			}
		}
	}
	return all
}
