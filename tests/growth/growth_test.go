package growth_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
	"lignum/api/console"
	peopleapi "lignum/api/people"
	"lignum/api/portal"
	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/bills"
	"lignum/tests/growth"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// Three learners, and a hundred times as many: more schools and teachers than a list has room for.
var countries = []growth.Country{{Slug: "jamaica", Learners: 3, Schools: 3, Entries: 2_000}, {Slug: "bahamas", Learners: 300, Schools: 60, Entries: 20_000}}

// planted is a page that asks for each school on its own, as no page may.
const planted = "/planted"

func plant(s *api.Server) {
	api.Page(s, api.Route{Path: planted, Permission: policy.ClassRead, Summary: "Asks for every school on its own"}, func(ctx context.Context, c *api.Call, fc *fiber.Ctx) error {
		list, err := peopleapi.ListSchools(ctx, c, peopleapi.SchoolFilter{}, api.Paging{})
		if err != nil {
			return err
		}
		for _, one := range list.Items {
			if _, err := peopleapi.SchoolPage(ctx, c, one.ID); err != nil {
				return err
			}
		}
		return fc.SendString("done")
	})
}

// leadOn are those that answer nobody who is signed in, or with another's attempt alone: they lead on, and read nothing. A file is one row by its key, and no more of them, and so is what its owner alone asked for; the link that stops e-mail is good by its signature alone, and reads nothing.
var leadOn = []string{"/", "/api/v1/attempts/{open}", "/sign-in", "/assets/{hash}/{file}", "/files/{file}", "/api/v1/exports/{export}", "/exports/{export}/file", "/logo/{hash}", "/mail/stop", "/courses/{course}/lessons/{lesson}/pictures/{picture}", "/packages/{package}", "/api/v1/attempts/{attempt}/paper", "/attempts/{attempt}", "/attempts/{attempt}/hand-in", "/attempts/{open}/result"}

type walk struct {
	*apitest.Server
	finder *growth.Finder
	found  map[string]growth.Ask
	silent []string
	sent   map[string]int64 // statements
}

func (w *walk) get(ctx context.Context, a growth.Ask) (int, []byte, error) {
	token, err := a.Who.Token(w.URL(a.Slug))
	if err != nil {
		return 0, nil, err
	}
	r := w.Send(apitest.User{Slug: a.Slug, Token: token}, http.MethodGet, w.URL(a.Slug)+a.Path, nil, "Accept", "text/html, application/json")
	return r.Status, r.Body, ctx.Err()
}

// statements asks once and counts; others may send something at the same time, so that more is counted now and then, never less.
func (w *walk) statements(ctx context.Context, a growth.Ask) (int64, error) {
	realm := w.finder.Tenant.Realm()
	before := w.Store.Statements(realm)
	_, _, err := w.get(ctx, a)
	return w.Store.Statements(realm) - before, err
}

// all finds what can be asked for, and counts what each sends.
func (w *walk) all(ctx context.Context) (err error) {
	var failed []string
	if w.found, w.silent, failed, err = w.finder.Asks(ctx); err != nil {
		return err
	}
	if len(failed) > 0 {
		return fmt.Errorf("%s", strings.Join(failed, "\n"))
	}
	w.sent = map[string]int64{}
	for name, a := range w.found {
		if w.sent[name], err = w.statements(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// Every page and list of each role sends as many statements for three hundred learners as for three.
func TestPagesSendAsManyStatementsForManyAsForFew(t *testing.T) {
	s := apitest.New(t, portal.Register, console.Register, plant)
	conn := s.Direct(t)
	var walks []*walk
	for _, c := range countries {
		tenant := s.Tenant(c.Slug)
		db := s.DB(c.Slug)
		if err := growth.Courses(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if err := c.Load(t.Context(), db, conn, tenant, func(string) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := bills.Bill(t.Context(), s.DB(""), s.Actor, tenant.Slug, 1+c.Learners/100, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := identity.EnsureKeys(t.Context(), db, time.Now().UTC()); err != nil {
			t.Fatal(err)
		}
		lim := tenant.Limits
		lim.ReadsPerSec, lim.WritesPerSec = 1<<40, 1<<40
		s.Write("", func(tx *tenants.Tx) error {
			_, err := tenants.SetPlan(t.Context(), tx, tenant.Slug, tenant.Plan, &lim, audit.Entry{Action: "test.setup"})
			return err
		})
		w := &walk{Server: s}
		w.finder = &growth.Finder{Tenant: tenant, DB: db, Routes: s.API.Routes(), Get: w.get}
		walks = append(walks, w)
	}
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for _, w := range walks {
		both.Go(func() {
			if err := w.all(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	few, many := walks[0], walks[1]
	compared, grew := 0, []string{}
	for _, name := range slices.Sorted(maps.Keys(few.found)) {
		a, there := many.found[name]
		if !there {
			continue
		}
		compared++
		for range 5 { // a count is too high where something else was sent meanwhile, never too low
			if few.sent[name] == many.sent[name] {
				break
			}
			for _, of := range []struct {
				w   *walk
				ask growth.Ask
			}{{few, few.found[name]}, {many, a}} {
				n, err := of.w.statements(t.Context(), of.ask)
				if err != nil {
					t.Fatal(err)
				}
				of.w.sent[name] = min(of.w.sent[name], n)
			}
		}
		switch {
		case few.sent[name] == many.sent[name]:
		case strings.HasSuffix(name, " "+planted):
			grew = append(grew, name)
		default:
			t.Errorf("%s sends %d statements for few, %d for many", name, few.sent[name], many.sent[name])
		}
	}
	if few.silent = slices.DeleteFunc(few.silent, func(path string) bool { return slices.Contains(leadOn, path) }); len(few.silent) > 0 {
		t.Errorf("nobody was answered at %v", few.silent)
	}
	if compared < 300 {
		t.Errorf("only %d pages and lists were compared", compared)
	}
	if len(grew) == 0 {
		t.Error("the planted page sends more for more schools, and was not noticed")
	}
	t.Logf("%d pages and lists", compared)
}
