package growth

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/domain/identity"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// Person is somebody who asks. Tokens are made as if they had signed in a moment ago.
type Person struct {
	Role, Login string // Login is the tenant's, in the database
	name        string
	id          uuid.UUID
	school      *uuid.UUID
	keys        *identity.KeyRing
	made        time.Time
	access      string
}

// Token is what the person sends to an issuer.
func (p *Person) Token(issuer string) (string, error) {
	if time.Since(p.made) < 5*time.Minute {
		return p.access, nil
	}
	t, err := p.keys.Issue(identity.SignedIn{SessionID: audit.NewID(), UserID: p.id, UserName: p.name, Roles: []string{p.Role}, SchoolID: p.school, SessionVersion: 1, SecondFactor: true},
		issuer, time.Now().UTC())
	if err != nil {
		return "", err
	}
	p.made, p.access = time.Now(), t.Access
	return p.access, nil
}

// Ask is one address, and what it is of: the same name in two tenants is the same page.
type Ask struct {
	Role, Name, Slug, Path string
	Who                    *Person
}

// who asks, by the names that Load gives.
var who = map[string]string{"student": "student1", "guardian": "guardian1", "teacher": "teacher2", "coach": "coach1", "school_administrator": "head2",
	"ministry_official": "official1", "tenant_administrator": "ruler1"}

// filters are the forms and parameters that no link leads to. {…} is a thing of the tenant; {day}, {from} and {to} are of its calendar.
var filters = []string{
	"/people?q=a", "/people?q=s", "/people?q=sm", "/people?q=young", "/people?q=marcus%20gr", "/people?q=student4", "/people?q=nobody", "/people?role=student", "/people?role=teacher", "/people?role=coach",
	"/people?role=ministry_official", "/people?role=nothing", "/people?state=suspended", "/people?state=active", "/people?state=card", "/people?role=student&state=suspended", "/people?role=teacher&state=suspended", "/people?role=teacher&state=card",
	"/people?q=s&role=teacher", "/people?q=w&state=suspended", "/people?q=teacher&role=coach",
	"/api/v1/users?school={school}", "/api/v1/users?class={class}", "/api/v1/users?q=b&school={school}", "/api/v1/users?no_password=true&role=student",
	"/figures?by=region", "/figures?by=school", "/figures?by=school&first={first}&last={last}", "/figures?from={from}&to={to}",
	"/api/v1/insight/attendance?by=day&from={from}&to={to}", "/api/v1/insight/attendance?by=region&from={from}&to={to}", "/api/v1/insight/attendance?by=school&from={from}&to={to}", "/api/v1/insight/attendance?by=school",
	"/api/v1/insight/active-users?from={from}&to={to}", "/api/v1/insight/pass-rates?by=subject&from={from}&to={to}", "/api/v1/insight/pass-rates?by=region&from={from}&to={to}", "/api/v1/insight/pass-rates?by=school&from={from}&to={to}",
	"/audit?action=class.register", "/audit?action=sign_in.done", "/audit?action=user.cards", "/audit?action=role.change", "/audit?actor={teacher}", "/audit?actor={learner}", "/audit?actor=teacher1", "/audit?from={day}&to={day}", "/audit?from={from}&to={from}",
	"/audit?action=user.cards&from={from}&to={to}", "/audit?actor={teacher}&action=user.cards", "/audit?actor={learner}&action=class.register", "/audit?actor={learner}&action=role.change",
	"/api/v1/audit?outcome=refused", "/api/v1/audit?outcome=done", "/api/v1/audit?outcome=refused&action=attempt.answer", "/api/v1/audit?outcome=done&action=sign_in.failed", "/api/v1/audit?action=sign_in.", "/api/v1/audit?action=user.", "/api/v1/audit?action=reset.",
	"/api/v1/audit?object_kind=class", "/api/v1/audit?object_kind=nothing", "/api/v1/audit?object={learner}", "/api/v1/audit?object={nothing}", "/api/v1/audit?object_kind=user&object={learner}", "/api/v1/audit?object_kind=attempt&action=progress.record", "/api/v1/audit?object_kind=class&outcome=refused",
	"/api/v1/audit?from={day}T00:00:00Z&to={day}T12:00:00Z", "/api/v1/audit?to={from}T12:00:00Z", "/api/v1/audit?actor={learner}&outcome=refused", "/api/v1/audit?outcome=refused&to={from}T12:00:00Z", "/api/v1/audit?object_kind=class&to={from}T12:00:00Z", "/api/v1/audit?outcome=refused&actor={teacher}",
	"/api/v1/audit?action=sign_in.&outcome=done&to={from}T12:00:00Z", "/api/v1/audit?actor={nothing}",
	"/classes/manage?q=form", "/classes/manage?q=zzz", "/classes/manage?show=all", "/classes/manage?show=past", "/learners?show=behind", "/learners?class={class}", "/schools?q=school%201", "/schools?q=zzz", "/schools?region=Region%203", "/resets?waiting=true", "/terms?show=all", "/api/v1/terms?from={to}",
	"/classes?q=zzz", "/classes/manage/{class}/place?q=s", "/classes/manage/{class}/place?grade=7", "/classes/manage/{class}/place?q=s&school={school}",
	"/api/v1/classes?q=form", "/api/v1/classes?q=zzz", "/api/v1/classes?open=true", "/api/v1/classes?coaching=true", "/api/v1/classes?mine=true", "/api/v1/classes?all=true", "/api/v1/classes?subject=Mathematics", "/api/v1/learners?behind=true", "/api/v1/schools?region=Region%203",
	"/people?q=s&role=student", "/people?q=teacher&role=student", "/people?q=ma&state=active", "/people?q=marcus%20gr&role=teacher", "/people?q=student4&role=guardian", "/people?q=s&state=suspended", "/people?q=s&role=student&state=suspended", "/people?q=s&state=card",
	"/api/v1/insight/attendance?by=school&order=lowest", "/api/v1/insight/attendance?by=school&order=lowest&from={from}&to={to}", "/api/v1/insight/attendance?by=school&region=Region%203&from={from}&to={to}",
	"/api/v1/insight/pass-rates?by=school&order=lowest", "/api/v1/insight/pass-rates?by=school&order=lowest&from={from}&to={to}", "/api/v1/insight/pass-rates?by=school&order=lowest&region=Region%203&from={from}&to={to}",
	"/figures?by=school&order=lowest", "/figures?by=school&order=lowest&first={first}&last={last}", "/figures?by=school&region=Region%203",
	"/api/v1/schools?q=school", "/api/v1/schools?q=s7", "/api/v1/schools?open=true", "/api/v1/classes/{class}/candidates?grade=7", "/api/v1/classes/{class}/candidates?grade=13", "/api/v1/classes/{class}/candidates?q=s", "/classes/manage/{class}/place?grade=8&school={school}", "/classes/manage/{class}/place?school_typed=School%202",
	"/api/v1/leaderboard?scope=tenant", "/api/v1/leaderboard?scope=school", "/api/v1/leaderboard?scope=tenant&period={month}", "/api/v1/leaderboard?class={class}", "/api/v1/reset-requests?waiting=true", "/api/v1/learners/search?q=marcus&reason=checking%20a%20complaint",
	"/records?q=marcus&reason=checking+a+complaint",
}

// Finder finds what can be asked for in a tenant.
type Finder struct {
	Tenant *tenants.Tenant
	DB     *tenants.DB
	Routes []api.Route
	Get    func(context.Context, Ask) (status int, body []byte, err error)

	people map[string]*Person
	things map[string]string
	found  map[string]Ask
}

// Asks returns by name what each role can ask for: every page and list there is, every page that a link leads to from their home, and the
// filters above. Only what is answered with 200 counts. It also gives the routes that answered nobody so, and what failed.
func (f *Finder) Asks(ctx context.Context) (found map[string]Ask, silent, failed []string, err error) {
	f.found, f.things, f.people = map[string]Ask{}, map[string]string{}, map[string]*Person{}
	if err := f.lookUp(ctx); err != nil {
		return nil, nil, nil, err
	}
	var paths []string
	for _, rt := range f.Routes {
		if _, public := rt.Permission.IsPublic(); rt.Method == http.MethodGet && (public || rt.Permission.In(policy.Tenant)) {
			paths = append(paths, rt.Path)
			if strings.Contains(rt.Path, "{attempt}") { // one that is handed in, and one under way
				paths = append(paths, strings.ReplaceAll(rt.Path, "{attempt}", "{open}"))
			}
		}
	}
	answered := map[string]bool{}
	for _, p := range f.people {
		if err := f.follow(ctx, p, &failed); err != nil {
			return nil, nil, nil, err
		}
		for i, name := range slices.Concat(paths, filters) {
			path := name
			for thing, v := range f.things {
				path = strings.ReplaceAll(path, "{"+thing+"}", v)
			}
			if strings.Contains(path, "{") {
				continue
			}
			status, _, err := f.try(ctx, p, name, path, &failed)
			if err != nil {
				return nil, nil, nil, err
			}
			if i < len(paths) && status == http.StatusOK {
				answered[name] = true
			}
		}
	}
	for _, path := range paths {
		if !answered[path] {
			silent = append(silent, path)
		}
	}
	slices.Sort(failed)
	return f.found, silent, failed, nil
}

// follow goes where links lead from somebody's home.
func (f *Finder) follow(ctx context.Context, p *Person, failed *[]string) error {
	seen, next := map[string]bool{}, []string{"/home"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		name := nameOf(path)
		if seen[name] {
			continue
		}
		seen[name] = true
		_, body, err := f.try(ctx, p, name, path, failed)
		if err != nil {
			return err
		}
		if ids.MatchString(path) { // of whatever thing comes first: asked for by its route, of one that is alike in both tenants
			delete(f.found, p.Role+" "+name)
		}
		for _, m := range links.FindAllStringSubmatch(string(body), -1) {
			if link := html.UnescapeString(m[1]); strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") && !strings.HasPrefix(link, "/static/") && !strings.HasPrefix(link, "/assets/") && !strings.HasPrefix(link, "/sign-out") {
				link, _, _ = strings.Cut(link, "#")
				next = append(next, link)
			}
		}
	}
	return nil
}

// lookUp finds a person of each role and one thing of each kind.
func (f *Finder) lookUp(ctx context.Context) error {
	return f.DB.ReadFresh(ctx, func(r *tenants.Reader) error {
		keys, err := identity.LoadKeys(ctx, r, f.DB.Vault(), f.Tenant.Slug)
		if err != nil {
			return err
		}
		for role, name := range who {
			p := &Person{Login: f.Tenant.LoginRole, Role: role, name: name, keys: keys}
			if err := r.QueryRow(ctx, "SELECT id, school_id FROM users WHERE user_name_key = $1::text", name).Scan(&p.id, &p.school); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			f.people[role] = p
		}
		for name, sql := range things {
			var v string
			if err := r.QueryRow(ctx, sql).Scan(&v); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			f.things[name] = v
		}
		today := f.Tenant.Today(time.Now().UTC())
		last := today.AddDate(0, 0, -today.Day())
		first := last.AddDate(0, 0, 1).AddDate(0, -6, 0)
		f.things["day"], f.things["nothing"], f.things["month"], f.things["role"] = last.Format(time.DateOnly), uuid.Max.String(), today.Format("2006-01"), "teacher"
		f.things["from"], f.things["to"], f.things["first"], f.things["last"] = first.Format(time.DateOnly), last.Format(time.DateOnly), first.Format("2006-01"), last.Format("2006-01")
		return nil
	})
}

const first = " FROM users u WHERE u.user_name_key = 'student1'"

var things = map[string]string{"learner": "SELECT u.id::text" + first, "user": "SELECT u.id::text" + first, "teacher": "SELECT id::text FROM users WHERE user_name_key = 'teacher1'",
	"child": "SELECT learner_id::text FROM guardianships g JOIN users u ON u.id = g.guardian_id WHERE u.user_name_key = 'guardian1'", "school": "SELECT u.school_id::text" + first,
	"class": "SELECT class_id::text FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE u.user_name_key = 'student1' ORDER BY class_id LIMIT 1", "course": "SELECT o.slug FROM classes c JOIN courses o ON o.id = c.course_id LIMIT 1",
	"lesson": "SELECT l.slug FROM lessons l JOIN classes c ON c.course_id = l.course_id ORDER BY l.position LIMIT 1", "test": "SELECT test_id::text FROM attempts LIMIT 1",
	"attempt": "SELECT a.id::text FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name_key = 'student1' AND a.state = 'marked' LIMIT 1",
	"open":    "SELECT a.id::text FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name_key = 'student1' AND a.state = 'open'",
	"entry":   "SELECT id::text FROM audit_entries ORDER BY id DESC LIMIT 1", "request": "SELECT id::text FROM reset_requests ORDER BY id LIMIT 1",
	"upload": "SELECT o.id::text FROM uploads o JOIN users u ON u.id = o.owner_id WHERE u.user_name_key = 'teacher2' LIMIT 1",
	"run":    "SELECT id::text FROM roster_runs ORDER BY id LIMIT 1",
	"number": "SELECT number FROM gate.own_bills('', 1)",
	"term":   "SELECT id::text FROM terms ORDER BY starts_on LIMIT 1"}

// try asks once, and keeps what is answered well.
func (f *Finder) try(ctx context.Context, p *Person, name, path string, failed *[]string) (int, []byte, error) {
	a := Ask{Role: p.Role, Name: name, Slug: f.Tenant.Slug, Path: path, Who: p}
	status, body, err := f.Get(ctx, a)
	if err != nil {
		return 0, nil, err
	}
	if status == http.StatusOK {
		f.found[p.Role+" "+name] = a
	} else if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
		*failed = append(*failed, fmt.Sprintf("%s, %s: %s answers %d: %.200s", f.Tenant.Slug, p.Role, path, status, body))
	}
	return status, body, nil
}

var (
	links = regexp.MustCompile(`href="([^"]*)"`)
	ids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// nameOf is the same for the same page of other things.
func nameOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	name := ids.ReplaceAllString(u.Path, "{id}")
	var keys []string
	for k := range u.Query() {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if len(keys) > 0 {
		name += "?" + strings.Join(keys, "&")
	}
	return name
}
