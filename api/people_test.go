package api_test

import (
	"net/http"
	"slices"
	"testing"

	"lignum/api"
	classesapi "lignum/api/classes"
	coachingapi "lignum/api/coaching"
	peopleapi "lignum/api/people"
	"lignum/api/settings"
	"lignum/domain/coaching"
	"lignum/domain/people"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

func TestASchoolAdministersItsOwnPeople(t *testing.T) {
	w := newWorld(t)
	hill := w.School("jamaica", "Hill High")
	other := w.UserWith("jamaica", []string{"student"}, apitest.At(hill))
	body := map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{"student"}, "school_id": w.school}

	made := apitest.As[peopleapi.NewAccount](w.Post(w.principal, "/api/v1/users", body).Want(http.StatusCreated))
	if made.User.UserName != "ann.brown" || made.Card.School != "Harbour High" {
		t.Errorf("%+v", made)
	}
	body["school_id"] = hill
	w.Post(w.principal, "/api/v1/users", body).Want(http.StatusForbidden)
	body["school_id"], body["roles"] = w.school, []string{"tenant_administrator"}
	w.Post(w.principal, "/api/v1/users", body).Want(http.StatusForbidden) // nobody gives what they lack
	body["roles"] = []string{"wizard"}
	if p := w.Post(w.admin, "/api/v1/users", body).Want(http.StatusUnprocessableEntity).Problem(); p.Errors[0].Name != "body.roles[0]" {
		t.Errorf("%+v", p)
	}

	list := apitest.As[api.List[people.User]](w.Get(w.principal, "/api/v1/users?role=student"))
	for _, u := range list.Items {
		if u.SchoolID == nil || *u.SchoolID != w.school {
			t.Errorf("a school sees %+v", u)
		}
	}
	if len(list.Items) != 2 {
		t.Errorf("%d students", len(list.Items))
	}
	w.Get(w.principal, "/api/v1/users?school="+hill.String()).Want(http.StatusForbidden)
	w.Get(w.principal, path("/users/%s", other.ID)).Want(http.StatusForbidden)
	w.Get(w.principal, path("/users/%s", w.student.ID)).Want(http.StatusOK)
	w.Get(w.admin, path("/users/%s", other.ID)).Want(http.StatusOK)
	w.Do(w.principal, http.MethodPatch, path("/users/%s", w.student.ID), map[string]any{"school_id": hill}).Want(http.StatusForbidden)
	changed := apitest.As[people.User](w.Do(w.principal, http.MethodPatch, path("/users/%s", w.student.ID), map[string]any{"grade": "10A"}))
	if changed.Grade != "10A" || changed.UserName != w.student.UserName {
		t.Errorf("changed: %+v", changed)
	}
}

func TestNobodyTakesOverAnAccountThatHoldsMore(t *testing.T) {
	w := newWorld(t)
	boss := w.UserWith("jamaica", []string{"tenant_administrator"}, apitest.At(w.school))
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, path("/users/%s/reset", boss.ID), nil},
		{http.MethodPost, path("/users/%s/suspension", boss.ID), map[string]string{"reason": "because"}},
		{http.MethodPatch, path("/users/%s", boss.ID), map[string]string{"user_name": "mine"}},
		{http.MethodPut, path("/users/%s/roles", boss.ID), map[string]any{"roles": []string{"student"}}},
		{http.MethodDelete, path("/users/%s/second-factor", boss.ID), nil},
	} {
		p := w.Do(w.principal, try.method, try.path, try.body).Want(http.StatusForbidden).Problem()
		if p.Type != "urn:lignum:problem:policy:subject_holds_more" {
			t.Errorf("%s %s: %+v", try.method, try.path, p)
		}
	}
	// Nor by a card for a class in which the account has a place.
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.school))
	w.Exec("jamaica", `UPDATE classes SET coach_id = $2::uuid WHERE id = $1::uuid`, w.class.String(), teacher.ID.String())
	w.enrol(w.student, boss)
	w.Post(teacher, path("/classes/%s/cards", w.class), nil).Want(http.StatusForbidden)
	w.Post(teacher, "/api/v1/users/cards", map[string]any{"user_ids": []string{w.student.ID.String(), boss.ID.String()}}).Want(http.StatusForbidden)
	w.Exec("jamaica", `DELETE FROM enrolments WHERE learner_id = $1::uuid`, boss.ID.String())
	sheet := apitest.As[peopleapi.CardSheet](w.Post(teacher, path("/classes/%s/cards", w.class), nil))
	if len(sheet.Cards) != 1 || sheet.Cards[0].UserID != w.student.ID {
		t.Errorf("cards: %+v", sheet)
	}
}

func TestASuspendedAccountIsOutAtOnce(t *testing.T) {
	w := newWorld(t)
	w.Get(w.student, "/api/v1/me").Want(http.StatusOK)
	w.Post(w.principal, path("/users/%s/suspension", w.student.ID), map[string]string{"reason": "Left the school."}).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Get(w.student, "/api/v1/me").Want(http.StatusUnauthorized)
	if u := apitest.As[people.User](w.Do(w.principal, http.MethodDelete, path("/users/%s/suspension", w.student.ID), nil)); u.State != "active" {
		t.Errorf("resumed: %+v", u)
	}
	w.Post(w.admin, path("/users/%s/suspension", w.admin.ID), map[string]string{"reason": "tired"}).Want(http.StatusConflict)
}

func TestTheLastWhoCanChangeRolesKeepsTheRole(t *testing.T) {
	w := newWorld(t)
	school.SetState(t, w.DB("jamaica"), "suspended", school.ID(t, w.DB("jamaica"), "admin1")) // whom provisioning made
	roles := path("/users/%s/roles", w.admin.ID)
	w.Do(w.admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}).Want(http.StatusConflict)
	w.User("jamaica", "tenant_administrator")
	u := apitest.As[people.User](w.Do(w.admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}))
	if !slices.Equal(u.Roles, []string{"teacher"}) {
		t.Errorf("%+v", u)
	}
}

func TestRolesAreChangedForAllButNeverBeyondOnesOwn(t *testing.T) {
	w := newWorld(t)
	list := apitest.As[api.List[settings.Role]](w.Get(w.admin, "/api/v1/roles"))
	i := slices.IndexFunc(list.Items, func(r settings.Role) bool { return r.Name == "teacher" })
	if i < 0 || !slices.Contains(list.Items[i].Includes, "coach") || !slices.Contains(list.Items[i].Permissions, "lesson.read") || !list.Items[i].System {
		t.Fatalf("roles: %+v", list)
	}
	if all := apitest.As[api.List[settings.PermissionInfo]](w.Get(w.admin, "/api/v1/permissions")); len(all.Items) < 30 || !all.Items[0].Mine || all.Items[0].Description.IsZero() {
		t.Errorf("permissions: %+v", all)
	}
	librarian := w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
	edit := policy.RoleEdit{Role: "librarian", Grant: []string{"user.read"}, Include: []string{"member"}}
	made := apitest.As[settings.Role](w.Post(w.admin, "/api/v1/roles/changes", edit))
	if !slices.Contains(made.Permissions, "user.read") {
		t.Errorf("%+v", made)
	}
	w.Post(w.principal, "/api/v1/roles/changes", edit).Want(http.StatusForbidden)
	w.Post(w.admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "librarian", Grant: []string{"platform.tenant.read"}}).Want(http.StatusUnprocessableEntity)
	w.Post(w.admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}).Want(http.StatusConflict)

	w.Get(librarian, "/api/v1/users").Want(http.StatusForbidden)
	w.Post(w.admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "student", Grant: []string{"audit.read"}}).Want(http.StatusOK)
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Get(librarian, "/api/v1/audit").Want(http.StatusOK)
	if n := w.trail("jamaica", "role.change", "done"); n != 2 {
		t.Errorf("%d entries for two changes", n)
	}
}

func TestWhoSeesALearnersRecord(t *testing.T) {
	w := newWorld(t)
	w.Post(w.student, path("/classes/%s/registration", w.class), nil).Want(http.StatusCreated)
	record := path("/learners/%s", w.student.ID)
	for _, u := range []apitest.User{w.coach, w.principal} {
		if r := apitest.As[coachingapi.LearnerRecord](w.Get(u, record)); r.ID != w.student.ID || len(r.Courses) != 1 {
			t.Errorf("%v sees %+v", u.Roles, r)
		}
	}
	w.Get(w.UserWith("jamaica", []string{"coach"}, apitest.At(w.school)), record).Want(http.StatusForbidden)
	w.Get(w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High"))), record).Want(http.StatusForbidden)

	official := w.User("jamaica", "ministry_official")
	for _, query := range []string{"", "?reason=short", "?reason=%20%20short%20%20%20%20", "?reason=..........", "?reason=.%20.%20..........", "?reason=incomprehensibilities", "?reason=to%20be%20sure"} {
		if p := w.Get(official, record+query).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:reason_required" || len(p.Errors) != 1 || p.Errors[0].Name != "query.reason" {
			t.Errorf("%q: %+v", query, p)
		}
	}
	w.Get(official, record+"?reason=Complaint%20of%20the%20parents%2C%20file%2017").Want(http.StatusOK)
	n := w.Number("jamaica", `SELECT count(*) FROM audit_trail WHERE action = 'learner.progress' AND outcome = 'done' AND actor_id = $1::uuid AND object_id = $2::text AND reason LIKE 'Complaint%'`,
		official.ID.String(), w.student.ID.String())
	if n != 1 {
		t.Errorf("the reading is in the trail %d times", n)
	}
	w.Get(official, "/api/v1/learners").Want(http.StatusForbidden)

	list := apitest.As[api.List[coaching.Learner]](w.Get(w.coach, "/api/v1/learners"))
	if len(list.Items) != 1 || list.Items[0].LearnerID != w.student.ID {
		t.Errorf("the coach's learners: %+v", list)
	}
	if list = apitest.As[api.List[coaching.Learner]](w.Get(w.principal, "/api/v1/learners?class="+w.class.String())); len(list.Items) != 1 {
		t.Errorf("the school's class: %+v", list)
	}
}

func TestAGuardianSeesTheOwnChildWithConsent(t *testing.T) {
	w := newWorld(t)
	mother := w.UserWith("jamaica", []string{"guardian"})
	child := path("/me/children/%s", w.student.ID)
	w.Get(mother, child).Want(http.StatusForbidden)
	link := map[string]any{"guardian_id": mother.ID, "relationship": "mother"}
	w.Post(w.coach, path("/learners/%s/guardians", w.student.ID), link).Want(http.StatusForbidden)
	w.Post(w.principal, path("/learners/%s/guardians", w.student.ID), link).Want(http.StatusCreated)
	if p := w.Get(mother, child).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:guardian_consent_missing" {
		t.Errorf("%+v", p)
	}
	w.Do(mother, http.MethodPut, child+"/consent", map[string]bool{"consent": true}).Want(http.StatusOK)
	if r := apitest.As[coachingapi.LearnerRecord](w.Get(mother, child)); r.ID != w.student.ID {
		t.Errorf("%+v", r)
	}
	if mine := apitest.As[api.List[people.Child]](w.Get(mother, "/api/v1/me/children")); len(mine.Items) != 1 || !mine.Items[0].Consent {
		t.Errorf("%+v", mine)
	}
	w.Do(w.principal, http.MethodDelete, path("/learners/%s/guardians/%s", w.student.ID, mother.ID), nil).Want(http.StatusOK)
	w.Get(mother, child).Want(http.StatusForbidden)
}

func TestALeaderboardIsOfASchoolOrAClass(t *testing.T) {
	w := newWorld(t)
	w.Post(w.student, path("/classes/%s/registration", w.class), nil).Want(http.StatusCreated)
	w.Do(w.student, http.MethodPut, path("/lessons/%s/progress", w.lessons[0]), classesapi.ProgressReport{Percent: 10, Counter: 1}).Want(http.StatusOK)
	w.Exec("jamaica", `UPDATE lesson_progress SET opened_at = opened_at - interval '10 minutes'`)
	w.Do(w.student, http.MethodPut, path("/lessons/%s/progress", w.lessons[0]), classesapi.ProgressReport{Percent: 100, Counter: 2}).Want(http.StatusOK)
	if own := apitest.As[points.Own](w.Get(w.student, "/api/v1/me/points")); own.Total != 10 || own.Listed || own.Decides != people.ByLearner {
		t.Errorf("%+v", own)
	}
	mate := w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
	if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("a learner is shown who was not asked: %+v", b)
	}
	w.Do(w.student, http.MethodPut, "/api/v1/me/leaderboard", map[string]bool{"listed": true}).Want(http.StatusOK)
	for _, query := range []string{"", "?class=" + w.class.String(), "?scope=school&period=all"} {
		if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard"+query)); len(b.Top) != 1 || b.Top[0].Points != 10 {
			t.Errorf("%s: %+v", query, b)
		}
	}
	w.Get(mate, "/api/v1/leaderboard?scope=tenant").Want(http.StatusForbidden)
	elsewhere := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Get(elsewhere, "/api/v1/leaderboard?class="+w.class.String()).Want(http.StatusForbidden)
	if b := apitest.As[points.Board](w.Get(elsewhere, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("another school sees %+v", b)
	}
	w.Get(mate, "/api/v1/leaderboard?period=1999").Want(http.StatusUnprocessableEntity)
	w.Do(w.student, http.MethodPut, "/api/v1/me/leaderboard", map[string]bool{"listed": false}).Want(http.StatusOK)
	if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard")); len(b.Top) != 0 {
		t.Errorf("who left is shown: %+v", b)
	}
}

// The tenant says whether learners or their guardians decide; when that changes, nobody stays on a leaderboard by the other's word.
func TestWhoDecidesAboutTheLeaderboard(t *testing.T) {
	w := newWorld(t)
	mother := w.UserWith("jamaica", []string{"guardian"})
	w.Post(w.principal, path("/learners/%s/guardians", w.student.ID), map[string]any{"guardian_id": mother.ID, "relationship": "mother"}).Want(http.StatusCreated)
	child, own := path("/me/children/%s/leaderboard", w.student.ID), "/api/v1/me/leaderboard"
	listed := func(u apitest.User, path string, yes bool, status int) {
		t.Helper()
		w.Do(u, http.MethodPut, path, map[string]bool{"listed": yes}).Want(status)
	}
	is := func(listed bool, decides string) {
		t.Helper()
		if p := apitest.As[points.Own](w.Get(w.student, "/api/v1/me/points")); p.Listed != listed || p.Decides != decides {
			t.Errorf("%+v, want %v by the %s", p, listed, decides)
		}
	}
	looks := func(by string) map[string]any {
		return map[string]any{"name": "M", "colour": "#14532d", "accent": "#eab308", "staff_second_factor": false, "leaderboard_by": by}
	}
	listed(mother, child, true, http.StatusForbidden)
	listed(w.student, own, true, http.StatusOK)
	is(true, people.ByLearner)
	listed(mother, child, false, http.StatusOK)
	listed(w.student, own, true, http.StatusOK)
	w.Do(w.admin, http.MethodPut, "/api/v1/tenant/branding", looks("nobody")).Want(http.StatusUnprocessableEntity)
	w.Do(w.admin, http.MethodPut, "/api/v1/tenant/branding", looks("guardian")).Want(http.StatusOK)
	is(false, people.ByGuardian)
	listed(w.student, own, true, http.StatusForbidden)
	listed(w.UserWith("jamaica", []string{"guardian"}), child, true, http.StatusForbidden)
	listed(mother, child, true, http.StatusOK)
	is(true, people.ByGuardian)
	without := looks("")
	delete(without, "leaderboard_by")
	w.Do(w.admin, http.MethodPut, "/api/v1/tenant/branding", without).Want(http.StatusOK)
	is(true, people.ByGuardian) // another setting changes nothing in this
	listed(w.student, own, false, http.StatusOK)
	is(false, people.ByGuardian)
}
