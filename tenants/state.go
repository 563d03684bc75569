package tenants

import (
	"slices"

	"lignum/domain"
	"lignum/domain/words"
	"lignum/policy"
)

// State is where a tenant is in its life. What follows from it stands in the table states below and nowhere else: nobody compares states to find out what may be
// done (tests/states_test.go), so that a state that is added cannot be forgotten.
type State string

// The states of a tenant. What each means says the table.
const (
	Invited      State = "invited"
	Provisioning State = "provisioning"
	Active       State = "active"
	ReadOnly     State = "read_only"
	Suspended    State = "suspended"
	Closing      State = "closing"
	Closed       State = "closed"
)

// What a bill that is long overdue makes of a tenant that works, and what it is again once that is paid.
const (
	Unpaid  = ReadOnly
	Settled = Active
)

// None is where a tenant is before its row of the registry, and after: an invitation that was withdrawn, a provisioning that was abandoned.
const None State = ""

// Jobs are what is done for a tenant apart from requests.
type Jobs uint8

// From least to most.
const (
	NoJobs   Jobs = iota // there is nothing yet for which anything could be done
	SafeJobs             // what keeps data safe and tidy, and what somebody asked for (jobs.Kind.Always)
	AllJobs              // everything
)

// Do reports whether jobs of a kind are done; always is the kind's (jobs.Kind.Always).
func (j Jobs) Do(always bool) bool { return j == AllJobs || j == SafeJobs && always }

// Mail is to whom letters of a tenant go out.
type Mail uint8

// From least to most.
const (
	NoMail             Mail = iota // to nobody
	AdministratorsMail             // to its administrators
	AllMail                        // to everybody who gets any
)

// Bills are what is billed of a tenant's periods.
type Bills uint8

// From least to most.
const (
	NoBills   Bills = iota // no period that begins now; what was billed before is owed all the same
	LastBill               // the period under way, to its end, and none after it
	EachMonth              // each period
)

// Allows is what a state lets happen.
type Allows struct {
	Takes policy.Takes // of requests
	Jobs  Jobs
	Mail  Mail
	Bills Bills
	Made  bool // there is a schema with a login. What is not made has no data, no settings and no trail of its own
}

// row is a state in the table: what it lets happen, and the words for it.
type row struct {
	State
	Allows
	says  words.Text // in a sentence: "read-only"
	means words.Text // for whoever decides: what it is like
	why   string     // for the tenant's people: the message that tells them that something is not taken, with Name, and Why when a reason was given
	ask   string     // the same where no reason was given; "": why needs none
}

// states are all, in the order of a life.
var states = []row{
	{Invited, Allows{policy.TakesNothing, NoJobs, NoMail, NoBills, false}, words.Say("tenants.state_invited"), words.Say("tenants.means_invited"), "tenants.is_not_open_yet", "tenants.is_not_open_yet"},
	{Provisioning, Allows{policy.TakesNothing, NoJobs, NoMail, NoBills, false}, words.Say("tenants.state_provisioning"), words.Say("tenants.means_provisioning"), "tenants.is_not_open_yet", "tenants.is_not_open_yet"},
	{Active, Allows{policy.TakesChanges, AllJobs, AllMail, EachMonth, true}, words.Say("tenants.state_active"), words.Say("tenants.means_active"), "", ""},
	{ReadOnly, Allows{policy.TakesReads, SafeJobs, AllMail, EachMonth, true}, words.Say("tenants.state_read_only"), words.Say("tenants.means_read_only"), "tenants.can_be_read_but_not", "tenants.can_be_read_work"},
	{Suspended, Allows{policy.TakesNothing, SafeJobs, AdministratorsMail, EachMonth, true}, words.Say("tenants.state_suspended"), words.Say("tenants.means_suspended"), "tenants.is_suspended", "tenants.is_suspended_ask"},
	{Closing, Allows{policy.TakesAdministrators, SafeJobs, AdministratorsMail, LastBill, true}, words.Say("tenants.state_closing"), words.Say("tenants.means_closing"), "tenants.is_closed", "tenants.is_closed_ask"},
	{Closed, Allows{policy.TakesAdministrators, SafeJobs, AdministratorsMail, NoBills, true}, words.Say("tenants.state_closed"), words.Say("tenants.means_closed"), "tenants.is_closed", "tenants.is_closed_ask"},
}

// Transition is a way from one state to another, and who may go it. What it does to requests, jobs, letters and bills is the difference of what the two allow.
// Each leaves an entry in the platform's trail, and in the tenant's as soon as it has one.
type Transition struct {
	From, To   State
	Permission policy.Permission // whoever has it may, on the platform's host; also whoever works on the server itself
	Program    bool              // the program may do it by itself: provisioning, an invitation that lapses, a bill that is overdue or paid
	Alone      bool              // and nobody else does
	Reason     bool              // a reason must be given; the tenant's people read it, as long as the state lasts
	Do         words.Text        // on the button
}

// transitions are all there are.
var transitions = []Transition{
	// from an invitation to a tenant that works, or to nothing
	{From: None, To: Invited, Permission: policy.PlatformTenantProvision, Do: words.Say("tenants.do_invite")},
	{From: None, To: Provisioning, Permission: policy.PlatformTenantProvision, Do: words.Say("tenants.do_open")},
	{From: Invited, To: Provisioning, Permission: policy.PlatformTenantProvision, Program: true, Alone: true, Do: words.Say("tenants.do_open")},
	{From: Invited, To: None, Permission: policy.PlatformTenantProvision, Program: true, Reason: true, Do: words.Say("tenants.do_withdraw")},
	{From: Provisioning, To: Active, Permission: policy.PlatformTenantProvision, Program: true, Alone: true, Do: words.Say("tenants.do_open")},
	{From: Provisioning, To: None, Permission: policy.PlatformTenantProvision, Program: true, Reason: true, Do: words.Say("tenants.do_abandon")},
	// while it works: each of the three leads to each other
	{From: Active, To: ReadOnly, Permission: policy.PlatformTenantSuspend, Program: true, Reason: true, Do: words.Say("tenants.do_make_read_only")},
	{From: Active, To: Suspended, Permission: policy.PlatformTenantSuspend, Reason: true, Do: words.Say("tenants.do_suspend")},
	{From: ReadOnly, To: Active, Permission: policy.PlatformTenantResume, Program: true, Do: words.Say("tenants.do_resume")},
	{From: ReadOnly, To: Suspended, Permission: policy.PlatformTenantSuspend, Reason: true, Do: words.Say("tenants.do_suspend")},
	{From: Suspended, To: Active, Permission: policy.PlatformTenantResume, Do: words.Say("tenants.do_resume")},
	{From: Suspended, To: ReadOnly, Permission: policy.PlatformTenantSuspend, Reason: true, Do: words.Say("tenants.do_make_read_only")},
	// its end, which is taken back step by step: nothing is deleted, so a mistake can be mended
	{From: Active, To: Closing, Permission: policy.PlatformTenantClose, Reason: true, Do: words.Say("tenants.do_close")},
	{From: ReadOnly, To: Closing, Permission: policy.PlatformTenantClose, Reason: true, Do: words.Say("tenants.do_close")},
	{From: Suspended, To: Closing, Permission: policy.PlatformTenantClose, Reason: true, Do: words.Say("tenants.do_close")},
	{From: Closing, To: Active, Permission: policy.PlatformTenantClose, Reason: true, Do: words.Say("tenants.do_reopen")},
	{From: Closing, To: Suspended, Permission: policy.PlatformTenantSuspend, Reason: true, Do: words.Say("tenants.do_suspend")},
	{From: Closing, To: Closed, Permission: policy.PlatformTenantEnd, Reason: true, Do: words.Say("tenants.do_end")},
	{From: Closed, To: Closing, Permission: policy.PlatformTenantEnd, Reason: true, Do: words.Say("tenants.do_take_back")},
}

// States are all, in the order of a life.
func States() []State {
	list := make([]State, len(states))
	for i, r := range states {
		list[i] = r.State
	}
	return list
}

// row is a state's in the table; an unknown state's is empty, which allows nothing.
func (s State) row() row {
	i := slices.IndexFunc(states, func(r row) bool { return r.State == s })
	if i < 0 {
		return row{State: s, Allows: Allows{Takes: policy.TakesNothing}, says: words.Say("tenants.state_none"), means: words.Say("tenants.means_nothing"), why: "tenants.is_not_open_yet", ask: "tenants.is_not_open_yet"}
	}
	return states[i]
}

// Allows is what the state lets happen. An unknown one allows nothing.
func (s State) Allows() Allows { return s.row().Allows }

// Words is the state in a sentence, such as "read-only".
func (s State) Words() words.Text { return s.row().says }

// Means says what the state is like, for whoever decides about it.
func (s State) Means() words.Text { return s.row().means }

// Wants reports whether each way to the state wants a reason.
func (s State) Wants() bool {
	return !slices.ContainsFunc(transitions, func(t Transition) bool { return t.To == s && !t.Reason })
}

// StateOf finds a state by its name.
func StateOf(name string) (State, bool) {
	s := State(name)
	return s, slices.Contains(States(), s)
}

// Next are the ways on from the state that people may go.
func (s State) Next() []Transition {
	return slices.DeleteFunc(slices.Clone(transitions), func(t Transition) bool { return t.From != s || t.Alone || t.From == None })
}

// Allows is what the tenant's state lets happen.
func (t *Tenant) Allows() Allows { return t.State.Allows() }

// Told is what the tenant's people are told when the state does not take what they ask: its name, and the reason or whom to ask.
func (t *Tenant) Told() words.Text {
	r := t.State.row()
	switch {
	case r.why == "":
		return words.Text{}
	case t.StateReason == "":
		return words.Say(r.ask, "Name", t.Name)
	}
	return words.Say(r.why, "Name", t.Name, "Why", t.StateReason)
}

// For reports whether somebody with these roles, expanded, may send requests at all now, and whether they may change anything.
func (a Allows) For(roles []string) (reads, changes bool) {
	switch a.Takes {
	case policy.TakesChanges:
		return true, true
	case policy.TakesReads:
		return true, false
	case policy.TakesAdministrators:
		return slices.Contains(roles, policy.AdministratorRole(policy.Tenant)), false
	case policy.TakesNothing:
	}
	return false, false
}

// Writes reports whether somebody with these roles, expanded, gets letters now.
func (a Allows) Writes(roles []string) bool {
	return a.Mail == AllMail || a.Mail == AdministratorsMail && slices.Contains(roles, policy.AdministratorRole(policy.Tenant))
}

// Begins is the way to being made, of a tenant that was invited or is not there yet; nil: it is on it already.
func (t *Tenant) Begins() (*Transition, error) {
	if t.State == Provisioning {
		return nil, nil
	}
	way, err := transition(t.Name, t.State, Provisioning, By{Permission: policy.PlatformTenantProvision, Program: true})
	return &way, err
}

// Completes is the way from being made to working.
func (t *Tenant) Completes() (Transition, error) {
	return transition(t.Name, t.State, Active, By{Program: true})
}

// Abandons returns domain.Conflict unless what is being made may be taken away.
func (t *Tenant) Abandons() error {
	if t.Allows().Made {
		return domain.Refuse(domain.Conflict, "tenants.is_made_already", "Name", t.Name)
	}
	_, err := transition(t.Name, t.State, None, By{Program: true})
	return err
}

// By is who changes a tenant's state.
type By struct {
	Permission policy.Permission // of the route that they came by, whose policy was asked
	Program    bool              // the program by itself
	Server     bool              // whoever works on the server itself, who may what people may
}

// transition finds the way from one state to another, or says why there is none: domain.Conflict, with both states in words.
func transition(name string, from, to State, by By) (Transition, error) {
	refuse := func(key string) (Transition, error) {
		return Transition{}, domain.Refuse(domain.Conflict, key, "Name", name, "From", from.Words(), "To", to.Words())
	}
	if from == to {
		return refuse("tenants.is_in_that_state")
	}
	i := slices.IndexFunc(transitions, func(t Transition) bool { return t.From == from && t.To == to })
	if i < 0 {
		return refuse("tenants.there_is_no_way")
	}
	t := transitions[i]
	switch {
	case by.Program && t.Program, by.Server && !t.Alone, !by.Permission.IsZero() && by.Permission == t.Permission && !t.Alone:
		return t, nil
	case by.Permission.IsZero():
		return refuse("tenants.that_way_is_not_yours")
	}
	return refuse("tenants.that_way_is_another")
}
