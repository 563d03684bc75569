package jobs

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"lignum/domain/calendar"
	"lignum/tenants"
	_ "lignum/tests/tenth"
)

// Whatever the moment, a job was due at or before it and is due again after it, and the two are a step apart, where each realm always has its own place.
func TestAScheduleHasNoHoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"America/Jamaica", "America/Nassau", "Europe/London", "UTC"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		now := time.Unix(rapid.Int64Range(1_700_000_000, 1_900_000_000).Draw(t, "now"), 0).UTC()
		realm := rapid.StringMatching(`[a-z]{3,8}`).Draw(t, "realm")
		step := rapid.SampledFrom([]time.Duration{time.Minute, 10 * time.Minute, time.Hour}).Draw(t, "step")
		last, next := Every(step).around("a.b", realm, zone, now, calendar.Begins)
		if last.After(now) || !next.After(now) || next.Sub(last) != step {
			t.Fatalf("every %s at %s: %s, %s", step, now, last, next)
		}
		night := Nightly(30 * time.Minute)
		last, next = night.around("a.b", realm, zone, now, calendar.Begins)
		if last.After(now) || !next.After(now) {
			t.Fatalf("nightly at %s: %s, %s", now, last, next)
		}
		if apart := next.Sub(last); apart < 23*time.Hour || apart > 25*time.Hour {
			t.Fatalf("nights are %s apart", apart)
		}
		if after, _ := night.around("a.b", realm, zone, next, calendar.Begins); !after.Equal(next) {
			t.Fatalf("what is next at %s was %s then", next, after)
		}
		if local := last.In(zone); local.Hour() > 2 {
			t.Fatalf("the night's work is at %s", local)
		}
	})
}

// Each job is planned once, before it is due; a tenant that takes no changes has those alone that are always done, and one that is not made none.
func TestThePlanGoesAhead(t *testing.T) {
	kinds := []Kind{{Name: "a.minute", When: Every(time.Minute)}, {Name: "a.always", When: Every(time.Hour), Always: true}, {Name: "a.platform", When: Every(time.Hour), Platform: true}, {Name: "a.asked"}}
	p := &planner{kinds: kinds, begins: calendar.Begins, planned: map[[2]string]time.Time{}}
	all := []*tenants.Tenant{{Slug: "jamaica", State: tenants.Active, TimeZone: "America/Jamaica"}, {Slug: "bahamas", State: tenants.Suspended, TimeZone: "America/Nassau"},
		{Slug: "cayman", State: tenants.Closed, TimeZone: "America/Cayman"}, {Slug: "barbados", State: tenants.Invited, TimeZone: "America/Barbados"}, {Slug: "belize", State: tenants.Provisioning, TimeZone: "America/Belize"}}
	seen, minutes := map[due]int{}, 0
	start := time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC)
	for now := start; now.Before(start.Add(30 * time.Minute)); now = now.Add(20 * time.Second) {
		for _, d := range p.next(all, now) {
			if seen[d]++; seen[d] > 1 {
				t.Fatalf("%v is planned again", d)
			}
			if (d.realm == "bahamas" || d.realm == "cayman") && d.kind != "a.always" || d.kind == "a.asked" || d.realm == "barbados" || d.realm == "belize" || (d.realm == "") != (d.kind == "a.platform") {
				t.Errorf("planned: %v", d)
			}
			if d.kind == "a.minute" {
				minutes++
			}
			p.planned[[2]string{d.kind, d.realm}] = d.at
		}
	}
	if minutes < 30 || minutes > 33 {
		t.Errorf("%d jobs in 30 minutes", minutes)
	}
}
