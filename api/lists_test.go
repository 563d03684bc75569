package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"lignum/api"
	"lignum/policy"
	"lignum/tests/apitest"
)

// listSchema is what an OpenAPI schema says of lists.
type listSchema struct {
	Ref        string                 `json:"$ref"`
	Type       any                    `json:"type"`
	Properties map[string]*listSchema `json:"properties"`
	Items      *listSchema            `json:"items"`
}

type listDocument struct {
	Paths map[string]map[string]struct {
		Responses map[string]struct {
			Content map[string]struct {
				Schema *listSchema `json:"schema"`
			} `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas map[string]*listSchema `json:"schemas"`
	} `json:"components"`
}

// nulls counts the lists of an answer and names those that are null.
func (d *listDocument) nulls(s *listSchema, v any, at string) (lists int, null []string) {
	if s == nil {
		return 0, nil
	}
	if s.Ref != "" {
		s = d.Components.Schemas[s.Ref[strings.LastIndex(s.Ref, "/")+1:]]
	}
	if s.Type == "array" {
		lists++
		if v == nil {
			null = append(null, at)
		}
	}
	add := func(n int, more []string) { lists, null = lists+n, append(null, more...) }
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			add(d.nulls(s.Items, e, at+"[]"))
		}
	case map[string]any:
		for name, e := range v {
			add(d.nulls(s.Properties[name], e, at+"."+name))
		}
	}
	return lists, null
}

// A list that the reference promises is a list in every answer, also where there is nothing to list.
func TestListsAreNeverNull(t *testing.T) {
	// Handlers take care; one that does not must not matter.
	type inner struct {
		Few []string `json:"few"`
	}
	type careless struct {
		None  []string `json:"none"`
		Inner []inner  `json:"inner"`
	}
	s := apitest.New(t, func(s *api.Server) {
		api.Query(s, api.Route{Path: "/api/v1/careless", Permission: policy.Public("a test of lists"), Summary: "Careless", Tag: "Test"},
			func(_ context.Context, c *api.Call, _ *struct{}) (*careless, error) {
				if err := c.Open(); err != nil {
					return nil, err
				}
				return &careless{Inner: []inner{{}}}, nil
			})
	})
	if got := string(s.Get(apitest.Anonymous("jamaica"), "/api/v1/careless").Want(http.StatusOK).Body); !strings.Contains(got, `"none":[],"inner":[{"few":[]}]`) {
		t.Error(got)
	}
	lists := 0
	for slug, kind := range map[string]policy.RealmKind{"jamaica": policy.Tenant, "": policy.Platform} {
		var doc listDocument
		answer := s.Get(apitest.Anonymous(slug), "/openapi.json").Want(http.StatusOK)
		answer.Into(&doc)
		if strings.Contains(string(answer.Body), `["array","null"]`) {
			t.Error("the reference lets a list be null")
		}
		for _, role := range policy.SystemRoles(kind) {
			u := s.User(slug, role)
			for _, rt := range s.API.Routes() {
				if rt.Method != http.MethodGet || !strings.HasPrefix(rt.Path, "/api/") || strings.Contains(rt.Path, "{") {
					continue
				}
				res := s.Get(u, rt.Path)
				if res.Status != http.StatusOK {
					continue
				}
				var v any
				if err := json.Unmarshal(res.Body, &v); err != nil {
					continue // no JSON
				}
				n, null := doc.nulls(doc.Paths[rt.Path]["get"].Responses["200"].Content["application/json"].Schema, v, rt.Path)
				lists += n
				for _, at := range null {
					t.Errorf("%s, as %s: %s is null", slug, role, at)
				}
			}
		}
	}
	if lists < 50 {
		t.Errorf("only %d lists were looked at", lists)
	}
}

func TestListsGoOnFromTheirCursor(t *testing.T) {
	w := apitest.NewSchool(t)
	for range 4 {
		w.NewClass(3)
	}
	seen, cursor := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		list := apitest.As[api.List[json.RawMessage]](w.Get(w.Student, "/api/v1/classes?limit=2&cursor="+cursor))
		for _, one := range list.Items {
			seen[string(one)] = true
		}
		if cursor = list.Next; cursor == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages+1)
			}
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 classes", len(seen))
	}
	p := w.Get(w.Student, "/api/v1/classes?cursor=nonsense").Want(http.StatusUnprocessableEntity).Problem()
	if len(p.Errors) != 1 || p.Errors[0].Name != "query.cursor" {
		t.Errorf("a cursor that is none: %+v", p)
	}
}
