package aws

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Template is a CloudFormation template in parts. Names stand in the order of the file.
type Template struct {
	Name       string // of the file without its ending: network
	Parameters *Value
	Mappings   *Value
	Conditions *Value
	Rules      *Value
	Resources  *Value
	Outputs    *Value
}

// sections of a template that the checks do not read.
var unread = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Transform"}

// Parse reads a template; the error is an *Unreadable.
func Parse(name string, data []byte) (*Template, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err == io.EOF {
		return nil, problem(0, "the file is empty")
	} else if err != nil {
		return nil, notYAML(err)
	}
	if err := decoder.Decode(&more); err != io.EOF {
		return nil, problem(more.Line, "a template is one YAML document; there is more after it")
	}
	root, err := read(document.Content[0])
	if err != nil {
		return nil, err
	}
	t := &Template{Name: name}
	if root.Kind != Map {
		return nil, problem(root.Line, "this is no map of sections such as Resources")
	}
	sections := map[string]**Value{"Parameters": &t.Parameters, "Mappings": &t.Mappings, "Conditions": &t.Conditions,
		"Rules": &t.Rules, "Resources": &t.Resources, "Outputs": &t.Outputs}
	for i, key := range root.Keys {
		section := sections[key]
		switch {
		case slices.Contains(unread, key):
		case section == nil:
			return nil, problem(root.Items[i].Line, "%s is no section of a template", key)
		case root.Items[i].Kind != Map:
			return nil, problem(root.Items[i].Line, "%s must be a map", key)
		default:
			*section = root.Items[i]
		}
	}
	if t.Resources == nil {
		return nil, problem(0, "there are no Resources")
	}
	return t, nil
}

// An Unreadable template, with the line where reading ended; 0 when there is none.
type Unreadable struct {
	Line    int
	Problem string
}

func (u *Unreadable) Error() string {
	if u.Line == 0 {
		return u.Problem
	}
	return fmt.Sprintf("line %d: %s", u.Line, u.Problem)
}

func problem(line int, format string, args ...any) error {
	return &Unreadable{line, fmt.Sprintf(format, args...)}
}

// notYAML takes the line out of the library's message: "yaml: line 3: did not find expected key".
func notYAML(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var line int
	if n, scanErr := fmt.Sscanf(text, "line %d:", &line); n == 1 && scanErr == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	return problem(line, "this is no YAML: %s", text)
}

// functions are the intrinsic functions that templates may use; anything else is a mistake or unknown to the checks.
var functions = []string{"Ref", "Sub", "GetAtt", "ImportValue", "If", "FindInMap", "Join", "Select", "Split", "Cidr", "GetAZs",
	"Equals", "Not", "And", "Or", "Condition", "Base64"}

func read(n *yaml.Node) (*Value, error) {
	v := &Value{Line: n.Line}
	if fn, tagged := strings.CutPrefix(n.Tag, "!"); tagged && !strings.HasPrefix(fn, "!") { // !!str and the like are YAML's own
		if !slices.Contains(functions, fn) {
			return nil, problem(v.Line, "!%s is no function that the checks know", fn)
		}
		plain := *n
		plain.Tag = ""
		v.Kind, v.Fn = Call, fn
		err := v.add(&plain)
		v.joinGetAtt()
		return v, err
	}
	switch n.Kind {
	case yaml.MappingNode:
		return readMap(v, n.Content)
	case yaml.SequenceNode:
		v.Kind = List
		for _, item := range n.Content {
			if err := v.add(item); err != nil {
				return nil, err
			}
		}
		return v, nil
	case yaml.ScalarNode:
		v.Text = n.Value
		return v, nil
	default:
		return nil, problem(v.Line, "the checks read no YAML anchors; write the value out")
	}
}

func (v *Value) add(n *yaml.Node) error {
	item, err := read(n)
	if err == nil {
		v.Items = append(v.Items, item)
	}
	return err
}

// readMap reads keys and values in turn. A map of one key that is the long form of a function is a call of it.
func readMap(v *Value, pairs []*yaml.Node) (*Value, error) {
	v.Kind = Map
	for i := 0; i+1 < len(pairs); i += 2 {
		key := pairs[i]
		if slices.Contains(v.Keys, key.Value) {
			return nil, problem(key.Line, "%s stands twice in one map", key.Value)
		}
		v.Keys = append(v.Keys, key.Value)
		if err := v.add(pairs[i+1]); err != nil {
			return nil, err
		}
		v.Items[i/2].Line = key.Line
	}
	if len(v.Keys) != 1 {
		return v, nil
	}
	fn, long := strings.CutPrefix(v.Keys[0], "Fn::")
	if !long && fn != "Ref" {
		return v, nil
	}
	if !slices.Contains(functions, fn) {
		return nil, problem(v.Line, "%s is no function that the checks know", v.Keys[0])
	}
	v.Kind, v.Fn, v.Keys = Call, fn, nil
	v.joinGetAtt()
	return v, nil
}

// joinGetAtt writes [Bucket, Arn] as Bucket.Arn, so that there is one form to look at.
func (v *Value) joinGetAtt() {
	if arg := v.Arg("GetAtt"); arg != nil && arg.Kind == List && len(arg.Items) == 2 {
		v.Items[0] = &Value{Line: arg.Line, Text: arg.Items[0].Scalar() + "." + arg.Items[1].Scalar()}
	}
}
