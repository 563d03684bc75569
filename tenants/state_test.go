package tenants

import (
	"slices"
	"strings"
	"testing"

	"lignum/domain"
	"lignum/policy"
)

// ways is who may go from which state (the row) to which, written down a second time: p provisioning's permission, s suspending, r resuming, c closing, e ending,
// each also whoever works on the server; + the program too; * the program alone. A capital letter wants a reason.
const ways = `
from         | none | invited | provisioning | active | read_only | suspended | closing | closed
none         |      | p       | p            |        |           |           |         |
invited      | P+   |         | *            |        |           |           |         |
provisioning | P+   |         |              | *      |           |           |         |
active       |      |         |              |        | S+        | S         | C       |
read_only    |      |         |              | r+     |           | S         | C       |
suspended    |      |         |              | r      | S         |           | C       |
closing      |      |         |              | C      |           | S         |         | E
closed       |      |         |              |        |           |           | E       |
`

var letters = map[string]policy.Permission{"p": policy.PlatformTenantProvision, "s": policy.PlatformTenantSuspend, "r": policy.PlatformTenantResume, "c": policy.PlatformTenantClose, "e": policy.PlatformTenantEnd}

// Every pair of states with everybody who might ask: the permission of each way, each other permission, the program, the server, nobody.
func TestEveryTransition(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(ways), "\n")
	cells := func(line string) (list []string) {
		for c := range strings.SplitSeq(line, "|") {
			list = append(list, strings.TrimSpace(c))
		}
		return list
	}
	head := cells(lines[0])[1:]
	var known []string
	for _, s := range append([]State{None}, States()...) {
		known = append(known, strings.Replace(string(s), string(None), "none", max(0, 1-len(s))))
	}
	if !slices.Equal(head, known) || len(lines) != len(known)+1 {
		t.Fatalf("the table above has %v, the program %v", head, known)
	}
	named := func(s string) State {
		if s == "none" {
			return None
		}
		return State(s)
	}
	asked := 0
	for _, line := range lines[1:] {
		row := cells(line)
		for i, cell := range row[1:] {
			from, to := named(row[0]), named(head[i])
			letter := strings.Trim(cell, "+*")
			p := letters[strings.ToLower(letter)]
			people := letter != ""
			program := strings.ContainsAny(cell, "+*")
			expect := func(by By, want bool) {
				t.Helper()
				asked++
				way, err := transition("Jamaica", from, to, by)
				if (err == nil) != want {
					t.Errorf("%q to %q by %+v: %v", from, to, by, err)
				}
				if err != nil && (domain.CodeOf(err) != domain.Conflict || !strings.Contains(err.Error(), to.Words().String()) || from != to && !strings.Contains(err.Error(), from.Words().String())) {
					t.Errorf("%q to %q: the refusal does not name both: %v", from, to, err)
				}
				if want && way.Reason != (people && letter == strings.ToUpper(letter)) {
					t.Errorf("%q to %q: a reason is wanted: %t", from, to, way.Reason)
				}
			}
			for _, other := range policy.Catalogue() {
				expect(By{Permission: other}, people && other == p)
			}
			expect(By{Program: true}, program)
			expect(By{Server: true}, people)
			expect(By{}, false)
		}
	}
	if asked < 64*20 {
		t.Errorf("only %d were asked", asked)
	}
}

// The table of states is whole: each has words, is reached from nothing, and leads on; what an unknown one allows is nothing.
func TestEveryStateIsWhole(t *testing.T) {
	reached := map[State]bool{None: true}
	for range states {
		for _, w := range transitions {
			if reached[w.From] {
				reached[w.To] = true
			}
		}
	}
	said := map[string]bool{}
	for _, s := range states {
		for _, text := range []string{s.says.String(), s.means.String()} {
			if said[text] || text == "" {
				t.Errorf("%s is said as another: %q", s.State, text)
			}
			said[text] = true
		}
		if !reached[s.State] {
			t.Errorf("nothing leads to %s", s.State)
		}
		if !slices.ContainsFunc(transitions, func(w Transition) bool { return w.From == s.State }) {
			t.Errorf("nothing leads on from %s", s.State)
		}
		if !slices.Contains([]policy.Takes{policy.TakesChanges, policy.TakesReads, policy.TakesAdministrators, policy.TakesNothing}, s.Takes) {
			t.Errorf("%s takes %q", s.State, s.Takes)
		}
		tenant := Tenant{Name: "Jamaica", State: s.State, StateReason: "The contract is over"}
		if told := tenant.Told().String(); s.Takes != policy.TakesChanges && !strings.Contains(told, "Jamaica") || s.Takes == policy.TakesChanges && told != "" {
			t.Errorf("%s: people are told %q", s.State, told)
		}
		if !s.Made && (s.Takes != policy.TakesNothing || s.Jobs != NoJobs || s.Mail != NoMail || s.Bills != NoBills) {
			t.Errorf("%s is not made, and yet allows %+v", s.State, s.Allows)
		}
		if s.Made && s.Jobs == NoJobs {
			t.Errorf("%s has data that nobody looks after", s.State)
		}
	}
	for _, unknown := range []State{None, "dreaming", "ACTIVE"} {
		if got := unknown.Allows(); got != (Allows{Takes: policy.TakesNothing}) {
			t.Errorf("%q allows %+v", unknown, got)
		}
		if unknown.Words().String() == "" || unknown.Means().String() == "" {
			t.Errorf("%q has no words", unknown)
		}
	}
	for i, w := range transitions {
		if w.Permission.IsZero() || w.Do.IsZero() || w.Alone && !w.Program || w.From == w.To {
			t.Errorf("%q to %q is not whole: %+v", w.From, w.To, w)
		}
		if slices.ContainsFunc(transitions[:i], func(o Transition) bool { return o.From == w.From && o.To == w.To }) {
			t.Errorf("%q to %q is there twice", w.From, w.To)
		}
		if w.To.Allows().Made && w.To.Allows().Takes != policy.TakesChanges && !w.Reason {
			t.Errorf("%q to %q takes something from people, and needs no reason", w.From, w.To)
		}
	}
}

// What a state allows, asked as the program asks it.
func TestWhatStatesAllow(t *testing.T) {
	boss, learner := []string{"tenant_administrator", "member"}, []string{"student", "member"}
	for _, c := range []struct {
		state                                      State
		bossReads, learnerReads, changes           bool
		allJobs, safeJobs, lettersAll, lettersBoss bool
		bills                                      Bills
	}{
		{Invited, false, false, false, false, false, false, false, NoBills},
		{Provisioning, false, false, false, false, false, false, false, NoBills},
		{Active, true, true, true, true, true, true, true, EachMonth},
		{ReadOnly, true, true, false, false, true, true, true, EachMonth},
		{Suspended, false, false, false, false, true, false, true, EachMonth},
		{Closing, true, false, false, false, true, false, true, LastBill},
		{Closed, true, false, false, false, true, false, true, NoBills},
	} {
		a := c.state.Allows()
		br, bc := a.For(boss)
		lr, lc := a.For(learner)
		if br != c.bossReads || lr != c.learnerReads || bc != c.changes || lc != c.changes {
			t.Errorf("%s: requests %t %t %t %t", c.state, br, lr, bc, lc)
		}
		if a.Jobs.Do(false) != c.allJobs || a.Jobs.Do(true) != c.safeJobs {
			t.Errorf("%s: jobs %d", c.state, a.Jobs)
		}
		if a.Writes(learner) != c.lettersAll || a.Writes(boss) != c.lettersBoss || a.Bills != c.bills {
			t.Errorf("%s: letters %d, bills %d", c.state, a.Mail, a.Bills)
		}
	}
}
