package aws

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// possible returns the texts that a value may have, as parameters and !If allow, and whether these are all of them.
// A value that is absent in one branch is not known.
func (t *Template) possible(v *Value) (texts []string, known bool) {
	known = true
	for _, branch := range v.branches() {
		switch {
		case branch == nil:
			known = false
		case branch.Kind == Scalar:
			texts = append(texts, branch.Text)
		case branch.Arg("Ref") != nil:
			more, all := t.parameterTexts(branch.Arg("Ref").Scalar())
			texts, known = append(texts, more...), known && all
		case branch.Arg("FindInMap") != nil:
			more := t.mapped(branch.Arg("FindInMap"))
			texts, known = append(texts, more...), known && len(more) > 0
		default:
			known = false
		}
	}
	return texts, known
}

// parameterTexts are the values that a parameter allows; without such a list only its default is known.
func (t *Template) parameterTexts(name string) (texts []string, known bool) {
	p := t.Parameters.Get(name)
	if allowed := p.Get("AllowedValues"); allowed != nil {
		for _, v := range allowed.Each() {
			texts = append(texts, v.Scalar())
		}
		return texts, true
	}
	if d := p.Get("Default"); d != nil {
		return []string{d.Scalar()}, false
	}
	return nil, false
}

// mapped are all values that a lookup in Mappings may give, whatever the keys that are not literal.
func (t *Template) mapped(arg *Value) (texts []string) {
	nodes := []*Value{t.Mappings}
	for _, key := range arg.Each() {
		var next []*Value
		for _, n := range nodes {
			switch {
			case n == nil || n.Kind != Map:
			case key.Kind == Scalar:
				next = append(next, n.Get(key.Text))
			default:
				next = append(next, n.Items...)
			}
		}
		nodes = next
	}
	for _, n := range nodes {
		if n != nil && n.Kind == Scalar {
			texts = append(texts, n.Text)
		}
	}
	return texts
}

// always says whether a value is surely one of the words.
func (t *Template) always(v *Value, words ...string) bool {
	texts, known := t.possible(v)
	return known && len(texts) > 0 && !slices.ContainsFunc(texts, func(s string) bool { return !slices.Contains(words, s) })
}

// A world gives every parameter a value; the checks of numbers are made in each world.
type world map[string]string

// worlds are one for each value of Size, with the defaults of all other parameters.
func (t *Template) worlds() []world {
	defaults := world{}
	if t.Parameters != nil {
		for i, name := range t.Parameters.Keys {
			if d := t.Parameters.Items[i].Get("Default"); d != nil {
				defaults[name] = d.Scalar()
			}
		}
	}
	var all []world
	for _, size := range t.Parameters.Get("Size", "AllowedValues").Each() {
		w := maps.Clone(defaults)
		w["Size"] = size.Scalar()
		all = append(all, w)
	}
	if all == nil {
		all = []world{defaults}
	}
	return all
}

// value returns the text of a value in a world, and whether it can be known from the template alone.
func (t *Template) value(v *Value, w world) (string, bool) {
	switch {
	case v == nil:
		return "", false
	case v.Kind == Scalar:
		return v.Text, true
	case v.Arg("Ref") != nil:
		text, ok := w[v.Arg("Ref").Scalar()]
		return text, ok
	case v.Arg("FindInMap") != nil:
		n := t.Mappings
		for _, key := range v.Arg("FindInMap").Each() {
			text, ok := t.value(key, w)
			if !ok {
				return "", false
			}
			n = n.Get(text)
		}
		return n.Scalar(), n != nil && n.Kind == Scalar
	case v.Arg("If") != nil && len(v.Arg("If").Items) == 3:
		choice := v.Arg("If").Items
		holds, ok := t.holds(t.Conditions.Get(choice[0].Scalar()), w)
		if !ok {
			return "", false
		}
		if holds {
			return t.value(choice[1], w)
		}
		return t.value(choice[2], w)
	}
	return "", false
}

// holds evaluates a condition in a world.
func (t *Template) holds(v *Value, w world) (holds, known bool) {
	if v == nil || v.Kind != Call {
		return false, false
	}
	arg := v.Items[0]
	switch v.Fn {
	case "Condition":
		return t.holds(t.Conditions.Get(arg.Scalar()), w)
	case "Equals":
		if len(arg.Items) != 2 {
			return false, false
		}
		a, okA := t.value(arg.Items[0], w)
		b, okB := t.value(arg.Items[1], w)
		return a == b, okA && okB
	case "Not":
		holds, known = t.holds(arg.Get("0"), w)
		return !holds, known
	case "And", "Or":
		holds = v.Fn == "And"
		for _, item := range arg.Each() {
			one, ok := t.holds(item, w)
			if !ok {
				return false, false
			}
			if one != holds {
				return one, true
			}
		}
		return holds, true
	}
	return false, false
}

// number is a value as a number in a world.
func (t *Template) number(v *Value, w world) (float64, bool) {
	text, ok := t.value(v, w)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// text writes a value as one string, with ${...} for what is only known later: equal texts mean equal values.
func text(v *Value) string {
	if v == nil {
		return ""
	}
	switch v.Kind {
	case Scalar:
		return v.Text
	case Call:
		return callText(v)
	}
	var b strings.Builder
	for i, item := range v.Items {
		if v.Kind == Map {
			b.WriteString(v.Keys[i] + "=")
		}
		b.WriteString(text(item) + ";")
	}
	return b.String()
}

func callText(v *Value) string {
	arg := v.Items[0]
	switch {
	case v.Fn == "Ref" || v.Fn == "GetAtt":
		return "${" + arg.Scalar() + "}"
	case v.Fn == "Sub" && arg.Kind == Scalar:
		return arg.Text
	case v.Fn == "Sub" && len(arg.Items) == 2:
		out := arg.Items[0].Scalar()
		for i, name := range arg.Items[1].Keys {
			out = strings.ReplaceAll(out, "${"+name+"}", text(arg.Items[1].Items[i]))
		}
		return out
	case v.Fn == "Join" && len(arg.Items) == 2 && arg.Items[1].Kind == List:
		var parts []string
		for _, item := range arg.Items[1].Items {
			parts = append(parts, text(item))
		}
		return strings.Join(parts, arg.Items[0].Scalar())
	}
	return "!" + v.Fn + "(" + text(arg) + ")"
}
