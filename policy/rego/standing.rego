# The state of the tenant and of the person: what stops everything, whatever the thing is.
package lignum

right_realm if input.permission_realm == input.realm

right_realm if {
	input.permission_realm == "either"
	input.realm in {"tenant", "platform"}
}

tenant_open if input.realm == "platform"

tenant_open if {
	input.realm == "tenant"
	input.tenant_state == "active"
}

tenant_open if {
	input.realm == "tenant"
	input.tenant_state == "read_only"
	input.mutating == false
}

# A suspended tenant can still see that it is, and why.
tenant_open if {
	input.realm == "tenant"
	input.tenant_state == "suspended"
	input.permission == "tenant.read"
}

actor_fit if {
	input.actor_state == "active"
	input.must_change_password == false
}

# A password from a card is good for choosing one's own, and for leaving a shared computer.
actor_fit if {
	input.actor_state == "active"
	input.permission in {"profile.change", "session.end"}
}

identity_proven if input.second_factor

# Who runs the platform has power over every country, so there it is always asked for.
identity_proven if {
	input.realm == "tenant"
	input.second_factor_required == false
}

identity_proven if input.permission in {"profile.read", "profile.change", "session.end", "tenant.read"}

identity_proven if {
	input.realm == "tenant"
	not staff
}

# Whoever holds any role but those of learners and guardians is staff, roles of the tenant's own making included.
staff if {
	some role, _ in input.roles
	not role in {"student", "guardian", "member"}
}
