package api_test

import (
	"net/http"
	"testing"

	"lignum/domain/insight"
	"lignum/tests/apitest"
)

func TestFiguresNeverSingleAnybodyOut(t *testing.T) {
	s := apitest.New(t)
	small, large := s.School("jamaica", "Hill High"), s.School("jamaica", "Harbour High")
	s.Exec("jamaica", `INSERT INTO attendance (day, learner_id, school_id)
		SELECT '2026-11-20', gen_random_uuid(), CASE WHEN n <= 3 THEN $1::uuid ELSE $2::uuid END FROM generate_series(1, 23) n`, small.String(), large.String())
	const table = "/api/v1/insight/attendance?from=2026-11-01&to=2026-11-30&by=school"
	official := s.User("jamaica", "ministry_official")
	whole := apitest.As[insight.Table](s.Get(official, table))
	if whole.MinCell != 5 || *whole.Total.People != 23 || len(whole.Cells) != 2 {
		t.Fatalf("%+v", whole)
	}
	for _, cell := range whole.Cells { // the other would give the small one away
		if !cell.Suppressed || cell.People != nil {
			t.Errorf("shown: %+v", cell)
		}
	}
	principal := s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(small))
	own := apitest.As[insight.Table](s.Get(principal, table))
	if len(own.Cells) != 1 || own.Cells[0].Key != small.String() || *own.Total.People != 3 {
		t.Errorf("the own school: %+v", own)
	}
	s.Get(s.User("jamaica", "school_administrator"), table).Want(http.StatusForbidden) // of no school
	s.Get(s.User("jamaica", "coach"), table).Want(http.StatusForbidden)
}

func TestFiguresByPeriod(t *testing.T) {
	s := apitest.New(t)
	official := s.User("jamaica", "ministry_official")
	for _, path := range []string{"summary", "attendance", "attendance?by=region", "active-users", "pass-rates", "pass-rates?by=school"} {
		s.Get(official, "/api/v1/insight/"+path).Want(http.StatusOK)
	}
	for _, query := range []string{"?from=2024-01-01&to=2026-01-01", "?from=2026-11-30&to=2026-11-01", "?from=x", "?by=shoe-size"} {
		s.Get(official, "/api/v1/insight/attendance"+query).Want(http.StatusUnprocessableEntity).Problem()
	}
}
