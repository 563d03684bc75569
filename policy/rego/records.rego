# Who sees a learner's record: the learner, whoever looks after the learner, the school, and an official only with a
# reason that is written down. Officials otherwise see figures, and no figure of fewer than five.
package lignum

# One's own, one by one and as a list.
reaches_own if {
	input.permission in {"attendance.read", "progress.read", "points.read", "attempt.read"}
	input.owner
}

reaches_own if {
	input.permission in {"attendance.read", "progress.read", "points.read", "attempt.read"}
	input.listing
	input.roles.student
}

reaches_assigned if {
	input.permission in {
		"attendance.read", "progress.read", "points.read", "attempt.read", "learner.read", "learner.progress",
	}
	looks_after
}

reaches_assigned if {
	input.permission in {
		"attendance.read", "progress.read", "points.read", "attempt.read", "learner.read", "learner.progress",
	}
	input.listing
	input.roles.coach
}

reaches_school if {
	input.permission in {
		"attendance.read", "progress.read", "points.read", "attempt.read", "learner.read", "learner.progress",
	}
	input.roles.school_administrator
	own_school
}

# A list is cut to the own school; a single thing must be of it.
own_school if input.listing

own_school if input.same_school

reaches_tenant if {
	input.permission in {"learner.read", "learner.progress"}
	input.listing == false
	input.roles.ministry_official
	input.reason_length >= 10
}

reaches_figures if {
	input.permission in {"learner.read", "learner.progress"}
	input.listing
	input.roles.ministry_official
}

reaches_figures if {
	input.permission == "insight.read"
	input.roles.ministry_official
}

# A school knows its own learners, so its own figures are not blanked.
reaches_school if {
	input.permission == "insight.read"
	input.roles.school_administrator
	not input.roles.ministry_official
}

# A guardian's link must be active; consent is given by the guardian and can be withdrawn.
reaches_own if {
	input.permission == "child.read"
	input.guardian_of
	input.guardian_consent
}

reaches_own if {
	input.permission == "child.read"
	input.listing
}

reaches_own if {
	input.permission == "consent.change"
	input.guardian_of
}

# The leaderboard is one school's, and shows nobody who left it.
reaches_school if {
	input.permission == "leaderboard.read"
	input.listing
}

reaches_school if {
	input.permission == "leaderboard.read"
	input.same_school
	input.on_leaderboard
}

reaches_own if {
	input.permission == "leaderboard.read"
	input.owner
}

missing := "reason_required" if {
	input.permission in {"learner.read", "learner.progress"}
	input.roles.ministry_official
} else := "not_your_learner" if {
	input.permission in {
		"attendance.read", "progress.read", "points.read", "attempt.read", "learner.read", "learner.progress",
	}
}

missing := "guardian_link_missing" if {
	input.permission in {"child.read", "consent.change"}
	not input.guardian_of
} else := "guardian_consent_missing" if {
	input.permission == "child.read"
}

missing := "not_own_school" if {
	input.permission == "leaderboard.read"
	not input.same_school
} else := "left_leaderboard" if {
	input.permission == "leaderboard.read"
}
