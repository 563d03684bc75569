# Running a tenant: accounts, imports, roles, settings.
package lignum

# What everybody with the permission sees or does for the whole tenant: the role is enough.
reaches_tenant if {
	input.permission in {
		"course.read", "class.read", "calendar.read", "calendar.change", "content.read", "content.change",
		"role.read", "role.change", "audit.read", "tenant.read", "tenant.change", "school.change",
		"job.read", "job.change", "mail.read", "mail.change", "bill.read",
	}
}

reaches_tenant if {
	input.permission in {"learner.read", "user.read", "user.create", "class.manage", "guardian.link"}
	input.roles.tenant_administrator
}

reaches_school if {
	input.permission in {"user.read", "user.create", "class.manage", "guardian.link"}
	input.roles.school_administrator
	own_school
}

# What somebody sends is theirs: whose an upload is, is asked where it is looked for.
reaches_own if {
	input.permission == "file.upload"
	input.owner
}

# Whoever resets or changes an account that holds more than they do could take it over.
reaches_tenant if {
	input.permission in {"user.change", "user.reset", "user.suspend", "user.export", "user.erase"}
	input.covers
	input.roles.tenant_administrator
}

reaches_school if {
	input.permission in {"user.change", "user.reset", "user.suspend", "user.export"}
	input.covers
	input.roles.school_administrator
	own_school
}

# A teacher prints password cards for the own classes, and only for pupils of the own school: a place in a class, which a
# learner may take alone, must not hand over the account. Nor must one that the teacher gave: an account with work behind it
# needs the school's word, for this account and this once.
reaches_assigned if {
	input.permission == "user.reset"
	input.covers
	input.same_school
	looks_after
	card_open
}

card_open if input.unclaimed

card_open if input.reset_approved

# Asking the school for that word.
reaches_assigned if {
	input.permission == "reset.ask"
	input.covers
	input.same_school
	looks_after
}

# Whoever asked sees what became of it, and whoever decides sees what was asked.
reaches_own if {
	input.permission == "reset.read"
	input.listing
}

reaches_school if {
	input.permission == "reset.read"
	input.roles.school_administrator
	own_school
}

reaches_tenant if {
	input.permission == "reset.read"
	input.roles.tenant_administrator
}

reaches_tenant if {
	input.permission == "roster.import"
	input.tenant_takes == "changes"
	input.roles.tenant_administrator
}

reaches_school if {
	input.permission == "roster.import"
	input.tenant_takes == "changes"
	input.roles.school_administrator
}

reaches_tenant if {
	input.permission == "content.import"
	input.tenant_takes == "changes"
}

missing := "subject_holds_more" if {
	input.permission in {"user.change", "user.reset", "user.suspend", "user.export", "user.erase", "reset.ask"}
	not input.covers
} else := "reset_needs_approval" if {
	input.permission == "user.reset"
	input.same_school
	looks_after
} else := "not_assigned" if {
	input.permission in {"user.reset", "reset.ask"}
	input.same_school
} else := "not_own_school" if {
	input.permission in {
		"user.read", "user.create", "user.change", "user.reset", "user.suspend", "user.export", "user.erase",
		"guardian.link", "reset.ask", "reset.read",
	}
}
