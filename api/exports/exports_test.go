package exports_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/xuri/excelize/v2"

	"lignum/api"
	exportsapi "lignum/api/exports"
	"lignum/billing"
	"lignum/billing/books"
	"lignum/domain/exports"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tenants/jobs"
	"lignum/tests/apitest"
	"lignum/tests/bills"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// office is a server whose bucket of files is a directory that the test looks into.
type office struct {
	*apitest.Server
	bucket string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{apitest.New(t), t.TempDir()}
	bucket, err := files.Open(t.Context(), o.bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bucket.Close(); err != nil {
			t.Error(err)
		}
	})
	o.API.Files = bucket
	return o
}

// kept is how many files lie in the bucket.
func (o *office) kept() (n int) {
	o.T.Helper()
	if err := filepath.WalkDir(o.bucket, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}); err != nil {
		o.T.Fatal(err)
	}
	return n
}

func work(s *office) exportsapi.Work {
	return exportsapi.Work{Rules: s.API.Rules, Files: s.API.Files}
}

// job is one run of the job of an export.
func job(s *office, slug, id string, last bool) *jobs.Job {
	j := &jobs.Job{ID: time.Now().UnixNano(), Kind: exports.Job, About: id, DB: s.DB(slug), Attempt: 1, Last: last, Queued: time.Now(), Now: time.Now().UTC()}
	if slug != "" {
		j.Tenant = s.Tenant(slug)
	}
	return j
}

// ask asks for an export over HTTP, and gives its id.
func ask(s *office, who apitest.User, path string, body any) string {
	s.T.Helper()
	return apitest.As[exportsapi.Asked](s.Do(who, http.MethodPost, path, body).Want(http.StatusAccepted)).ID.String()
}

// made asks for an export, runs its job and gives what its file holds, as it is saved by its link.
func made(s *office, who apitest.User, path string, body any) []byte {
	s.T.Helper()
	id := ask(s, who, path, body)
	if err := work(s).Run(s.T.Context(), job(s, who.Slug, id, false)); err != nil {
		s.T.Fatal(err)
	}
	one := apitest.As[exportsapi.Linked](s.Get(who, "/api/v1/exports/"+id).Want(http.StatusOK))
	if one.State != exports.Done || one.URL == "" || one.Bytes == 0 {
		s.T.Fatalf("%+v", one)
	}
	got := s.Get(apitest.User{Slug: who.Slug}, one.URL).Want(http.StatusOK)
	if how := got.Header.Get("Content-Disposition"); !strings.HasPrefix(how, "attachment; filename=") || !strings.HasSuffix(how, "."+string(one.Format)) || got.Header.Get("Content-Type") != one.Format.Type() {
		s.T.Errorf("%s, %s", how, got.Header.Get("Content-Type"))
	}
	if int64(len(got.Body)) != one.Bytes {
		s.T.Errorf("%d bytes of %d", len(got.Body), one.Bytes)
	}
	return got.Body
}

func rows(t *testing.T, body []byte) [][]string {
	t.Helper()
	list, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(body, []byte("\uFEFF")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// cells are the cells of a column by its name.
func cells(t *testing.T, list [][]string, column string) (all []string) {
	t.Helper()
	at := slices.Index(list[0], column)
	if at < 0 {
		t.Fatalf("there is no column %s in %v", column, list[0])
	}
	for _, row := range list[1:] {
		all = append(all, row[at])
	}
	return all
}

func TestTheTrailIsWritten(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin := s.User("jamaica", "tenant_administrator")
	for i := range 450 { // several pages
		if err := s.DB("jamaica").Write(t.Context(), s.Actor, func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test.thing", ObjectKind: "thing", ObjectID: fmt.Sprint(i), After: map[string]any{"name": "Zoë <b>"}, Reason: `=HYPERLINK("http://evil.example")`})
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	list := rows(t, made(s, admin, "/api/v1/exports/trail", map[string]any{"format": "csv", "action": "test.thing"}))
	if len(list) != 451 || len(list[0]) != 17 {
		t.Fatalf("%d rows", len(list))
	}
	if ids := cells(t, list, "id"); !slices.IsSortedFunc(ids, func(a, b string) int { return strings.Compare(b, a) }) || len(slices.Compact(slices.Clone(ids))) != 450 {
		t.Error("entries are not each there once, newest first")
	}
	if got := cells(t, list, "reason")[7]; got != `'=HYPERLINK("http://evil.example")` {
		t.Errorf("the reason is %q", got)
	}
	if got := cells(t, list, "after")[7]; got != `{"name": "Zoë <b>"}` {
		t.Errorf("what it became is %q", got)
	}
	lines := strings.Split(strings.TrimSuffix(string(made(s, admin, "/api/v1/exports/trail", map[string]any{"format": "jsonl", "action": "test.", "object": "3"})), "\n"), "\n")
	var e audit.Stored
	if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || len(lines) != 1 || e.ObjectID != "3" || e.Reason != `=HYPERLINK("http://evil.example")` {
		t.Errorf("%d lines, %+v: %v", len(lines), e, err)
	}
	// what happens after it was asked for is not in it
	id := ask(s, admin, "/api/v1/exports/trail", map[string]any{"format": "csv", "action": "user.", "to": time.Now().Add(time.Hour)})
	s.Get(s.User("jamaica", "student"), "/api/v1/users").Want(http.StatusForbidden)
	if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
		t.Fatal(err)
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+id)); one.State != exports.Done || one.Rows != 1 { // that the administrator was made
		t.Errorf("%+v", one)
	}
	// of nothing there is no file
	id = ask(s, admin, "/api/v1/exports/trail", map[string]any{"format": "jsonl", "action": "test.nothing"})
	if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
		t.Fatal(err)
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+id)); one.State != exports.Done || one.Rows != 0 || one.URL != "" || s.kept() != 3 {
		t.Errorf("%+v", one)
	}
}

func TestPeopleAreWritten(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin := s.User("jamaica", "tenant_administrator")
	at := school.Schools(t, s.DB("jamaica"), school.School{Name: "@Harbour High"}, school.School{Name: "Hill Primary"})
	var list []school.Person
	for i := range 230 {
		list = append(list, school.Person{GivenName: "=1+1", FamilyName: fmt.Sprintf("Brown%03d", i), Roles: []string{"student"}, SchoolID: at[i%2]})
	}
	school.People(t, s.DB("jamaica"), list...)
	got := rows(t, made(s, admin, "/api/v1/exports/people", map[string]any{"format": "csv", "role": "student"}))
	if len(got) != 231 || cells(t, got, "given_name")[0] != "'=1+1" || cells(t, got, "school")[0] != "'@Harbour High" || cells(t, got, "family_name")[229] != "Brown229" {
		t.Fatalf("%d rows, %v", len(got), got[1])
	}
	f, err := excelize.OpenReader(bytes.NewReader(made(s, admin, "/api/v1/exports/people", map[string]any{"format": "xlsx", "school": at[1], "role": "student"})))
	if err != nil {
		t.Fatal(err)
	}
	sheet, err := f.GetRows("People")
	if err != nil || len(sheet) != 116 || sheet[0][1] != "User name" || sheet[1][2] != "'=1+1" || sheet[1][7] != "Hill Primary" {
		t.Fatalf("%d rows, %v: %v", len(sheet), sheet[:min(2, len(sheet))], err)
	}
	// a school's administrator gets the school's
	head := s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(at[0]))
	if got := rows(t, made(s, head, "/api/v1/exports/people", map[string]any{"format": "csv", "role": "student"})); len(got) != 116 || slices.Contains(cells(t, got, "school"), "Hill Primary") {
		t.Errorf("%d rows", len(got))
	}
	s.Do(head, http.MethodPost, "/api/v1/exports/people", map[string]any{"format": "csv", "school": at[1]}).Want(http.StatusForbidden)
	for _, role := range []string{"teacher", "student", "guardian", "ministry_official"} {
		s.Do(s.UserWith("jamaica", []string{role}, apitest.At(at[0])), http.MethodPost, "/api/v1/exports/people", map[string]any{"format": "csv"}).Want(http.StatusForbidden)
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin, official, manager := s.User("jamaica", "tenant_administrator"), s.User("jamaica", "ministry_official"), s.User("", "account_manager")
	operator := s.User("", "operator")
	for _, c := range []struct {
		who         apitest.User
		path, field string
		body        map[string]any
	}{
		{admin, "/api/v1/exports/trail", "body.format", map[string]any{"format": "xlsx"}},
		{admin, "/api/v1/exports/trail", "body", map[string]any{}},
		{admin, "/api/v1/exports/trail", "body.to", map[string]any{"format": "csv", "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}},
		{admin, "/api/v1/exports/trail", "body.action", map[string]any{"format": "csv", "action": strings.Repeat("x", 201)}},
		{admin, "/api/v1/exports/trail", "body.to", map[string]any{"format": "csv", "to": "0001-01-01T00:00:00Z"}},
		{admin, "/api/v1/exports/trail", "body.actor", map[string]any{"format": "csv", "actor": uuid.Nil}},
		{admin, "/api/v1/exports/people", "body.class", map[string]any{"format": "csv", "class": uuid.Nil}},
		{official, "/api/v1/exports/figures", "body.from", map[string]any{"format": "csv", "from": "0000-12-01", "to": "1950-01-02"}},
		{manager, "/api/v1/platform/exports/usage", "body.from", map[string]any{"format": "csv", "to": "1900-01-02"}},
		{admin, "/api/v1/exports/people", "body.format", map[string]any{"format": "jsonl"}},
		{admin, "/api/v1/exports/people", "body.school", map[string]any{"format": "csv", "school": "x"}},
		{official, "/api/v1/exports/figures", "body.to", map[string]any{"format": "csv", "from": "2026-11-02", "to": "2026-11-01"}},
		{official, "/api/v1/exports/figures", "body.from", map[string]any{"format": "csv", "from": "x"}},
		{official, "/api/v1/exports/figures", "body.to", map[string]any{"format": "csv", "from": "2020-01-01", "to": "2026-11-01"}},
		{official, "/api/v1/exports/figures", "body.first_month", map[string]any{"format": "csv", "first_month": "2020-01"}},
		{official, "/api/v1/exports/figures", "body.last_month", map[string]any{"format": "csv", "last_month": "2999-01"}},
		{manager, "/api/v1/platform/exports/usage", "body.from", map[string]any{"format": "csv", "from": "2020-01-01", "to": "2026-11-01"}},
		{operator, "/api/v1/platform/exports/people", "body.school", map[string]any{"format": "csv", "school": uuid.New()}},
		{operator, "/api/v1/platform/exports/people", "body.class", map[string]any{"format": "csv", "class": uuid.New()}},
		{admin, "/api/v1/exports/people", "body.state", map[string]any{"format": "csv", "state": "erased"}},
	} {
		if p := s.Do(c.who, http.MethodPost, c.path, c.body).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || p.Errors[0].Name != c.field {
			t.Errorf("%s %v: %+v", c.path, c.body, p.Errors)
		}
	}
	// on the other host there is no such thing
	s.Do(admin, http.MethodPost, "/api/v1/platform/exports/usage", map[string]any{"format": "csv"}).Want(http.StatusNotFound)
	s.Do(manager, http.MethodPost, "/api/v1/exports/trail", map[string]any{"format": "csv"}).Want(http.StatusNotFound)
}

// Nobody has more than twenty files, or waits for more than three, however many ask at once.
func TestOnePersonHasSoMany(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin := s.User("jamaica", "tenant_administrator")
	answers := make(chan int, 12)
	for range 12 {
		go func() {
			answers <- s.Do(admin, http.MethodPost, "/api/v1/exports/trail", map[string]any{"format": "csv"}).Status
		}()
	}
	count := map[int]int{}
	for range 12 {
		count[<-answers]++
	}
	if count[http.StatusAccepted] != 3 || count[http.StatusConflict] != 9 {
		t.Fatalf("%v", count)
	}
	list := apitest.As[api.List[exports.Export]](s.Get(admin, "/api/v1/exports"))
	if len(list.Items) != 3 {
		t.Fatalf("%d", len(list.Items))
	}
	// one that is removed is made for nobody, and makes way
	gone := list.Items[0].ID.String()
	s.Do(admin, http.MethodDelete, "/api/v1/exports/"+gone, nil).Want(http.StatusOK)
	s.Do(admin, http.MethodDelete, "/api/v1/exports/"+gone, nil).Want(http.StatusNotFound)
	if err := work(s).Run(t.Context(), job(s, "jamaica", gone, false)); err != nil {
		t.Fatal(err)
	}
	s.Get(admin, "/api/v1/exports/"+gone).Want(http.StatusNotFound)
	for range 18 {
		id := ask(s, admin, "/api/v1/exports/trail", map[string]any{"format": "jsonl"})
		if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
			t.Fatal(err)
		}
	}
	s.Do(admin, http.MethodPost, "/api/v1/exports/trail", map[string]any{"format": "csv"}).Want(http.StatusConflict)
}

// Another's export is not there, on whatever host; and whoever may not ask for it any more gets no link.
func TestAnExportIsItsOwners(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	db := s.DB("jamaica")
	at := school.Schools(t, db, school.School{Name: "Harbour High"}, school.School{Name: "Hill Primary"})
	head, other, abroad, boss := s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(at[0])), s.User("jamaica", "tenant_administrator"), s.User("bahamas", "tenant_administrator"), s.User("", "operator")
	id := ask(s, head, "/api/v1/exports/people", map[string]any{"format": "csv"})
	if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
		t.Fatal(err)
	}
	for _, who := range []apitest.User{other, abroad, boss} {
		s.Get(who, "/api/v1/exports/"+id).Want(http.StatusNotFound)
		s.Do(who, http.MethodDelete, "/api/v1/exports/"+id, nil).Want(http.StatusNotFound)
		if list := apitest.As[api.List[exports.Export]](s.Get(who, "/api/v1/exports")); len(list.Items) != 0 {
			t.Errorf("%s sees %+v", who.UserName, list.Items)
		}
	}
	url := apitest.As[exportsapi.Linked](s.Get(head, "/api/v1/exports/"+id)).URL
	for _, slug := range []string{"bahamas", ""} {
		s.Get(apitest.User{Slug: slug}, url).Want(http.StatusNotFound)
	}
	// who works elsewhere now sees no longer what it holds
	moved := s.Again(head, &at[1], "school_administrator")
	s.Get(moved, "/api/v1/exports/"+id).Want(http.StatusForbidden)
	// nor does who has another role
	teacher := s.Again(head, &at[0], "teacher")
	s.Get(teacher, "/api/v1/exports/"+id).Want(http.StatusForbidden)
	s.Do(teacher, http.MethodDelete, "/api/v1/exports/"+id, nil).Want(http.StatusOK)
}

// What somebody asked for is written with the rights that they have when it is written.
func TestItIsWrittenWithTodaysRights(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	db := s.DB("jamaica")
	at := school.Schools(t, db, school.School{Name: "Harbour High"}, school.School{Name: "Hill Primary"})
	for name, change := range map[string]string{
		"suspended": "UPDATE users SET state = 'suspended', state_reason = 'test' WHERE id = $1::uuid", "another role": "UPDATE user_roles SET role = 'teacher' WHERE user_id = $1::uuid", "no school": "UPDATE users SET school_id = NULL WHERE id = $1::uuid", "more than before": "UPDATE user_roles SET role = 'tenant_administrator' WHERE user_id = $1::uuid",
		"another school": "UPDATE users SET school_id = (SELECT id FROM schools WHERE name = 'Hill Primary') WHERE id = $1::uuid", "less than before": "UPDATE user_roles SET role = 'school_administrator' WHERE user_id = $1::uuid",
	} {
		role := "school_administrator"
		if name == "less than before" {
			role = "tenant_administrator"
		}
		who := s.UserWith("jamaica", []string{role}, apitest.At(at[0]))
		id := ask(s, who, "/api/v1/exports/people", map[string]any{"format": "csv"})
		s.Exec("jamaica", change, who.ID)
		if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
			t.Fatal(err)
		}
		var e exports.Export
		if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) (err error) {
			if e, err = exports.ByID(t.Context(), r, who.ID, uuid.MustParse(id)); err != nil {
				return err
			}
			told, err := school.Unseen(t.Context(), r, who.ID)
			if !slices.ContainsFunc(told, func(n notices.Notice) bool { return n.Kind == "export_failed" }) {
				t.Errorf("%s: nobody was told", name)
			}
			return err
		}); err != nil || e.State != exports.Failed || e.FileID != nil || e.Fault.IsZero() {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// A run that is cut leaves nothing but bytes that the sweep finds, and the next makes the whole; two runs at once make one file; one that fails for the last time says so.
func TestAnExportIsMadeOnce(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin, db := s.User("jamaica", "tenant_administrator"), s.DB("jamaica")
	school.Learners(t, db, 300, uuid.Nil)
	id := ask(s, admin, "/api/v1/exports/people", map[string]any{"format": "csv"})
	cut, cancel := context.WithCancel(t.Context())
	cancel()
	if work(s).Run(cut, job(s, "jamaica", id, true)) == nil {
		t.Fatal("a run without time did it")
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+id)); one.State != exports.Waiting && one.State != exports.Working {
		t.Errorf("%+v", one)
	}
	full := exportsapi.Work{Rules: s.API.Rules} // there is no bucket
	if err := full.Run(t.Context(), job(s, "jamaica", id, false)); err == nil {
		t.Error("there was no bucket, and it will not be tried again")
	}
	ended := make(chan error, 2)
	for range 2 {
		go func() { ended <- work(s).Run(t.Context(), job(s, "jamaica", id, false)) }()
	}
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := work(s).Run(t.Context(), job(s, "jamaica", id, false)); err != nil {
		t.Error(err)
	}
	var kept, told int
	if err := db.ReadFresh(t.Context(), func(r *tenants.Reader) error {
		if err := r.QueryRow(t.Context(), "SELECT count(*) FROM files WHERE purpose = 'export'").Scan(&kept); err != nil {
			return err
		}
		list, err := school.Unseen(t.Context(), r, admin.ID)
		for _, n := range list {
			if n.Kind == "export_ready" {
				told++
			}
		}
		return err
	}); err != nil || kept != 1 || told != 1 {
		t.Errorf("%d files, told %d times: %v", kept, told, err)
	}
	if blobs := s.kept(); blobs != 1 {
		t.Errorf("%d bytes are kept", blobs)
	}
	// what was looked for may be a name: it is kept for the job, and not in the trail
	s.Do(admin, http.MethodPost, "/api/v1/exports/people", map[string]any{"format": "csv", "q": "Tajay"}).Want(http.StatusAccepted)
	if n, asked := s.Number("jamaica", "SELECT count(*) FROM audit_entries WHERE action = 'export.ask' AND after::text LIKE '%Tajay%'"), s.Text("jamaica", "SELECT string_agg(asked::text, '') FROM exports"); n != 0 || !strings.Contains(asked, "Tajay") {
		t.Errorf("%d entries name somebody, and %s was asked for", n, asked)
	}
	// the last try
	other := ask(s, admin, "/api/v1/exports/people", map[string]any{"format": "csv"})
	old := job(s, "jamaica", other, true)
	if err := full.Run(t.Context(), old); err == nil {
		t.Error("it failed, and the job is well")
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+other)); one.State == exports.Failed {
		t.Error("a bucket that is away for a moment is the end of it")
	}
	old.Queued = time.Now().Add(-time.Hour)
	if err := full.Run(t.Context(), old); err == nil {
		t.Error("it failed, and the job is well")
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+other)); one.State != exports.Failed || one.Fault.IsZero() {
		t.Errorf("%+v", one)
	}
	// the last try, when its time is up
	third := ask(s, admin, "/api/v1/exports/people", map[string]any{"format": "csv"})
	over, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if err := work(s).Run(over, job(s, "jamaica", third, true)); err == nil {
		t.Error("a run whose time is up did it")
	}
	if one := apitest.As[exportsapi.Linked](s.Get(admin, "/api/v1/exports/"+third)); one.State != exports.Failed || !strings.Contains(one.Fault.String(), "failed") {
		t.Errorf("%+v", one)
	}
}

// After a week an export is gone, with its bytes.
func TestExportsAreOverAfterAWeek(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin := s.User("jamaica", "tenant_administrator")
	made(s, admin, "/api/v1/exports/trail", map[string]any{"format": "jsonl"})
	later := job(s, "jamaica", "", false)
	if err := work(s).Sweep(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if n := s.kept(); n != 1 {
		t.Fatalf("%d files", n)
	}
	later.Now = later.Now.Add(exports.Life + time.Minute)
	if err := work(s).Sweep(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if list := apitest.As[api.List[exports.Export]](s.Get(admin, "/api/v1/exports")); len(list.Items) != 0 || s.kept() != 0 {
		t.Errorf("%+v", list.Items)
	}
}

// A country that is read-only takes its data home all the same.
func TestAReadOnlyTenantGetsItsData(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	admin := s.User("jamaica", "tenant_administrator")
	s.Post(s.User("", "account_manager"), "/api/v1/platform/tenants/jamaica/suspension", map[string]string{"state": "read_only", "reason": "The contract has ended."}).Want(http.StatusOK)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, made(s, admin, "/api/v1/exports/people", map[string]any{"format": "csv"})); len(got) < 2 {
		t.Errorf("%v", got)
	}
}

// The platform's people get what is theirs: its trail, its accounts, and the figures of all tenants.
func TestThePlatformHasExports(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	manager := s.User("", "account_manager")
	for _, slug := range []string{"jamaica", "bahamas"} {
		for day := range 40 {
			s.Exec(slug, `SELECT gate.publish_usage(current_date - $1::integer, 12000, 11000, 44025, 600, 900)`, day)
		}
	}
	from := time.Now().UTC().AddDate(0, 0, -44).Format(time.DateOnly)
	list := rows(t, made(s, manager, "/api/v1/platform/exports/usage", map[string]any{"format": "csv", "from": from}))
	if len(list) != 81 || !slices.Contains(cells(t, list, "slug"), "jamaica") || cells(t, list, "name")[0] != "Department of Education, The Bahamas" || len(slices.Compact(slices.Sorted(slices.Values(cells(t, list, "day"))))) != 40 {
		t.Errorf("%d rows, %v", len(list), list[:2])
	}
	if f, err := excelize.OpenReader(bytes.NewReader(made(s, manager, "/api/v1/platform/exports/usage", map[string]any{"format": "xlsx"}))); err != nil || f.GetSheetName(0) != "Use" {
		t.Errorf("%v", err)
	}
	numbers, err := bills.Bill(t.Context(), s.DB(""), s.Actor, "jamaica", 2, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.Write("", func(tx *tenants.Tx) error {
		_, err := books.Pay(t.Context(), tx, numbers[0], books.Payment{Name: "=b-1", On: billing.On(time.Now().UTC().Date()), Amount: 12_345, Method: "cash", Reference: "PO 7"}, time.Now())
		return err
	})
	list = rows(t, made(s, manager, "/api/v1/platform/exports/bills", map[string]any{"format": "csv"}))
	if got := cells(t, list, "amount"); len(got) != 3 || !slices.Contains(got, "-123.45") || !slices.Contains(cells(t, list, "payment"), "'=b-1") || !slices.Contains(cells(t, list, "number"), numbers[1]) || !slices.Contains(cells(t, list, "tax"), "45000.00") {
		t.Errorf("%v", list)
	}
	if f, err := excelize.OpenReader(bytes.NewReader(made(s, manager, "/api/v1/platform/exports/bills", map[string]any{"format": "xlsx"}))); err != nil || f.GetSheetName(0) != "Bills" {
		t.Errorf("%v", err)
	}
	operator := s.User("", "operator")
	if list := rows(t, made(s, operator, "/api/v1/platform/exports/people", map[string]any{"format": "csv"})); !slices.Contains(cells(t, list, "id"), manager.ID.String()) {
		t.Errorf("%v", list)
	}
	if body := made(s, manager, "/api/v1/platform/exports/trail", map[string]any{"format": "jsonl"}); !bytes.Contains(body, []byte("export.ask")) {
		t.Errorf("%s", body)
	}
}

// Of a month in which so few did something that not even rows are listed, the file says that there is something.
func TestAFileSaysWhatIsNotEvenListed(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	db := s.DB("jamaica")
	today := s.Tenant("jamaica").Today(time.Now())
	month := today.AddDate(0, 0, 1-today.Day()).AddDate(0, -1, 0)
	for i, learners := range []int{3, 1, 1} {
		at := school.Schools(t, db, school.School{Name: fmt.Sprint("School ", i), Region: "East"})[0]
		for _, learner := range school.Learners(t, db, learners, at) {
			school.Attendance(t, db, school.Day{User: learner, School: at, Day: month.AddDate(0, 0, 3)})
		}
	}
	list := rows(t, made(s, s.User("jamaica", "ministry_official"), "/api/v1/exports/figures", map[string]any{"format": "csv", "first_month": month.Format("2006-01"), "last_month": month.Format("2006-01")}))
	said := map[string]string{}
	by, totals, counts, incomplete := cells(t, list, "by"), cells(t, list, "total"), cells(t, list, "count"), cells(t, list, "incomplete")
	for i := range by {
		if totals[i] == "true" {
			said[by[i]] = counts[i] + " " + incomplete[i]
		} else if by[i] == "school" || incomplete[i] != "0" {
			t.Errorf("there is a row: %v", list[i+1])
		}
	}
	if said["school"] != "5 1" || said["region"] != "5 0" {
		t.Errorf("the file says %v", said)
	}
}

// Figures are written as the pages show them: what is about few people is withheld in the file too, and its rows are those of the API.
func TestFiguresAreWritten(t *testing.T) {
	t.Parallel()
	s := newOffice(t)
	db := s.DB("jamaica")
	today := s.Tenant("jamaica").Today(time.Now())
	month := today.AddDate(0, 0, 1-today.Day()).AddDate(0, -1, 0) // the last one that is over
	big, small := 9, 2
	var at []uuid.UUID
	for i := range 230 { // more than a page
		at = append(at, school.Schools(t, db, school.School{Name: fmt.Sprintf("=School %03d", i), Region: []string{"East", "West"}[i%2]})...)
	}
	var days []school.Day
	for i, of := range at {
		for _, learner := range school.Learners(t, db, []int{big, small}[min(i%10, 1)], of) {
			days = append(days, school.Day{User: learner, School: of, Day: month.AddDate(0, 0, 3), First: month.AddDate(0, 0, 3)})
		}
	}
	school.Attendance(t, db, days...)
	official := s.User("jamaica", "ministry_official")
	ask := map[string]any{"format": "csv", "from": month.Format(time.DateOnly), "to": month.AddDate(0, 1, -1).Format(time.DateOnly), "first_month": month.Format("2006-01"), "last_month": month.Format("2006-01")}
	list := rows(t, made(s, official, "/api/v1/exports/figures", ask))
	names, by, counts, hidden := cells(t, list, "name"), cells(t, list, "by"), cells(t, list, "count"), cells(t, list, "suppressed")
	shown, withheld := 0, 0
	for i := range names {
		if by[i] != "school" || names[i] == "" {
			continue
		}
		if !strings.HasPrefix(names[i], "'=School ") {
			t.Fatalf("a school is called %q", names[i])
		}
		if hidden[i] == "true" {
			if withheld++; counts[i] != "" {
				t.Errorf("%s is withheld, and says %s", names[i], counts[i])
			}
		} else if shown++; counts[i] != "9" {
			t.Errorf("%s says %s", names[i], counts[i])
		}
	}
	if shown == 0 || shown > 23 || shown+withheld != 230 {
		t.Errorf("%d schools are shown, %d withheld", shown, withheld)
	}
	ask["format"] = "xlsx"
	f, err := excelize.OpenReader(bytes.NewReader(made(s, official, "/api/v1/exports/figures", ask)))
	if err != nil {
		t.Fatal(err)
	}
	if got := f.GetSheetList(); !slices.Equal(got, []string{"Attendance by day", "Attendance by region", "Attendance by school"}) {
		t.Errorf("the sheets are %v", got)
	}
	sheet, err := f.GetRows("Attendance by school")
	if err != nil || len(sheet) != 232 || sheet[0][9] != "How many" || sheet[231][4] != "TRUE" {
		t.Errorf("%d rows: %v", len(sheet), err)
	}
	// of a school: its own days, and no months
	head := s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(at[0]))
	s.Do(head, http.MethodPost, "/api/v1/exports/figures", ask).Want(http.StatusUnprocessableEntity)
	delete(ask, "first_month")
	delete(ask, "last_month")
	ask["format"] = "csv"
	own := rows(t, made(s, head, "/api/v1/exports/figures", ask))
	if got := cells(t, own, "count"); !slices.Equal(got, []string{"9", "9"}) || slices.Contains(cells(t, own, "by"), "school") {
		t.Errorf("%v", own)
	}
	s.Do(s.User("jamaica", "student"), http.MethodPost, "/api/v1/exports/figures", ask).Want(http.StatusForbidden)
}
