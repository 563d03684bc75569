package areas_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// verbs are how the summaries of the reference begin.
var verbs = []string{"Add", "Approve", "Ask", "Cancel", "Change", "Choose", "Confirm", "Count", "Create", "Discard", "End", "Exchange", "Find", "Give", "Import", "Join", "Leave", "Link", "List", "Mark",
	"Open", "Place", "Put", "Record", "Refuse", "Register", "Remove", "Reset", "Resume", "Save", "Set", "Show", "Sign", "Start", "Submit", "Suspend", "Unlink", "Upload"}

// ours are words that the house uses among itself, and ways to speak of a reader who is called 'you'.
var ours = regexp.MustCompile(`(?i)\b(realms?|gates?|desks?|bump\w*|rubber|pen|slots?|one's|oneself|one (has|may|is|coaches|looks)|the own|who(m|ever)|thereof)\b`)

type schema struct {
	Ref         string `json:"$ref"`
	Description string
	Properties  map[string]*schema
	Items       *schema
}

type described struct {
	Paths map[string]map[string]struct {
		Summary, Description string
		Parameters           []struct{ Name, In, Description string }
		RequestBody          struct {
			Content map[string]struct{ Schema *schema }
		}
	}
	Components struct{ Schemas map[string]*schema }
}

// fields calls look with each field of a body and of what lies in it. Of an answer's fields, those may be without words that say what they are.
func (d *described) fields(s *schema, at string, seen map[string]bool, look func(at, about string)) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		if name := path.Base(s.Ref); !seen[name] {
			seen[name] = true
			d.fields(d.Components.Schemas[name], at, seen, look)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		look(at+" "+name, p.Description)
		d.fields(p, at+" "+name, seen, look)
	}
	d.fields(s.Items, at, seen, look)
}

// The reference is read by people of ministries who do not know the house: each summary begins with what is done, and each thing that is sent is
// described, in words that are theirs.
func TestTheReferenceSpeaksPlainly(t *testing.T) {
	t.Parallel()
	var doc described
	body := apitest.New(t).Get(apitest.Anonymous("jamaica"), "/openapi.json").Want(http.StatusOK).Body
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	look := func(at, about string) {
		described++
		if about == "" {
			t.Errorf("%s is not described", at)
		}
		if found := ours.FindString(about); found != "" {
			t.Errorf("%s: %q is a word of the house: %s", at, found, about)
		}
	}
	for where, operations := range doc.Paths {
		for method, op := range operations {
			at := strings.ToUpper(method) + " " + where
			if first, _, _ := strings.Cut(op.Summary, " "); !slices.Contains(verbs, first) {
				t.Errorf("%s: %q does not begin with what is done", at, op.Summary)
			}
			if strings.HasSuffix(op.Summary, ".") || strings.ContainsAny(op.Summary, "`:") || len(op.Summary) > 100 {
				t.Errorf("%s: %q is more than one plain line", at, op.Summary)
			}
			look(at, op.Summary+" "+op.Description)
			for _, p := range op.Parameters {
				look(at+" "+p.In+" "+p.Name, p.Description)
			}
			for _, media := range op.RequestBody.Content {
				doc.fields(media.Schema, at, map[string]bool{}, look)
			}
		}
	}
	for _, s := range doc.Components.Schemas { // what is answered too, as far as it is described
		doc.fields(s, "", map[string]bool{}, func(at, about string) {
			if found := ours.FindString(about); found != "" {
				t.Errorf("field%s: %q is a word of the house: %s", at, found, about)
			}
		})
	}
	if len(doc.Paths) < 60 || described < 300 {
		t.Errorf("only %d paths and %d things that are described", len(doc.Paths), described)
	}
}
