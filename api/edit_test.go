package api_test

import (
	"net/http"
	"strings"
	"testing"

	"lignum/tests/apitest"
)

// uncontested are changes of something that exists which carry no version of it, with the reason why nothing can be lost.
var uncontested = map[string]string{
	"put /api/v1/attempts/{attempt}/answers":      "each answer has a counter, and the highest counts",
	"put /api/v1/lessons/{lesson}/progress":       "carries a counter, and progress never falls",
	"put /api/v1/me/language":                     "one choice that the sender states",
	"patch /api/v1/uploads/{upload}":              "carries the offset that it goes on from, and any other is refused",
	"put /api/v1/me/mail":                         "one choice that the sender states",
	"put /api/v1/me/leaderboard":                  "one yes or no that the sender states; nothing that was typed before is lost",
	"put /api/v1/me/children/{child}/leaderboard": "one yes or no that the sender states",
	"put /api/v1/me/children/{child}/consent":     "one yes or no that the sender states",
	"put /api/v1/tenant/logo":                     "one picture, which the sender brings whole",
}

// Whoever replaces something that others may have changed meanwhile can say which version was seen, and every such change has
// the answer 409.
func TestEveryEditCarriesAVersion(t *testing.T) {
	s := apitest.New(t)
	edits := 0
	for _, slug := range []string{"jamaica", ""} {
		var doc struct {
			Paths map[string]map[string]struct {
				RequestBody struct {
					Content map[string]struct {
						Schema *listSchema `json:"schema"`
					} `json:"content"`
				} `json:"requestBody"`
			} `json:"paths"`
			Components struct {
				Schemas map[string]*listSchema `json:"schemas"`
			} `json:"components"`
		}
		s.Get(apitest.Anonymous(slug), "/openapi.json").Want(http.StatusOK).Into(&doc)
		for path, methods := range doc.Paths {
			for method, op := range methods {
				if method != "put" && method != "patch" {
					continue
				}
				edits++
				schema := op.RequestBody.Content["application/json"].Schema
				for schema != nil && schema.Ref != "" {
					schema = doc.Components.Schemas[schema.Ref[strings.LastIndex(schema.Ref, "/")+1:]]
				}
				carries := schema != nil && schema.Properties["version"] != nil
				if _, known := uncontested[method+" "+path]; carries == known {
					t.Errorf("%s %s: carries a version: %t, and needs none: %t", method, path, carries, known)
				}
			}
		}
	}
	if edits < 12 {
		t.Fatalf("only %d edits were found", edits)
	}
}
