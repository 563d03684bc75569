package people_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/api"
	classesapi "lignum/api/classes"
	peopleapi "lignum/api/people"
	"lignum/domain/identity"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

func cardOwners(r *apitest.Response) (ids []uuid.UUID) {
	r.T.Helper()
	for _, c := range apitest.As[peopleapi.CardSheet](r).Cards {
		ids = append(ids, c.UserID)
	}
	return ids
}

// A class is open to pupils of every school; that it is one school's says nothing of whose they are.
func TestCardsOfPupilsAreTheirSchoolsAndNotTheirClasss(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	teacher := w.Teacher()
	foreign := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")), apitest.Named("Fay", "Foreign"))
	theirHead := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(*foreign.SchoolID))
	w.Enrol(w.Student, foreign)
	sheet := apitest.Path("/classes/%s/cards", w.Class)
	for _, by := range []apitest.User{teacher, w.Principal} {
		if got := cardOwners(w.Post(by, sheet, nil)); !slices.Equal(got, []uuid.UUID{w.Student.ID}) {
			t.Errorf("a %s got cards of %v", by.Roles[0], got)
		}
		w.Post(by, apitest.Path("/users/cards"), map[string]any{"user_ids": []uuid.UUID{w.Student.ID, foreign.ID}}).Want(http.StatusForbidden)
	}
	if got := cardOwners(w.Post(theirHead, sheet, nil)); !slices.Equal(got, []uuid.UUID{foreign.ID}) {
		t.Errorf("the administrator of the pupil's own school got cards of %v", got)
	}
	if got := cardOwners(w.Post(w.Admin, sheet, nil)); len(got) != 2 {
		t.Errorf("the administrator of the tenant got cards of %v", got)
	}
	w.Post(w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Third High"))), sheet, nil).Want(http.StatusForbidden)
	if text := w.Told(foreign); !strings.Contains(text, "printed a sign-in card for you") {
		t.Errorf("the pupil was told %q", text)
	}
	if text := w.Told(theirHead); !strings.Contains(text, "printed sign-in cards for learners of your school") {
		t.Errorf("the pupil's school was told %q", text)
	}
}

// A teacher who opens a class and places a pupil in it has made the tie alone: it opens no account that somebody uses.
func TestATeacherTakesOverNoAccountWithoutTheSchoolsWord(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	teacher := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.SchoolID))
	fields := w.Fields(5)
	fields.CoachID = &teacher.ID
	class := apitest.As[classesapi.ClassID](w.Post(teacher, "/api/v1/classes", fields)).ID
	w.HasPassword(w.Student)
	w.Post(teacher, apitest.Path("/classes/%s/learners", class), map[string]any{"learner_id": w.Student.ID}).Want(http.StatusCreated)
	reset := apitest.Path("/users/%s/reset", w.Student.ID)
	refused := func() {
		t.Helper()
		if p := w.Post(teacher, reset, nil).Want(http.StatusForbidden).Problem(); !strings.HasSuffix(p.Type, "reset_needs_approval") {
			t.Errorf("%+v", p)
		}
		if got := cardOwners(w.Post(teacher, apitest.Path("/classes/%s/cards", class), nil)); len(got) != 0 {
			t.Errorf("the class's cards are of %v", got)
		}
		if got := cardOwners(w.Post(teacher, apitest.Path("/users/cards"), map[string]any{"user_ids": []uuid.UUID{w.Student.ID}})); len(got) != 0 {
			t.Errorf("the cards are of %v", got)
		}
	}
	refused()
	// Nor when the school has taken the password away, and the pupil has not yet used the card.
	w.Post(w.Principal, reset, nil).Want(http.StatusOK)
	refused()
	w.HasPassword(w.Student)
	school.GiveAuthenticator(t, w.DB("jamaica"), w.Student.ID)
	w.Do(teacher, http.MethodDelete, apitest.Path("/users/%s/second-factor", w.Student.ID), nil).Want(http.StatusForbidden)

	ask := apitest.Path("/users/%s/reset-requests", w.Student.ID)
	w.Post(teacher, ask, map[string]string{"reason": ""}).Want(http.StatusUnprocessableEntity)
	request := apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "Forgot it over the holidays."}).Want(http.StatusCreated))
	w.Post(teacher, ask, map[string]string{"reason": "Once more."}).Want(http.StatusConflict)
	refused()
	approval := apitest.Path("/reset-requests/%s/approval", request.ID)
	w.Post(teacher, approval, nil).Want(http.StatusForbidden)
	stranger := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Post(stranger, approval, nil).Want(http.StatusForbidden)
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(stranger, "/api/v1/reset-requests")); len(list.Items) != 0 {
		t.Errorf("another school sees %+v", list.Items)
	}
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(w.Principal, "/api/v1/reset-requests?waiting=true")); len(list.Items) != 1 || list.Items[0].ID != request.ID {
		t.Errorf("the school sees %+v", list.Items)
	}
	w.Post(w.Principal, approval, nil).Want(http.StatusOK)
	w.Post(w.Principal, approval, nil).Want(http.StatusConflict)

	// One account, one teacher, one card.
	other := w.UserWith("jamaica", []string{"teacher"}, apitest.At(w.SchoolID))
	w.Leads(other)
	w.Enrol(w.Student)
	w.Post(other, reset, nil).Want(http.StatusForbidden)
	w.Do(teacher, http.MethodDelete, apitest.Path("/users/%s/second-factor", w.Student.ID), nil).Want(http.StatusForbidden)
	if card := apitest.As[identity.Card](w.Post(teacher, reset, nil)); card.UserID != w.Student.ID {
		t.Errorf("%+v", card)
	}
	refused()
	for _, told := range []struct {
		who  apitest.User
		says string
	}{{w.Student, "took your old password away"}, {w.Student, "asked your school for a new sign-in card"}, {w.Principal, "asks for a new sign-in card"}, {w.Principal, "took the old password of"}, {teacher, "approved a new sign-in card"}} {
		if text := w.Told(told.who); !strings.Contains(text, told.says) {
			t.Errorf("%s was not told %q but %q", told.who.UserName, told.says, text)
		}
	}
	for _, action := range []string{"reset.ask", "reset.approved", "user.password.reset"} {
		if w.Trail("jamaica", action, "done") == 0 {
			t.Errorf("%s is not in the trail", action)
		}
	}
}

func TestAnApprovalLapsesAndARefusalIsExplained(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	teacher := w.Teacher()
	w.Enrol(w.Student)
	w.HasPassword(w.Student)
	ask, reset := apitest.Path("/users/%s/reset-requests", w.Student.ID), apitest.Path("/users/%s/reset", w.Student.ID)
	request := apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "Forgot it."}))
	w.Post(w.Principal, apitest.Path("/reset-requests/%s/refusal", request.ID), map[string]string{"reason": "Ask the parents first."}).Want(http.StatusOK)
	w.Post(w.Principal, apitest.Path("/reset-requests/%s/approval", request.ID), nil).Want(http.StatusConflict)
	if list := apitest.As[api.List[identity.ResetRequest]](w.Get(teacher, "/api/v1/reset-requests")); len(list.Items) != 1 || list.Items[0].State != "refused" || list.Items[0].Answer != "Ask the parents first." {
		t.Errorf("%+v", list.Items)
	}
	request = apitest.As[identity.ResetRequest](w.Post(teacher, ask, map[string]string{"reason": "The parents agree."}))
	approved := apitest.As[identity.ResetRequest](w.Post(w.Principal, apitest.Path("/reset-requests/%s/approval", request.ID), nil))
	if left := time.Until(approved.ExpiresAt); left < 47*time.Hour || left > 8*24*time.Hour {
		t.Errorf("the approval stands for %s", left)
	}
	w.Exec("jamaica", `UPDATE reset_requests SET expires_at = now() - interval '1 second' WHERE id = $1::uuid`, request.ID.String())
	w.Post(teacher, reset, nil).Want(http.StatusForbidden)
	w.Post(teacher, ask, map[string]string{"reason": "The printer was broken."}).Want(http.StatusCreated) // what lapsed stands in nobody's way
	// When the school prints the card itself, nothing is left of the request.
	request = apitest.As[api.List[identity.ResetRequest]](w.Get(w.Principal, "/api/v1/reset-requests?waiting=true")).Items[0]
	w.Post(w.Principal, apitest.Path("/reset-requests/%s/approval", request.ID), nil).Want(http.StatusOK)
	w.Post(w.Principal, reset, nil).Want(http.StatusOK)
	w.Post(teacher, reset, nil).Want(http.StatusForbidden)
	w.HasPassword(w.Student)
	w.Post(teacher, ask, map[string]string{"reason": "Forgot it again."}).Want(http.StatusCreated)
	// A pupil who left the school is no longer the school's to approve, nor the teacher's to ask for.
	w.Exec("jamaica", `UPDATE users SET school_id = $2::uuid WHERE id = $1::uuid`, w.Student.ID.String(), w.School("jamaica", "Hill High").String())
	list := apitest.As[api.List[identity.ResetRequest]](w.Get(w.Principal, "/api/v1/reset-requests?waiting=true"))
	if len(list.Items) != 0 {
		t.Errorf("the old school still sees %+v", list.Items)
	}
	w.Post(teacher, ask, map[string]string{"reason": "Mine once."}).Want(http.StatusForbidden)
}

func TestOwnersHearOfWhatIsDoneToTheirAccounts(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	w.HasPassword(w.Student)
	school.GiveAuthenticator(t, w.DB("jamaica"), w.Student.ID)
	colleague := w.UserWith("jamaica", []string{"school_administrator"}, apitest.At(w.SchoolID))
	w.Do(w.Principal, http.MethodDelete, apitest.Path("/users/%s/second-factor", w.Student.ID), nil).Want(http.StatusOK)
	w.Post(w.Principal, apitest.Path("/users/%s/reset", w.Student.ID), nil).Want(http.StatusOK)
	for _, says := range []string{"took the authenticator app off your account", "took your old password away"} {
		if text := w.Told(w.Student); !strings.Contains(text, says) {
			t.Errorf("the owner was not told %q but %q", says, text)
		}
	}
	for _, says := range []string{"took the authenticator app off the account of", "took the old password of"} {
		if text := w.Told(colleague); !strings.Contains(text, says) {
			t.Errorf("the school was not told %q but %q", says, text)
		}
	}
	if text := w.Told(w.Principal); text != "" {
		t.Errorf("who did it was told %q", text)
	}
	// A school without an administrator of its own: the tenant's hear of it.
	orphan := w.UserWith("jamaica", []string{"student"}, apitest.At(w.School("jamaica", "Hill High")))
	w.Post(w.Admin, apitest.Path("/users/%s/reset", orphan.ID), nil).Want(http.StatusOK)
	second := w.User("jamaica", "tenant_administrator")
	w.Post(w.Admin, apitest.Path("/users/%s/reset", orphan.ID), nil).Want(http.StatusOK)
	if text := w.Told(second); !strings.Contains(text, "printed a sign-in card for") {
		t.Errorf("the tenant's administrator was told %q", text)
	}
}
