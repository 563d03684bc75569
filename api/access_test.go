package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	"lignum/api/account"
	classesapi "lignum/api/classes"
	peopleapi "lignum/api/people"
	"lignum/api/settings"
	"lignum/domain/classes"
	"lignum/domain/coaching"
	"lignum/domain/identity"
	"lignum/domain/notices"
	"lignum/domain/points"
	"lignum/policy"
	"lignum/tenants"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

// teaches gives a teacher of the world's school the world's class.
func (w *world) teaches() apitest.User {
	w.T.Helper()
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.school), apitest.Named("Tess", "Teacher"))
	w.Exec("jamaica", `UPDATE classes SET coach_id = $1::uuid WHERE id = $2::uuid`, teacher.ID.String(), w.class.String())
	return teacher
}

func (w *world) enrol(learners ...apitest.User) {
	w.T.Helper()
	for _, l := range learners {
		school.Enrol(w.T, w.DB("jamaica"), w.class, l.ID)
	}
}

// told gives the sentences on somebody's home page, who may have been signed out by what they are told of.
func (w *world) told(u apitest.User) string {
	w.T.Helper()
	var all []string
	err := w.DB(u.Slug).ReadFresh(w.T.Context(), func(r *tenants.Reader) error {
		list, err := school.Unseen(w.T.Context(), r, u.ID)
		for _, n := range list {
			all = append(all, n.Text.String())
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return strings.Join(all, "\n")
}

// hasPassword makes an account one that its owner uses, without hashing.
func (w *world) hasPassword(u apitest.User) {
	w.T.Helper()
	school.GivePassword(w.T, w.DB(u.Slug), "x", u.ID)
	w.Exec(u.Slug, `DELETE FROM sign_in_cards WHERE user_id = $1::uuid`, u.ID.String())
}

func cardOwners(r *apitest.Response) (ids []uuid.UUID) {
	r.T.Helper()
	for _, c := range apitest.As[peopleapi.CardSheet](r).Cards {
		ids = append(ids, c.UserID)
	}
	return ids
}

// A class is open to pupils of every school; that it is one school's says nothing of whose they are.
func TestFactsAboutPupilsAreTheirOwnAndNotTheirClasss(t *testing.T) {
	w := newWorld(t)
	teacher := w.teaches()
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")), apitest.Named("Fay", "Foreign"))
	theirHead := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(*foreign.SchoolID))
	w.enrol(w.student, foreign)
	sheet := path("/classes/%s/cards", w.class)
	for _, by := range []apitest.User{teacher, w.principal} {
		if got := cardOwners(w.Post(by, sheet, nil)); !slices.Equal(got, []uuid.UUID{w.student.ID}) {
			t.Errorf("a %s got cards of %v", by.Roles[0], got)
		}
		w.Post(by, path("/users/cards"), map[string]any{"user_ids": []uuid.UUID{w.student.ID, foreign.ID}}).Want(http.StatusForbidden)
	}
	if got := cardOwners(w.Post(theirHead, sheet, nil)); !slices.Equal(got, []uuid.UUID{foreign.ID}) {
		t.Errorf("the administrator of the pupil's own school got cards of %v", got)
	}
	if got := cardOwners(w.Post(w.admin, sheet, nil)); len(got) != 2 {
		t.Errorf("the administrator of the tenant got cards of %v", got)
	}
	w.Post(w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Third High"))), sheet, nil).Want(http.StatusForbidden)
	if text := w.told(foreign); !strings.Contains(text, "printed a sign-in card for you") {
		t.Errorf("the pupil was told %q", text)
	}
	if text := w.told(theirHead); !strings.Contains(text, "printed sign-in cards for learners of your school") {
		t.Errorf("the pupil's school was told %q", text)
	}

	// Lists of people are cut to the school of the people.
	names := func(u apitest.User) (got []string) {
		for _, l := range apitest.As[api.List[classes.Learner]](w.Get(u, path("/classes/%s/learners", w.class))).Items {
			got = append(got, l.FamilyName)
		}
		return got
	}
	if got := names(w.principal); slices.Contains(got, "Foreign") || len(got) != 1 {
		t.Errorf("the school of the class sees %v", got)
	}
	if got := names(teacher); len(got) != 2 {
		t.Errorf("the teacher of the class sees %v", got)
	}
	seen := apitest.As[api.List[coaching.Learner]](w.Get(w.principal, "/api/v1/learners?class="+w.class.String()))
	if len(seen.Items) != 1 || seen.Items[0].LearnerID != w.student.ID {
		t.Errorf("the school of the class sees the work of %+v", seen.Items)
	}
	w.Get(w.principal, path("/learners/%s", foreign.ID)).Want(http.StatusForbidden)
	for _, l := range []apitest.User{w.student, foreign} {
		w.Do(l, http.MethodPut, path("/lessons/%s/progress", w.lessons[0]), classesapi.ProgressReport{Percent: 10, Counter: 1}).Want(http.StatusOK)
		w.Exec("jamaica", `UPDATE users SET on_leaderboard = true WHERE id = $1::uuid`, l.ID.String())
		w.Exec("jamaica", `UPDATE lesson_progress SET started_at = started_at - interval '1 hour', opened_at = opened_at - interval '1 hour' WHERE learner_id = $1::uuid`, l.ID.String())
		w.Do(l, http.MethodPut, path("/lessons/%s/progress", w.lessons[0]), classesapi.ProgressReport{Percent: 100, Counter: 2}).Want(http.StatusOK)
	}
	mate := w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
	if b := apitest.As[points.Board](w.Get(mate, "/api/v1/leaderboard?class="+w.class.String())); len(b.Top) != 1 {
		t.Errorf("who is not of the class sees of it %+v", b.Top)
	}
	if b := apitest.As[points.Board](w.Get(w.student, "/api/v1/leaderboard?class="+w.class.String())); len(b.Top) != 2 {
		t.Errorf("who is of the class sees of it %+v", b.Top)
	}
}

// A teacher who opens a class and places a pupil in it has made the tie alone: it opens no account that somebody uses.
func TestATeacherTakesOverNoAccountWithoutTheSchoolsWord(t *testing.T) {
	w := newWorld(t)
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.school))
	fields := w.fields(5)
	fields.CoachID = &teacher.ID
	class := apitest.As[classesapi.ClassID](w.Post(teacher, "/api/v1/classes", fields)).ID
	w.hasPassword(w.student)
	w.Post(teacher, path("/classes/%s/learners", class), map[string]any{"learner_id": w.student.ID}).Want(http.StatusCreated)
	reset := path("/users/%s/reset", w.student.ID)
	refused := func() {
		t.Helper()
		if p := w.Post(teacher, reset, nil).Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "reset_needs_approval") {
			t.Errorf("%+v", p)
		}
		if got := cardOwners(w.Post(teacher, path("/classes/%s/cards", class), nil)); len(got) != 0 {
			t.Errorf("the class's cards are of %v", got)
		}
		if got := cardOwners(w.Post(teacher, path("/users/cards"), map[string]any{"user_ids": []uuid.UUID{w.student.ID}})); len(got) != 0 {
			t.Errorf("the cards are of %v", got)
		}
	}
	refused()
	// Nor when the school has taken the password away, and the pupil has not yet used the card.
	w.Post(w.principal, reset, nil).Want(http.StatusOK)
	refused()
	w.hasPassword(w.student)
	school.GiveAuthenticator(t, w.DB("jamaica"), w.student.ID)
	w.Do(teacher, http.MethodDelete, path("/users/%s/second-factor", w.student.ID), nil).Want(http.StatusForbidden)

	ask := path("/users/%s/reset-requests", w.student.ID)
	w.Post(teacher, ask, map[string]string{"reason": ""}).Want(http.StatusUnprocessableEntity)
	request := apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "Forgot it over the holidays."}).Want(http.StatusCreated))
	w.Post(teacher, ask, map[string]string{"reason": "Once more."}).Want(http.StatusConflict)
	refused()
	approval := path("/reset-requests/%s/approval", request.ID)
	w.Post(teacher, approval, nil).Want(http.StatusForbidden)
	stranger := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Post(stranger, approval, nil).Want(http.StatusForbidden)
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(stranger, "/api/v1/reset-requests")); len(list.Items) != 0 {
		t.Errorf("another school sees %+v", list.Items)
	}
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(w.principal, "/api/v1/reset-requests?waiting=true")); len(list.Items) != 1 || list.Items[0].ID != request.ID {
		t.Errorf("the school sees %+v", list.Items)
	}
	w.Post(w.principal, approval, nil).Want(http.StatusOK)
	w.Post(w.principal, approval, nil).Want(http.StatusConflict)

	// One account, one teacher, one card.
	other := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.school))
	w.Exec("jamaica", `UPDATE classes SET coach_id = $1::uuid WHERE id = $2::uuid`, other.ID.String(), w.class.String())
	w.enrol(w.student)
	w.Post(other, reset, nil).Want(http.StatusForbidden)
	w.Do(teacher, http.MethodDelete, path("/users/%s/second-factor", w.student.ID), nil).Want(http.StatusForbidden)
	if card := apitest.As[identity.Card](w.Post(teacher, reset, nil)); card.UserID != w.student.ID {
		t.Errorf("%+v", card)
	}
	refused()
	for _, told := range []struct {
		who  apitest.User
		says string
	}{{w.student, "took your old password away"}, {w.student, "asked your school for a new sign-in card"}, {w.principal, "asks for a new sign-in card"}, {w.principal, "took the old password of"}, {teacher, "approved a new sign-in card"}} {
		if text := w.told(told.who); !strings.Contains(text, told.says) {
			t.Errorf("%s was not told %q but %q", told.who.UserName, told.says, text)
		}
	}
	for _, action := range []string{"reset.ask", "reset.approved", "user.password.reset"} {
		if w.trail("jamaica", action, "done") == 0 {
			t.Errorf("%s is not in the trail", action)
		}
	}
}

func TestAnApprovalLapsesAndARefusalIsExplained(t *testing.T) {
	w := newWorld(t)
	teacher := w.teaches()
	w.enrol(w.student)
	w.hasPassword(w.student)
	ask, reset := path("/users/%s/reset-requests", w.student.ID), path("/users/%s/reset", w.student.ID)
	request := apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "Forgot it."}))
	w.Post(w.principal, path("/reset-requests/%s/refusal", request.ID), map[string]string{"reason": "Ask the parents first."}).Want(http.StatusOK)
	w.Post(w.principal, path("/reset-requests/%s/approval", request.ID), nil).Want(http.StatusConflict)
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(teacher, "/api/v1/reset-requests")); len(list.Items) != 1 || list.Items[0].State != "refused" || list.Items[0].Answer != "Ask the parents first." {
		t.Errorf("%+v", list.Items)
	}
	request = apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "The parents agree."}))
	approved := apitest.As[identity.ResetRequest](w.Post(w.principal, path("/reset-requests/%s/approval", request.ID), nil))
	if left := time.Until(approved.ExpiresAt); left < 47*time.Hour || left > 8*24*time.Hour {
		t.Errorf("the approval stands for %s", left)
	}
	w.Exec("jamaica", `UPDATE reset_requests SET expires_at = now() - interval '1 second' WHERE id = $1::uuid`, request.ID.String())
	w.Post(teacher, reset, nil).Want(http.StatusForbidden)
	w.Post(teacher, ask, map[string]string{"reason": "The printer was broken."}).Want(http.StatusCreated) // what lapsed stands in nobody's way
	// When the school prints the card itself, nothing is left of the request.
	request = apitest.As[api.List[identity.ResetRequest]](w.Get(w.principal, "/api/v1/reset-requests?waiting=true")).Items[0]
	w.Post(w.principal, path("/reset-requests/%s/approval", request.ID), nil).Want(http.StatusOK)
	w.Post(w.principal, reset, nil).Want(http.StatusOK)
	w.Post(teacher, reset, nil).Want(http.StatusForbidden)
	w.hasPassword(w.student)
	w.Post(teacher, ask, map[string]string{"reason": "Forgot it again."}).Want(http.StatusCreated)
	// A pupil who left the school is no longer the school's to approve, nor the teacher's to ask for.
	w.Exec("jamaica", `UPDATE users SET school_id = $2::uuid WHERE id = $1::uuid`, w.student.ID.String(), w.School("jamaica", "Hill High").String())
	list := apitest.As[api.List[identity.ResetRequest]](w.Get(w.principal, "/api/v1/reset-requests?waiting=true"))
	if len(list.Items) != 0 {
		t.Errorf("the old school still sees %+v", list.Items)
	}
	w.Post(teacher, ask, map[string]string{"reason": "Mine once."}).Want(http.StatusForbidden)
}

// With one harmless grant a school's administrator holds all that an official holds, and still makes none.
func TestARoleReachesNoFurtherThanItsGiver(t *testing.T) {
	w := newWorld(t)
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'school_administrator', 'jamaica', 'tenant.read'), ('p', 'school_administrator', 'jamaica', 'role.change'),
		('p', 'school_administrator', 'jamaica', 'role.read'), ('g', 'inspector', 'ministry_official', 'jamaica')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	official := w.UserWith("jamaica", []string{"ministry_official"}, apitest.At(w.school))
	for _, role := range []string{"ministry_official", "inspector", "tenant_administrator"} {
		body := map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{role}, "school_id": w.school}
		w.Post(w.principal, "/api/v1/users", body).Want(http.StatusForbidden)
		body["roles"] = []string{"teacher", role}
		w.Post(w.principal, "/api/v1/users", body).Want(http.StatusForbidden)
		for _, who := range []apitest.User{w.principal, w.coach} { // oneself, too
			w.Do(w.principal, http.MethodPut, path("/users/%s/roles", who.ID), map[string]any{"roles": []string{"school_administrator", role}}).Want(http.StatusForbidden)
		}
	}
	for _, edit := range []policy.RoleEdit{
		{Role: "teacher", Include: []string{"ministry_official"}}, {Role: "school_administrator", Include: []string{"inspector"}},
		{Role: "snoop", Include: []string{"ministry_official"}}, {Role: "ministry_official", Withdraw: []string{"tenant.read"}},
	} {
		w.Post(w.principal, "/api/v1/roles/changes", edit).Want(http.StatusForbidden)
	}
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, path("/users/%s/reset", official.ID), nil},
		{http.MethodPost, path("/users/%s/suspension", official.ID), map[string]string{"reason": "because"}},
		{http.MethodPatch, path("/users/%s", official.ID), map[string]string{"user_name": "mine"}},
		{http.MethodPut, path("/users/%s/roles", official.ID), map[string]any{"roles": []string{"student"}}},
		{http.MethodDelete, path("/users/%s/second-factor", official.ID), nil},
	} {
		if p := w.Do(w.principal, try.method, try.path, try.body).Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "subject_holds_more") {
			t.Errorf("%s %s: %+v", try.method, try.path, p)
		}
	}
	w.Post(w.principal, "/api/v1/users", map[string]any{"given_name": "Ann", "family_name": "Brown", "roles": []string{"teacher"}, "school_id": w.school}).Want(http.StatusCreated)
	w.Do(w.admin, http.MethodPut, path("/users/%s/roles", w.coach.ID), map[string]any{"roles": []string{"coach", "inspector"}}).Want(http.StatusOK)
}

// Somebody who may change roles but reaches less far is not the one who is left.
func TestTheLastWhoReachesEveryRoleKeepsTheirs(t *testing.T) {
	w := newWorld(t)
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'deputy', 'jamaica', 'role.change'), ('p', 'deputy', 'jamaica', 'role.read'), ('g', 'deputy', 'member', 'jamaica'),
		('g', 'chief', 'tenant_administrator', 'jamaica')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	school.SetState(t, w.DB("jamaica"), "suspended", school.ID(t, w.DB("jamaica"), testkit.Fixtures[0].Admin.UserName)) // whom provisioning made
	w.User("jamaica", "deputy")
	w.Exec("jamaica", `UPDATE user_roles SET role = 'chief' WHERE user_id = $1::uuid`, w.admin.ID.String())
	roles := path("/users/%s/roles", w.admin.ID)
	w.Do(w.admin, http.MethodPut, roles, map[string]any{"roles": []string{"teacher"}}).Want(http.StatusConflict)
	w.Post(w.admin, "/api/v1/roles/changes", policy.RoleEdit{Role: "tenant_administrator", Withdraw: []string{"role.change"}}).Want(http.StatusConflict)
}

func TestNobodyMakesThemselvesAGuardian(t *testing.T) {
	w := newWorld(t)
	head := w.UserWith("jamaica", []string{"school_administrator", "guardian"}, apitest.At(w.school))
	link := path("/learners/%s/guardians", w.student.ID)
	w.Post(head, link, map[string]any{"guardian_id": head.ID, "relationship": "aunt"}).Want(http.StatusForbidden)
	w.Post(w.principal, link, map[string]any{"guardian_id": head.ID, "relationship": "aunt"}).Want(http.StatusCreated)
}

// Without a second factor the platform's staff may set one up, look at their own account and leave; nothing else.
func TestThePlatformAlwaysAsksForASecondFactor(t *testing.T) {
	s := apitest.New(t)
	own := map[string]bool{"GET /api/v1/me": true, "GET /api/v1/me/sessions": true, "GET /api/v1/me/notices": true}
	operator := s.UserWith("", []string{"operator"}, apitest.NoSecondFactor())
	asked := 0
	for _, rt := range s.API.Routes() {
		if _, public := rt.Permission.IsPublic(); public || rt.Method != http.MethodGet || !rt.Permission.In(policy.Platform) || rt.Page {
			continue
		}
		at := strings.NewReplacer("{user}", operator.ID.String(), "{tenant}", "jamaica").Replace(rt.Path)
		res := s.Get(operator, at)
		if own[rt.Method+" "+rt.Path] {
			res.Want(http.StatusOK)
			continue
		}
		if p := res.Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "second_factor_needed") {
			t.Errorf("%s: %+v", at, p)
		}
		asked++
	}
	if asked < 6 {
		t.Errorf("only %d routes were asked", asked)
	}
	s.Post(operator, path("/platform/tenants/jamaica/suspension"), map[string]string{"state": "suspended", "reason": "The invoice of March is not paid."}).Want(http.StatusForbidden)
	s.Post(operator, "/api/v1/sign-out", nil).Want(http.StatusOK)
}

func TestAnAuthenticatorTakesThePasswordOnceMore(t *testing.T) {
	for _, slug := range []string{"", "jamaica"} {
		s := apitest.New(t)
		u := s.UserWith(slug, []string{map[string]string{"": "operator", "jamaica": "coach"}[slug]}, apitest.NoSecondFactor())
		s.ChoosePassword(u)
		signIn := func(more map[string]string) *apitest.Response {
			body := map[string]string{"user_name": u.UserName, "password": apitest.Password}
			for k, v := range more {
				body[k] = v
			}
			return s.Post(apitest.Anonymous(slug), "/api/v1/sign-in", body)
		}
		tokens := apitest.As[account.TokenAnswer](signIn(nil))
		u.Token = tokens.AccessToken
		s.Post(u, "/api/v1/me/totp", map[string]string{}).Want(http.StatusUnprocessableEntity)
		if p := s.Post(u, "/api/v1/me/totp", map[string]string{"password": "not my password"}).Want(http.StatusUnprocessableEntity).Problem(); len(p.Errors) != 1 || !strings.HasSuffix(p.Errors[0].Name, "password") {
			t.Errorf("%+v", p)
		}
		if n := s.Number(slug, `SELECT count(*) FROM audit_entries WHERE action = 'sign_in.failed' AND object_id = $1::text`, u.ID.String()); n != 1 {
			t.Errorf("%d failures in the trail", n)
		}
		setup := apitest.As[identity.TOTPSetup](s.Post(u, "/api/v1/me/totp", map[string]string{"password": apitest.Password}))
		code := func(ahead time.Duration) string {
			text, _, err := identity.TOTPCode(setup.Secret, time.Now().Add(ahead))
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		s.Post(u, "/api/v1/me/totp/confirm", map[string]string{"code": code(0)}).Want(http.StatusOK)
		u.Token = apitest.As[account.TokenAnswer](s.Post(apitest.Anonymous(slug), "/api/v1/token/refresh", map[string]string{"refresh_token": tokens.RefreshToken})).AccessToken
		if me := apitest.As[account.Me](s.Get(u, "/api/v1/me")); !me.SecondFactor {
			t.Errorf("after the confirmation: %+v", me)
		}
		if slug == "" {
			s.Get(u, "/api/v1/platform/tenants").Want(http.StatusOK)
		}
		signIn(nil).Want(http.StatusUnauthorized)
		signIn(map[string]string{"code": code(30 * time.Second)}).Want(http.StatusOK)
		told := apitest.As[api.List[notices.Notice]](s.Get(u, "/api/v1/me/notices"))
		if len(told.Items) != 1 || told.Items[0].Kind != "second_factor_added" {
			t.Errorf("told: %+v", told.Items)
		}
	}
}

// Guesses at the password of somebody whose browser was left open are counted as at the sign-in.
func TestGuessesBeforeAnAuthenticatorAreCounted(t *testing.T) {
	s := apitest.New(t)
	u := s.User("jamaica", "coach")
	s.ChoosePassword(u)
	u.Token = apitest.As[account.TokenAnswer](s.Post(apitest.Anonymous("jamaica"), "/api/v1/sign-in", map[string]string{"user_name": u.UserName, "password": apitest.Password})).AccessToken
	s.Tenant("jamaica").Limits.SignInsPerSec = 1000
	last := 0
	for range 30 {
		if last = s.Post(u, "/api/v1/me/totp", map[string]string{"password": "a wrong guess"}).Status; last == http.StatusTooManyRequests {
			return
		}
	}
	t.Errorf("the last of thirty guesses got %d", last)
}

func TestOwnersHearOfWhatIsDoneToTheirAccounts(t *testing.T) {
	w := newWorld(t)
	w.hasPassword(w.student)
	school.GiveAuthenticator(t, w.DB("jamaica"), w.student.ID)
	colleague := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.school))
	w.Do(w.principal, http.MethodDelete, path("/users/%s/second-factor", w.student.ID), nil).Want(http.StatusOK)
	w.Post(w.principal, path("/users/%s/reset", w.student.ID), nil).Want(http.StatusOK)
	for _, says := range []string{"took the authenticator app off your account", "took your old password away"} {
		if text := w.told(w.student); !strings.Contains(text, says) {
			t.Errorf("the owner was not told %q but %q", says, text)
		}
	}
	for _, says := range []string{"took the authenticator app off the account of", "took the old password of"} {
		if text := w.told(colleague); !strings.Contains(text, says) {
			t.Errorf("the school was not told %q but %q", says, text)
		}
	}
	if text := w.told(w.principal); text != "" {
		t.Errorf("who did it was told %q", text)
	}
	owner := w.User("jamaica", "student")
	w.ChoosePassword(owner)
	if text := w.told(owner); text != "" {
		t.Errorf("the first password: %q", text)
	}
	owner.Token = apitest.As[account.TokenAnswer](w.Post(apitest.Anonymous("jamaica"), "/api/v1/sign-in", map[string]string{"user_name": owner.UserName, "password": apitest.Password})).AccessToken
	w.Post(owner, "/api/v1/me/password", map[string]string{"old_password": apitest.Password, "password": "eleven pale lanterns drift upstream"}).Want(http.StatusOK)
	if text := w.told(owner); !strings.Contains(text, "password was changed") {
		t.Errorf("a changed password: %q", text)
	}
	// A school without an administrator of its own: the tenant's hear of it.
	orphan := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Post(w.admin, path("/users/%s/reset", orphan.ID), nil).Want(http.StatusOK)
	second := w.User("jamaica", "tenant_administrator")
	w.Post(w.admin, path("/users/%s/reset", orphan.ID), nil).Want(http.StatusOK)
	if text := w.told(second); !strings.Contains(text, "printed a sign-in card for") {
		t.Errorf("the tenant's administrator was told %q", text)
	}
}

func TestALearnersRecordIsALearners(t *testing.T) {
	w := newWorld(t)
	official := w.User("jamaica", "ministry_official")
	const reason = "?reason=Complaint%20of%20the%20parents"
	for _, staff := range []apitest.User{w.coach, w.principal, w.admin, official, w.teaches()} {
		for _, query := range []string{"", reason} {
			w.Get(official, path("/learners/%s", staff.ID)+query).Want(http.StatusNotFound)
			w.Get(w.admin, path("/learners/%s", staff.ID)+query).Want(http.StatusNotFound)
		}
	}
	w.Get(w.principal, path("/learners/%s", w.coach.ID)).Want(http.StatusNotFound)
	w.Get(official, path("/learners/%s", w.student.ID)).Want(http.StatusForbidden)
	w.Get(official, path("/learners/%s", w.student.ID)+reason).Want(http.StatusOK)
	if n := w.trail("jamaica", "learner.progress", "done"); n != 1 {
		t.Errorf("%d readings in the trail", n)
	}
}

// No answer that an official gets has a number of fewer than five people, nor one from which it follows.
func TestOfficialsSeeNoSmallCount(t *testing.T) {
	w := newWorld(t)
	official := w.User("jamaica", "ministry_official")
	small := w.newClass(3)
	for range 3 {
		l := w.UserWith("jamaica", []string{"student"}, apitest.At(w.school))
		w.Post(l, path("/classes/%s/registration", small), nil).Want(http.StatusCreated)
		w.enrol(l)
	}
	list := func(u apitest.User, query string) map[uuid.UUID]classes.Class {
		found := map[uuid.UUID]classes.Class{}
		for _, c := range apitest.As[api.List[classes.Class]](w.Get(u, "/api/v1/classes"+query)).Items {
			found[c.ID] = c
		}
		return found
	}
	for id, c := range list(official, "") {
		if c.Taken != 0 || !c.Withheld {
			t.Errorf("the list says that %d seats of %s are taken", c.Taken, id)
		}
		if page := apitest.As[classesapi.ClassPage](w.Get(official, path("/classes/%s", id))); page.Taken != 0 || !page.Withheld {
			t.Errorf("the page says that %d seats of %s are taken", page.Taken, id)
		}
	}
	if _, ok := list(official, "?open=true")[small]; !ok {
		t.Error("a full class of three is missing among the open ones: so three are in it")
	}
	if _, ok := list(w.student, "?open=true")[small]; ok {
		t.Error("a learner is offered a full class")
	}
	for _, u := range []apitest.User{w.student, w.principal, w.admin} {
		if c := list(u, "")[small]; c.Taken != 3 || c.Withheld {
			t.Errorf("a %s sees %d taken", u.Roles[0], c.Taken)
		}
	}
	for range 2 {
		w.enrol(w.UserWith("jamaica", []string{"student"}, apitest.At(w.school)))
	}
	if c := list(official, "")[w.class]; c.Taken != 5 || c.Withheld {
		t.Errorf("of five an official sees %d", c.Taken)
	}

	// A role of the tenant's own making shows an official no more.
	w.Exec("jamaica", `INSERT INTO casbin_rules (ptype, v0, v1, v2) VALUES ('p', 'ministry_official', 'jamaica', 'role.read'), ('p', 'ministry_official', 'jamaica', 'leaderboard.read')`)
	w.Write("jamaica", func(tx *tenants.Tx) error { tx.Bump("rules"); return nil })
	if err := w.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range apitest.As[api.List[settings.Role]](w.Get(official, "/api/v1/roles")).Items {
		if r.People > 0 && r.People < 5 || r.People == 0 && !r.Withheld {
			t.Errorf("an official sees that %d people have the role %s", r.People, r.Name)
		}
	}
	w.Get(official, "/api/v1/leaderboard?class="+w.class.String()).Want(http.StatusForbidden)
	both := w.UserWith("jamaica", []string{"ministry_official", "coach"}, apitest.At(w.school))
	if c := list(both, "")[small]; !c.Withheld {
		t.Errorf("who is a coach as well sees %d taken elsewhere", c.Taken)
	}
	var settings struct{ Used map[string]int }
	w.Exec("jamaica", `UPDATE usage_counts SET n = 4 WHERE kind = 'learners'`)
	if err := json.Unmarshal(w.Get(official, "/api/v1/tenant").Want(http.StatusOK).Body, &settings); err != nil {
		t.Fatal(err)
	}
	if n, ok := settings.Used["learners"]; ok {
		t.Errorf("the settings say that there are %d learners", n)
	}
}
