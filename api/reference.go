package api

import (
	"context"
	"encoding/json"
	"html/template"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"lignum/policy"
)

// reference registers what a programmer reads: the OpenAPI document, the same for people, and the public keys.
func (s *Server) reference() {
	document := sync.OnceValues(func() ([]byte, error) { return json.Marshal(s.docs.OpenAPI()) })
	Bare(s, Route{Path: "/openapi.json", Permission: policy.Public("the API's description is no secret"), Summary: "Show the OpenAPI 3.1 document"}, func(fc *fiber.Ctx) error {
		raw, err := document()
		if err != nil {
			return err
		}
		fc.Set(fiber.HeaderContentType, "application/vnd.oai.openapi+json;version=3.1")
		fc.Set(fiber.HeaderCacheControl, "public, max-age=300")
		return fc.Send(raw)
	})
	page := sync.OnceValues(func() (string, error) {
		var b strings.Builder
		err := referencePage.Execute(&b, s.referenceSections())
		return b.String(), err
	})
	Bare(s, Route{Path: "/reference", Permission: policy.Public("the API's description is no secret"), Summary: "Show the API reference"}, func(fc *fiber.Ctx) error {
		html, err := page()
		if err != nil {
			return err
		}
		fc.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		fc.Set(fiber.HeaderCacheControl, "public, max-age=300")
		return fc.Type("html", "utf-8").SendString(html)
	})
	Page(s, Route{Path: "/.well-known/jwks.json", Permission: policy.Public("public keys are public"), Summary: "Show the public keys that verify access tokens (RFC 7517)"},
		func(_ context.Context, c *Call, fc *fiber.Ctx) error {
			if err := c.Open(); err != nil {
				return err
			}
			fc.Set(fiber.HeaderCacheControl, "public, max-age=300")
			fc.Set(fiber.HeaderContentType, "application/jwk-set+json")
			return fc.Send(c.State.Keys.JWKS(c.Now))
		})
}

type referenceEntry struct {
	Method, Path, Summary, Detail, Permission, Quota string
	Parameters, Body                                 []referenceField
}

type referenceField struct{ Name, Kind, About string }

type referenceSection struct {
	Tag     string
	Entries []referenceEntry
}

// referenceSections orders the operations as they were registered, by tag.
func (s *Server) referenceSections() []referenceSection {
	doc := s.docs.OpenAPI()
	var list []referenceSection
	for _, rt := range s.routes {
		item := doc.Paths[rt.Path]
		if item == nil {
			continue
		}
		op := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[rt.Method]
		if op == nil {
			continue
		}
		e := referenceEntry{Method: rt.Method, Path: rt.Path, Summary: rt.Summary, Detail: rt.Detail, Permission: rt.Permission.Name(), Quota: string(rt.Quota)}
		for _, p := range op.Parameters {
			e.Parameters = append(e.Parameters, referenceField{p.Name, p.In, p.Description})
		}
		if op.RequestBody != nil {
			if media := op.RequestBody.Content["application/json"]; media != nil {
				e.Body = s.fieldsOf(media.Schema)
			}
		}
		i := slices.IndexFunc(list, func(x referenceSection) bool { return x.Tag == rt.Tag })
		if i < 0 {
			list = append(list, referenceSection{Tag: rt.Tag})
			i = len(list) - 1
		}
		list[i].Entries = append(list[i].Entries, e)
	}
	return list
}

func (s *Server) fieldsOf(schema *huma.Schema) []referenceField {
	if schema.Ref != "" {
		schema = s.docs.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	var fields []referenceField
	for name, p := range schema.Properties {
		kind := p.Type
		if !slices.Contains(schema.Required, name) {
			kind += ", optional"
		}
		fields = append(fields, referenceField{name, kind, p.Description})
	}
	slices.SortFunc(fields, func(a, b referenceField) int { return strings.Compare(a.Name, b.Name) })
	return fields
}

var referencePage = template.Must(template.New("reference").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Lignum API</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem;color:#1f2937}h2{border-bottom:2px solid #e5e7eb;margin-top:2.5rem}
code{font:14px ui-monospace,monospace}summary{cursor:pointer;padding:.4rem 0}summary b{display:inline-block;min-width:4.5rem}details{border-bottom:1px solid #e5e7eb}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem}td,th{text-align:left;padding:.25rem .75rem .25rem 0;vertical-align:top}nav a{margin-right:1rem}</style>
<h1>Lignum API</h1>
<p>One host per tenant, the same paths on each: the host name says whose data a request is about. Sign in at <code>POST /api/v1/sign-in</code> and send the access
token as <code>Authorization: Bearer</code>; it is good for twelve minutes and for the host that gave it. Errors are problem details (RFC 9457) that name each wrong field. Send an
<code>Idempotency-Key</code> with a change, and sending it again changes nothing more. The same as a document for machines: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav>{{range .}}<a href="#{{.Tag}}">{{.Tag}}</a> {{end}}</nav>
{{range .}}<h2 id="{{.Tag}}">{{.Tag}}</h2>{{range .Entries}}<details><summary><b>{{.Method}}</b> <code>{{.Path}}</code> — {{.Summary}}</summary>
{{with .Detail}}<p>{{.}}</p>{{end}}<p>{{with .Permission}}Permission <code>{{.}}</code>, {{else}}No permission needed, {{end}}quota <code>{{.Quota}}</code>.</p>
{{if .Parameters}}<table><tr><th>Parameter<th>In<th></tr>{{range .Parameters}}<tr><td><code>{{.Name}}</code><td>{{.Kind}}<td>{{.About}}</tr>{{end}}</table>{{end}}
{{if .Body}}<table><tr><th>Field<th>Type<th></tr>{{range .Body}}<tr><td><code>{{.Name}}</code><td>{{.Kind}}<td>{{.About}}</tr>{{end}}</table>{{end}}</details>{{end}}{{end}}</html>`))
