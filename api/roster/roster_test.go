package roster_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/portal"
	rosterapi "lignum/api/roster"
	"lignum/domain/roster"
	"lignum/domain/words"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const (
	path     = "/api/v1/roster/runs"
	orgs     = "sourcedId,status,name,type,parentSourcedId\nd1,active,Region 1,district,\ns1,active,Kingston College,school,d1\ns2,active,Mona High,school,d1\n"
	header   = "sourcedId,status,enabledUser,orgSourcedIds,role,givenName,familyName,grades\n"
	learner  = "%s,active,true,%s,student,Ann,Lee,10\n"
	sessions = "sourcedId,status,title,type,startDate,endDate\nt1,active,Autumn,term,2030-09-01,2030-12-15\n"
)

// office is a served world in which jobs are worked by hand.
type office struct {
	*apitest.Server
	t      *testing.T
	work   rosterapi.Work
	bucket string // where the files lie
	n      int64
}

func newOffice(t *testing.T, register ...func(*api.Server)) *office {
	t.Helper()
	o := &office{Server: apitest.New(t, register...), t: t, bucket: t.TempDir()}
	bucket, err := files.Open(t.Context(), o.bucket)
	if err != nil {
		t.Fatal(err)
	}
	o.API.Files = bucket
	o.work = rosterapi.Work{Rules: o.API.Rules, Files: bucket}
	return o
}

// form is one with files in the field file, as pairs of name and text.
func form(t *testing.T, pairs ...string) (body []byte, kind string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		part, err := w.CreateFormFile("file", pairs[i])
		if err == nil {
			_, err = part.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// archive is a zip with files, as pairs of name and text.
func archive(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		w, err := z.Create(pairs[i])
		if err == nil {
			_, err = w.Write([]byte(pairs[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (o *office) send(u apitest.User, body []byte, kind string) *apitest.Response {
	o.t.Helper()
	return o.Send(u, http.MethodPost, o.URL(u.Slug)+path, body, "Content-Type", kind)
}

// upload sends CSV files and gives the run.
func (o *office) upload(u apitest.User, pairs ...string) uuid.UUID {
	o.t.Helper()
	body, kind := form(o.t, pairs...)
	return apitest.As[rosterapi.Started](o.send(u, body, kind).Want(http.StatusCreated)).ID
}

// do works the job of a kind that is queued for a run, as the first of two tries or as the last.
func (o *office) do(ctx context.Context, slug, kind string, run uuid.UUID, last bool) error {
	o.t.Helper()
	o.n++
	j := &jobs.Job{ID: o.n, Kind: kind, About: run.String(), Tenant: o.Tenant(slug), DB: o.DB(slug), Attempt: 1, Last: last, Now: time.Now().UTC()}
	err := o.work.Run(ctx, j)
	if err == nil || last {
		o.ended(run, "completed")
	}
	return err
}

// ended says what became of the jobs of a run.
func (o *office) ended(run uuid.UUID, state string) {
	o.t.Helper()
	if _, err := o.Direct(o.t).Exec(context.Background(), `UPDATE jobs.river_job SET state = $2::text::jobs.river_job_state, finalized_at = now() WHERE args ->> 'about' = $1::text AND finalized_at IS NULL`, run.String(), state); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) check(u apitest.User, run uuid.UUID) rosterapi.Page {
	o.t.Helper()
	if err := o.do(o.t.Context(), u.Slug, roster.CheckJob, run, false); err != nil {
		o.t.Fatal(err)
	}
	return o.show(u, run)
}

func (o *office) show(u apitest.User, run uuid.UUID) rosterapi.Page {
	o.t.Helper()
	return apitest.As[rosterapi.Page](o.Get(u, path+"/"+run.String()))
}

// imported starts the import and works it.
func (o *office) imported(u apitest.User, run uuid.UUID) rosterapi.Page {
	o.t.Helper()
	o.Post(u, path+"/"+run.String()+"/start", nil).Want(http.StatusOK)
	if err := o.do(o.t.Context(), u.Slug, roster.ImportJob, run, false); err != nil {
		o.t.Fatal(err)
	}
	return o.show(u, run)
}

// said gives the problems of a run, a line each.
func (o *office) said(u apitest.User, run uuid.UUID) string {
	o.t.Helper()
	var b strings.Builder
	for next := ""; ; {
		list := apitest.As[api.List[roster.RunProblem]](o.Get(u, path+"/"+run.String()+"/problems?limit=2&cursor="+next))
		for _, p := range list.Items {
			fmt.Fprintf(&b, "%d:%d %s %s\n", p.File, p.Line, p.Field, p.Reason)
		}
		if next = list.Next; next == "" {
			return b.String()
		}
	}
}

// kept is how many files lie in the bucket.
func (o *office) kept() (n int) {
	o.t.Helper()
	if err := filepath.WalkDir(o.bucket, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}); err != nil {
		o.t.Fatal(err)
	}
	return n
}

// people counts the accounts of the country's own records.
func (o *office) people(slug string) int {
	o.t.Helper()
	return o.Number(slug, "SELECT count(*) FROM users WHERE source_id IS NOT NULL")
}

func (o *office) state(u apitest.User, run uuid.UUID, want roster.RunState) rosterapi.Page {
	o.t.Helper()
	is := o.show(u, run)
	if is.State != want {
		o.t.Fatalf("it is %s, not %s: %+v", is.State, want, is)
	}
	return is
}

func TestARosterIsCheckedReadAndImported(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	users := header + fmt.Sprintf(learner, "u1", "s1") + fmt.Sprintf(learner, "u2", "nowhere") + "u3,active,true,s1,pirate,Anne,Bonny,10\n" + fmt.Sprintf(learner, "u4", "s2") + "u5,active,true,s1,teacher,Tom,Tew,\n"
	run := o.upload(admin, "orgs.csv", orgs, "users.csv", users)
	if is := o.state(admin, run, roster.RunWaiting); is.FileNames != "orgs.csv, users.csv" || is.CreatedBy != admin.ID || is.Report != nil {
		t.Errorf("%+v", is)
	}
	if n := o.Number("jamaica", "SELECT count(*) FROM gate.list_jobs(NULL, 'roster.check', '{}', NULL, 10) WHERE about = $1::text", run.String()); n != 1 || o.kept() != 1 {
		t.Fatalf("%d jobs, %d files", n, o.kept())
	}
	is := o.check(admin, run)
	if is.State != roster.RunChecked || is.Refused != 2 || len(is.Report.Files) != 2 || is.Report.Files[1].Created != 3 || !is.Report.DryRun || o.people("jamaica") != 0 {
		t.Fatalf("after the check: %+v", is)
	}
	const faults = "1:3 orgSourcedIds the school \"nowhere\" is not known; import orgs.csv first\n1:4 role \"pirate\" is not given"
	if said := o.said(admin, run); !strings.HasPrefix(said, faults) || strings.Count(said, "\n") != 2 {
		t.Errorf("the check says\n%s", said)
	}
	is = o.imported(admin, run)
	if is.State != roster.RunDone || is.Refused != 2 || is.Report.DryRun || is.Report.Files[1].Created != 3 || is.HasFile {
		t.Fatalf("after the import: %+v", is)
	}
	if said := o.said(admin, run); !strings.HasPrefix(said, faults) || strings.Count(said, "\n") != 2 {
		t.Errorf("the import says\n%s", said)
	}
	if n := o.Number("jamaica", "SELECT count(*) FROM files"); n != 0 || o.kept() != 0 || o.people("jamaica") != 3 {
		t.Errorf("%d rows of files, %d files, %d people", n, o.kept(), o.people("jamaica"))
	}
	if n := o.Number("jamaica", "SELECT count(*) FROM audit_entries WHERE action LIKE 'roster.import.%' AND (actor_id <> $1::uuid OR request_id <> 'job-2')", admin.ID); n != 0 {
		t.Errorf("%d entries name another actor, or not the job", n)
	}
	if n := o.Trail("jamaica", "roster.import.chunk", "done"); n < 2 {
		t.Errorf("%d entries of chunks", n)
	}
	if n := o.Number("jamaica", "SELECT count(*) FROM roster_accounts WHERE run_id = $1::uuid", run); n != 3 {
		t.Errorf("%d accounts are the run's", n)
	}
	o.Post(admin, path+"/"+run.String()+"/start", nil).Want(http.StatusConflict)
	o.Do(admin, http.MethodDelete, path+"/"+run.String(), nil).Want(http.StatusConflict)
	// Mended, it is brought again: what is here stays as it is.
	again := o.upload(admin, "orgs.csv", orgs, "users.csv", strings.NewReplacer("nowhere", "s1", "pirate", "student").Replace(users))
	o.check(admin, again)
	if is := o.imported(admin, again); is.State != roster.RunDone || is.Refused != 0 || is.Report.Files[1].Created != 2 || is.Report.Files[1].Unchanged != 3 {
		t.Errorf("mended: %+v", is)
	}
	list := apitest.As[api.List[roster.Run]](o.Get(admin, path+"?limit=1"))
	if len(list.Items) != 1 || list.Items[0].ID != again || list.Next == "" {
		t.Errorf("the list begins with %+v", list)
	}
	if list := apitest.As[api.List[roster.Run]](o.Get(admin, path+"?limit=1&cursor="+list.Next)); len(list.Items) != 1 || list.Items[0].ID != run || list.Next != "" {
		t.Errorf("the list goes on with %+v", list)
	}
}

// Who asked for an import does it: somebody who was suspended meanwhile, or lost the role, imports nothing.
func TestWhoAskedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	boss := o.User("jamaica", "tenant_administrator")
	for what, change := range map[string]string{"suspended": `UPDATE users SET state = 'suspended', state_reason = 'left' WHERE id = $1::uuid`, "no administrator": `UPDATE user_roles SET role = 'teacher' WHERE user_id = $1::uuid`} {
		admin := o.User("jamaica", "tenant_administrator")
		run := o.upload(admin, "orgs.csv", orgs, "users.csv", header+fmt.Sprintf(learner, "u1", "s1"))
		o.check(admin, run)
		o.Post(admin, path+"/"+run.String()+"/start", nil).Want(http.StatusOK)
		o.Exec("jamaica", change, admin.ID)
		if err := o.do(t.Context(), "jamaica", roster.ImportJob, run, false); err != nil {
			t.Fatal(err)
		}
		is := o.state(boss, run, roster.RunFailed)
		if !strings.Contains(is.Fault.String(), "may not import this any more") || o.people("jamaica") != 0 || !is.HasFile {
			t.Errorf("%s: %+v, %d people", what, is, o.people("jamaica"))
		}
		// A colleague may say that it is to be imported, with rights of their own.
		if what == "suspended" {
			continue
		}
		if is := o.imported(boss, run); is.State != roster.RunDone || o.people("jamaica") != 1 {
			t.Errorf("%s: the colleague: %+v", what, is)
		}
	}
}

func TestASchoolImportsForItselfAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	first := o.upload(admin, "orgs.csv", orgs, "academicSessions.csv", sessions)
	o.check(admin, first)
	o.imported(admin, first)
	school := func(source string) uuid.UUID {
		return uuid.MustParse(o.Text("jamaica", "SELECT id::text FROM schools WHERE source_id = $1::text", source))
	}
	head := o.UserWith("jamaica", []string{"school_administrator"}, apitest.At(school("s1")))
	other := o.UserWith("jamaica", []string{"school_administrator"}, apitest.At(school("s2")))
	nowhere := o.User("jamaica", "school_administrator")
	run := o.upload(head, "users.csv", header+fmt.Sprintf(learner, "u1", "s1")+fmt.Sprintf(learner, "u2", "s2")+"u3,active,true,s1,administrator,Una,Head,\nu4,active,true,,teacher,No,School,\n",
		"classes.csv", "sourcedId,status,title,classType,schoolSourcedId,termSourcedIds\nc1,active,Maths 10,scheduled,s1,t1\nc2,active,Maths 10,scheduled,s2,t1\n", "orgs.csv", orgs)
	is := o.check(head, run)
	said := o.said(head, run)
	for _, want := range []string{"3 orgSourcedIds is not your school", "5 orgSourcedIds is not your school", "3 schoolSourcedId is not your school", "only an administrator of the whole tenant may import this"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q is not said in\n%s", want, said)
		}
	}
	if is.State != roster.RunChecked || is.SchoolID == nil || *is.SchoolID != *head.SchoolID {
		t.Errorf("%+v", is)
	}
	if is := o.imported(head, run); is.State != roster.RunDone {
		t.Errorf("%+v", is)
	}
	if got := o.Text("jamaica", "SELECT string_agg(source_id, ' ' ORDER BY source_id) FROM users WHERE source_id IS NOT NULL"); got != "u1 u3" {
		t.Errorf("imported: %s", got)
	}
	if got := o.Text("jamaica", "SELECT string_agg(source_id, ' ') FROM classes WHERE source_id IS NOT NULL"); got != "c1" {
		t.Errorf("imported classes: %s", got)
	}
	// Others see nothing of it, and the tenant's administrator all.
	for what, u := range map[string]apitest.User{"another school": other, "a foreign tenant": o.User("bahamas", "tenant_administrator")} {
		for _, ask := range [][2]string{{"GET", ""}, {"GET", "/problems"}, {"POST", "/start"}, {"DELETE", ""}} {
			if res := o.Do(u, ask[0], path+"/"+run.String()+ask[1], nil); res.Status != http.StatusNotFound {
				t.Errorf("%s: %s %s answers %d", what, ask[0], ask[1], res.Status)
			}
		}
		if list := apitest.As[api.List[roster.Run]](o.Get(u, path)); len(list.Items) != 0 {
			t.Errorf("%s sees %+v", what, list.Items)
		}
	}
	o.Get(head, path+"/"+first.String()).Want(http.StatusNotFound)
	o.state(admin, run, roster.RunDone)
	if list := apitest.As[api.List[roster.Run]](o.Get(admin, path)); len(list.Items) != 2 {
		t.Errorf("the tenant's administrator sees %+v", list.Items)
	}
	body, kind := form(t, "users.csv", header)
	for what, u := range map[string]apitest.User{"a teacher": o.UserWith("jamaica", []string{"teacher"}, apitest.At(school("s1"))), "of no school": nowhere, "a learner": o.User("jamaica", "student")} {
		o.send(u, body, kind).Want(http.StatusForbidden)
		if res := o.Get(u, path); res.Status != http.StatusForbidden {
			t.Errorf("%s: the list answers %d", what, res.Status)
		}
	}
	if o.kept() != 0 {
		t.Errorf("%d files are kept", o.kept())
	}
	// A run keeps to its school, also where somebody who reaches further starts it.
	second := o.upload(head, "users.csv", header+fmt.Sprintf(learner, "u7", "s1")+fmt.Sprintf(learner, "u8", "s2"))
	o.check(head, second)
	if is := o.imported(admin, second); is.State != roster.RunDone || is.Refused != 1 || o.people("jamaica") != 3 {
		t.Errorf("%+v, %d people", is, o.people("jamaica"))
	}
}

// A tenant imports one roster at a time; work that was stopped stands in nobody's way, and can be started again.
func TestOneImportAtATime(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	var runs []uuid.UUID
	for i := range 2 {
		run := o.upload(admin, "orgs.csv", orgs, "users.csv", header+fmt.Sprintf(learner, fmt.Sprintf("u%d", i), "s1"))
		o.check(admin, run)
		runs = append(runs, run)
	}
	start := func(run uuid.UUID) *apitest.Response { return o.Post(admin, path+"/"+run.String()+"/start", nil) }
	start(runs[0]).Want(http.StatusOK)
	start(runs[0]).Want(http.StatusConflict)
	if p := start(runs[1]).Want(http.StatusConflict).Problem(); !strings.Contains(p.Detail, "Another roster is being imported just now") {
		t.Errorf("%+v", p)
	}
	o.Do(admin, http.MethodDelete, path+"/"+runs[0].String(), nil).Want(http.StatusConflict)
	o.ended(runs[0], "cancelled")
	if is := o.state(admin, runs[0], roster.RunFailed); !strings.Contains(is.Fault.String(), "stopped") {
		t.Errorf("%+v", is)
	}
	if is := o.imported(admin, runs[1]); is.State != roster.RunDone {
		t.Errorf("%+v", is)
	}
	if is := o.imported(admin, runs[0]); is.State != roster.RunDone || o.people("jamaica") != 2 {
		t.Errorf("%+v", is)
	}
	// A check that was stopped is done again.
	stopped := o.upload(admin, "orgs.csv", orgs)
	o.ended(stopped, "discarded")
	if is := o.state(admin, stopped, roster.RunFailed); is.StartedAt != nil {
		t.Errorf("%+v", is)
	}
	start(stopped).Want(http.StatusOK)
	o.state(admin, stopped, roster.RunWaiting)
	if is := o.check(admin, stopped); is.State != roster.RunChecked || is.StartedAt != nil {
		t.Errorf("%+v", is)
	}
	o.Do(admin, http.MethodDelete, path+"/"+stopped.String(), nil).Want(http.StatusOK)
	// One that was discarded is not worked.
	run := o.upload(admin, "orgs.csv", orgs)
	o.Do(admin, http.MethodDelete, path+"/"+run.String(), nil).Want(http.StatusOK)
	if is := o.check(admin, run); is.State != roster.RunDiscarded || is.HasFile || o.kept() != 0 {
		t.Errorf("%+v, %d files", is, o.kept())
	}
	start(run).Want(http.StatusConflict)
}

// An import whose process dies goes on where it was: nobody is made twice, and the report counts all.
func TestAnImportThatBreaksOffGoesOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	var users strings.Builder
	users.WriteString(header)
	for i := range 6000 {
		fmt.Fprintf(&users, learner, fmt.Sprintf("u%d", i), "s1")
	}
	users.WriteString("x,active,true,s1,pirate,Anne,Bonny,10\n")
	run := o.upload(admin, "orgs.csv", orgs, "users.csv", users.String())
	o.check(admin, run)
	o.Post(admin, path+"/"+run.String()+"/start", nil).Want(http.StatusOK)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	watcher := o.Direct(t)
	go func() { // once the first chunk of people is in
		for n := 0; n == 0; {
			if watcher.QueryRow(ctx, "SELECT count(*) FROM tenant_jamaica.roster_accounts").Scan(&n) != nil {
				return
			}
		}
		kill()
	}()
	if err := o.do(ctx, "jamaica", roster.ImportJob, run, false); err == nil {
		t.Fatal("it was not interrupted")
	}
	is := o.state(admin, run, roster.RunImporting)
	if n := o.people("jamaica"); n == 0 || n == 6000 || is.Done == 0 || is.Done >= is.Lines {
		t.Fatalf("%d people, %d of %d lines", n, is.Done, is.Lines)
	}
	if err := o.do(t.Context(), "jamaica", roster.ImportJob, run, false); err != nil {
		t.Fatal(err)
	}
	is = o.state(admin, run, roster.RunDone)
	if o.people("jamaica") != 6000 || len(is.Report.Files) != 2 || is.Report.Files[0].Created != 2 || is.Report.Files[1].Created != 6000 || is.Refused != 1 {
		t.Errorf("%d people: %+v", o.people("jamaica"), is.Report)
	}
	if said := o.said(admin, run); !strings.HasPrefix(said, "1:6002 role") || strings.Count(said, "\n") != 1 {
		t.Error(said)
	}
	if n := o.Number("jamaica", "SELECT count(*) FROM roster_accounts WHERE run_id = $1::uuid", run); n != 6000 {
		t.Errorf("%d accounts are the run's", n)
	}
	// Once more, as if its process had died after its last word.
	if err := o.do(t.Context(), "jamaica", roster.ImportJob, run, false); err != nil {
		t.Error(err)
	}
}

// What was sent is removed after a week whatever became of it, and the report after 90 days.
func TestRostersAreForgotten(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	checked, done := o.upload(admin, "orgs.csv", orgs), o.upload(admin, "orgs.csv", orgs)
	o.check(admin, checked)
	o.check(admin, done)
	o.imported(admin, done)
	sweep := func(days int) {
		t.Helper()
		if err := o.work.Sweep(t.Context(), &jobs.Job{ID: 99, Tenant: o.Tenant("jamaica"), DB: o.DB("jamaica"), Now: time.Now().UTC().AddDate(0, 0, days)}); err != nil {
			t.Fatal(err)
		}
	}
	sweep(6)
	if o.state(admin, checked, roster.RunChecked); o.kept() != 1 {
		t.Fatalf("%d files after six days", o.kept())
	}
	sweep(8)
	if is := o.state(admin, checked, roster.RunDiscarded); is.Report == nil || o.kept() != 0 {
		t.Errorf("after a week: %d files, %+v", o.kept(), is)
	}
	o.state(admin, done, roster.RunDone)
	sweep(91)
	if list := apitest.As[api.List[roster.Run]](o.Get(admin, path)); len(list.Items) != 0 {
		t.Errorf("after 91 days: %+v", list.Items)
	}
}

// What a report says, and why background work failed, is read in the language of the page, though it was stored long before.
func TestAReportSpeaksItsReadersLanguage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, portal.Register)
	admin := o.UserWith("jamaica", []string{"tenant_administrator"}, apitest.SecondFactor())
	users := "sourcedId,status,orgSourcedIds,role,givenName,familyName,grades,shoeSize\nu1,active,nowhere,student,Ann,Lee,10,39\nu2,active,s1,student,Ben,Lee,10,40\n"
	checked, done := o.upload(admin, "orgs.csv", orgs, "users.csv", users), o.upload(admin, "orgs.csv", orgs, "users.csv", users)
	broken := o.upload(admin, "orgs.csv", orgs)
	o.check(admin, checked)
	o.check(admin, done)
	o.imported(admin, done)
	o.Exec("jamaica", "UPDATE user_roles SET role = 'teacher' WHERE user_id = $1::uuid", admin.ID)
	if err := o.do(t.Context(), "jamaica", roster.CheckJob, broken, false); err != nil {
		t.Fatal(err)
	}
	o.Exec("jamaica", "UPDATE user_roles SET role = 'tenant_administrator' WHERE user_id = $1::uuid", admin.ID)
	if _, err := o.Direct(t).Exec(t.Context(), `INSERT INTO jobs.river_job (kind, queue, max_attempts, attempt, priority, args, state, finalized_at, errors)
		VALUES ('night.sweep', 'short', 10, 10, 1, '{"tenant": "jamaica", "about": ""}', 'cancelled', now(), ARRAY[jsonb_build_object('error', 'JobCancelError: ' || $1::text)])`, words.Say("tenants.the_tenant_is_gone").Keep(2000)); err != nil {
		t.Fatal(err)
	}
	school, column := words.Say("roster.the_school_is_not_known_import", "Given", `"nowhere"`), words.Say("roster.column_is_not_known_and", "Column", `"shoeSize"`)
	gone, may := words.Say("tenants.the_tenant_is_gone"), words.Say("roster.who_asked_may_not_import", "Name", o.Text("jamaica", "SELECT given_name || ' ' || family_name FROM users WHERE id = $1::uuid", admin.ID))
	read := func(l words.Language) {
		t.Helper()
		for path, texts := range map[string][]words.Text{"/roster/" + checked.String(): {school, column}, "/roster/" + done.String(): {school, column}, "/roster/" + broken.String(): {may}, "/jobs": {gone},
			"/roster/" + done.String() + "/refused": {school}} {
			body := string(o.Send(admin, http.MethodGet, o.URL("jamaica")+path, nil, "Accept", "text/html").Want(http.StatusOK).Body)
			if strings.HasSuffix(path, "/refused") {
				body = strings.ReplaceAll(body, `""`, `"`)
			}
			for _, text := range texts {
				if want := text.In(l).String(); !strings.Contains(html.UnescapeString(body), want) {
					t.Errorf("%s in %s does not say %q\n%.300s", path, l, want, body[max(0, strings.Index(body, "<main")):])
				}
			}
		}
	}
	read(words.English)
	o.Do(admin, http.MethodPut, "/api/v1/tenant/branding", map[string]any{"name": "Jamaica", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false, "languages": []words.Language{words.Pseudo}}).Want(http.StatusOK)
	if err := o.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	read(words.Pseudo)
}

// A roster with more rows than are left of the day is not begun, and says how many there are; tomorrow it is. What failed and is imported again is not counted again.
func TestADayHasSoManyRows(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	admin := o.User("jamaica", "tenant_administrator")
	set := func(n int) { // the copy that the tenant has
		if _, err := o.Direct(t).Exec(t.Context(), `UPDATE tenant_jamaica.settings SET limits = limits || jsonb_build_object('import_rows_a_day', $1::integer)`, n); err != nil {
			t.Fatal(err)
		}
	}
	set(4)
	run := o.upload(admin, "orgs.csv", orgs, "users.csv", header+fmt.Sprintf(learner, "u1", "s1")+fmt.Sprintf(learner, "u2", "s1"))
	page := o.check(admin, run)
	rows := 0
	for _, f := range page.Report.Files {
		rows += f.Lines
	}
	if rows < 4 {
		t.Fatalf("%d rows", rows)
	}
	set(rows - 1)
	p := o.Post(admin, path+"/"+run.String()+"/start", nil).Want(http.StatusTooManyRequests).Problem()
	if !strings.Contains(p.Detail, fmt.Sprintf("%d rows", rows)) || !strings.Contains(p.Detail, fmt.Sprintf(" %d are left", rows-1)) {
		t.Errorf("it says %q", p.Detail)
	}
	if got := o.show(admin, run); got.State != roster.RunChecked {
		t.Errorf("it is %s", got.State)
	}
	set(rows)
	o.imported(admin, run)
	if n := o.Number("jamaica", "SELECT n FROM daily_counts WHERE kind = 'import_rows_a_day'"); n != rows {
		t.Errorf("%d rows are counted of %d", n, rows)
	}
}
