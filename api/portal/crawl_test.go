package portal_test

import (
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	"lignum/api/console"
	"lignum/api/portal"
	"lignum/domain/catalog"
	"lignum/domain/catalog/pack"
	"lignum/domain/catalog/packs"
	"lignum/domain/classes"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tests/apitest"
)

// town is a tenant in which every role has something to see: two schools, classes that run, are over and were cancelled, learners of
// both schools in them, a test that was taken.
type town struct {
	*staffed
	hill uuid.UUID
	who  map[string]apitest.User
	own  map[string]uuid.UUID // a class of theirs
	test uuid.UUID            // of its course
}

func newTown(t *testing.T) *town {
	t.Helper()
	s := &town{staffed: &staffed{Server: apitest.New(t, portal.Register, console.Register), t: t}, who: map[string]apitest.User{}, own: map[string]uuid.UUID{}}
	s.staff()
	s.hill = s.School("jamaica", "Hill High")
	high := s.school.SchoolID
	s.coach = s.UserWith("jamaica", []string{"coach"}, apitest.At(*high))
	hillTeacher := s.UserWith("jamaica", []string{"teacher"}, apitest.At(s.hill))
	hillPupil := s.pupil(&s.hill, "Far", "Away", "10")
	s.pupil(high, "Marcia", "Brown", "10")
	s.who = map[string]apitest.User{"student": s.learner, "guardian": s.UserWith("jamaica", []string{"guardian"}), "coach": s.coach, "teacher": s.teacher,
		"school_administrator": s.school, "ministry_official": s.official, "tenant_administrator": s.admin,
		"account_manager": s.User("", "account_manager"), "operator": s.User("", "operator")}

	var course uuid.UUID
	s.Write("jamaica", func(tx *tenants.Tx) error {
		dir, err := packs.Open("celearn-bookkeeping")
		if err != nil {
			return err
		}
		p, err := pack.Read(dir)
		if err != nil {
			return err
		}
		if _, err := catalog.Import(t.Context(), tx, p, nil, time.Now().UTC()); err != nil {
			return err
		}
		c, err := catalog.CourseBySlug(t.Context(), tx, "celearn-bookkeeping")
		course = c.ID
		return err
	})
	var running uuid.UUID
	for i, of := range []struct {
		title         string
		school, coach *uuid.UUID
		state         classes.State
	}{
		{"Books, Harbour", high, &s.teacher.ID, classes.Active}, {"Books, coached", high, &s.coach.ID, classes.Active}, {"Books, Hill", &s.hill, &hillTeacher.ID, classes.Active},
		{"Books for all", nil, &s.coach.ID, classes.Active}, {"Books, over", high, &s.teacher.ID, classes.Ended}, {"Books, coached before", high, &s.coach.ID, classes.Ended},
		{"Books, cancelled", high, &s.teacher.ID, classes.Cancelled}, {"Books, Hill, mine", &s.hill, &s.teacher.ID, classes.Active},
	} {
		id := s.newClass(of.title, of.school, of.coach, 20, true)
		s.Exec("jamaica", `UPDATE classes SET course_id = $2::uuid, kind = 'on_demand' WHERE id = $1::uuid`, id.String(), course.String())
		for _, u := range []apitest.User{s.learner, hillPupil} {
			s.Post(u, "/api/v1/classes/"+id.String()+"/registration", nil).Want(http.StatusCreated)
		}
		switch i {
		case 0:
			running, s.own["student"], s.own["teacher"] = id, id, id
		case 1:
			s.own["coach"] = id
		}
		s.Exec("jamaica", `UPDATE classes SET state = $2::text, open = open AND $2::text = 'active' WHERE id = $1::uuid`, id.String(), of.state)
	}
	page := apitest.As[classesapi.ClassPage](s.Get(s.learner, "/api/v1/classes/"+running.String()))
	s.test = page.Tests[0].ID
	for i, u := range []apitest.User{s.learner, hillPupil, s.learner} {
		at := s.form(u, "/tests/"+s.test.String()+"/start", nil).Want(http.StatusSeeOther).Header.Get("Location")
		if i < 2 { // the third stays open
			s.form(u, at+"/submission", url.Values{"counter": {"0"}, "sure": {"yes"}}).Want(http.StatusSeeOther)
		}
	}
	return s
}

// crawl follows every link that somebody sees, from their first page on, and tells which forms they are shown.
type crawl struct {
	*town
	u     apitest.User
	role  string
	from  map[string]string // page: where its link stood
	forms map[string]url.Values
	next  []string
	look  func(path, body string) // at each page; nil: nobody does
}

const mostPages = 400

var (
	hrefs     = regexp.MustCompile(`href="([^"]*)"`)
	formTags  = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	idsOfPath = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
)

func (c *crawl) see(link, on string) {
	link = html.UnescapeString(link)
	u, err := url.Parse(link)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "/static/") {
		return
	}
	u.Fragment = ""
	if u.Query().Get("action") != "" || u.Query().Get("actor") != "" {
		return // the trail narrowed by each of its entries is the same page
	}
	if _, known := c.from[u.String()]; !known && len(c.from) < mostPages {
		c.from[u.String()] = on
		c.next = append(c.next, u.String())
	}
}

func (c *crawl) run(start string) {
	c.t.Helper()
	c.see(start, "the beginning")
	for len(c.next) > 0 {
		path := c.next[0]
		c.next = c.next[1:]
		r := c.Get(c.u, path)
		switch {
		case r.Status == http.StatusSeeOther:
			c.see(r.Header.Get("Location"), path)
			continue
		case r.Status != http.StatusOK:
			c.t.Errorf("%s: %s answers %d; the link is on %s", c.role, path, r.Status, c.from[path])
			continue
		case !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html"):
			continue
		}
		if c.look != nil {
			c.look(path, string(r.Body))
		}
		for _, m := range emptyHeadings.FindAllString(string(r.Body), -1) {
			c.t.Errorf("%s: on %s a heading stands above nothing: %q", c.role, path, m)
		}
		for _, m := range hrefs.FindAllStringSubmatch(string(r.Body), -1) {
			c.see(m[1], path)
		}
		for _, m := range formTags.FindAllStringSubmatch(string(r.Body), -1) {
			action := html.UnescapeString(attribute(m[1], "action"))
			values := filled(c.t, r, attribute(m[1], "action"))
			if attribute(m[1], "method") == "get" {
				if !unfilled(m[2], values) { // else the browser does not send it
					c.see(html.EscapeString(action+"?"+values.Encode()), path) // as it would stand in a link
				}
			} else if _, known := c.forms[action]; !known {
				if !strings.HasSuffix(path, "/new") && edits(m[2]) && !versioned.MatchString(m[2]) {
					c.t.Errorf("%s: the form on %s, sent to %s, shows what is stored and carries no version of it", c.role, path, idsOfPath.ReplaceAllString(action, "…"))
				}
				c.forms[action] = values
				c.from["POST "+action] = path
			}
		}
	}
}

// emptyHeadings finds headings with nothing below them: the part of the page ends, or another heading as high follows.
var emptyHeadings = regexp.MustCompile(`<h2\b[^>]*>(?:[^<]|<[^/h]|</[^h])*</h2>\s*(?:</(?:section|aside|article|main)>|<h2\b)|<h3\b[^>]*>(?:[^<]|<[^/h]|</[^h])*</h3>\s*(?:</(?:section|aside|article|main)>|<h[23]\b)`)

// versioned finds what a form carries of what it showed: a version, or each thing that was there.
var versioned = regexp.MustCompile(`type="hidden" name="(?:version|had_[a-z]+)"`)

// edits tells whether a form shows what is stored, to be changed: it has a field that can be seen and is filled in.
func edits(form string) bool {
	for _, tag := range regexp.MustCompile(`<input[^>]*>`).FindAllString(form, -1) {
		switch kind := attribute(tag, "type"); kind {
		case "hidden", "submit":
		case "checkbox", "radio":
			if strings.Contains(tag, " checked") {
				return true
			}
		default:
			if attribute(tag, "value") != "" && attribute(tag, "autocomplete") != "username" { // that one tells a password manager whose it is
				return true
			}
		}
	}
	return regexp.MustCompile(`<textarea[^>]*>[^<]`).MatchString(form) || regexp.MustCompile(`<option value="[^"]+" selected`).MatchString(form)
}

// unfilled tells whether a form wants something that is not typed yet.
func unfilled(form string, values url.Values) bool {
	for _, tag := range regexp.MustCompile(`<(?:input|select|textarea)[^>]* required[^>]*>`).FindAllString(form, -1) {
		if values.Get(attribute(tag, "name")) == "" {
			return true
		}
	}
	return false
}

// routeOf finds what a form is sent to: the route with most of the path in its own words.
func routeOf(routes []api.Route, path string) (found api.Route, ok bool) {
	best := -1
	for _, rt := range routes {
		words, parts := strings.Split(rt.Path, "/"), strings.Split(path, "/")
		if rt.Method != http.MethodPost || len(words) != len(parts) {
			continue
		}
		literal := 0
		for i := range words {
			if words[i] == parts[i] {
				literal++
			} else if !strings.HasPrefix(words[i], "{") || parts[i] == "" {
				literal = -1
				break
			}
		}
		if literal > best {
			best, found, ok = literal, rt, true
		}
	}
	return found, ok
}

// leaves are forms that end the crawler's own session.
var leaves = map[string]bool{"/sign-out": true, "/sign-out/everywhere": true}

func TestNoLinkLeadsToARefusal(t *testing.T) {
	for _, role := range append(policy.SystemRoles(policy.Tenant), policy.SystemRoles(policy.Platform)...) {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			s := newTown(t)
			s.walk(role, "")
		})
	}
	t.Run("while changes are not taken", func(t *testing.T) {
		t.Parallel()
		s := newTown(t)
		s.Post(s.who["operator"], "/api/v1/platform/tenants/jamaica/suspension", map[string]string{"state": "read_only", "reason": "The yearly move of the schools"}).Want(http.StatusOK)
		if err := s.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, role := range []string{"student", "teacher", "tenant_administrator"} {
			s.walk(role, "read-only ")
		}
	})
	t.Run("when all classes are over", func(t *testing.T) {
		t.Parallel()
		s := newTown(t)
		s.Exec("jamaica", `UPDATE classes SET state = 'ended', open = false WHERE state = 'active'`)
		for _, role := range []string{"student", "coach", "teacher"} {
			c := &crawl{town: s, u: s.who[role], role: "later " + role, from: map[string]string{}, forms: map[string]url.Values{}}
			c.run("/classes/" + s.own[role].String()) // a list leads there no more, but what was noted down does
			if lessons := slices.ContainsFunc(slices.Collect(maps.Keys(c.from)), func(path string) bool { return strings.Contains(path, "/lessons/") }); lessons != (role != "coach") {
				t.Errorf("%s: the lessons are open: %v", c.role, lessons)
			}
			s.Get(s.who[role], "/tests/"+s.test.String()).Want(map[bool]int{true: http.StatusForbidden, false: http.StatusOK}[role == "coach"])
		}
	})
	t.Run("without the second factor that is asked of staff", func(t *testing.T) {
		t.Parallel()
		s := newTown(t)
		boss := s.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
		s.Do(boss, "PUT", "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": true}).Want(http.StatusOK)
		for _, role := range []string{"student", "coach", "tenant_administrator"} {
			s.walk(role, "unproven ")
		}
	})
}

func (s *town) walk(role, state string) {
	t := s.t
	t.Helper()
	u := s.who[role]
	kind, realm := policy.Tenant, "jamaica"
	if u.Slug == "" {
		kind, realm = policy.Platform, policy.PlatformRealm
	}
	c := &crawl{town: s, u: u, role: state + role, from: map[string]string{}, forms: map[string]url.Values{}}
	c.run("/")
	e, err := policy.NewEnforcer(realm, 1, policy.DefaultRules(kind, realm))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.from) < 4 {
		t.Errorf("%s: only %d pages were found", c.role, len(c.from))
	}
	for action, values := range c.forms {
		on := c.from["POST "+action]
		to, _, _ := strings.Cut(action, "?")
		rt, ok := routeOf(s.API.Routes(), to)
		if !ok {
			t.Errorf("%s: the form on %s is sent to %s, where nothing is", c.role, on, action)
			continue
		}
		if _, public := rt.Permission.IsPublic(); !public && !e.Allows(u.Roles, rt.Permission) {
			t.Errorf("%s: the form on %s is sent to %s, which needs %s", c.role, on, action, rt.Permission.Name())
			continue
		}
		if leaves[action] || strings.Contains(action, "/account") || strings.HasPrefix(action, "/attempts/") {
			continue // an open paper stays on the screen whatever happens: its page keeps the answers and says why they wait
		}
		// As it stands it may lack what must be typed; but whoever is shown it is not refused, nor told that nothing is taken now.
		if r := s.form(u, action, values); r.Status == http.StatusForbidden && !strings.Contains(string(r.Body), "eason") || r.Status >= 500 ||
			strings.Contains(string(r.Body), "can be read but not changed") {
			t.Errorf("%s: the form on %s, sent to %s, answers %d", c.role, on, idsOfPath.ReplaceAllString(action, "…"), r.Status)
		}
	}
	t.Logf("%s: %d pages, %d forms", c.role, len(c.from), len(c.forms))
}
