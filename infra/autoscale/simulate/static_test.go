package simulate

import "testing"

// The competitor must be fair: nothing cheaper holds the year, and what is chosen does.
func TestStaticPeakIsTheCheapestThatHolds(t *testing.T) {
	a := Default()
	for _, load := range []*Load{flat(60, 0.1, 0.1), flat(60, 1.2, 0.8), flat(60, 3.5, 12), flat(60, 40, 200)} {
		s, err := sizeStatic(a, load, 1)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(a, load, s) {
			t.Errorf("%s does not hold %g + %g vCPU", s.describe(a), load.Writer[0], load.Reader[0])
		}
		for n := 1; n < mostInstances; n++ {
			for i := range a.Prices.fixed() {
				if other := (shape{Class: i, Readers: n}); other.hour(a) < s.hour(a) && holds(a, load, other) {
					t.Errorf("%s is cheaper than %s and holds %g + %g vCPU", other.describe(a), s.describe(a), load.Writer[0], load.Reader[0])
				}
			}
			for acu := 0.5; acu <= 16; acu += 0.5 {
				if other := (shape{Class: serverlessIndex, Readers: n, MinACU: acu, MaxACU: acu}); other.hour(a) < s.hour(a) && holds(a, load, other) {
					t.Errorf("%s is cheaper than %s and holds %g + %g vCPU", other.describe(a), s.describe(a), load.Writer[0], load.Reader[0])
				}
			}
		}
	}
	if _, err := sizeStatic(a, flat(60, 500, 10), 1); err == nil {
		t.Error("500 vCPU of writes are held by one writer")
	}
}

// Nor may the burstable pair be worse than it is: the cheapest that holds, with credits saved up by the time they are needed.
func TestTheBurstablePairIsTheCheapestThatHolds(t *testing.T) {
	a := Default()
	busy := flat(1440, 0.02, 0.02)
	for m := 900; m < 960; m++ {
		busy.Writer[m], busy.WriterBurst[m] = 0.9, 0.9
	}
	for _, c := range []struct {
		mode, want string
		load       *Load
	}{
		{Unlimited, "2 x db.t4g.medium", busy}, {Standard, "2 x db.t4g.medium", busy}, // 900 minutes save 300, an hour takes 80
		{Unlimited, "2 x db.t4g.medium", flat(60, 0.1, 0.1)}, {Standard, "2 x db.t4g.large", flat(600, 0.3, 0.1)}, {Unlimited, "3 x db.t4g.medium", flat(60, 0.1, 1.5)},
		{Unlimited, "2 x db.t4g.large", flat(60, 3, 0.1)}, // none holds that: the dearest pair
	} {
		a.CreditMode = c.mode
		if s, ok := sizeBurstable(a, c.load, 1); !ok || s.describe(a) != c.want {
			t.Errorf("%s, %g + %g vCPU: %s, wanted %s", c.mode, c.load.Writer[0], c.load.Reader[0], s.describe(a), c.want)
		}
	}
	a.Prices.Classes, a.Days = a.Prices.Classes[:a.Prices.fixed()], 1
	if _, ok := sizeBurstable(a, busy, 1); ok {
		t.Error("a pair of no class")
	}
	s, err := Compare(a, 1)
	if err == nil || s.Of(Burstable) != nil {
		t.Errorf("a ladder of classes without a price is simulated: %v", err)
	}
}

// A quiet day, a busy hour: CPU thresholds follow it late and pay with failovers.
func TestReactiveFollowsLate(t *testing.T) {
	a := Default()
	load := flat(1440, 0.2, 0.2)
	for m := 600; m < 720; m++ {
		load.Writer[m], load.WriterBurst[m], load.Reader[m], load.ReaderBurst[m] = 2.6, 2.6, 0.5, 0.5
	}
	by, from := newReactive(a, shape{Class: 1, Readers: 1}, 1)
	r := replay(a, load, from, by)
	if r.Failovers < 2 || r.Changes["resize_reader"] < 4 {
		t.Errorf("an hour above and the time after it: %v", r.Changes)
	}
	if r.MinutesOver < a.ResizeMinutes {
		t.Errorf("%d minutes over the objective: a change takes %d", r.MinutesOver, a.ResizeMinutes)
	}
	if r.over[599] || !r.over[605] || r.over[1000] {
		t.Error("the objective is missed at the wrong time")
	}
}
