package api

import (
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"

	"lignum/infra/config"
)

func TestAChangeComesFromOurOwnPages(t *testing.T) {
	for _, c := range []struct {
		scheme, host, site, origin string
		own                        bool
	}{
		{"https", "a.example", "same-origin", "", true},
		{"https", "a.example", "cross-site", "https://a.example", false},
		{"https", "a.example", "same-site", "https://x.a.example", false},
		{"https", "a.example", "none", "", false},
		{"https", "a.example", "", "https://a.example", true},
		{"https", "A.example", "", "https://a.example", true},
		{"https", "a.example:443", "", "https://a.example", true},
		{"https", "a.example", "", "http://a.example", false}, // the same host without TLS
		{"https", "a.example", "", "http://a.example:443", false},
		{"https", "a.example", "", "https://a.example:8443", false},
		{"https", "a.example", "", "https://a.example.evil", false},
		{"https", "a.example", "", "https://evil.example", false},
		{"https", "a.example", "", "a.example", false},
		{"https", "a.example", "", "null", false},
		{"https", "a.example", "", "", false},
		{"http", "a.localhost:8080", "", "http://a.localhost:8080", true},
		{"http", "a.localhost:8080", "", "https://a.localhost:8080", false},
		{"http", "a.localhost:8080", "", "http://a.localhost:8081", false},
		{"http", "a.localhost:8080", "", "http://a.localhost", false},
	} {
		s := &Server{cfg: &config.Config{Scheme: c.scheme}}
		app := fiber.New()
		app.Post("/", func(fc *fiber.Ctx) error {
			if err := (&Call{Server: s, fc: fc}).sameOrigin(); (err == nil) != c.own {
				t.Errorf("%+v: %v", c, err)
			}
			return nil
		})
		req := httptest.NewRequest("POST", "/", nil)
		req.Host = c.host
		if c.site != "" {
			req.Header.Set("Sec-Fetch-Site", c.site)
		}
		if c.origin != "" {
			req.Header.Set("Origin", c.origin)
		}
		res, err := app.Test(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
}
