package lignum_test

coach := asks(pupil, {"roles": {"coach": true, "member": true}})

teacher := asks(pupil, {"roles": {"teacher": true, "coach": true, "student": true, "member": true}})

test_lessons_need_enrolment if {
	every permission in ["lesson.read", "resource.read"] {
		refused(asks(pupil, {"permission": permission}), "lesson_needs_enrolment")
		allowed(asks(pupil, {"permission": permission, "enrolled": true}), "own")
		allowed(asks(pupil, {"permission": permission, "listing": true}), "own")
		allowed(asks(coach, {"permission": permission, "listing": true}), "assigned")
		allowed(asks(coach, {"permission": permission, "coach_of": true}), "assigned")
		allowed(asks(teacher, {"permission": permission}), "tenant")
	}
}

test_tests_need_enrolment if {
	refused(asks(pupil, {"permission": "test.read"}), "test_needs_enrolment")
	allowed(asks(pupil, {"permission": "test.read", "enrolled": true}), "own")
}

test_registration if {
	register := asks(pupil, {"permission": "class.register", "mutating": true})
	refused(register, "not_own")
	refused(asks(register, {"owner": true}), "class_closed")
	allowed(asks(register, {"owner": true, "class_open": true}), "own")
	refused(asks(register, {"permission": "class.leave"}), "not_own")
	allowed(asks(register, {"permission": "class.leave", "owner": true}), "own")
}

test_progress_is_recorded_for_oneself_where_enrolled if {
	record := asks(pupil, {"permission": "progress.record", "mutating": true, "owner": true})
	refused(record, "lesson_needs_enrolment")
	allowed(asks(record, {"enrolled": true}), "own")
}

test_attempt_start if {
	start := asks(pupil, {"permission": "attempt.start", "mutating": true})
	refused(start, "test_needs_enrolment")
	refused(asks(start, {"enrolled": true}), "window_closed")
	refused(asks(start, {"enrolled": true, "window_open": true}), "attempts_used_up")
	refused(asks(start, {"enrolled": true, "window_open": true, "attempts_left": 0}), "attempts_used_up")
	allowed(asks(start, {"enrolled": true, "window_open": true, "attempts_left": 1}), "own")
}

test_attempt_answer if {
	answer := asks(pupil, {"permission": "attempt.answer", "mutating": true})
	refused(answer, "not_own")
	refused(asks(answer, {"owner": true}), "attempt_closed")
	refused(asks(answer, {"owner": true, "attempt_open": true, "within_grace": true}), "deadline_passed")
	allowed(asks(answer, {"owner": true, "attempt_open": true, "within_deadline": true}), "own")
}

test_handing_in_has_a_grace if {
	submit := asks(pupil, {"permission": "attempt.submit", "mutating": true})
	refused(submit, "not_own")
	refused(asks(submit, {"owner": true}), "deadline_passed")
	allowed(asks(submit, {"owner": true, "within_grace": true}), "own")
}

test_coaching if {
	allowed(asks(pupil, {"permission": "question.ask", "owner": true}), "own")
	refused(asks(pupil, {"permission": "booking.make"}), "not_own")
	allowed(asks(coach, {"permission": "booking.offer"}), "own")
	allowed(asks(coach, {"permission": "attempt.mark", "coach_of": true}), "assigned")
	allowed(asks(coach, {"permission": "question.answer", "listing": true}), "assigned")
	refused(asks(coach, {"permission": "question.answer"}), "not_assigned")
	refused(asks(coach, {"permission": "question.answer", "teaches": true}), "not_assigned")
	allowed(asks(teacher, {"permission": "class.manage", "teaches": true}), "assigned")
}
