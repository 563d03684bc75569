# The platform's own realm. None of its permissions reaches a learner's data: "tenant" here means the whole of the
# platform's own realm, and standing.rego refuses a tenant's permission there.
package lignum

reaches_tenant if {
	input.realm == "platform"
	input.permission in {
		"platform.tenant.read", "platform.tenant.provision", "platform.tenant.change", "platform.tenant.resume",
		"platform.usage.read", "platform.audit.read", "platform.job.read", "platform.job.change",
		"platform.mail.read", "platform.mail.change", "platform.bill.read", "platform.bill.change", "platform.price.change",
		"platform.user.read", "platform.user.create", "platform.role.read", "platform.role.change",
	}
}

# A country that is shut out, or closed, is told why.
reasoned := {"platform.tenant.suspend", "platform.tenant.close", "platform.tenant.end"}

reaches_tenant if {
	input.realm == "platform"
	input.permission in reasoned
	input.reason_length >= 10
}

reaches_tenant if {
	input.realm == "platform"
	input.permission in {"platform.user.change", "platform.user.reset", "platform.user.suspend"}
	input.covers
}

missing := "reason_required" if input.permission in reasoned

missing := "subject_holds_more" if {
	input.permission in {"platform.user.change", "platform.user.reset", "platform.user.suspend"}
}
