package roster

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/tenants"
)

func textFile(name, text string) File {
	return File{name, func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

var importable = []string{people.Student, "teacher", "coach", people.Guardian, "school_administrator"}

func (r *room) roster(opts Options, files ...File) (Report, error) {
	if opts.Roles == nil {
		opts.Roles = importable
	}
	return Import(r.Ctx, r.DB, r.World.Actor, files, opts, r.Now)
}

// counts are created, changed, unchanged, refused.
func counts(f FileReport) [4]int { return [4]int{f.Created, f.Changed, f.Unchanged, f.Refused} }

func (r *room) expect(rep Report, want map[string][4]int) {
	r.T.Helper()
	for _, f := range rep.Files {
		if sum := f.Created + f.Changed + f.Unchanged + f.Refused + f.Ignored; sum != f.Lines {
			r.T.Errorf("%s: the counts add up to %d, the file has %d lines", f.Kind, sum, f.Lines)
		}
		if w, ok := want[f.Kind]; f.Kind != "" && (!ok || w != counts(f)) {
			r.T.Errorf("%s: created, changed, unchanged, refused are %v, want %v; problems %+v", f.Kind, counts(f), w, f.Problems)
		}
	}
}

const orgsCSV = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\r\n" +
	"d1,active,,Region 1 Kingston,district,,\r\n" +
	"s1,active,,Kingston College,school,,d1\r\n" +
	"s2,active,,\"St. Hugh's, High\",school,,d1\r\n"

const sessionsCSV = "sourcedId,status,title,type,startDate,endDate\nt1,active,Christmas Term,term,2026-09-07,2026-12-18\nt2,active,Easter Term,term,2027-01-04,2027-03-26\n"

const usersCSV = "\xEF\xBB\xBFsourcedId,status,enabledUser,orgSourcedIds,role,username,givenName,familyName,email,agentSourcedIds,grades,shoeSize,password\n" +
	"u1,active,true,s1,student,,Akeem,Brown,,g1,10,42,secret\n" +
	"u2,active,true,s1,student,,Akeem,Brown,,,10,,\n" +
	"u3,active,true,s2,teacher,Tia.Chin,Tia,Chin,tia@school.example,,,,\n" +
	"g1,active,true,,guardian,,Marva,Brown,,,,,\n"

const classesCSV = "sourcedId,status,title,grades,courseSourcedId,classType,schoolSourcedId,termSourcedIds,metadata.seats\n" +
	"c1,active,Mathematics 10A,10,maths,scheduled,s1,\"t1,t2\",1\n"

const enrolmentsCSV = "sourcedId,status,classSourcedId,schoolSourcedId,userSourcedId,role,primary\n" +
	"e1,active,c1,s1,u1,student,\ne2,active,c1,s1,u2,student,\ne3,active,c1,s1,u3,teacher,true\n"

func wholeRoster() []File {
	return []File{textFile("z.csv", orgsCSV), textFile("enrollments.csv", enrolmentsCSV), textFile("users.csv", usersCSV), textFile("classes.csv", classesCSV),
		textFile("academicSessions.csv", sessionsCSV), textFile("courses.csv", "sourcedId,status,title,courseCode,orgSourcedId\nx,active,Mathematics,M,d1\n")}
}

func (r *room) everything() string {
	r.T.Helper()
	var all string
	r.OK(r.World.Direct(r.T).QueryRow(r.Ctx, `SELECT concat_ws('|', (SELECT string_agg(u::text, ',' ORDER BY id) FROM tenant_jamaica.users u), (SELECT string_agg(u::text, ',' ORDER BY u::text) FROM tenant_jamaica.user_roles u),
		(SELECT string_agg(u::text, ',' ORDER BY id) FROM tenant_jamaica.schools u), (SELECT string_agg(u::text, ',' ORDER BY id) FROM tenant_jamaica.terms u),
		(SELECT string_agg(u::text, ',' ORDER BY id) FROM tenant_jamaica.classes u), (SELECT string_agg(u::text, ',' ORDER BY u::text) FROM tenant_jamaica.enrolments u),
		(SELECT string_agg(u::text, ',' ORDER BY u::text) FROM tenant_jamaica.guardianships u), (SELECT string_agg(u::text, ',' ORDER BY u::text) FROM tenant_jamaica.usage_counts u))`).Scan(&all))
	return all
}

func TestRoster(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	want := map[string][4]int{"orgs": {2, 0, 1, 0}, "academicSessions": {2, 0, 0, 0}, "users": {4, 0, 0, 0}, "guardians": {1, 0, 3, 0}, "classes": {1, 0, 0, 0}, "enrollments": {1, 1, 0, 1}}
	empty := r.everything()
	dry, err := r.roster(Options{DryRun: true}, wholeRoster()...)
	r.OK(err)
	r.expect(dry, want)
	if r.everything() != empty || r.Number("SELECT count(*) FROM imports") != 0 {
		t.Error("the dry run changed something")
	}
	rep, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	r.expect(rep, want)
	for i, f := range rep.Files {
		if fmt.Sprint(f.Problems) != fmt.Sprint(dry.Files[i].Problems) {
			t.Errorf("%s: the dry run foresaw %v, it became %v", f.Kind, dry.Files[i].Problems, f.Problems)
		}
		if f.Kind == "users" && !slices.Equal(said(f.Notes), []string{`column "shoeSize" is not known and was left out`, "passwords are never imported; print sign-in cards"}) {
			t.Errorf("notes %q", f.Notes)
		}
		if f.Kind == "enrollments" && (len(f.Problems) != 1 || f.Problems[0].Line != 3 || !strings.Contains(f.Problems[0].Reason.String(), "full (1 seat)")) {
			t.Errorf("problems %+v", f.Problems)
		}
	}
	for sql, n := range map[string]int{
		"SELECT count(*) FROM users WHERE user_name IN ('akeem.brown', 'akeem.brown2', 'tia.chin', 'marva.brown') AND NOT has_password":                            4,
		"SELECT count(*) FROM schools WHERE region = 'Region 1 Kingston'":                                                                                          2,
		"SELECT count(*) FROM classes WHERE taken = 1 AND seats = 1 AND NOT open AND starts_on = '2026-09-07' AND ends_on = '2027-03-26' AND coach_id IS NOT NULL": 1,
		"SELECT count(*) FROM guardianships WHERE NOT consent":                                                                                                     1,
		"SELECT n FROM usage_counts WHERE kind = 'learners'":                                                                                                       2,
		"SELECT n FROM usage_counts WHERE kind = 'classes'":                                                                                                        1,
		"SELECT count(*) FROM audit_entries WHERE action = 'roster.import.chunk'":                                                                                  6,
	} {
		if got := r.Number(sql); got != n {
			t.Errorf("%s: %d, want %d", sql, got, n)
		}
	}
	// The same files again change nothing at all.
	before := r.everything()
	rep, err = r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	r.expect(rep, map[string][4]int{"orgs": {0, 0, 3, 0}, "academicSessions": {0, 0, 2, 0}, "users": {0, 0, 4, 0}, "guardians": {0, 0, 4, 0}, "classes": {0, 0, 1, 0}, "enrollments": {0, 0, 2, 1}})
	if r.everything() != before {
		t.Error("the same files changed something")
	}
}

func TestRosterChangesAndDeletes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	id := r.Number("SELECT count(*) FROM users WHERE source_id = 'u1'")
	if id != 1 {
		t.Fatal("no u1")
	}
	desk := identity.NewDesk(identity.NewHasher(0))
	s := r.signIn(desk, "akeem.brown")
	gone := strings.Replace(strings.Replace(usersCSV, "u1,active", "u1,tobedeleted", 1), "Tia,Chin", "Tia,Chin-Brown", 1)
	rep, err := r.roster(Options{}, textFile("u.csv", gone), textFile("e.csv", strings.Replace(enrolmentsCSV, "e1,active", "e1,tobedeleted", 1)))
	r.OK(err)
	r.expect(rep, map[string][4]int{"users": {0, 2, 2, 0}, "guardians": {0, 0, 4, 0}, "enrollments": {1, 1, 1, 0}})
	if r.used("learners") != 1 || r.Number("SELECT count(*) FROM users WHERE source_id = 'u1' AND state = 'suspended'") != 1 {
		t.Error("u1 was not suspended, or kept the seat")
	}
	if _, err := desk.Refresh(r.Ctx, r.DB, s.Refresh, identity.Device{Address: "192.0.2.7"}, time.Time{}, r.Now); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("u1's session: %v", err)
	}
	if n := r.Number("SELECT taken FROM classes"); n != 1 {
		t.Errorf("%d places are taken: one left, one came", n)
	}
	// Back again; but whom a person suspended, the roster does not resume.
	rep, err = r.roster(Options{}, textFile("u.csv", usersCSV))
	r.OK(err)
	r.expect(rep, map[string][4]int{"users": {0, 2, 2, 0}, "guardians": {0, 0, 4, 0}})
	r.Do("UPDATE users SET state = 'suspended', state_reason = 'bullying' WHERE source_id = 'u1'")
	r.Do("UPDATE usage_counts SET n = n - 1 WHERE kind = $1::text", "learners")
	rep, err = r.roster(Options{}, textFile("u.csv", usersCSV))
	r.OK(err)
	r.expect(rep, map[string][4]int{"users": {0, 0, 4, 0}, "guardians": {0, 0, 4, 0}})
}

func TestRosterReportsRows(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, textFile("orgs.csv", orgsCSV))
	r.OK(err)
	header := "sourcedId,status,role,orgSourcedIds,username,givenName,familyName,email,grades\n"
	rows := []struct{ row, field, reason string }{
		{"ok1,active,student,s1,,Fine,Row,,10", "", ""},
		{",active,student,s1,,No,Id,,", "sourcedId", "1 to 255"},
		{"b2,active,student,s1,,,Nameless,,", "givenName", "1 to 100"},
		{"b3,active,student,nowhere,,A,B,,", "orgSourcedIds", "not known"},
		{"b4,active,student,,,A,B,,", "orgSourcedIds", "missing"},
		{"b5,active,systemAdministrator,s1,,A,B,,", "role", "not given by a roster"},
		{"b6,active,teacher,s1,,A,B,,", "role", "may not give"},
		{"b7,active,student,s1,two words,A,B,,", "username", "1 to 64"},
		{"b8,active,student,s1,admin1,A,B,,", "username", "taken"},
		{"b9,active,student,s1,,A,B,not-an-address,", "email", "address"},
		{"b10,active,student,s1,,A,B,,,too,many", "", "11 cells"},
		{"ok1,active,student,s1,,Fine,Again,,10", "sourcedId", "line 2"},
		{"b11,sometimes,student,s1,,A,B,,", "status", "active"},
		{"b12,active,student,s1,,A\x01,B,,", "givenName", "control"},
		{"b13,active,student,s1,,A\xff,B,,", "givenName", "UTF-8"},
		{"b14,active,student,s1,,A \"quote,B,,", "", "not valid CSV"},
		{"ok2,active,student,s1,,\"Two\nlines\",Row,,10", "givenName", "control"},
		{"ok3,active,student,s1,,Ünïcödé,Ñandú,,10", "", ""},
	}
	text, want := header, []string{}
	line := 2
	for _, row := range rows {
		text += row.row + "\n"
		if row.reason != "" {
			want = append(want, fmt.Sprintf("%d %s", line, row.field))
		}
		line += 1 + strings.Count(row.row, "\n")
	}
	rep, err := r.roster(Options{Roles: []string{people.Student}}, textFile("users.csv", text))
	r.OK(err)
	f := rep.Files[0]
	got := []string{}
	for i, p := range f.Problems {
		got = append(got, fmt.Sprintf("%d %s", p.Line, p.Field))
		bad := slices.DeleteFunc(slices.Clone(rows), func(r struct{ row, field, reason string }) bool { return r.reason == "" })
		if i < len(bad) && !strings.Contains(p.Reason.String(), bad[i].reason) {
			t.Errorf("line %d: %q, want %q", p.Line, p.Reason, bad[i].reason)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("problems at\n%v, want\n%v", got, want)
	}
	if counts(f) != [4]int{2, 0, 0, len(want)} {
		t.Errorf("counts %v", counts(f))
	}
	var page ProblemPage
	r.OK(r.DB.ReadFresh(r.Ctx, func(q *tenants.Reader) (err error) { page, err = Problems(r.Ctx, q, f.ImportID, "", 5); return err }))
	if len(page.Problems) != 5 || page.Next == "" {
		t.Errorf("page %+v", page)
	}
	r.OK(r.DB.ReadFresh(r.Ctx, func(q *tenants.Reader) (err error) {
		page, err = Problems(r.Ctx, q, f.ImportID, page.Next, 100)
		return err
	}))
	if len(page.Problems) != len(want)-5 || page.Next != "" {
		t.Errorf("second page has %d", len(page.Problems))
	}
}

// people makes a users.csv of n students.
func students(n int) string {
	var b strings.Builder
	b.WriteString("sourcedId,status,role,orgSourcedIds,username,givenName,familyName,email,grades\n")
	for i := range n {
		fmt.Fprintf(&b, "p%d,active,student,s%d,,Given%c,Family%c,,1%d\n", i, 1+i%2, 'a'+i%26, 'a'+i/26%26, i%2)
	}
	return b.String()
}

func TestRosterResumes(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, textFile("orgs.csv", orgsCSV))
	r.OK(err)
	text := students(5000)
	whole := r.Ctx
	ctx, cancel := context.WithCancel(whole)
	r.Ctx = ctx
	chunks := 0
	rep, err := r.roster(Options{Progress: func(string, int) {
		if chunks++; chunks == 2 {
			cancel()
		}
	}}, textFile("users.csv", text))
	r.Ctx = whole
	if err != context.Canceled || rep.Files[0].Created != 2000 {
		t.Fatalf("interrupted with %v after %v", err, counts(rep.Files[0]))
	}
	if n := r.used("learners"); n != 2000 {
		t.Fatalf("%d learners are counted after two chunks", n)
	}
	rep, err = r.roster(Options{}, textFile("another name.csv", text))
	r.OK(err)
	if !rep.Files[0].Resumed || counts(rep.Files[0]) != [4]int{5000, 0, 0, 0} {
		t.Errorf("resumed: %+v", rep.Files[0])
	}
	if n := r.Number("SELECT count(DISTINCT user_name_key) FROM users WHERE source_id LIKE 'p%'"); n != 5000 || r.used("learners") != 5000 {
		t.Errorf("%d accounts, %d counted", n, r.used("learners"))
	}
	rep, err = r.roster(Options{}, textFile("users.csv", text))
	r.OK(err)
	r.expect(rep, map[string][4]int{"users": {0, 0, 5000, 0}})
}

func TestRosterRespectsTheQuota(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, textFile("orgs.csv", orgsCSV))
	r.OK(err)
	r.limit("learners", 1500)
	dry, err := r.roster(Options{DryRun: true}, textFile("users.csv", students(2100)))
	r.OK(err)
	rep, err := r.roster(Options{}, textFile("users.csv", students(2100)))
	r.OK(err)
	for _, rep := range []Report{dry, rep} {
		f := rep.Files[0]
		if counts(f) != [4]int{1500, 0, 0, 600} || f.Problems[0].Line != 1502 || !strings.Contains(f.Problems[0].Reason.String(), "quota of learners") {
			t.Errorf("counts %v, first problem %+v", counts(f), f.Problems[0])
		}
	}
	if r.used("learners") != 1500 {
		t.Errorf("%d learners are counted", r.used("learners"))
	}
}

func TestRosterOfOneSchool(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	var id string
	r.OK(r.World.Direct(t).QueryRow(r.Ctx, "SELECT id FROM tenant_jamaica.schools WHERE source_id = 's2'").Scan(&id))
	school := uuid.MustParse(id)
	rep, err := r.roster(Options{OnlySchool: &school, Roles: []string{people.Student}},
		textFile("orgs.csv", strings.Replace(orgsCSV, "Kingston College", "Mine now", 1)),
		textFile("users.csv", strings.Replace(usersCSV, "u2,active,true,s1,student,,Akeem", "u2,active,true,s2,student,,Taken", 1)+"n1,active,true,s2,student,,New,Here,,,10,,\n"),
		textFile("enrollments.csv", enrolmentsCSV))
	r.OK(err)
	r.expect(rep, map[string][4]int{"orgs": {0, 0, 1, 2}, "users": {1, 0, 0, 4}, "guardians": {0, 0, 4, 1}, "enrollments": {0, 0, 0, 3}})
}

func TestRosterFiles(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	dir := t.TempDir()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for name, text := range map[string]string{"orgs.csv": orgsCSV, "roles.csv": "sourcedId,status,userSourcedId,roleType,role,orgSourcedId\nr1,active,v1,primary,student,s1\nr2,active,v2,primary,teacher,s2\n",
		"users.csv": "sourcedId,status,enabledUser,username,givenName,familyName\nv1,active,true,,Kofi,Grant\nv2,active,true,,Ama,Grant\nv3,active,true,,No,Role\n"} {
		r.OK(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		w, err := z.Create("export/" + name)
		r.OK(err)
		_, err = w.Write([]byte(text))
		r.OK(err)
	}
	r.OK(z.Close())
	zipped := filepath.Join(t.TempDir(), "roster.zip")
	r.OK(os.WriteFile(zipped, archive.Bytes(), 0o600))
	for i, path := range []string{dir, zipped, filepath.Join(dir, "orgs.csv")} {
		files, closer, err := Open(path)
		r.OK(err)
		rep, err := r.roster(Options{}, files...)
		r.OK(err)
		r.OK(closer.Close())
		r.expect(rep, []map[string][4]int{{"orgs": {2, 0, 1, 0}, "roles": {0, 0, 2, 0}, "users": {2, 0, 0, 1}}, {"orgs": {0, 0, 3, 0}, "roles": {0, 0, 2, 0}, "users": {0, 0, 2, 1}}, {"orgs": {0, 0, 3, 0}}}[i])
	}
	for name, file := range map[string]File{
		"no roster":    textFile("x.csv", "a,b\n1,2\n"),
		"empty":        textFile("x.csv", ""),
		"UTF-16":       textFile("x.csv", "\xff\xfes\x00"),
		"column twice": textFile("x.csv", "sourcedId,name,type,NAME\n"),
	} {
		if _, err := r.roster(Options{}, file); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.roster(Options{}, textFile("x.csv", orgsCSV+strings.Repeat("\n", maxRows+100))); domain.CodeOf(err) != domain.TooLarge {
		t.Errorf("too many rows: %v", err)
	}
	if _, _, err := Open(filepath.Join(dir, "missing.csv")); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("no such file: %v", err)
	}
}
