package roster

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// kinds: what tells a kind of file by its header, and the columns that are looked at. Everything is in lower case but the kind.
var kinds = []struct {
	kind string
	must []string
	used []string
}{
	{"users", []string{"sourcedid", "givenname", "familyname"},
		[]string{"status", "enableduser", "role", "orgsourcedids", "primaryorgsourcedid", "username", "email", "grades", "agentsourcedids"}},
	{"enrollments", []string{"sourcedid", "classsourcedid", "usersourcedid", "role"}, []string{"status", "primary"}},
	{"roles", []string{"sourcedid", "usersourcedid", "role", "orgsourcedid"}, []string{"status", "roletype"}},
	{"classes", []string{"sourcedid", "title", "schoolsourcedid", "termsourcedids"},
		[]string{"status", "grades", "coursesourcedid", "classtype", "metadata.seats", "metadata.kind"}},
	{"academicSessions", []string{"sourcedid", "title", "startdate", "enddate"}, []string{"status", "type"}},
	{"orgs", []string{"sourcedid", "name", "type"}, []string{"status", "parentsourcedid", "metadata.region"}},
}

// otherKinds are OneRoster's files that a roster here does without, by the name of the file and by columns that no other file has together.
var otherKinds = []struct {
	name    string
	columns []string
	why     string
}{
	{"manifest", []string{"propertyname", "value"}, "the manifest is not needed"},
	{"courses", []string{"sourcedid", "coursecode"}, "courses come from content packs; a class finds its course when courseSourcedId is the pack's name"},
	{"demographics", []string{"sourcedid", "birthdate", "sex"}, "birth dates, sexes and the like are not kept here; left out"},
	{"userprofiles", []string{"sourcedid", "profileid"}, "profiles of other systems are not kept here; left out"},
	{"resources", []string{"sourcedid", "vendorresourceid"}, "resources come from content packs; left out"},
	{"classresources", []string{"classsourcedid", "resourcesourcedid"}, "resources come from content packs; left out"},
	{"courseresources", []string{"coursesourcedid", "resourcesourcedid"}, "resources come from content packs; left out"},
	{"lineitems", []string{"sourcedid", "assigndate", "duedate"}, "marks are not imported; left out"},
	{"results", []string{"lineitemsourcedid", "studentsourcedid"}, "marks are not imported; left out"},
	{"categories", []string{"sourcedid", "title", "weight"}, "marks are not imported; left out"},
	{"lineitemlearningobjectiveids", []string{"lineitemsourcedid", "learningobjectiveid"}, "marks are not imported; left out"},
	{"lineitemscorescales", []string{"lineitemsourcedid", "scorescalesourcedid"}, "marks are not imported; left out"},
	{"resultlearningobjectiveids", []string{"resultsourcedid", "learningobjectiveid"}, "marks are not imported; left out"},
	{"resultscorescales", []string{"resultsourcedid", "scorescalesourcedid"}, "marks are not imported; left out"},
	{"scorescales", []string{"sourcedid", "scorescalevalue"}, "marks are not imported; left out"},
}

// standardColumns are of OneRoster and left alone on purpose: they are not worth a note.
var standardColumns = []string{"datelastmodified", "userids", "middlename", "identifier", "sms", "phone", "password", "usermasteridentifier", "resourcesourcedids",
	"preferredgivenname", "preferredmiddlename", "preferredfamilyname", "pronouns", "classcode", "location", "subjects", "subjectcodes", "periods",
	"schoolsourcedid", "begindate", "enddate", "parentsourcedid", "schoolyear", "userprofilesourcedid"}

// knownColumn reports whether any file of OneRoster that is looked at has the column. The name is in lower case.
func knownColumn(name string) bool {
	for _, k := range kinds {
		if slices.Contains(k.must, name) || slices.Contains(k.used, name) {
			return true
		}
	}
	for _, k := range otherKinds {
		if slices.Contains(k.columns, name) {
			return true
		}
	}
	return slices.Contains(standardColumns, name)
}

// tellKind finds out what the file is, by its header; its name is asked only about what is missing or not needed.
func (s *sourceFile) tellKind() {
	r, why := s.rows()
	if why != "" {
		s.leftOut = why
		return
	}
	defer r.Close()
	s.header, s.columns, s.headerAt = r.header, r.columns, r.headerAt
	for _, c := range s.header {
		if c == "" {
			s.unnamed++
		}
	}
	lacks := func(columns []string) (missing []string) {
		return slices.DeleteFunc(slices.Clone(columns), s.has)
	}
	base := strings.ToLower(filepath.Base(s.Name))
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	var near string
	var missing []string
	for _, k := range kinds {
		m := lacks(k.must)
		if len(m) == 0 {
			s.kind = k.kind
			return
		}
		named := strings.EqualFold(k.kind, stem)
		if named || len(m) < len(k.must)-1 && (near == "" || len(m) < len(missing)) {
			near, missing = k.kind, m
		}
		if named {
			break
		}
	}
	isCSV := slices.Contains([]string{".csv", ".tsv", ".tab"}, filepath.Ext(base))
	for _, k := range otherKinds {
		if len(lacks(k.columns)) == 0 || k.name == stem {
			s.leftOut, s.needed = k.why, false
			return
		}
	}
	switch {
	case near != "":
		s.leftOut = fmt.Sprintf("lacks the %s of a %s file: %s; its header line reads %q", plural(len(missing), "column"), near, strings.Join(spelled(missing), ", "),
			clipText(strings.Join(s.header, r.separator), 200))
	case isCSV:
		s.leftOut = "its columns are not those of orgs, academicSessions, users, roles, classes or enrollments; left out"
	default:
		s.leftOut, s.needed = "is no CSV file with the columns of a roster; left out", false
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// spelled gives columns as OneRoster spells them.
func spelled(columns []string) []string {
	spelling := strings.NewReplacer("sourcedid", "SourcedId", "name", "Name", "date", "Date")
	out := make([]string, len(columns))
	for i, c := range columns {
		c = spelling.Replace(c)
		out[i] = strings.ToLower(c[:1]) + c[1:]
	}
	return out
}

// notes says what of the file was not looked at, and how it was read.
func (s *sourceFile) notes(kind string) []string {
	notes := []string{}
	if kind == "guardians" {
		return notes
	}
	if s.text.encoding == windowsText {
		notes = append(notes, "is not UTF-8 and was read as Windows-1252; if names with accents look wrong, save it as CSV UTF-8")
	}
	unknown := 0
	for _, k := range kinds {
		if k.kind != s.kind {
			continue
		}
		for _, c := range s.header {
			name := strings.ToLower(c)
			if name == "" || slices.Contains(k.must, name) || slices.Contains(k.used, name) || slices.Contains(standardColumns, name) {
				continue
			}
			if unknown++; unknown <= 20 {
				notes = append(notes, fmt.Sprintf("column %q is not known and was left out", clipText(c, 60)))
			}
		}
	}
	if unknown > 20 {
		notes = append(notes, fmt.Sprintf("%d more columns are not known and were left out", unknown-20))
	}
	if s.unnamed > 0 {
		notes = append(notes, fmt.Sprintf("%d %s no name and %s left out", s.unnamed, map[bool]string{true: "column has", false: "columns have"}[s.unnamed == 1],
			map[bool]string{true: "was", false: "were"}[s.unnamed == 1]))
	}
	if s.kind == "users" && s.has("password") {
		notes = append(notes, "passwords are never imported; print sign-in cards")
	}
	return notes
}
