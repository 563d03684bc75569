package simulate

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAssumptionsAreRefusedByName(t *testing.T) {
	for text, want := range map[string]string{
		`{"read_ms": -1}`:                 "read_ms is -1",
		`{"days": 400}`:                   "days is 400; it must be 1 to 365",
		`{"record_day": "2026-02-30"}`:    `record_day is "2026-02-30"`,
		`{"storm_date": "2030-09-01"}`:    "must be a day of 2027",
		`{"objective_ms": 50}`:            "objective_ms (50) must be above",
		`{"start_shares": [1,1,0,0,0]}`:   "the sum of start_shares",
		`{"ladder_size": "huge"}`:         "small, country, region",
		`{"metric_delay": 0}`:             "metric_delay is 0; it must be 1 to 10",
		`{"reed_ms": 1}`:                  `unknown field "reed_ms"`,
		`{"read_ms": 1} {"read_ms": 2}`:   "more after the first JSON value",
		`{"prices": {"acu_usd_hour": 0}}`: "acu_usd_hour is 0",
		`not JSON`:                        "--print-assumptions",
	} {
		if _, err := ReadAssumptions(Default(), strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestSeveralMistakesAreNamedAtOnce(t *testing.T) {
	_, err := ReadAssumptions(Default(), strings.NewReader(`{"read_ms": 0, "write_ms": 0}`))
	if err == nil || !strings.Contains(err.Error(), "read_ms") || !strings.Contains(err.Error(), "write_ms") {
		t.Errorf("%v", err)
	}
}

func TestPrintedAssumptionsCanBeRead(t *testing.T) {
	data, err := json.Marshal(Default())
	if err != nil {
		t.Fatal(err)
	}
	back, err := ReadAssumptions(Assumptions{}, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(data) {
		t.Errorf("assumptions change on the way: %v", err)
	}
}

func TestPricesAreRefused(t *testing.T) {
	const class = `{"name": "db.r8g.large", "vcpu": 2, "gib": 16, "usd_hour": 0.3}`
	for text, want := range map[string]string{
		`{"acu_usd_hour": 0.1, "classes": [` + class + `]}`:                                  "source is empty",
		`{"source": "here", "acu_usd_hour": 0.1, "classes": []}`:                             "there are 0 classes",
		`{"source": "here", "acu_usd_hour": 0.1, "classes": [` + class + `, ` + class + `]}`: "vcpu above the class before it",
		`{"source": "here", "acu": 1}`:                                                       "unknown field",
	} {
		if _, err := ReadPrices(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := ReadPrices(strings.NewReader(`{"source": "here", "acu_usd_hour": 0.1, "classes": [` + class + `]}`)); err != nil {
		t.Errorf("a right table: %v", err)
	}
}
