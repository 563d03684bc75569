package roster

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"lignum/domain/words"
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
	why     string // key of a message
}{
	{"manifest", []string{"propertyname", "value"}, "roster.the_manifest_is_not_needed"},
	{"courses", []string{"sourcedid", "coursecode"}, "roster.courses_come_from_content_packs"},
	{"demographics", []string{"sourcedid", "birthdate", "sex"}, "roster.birth_dates_sexes_and_the"},
	{"userprofiles", []string{"sourcedid", "profileid"}, "roster.profiles_of_other_systems_are"},
	{"resources", []string{"sourcedid", "vendorresourceid"}, "roster.resources_come_from_content_packs"},
	{"classresources", []string{"classsourcedid", "resourcesourcedid"}, "roster.resources_come_from_content_packs"},
	{"courseresources", []string{"coursesourcedid", "resourcesourcedid"}, "roster.resources_come_from_content_packs"},
	{"lineitems", []string{"sourcedid", "assigndate", "duedate"}, "roster.marks_are_not_imported_left"},
	{"results", []string{"lineitemsourcedid", "studentsourcedid"}, "roster.marks_are_not_imported_left"},
	{"categories", []string{"sourcedid", "title", "weight"}, "roster.marks_are_not_imported_left"},
	{"lineitemlearningobjectiveids", []string{"lineitemsourcedid", "learningobjectiveid"}, "roster.marks_are_not_imported_left"},
	{"lineitemscorescales", []string{"lineitemsourcedid", "scorescalesourcedid"}, "roster.marks_are_not_imported_left"},
	{"resultlearningobjectiveids", []string{"resultsourcedid", "learningobjectiveid"}, "roster.marks_are_not_imported_left"},
	{"resultscorescales", []string{"resultsourcedid", "scorescalesourcedid"}, "roster.marks_are_not_imported_left"},
	{"scorescales", []string{"sourcedid", "scorescalevalue"}, "roster.marks_are_not_imported_left"},
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
	if !why.IsZero() {
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
			s.leftOut, s.needed = words.Say(k.why), false
			return
		}
	}
	switch {
	case near != "":
		s.leftOut = words.Say("roster.lacks_columns", "N", len(missing), "Kind", near, "Columns", strings.Join(spelled(missing), ", "),
			"Header", fmt.Sprintf("%q", clipText(strings.Join(s.header, r.separator), 200)))
	case isCSV:
		s.leftOut = words.Say("roster.its_columns_are_not_those")
	default:
		s.leftOut, s.needed = words.Say("roster.is_no_csv_file_with"), false
	}
}

// spelled returns columns as OneRoster spells them.
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
func (s *sourceFile) notes(kind string) []words.Text {
	notes := []words.Text{}
	if kind == "guardians" {
		return notes
	}
	if s.text.encoding == windowsText {
		notes = append(notes, words.Say("roster.is_not_utf_8_and"))
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
				notes = append(notes, words.Say("roster.column_is_not_known_and", "Column", fmt.Sprintf("%q", clipText(c, 60))))
			}
		}
	}
	if unknown > 20 {
		notes = append(notes, words.Say("roster.more_columns_are_not_known", "N", unknown-20))
	}
	if s.unnamed > 0 {
		notes = append(notes, words.Say("roster.unnamed_columns", "N", s.unnamed))
	}
	if s.kind == "users" && s.has("password") {
		notes = append(notes, words.Say("roster.passwords_are_never_imported_print"))
	}
	return notes
}
