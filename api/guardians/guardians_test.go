package guardians_test

import (
	"net/http"
	"testing"

	"lignum/api"
	coachingapi "lignum/api/coaching"
	"lignum/domain/people"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestAGuardianSeesTheOwnChildWithConsent(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	mother := w.UserWith("jamaica", []string{"guardian"})
	child := apitest.Path("/me/children/%s", w.Student.ID)
	w.Get(mother, child).Want(http.StatusForbidden)
	link := map[string]any{"guardian_id": mother.ID, "relationship": "mother"}
	w.Post(w.Coach, apitest.Path("/learners/%s/guardians", w.Student.ID), link).Want(http.StatusForbidden)
	w.Post(w.Principal, apitest.Path("/learners/%s/guardians", w.Student.ID), link).Want(http.StatusCreated)
	if p := w.Get(mother, child).Want(http.StatusForbidden).Problem(); p.Type != "urn:lignum:problem:policy:guardian_consent_missing" {
		t.Errorf("%+v", p)
	}
	w.Do(mother, http.MethodPut, child+"/consent", map[string]bool{"consent": true}).Want(http.StatusOK)
	if r := apitest.As[coachingapi.LearnerRecord](w.Get(mother, child)); r.ID != w.Student.ID {
		t.Errorf("%+v", r)
	}
	if mine := apitest.As[api.List[people.Child]](w.Get(mother, "/api/v1/me/children")); len(mine.Items) != 1 || !mine.Items[0].Consent {
		t.Errorf("%+v", mine)
	}
	w.Do(w.Principal, http.MethodDelete, apitest.Path("/learners/%s/guardians/%s", w.Student.ID, mother.ID), nil).Want(http.StatusOK)
	w.Get(mother, child).Want(http.StatusForbidden)
}

func TestNobodyMakesThemselvesAGuardian(t *testing.T) {
	t.Parallel()
	w := apitest.NewSchool(t)
	head := w.UserWith("jamaica", []string{"school_administrator", "guardian"}, apitest.At(w.SchoolID))
	link := apitest.Path("/learners/%s/guardians", w.Student.ID)
	w.Post(head, link, map[string]any{"guardian_id": head.ID, "relationship": "aunt"}).Want(http.StatusForbidden)
	w.Post(w.Principal, link, map[string]any{"guardian_id": head.ID, "relationship": "aunt"}).Want(http.StatusCreated)
}
