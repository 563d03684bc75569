package lignum_test

import data.lignum

principal := asks(pupil, {"roles": {
	"school_administrator": true, "teacher": true, "coach": true, "student": true, "guardian": true, "member": true,
}})

official := asks(pupil, {"roles": {"ministry_official": true, "member": true}})

guardian := asks(pupil, {"roles": {"guardian": true, "member": true}})

records := ["attendance.read", "progress.read", "points.read", "attempt.read"]

test_own_records if {
	every permission in records {
		allowed(asks(pupil, {"permission": permission, "owner": true}), "own")
		allowed(asks(pupil, {"permission": permission, "listing": true}), "own")
		refused(asks(pupil, {"permission": permission}), "not_your_learner")
	}
}

test_records_of_learners_given_to_staff if {
	every permission in ["attendance.read", "attempt.read", "learner.read", "learner.progress"] {
		allowed(asks(coach, {"permission": permission, "coach_of": true}), "assigned")
		allowed(asks(coach, {"permission": permission, "listing": true}), "assigned")
		refused(asks(coach, {"permission": permission, "same_school": true}), "not_your_learner")
		allowed(asks(principal, {"permission": permission, "same_school": true}), "school")
		allowed(asks(principal, {"permission": permission, "listing": true}), "school")
		refused(asks(principal, {"permission": permission}), "not_your_learner")
	}
}

test_officials_see_figures if {
	every permission in ["insight.read", "learner.progress", "learner.read"] {
		d := lignum.decision with input as asks(official, {"permission": permission, "listing": true})
		d == {"allow": true, "scope": "aggregate", "min_cell": 5}
	}
}

test_officials_see_a_record_for_a_reason if {
	record := asks(official, {"permission": "learner.progress"})
	refused(record, "reason_required")
	refused(asks(record, {"reason_length": 9}), "reason_required")
	allowed(asks(record, {"reason_length": 10}), "tenant")
}

test_officials_see_no_small_count if {
	every permission in ["class.read", "course.read", "tenant.read", "role.read"] {
		d := lignum.decision with input as asks(official, {"permission": permission, "listing": true})
		d == {"allow": true, "scope": "tenant", "min_cell": 5}
	}
	allowed(asks(official, {"permission": "class.read", "roles": {"ministry_official": true, "tenant_administrator": true}}), "tenant")
}

test_a_school_sees_its_own_figures if allowed(asks(principal, {"permission": "insight.read", "listing": true}), "school")

test_guardians if {
	child := asks(guardian, {"permission": "child.read"})
	refused(child, "guardian_link_missing")
	refused(asks(child, {"guardian_of": true}), "guardian_consent_missing")
	allowed(asks(child, {"guardian_of": true, "guardian_consent": true}), "own")
	allowed(asks(child, {"listing": true}), "own")
	allowed(asks(guardian, {"permission": "consent.change", "guardian_of": true}), "own")
	refused(asks(guardian, {"permission": "consent.change"}), "guardian_link_missing")
}

test_leaderboard if {
	board := asks(pupil, {"permission": "leaderboard.read"})
	allowed(asks(board, {"listing": true}), "school")
	allowed(asks(board, {"owner": true}), "own")
	refused(board, "not_own_school")
	refused(asks(board, {"same_school": true}), "left_leaderboard")
	allowed(asks(board, {"same_school": true, "on_leaderboard": true}), "school")
}
