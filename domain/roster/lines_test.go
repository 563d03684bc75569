package roster

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"

	"lignum/domain"
)

// file gives the one report of a kind.
func (r *room) file(rep Report, kind string) FileReport {
	r.T.Helper()
	for _, f := range rep.Files {
		if f.Kind == kind {
			return f
		}
	}
	r.T.Fatalf("no report of %s in %+v", kind, rep.Files)
	return FileReport{}
}

// schools imports orgs.csv and gives the room.
func schoolRoom(t *testing.T) *room {
	r := newRoom(t)
	_, err := r.roster(Options{}, textFile("orgs.csv", orgsCSV), textFile("academicSessions.csv", sessionsCSV))
	r.OK(err)
	return r
}

const shortUsers = "sourcedId,status,role,orgSourcedIds,givenName,familyName,grades\n"

// people gives rows of users.csv: a1, a2, ...
func rowsOf(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("a%d,active,student,s1,Ann,Lee,10", i+1)
	}
	return rows
}

func TestAStrayQuoteSpoilsItsOwnLine(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	for i, c := range []struct {
		damage           map[int]string // of rows, counted from 0
		problems         map[int]string // by line
		created, ignored int
	}{
		{map[int]string{2: `"a3,active,student,s1,Ann,Lee,10`}, map[int]string{4: "opens a cell and is not closed"}, 9, 0},
		{map[int]string{2: `a3,active,student,s1,"Ann,Lee,10`}, map[int]string{4: "opens a cell and is not closed"}, 9, 0},
		{map[int]string{2: `a3,active,student,s1,Ann,Lee,"10`}, map[int]string{4: "opens a cell and is not closed"}, 9, 0},
		{map[int]string{2: `a3,active,student,s1,A"nn,Lee,10`}, map[int]string{4: "stands inside a cell"}, 9, 0},
		{map[int]string{2: `a3,active,student,s1,"An"n,Lee,10`}, map[int]string{4: "text follows"}, 9, 0},
		{map[int]string{2: `a3,active,student,s1,Ann,"Lee,10`, 3: `a4,active,student,s1,Ann,Lee",10`}, map[int]string{4: "not closed", 5: "stands inside"}, 8, 0},
		{map[int]string{2: `a3,active,student,s1,"Ann,Lee,10`, 7: `a8,active,student,s1,Ann","Lee,10`}, map[int]string{4: "not closed", 9: "stands inside"}, 8, 0},
		// Whether the next line belongs to the cell cannot be known: it is no row by itself.
		{map[int]string{2: `a3,active,student,s1,"Ann,Lee,10`, 3: `a4,active`}, map[int]string{4: "not closed", 5: "quotation mark opens on line 4"}, 8, 0},
		{map[int]string{9: `a10,active,student,s1,"Ann,Lee,10`}, map[int]string{11: "not closed"}, 9, 0},
		// A cell that really goes over several lines.
		{map[int]string{2: "a3,active,student,s1,Ann,Lee,\"1\n0\""}, map[int]string{4: "control characters"}, 9, 1},
	} {
		rows := rowsOf(10)
		for at, row := range c.damage {
			rows[at] = row
		}
		text := strings.ReplaceAll(shortUsers+strings.Join(rows, "\n")+"\n", "\na", fmt.Sprintf("\nr%d-", i))
		rep, err := r.roster(Options{}, textFile("users.csv", text))
		r.OK(err)
		f := r.file(rep, "users")
		if f.Created != c.created || f.Refused != len(c.problems) || f.Ignored != c.ignored || f.Lines != strings.Count(text, "\n")-1 {
			t.Errorf("%d: %+v", i, f)
		}
		for _, p := range f.Problems {
			if want, ok := c.problems[p.Line]; !ok || !strings.Contains(p.Reason.String(), want) {
				t.Errorf("%d: line %d: %s", i, p.Line, p.Reason)
			}
		}
	}
}

// Wherever one quotation mark falls, it is its own line that is refused, and no other.
func TestAStrayQuoteAnywhere(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 2))
	for range 100 {
		rows := rowsOf(12)
		at := rnd.IntN(len(rows))
		cut := rnd.IntN(len(rows[at]) + 1)
		rows[at] = rows[at][:cut] + `"` + rows[at][cut:]
		rep, err := r.roster(Options{DryRun: true}, textFile("users.csv", shortUsers+strings.Join(rows, "\n")))
		r.OK(err)
		if f := r.file(rep, "users"); counts(f) != [4]int{11, 0, 0, 1} || len(f.Problems) != 1 || f.Problems[0].Line != at+2 {
			t.Fatalf("seed %d: %+v of\n%s", seed, f, strings.Join(rows, "\n"))
		}
	}
}

// A cell over several lines in a column that nobody looks at costs nothing.
func TestACellOverSeveralLines(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	rep, err := r.roster(Options{}, textFile("users.csv", "sourcedId,role,orgSourcedIds,givenName,familyName,address\n"+
		"a1,student,s1,Ann,Lee,\"12 \"\"High\"\" Street,\n\nKingston, Jamaica\"\na2,student,s1,Bob,Lee,\n"))
	r.OK(err)
	f := r.file(rep, "users")
	if f.Created != 2 || f.Ignored != 2 || f.Lines != 4 || !slices.ContainsFunc(said(f.Notes), func(n string) bool {
		return strings.HasPrefix(n, "ignored 2 lines, the first is line 3: part of a cell")
	}) {
		t.Errorf("%+v", f)
	}
}

// Whatever happens to files, each of their lines is in one count, and every problem names a line of its file and is counted.
func TestEveryLineIsCounted(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	_, err := r.roster(Options{}, wholeRoster()...)
	r.OK(err)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	clean := []struct{ name, text string }{{"orgs.csv", orgsCSV}, {"academicSessions.csv", sessionsCSV}, {"users.csv", usersCSV + strings.ReplaceAll(usersCSV[strings.Index(usersCSV, "\n")+1:], "\nu", "\nv")},
		{"roles.csv", "sourcedId,status,userSourcedId,roleType,role,orgSourcedId\nr1,active,v1,primary,student,s1\nr2,active,v2,primary,teacher,s2\nr3,active,v2,secondary,aide,s2\n"},
		{"classes.csv", classesCSV}, {"enrollments.csv", enrolmentsCSV}}
	bits := []string{`"`, `"`, `""`, ",", ";", "\n", "\n\n", "\r\n", "\r", "\t", "\x00", "\xff", "é", "\u0085", ",,,,,,,,,,,,,,,,", "tobedeleted", "inactive", " ", "\x1a", "sep=;\n", strings.Repeat("x", 5000)}
	for round := range 200 {
		var files []File
		texts := map[string]string{}
		for _, c := range clean {
			text := c.text
			for range rnd.IntN(4) {
				at := rnd.IntN(len(text) + 1)
				switch bit := bits[rnd.IntN(len(bits))]; rnd.IntN(3) {
				case 0:
					text = text[:at] + bit + text[at:]
				case 1:
					text = text[:at] + text[min(len(text), at+1+rnd.IntN(30)):]
				default:
					text = text[:at] + bit + text[min(len(text), at+1):]
				}
			}
			texts[c.name] = text
			files = append(files, textFile(c.name, text))
		}
		rep, err := r.roster(Options{DryRun: round%4 != 0}, files...)
		if err != nil && domain.CodeOf(err) != domain.Invalid {
			t.Fatalf("seed %d, round %d: %v in\n%q", seed, round, err, texts)
		}
		for _, f := range rep.Files {
			text := texts[f.Name]
			lines := strings.Count(text, "\n")
			if lines == 0 {
				lines = strings.Count(text, "\r")
			}
			if !strings.HasSuffix(text, "\n") && !(strings.Count(text, "\n") == 0 && strings.HasSuffix(text, "\r")) {
				lines++
			}
			bad := map[int]bool{}
			for _, p := range f.Problems {
				if bad[p.Line] = true; p.Line < 2 || p.Line > lines || p.Reason.String() == "" {
					t.Errorf("seed %d, round %d: problem %+v of %q", seed, round, p, text)
				}
			}
			if f.Kind == "" {
				if f.Lines+f.Created+f.Refused > 0 || !f.Needed {
					t.Errorf("seed %d, round %d: left out, yet %+v", seed, round, f)
				}
				continue
			}
			if sum := f.Created + f.Changed + f.Unchanged + f.Refused + f.Ignored; sum != lines-1 || f.Lines != lines-1 || len(bad) != f.Refused {
				t.Errorf("seed %d, round %d: %s %s counts %d of %d lines (%d refused, %d lines named): %+v\n%q", seed, round, f.Name, f.Kind, sum, lines-1, f.Refused, len(bad), f, text)
			}
		}
		if len(rep.Files) < len(files) && err == nil {
			t.Errorf("seed %d, round %d: %d files, %d reports", seed, round, len(files), len(rep.Files))
		}
		if t.Failed() {
			return
		}
	}
}

func TestRosterEncodingsAndSeparators(t *testing.T) {
	t.Parallel()
	r := schoolRoom(t)
	rows := "sourcedId,status,role,orgSourcedIds,givenName,familyName,grades\r\n#1,active,student,\"s1,s2\",José,Nuñez,10\r\n#2,active,student,s1,Zoë,Müller,10\r\n"
	utf16of := func(order binary.ByteOrder, text string) string {
		var b bytes.Buffer
		for _, c := range utf16.Encode([]rune("\uFEFF" + text)) {
			_ = binary.Write(&b, order, c)
		}
		return b.String()
	}
	windows := func(text string) string {
		s, err := charmap.Windows1252.NewEncoder().String(text)
		r.OK(err)
		return s
	}
	for i, write := range []func(string) string{
		func(s string) string { return s },
		func(s string) string { return "\xef\xbb\xbf" + s },
		func(s string) string { return utf16of(binary.LittleEndian, s) },
		func(s string) string { return utf16of(binary.BigEndian, s) },
		windows,
		func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") },
		func(s string) string { return strings.ReplaceAll(s, "\r\n", "\r") },
		func(s string) string { return utf16of(binary.LittleEndian, strings.ReplaceAll(s, "\r\n", "\r")) },
	} {
		for _, sep := range []string{",", ";", "\t", "|"} {
			for _, hint := range []string{"", "sep=" + sep + "\r\n"} {
				id := fmt.Sprintf("%d%d%d-", i, sep[0], len(hint))
				// The comma in the list stays a comma, whatever stands between the cells.
				text := strings.NewReplacer("#", id, `"s1,s2"`, `"s1,s2"`, ",", sep).Replace(rows)
				rep, err := r.roster(Options{}, textFile("users.csv", write(hint+text)))
				r.OK(err)
				if f := r.file(rep, "users"); f.Created != 2 || f.Refused != 0 || f.Lines != 2+len(hint)/6 || f.Ignored != len(hint)/6 {
					t.Errorf("%d %q %q: %+v", i, sep, hint, f)
				}
				if n := r.Number("SELECT count(*) FROM users WHERE (source_id, given_name, family_name) IN (($1::text, 'José', 'Nuñez'), ($2::text, 'Zoë', 'Müller'))", id+"1", id+"2"); n != 2 {
					t.Errorf("%d %q %q: %d of the names are right", i, sep, hint, n)
				}
			}
		}
	}
	for why, text := range map[string]string{
		"UTF-32":       "\xff\xfe\x00\x00s\x00\x00\x00",
		"NUL":          strings.ReplaceAll(strings.ReplaceAll(rows, "", "\x00"), "é", "e"),
		"spreadsheet":  "PK\x03\x04rest",
		"is empty":     "",
		"empty lines":  "\n\n,,,\n",
		"not closed":   "\"sourcedId,givenName,familyName\na1,b,c\n",
		"twice":        strings.Replace(rows, "grades", "ROLE", 1),
		"familyName":   strings.Replace(rows, "familyName", "lastName", 1),
		"those of":     "a,b\n1,2\n",
		"givenName":    "sourcedId familyName\n",
		"no CSV":       "%PDF-1.4",
		"save it as a": "",
	} {
		name := "users.csv"
		switch why {
		case "those of":
			name = "people.csv"
		case "no CSV":
			name = "users.pdf"
		case "save it as a":
			name, why = "users.xlsx", "save it as"
		}
		rep, err := r.roster(Options{DryRun: true}, textFile("orgs.csv", orgsCSV), textFile(name, text))
		r.OK(err)
		f := rep.Files[0]
		if f.Name != name || !strings.Contains(strings.Join(said(f.Notes), ""), why) || f.Needed == (name == "users.pdf") {
			t.Errorf("%s: %+v", why, f)
		}
		if _, err := r.roster(Options{DryRun: true}, textFile(name, text)); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), why) {
			t.Errorf("%s alone: %v", why, err)
		}
	}
}
