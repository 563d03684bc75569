package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

// environment sets what the template sets, with some of it changed: "" leaves a variable empty.
func environment(t *testing.T, changed map[string]string) {
	t.Helper()
	all := map[string]string{"LIGNUM_AUTOSCALE": "watch", "LIGNUM_AUTOSCALE_TABLE": "prod-autoscale", "LIGNUM_AUTOSCALE_CLUSTER": "prod-data",
		"LIGNUM_AUTOSCALE_PROXY": "prod-data", "LIGNUM_AUTOSCALE_SIZE": "country", "LIGNUM_AUTOSCALE_SETTINGS": "", "LIGNUM_AUTOSCALE_DRY_RUN": "false",
		"LIGNUM_AUTOSCALE_DATABASE": "proxy.example:5432", "LIGNUM_AUTOSCALE_WRITER": "writer.example:5432", "LIGNUM_AUTOSCALE_DATABASE_USER": "prod_autoscale", "AWS_REGION": "us-east-1"}
	for name, value := range changed {
		all[name] = value
	}
	for name, value := range all {
		t.Setenv(name, value)
	}
}

func TestEverythingThatIsWrongIsNamedAtOnce(t *testing.T) {
	environment(t, map[string]string{"LIGNUM_AUTOSCALE": "noon", "LIGNUM_AUTOSCALE_TABLE": "", "LIGNUM_AUTOSCALE_DATABASE": "proxy.example",
		"LIGNUM_AUTOSCALE_WRITER": "writer.example", "LIGNUM_AUTOSCALE_DRY_RUN": "perhaps", "LIGNUM_AUTOSCALE_SETTINGS": `{"target_use": 7, "stale": "1s"}`})
	_, err := load()
	if err == nil {
		t.Fatal("all of it was taken")
	}
	for _, part := range []string{"watch, night or morning", "LIGNUM_AUTOSCALE_TABLE", "DATABASE must be host:port", "WRITER must be host:port", "DryRun", "target_use", "stale"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not named in: %v", part, err)
		}
	}
}

func TestSettingsReplaceOnlyWhatTheyName(t *testing.T) {
	environment(t, map[string]string{"LIGNUM_AUTOSCALE_SETTINGS": `{"lead_time": "45m", "per_learner": {"exam": 0.002},
		"nights": [{"zone": "America/Belize", "from": "22:00", "until": "05:00"}]}`})
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	s := c.settings
	if s.LeadTime != 45*time.Minute || s.PerLearner["exam"] != 0.002 || len(s.Nights) != 1 {
		t.Errorf("not replaced: %+v", s)
	}
	if s.Stale != 5*time.Minute || len(s.Rungs) < 5 || s.PerLearner["live"] == 0 || c.DatabaseName != "lignum" || c.DryRun {
		t.Errorf("not kept: %+v", s)
	}
}

func TestSettingsAreStrict(t *testing.T) {
	for text, part := range map[string]string{`{"lead_tiem": "45m"}`: "lead_tiem", `{"lead_time": 45}`: "lead_time", `{"lead_time": "soon"}`: "soon",
		`{"rungs": [{"name": "only"}]}`: "rungs[0]", `[]`: "array"} {
		if _, err := settings("small", text); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := settings("", ""); err == nil {
		t.Error("neither size nor settings, and yet no error")
	}
	if _, err := settings("huge", ""); err == nil || !strings.Contains(err.Error(), "huge") {
		t.Errorf("size huge: %v", err)
	}
}

func TestEachFunctionHasItsHandler(t *testing.T) {
	for _, name := range []string{"watch", "night", "morning"} {
		environment(t, map[string]string{"LIGNUM_AUTOSCALE": name})
		if h, err := handler(t.Context(), slog.New(slog.DiscardHandler)); err != nil || h == nil {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
}
