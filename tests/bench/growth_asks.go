package main

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
)

// growthPerson is somebody who asks. Tokens are made as if they had signed in a moment ago.
type growthPerson struct {
	slug, login, role, name string
	id                      uuid.UUID
	school                  *uuid.UUID
	keys                    *people.KeyRing
	made                    time.Time
	access                  string
}

func (p *growthPerson) token(issuer string) (string, error) {
	if time.Since(p.made) < 5*time.Minute {
		return p.access, nil
	}
	t, err := p.keys.Issue(people.SignedIn{SessionID: audit.NewID(), UserID: p.id, UserName: p.name, Roles: []string{p.role}, SchoolID: p.school, SessionVersion: 1, SecondFactor: true},
		issuer, time.Now().UTC())
	if err != nil {
		return "", err
	}
	p.made, p.access = time.Now(), t.Access
	return p.access, nil
}

// growthAsk is one address, and what it is of: the same name in both tenants is the same page.
type growthAsk struct {
	role, name, host, path string
	who                    *growthPerson
}

var growthRoles = []string{"student", "guardian", "teacher", "coach", "school_administrator", "ministry_official", "tenant_administrator"}

// growthFilters are the forms and parameters that no link leads to. {…} is a thing of the tenant; {day}, {from} and {to} are of its calendar.
var growthFilters = []string{
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
	"/classes/manage?q=form", "/classes/manage?q=zzz", "/classes/manage?show=all", "/classes/manage?show=past", "/learners?show=behind", "/learners?class={class}", "/schools?q=school%201", "/schools?q=zzz", "/schools?region=Region%203", "/resets?waiting=true",
	"/classes?q=zzz", "/classes/manage/{class}/place?q=s", "/classes/manage/{class}/place?grade=7", "/classes/manage/{class}/place?q=s&school={school}",
	"/api/v1/classes?q=form", "/api/v1/classes?q=zzz", "/api/v1/classes?open=true", "/api/v1/classes?coaching=true", "/api/v1/classes?mine=true", "/api/v1/classes?all=true", "/api/v1/classes?subject=Mathematics", "/api/v1/learners?behind=true", "/api/v1/schools?region=Region%203",
	"/api/v1/leaderboard?scope=tenant", "/api/v1/leaderboard?scope=school", "/api/v1/leaderboard?scope=tenant&period={month}", "/api/v1/leaderboard?class={class}", "/api/v1/reset-requests?waiting=true", "/api/v1/learners/search?q=marcus&reason=checking%20a%20complaint",
	"/records?q=marcus&reason=checking+a+complaint",
}

// asks finds what each role can ask for: every page that a link leads to from their home, every list of the reference, and the filters
// above. Only what is answered with 200 counts. All is asked in the small tenant; the large one answers for what is there.
func (g *growthBench) asks(ctx context.Context, c country, tell bool) (map[string]growthAsk, error) {
	t, err := g.registry.Tenant(c.slug)
	if err != nil {
		return nil, err
	}
	f := &growthFinder{growthBench: g, tenant: t, host: strings.TrimPrefix(g.issuer(c.slug), "http://"), found: map[string]growthAsk{}, things: map[string]string{}}
	if err := f.lookUp(ctx); err != nil {
		return nil, err
	}
	for _, role := range growthRoles {
		if err := f.role(ctx, role); err != nil {
			return nil, err
		}
	}
	if tell {
		g.say(fmt.Sprintf("  %d pages and lists of %d roles", len(f.found), len(growthRoles)))
	}
	return f.found, nil
}

type growthFinder struct {
	*growthBench
	tenant *tenants.Tenant
	host   string
	people map[string]*growthPerson
	things map[string]string
	lists  []string
	found  map[string]growthAsk
}

// lookUp finds a person of each role and one thing of each kind.
func (f *growthFinder) lookUp(ctx context.Context) error {
	f.people = map[string]*growthPerson{}
	return f.store.DB(f.tenant.Realm()).ReadFresh(ctx, func(r *tenants.Reader) error {
		keys, err := people.LoadKeys(ctx, r, f.vault, f.tenant.Slug)
		if err != nil {
			return err
		}
		for role, name := range map[string]string{"student": "student1", "guardian": "guardian1", "teacher": "teacher2", "coach": "coach1", "school_administrator": "head2",
			"ministry_official": "official1", "tenant_administrator": "ruler1"} {
			p := &growthPerson{slug: f.tenant.Slug, login: f.tenant.LoginRole, role: role, name: name, keys: keys}
			if err := r.QueryRow(ctx, "SELECT id, school_id FROM users WHERE user_name_key = $1::text", name).Scan(&p.id, &p.school); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			f.people[role] = p
		}
		for name, sql := range map[string]string{"learner": "SELECT id::text FROM users WHERE user_name_key = 'student1'", "user": "SELECT id::text FROM users WHERE user_name_key = 'student1'", "teacher": "SELECT id::text FROM users WHERE user_name_key = 'teacher1'",
			"child": "SELECT learner_id::text FROM guardianships g JOIN users u ON u.id = g.guardian_id WHERE u.user_name_key = 'guardian1'", "school": "SELECT school_id::text FROM users WHERE user_name_key = 'student1'",
			"class": "SELECT class_id::text FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE u.user_name_key = 'student1' ORDER BY class_id LIMIT 1", "course": "SELECT course_id::text FROM classes LIMIT 1",
			"lesson": "SELECT l.id::text FROM lessons l JOIN classes c ON c.course_id = l.course_id ORDER BY l.position LIMIT 1", "test": "SELECT test_id::text FROM attempts LIMIT 1",
			"attempt": "SELECT a.id::text FROM attempts a JOIN users u ON u.id = a.learner_id WHERE u.user_name_key = 'student1' LIMIT 1"} {
			var v string
			if err := r.QueryRow(ctx, sql).Scan(&v); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			f.things[name] = v
		}
		today := f.tenant.Today(time.Now().UTC())
		last := today.AddDate(0, 0, -today.Day())
		first := last.AddDate(0, 0, 1).AddDate(0, -6, 0)
		f.things["day"], f.things["nothing"], f.things["month"] = last.Format(time.DateOnly), uuid.Max.String(), today.Format("2006-01")
		f.things["from"], f.things["to"], f.things["first"], f.things["last"] = first.Format(time.DateOnly), last.Format(time.DateOnly), first.Format("2006-01"), last.Format("2006-01")
		return nil
	})
}

func (f *growthFinder) role(ctx context.Context, role string) error {
	who := f.people[role]
	seen, next := map[string]bool{}, []string{"/home"}
	for len(next) > 0 {
		path := next[0]
		next = next[1:]
		name := growthName(path)
		if seen[name] {
			continue
		}
		seen[name] = true
		body, err := f.try(ctx, who, name, path)
		if err != nil {
			return err
		}
		for _, m := range growthLinks.FindAllStringSubmatch(string(body), -1) {
			if link := html.UnescapeString(m[1]); strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "//") && !strings.HasPrefix(link, "/static/") && !strings.HasPrefix(link, "/assets/") && !strings.HasPrefix(link, "/sign-out") {
				link, _, _ = strings.Cut(link, "#")
				next = append(next, link)
			}
		}
	}
	if f.lists == nil {
		_, body, err := f.get(ctx, growthAsk{host: f.host, path: "/openapi.json", who: who})
		if err != nil {
			return err
		}
		var doc struct {
			Paths map[string]map[string]any `json:"paths"`
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			return err
		}
		for path, methods := range doc.Paths {
			if methods["get"] != nil && !strings.Contains(path, "/platform/") {
				f.lists = append(f.lists, path)
			}
		}
		slices.Sort(f.lists)
	}
	for _, name := range slices.Concat(f.lists, growthFilters) {
		path := name
		for thing, v := range f.things {
			path = strings.ReplaceAll(path, "{"+thing+"}", v)
		}
		if strings.Contains(path, "{") {
			continue
		}
		if _, err := f.try(ctx, who, name, path); err != nil {
			return err
		}
	}
	return nil
}

// try asks once, and keeps what is answered well.
func (f *growthFinder) try(ctx context.Context, who *growthPerson, name, path string) ([]byte, error) {
	a := growthAsk{role: who.role, name: name, host: f.host, path: path, who: who}
	status, body, err := f.get(ctx, a)
	if err != nil {
		return nil, err
	}
	if status == 200 {
		f.found[who.role+" "+name] = a
	} else if status >= 500 {
		f.say(fmt.Sprintf("  %s, %s: %s answers %d: %.200s", f.tenant.Slug, who.role, path, status, body))
	}
	return body, nil
}

var (
	growthLinks = regexp.MustCompile(`href="([^"]*)"`)
	growthIDs   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// growthName is the same for the same page of other things.
func growthName(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	name := growthIDs.ReplaceAllString(u.Path, "{id}")
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
