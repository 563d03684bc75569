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
	input.tenant_takes == "changes"
}

tenant_open if {
	input.realm == "tenant"
	input.tenant_takes == "reads"
	input.mutating == false
}

# A tenant that closes is read by its administrators until its data is theirs to take away.
tenant_open if {
	input.realm == "tenant"
	input.tenant_takes == "administrators"
	input.mutating == false
	input.roles.tenant_administrator
}

# Whoever is signed in leaves when they like.
tenant_open if {
	input.realm == "tenant"
	input.tenant_takes == "administrators"
	input.permission == "session.end"
}

# Whoever is shut out can still see that, and why.
tenant_open if {
	input.realm == "tenant"
	input.tenant_takes in {"administrators", "nothing"}
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
