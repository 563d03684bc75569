package domain

import (
	"encoding/json"
	"testing"
)

type leaf struct {
	Tags []string `json:"tags"`
	Few  []int    `json:"few,omitempty"`
	None []int    `json:"none,omitzero"`
	Raw  []byte   `json:"raw"`
	own  []string //nolint:unused // what JSON leaves out
}

type tree struct {
	leaf
	Name   string          `json:"name"`
	Child  *tree           `json:"child"`
	Leaves []leaf          `json:"leaves"`
	By     map[string]leaf `json:"by"`
	Any    any             `json:"any"`
	Two    [2][]int        `json:"two"`
	Text   json.RawMessage `json:"text"`
}

func TestEmptyListsAreLists(t *testing.T) {
	const bare = `{"tags":[],"raw":null}`
	for _, c := range []struct {
		v    any
		want string
	}{
		{[]string(nil), `[]`},
		{nil, `null`},
		{map[string][]int{"a": nil, "b": {1}}, `{"a":[],"b":[1]}`},
		{map[string]any{"a": []int(nil)}, `{"a":[]}`},
		{[][]int{nil, {1}}, `[[],[1]]`},
		{(*tree)(nil), `null`},
		{leaf{}, bare},
		{&tree{Name: "n", Child: &tree{Leaves: []leaf{{}}, By: map[string]leaf{"x": {}}}, Any: leaf{}, Text: json.RawMessage(`null`)},
			`{"tags":[],"raw":null,"name":"n","child":{"tags":[],"raw":null,"name":"","child":null,"leaves":[` + bare + `],"by":{"x":` + bare + `},"any":null,"two":[[],[]],"text":null},` +
				`"leaves":[],"by":{},"any":` + bare + `,"two":[[],[]],"text":null}`},
	} {
		got, err := JSON(c.v)
		if err != nil || string(got) != c.want {
			t.Errorf("%#v:\n%s, %v, want\n%s", c.v, got, err, c.want)
		}
	}
}

// What others hold must not change under them.
func TestFullListsLeavesTheOriginal(t *testing.T) {
	v := &tree{Leaves: []leaf{{}}, By: map[string]leaf{"x": {}}, Child: &tree{}}
	full := FullLists(v)
	if v.Tags != nil || v.Leaves[0].Tags != nil || v.By["x"].Tags != nil || v.Child.Leaves != nil {
		t.Error("the original was changed")
	}
	if full.Tags == nil || full.Leaves[0].Tags == nil || full.By["x"].Tags == nil || full.Child.Leaves == nil {
		t.Errorf("a list is still nil: %+v", full)
	}
	v = &tree{By: map[string]leaf{}, leaf: leaf{Tags: []string{}}, Leaves: []leaf{}, Two: [2][]int{{}, {}}}
	v.Few = []int{}
	if FullLists(v) != v {
		t.Error("what needs no change was copied")
	}
}
