package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"lignum/domain"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/limits"
)

// Route is the only way onto the server: every path, of the API and of the pages, is declared by one. It carries the
// permission that it needs; a Route without one does not register.
type Route struct {
	Method     string
	Path       string // "/api/v1/classes/{class}"
	Permission policy.Permission
	Parts      []policy.Permission // what a page shows or asks beyond its own: the permissions that Under may give
	Quota      limits.Class        // zero: Read for GET, Write for the rest
	Summary    string              // one line for the reference
	Detail     string              // Markdown for the reference
	Tag        string              // section of the reference
	Body       int                 // most bytes of a body; 0: 64 KB, or 16 KB where nobody need be signed in. GET takes none
	Takes      []string            // media types of a body that the handler itself reads as it comes (Call.Upload), for the reference; nil: the pipeline reads it
	Status     int                 // of success; 0: 200
	ShownOnce  bool                // the answer holds a secret: an idempotency key stores none of it
	Page       bool                // HTML for a browser: an anonymous visitor is sent to the sign-in page

	mutating bool
}

const (
	defaultBody  = 64 << 10
	strangerBody = 16 << 10
)

// Routes lists what is registered, for the test that walks every route.
func (s *Server) Routes() []Route { return s.routes }

func (s *Server) declare(rt *Route) {
	where := rt.Method + " " + rt.Path
	if rt.Permission.IsZero() {
		panic("route without a permission: " + where)
	}
	if rt.Quota == "" {
		rt.Quota = limits.Write
		if rt.Method == http.MethodGet {
			rt.Quota = limits.Read
		}
	}
	if rt.Body == 0 {
		rt.Body = defaultBody
		if _, public := rt.Permission.IsPublic(); public {
			rt.Body = strangerBody
		}
	}
	if rt.Status == 0 {
		rt.Status = http.StatusOK
	}
	rt.mutating = rt.Method != http.MethodGet
	s.routes = append(s.routes, *rt)
}

// answer is what huma documents and writes: a JSON body.
type answer[O any] struct {
	Status int
	Body   *O
}

// Query registers a reading API route. The handler must ask Permit (or Scope) before it answers; one that forgets
// answers 500 and nothing else.
func Query[I, O any](s *Server, rt Route, handle func(ctx context.Context, c *Call, in *I) (*O, error)) {
	if rt.Method == "" {
		rt.Method = http.MethodGet
	}
	register(s, rt, handle)
}

// Direct registers a mutating API route whose handler brings its own transactions: the hot paths, which write and
// audit in one round trip, and those that must write although they fail, as a refused sign-in must.
func Direct[I, O any](s *Server, rt Route, handle func(ctx context.Context, c *Call, in *I) (*O, error)) {
	register(s, rt, handle)
}

// Command registers a mutating API route. The handler runs in one transaction of the realm, which is committed when it
// gives no error, asked Permit and recorded an audit entry. With an Idempotency-Key the answer is stored in the same
// transaction, and given again for the same key and body.
func Command[I, O any](s *Server, rt Route, handle func(ctx context.Context, c *Call, tx *tenants.Tx, in *I) (*O, error)) {
	register(s, rt, func(ctx context.Context, c *Call, in *I) (*O, error) {
		return inTransaction(ctx, c, func(tx *tenants.Tx) (*O, error) { return handle(ctx, c, tx, in) })
	})
}

func register[I, O any](s *Server, rt Route, handle func(ctx context.Context, c *Call, in *I) (*O, error)) {
	s.declare(&rt)
	op := huma.Operation{
		OperationID: operationID(&rt), Method: rt.Method, Path: rt.Path, Summary: rt.Summary, Description: rt.Detail, Tags: []string{rt.Tag},
		DefaultStatus: rt.Status, MaxBodyBytes: int64(rt.Body) + 1, BodyReadTimeout: -1,
		Errors:     []int{400, 401, 403, 404, 409, 413, 422, 429, 503},
		Extensions: map[string]any{"x-permission": rt.Permission.Name(), "x-quota": string(rt.Quota)},
	}
	if len(rt.Takes) > 0 {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, kind := range rt.Takes {
			op.RequestBody.Content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		}
	}
	if _, public := rt.Permission.IsPublic(); public {
		op.Security = []map[string][]string{{}}
	} else {
		op.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	op.Middlewares = huma.Middlewares{func(hc huma.Context, next func(huma.Context)) {
		fc := humafiber.Unwrap(hc)
		c, err := s.enter(fc, &rt)
		if err == nil {
			defer c.cancel()
			next(taken{huma.WithContext(hc, context.WithValue(c.ctx, callKey{}, c)), fc})
			s.leave(c)
			return
		}
		_ = s.refuse(fc, &rt, c, err)
	}}
	huma.Register(s.docs, op, func(ctx context.Context, in *I) (*answer[O], error) {
		c := ctx.Value(callKey{}).(*Call)
		out, err := handle(ctx, c, in)
		if err == nil {
			err = c.asked()
		}
		if err != nil {
			if forgot(err) {
				c.discard()
			}
			return nil, s.fail(c, err)
		}
		return &answer[O]{Status: rt.Status, Body: domain.In(out, c.Language)}, nil
	})
}

type callKey struct{}

func operationID(rt *Route) string {
	id := strings.ToLower(rt.Method) + strings.NewReplacer("/api/v1", "", "/", "-", "{", "", "}", "", ".", "-", "*", "").Replace(rt.Path)
	return strings.TrimRight(id, "-")
}

// Page registers an HTML page that reads. The handler must ask Permit.
func Page(s *Server, rt Route, handle func(ctx context.Context, c *Call, fc *fiber.Ctx) error) {
	rt.Page = true
	plainly(s, rt, handle)
}

// plainly registers a route whose handler writes the answer itself.
func plainly(s *Server, rt Route, handle func(ctx context.Context, c *Call, fc *fiber.Ctx) error) {
	if rt.Method == "" {
		rt.Method = http.MethodGet
	}
	s.declare(&rt)
	s.app.Add(rt.Method, fiberPath(rt.Path), func(fc *fiber.Ctx) error {
		c, err := s.enter(fc, &rt)
		if err != nil {
			return s.refuse(fc, &rt, c, err)
		}
		defer c.cancel()
		if rt.Page && rt.Method == http.MethodGet {
			c.countUnseen()
		}
		err = handle(c.ctx, c, fc)
		if err == nil {
			err = c.asked()
		}
		if err != nil {
			if forgot(err) {
				c.discard()
			}
			return s.refuse(fc, &rt, c, err)
		}
		s.leave(c)
		return nil
	})
}

// Form registers what a page's form is sent to: one transaction, as with Command, then the handler's answer, which is
// nearly always a redirect (303).
func Form(s *Server, rt Route, handle func(ctx context.Context, c *Call, tx *tenants.Tx, fc *fiber.Ctx) (redirect string, err error)) {
	if rt.Method == "" {
		rt.Method = http.MethodPost
	}
	Page(s, rt, func(ctx context.Context, c *Call, fc *fiber.Ctx) error {
		to, err := inTransaction(ctx, c, func(tx *tenants.Tx) (*string, error) {
			to, err := handle(ctx, c, tx, fc)
			return &to, err
		})
		if err != nil {
			return err
		}
		return fc.Redirect(*to, http.StatusSeeOther)
	})
}

func fiberPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// inTransaction runs fn in one transaction of the call's realm, with the idempotency key when there is one.
func inTransaction[O any](ctx context.Context, c *Call, fn func(tx *tenants.Tx) (*O, error)) (*O, error) {
	var out *O
	once, err := c.once()
	if err != nil {
		return nil, err
	}
	replayed := errors.New("replayed")
	err = c.DB.Write(ctx, c.Actor, func(tx *tenants.Tx) error {
		if once != nil {
			stored, found, err := once.Find(ctx, tx)
			if err != nil {
				return err
			}
			if found {
				if c.route.ShownOnce {
					return domain.Refuse(domain.Conflict, "api.this_was_done_already_its")
				}
				out = new(O)
				if err := json.Unmarshal([]byte(stored), out); err != nil {
					return fmt.Errorf("stored answer: %w", err)
				}
				c.permitted, c.replayed = true, true
				return replayed
			}
		}
		var err error
		if out, err = fn(tx); err != nil {
			return err
		}
		if once != nil {
			if c.route.ShownOnce {
				return once.Store(tx, c.route.Status, "")
			}
			raw, err := domain.JSON(out)
			if err != nil {
				return err
			}
			return once.Store(tx, c.route.Status, string(raw))
		}
		return nil
	})
	if err != nil && !errors.Is(err, replayed) {
		return nil, err
	}
	return out, nil
}

// once returns the request's idempotency key, or nil when it has none.
func (c *Call) once() (*tenants.Once, error) {
	key := c.fc.Get("Idempotency-Key")
	if key == "" || c.Actor.ID == [16]byte{} {
		return nil, nil
	}
	if len(key) > 200 {
		return nil, domain.InvalidField("header.Idempotency-Key", "api.must_have_at_most_200")
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", c.fc.Method(), c.fc.OriginalURL())
	h.Write(c.fc.Request().Body())
	return &tenants.Once{Actor: c.Actor.ID, Key: strings.Clone(key), Route: c.route.Method + " " + c.route.Path, BodyHash: h.Sum(nil), Now: time.Now().UTC()}, nil
}
