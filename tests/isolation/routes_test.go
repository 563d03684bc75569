package isolation

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/api/console"
	"lignum/api/portal"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

// public is every route that needs no permission. A new one must be put here by somebody who thought about it.
var public = []string{
	"GET /.well-known/jwks.json", "GET /livez", "GET /readyz", "GET /openapi.json", "GET /reference",
	"GET /", "GET /sign-in", "POST /sign-in", "GET /card", "POST /card", "GET /privacy", "GET /assets/{hash}/{file}", "GET /logo/{hash}", "GET /files/{file}",
	"POST /api/v1/sign-in", "POST /api/v1/sign-in/card", "POST /api/v1/sign-in/forgotten", "GET /forgotten", "POST /forgotten", "GET /mail/stop", "POST /mail/stop", "POST /api/v1/token/refresh",
}

// walker sends requests to every route.
type walker struct {
	*apitest.Server
	t   *testing.T
	doc document
}

func newWalker(t *testing.T) *walker {
	w := &walker{Server: apitest.New(t, portal.Register, console.Register), t: t}
	w.Get(apitest.Anonymous("jamaica"), "/openapi.json").Into(&w.doc)
	return w
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// send asks for a route of a realm ("" is the platform) with every identifier in path and body being id.
func (w *walker) send(u apitest.User, slug string, rt api.Route, id string) *apitest.Response {
	w.t.Helper()
	path := parameter.ReplaceAllStringFunc(rt.Path, func(name string) string {
		if slices.Contains([]string{"{tenant}", "{slug}", "{realm}"}, name) {
			return "bahamas"
		}
		return id
	})
	body, ok := w.doc.body(rt.Method, rt.Path, id)
	var send any
	headers := []string{"Accept", "*/*"}
	if ok {
		send = body
	} else if rt.Method != http.MethodGet && rt.Page {
		send = "id=" + id + "&reason=a+reason+that+is+long+enough"
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	}
	res := w.Send(u, rt.Method, w.URL(slug)+path, send, headers...)
	for range 20 { // strangers are slowed down: ask again, to hear what the route itself says
		if res.Status != http.StatusTooManyRequests {
			break
		}
		time.Sleep(200 * time.Millisecond)
		res = w.Send(u, rt.Method, w.URL(slug)+path, send, headers...)
	}
	return res
}

// realms are where a route means something; a route of both is walked in both.
func realms(rt api.Route) []string {
	var list []string
	if rt.Permission.In(policy.Tenant) {
		list = append(list, "jamaica")
	}
	if rt.Permission.In(policy.Platform) {
		list = append(list, "")
	}
	return list
}

// refused tells whether an answer lets nobody in: an error, or for a page the way to the sign-in page.
func refused(res *apitest.Response, rt api.Route, statuses ...int) bool {
	if slices.Contains(statuses, res.Status) {
		return true
	}
	return rt.Page && slices.Contains(statuses, http.StatusUnauthorized) && res.Status == http.StatusSeeOther && strings.HasPrefix(res.Header.Get("Location"), "/sign-in")
}

func TestEveryRouteIsGuarded(t *testing.T) {
	w := newWalker(t)
	rules := map[string]*policy.Enforcer{}
	for slug, kind := range map[string]policy.RealmKind{"jamaica": policy.Tenant, "": policy.Platform} {
		name := slug
		if slug == "" {
			name = policy.PlatformRealm
		}
		e, err := policy.NewEnforcer(name, 1, policy.DefaultRules(kind, name))
		if err != nil {
			t.Fatal(err)
		}
		rules[slug] = e
	}
	people := map[string]map[string]apitest.User{"jamaica": {}, "bahamas": {}, "": {}}
	for slug, byRole := range people {
		kind := policy.Tenant
		if slug == "" {
			kind = policy.Platform
		}
		for _, role := range policy.SystemRoles(kind) {
			byRole[role] = w.User(slug, role)
		}
	}
	foreigners := map[string]apitest.User{"jamaica": people["bahamas"]["tenant_administrator"], "": people["jamaica"]["tenant_administrator"]}
	walked := 0
	for _, rt := range w.API.Routes() {
		name := rt.Method + " " + rt.Path
		if _, ok := rt.Permission.IsPublic(); ok {
			if !slices.Contains(public, name) {
				t.Errorf("%s is public, and nobody has put it on the list of public routes", name)
			}
			continue
		}
		for _, slug := range realms(rt) {
			walked++
			id := uuid.NewString()
			if res := w.send(apitest.Anonymous(slug), slug, rt, id); !refused(res, rt, http.StatusUnauthorized) {
				t.Errorf("%s at %q without a token: %d %.200s", name, slug, res.Status, res.Body)
			}
			if res := w.send(foreigners[slug], slug, rt, id); !refused(res, rt, http.StatusUnauthorized) {
				t.Errorf("%s at %q with another realm's token: %d %.200s", name, slug, res.Status, res.Body)
			}
			for role, user := range people[slug] {
				if rules[slug].Allows([]string{role}, rt.Permission) {
					continue
				}
				res := w.send(user, slug, rt, id)
				says := rt.Permission.Name()
				if rt.Page { // a person reads plain words
					says = "Your account does not open this."
				}
				if res.Status != http.StatusForbidden || !strings.Contains(string(res.Body), says) {
					t.Errorf("%s at %q as %s, which lacks %s: %d %.300s", name, slug, role, rt.Permission.Name(), res.Status, res.Body)
				}
			}
		}
	}
	if walked < 60 {
		t.Errorf("only %d routes were walked", walked)
	}
	t.Logf("%d guarded routes walked, %d public", walked, len(public))
	var entries int
	err := w.Direct(t).QueryRow(t.Context(), `SELECT count(*) FROM tenant_jamaica.audit_entries WHERE action = 'token.foreign' AND outcome = 'refused' AND actor_realm = 'bahamas'`).Scan(&entries)
	if err != nil || entries == 0 {
		t.Errorf("the foreign token left %d entries in Jamaica's trail, %v", entries, err)
	}
}

// Jamaica's most powerful people ask every route for things of The Bahamas, by their real ids. Nothing is shown, nothing changes.
func TestForeignIdsReachNothing(t *testing.T) {
	w := newWalker(t)
	ctx := t.Context()
	secret := plant(t, w.World)
	room := school.NewRoom(t, w.DB("bahamas"), 2, 2)
	w.Write("bahamas", func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE classes SET title = $1::text`, secret)
		return err
	})
	w.Write("bahamas", func(tx *tenants.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET family_name = $1::text`, secret)
		return err
	})
	entry := audit.NewID()
	w.Exec("bahamas", `INSERT INTO audit_entries (id, action, reason) VALUES ($1::uuid, 'x', $2::text)`, entry.String(), secret)
	attackers := []apitest.User{w.User("jamaica", "tenant_administrator"), w.User("jamaica", "student"), w.User("jamaica", "teacher"), w.User("jamaica", "ministry_official")}
	day := time.Now().UTC()
	term := school.Terms(t, w.DB("bahamas"), school.Term{Title: secret, From: day, To: day.AddDate(0, 3, 0)})[0]
	run := school.Roster(t, w.DB("bahamas"), room.Learners[0], secret+".csv", `{"dry_run": true, "files": [{"name": "`+secret+`", "kind": "users"}]}`, school.RosterProblem{Line: 2, Field: secret, Reason: secret})
	ids := []string{room.Class.String(), room.Lessons[0].String(), room.Learners[0].String(), term.String(), entry.String(), run.String()}
	// what somebody there was told, was written by mail, uploads, has, and asked for; and a job
	owner := room.Learners[0].String()
	for _, sql := range []string{
		`INSERT INTO notices (id, user_id, kind, params, created_at) VALUES ($1::uuid, $2::uuid, 'class_removed', jsonb_build_object('class', $3::text), now())`,
		`INSERT INTO mails (id, user_id, address, kind, language, state, queued, fault, created_at, until, changed_at) VALUES ($1::uuid, $2::uuid, 'a@example.org', 'digest', 'en', 'failed', true, $3::text, now(), now() + interval '1 day', now())`,
		`INSERT INTO files (id, purpose, state, sha256, content_type, size, width, height, name, owner_id, created_at) VALUES ($1::uuid, 'general', 'stored', repeat('a', 64), 'text/plain', 1, 0, 0, $3::text, $2::uuid, now())`,
		`INSERT INTO uploads (id, owner_id, purpose, name, size, sha256, state, created_at, expires_at, hash) VALUES ($1::uuid, $2::uuid, 'general', $3::text, 1, '', 'open', now(), now() + interval '1 day', '')`,
		`INSERT INTO exports (id, kind, format, asked, reach, state, owner_id, created_at) VALUES ($1::uuid, 'people', 'csv', jsonb_build_object('q', $3::text), '', 'failed', $2::uuid, now())`,
	} {
		id := audit.NewID().String()
		w.Exec("bahamas", sql, id, owner, secret)
		ids = append(ids, id)
	}
	w.Exec("bahamas", `SELECT gate.queue_jobs('roster.check', ARRAY['x'], now() + interval '1 hour', NULL)`)
	ids = append(ids, w.Text("bahamas", `SELECT max(id)::text FROM gate.list_jobs(NULL, 'roster.check', '{}', NULL, 1)`))
	before := fingerprint(t, w)
	asked := 0
	for _, rt := range w.API.Routes() {
		if _, public := rt.Permission.IsPublic(); public || !rt.Permission.In(policy.Tenant) || rt.Permission == policy.SessionEnd {
			continue
		}
		for _, u := range attackers {
			for _, id := range ids {
				asked++
				res := w.send(u, "jamaica", rt, id)
				if strings.Contains(string(res.Body), secret) {
					t.Errorf("%s %s as %v shows The Bahamas' data: %.300s", rt.Method, rt.Path, u.Roles, res.Body)
				}
				if res.Status >= 500 {
					t.Errorf("%s %s as %v: %d %.300s", rt.Method, rt.Path, u.Roles, res.Status, res.Body)
				}
				inPath := parameter.MatchString(rt.Path)
				if inPath && res.Status < 300 && rt.Method != http.MethodGet {
					t.Errorf("%s %s as %v with a foreign id succeeds: %d %.300s", rt.Method, rt.Path, u.Roles, res.Status, res.Body)
				}
				if !inPath {
					break
				}
			}
		}
	}
	if after := fingerprint(t, w); after != before {
		t.Errorf("The Bahamas have changed:\n%s\n%s", before, after)
	}
	t.Logf("%d requests with foreign ids", asked)
}

// fingerprint counts and hashes every table of The Bahamas.
func fingerprint(t *testing.T, w *walker) string {
	t.Helper()
	conn := w.Direct(t)
	rows, err := conn.Query(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = 'tenant_bahamas' AND table_type = 'BASE TABLE' ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 20 {
		t.Fatalf("%d tables, %v", len(names), err)
	}
	text := ""
	for _, name := range names {
		if name == "signing_keys" || name == "audit_texts" || name == "audit_actors" {
			continue // made when the realm is first asked; and what the entries have apart, which their commitments tell
		}
		table := pgx.Identifier{"tenant_bahamas", name}.Sanitize()
		where := ""
		if name == "audit_entries" {
			where = ` WHERE action NOT IN ('signing_key.create', 'request.anonymous_refused')`
		}
		var n int
		var hash string
		err := conn.QueryRow(t.Context(), `SELECT count(*), coalesce(md5(string_agg(x::text, '|' ORDER BY x::text)), '') FROM `+table+` x`+where).Scan(&n, &hash)
		if err != nil {
			t.Fatal(err)
		}
		text += fmt.Sprintf("%s %d %s; ", name, n, hash)
	}
	var jobs string
	if err := conn.QueryRow(t.Context(), `SELECT coalesce(string_agg(id || ' ' || kind || ' ' || state || ' ' || scheduled_at, '; ' ORDER BY id), '') FROM jobs.river_job WHERE args ->> 'tenant' = 'bahamas'`).Scan(&jobs); err != nil {
		t.Fatal(err)
	}
	return text + jobs
}
