package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/tests/school"
)

// Where there are more schools than a list has room for, one writes a name: without script, the server finds the school, and asks when it may
// be several.
func TestOneOfManySchoolsIsFoundByItsName(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	var schools []school.School
	for n := 1; n <= 60; n++ {
		schools = append(schools, school.School{ID: uuid.MustParse(fmt.Sprintf("c0000000-0000-7000-8000-%012d", n)), SourceID: fmt.Sprintf("JM-%d", n),
			Name: fmt.Sprintf("%s Grove %d", []string{"Cedar", "Palm"}[n%2], n/2), Region: "Portland", Closed: n == 7})
	}
	school.Schools(t, s.DB("jamaica"), schools...)
	const cedar = "c0000000-0000-7000-8000-000000000008" // Cedar Grove 4; 40 to 58 have names that begin so
	page := s.Get(s.admin, "/people/new").Want(http.StatusOK)
	s.shows(page, `name="school_id_typed"`)
	s.hides(page, "Cedar Grove")

	send := func(name string, more ...string) (int, string) {
		v := url.Values{"given_name": {"New"}, "family_name": {"Teacher"}, "role": {"teacher"}, "school_id_typed": {name}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		r := s.form(s.admin, "/people", v)
		return r.Status, string(r.Body)
	}
	of := func(id string) int {
		return s.Number("jamaica", `SELECT count(*) FROM users WHERE family_name = 'Teacher' AND school_id = $1::text::uuid`, id)
	}
	for i, typed := range []string{"cedar grove 4", "Cedar Grove 4 (JM-8)", "JM-8"} {
		if status, body := send(typed); status != http.StatusOK || of(cedar) != i+1 {
			t.Fatalf("%q: %d, %d at the school: %s", typed, status, of(cedar), said([]byte(body)))
		}
	}
	for typed, says := range map[string]string{"palm": "School may be several: choose one of them", "Maple": "School is not found", "Palm Grove 3 JM-7": "School is not found", "...": "School is not found"} { // that one is closed
		if status, body := send(typed); status != http.StatusUnprocessableEntity || !strings.Contains(said([]byte(body)), says) || !strings.Contains(body, `value="`+typed+`"`) {
			t.Errorf("%q: %d: %s", typed, status, said([]byte(body)))
		}
	}
	status, body := send("cedar 4")
	if status != http.StatusUnprocessableEntity || !strings.Contains(body, `type="radio" id="p-`+cedar+`" name="school_id"`) || !strings.Contains(body, `name="school_id_found" value="cedar 4"`) {
		t.Fatalf("%d: %s", status, body)
	}
	if status, body := send("cedar 4", "school_id_found", "cedar 4"); status != http.StatusUnprocessableEntity { // none was chosen
		t.Errorf("%d: %s", status, said([]byte(body)))
	}
	if status, _ := send("cedar 4", "school_id_found", "cedar 4", "school_id", cedar); status != http.StatusOK || of(cedar) != 4 {
		t.Errorf("the chosen one: %d, %d at the school", status, of(cedar))
	}
	if status, _ := send("palm grove 4", "school_id_found", "cedar 4", "school_id", cedar); status != http.StatusOK || of(cedar) != 4 {
		t.Errorf("another name was typed than the one that was found: %d, %d at the school", status, of(cedar))
	}
	if status, _ := send("", "school_id_found", "cedar 4", "school_id", cedar); status != http.StatusOK || of(cedar) != 4 {
		t.Errorf("none was wanted: %d, %d at the school", status, of(cedar))
	}
	// What is settled stays while something else is corrected.
	if _, body := send("cedar grove 4", "given_name", ""); !strings.Contains(body, `name="school_id" value="`+cedar+`"`) {
		t.Errorf("the school is not settled: %s", body)
	}

	// An account that is corrected keeps its school, also a closed one.
	user := s.pupil(nil, "Some", "Body", "10")
	s.Exec("jamaica", `UPDATE users SET school_id = 'c0000000-0000-7000-8000-000000000007' WHERE id = $1::uuid`, user.ID.String())
	at := "/people/" + user.ID.String()
	form := filled(t, s.Get(s.admin, at+"/edit").Want(http.StatusOK), at)
	if form.Get("school_id_typed") != "Palm Grove 3" {
		t.Errorf("%v", form)
	}
	form.Set("grade", "11")
	s.form(s.admin, at, form).Want(http.StatusSeeOther)
	form = filled(t, s.Get(s.admin, at+"/edit"), at)
	form.Set("school_id_typed", "JM-8")
	s.form(s.admin, at, form).Want(http.StatusSeeOther)
	if n := s.Number("jamaica", `SELECT count(*) FROM users WHERE id = $1::uuid AND grade = '11' AND school_id = $2::uuid`, user.ID.String(), cedar); n != 1 {
		t.Error("the account is not at the school that was typed")
	}

	// A class of a school, with one of many teachers; learners of one school to place.
	var teachers []school.Person
	for n := 1; n <= 40; n++ {
		teachers = append(teachers, school.Person{ID: uuid.MustParse(fmt.Sprintf("e0000000-0000-7000-8000-%012d", n)), UserName: fmt.Sprintf("many%d", n),
			GivenName: "Ann", FamilyName: "Many", Roles: []string{"teacher"}})
	}
	school.People(t, s.DB("jamaica"), teachers...)
	new := s.Get(s.admin, "/classes/manage/new").Want(http.StatusOK)
	s.shows(new, `name="coach_id_typed"`, `name="school_id_typed"`)
	s.hides(new, "Many, Ann")
	class := filled(t, new, "/classes/manage")
	class.Set("title", "Found by name")
	class.Set("kind", "on_demand")
	class.Set("starts_on", "2026-09-07")
	class.Set("ends_on", "2027-07-02")
	class.Set("school_id_typed", "cedar grove 4")
	class.Set("coach_id_typed", "many")
	s.shows(s.form(s.admin, "/classes/manage", class).Want(http.StatusUnprocessableEntity), "Many, Ann (many7)", "There are more")
	class.Set("coach_id_typed", "Many, Ann (many7)")
	made := s.form(s.admin, "/classes/manage", class).Want(http.StatusSeeOther).Header.Get("Location")
	if n := s.Number("jamaica", `SELECT count(*) FROM classes WHERE title = 'Found by name' AND coach_id = 'e0000000-0000-7000-8000-000000000007' AND school_id = $1::uuid`, cedar); n != 1 {
		t.Error("the class is not the teacher's, or not of the school")
	}
	s.hides(s.Get(s.admin, made+"/place?school_typed=JM-8").Want(http.StatusOK), s.learner.ID.String())
	s.shows(s.Get(s.admin, made+"/place?school_typed=JM-8").Want(http.StatusOK), user.ID.String())
	s.shows(s.Get(s.admin, made+"/place?school_typed=cedar").Want(http.StatusOK), "choose one of them", `type="radio"`)

	// Lists of schools come in pages, of which the search makes one.
	list := s.Get(s.official, "/schools").Want(http.StatusOK)
	s.shows(list, "More schools", "Cedar Grove 4<")
	s.hides(list, "Palm Grove 9<")
	s.shows(s.Get(s.official, "/schools?q=grove+palm+9"), "Palm Grove 9<")
}
