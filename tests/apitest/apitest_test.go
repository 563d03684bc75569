package apitest_test

import (
	"net/http"
	"testing"

	"lignum/api/account"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestPeopleAreWhoTheyAreSaidToBe(t *testing.T) {
	s := apitest.New(t)
	school := s.School("bahamas", "Nassau High")
	teacher := s.UserWith("bahamas", []string{"teacher", "coach"}, apitest.At(school), apitest.SecondFactor())
	me := apitest.As[account.Me](s.Get(teacher, "/api/v1/me"))
	if me.UserID != teacher.ID || me.Realm != "bahamas" || !me.SecondFactor || len(me.Roles) != 2 {
		t.Errorf("%+v", me)
	}
	if me = apitest.As[account.Me](s.Get(s.User("", "operator"), "/api/v1/me")); me.Realm != "platform" {
		t.Errorf("%+v", me)
	}
	s.Get(apitest.Anonymous("bahamas"), "/api/v1/me").Want(http.StatusUnauthorized)
	s.Post(teacher, "/api/v1/sign-out", nil).Want(http.StatusOK)
	s.Get(teacher, "/api/v1/me").Want(http.StatusUnauthorized)
}

func TestAChosenPasswordOpensASession(t *testing.T) {
	s := apitest.New(t)
	student := s.User("jamaica", "student")
	s.ChoosePassword(student)
	student.Token = s.SignIn(student).AccessToken
	s.Get(student, "/api/v1/me").Want(http.StatusOK)
}
