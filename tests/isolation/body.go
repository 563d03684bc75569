package isolation

import (
	"encoding/json"
	"fmt"
	"strings"
)

// document is the part of an OpenAPI document that is needed to make requests.
type document struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			Name     string  `json:"name"`
			In       string  `json:"in"`
			Required bool    `json:"required"`
			Schema   *schema `json:"schema"`
		} `json:"parameters"`
		RequestBody *struct {
			Content map[string]struct {
				Schema *schema `json:"schema"`
			} `json:"content"`
		} `json:"requestBody"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`
}

type schema struct {
	Ref        string             `json:"$ref"`
	Type       any                `json:"type"` // a name, or a list with "null"
	Format     string             `json:"format"`
	Pattern    string             `json:"pattern"`
	Enum       []any              `json:"enum"`
	MinLength  int                `json:"minLength"`
	Minimum    *float64           `json:"minimum"`
	MinItems   int                `json:"minItems"`
	Required   []string           `json:"required"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
}

// body makes the smallest JSON that a route takes, with the given id wherever one is asked for: so that a request is refused for
// what it reaches for, not for its form. The second result is false when the route takes no body.
func (d *document) body(method, path, id string) (string, bool) {
	op, ok := d.Paths[path][strings.ToLower(method)]
	if !ok || op.RequestBody == nil {
		return "", false
	}
	raw, err := json.Marshal(d.value(op.RequestBody.Content["application/json"].Schema, "", id))
	if err != nil {
		panic(err)
	}
	return string(raw), true
}

func (d *document) value(s *schema, name, id string) any {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		return d.value(d.Components.Schemas[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]], name, id)
	}
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		out := map[string]any{}
		for _, field := range s.Required {
			out[field] = d.value(s.Properties[field], field, id)
		}
		return out
	case "array":
		out := []any{}
		for range max(1, s.MinItems) {
			out = append(out, d.value(s.Items, name, id))
		}
		return out
	case "integer", "number":
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	case "boolean":
		return false
	}
	return d.text(s, name, id)
}

func (d *document) text(s *schema, name, id string) string {
	switch {
	case s.Format == "uuid", strings.HasSuffix(name, "_id"):
		return id
	case s.Format == "date", strings.HasSuffix(name, "_on"):
		return "2026-12-01"
	case s.Format == "date-time":
		return "2026-12-01T00:00:00Z"
	case s.Format == "email":
		return "somebody@example.org"
	case strings.HasPrefix(s.Pattern, "^#"):
		return "#123456"
	case name == "reason":
		return "a reason that is long enough"
	case name == "password":
		return "seventeen sail boats at dawn"
	}
	return fmt.Sprintf("%-*s", max(1, s.MinLength), "x"+strings.Repeat("x", max(0, s.MinLength-1)))
}
