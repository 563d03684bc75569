# What learners do themselves, and what staff do for the learners given to them.
package lignum

reaches_own if input.permission in {"profile.read", "profile.change", "session.end", "export.read"}

# Lessons and tests: a learner needs a place in a class that has them.
reaches_own if {
	input.permission in {"lesson.read", "resource.read", "test.read"}
	input.enrolled
}

# As a list: those of one's own classes.
reaches_own if {
	input.permission in {"lesson.read", "resource.read", "test.read", "question.read", "booking.read"}
	input.listing
}

reaches_own if {
	input.permission == "class.register"
	input.owner
	input.class_open
}

reaches_own if {
	input.permission in {"class.leave", "question.ask", "booking.make", "booking.cancel", "question.read", "booking.read"}
	input.owner
}

reaches_own if {
	input.permission == "progress.record"
	input.owner
	input.enrolled
}

reaches_own if {
	input.permission == "attempt.start"
	input.enrolled
	input.window_open
	input.attempts_left > 0
}

reaches_own if {
	input.permission == "attempt.answer"
	input.owner
	input.attempt_open
	input.within_deadline
}

# Handing in may arrive a little late: the answers are already here, and the network may be slow.
reaches_own if {
	input.permission == "attempt.submit"
	input.owner
	input.within_grace
}

# A coach offers the own time.
reaches_own if input.permission == "booking.offer"

# Authors see what they write, whoever is enrolled.
reaches_tenant if {
	input.permission in {"lesson.read", "resource.read", "test.read"}
	input.roles.teacher
}

reaches_assigned if {
	input.permission in {"lesson.read", "resource.read", "test.read"}
	input.listing
	input.roles.coach
}

reaches_assigned if {
	input.permission in {
		"lesson.read", "resource.read", "test.read", "class.manage", "attempt.mark",
		"question.read", "question.answer", "booking.read", "booking.cancel",
	}
	looks_after
}

reaches_assigned if {
	input.permission in {"attempt.mark", "question.read", "question.answer", "booking.read"}
	input.listing
	input.roles.coach
}

looks_after if {
	input.roles.coach
	input.coach_of
}

looks_after if {
	input.roles.teacher
	input.teaches
}

missing := "lesson_needs_enrolment" if input.permission in {"lesson.read", "resource.read", "progress.record"}

missing := "test_needs_enrolment" if input.permission == "test.read"

missing := "not_own" if {
	input.permission in {"class.register", "class.leave", "question.ask", "booking.make"}
	not input.owner
} else := "class_closed" if {
	input.permission == "class.register"
}

missing := "test_needs_enrolment" if {
	input.permission == "attempt.start"
	not input.enrolled
} else := "window_closed" if {
	input.permission == "attempt.start"
	not input.window_open
} else := "attempts_used_up" if {
	input.permission == "attempt.start"
}

missing := "not_own" if {
	input.permission in {"attempt.answer", "attempt.submit"}
	not input.owner
} else := "attempt_closed" if {
	input.permission == "attempt.answer"
	not input.attempt_open
} else := "deadline_passed" if {
	input.permission in {"attempt.answer", "attempt.submit"}
}

missing := "not_assigned" if {
	input.permission in {
		"class.manage", "attempt.mark", "question.read", "question.answer", "booking.read", "booking.cancel",
	}
}
