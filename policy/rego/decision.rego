# One question, one answer: may this person do this to this thing now, and over which rows?
#
# Casbin has already said that one of the person's roles may ever do it. Here nothing is allowed unless a rule says so.
# Every fact in the input is positive, and one that is missing counts as false, so a forgotten fact denies.
# Names of permissions and facts: permissions.go and input.go. Names of refusals: reasons.go.
package lignum

default decision := {"allow": false, "reason": "not_permitted"}

decision := object.union(answers[reach], counts) if {
	ready
} else := {"allow": false, "reason": refusal}

# Officials get figures, and counts of fewer people than min_cell, which would single children out, are left blank.
answers := {
	"tenant": {"allow": true, "scope": "tenant", "min_cell": 0},
	"school": {"allow": true, "scope": "school", "min_cell": 0},
	"assigned": {"allow": true, "scope": "assigned", "min_cell": 0},
	"own": {"allow": true, "scope": "own", "min_cell": 0},
	"aggregate": {"allow": true, "scope": "aggregate", "min_cell": 5},
}

# Officials see counts elsewhere too, such as the seats taken in a class. A record that was opened for a reason is whole.
default counts := {}

counts := {"min_cell": 5} if {
	input.roles.ministry_official
	not input.roles.tenant_administrator
	not input.permission in {"learner.read", "learner.progress"}
	reach != "aggregate"
}

# Before anything else: the right realm, a tenant that is open, a person in good standing who has proven enough.
ready if {
	right_realm
	tenant_open
	actor_fit
	identity_proven
}

# The widest reach that any rule gives. The files beside this one say who reaches how far.
reach := "tenant" if {
	reaches_tenant
} else := "school" if {
	reaches_school
} else := "assigned" if {
	reaches_assigned
} else := "own" if {
	reaches_own
} else := "aggregate" if {
	reaches_figures
}

# The first of these that holds is what the person is told.
refusal := "wrong_realm" if {
	not right_realm
} else := "tenant_suspended" if {
	not tenant_open
	input.tenant_takes == "nothing"
} else := "tenant_closed" if {
	not tenant_open
	input.tenant_takes == "administrators"
	not input.roles.tenant_administrator
} else := "account_suspended" if {
	input.actor_state != "active"
} else := "password_change_needed" if {
	not actor_fit
	input.must_change_password
} else := "second_factor_needed" if {
	not identity_proven
} else := "import_needs_active_tenant" if {
	input.permission in {"roster.import", "content.import"}
	not tenant_open
} else := "tenant_read_only" if {
	not tenant_open
	input.tenant_takes in {"reads", "administrators"}
} else := missing
