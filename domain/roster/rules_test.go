package roster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/domain/people"
)

func TestRosterWords(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	before := r.Number("SELECT taken FROM classes")
	for file, c := range map[string]struct{ header, row string }{
		"orgs":             {"sourcedId,status,name,type", "o#,active,Name,school"},
		"academicSessions": {"sourcedId,status,title,type,startDate,endDate", "t#,active,Title,term,2026-09-07,2026-12-18"},
		"users":            {"sourcedId,status,enabledUser,role,orgSourcedIds,givenName,familyName", "w#,active,true,student,s1,Ann,Lee"},
		"classes":          {"sourcedId,status,title,classType,schoolSourcedId,termSourcedIds,metadata.kind", "k#,active,Title,scheduled,s1,t1,live"},
		"enrollments":      {"sourcedId,status,classSourcedId,userSourcedId,role,primary", "n#,active,c1,u1,student,false"},
		"roles":            {"sourcedId,status,userSourcedId,roleType,role,orgSourcedId", "r#,active,u#,primary,student,s1"},
	} {
		columns := strings.Split(c.header, ",")
		text, want := c.header+"\n", []string{}
		for i, column := range columns {
			if !slices.Contains([]string{"status", "type", "enabledUser", "role", "roleType", "classType", "metadata.kind", "primary"}, column) {
				continue
			}
			cells := strings.Split(strings.ReplaceAll(c.row, "#", fmt.Sprint(i)), ",")
			cells[i] = "Quatsch"
			text += strings.Join(cells, ",") + "\n"
			want = append(want, fmt.Sprintf("%d %s", len(want)+2, column))
		}
		rep, err := r.roster(Options{}, textFile(file+".csv", text), textFile("also.csv", orgsCSV))
		r.OK(err)
		f := r.file(rep, file)
		if file == "orgs" {
			f = rep.Files[slices.IndexFunc(rep.Files, func(f FileReport) bool { return f.Name == "orgs.csv" })]
		}
		got := []string{}
		for _, p := range f.Problems {
			got = append(got, fmt.Sprintf("%d %s", p.Line, p.Field))
			if !strings.Contains(p.Reason.String(), `"Quatsch" is not`) || !strings.Contains(p.Reason.String(), "allowed: ") {
				t.Errorf("%s: %+v", file, p)
			}
		}
		if !slices.Equal(got, want) || f.Refused != len(want) || f.Created > 0 {
			t.Errorf("%s: %v, want %v; %+v", file, got, want, f)
		}
	}
	if n := r.Number("SELECT taken FROM classes"); n != before {
		t.Errorf("%d places are taken, before %d", n, before)
	}
	// Capitals do not matter: Excel writes TRUE for true.
	rep, err := r.roster(Options{}, textFile("users.csv", "sourcedId,status,enabledUser,role,orgSourcedIds,givenName,familyName\nx1,ACTIVE,TRUE,Student,s1,Ann,Lee\nx2,,FALSE,student,s1,Bob,Lee\n"))
	r.OK(err)
	if f := r.file(rep, "users"); f.Created != 2 || r.Number("SELECT count(*) FROM users WHERE source_id = 'x1' AND state = 'active' OR source_id = 'x2' AND state = 'suspended'") != 2 {
		t.Errorf("%+v", f)
	}
}

// Who is to go needs a name too, and the right words.
func TestWhoIsToGoIsNamed(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	rep, err := r.roster(Options{}, textFile("users.csv", shortUsers+",tobedeleted,student,s1,Ann,Lee,10\nx,tobedeleted,student,s1,Ann,Lee,10\n"),
		textFile("classes.csv", "sourcedId,status,title,schoolSourcedId,termSourcedIds\n,tobedeleted,Maths,s1,t1\nx,inactive,Maths,s1,t1\n"),
		textFile("enrollments.csv", "sourcedId,status,classSourcedId,userSourcedId,role\n,tobedeleted,x,x,student\ny,tobedeleted,x,x,Quatsch\nz,tobedeleted,x,x,student\n"))
	r.OK(err)
	r.expect(rep, map[string][4]int{"users": {0, 0, 1, 1}, "classes": {0, 0, 1, 1}, "enrollments": {0, 0, 1, 2}})
}

// Who is inactive in a class takes no place, and gives the one back that they had.
func TestInactiveTakesNoPlace(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	for _, status := range []string{"inactive", "tobedeleted", "INACTIVE"} {
		inactive := strings.Replace(enrolmentsCSV, "e1,active", "e1,"+status, 1)
		files := wholeRoster()
		files[1] = textFile("enrollments.csv", inactive)
		rep, err := r.roster(Options{}, files...)
		r.OK(err)
		if f := r.file(rep, "enrollments"); f.Refused > 0 || r.Number("SELECT count(*) FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE e.state = 'active' AND u.source_id = 'u2'") != 1 || r.Number("SELECT taken FROM classes") != 1 {
			t.Errorf("%s: %+v", status, f)
		}
		back := strings.Replace(enrolmentsCSV, "e2,active", "e2,"+status, 1)
		rep, err = r.roster(Options{}, textFile("enrollments.csv", back))
		r.OK(err)
		if f := r.file(rep, "enrollments"); f.Changed+f.Created != 2 || r.Number("SELECT count(*) FROM enrolments e JOIN users u ON u.id = e.learner_id WHERE e.state = 'active' AND u.source_id = 'u1'") != 1 || r.Number("SELECT taken FROM classes") != 1 {
			t.Errorf("%s, back: %+v", status, f)
		}
	}
	// A class or a term that is not in use is not made, and one that is closes.
	rep, err := r.roster(Options{}, textFile("classes.csv", strings.Replace(classesCSV, "c1,active", "c1,inactive", 1)+"c2,inactive,Physics,10,,scheduled,s1,t1,5\n"),
		textFile("academicSessions.csv", "sourcedId,status,title,type,startDate,endDate\nt9,inactive,Term,term,2027-09-07,2027-12-18\n"),
		textFile("orgs.csv", "sourcedId,status,name,type\ns2,inactive,Old School,school\ns3,inactive,Never,school\n"))
	r.OK(err)
	r.expect(rep, map[string][4]int{"classes": {0, 1, 1, 0}, "academicSessions": {0, 0, 1, 0}, "orgs": {0, 1, 1, 0}})
}

func TestListsSplitAtCommasAlone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	rep, err := r.roster(Options{}, textFile("orgs.csv", "sourcedId,name,type\nschool 1;a,One,school\nschool 2,Two,school\n"),
		textFile("academicSessions.csv", "sourcedId,title,type,startDate,endDate\nterm 1; x,T1,term,2026-09-07,2026-12-18\nterm 2,T2,term,2027-01-04,2027-03-26\n"),
		textFile("users.csv", "sourcedId,role,orgSourcedIds,givenName,familyName,grades,agentSourcedIds\nu 1,student,school 1;a,Ann,Lee,Form 4,\"g 1; a , g 2\"\ng 1; a,guardian,,Ma,Lee,,\ng 2,guardian,,Pa,Lee,,\n"),
		textFile("classes.csv", "sourcedId,title,schoolSourcedId,termSourcedIds,grades\nc 1,Maths,school 2,\" term 1; x , term 2,\",\"Form 4,Form 5\"\n"))
	r.OK(err)
	r.expect(rep, map[string][4]int{"orgs": {2, 0, 0, 0}, "academicSessions": {2, 0, 0, 0}, "users": {3, 0, 0, 0}, "guardians": {1, 0, 2, 0}, "classes": {1, 0, 0, 0}})
	if r.Number("SELECT count(*) FROM users WHERE grade = 'Form 4'") != 1 || r.Number("SELECT count(*) FROM guardianships") != 2 ||
		r.Number("SELECT count(*) FROM classes WHERE grade = 'Form 4' AND starts_on = '2026-09-07' AND ends_on = '2027-03-26'") != 1 {
		t.Error("a list was split elsewhere than at its commas")
	}
}

// Of several schools and grades the first is kept, and the report says so; a district may stand before the school.
func TestOneOfSeveral(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	rep, err := r.roster(Options{}, textFile("orgs.csv", orgsCSV), textFile("users.csv", shortUsers+
		"m1,active,student,\"d1,s2,s1\",Ann,Lee,\"10,11\"\nm2,active,student,\"d1\",Ann,Lee,10\nm3,active,student,\"x, y\",Ann,Lee,\"10,\"\n"))
	r.OK(err)
	f := r.file(rep, "users")
	if counts(f) != [4]int{1, 0, 0, 2} || r.Number("SELECT count(*) FROM users u JOIN schools s ON s.id = u.school_id WHERE u.source_id = 'm1' AND s.source_id = 's2' AND grade = '10'") != 1 ||
		!slices.Contains(said(f.Notes), "rows that name several grades: 1; the first grade is kept") || !slices.Contains(said(f.Notes), "rows that name several organisations: 2; the first school is kept") {
		t.Errorf("%+v", f)
	}
}

// What Excel leaves: rows and columns of commas alone, and a last row that ends early.
func TestWhatExcelLeaves(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	rep, err := r.roster(Options{}, textFile("users.csv", "sourcedId,role,orgSourcedIds,givenName,familyName,grades,email,,\n"+
		"a1,student,s1,Ann,Lee,10,,,\n,,,,,,,,\n\na2,student,s1,Bob,Lee\na3,student,s1,Cy\n,,,,\na4,student,s1,Di,Lee,10,,x,\n ,\t,,,,,,,,,,,,\n\"\",\"\",,,,,\na5,student,s1,Ed,Lee,11"))
	r.OK(err)
	f := r.file(rep, "users")
	if counts(f) != [4]int{3, 0, 0, 2} || f.Ignored != 5 || f.Lines != 10 || f.Problems[0].Line != 6 || f.Problems[0].Field != "familyName" || f.Problems[1].Line != 8 {
		t.Errorf("%+v", f)
	}
	if !slices.Contains(said(f.Notes), "ignored 5 lines, the first is line 3: empty") {
		t.Errorf("%q", f.Notes)
	}
}

// Seats are looked at over the whole file, whatever its order, and over chunks.
func TestLeaversMakeRoom(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	const seats = 1200
	users, first, second := shortUsers, "sourcedId,status,classSourcedId,userSourcedId,role\n", "sourcedId,status,classSourcedId,userSourcedId,role\n"
	for i := range 2 * seats {
		users += fmt.Sprintf("p%d,active,student,s1,Given,Family,10\n", i)
		if i < seats {
			first += fmt.Sprintf("f%d,active,c1,p%d,student\n", i, i)
			second += fmt.Sprintf("n%d,active,c1,p%d,student\n", i, i+seats)
		}
	}
	for i := range seats { // the leavers stand last
		second += fmt.Sprintf("f%d,tobedeleted,c1,p%d,student\n", i, i)
	}
	second += "late,active,c1,p0,student\n"
	class := "sourcedId,title,schoolSourcedId,termSourcedIds,metadata.seats\nc1,Maths,s1,t1," + fmt.Sprint(seats) + "\n"
	_, err := r.roster(Options{}, textFile("users.csv", users), textFile("classes.csv", class), textFile("enrollments.csv", first))
	r.OK(err)
	dry, err := r.roster(Options{DryRun: true}, textFile("enrollments.csv", second))
	r.OK(err)
	rep, err := r.roster(Options{}, textFile("enrollments.csv", second))
	r.OK(err)
	for _, rep := range []Report{dry, rep} {
		f := r.file(rep, "enrollments")
		if counts(f) != [4]int{seats, seats, 0, 1} || f.Problems[0].Line != 2*seats+2 || !strings.Contains(f.Problems[0].Reason.String(), "full (1,200 seats)") {
			t.Errorf("%v %+v", counts(f), f.Problems[:min(3, len(f.Problems))])
		}
	}
	if n := r.Number("SELECT taken FROM classes"); n != seats {
		t.Errorf("%d places are taken", n)
	}
	// A class becomes smaller in the same import in which its learners leave.
	leave := strings.ReplaceAll(second[:strings.Index(second, "f0,")], ",active", ",tobedeleted")
	rep, err = r.roster(Options{}, textFile("classes.csv", strings.Replace(class, "1200", "5", 1)), textFile("enrollments.csv", leave))
	r.OK(err)
	r.expect(rep, map[string][4]int{"classes": {0, 1, 0, 0}, "enrollments": {0, seats, 0, 0}})
}

// The same for the quotas of accounts and of classes, and for a class's coach.
func TestWhoGoesMakesRoomInTheQuota(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	r.limit("learners", 2)
	r.limit("classes", 1)
	_, err := r.roster(Options{}, textFile("users.csv", shortUsers+"o1,active,student,s1,Ann,Lee,10\no2,active,student,s1,Bob,Lee,10\nk1,active,teacher,s1,Tia,Chin,\nk2,active,teacher,s1,Ed,Chin,\n"),
		textFile("classes.csv", classesCSV), textFile("enrollments.csv", "sourcedId,classSourcedId,userSourcedId,role\nx1,c1,k1,teacher\n"))
	r.OK(err)
	files := []File{
		textFile("a.csv", shortUsers+"n1,active,student,s1,Cy,Lee,10\nn2,active,student,s1,Di,Lee,10\nn3,active,student,s1,Eve,Lee,10\n"),
		textFile("b.csv", "sourcedId,status,enabledUser,role,orgSourcedIds,givenName,familyName\no1,tobedeleted,,student,s1,Ann,Lee\no2,active,false,student,s1,Bob,Lee\n"),
		textFile("classes.csv", strings.Replace(classesCSV, "c1,active", "c2,active", 1)+"c1,tobedeleted,Mathematics 10A,10,,,s1,t1,1\n"),
	}
	rep, err := r.roster(Options{}, files...)
	r.OK(err)
	if a, b := rep.Files[0], rep.Files[1]; counts(a) != [4]int{2, 0, 0, 1} || a.Problems[0].Line != 4 || counts(b) != [4]int{0, 2, 0, 0} {
		t.Errorf("%+v\n%+v", a, b)
	}
	r.expect(Report{Files: rep.Files[2:]}, map[string][4]int{"classes": {1, 1, 0, 0}})
	rep, err = r.roster(Options{}, textFile("enrollments.csv", "sourcedId,status,classSourcedId,userSourcedId,role\ny2,active,c2,k2,teacher\n"))
	r.OK(err)
	rep, err = r.roster(Options{}, textFile("enrollments.csv", "sourcedId,status,classSourcedId,userSourcedId,role\ny1,active,c2,k1,teacher\ny2,tobedeleted,c2,k2,teacher\n"))
	r.OK(err)
	if f := r.file(rep, "enrollments"); f.Changed != 2 || r.Number("SELECT count(*) FROM classes c JOIN users u ON u.id = c.coach_id WHERE c.source_id = 'c2' AND u.source_id = 'k1'") != 1 {
		t.Errorf("%+v", f)
	}
}

// No row that names anybody known is a report, and no error of the database.
func TestNobodyKnown(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...) // so that the statements have rows to look at
	r.OK(err)
	unknown := strings.NewReplacer("e1", "y1", "e2", "y2", "e3", "y3", "c1", "never", "u1", "nobody").Replace(enrolmentsCSV)
	for _, dry := range []bool{true, false} {
		rep, err := r.roster(Options{DryRun: dry}, textFile("orgs.csv", "sourcedId,name,type\n"), textFile("academicSessions.csv", "sourcedId,title,startDate,endDate\n"),
			textFile("users.csv", "sourcedId,role,orgSourcedIds,givenName,familyName,agentSourcedIds\ny1,student,nowhere,Ann,Lee,g1\n"),
			textFile("classes.csv", "sourcedId,title,schoolSourcedId,termSourcedIds\ny1,Maths,nowhere,never\n"), textFile("enrollments.csv", unknown))
		r.OK(err)
		r.expect(rep, map[string][4]int{"orgs": {}, "academicSessions": {}, "users": {0, 0, 0, 1}, "guardians": {0, 0, 1, 0}, "classes": {0, 0, 0, 1}, "enrollments": {0, 0, 0, 3}})
	}
}

// An error in the middle leaves whole chunks alone, and the next import goes on behind them.
func TestAnErrorInTheMiddleLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	direct := r.World.Direct(t)
	_, err := direct.Exec(r.Ctx, `CREATE FUNCTION tenant_jamaica.break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF new.role = 'student' AND (SELECT source_id FROM tenant_jamaica.users WHERE id = new.user_id) = 'p1500' THEN RAISE 'broken'; END IF; RETURN new; END $$;
		GRANT EXECUTE ON FUNCTION tenant_jamaica.break_it() TO PUBLIC;
		CREATE TRIGGER break_it BEFORE INSERT ON tenant_jamaica.user_roles FOR EACH ROW EXECUTE FUNCTION tenant_jamaica.break_it()`)
	r.OK(err)
	text := students(2500) + "p9999,tobedeleted,student,s1,,Given,Family,,10\n"
	rep, err := r.roster(Options{}, textFile("users.csv", text))
	if err == nil || rep.Files[0].Created != 1000 {
		t.Fatalf("%v, %+v", err, rep.Files)
	}
	for sql, n := range map[string]int{
		"SELECT count(*) FROM users WHERE source_id LIKE 'p%'": 1000, "SELECT count(*) FROM user_roles r JOIN users u ON u.id = r.user_id WHERE source_id LIKE 'p%'": 1000,
		"SELECT n FROM usage_counts WHERE kind = 'learners'": 1000, "SELECT created FROM imports WHERE kind = 'users'": 1000,
		// One chunk of a row that gives room back, and one of a thousand.
		"SELECT count(*) FROM audit_trail WHERE action = 'roster.import.chunk' AND after->>'kind' = 'users'": 2,
	} {
		if got := r.Number(sql); got != n {
			t.Errorf("%s: %d, want %d", sql, got, n)
		}
	}
	_, err = direct.Exec(r.Ctx, "DROP TRIGGER break_it ON tenant_jamaica.user_roles")
	r.OK(err)
	rep, err = r.roster(Options{}, textFile("users.csv", text))
	r.OK(err)
	if f := rep.Files[0]; !f.Resumed || counts(f) != [4]int{2500, 0, 1, 0} || f.Lines != 2501 || r.used("learners") != 2500 {
		t.Errorf("%+v", f)
	}
}

// Everything in a directory is imported or named.
func TestEveryFileIsTakenOrNamed(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ORGS.CSV": orgsCSV, "terms/AcademicSessions.csv": sessionsCSV, "deep/er/users.txt": strings.ReplaceAll(shortUsers, ",", "\t") + "a1\tactive\tstudent\ts1\tAnn\tLee\t10\n",
		"copy.csv": orgsCSV, "courses.csv": "sourcedId,title,courseCode\n", "demographics.csv": "sourcedId,birthDate,sex\n", "manifest.csv": "propertyName,value\n",
		"classes.csv": "sourcedId,title,schoolSourcedId\n", "users.xlsx": "PK\x03\x04", "README": "hello", ".DS_Store": "x", "photo.jpg": "x", "empty.csv": "", "what.csv": "a,b\n", "inner.zip": "PK",
	} {
		path := filepath.Join(dir, name)
		r.OK(os.MkdirAll(filepath.Dir(path), 0o700))
		r.OK(os.WriteFile(path, []byte(text), 0o600))
	}
	files, closer, err := Open(dir)
	r.OK(err)
	defer closer.Close()
	rep, err := r.roster(Options{}, files...)
	r.OK(err)
	got := map[string]string{}
	for _, f := range rep.Files {
		got[f.Name] = f.Kind
		if f.Needed {
			got[f.Name] = "needed: " + f.Notes[0].String()
		} else if f.Kind == "" {
			got[f.Name] = f.Notes[0].String()
		}
	}
	for name, want := range map[string]string{
		"ORGS.CSV": "orgs", "terms/AcademicSessions.csv": "academicSessions", "deep/er/users.txt": "users", "copy.csv": "is the same as ORGS.CSV",
		"courses.csv": "courses come from", "demographics.csv": "birth dates", "manifest.csv": "the manifest", "classes.csv": "needed: lacks the column of a classes file: termSourcedIds",
		"users.xlsx": "needed: is a spreadsheet", "README": "is no CSV file", ".DS_Store": "a file of the computer's own", "photo.jpg": "is no CSV", "empty.csv": "needed: is empty",
		"what.csv": "needed: its columns are not", "inner.zip": "needed: is an archive",
	} {
		if !strings.HasPrefix(got[name], want) || want == "" {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("%v", got)
	}
}

// What a row names and nobody knows is told with its line, where the row is taken all the same.
func TestRosterTellsOfDanglingReferences(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	orgs := "sourcedId,status,name,type,parentSourcedId\ns1,active,Kingston College,school,gone\ns9,active,New Prep,school,nowhere\ns2,active,\"St. Hugh's, High\",school,d1\nd1,active,Region 1 Kingston,district,\n"
	classes := "sourcedId,status,title,schoolSourcedId,termSourcedIds,courseSourcedId\nk9,active,Extra,s1,t1,no-such-course\nk8,active,Plain,s1,t1,\n"
	rep, err := r.roster(Options{}, textFile("orgs.csv", orgs), textFile("classes.csv", classes))
	r.OK(err)
	for kind, want := range map[string]string{"orgs": "lines 2, 3: the organisation that parentSourcedId names is not in the file", "classes": "line 2: the course that courseSourcedId names is not one here"} {
		found := false
		for _, f := range rep.Files {
			if f.Kind == kind {
				found = strings.Contains(strings.Join(said(f.Notes), "\n"), want)
				if !found {
					t.Errorf("%s: %q", kind, f.Notes)
				}
			}
		}
		if !found {
			t.Errorf("%s: nothing says %q", kind, want)
		}
	}
}

// A school's administrator fills classes of the own school with its own learners, and leads none of others' by a file.
func TestRosterOfOneSchoolPlacesItsOwn(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	var id string
	r.OK(r.World.Direct(t).QueryRow(r.Ctx, "SELECT id FROM tenant_jamaica.schools WHERE source_id = 's1'").Scan(&id))
	school := uuid.MustParse(id)
	// A learner of the other school, who has no place yet.
	users := strings.SplitN(strings.TrimPrefix(usersCSV, "\xEF\xBB\xBF"), "\n", 2)[0] + "\nx1,active,true,s2,student,,Far,Away,,,10,,\n"
	_, err = r.roster(Options{}, textFile("users.csv", users))
	r.OK(err)
	class := strings.Split(strings.SplitN(classesCSV, "\n", 3)[1], ",")[0]
	rep, err := r.roster(Options{OnlySchool: &school, Roles: []string{people.Student}}, textFile("enrollments.csv", "sourcedId,status,classSourcedId,userSourcedId,role\ny1,active,"+class+",x1,student\n"))
	r.OK(err)
	if f := rep.Files[0]; f.Refused != 1 || !strings.Contains(f.Problems[0].Reason.String(), "not a learner of your school") {
		t.Errorf("%+v", f)
	}
}
