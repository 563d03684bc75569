package autoscale

import (
	"testing"
	"time"
)

func TestProcessorsThatAnswer(t *testing.T) {
	now := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	fresh, old := now.Add(-2*time.Minute), now.Add(-time.Hour)
	s := &Settings{Stale: 5 * time.Minute, Rungs: []Rung{{Class: "db.r8g.xlarge", VCPU: 4}}}
	for name, c := range map[string]struct {
		o               Observed
		writer, readers float64
	}{
		"a class, and one that is on no rung": {Observed{Instances: []Instance{{Class: "db.r8g.xlarge", Writer: true, Status: available},
			{Class: "db.r8g.2xlarge", Status: available}, {Class: "db.r8g.xlarge", Status: available}}}, 4, 12},
		"a reader that is being made": {Observed{Instances: []Instance{{Class: "db.r8g.xlarge", Writer: true, Status: available},
			{Class: "db.r8g.xlarge", Status: "creating"}}}, 4, 0},
		"a writer that is being changed works on": {Observed{Instances: []Instance{{Class: "db.r8g.xlarge", Writer: true, Status: "modifying"}}}, 4, 0},
		"Serverless has what it has now": {Observed{MinACU: 2, MaxACU: 32, ACU: Reading{12, fresh}, ReaderACU: Reading{6, fresh},
			Instances: []Instance{{Class: Serverless, Writer: true, Status: available}, {Class: Serverless, Status: available}}}, 3, 1.5},
		"and what it has at least, when that is all that is known": {Observed{MinACU: 2, MaxACU: 32, ACU: Reading{12, old},
			Instances: []Instance{{Class: Serverless, Writer: true, Status: available}, {Class: Serverless, Status: available}}}, 0.5, 0.5},
		"raised a moment ago":        {Observed{MinACU: 16, MaxACU: 32, ACU: Reading{2, fresh}, Instances: []Instance{{Class: Serverless, Writer: true}}}, 4, 0},
		"a reading beyond the limit": {Observed{MinACU: 2, MaxACU: 8, ACU: Reading{64, fresh}, Instances: []Instance{{Class: Serverless, Writer: true}}}, 0.5, 0},
	} {
		if writer, readers := processors(s, &c.o, now); writer != c.writer || readers != c.readers {
			t.Errorf("%s: %g and %g, want %g and %g", name, writer, readers, c.writer, c.readers)
		}
	}
}
