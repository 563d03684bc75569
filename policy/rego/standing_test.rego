package lignum_test

import data.lignum

# A student of an active tenant, in good standing.
pupil := {
	"realm": "tenant", "permission_realm": "tenant", "permission": "course.read", "mutating": false,
	"tenant_takes": "changes", "actor_state": "active", "must_change_password": false,
	"second_factor_required": false, "listing": false, "roles": {"student": true, "member": true},
}

asks(actor, changes) := object.union(actor, changes)

allowed(doc, scope) if {
	d := lignum.decision with input as doc
	d.allow == true
	d.scope == scope
	d.min_cell == 0
}

refused(doc, reason) if {
	d := lignum.decision with input as doc
	d == {"allow": false, "reason": reason}
}

test_empty_input_is_refused if refused({}, "wrong_realm")

test_good_standing if allowed(pupil, "tenant")

test_unknown_permission if refused(asks(pupil, {"permission": "course.burn"}), "not_permitted")

test_account_is_the_same_in_both_realms if {
	own := {"permission": "session.end", "permission_realm": "either", "mutating": true}
	allowed(asks(pupil, own), "own")
	allowed(asks(pupil, asks(own, {"realm": "platform"})), "own")
	refused(asks(pupil, asks(own, {"realm": "elsewhere"})), "wrong_realm")
}

test_platform_has_nothing_of_a_tenant if refused(asks(pupil, {"realm": "platform"}), "wrong_realm")

test_tenant_that_takes_nothing if {
	refused(asks(pupil, {"tenant_takes": "nothing"}), "tenant_suspended")
	allowed(asks(pupil, {"tenant_takes": "nothing", "permission": "tenant.read"}), "tenant")
}

test_tenant_that_only_administrators_read if {
	closing := {"tenant_takes": "administrators"}
	refused(asks(pupil, closing), "tenant_closed")
	allowed(asks(pupil, asks(closing, {"permission": "tenant.read"})), "tenant")
	allowed(asks(pupil, asks(closing, {"permission": "session.end", "permission_realm": "either", "owner": true})), "own")
	boss := asks(pupil, asks(closing, {"roles": {"tenant_administrator": true}}))
	allowed(boss, "tenant")
	refused(asks(boss, {"permission": "tenant.change", "mutating": true}), "tenant_read_only")
}

test_tenant_in_unknown_state if refused(asks(pupil, {"tenant_takes": "dreams"}), "not_permitted")

test_read_only_tenant if {
	allowed(asks(pupil, {"tenant_takes": "reads"}), "tenant")
	refused(
		asks(pupil, {"tenant_takes": "reads", "permission": "class.leave", "owner": true, "mutating": true}),
		"tenant_read_only",
	)
}

test_imports_need_an_active_tenant if {
	every permission in ["roster.import", "content.import"] {
		refused(
			asks(pupil, {"tenant_takes": "reads", "permission": permission, "mutating": true}),
			"import_needs_active_tenant",
		)
	}
}

test_suspended_account if refused(asks(pupil, {"actor_state": "suspended"}), "account_suspended")

test_given_password if {
	card := asks(pupil, {"must_change_password": true})
	refused(card, "password_change_needed")
	allowed(asks(card, {"permission": "profile.change", "permission_realm": "either", "mutating": true}), "own")
}

test_second_factor_of_staff if {
	strict := asks(pupil, {"second_factor_required": true})
	allowed(strict, "tenant")
	refused(asks(strict, {"roles": {"coach": true}}), "second_factor_needed")
	refused(asks(strict, {"roles": {"librarian": true}}), "second_factor_needed")
	allowed(asks(strict, {"roles": {"coach": true}, "second_factor": true}), "tenant")
}

test_second_factor_of_the_platform if {
	manager := asks(pupil, {
		"realm": "platform", "permission_realm": "platform", "permission": "platform.tenant.read",
		"roles": {"account_manager": true, "member": true},
	})
	refused(manager, "second_factor_needed")
	refused(asks(manager, {"roles": {"member": true}}), "second_factor_needed")
	allowed(asks(manager, {"second_factor": true}), "tenant")
	every permission in ["profile.read", "profile.change", "session.end"] {
		allowed(asks(manager, {"permission": permission, "permission_realm": "either"}), "own")
	}
}

test_second_factor_of_staff_leaves_the_own_account if {
	strict := asks(pupil, {"second_factor_required": true})
	allowed(asks(strict, {"roles": {"coach": true}, "permission": "profile.change", "permission_realm": "either"}), "own")
}
