package chaos

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"lignum/api"
	"lignum/api/portal"
	rosterapi "lignum/api/roster"
	"lignum/domain/roster"
	"lignum/tenants/files"
	"lignum/tests/apitest"
	"lignum/tests/tenth"
	"lignum/tests/testkit"
)

// moment is where a process stands still and is killed: at a change of a row, or at the commit of its transaction, which then still counts.
type moment struct {
	name, table, when string
	commits           bool
}

// moments are those of a roster's life.
var moments = func() []moment {
	chunk := func(kind string, after int) string {
		return fmt.Sprintf("NEW.kind = '%s' AND NEW.next_line > OLD.next_line AND OLD.next_line > %d", kind, after)
	}
	ended := func(kind string) string { return fmt.Sprintf("NEW.kind = '%s' AND NEW.finished_at IS NOT NULL", kind) }
	return []moment{
		{"when the look through it begins", "roster_runs", "NEW.state = 'checking'", false},
		{"when the look through it ends", "roster_runs", "NEW.state = 'checked'", false},
		{"when it is taken up", "roster_runs", "NEW.state = 'importing' AND NEW.begun_at IS NOT NULL", false},
		{"among the schools", "imports", chunk("orgs", 0), false},
		{"with all schools done", "imports", ended("orgs"), false},
		{"among the first people", "imports", chunk("users", 0), false},
		{"among the later people", "imports", chunk("users", rosterPeople+1000), false},
		{"while some people are committed", "imports", chunk("users", rosterPeople+1), true},
		{"with all people done", "imports", ended("users"), false},
		{"among the classes", "imports", chunk("classes", 0), false},
		{"with all classes done", "imports", ended("classes"), false},
		{"while the classes' end is committed", "imports", ended("classes"), true},
		{"among the later places", "imports", chunk("enrollments", rosterPeople+1000), false},
		{"with all places done", "imports", ended("enrollments"), false},
		{"when it ends", "roster_runs", "NEW.state = 'done'", false},
		{"while its end is committed", "roster_runs", "NEW.state = 'done'", true},
	}
}()

// rosterPeople is how many people and places a roster has: more than three chunks.
const rosterPeople = 3200

// rosterOf are the files of a country: schools, terms, people, classes and places, of which some are refused, some name what is not known, and some lines are empty.
func rosterOf() (pairs [][2]string) {
	var users, places, classes strings.Builder
	users.WriteString("sourcedId,status,orgSourcedIds,role,givenName,familyName,grades\n")
	places.WriteString("sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role\n")
	classes.WriteString("sourcedId,status,title,classType,schoolSourcedId,termSourcedIds,courseSourcedId,metadata.seats\n")
	for i := range rosterPeople {
		at := "s1"
		if i%400 == 7 {
			at = "nowhere"
		}
		if i%900 == 5 {
			users.WriteString(",,,,,,\n")
		}
		fmt.Fprintf(&users, "u%d,active,%s,student,Learner,Number%d,10\n", i, at, i)
		fmt.Fprintf(&places, "e%d,active,c%d,s1,u%d,student\n", i, i%40, i)
	}
	for i := range 1100 { // more than a report carries
		fmt.Fprintf(&places, "x%d,active,c0,s1,nobody%d,student\n", i, i)
	}
	for i := range 40 {
		fmt.Fprintf(&classes, "c%d,active,Navigation %d,scheduled,s1,t1,%s,100\n", i, i, []string{"", "no-such-course"}[i%2])
	}
	return [][2]string{
		{"orgs.csv", "sourcedId,status,name,type,parentSourcedId\nd1,active,Region 1,district,\ns1,active,Port Royal College,school,d1\ns2,active,Mona High,school,nowhere\n"},
		{"academicSessions.csv", "sourcedId,status,title,type,startDate,endDate\nt1,active,Autumn 2030,term,2030-09-01,2030-12-15\n"},
		{"users.csv", users.String()}, {"classes.csv", classes.String()}, {"enrollments.csv", places.String()},
	}
}

// country imports a roster over HTTP, as its administrator does.
type country struct {
	*apitest.Server
	t     *testing.T
	admin apitest.User
	run   uuid.UUID
}

const runsPath = "/api/v1/roster/runs"

func (c *country) upload() {
	c.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, f := range rosterOf() {
		part, err := w.CreateFormFile("file", f[0])
		if err == nil {
			_, err = part.Write([]byte(f[1]))
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		c.t.Fatal(err)
	}
	c.run = apitest.As[rosterapi.Started](c.Send(c.admin, http.MethodPost, c.URL(c.admin.Slug)+runsPath, body.Bytes(), "Content-Type", w.FormDataContentType()).Want(http.StatusCreated)).ID
}

func (c *country) start() {
	c.t.Helper()
	c.Post(c.admin, runsPath+"/"+c.run.String()+"/start", nil).Want(http.StatusOK)
}

func (c *country) show() rosterapi.Page {
	c.t.Helper()
	return apitest.As[rosterapi.Page](c.Get(c.admin, runsPath+"/"+c.run.String()))
}

func (c *country) becomes(state roster.RunState) {
	c.t.Helper()
	within(c.t, 90*time.Second, c.admin.Slug+"'s roster is "+string(state), func() bool { return c.show().State == state })
}

// became is all that came of an import: what people read of it, what is stored, and what the trail tells, without what is another's in each country.
func (c *country) became() map[string]string {
	c.t.Helper()
	is := c.show()
	for i := range is.Report.Files {
		is.Report.Files[i].ImportID, is.Report.Files[i].Resumed = uuid.Nil, false
	}
	all := map[string]string{"report": fmt.Sprintf("%s, %d refused, %q, file %t\n%+v", is.State, is.Refused, is.Fault, is.HasFile, *is.Report)}
	var said strings.Builder
	for next := ""; ; {
		list := apitest.As[api.List[roster.RunProblem]](c.Get(c.admin, runsPath+"/"+c.run.String()+"/problems?limit=200&cursor="+next))
		for _, p := range list.Items {
			fmt.Fprintf(&said, "%d:%d %s %s\n", p.File, p.Line, p.Field, p.Reason)
		}
		if next = list.Next; next == "" {
			break
		}
	}
	all["problems"] = said.String()
	for what, sql := range map[string]string{
		"schools": "SELECT concat_ws(' ', source_id, name, region, state) AS is FROM schools",
		"terms":   "SELECT concat_ws(' ', source_id, title, starts_on, ends_on) AS is FROM terms",
		"people": `SELECT concat_ws(' ', u.source_id, given_name, family_name, u.state, grade, s.source_id, (SELECT string_agg(role, ',' ORDER BY role) FROM user_roles r WHERE r.user_id = u.id)) AS is
			FROM users u LEFT JOIN schools s ON s.id = u.school_id WHERE u.source_id IS NOT NULL`,
		"classes": "SELECT concat_ws(' ', c.source_id, c.title, s.source_id, t.source_id, c.seats, c.starts_on, c.ends_on, c.state) AS is FROM classes c LEFT JOIN schools s ON s.id = c.school_id LEFT JOIN terms t ON t.id = c.term_id",
		"places":  "SELECT concat_ws(' ', e.source_id, c.source_id, u.source_id, e.state) AS is FROM enrolments e JOIN classes c ON c.id = e.class_id JOIN users u ON u.id = e.learner_id",
		"new":     "SELECT u.source_id AS is FROM roster_accounts a JOIN users u ON u.id = a.user_id",
		"counts":  "SELECT concat_ws(' ', kind, n) AS is FROM usage_counts WHERE kind <> 'storage_bytes'",
		"imports": "SELECT concat_ws(' ', kind, next_line, created, changed, unchanged, refused, finished_at IS NOT NULL) AS is FROM imports",
		"trail": `SELECT concat_ws(' ', action, after ->> 'kind', after - 'file_sha256', actor_name, actor_id = (SELECT started_by FROM roster_runs)) AS is FROM audit_entries
			WHERE action IN ('roster.import.chunk', 'roster.import.end')`,
		"runs": "SELECT concat_ws(' ', action, count(*)) AS is FROM audit_entries WHERE action IN ('roster.start', 'roster.upload', 'roster.end') GROUP BY action",
	} {
		all[what] = c.Text(c.admin.Slug, "SELECT coalesce(string_agg(x.is, E'\\n' ORDER BY x.is COLLATE \"C\"), '') FROM ("+sql+") AS x")
	}
	return all
}

// standStill makes whoever comes to a moment wait for a lock that the test holds, and gives what tells that somebody waits.
func standStill(t *testing.T, s *apitest.Server, m moment) (waits func() bool, release func()) {
	t.Helper()
	schema := s.Tenant("jamaica").Realm().Schema
	table := pgx.Identifier{schema, m.table}.Sanitize()
	conn := s.Direct(t)
	trigger := "CREATE TRIGGER stand_still BEFORE UPDATE ON " + table
	if m.commits {
		trigger = "CREATE CONSTRAINT TRIGGER stand_still AFTER UPDATE ON " + table + " DEFERRABLE INITIALLY DEFERRED"
	}
	for _, sql := range []string{`CREATE FUNCTION public.stand_still() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 SET statement_timeout = 0
			AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NEW; END $$`,
		trigger + " FOR EACH ROW WHEN (" + m.when + ") EXECUTE FUNCTION public.stand_still()",
		"SELECT pg_advisory_lock(4711)"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	waits = func() (yes bool) {
		if err := conn.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		return yes
	}
	return waits, func() {
		t.Helper()
		if _, err := conn.Exec(context.WithoutCancel(t.Context()), "SELECT pg_advisory_unlock(4711)"); err != nil {
			t.Fatal(err)
		}
	}
}

// A roster is uploaded, looked through and imported, and the process that works on it is killed: another goes on where it was, and all is as if nobody had died.
func TestAnImportOutlivesItsProcess(t *testing.T) {
	for _, m := range tenth.Of(t, moments) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			s, dir := apitest.New(t, portal.Register), t.TempDir()
			bucket, err := files.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			s.API.Files = bucket
			worker := func() *exec.Cmd {
				return workerOf(t, s.Cluster, testkit.MasterKey, workerFiles+"="+dir, workerDatabase+"="+s.Database)
			}
			struck := &country{Server: s, t: t, admin: s.User("jamaica", "tenant_administrator")}
			spared := &country{Server: s, t: t, admin: s.User("bahamas", "tenant_administrator")}
			waits, release := standStill(t, s, m)
			doomed := worker()
			struck.upload()
			for range 1200 { // it comes to the moment, or first wants to be told that it may go on
				if waits() {
					break
				}
				if struck.show().State == roster.RunChecked {
					struck.start()
				}
				time.Sleep(50 * time.Millisecond)
			}
			if !waits() {
				t.Fatalf("it never came to this: %+v", struck.show())
			}
			if err := doomed.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			if exit := new(exec.ExitError); !asExit(doomed.Wait(), &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("it ended with %v", exit)
			}
			died := time.Now()
			release()
			heir := worker()
			defer func() {
				_ = heir.Process.Signal(syscall.SIGTERM)
				if err := heir.Wait(); err != nil {
					t.Errorf("the heir: %v", err)
				}
			}()
			if struck.show().StartedAt == nil {
				struck.becomes(roster.RunChecked)
				struck.start()
			}
			struck.becomes(roster.RunDone)
			within(t, 90*time.Second, "no job of it is left", func() bool {
				return s.Number("jamaica", "SELECT count(*) FROM gate.list_jobs(NULL, NULL, '{available,scheduled,retryable,running}', NULL, 1000) WHERE about = $1::text", struck.run.String()) == 0
			})
			t.Logf("taken up and done after %s", time.Since(died).Round(time.Second))
			spared.upload()
			spared.becomes(roster.RunChecked)
			spared.start()
			spared.becomes(roster.RunDone)
			is, want := struck.became(), spared.became()
			for what := range want {
				if want[what] == "" || strings.Count(want["people"], "\n") < rosterPeople-20 {
					t.Errorf("an import that nobody disturbs has no %s", what)
				}
				if is[what] != want[what] {
					t.Errorf("%s: as if nobody had died it would be\n%s\nnot\n%s", what, different(want[what], is[what]), different(is[what], want[what]))
				}
			}
			// Who died is in the trail, and with the job.
			begins := s.Number("jamaica", "SELECT count(*) FROM audit_entries WHERE action = 'roster.begin' AND actor_id = $1::uuid", struck.admin.ID)
			tries := s.Number("jamaica", "SELECT max(attempt) FROM gate.list_jobs(NULL, NULL, '{}', NULL, 1000) WHERE about = $1::text", struck.run.String())
			if tries != 2 || begins < 2 || begins > 3 {
				t.Errorf("it was begun %d times by the trail, of two kinds of work, one of which was tried %d times", begins, tries)
			}
			page := s.Send(struck.admin, http.MethodGet, s.URL("jamaica")+"/roster/"+struck.run.String(), nil, "Accept", "text/html").Want(http.StatusOK)
			if text := string(page.Body); page.Header.Get("Refresh") != "" || !strings.Contains(text, "1,116 rows were refused") || !strings.Contains(text, "The files were removed") {
				t.Errorf("the page: %.2500s", text)
			}
		})
	}
}

func asExit(err error, exit **exec.ExitError) (is bool) {
	*exit, is = err.(*exec.ExitError) //nolint:errorlint // of Wait itself
	return is
}

// different are the lines that one text has and another has not, some of them.
func different(a, b string) string {
	has := strings.Split(b, "\n")
	var list []string
	for _, line := range strings.Split(a, "\n") {
		if !slices.Contains(has, line) && len(list) < 10 {
			list = append(list, line)
		}
	}
	return strings.Join(list, "\n")
}
