package lignum_test

administrator := asks(principal, {"roles": {"tenant_administrator": true, "ministry_official": true}})

staff_of_the_platform := asks(pupil, {
	"realm": "platform", "permission_realm": "platform", "second_factor": true,
	"roles": {"account_manager": true, "operator": true, "member": true},
})

test_settings_need_only_the_role if {
	every permission in ["role.change", "audit.read", "tenant.change", "calendar.change", "content.read", "content.import", "school.change"] {
		allowed(asks(administrator, {"permission": permission}), "tenant")
	}
}

test_what_one_uploads_is_ones_own if {
	teacher := asks(principal, {"permission": "file.upload", "mutating": true})
	allowed(asks(teacher, {"owner": true}), "own")
	refused(teacher, "not_permitted")
}

test_windows_stand_while_changes_are_not_taken if {
	refused(
		asks(administrator, {"permission": "calendar.change", "tenant_takes": "reads", "mutating": true}),
		"tenant_read_only",
	)
}

test_accounts_of_a_school if {
	every permission in ["user.read", "user.create", "guardian.link", "class.manage"] {
		allowed(asks(administrator, {"permission": permission}), "tenant")
		allowed(asks(principal, {"permission": permission, "same_school": true}), "school")
		allowed(asks(principal, {"permission": permission, "listing": true}), "school")
	}
	refused(asks(principal, {"permission": "user.read"}), "not_own_school")
	refused(asks(principal, {"permission": "class.manage"}), "not_assigned")
}

test_nobody_takes_over_an_account_that_holds_more if {
	every permission in ["user.change", "user.reset", "user.suspend", "user.export"] {
		refused(asks(principal, {"permission": permission, "same_school": true}), "subject_holds_more")
		allowed(asks(principal, {"permission": permission, "same_school": true, "covers": true}), "school")
		refused(asks(principal, {"permission": permission, "covers": true}), "not_own_school")
		allowed(asks(administrator, {"permission": permission, "covers": true}), "tenant")
	}
	refused(asks(principal, {"permission": "user.erase", "same_school": true, "covers": true}), "not_own_school")
	refused(asks(principal, {"permission": "reset.ask", "same_school": true, "teaches": true}), "subject_holds_more")
}

test_a_teachers_card_needs_an_unused_account_or_the_schools_word if {
	card := asks(teacher, {"permission": "user.reset", "teaches": true, "covers": true, "same_school": true})
	refused(card, "reset_needs_approval")
	allowed(asks(card, {"unclaimed": true}), "assigned")
	allowed(asks(card, {"reset_approved": true}), "assigned")
	refused(asks(card, {"unclaimed": true, "same_school": false}), "not_own_school")
	refused(asks(card, {"unclaimed": true, "teaches": false}), "not_assigned")
	refused(asks(card, {"unclaimed": true, "covers": false}), "subject_holds_more")
	ask := asks(card, {"permission": "reset.ask"})
	allowed(ask, "assigned")
	refused(asks(ask, {"same_school": false}), "not_own_school")
	refused(asks(ask, {"teaches": false}), "not_assigned")
}

test_who_sees_requests_for_cards if {
	allowed(asks(teacher, {"permission": "reset.read", "listing": true}), "own")
	allowed(asks(principal, {"permission": "reset.read", "listing": true}), "school")
	allowed(asks(administrator, {"permission": "reset.read", "listing": true}), "tenant")
	refused(asks(teacher, {"permission": "reset.read"}), "not_own_school")
}

test_imports if {
	allowed(asks(principal, {"permission": "roster.import", "mutating": true}), "school")
	allowed(asks(administrator, {"permission": "roster.import", "mutating": true}), "tenant")
	refused(asks(pupil, {"permission": "roster.import", "mutating": true}), "not_permitted")
}

test_platform if {
	allowed(asks(staff_of_the_platform, {"permission": "platform.tenant.provision", "mutating": true}), "tenant")
	refused(asks(staff_of_the_platform, {"permission": "platform.tenant.suspend"}), "reason_required")
	allowed(asks(staff_of_the_platform, {"permission": "platform.tenant.suspend", "reason_length": 20}), "tenant")
	refused(asks(staff_of_the_platform, {"permission": "platform.user.reset"}), "subject_holds_more")
	allowed(asks(staff_of_the_platform, {"permission": "platform.user.reset", "covers": true}), "tenant")
	refused(asks(staff_of_the_platform, {"permission": "platform.unknown"}), "not_permitted")
}
