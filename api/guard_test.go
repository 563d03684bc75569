package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
)

const secret = "what nobody may see"

type said struct {
	Said string `json:"said"`
}

// forgetful is a server whose handlers read, write and answer, and never ask the policy. Each leaves an entry of its own in
// the trail, if it can: what is written is what was recorded.
func forgetful(s *api.Server) {
	rt := func(method, path string, parts ...policy.Permission) api.Route {
		return api.Route{Method: method, Path: "/api/v1/forgetful/" + path, Permission: policy.ClassRead, Parts: parts, Tag: "Test", Summary: path}
	}
	page := func(method, path string, parts ...policy.Permission) api.Route {
		r := rt(method, path, parts...)
		r.Path = "/forgetful/" + path
		return r
	}
	// write tries every way of writing, through a reader too, and does not even look at the refusals.
	write := func(ctx context.Context, c *api.Call, what string) error {
		e := audit.Entry{Action: "forgetful." + what, ObjectKind: "test", ObjectID: what}
		_ = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
			tx.Record(e)
			return nil
		})
		batch := &pgx.Batch{}
		batch.Queue(audit.Insert, e.Args(c.Actor)...)
		_ = c.DB.WriteOneTrip(ctx, batch, func(res pgx.BatchResults) error {
			_, err := res.Exec()
			return err
		})
		for _, read := range []func(context.Context, func(*tenants.Reader) error) error{c.DB.Read, c.DB.ReadFresh} {
			_ = read(ctx, func(r *tenants.Reader) error {
				_ = r.QueryRow(ctx, audit.Insert, e.Args(c.Actor)...).Scan()
				batch := &pgx.Batch{}
				batch.Queue(audit.Insert, e.Args(c.Actor)...)
				_ = r.SendBatch(ctx, batch).Close()
				return tenants.Entity[struct{}](r).Exec(ctx, "INSERT INTO audit_entries (id, action) VALUES (?::uuid, ?)", audit.NewID().String(), e.Action)
			})
		}
		return nil
	}
	api.Query(s, rt(http.MethodGet, "query"), func(ctx context.Context, c *api.Call, _ *struct{}) (*said, error) {
		return &said{secret}, write(ctx, c, "query")
	})
	api.Direct(s, rt(http.MethodPost, "direct"), func(ctx context.Context, c *api.Call, _ *struct{}) (*said, error) {
		return &said{secret}, write(ctx, c, "direct")
	})
	api.Command(s, rt(http.MethodPost, "command"), func(_ context.Context, _ *api.Call, tx *tenants.Tx, _ *struct{}) (*said, error) {
		tx.Record(audit.Entry{Action: "forgetful.command", ObjectKind: "test", ObjectID: "command"})
		return &said{secret}, nil
	})
	show := func(fc *fiber.Ctx) error {
		fc.Cookie(&fiber.Cookie{Name: "forgetful", Value: "1"})
		fc.Set("X-Forgetful", secret)
		return fc.SendString(secret)
	}
	api.Page(s, page(http.MethodGet, "page"), func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := write(ctx, c, "page"); err != nil {
			return err
		}
		return show(fc)
	})
	api.Page(s, page(http.MethodPost, "page"), func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := write(ctx, c, "posted_page"); err != nil {
			return err
		}
		return show(fc)
	})
	api.Form(s, page(http.MethodPost, "form"), func(_ context.Context, _ *api.Call, tx *tenants.Tx, fc *fiber.Ctx) (string, error) {
		tx.Record(audit.Entry{Action: "forgetful.form", ObjectKind: "test", ObjectID: "form"})
		return "/forgetful/" + strings.ReplaceAll(secret, " ", "-"), show(fc)
	})
	// The page asks for itself, and its part does not.
	api.Page(s, page(http.MethodGet, "under", policy.CourseRead), func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Permit(policy.Facts{Listing: true}); err != nil {
			return err
		}
		part, err := c.Under(policy.CourseRead)
		if err != nil {
			return err
		}
		if err := write(ctx, part, "under"); err != nil {
			return err
		}
		return show(fc)
	})
	// The part asks, and the page does not.
	api.Page(s, page(http.MethodGet, "whole", policy.CourseRead), func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		part, err := c.Under(policy.CourseRead)
		if err != nil {
			return err
		}
		if err := part.Permit(policy.Facts{Listing: true}); err != nil {
			return err
		}
		if err := write(ctx, c, "whole"); err != nil {
			return err
		}
		return show(fc)
	})
	// The part is none that the route names, and the page does without.
	api.Page(s, page(http.MethodGet, "undeclared"), func(_ context.Context, c *api.Call, fc *fiber.Ctx) error {
		if err := c.Permit(policy.Facts{Listing: true}); err != nil {
			return err
		}
		if part, err := c.Under(policy.CourseRead); err == nil {
			_ = part.Permit(policy.Facts{Listing: true})
		}
		return show(fc)
	})
	// Open is for public routes alone.
	api.Query(s, rt(http.MethodGet, "opened"), func(ctx context.Context, c *api.Call, _ *struct{}) (*said, error) {
		_ = c.Open()
		return &said{secret}, write(ctx, c, "opened")
	})
	// Whoever forgets on a public route is stopped as well.
	public := rt(http.MethodPost, "public")
	public.Permission = policy.Public("a test")
	api.Direct(s, public, func(ctx context.Context, c *api.Call, _ *struct{}) (*said, error) {
		return &said{secret}, write(ctx, c, "public")
	})
	// Asked and refused, and answers all the same.
	refused := page(http.MethodGet, "refused")
	refused.Permission = policy.LessonRead
	api.Page(s, refused, func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		_ = c.Permit(policy.Facts{}) // no fact holds
		if err := write(ctx, c, "refused"); err != nil {
			return err
		}
		return show(fc)
	})
}

func TestForgetfulHandlersAnswerAndWriteNothing(t *testing.T) {
	s := apitest.New(t, forgetful)
	who := s.User("jamaica", "student")
	for _, one := range []struct{ method, path string }{
		{"GET", "/api/v1/forgetful/query"}, {"POST", "/api/v1/forgetful/direct"}, {"POST", "/api/v1/forgetful/command"}, {"GET", "/forgetful/page"},
		{"POST", "/forgetful/page"}, {"POST", "/forgetful/form"}, {"GET", "/forgetful/under"}, {"GET", "/forgetful/whole"}, {"GET", "/forgetful/undeclared"},
		{"GET", "/api/v1/forgetful/opened"}, {"POST", "/api/v1/forgetful/public"}, {"GET", "/forgetful/refused"},
	} {
		r := s.Do(who, one.method, one.path, nil)
		r.Want(http.StatusInternalServerError)
		if strings.Contains(string(r.Body), secret) || r.Header.Get("X-Forgetful") != "" || strings.Contains(strings.Join(r.Header.Values("Set-Cookie"), ""), "forgetful") || r.Header.Get("Location") != "" {
			t.Errorf("%s %s: something of the answer came through: %v %s", one.method, one.path, r.Header, r.Body)
		}
		if r.Header.Get("X-Request-Id") == "" || r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: the answer lacks what every answer has: %v", one.method, one.path, r.Header)
		}
	}
	s.Send(who, "POST", s.URL("jamaica")+"/api/v1/forgetful/command", nil, "Idempotency-Key", "once").Want(http.StatusInternalServerError)
	if n := s.Number("jamaica", `SELECT count(*) FROM audit_entries WHERE action LIKE 'forgetful.%'`); n != 0 {
		t.Errorf("%d changes were written that nobody was asked about", n)
	}
	if n := s.Number("jamaica", `SELECT count(*) FROM idempotency_keys`); n != 0 {
		t.Errorf("%d answers were kept", n)
	}
}

// What writes past the call's database is not handed out either.
func TestNobodyProvisionsUnasked(t *testing.T) {
	given := false
	s := apitest.New(t, func(s *api.Server) {
		api.Direct(s, api.Route{Method: http.MethodPost, Path: "/api/v1/forgetful/tenant", Permission: policy.PlatformTenantProvision, Tag: "Test", Summary: "tenant"},
			func(_ context.Context, c *api.Call, _ *struct{}) (*said, error) {
				given = c.Provisioner() != nil
				return &said{secret}, nil
			})
	})
	s.Post(s.User("", "account_manager"), "/api/v1/forgetful/tenant", nil).Want(http.StatusInternalServerError)
	if given {
		t.Error("a handler that asked nothing was given the provisioner")
	}
}

// A form that is shown again is a page too: its parts ask, or it is not shown.
func TestAFormShownAgainAsks(t *testing.T) {
	s := apitest.New(t, func(s *api.Server) {
		s.ErrorPage = func(c *api.Call, fc *fiber.Ctx, _ *api.Problem) error {
			if _, err := c.Under(policy.CourseRead); err != nil {
				return err
			}
			return fc.SendString(secret)
		}
		api.Form(s, api.Route{Path: "/forgetful/again", Permission: policy.ClassLeave, Parts: []policy.Permission{policy.CourseRead}, Summary: "again"},
			func(_ context.Context, c *api.Call, _ *tenants.Tx, _ *fiber.Ctx) (string, error) {
				return "", c.Permit(policy.Facts{}) // which refuses
			})
	})
	r := s.Post(s.User("jamaica", "student"), "/forgetful/again", nil).Want(http.StatusInternalServerError)
	if strings.Contains(string(r.Body), secret) {
		t.Errorf("a part that did not ask was shown: %s", r.Body)
	}
}

func TestARouteWithoutAPermissionDoesNotRegister(t *testing.T) {
	apitest.New(t, func(s *api.Server) {
		none := api.Route{Method: http.MethodPost, Path: "/api/v1/none", Summary: "none"}
		for kind, register := range map[string]func(){
			"Query": func() {
				api.Query(s, none, func(context.Context, *api.Call, *struct{}) (*said, error) { return nil, nil })
			},
			"Direct": func() {
				api.Direct(s, none, func(context.Context, *api.Call, *struct{}) (*said, error) { return nil, nil })
			},
			"Command": func() {
				api.Command(s, none, func(context.Context, *api.Call, *tenants.Tx, *struct{}) (*said, error) { return nil, nil })
			},
			"Page": func() { api.Page(s, none, func(context.Context, *api.Call, *fiber.Ctx) error { return nil }) },
			"Form": func() {
				api.Form(s, none, func(context.Context, *api.Call, *tenants.Tx, *fiber.Ctx) (string, error) { return "", nil })
			},
			"Bare": func() { api.Bare(s, none, func(*fiber.Ctx) error { return nil }) },
		} {
			if !panics(register) {
				t.Errorf("%s took a route without a permission", kind)
			}
		}
	})
}

// Bare has no call that could ask, and so nothing to ask about.
func TestABareRouteIsPublic(t *testing.T) {
	apitest.New(t, func(s *api.Server) {
		for _, p := range policy.Catalogue() {
			if !panics(func() {
				api.Bare(s, api.Route{Path: "/bare/" + p.Name(), Permission: p, Summary: "bare"}, func(*fiber.Ctx) error { return nil })
			}) {
				t.Errorf("Bare took a route with the permission %s", p.Name())
			}
		}
		if panics(func() {
			api.Bare(s, api.Route{Path: "/bare/public", Permission: policy.Public("a test"), Summary: "bare"}, func(*fiber.Ctx) error { return nil })
		}) {
			t.Error("Bare refused a public route")
		}
	})
}

func panics(fn func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	fn()
	return false
}
