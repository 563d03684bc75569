package insight_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/insight"
	"lignum/tests/apitest"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestFiguresNeverSingleAnybodyOut(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	small, large := s.School("jamaica", "Hill High"), s.School("jamaica", "Harbour High")
	var days []school.Day
	for n := range 23 {
		at := large
		if n < 3 {
			at = small
		}
		days = append(days, school.Day{Day: school.Date(t, "2025-09-18"), User: uuid.New(), School: at})
	}
	school.Attendance(t, s.DB("jamaica"), days...)
	const table = "/api/v1/insight/attendance?from=2025-09-01&to=2025-09-30&by=school"
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
	t.Parallel()
	s := apitest.New(t)
	official := s.User("jamaica", "ministry_official")
	for _, path := range []string{"summary", "attendance", "attendance?by=region", "active-users", "pass-rates", "pass-rates?by=school"} {
		s.Get(official, "/api/v1/insight/"+path).Want(http.StatusOK)
	}
	for _, query := range []string{"?from=2024-01-01&to=2026-01-01", "?from=2026-11-30&to=2026-11-01", "?from=x", "?to=0000-01-01", "?from=0000-12-01&to=0001-01-01", "?by=shoe-size"} {
		s.Get(official, "/api/v1/insight/attendance"+query).Want(http.StatusUnprocessableEntity).Problem()
	}
}

func TestGroupsOfTheWholeTenantAreOfWholeFinishedMonths(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	school := s.School("jamaica", "Hill High")
	official := s.User("jamaica", "ministry_official")
	principal := s.UserWith("jamaica", []string{"school_administrator"}, apitest.At(school))
	now := time.Now().In(s.Tenant("jamaica").Location())
	month := insight.FinishedMonth(time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC))
	running := month.To.AddDate(0, 0, 1)
	day := func(d time.Time) string { return d.Format(time.DateOnly) }
	for _, figure := range []string{"attendance?by=school", "attendance?by=region", "pass-rates?by=subject", "pass-rates?by=region", "pass-rates?by=school"} {
		path := "/api/v1/insight/" + figure
		for query, want := range map[string][2]string{
			"&from=2025-02-02&to=2025-02-28":                   {"query.from", "2025-02-01 or 2025-03-01"},
			"&from=2025-02-01&to=2025-03-30":                   {"query.to", "2025-02-28 or 2025-03-31"},
			"&from=" + day(month.From) + "&to=" + day(running): {"query.to", day(month.To) + " at the latest"},
			"&from=" + day(running) + "&to=" + day(now):        {"query.to", day(month.To) + " at the latest"},
			"&from=2025-03-01&to=2025-02-28":                   {"query.to", "must not be before"},
			"&from=2024-01-01&to=2025-12-31":                   {"query.to", "within 400 days"},
			"&to=" + day(running.AddDate(0, 1, -1)):            {"query.to", day(month.To) + " at the latest"},
		} {
			p := s.Get(official, path+query).Want(http.StatusUnprocessableEntity).Problem()
			if !slices.ContainsFunc(p.Errors, func(f domain.Field) bool { return f.Name == want[0] && strings.Contains(f.Reason.String(), want[1]) }) {
				t.Errorf("%s%s: %+v", path, query, p.Errors)
			}
		}
		last := apitest.As[insight.Table](s.Get(official, path))
		if last.From != day(month.From) || last.To != day(month.To) || last.Months != 1 {
			t.Errorf("%s: without a time %+v", path, last)
		}
		if year := apitest.As[insight.Table](s.Get(official, path+"&from=2024-09-01&to=2025-09-30")); year.Months != 13 {
			t.Errorf("%s: a year and a month: %+v", path, year)
		}
		s.Get(principal, path+"&from=2025-02-02&to=2025-02-27").Want(http.StatusOK)
	}
}
