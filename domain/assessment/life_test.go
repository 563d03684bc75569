package assessment_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"lignum/domain"
	"lignum/domain/assessment"
	"lignum/domain/catalog/item"
	"lignum/tenants"
	"lignum/tests/school"
)

func TestTheLifeOfAnAttempt(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{attempts: 1, feedback: "on_submit", sets: 2, numbers: 2})
	learner := s.learners[0]
	f := s.facts(learner, now)
	if !f.Enrolled || !f.WindowOpen || f.AttemptsLeft != 1 || f.Running != nil {
		t.Fatalf("facts before the start: %+v", f)
	}
	a := s.start(learner, now)
	if a.Resumed || a.Number != 1 || a.Items != 4 || !a.Deadline.Equal(now.Add(90*time.Minute)) {
		t.Fatalf("%+v", a)
	}
	if f = s.facts(learner, now); f.AttemptsLeft != 1 || f.Running == nil || *f.Running != a.ID {
		t.Errorf("facts while an attempt is under way: %+v", f)
	}
	if again := s.start(learner, now.Add(time.Minute)); !again.Resumed || again.ID != a.ID || !again.Deadline.Equal(a.Deadline) {
		t.Errorf("a second start is %+v", again)
	}
	if n := s.number(`SELECT count(*) FROM attendance WHERE learner_id = $1::uuid AND day = '2026-11-23'`, learner.String()); n != 1 {
		t.Errorf("sitting a test is attendance: %d rows", n)
	}

	p := s.paper(a, now.Add(10*time.Minute))
	if p.Remaining != 80*60 || len(p.Questions) != 4 || p.Questions[0].Section != "sets" || p.Questions[3].Section != "numbers" {
		t.Fatalf("%+v", p)
	}
	if raw, err := json.Marshal(p); err != nil || strings.Contains(string(raw), "Secret") || strings.Contains(strings.ToLower(string(raw)), "weight") {
		t.Errorf("the paper tells too much: %s", raw)
	}
	// All right, half right, right, not answered.
	ticket := a.Ticket()
	s.mustSave(ticket, now.Add(11*time.Minute), answer(0, 1, right(p.Questions[0])), answer(1, 1, item.Response{Choice: choices(p.Questions[1], "three")}))
	s.mustSave(ticket, now.Add(12*time.Minute), answer(2, 1, right(p.Questions[2])))

	p2 := s.paper(a, now.Add(13*time.Minute))
	if p2.Questions[2].Counter != 1 || p2.Questions[3].Counter != -1 || !reflect.DeepEqual(p2.Questions[0].Item, p.Questions[0].Item) {
		t.Error("coming back does not show the same paper with the answers saved")
	}
	r, err := s.submit(a, now.Add(20*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if r.State != assessment.Marked || !r.Final || r.Score != 250 || r.MaxScore != 400 || r.Percent != 62 || r.Grade != "II" || !r.Estimate || !r.Passed {
		t.Errorf("result: %+v", r)
	}
	if r.Points != 5+60+25 {
		t.Errorf("%d points", r.Points)
	}
	if len(r.Questions) != 4 || r.Questions[1].Score != 50 || r.Questions[1].Correct || !r.Questions[2].Correct || r.Questions[0].Feedback[0] == "" || r.Questions[2].RightAnswer == "" {
		t.Errorf("questions: %+v", r.Questions)
	}
	if r.Questions[3].Response != nil || r.Questions[3].Score != 0 {
		t.Errorf("the question without an answer: %+v", r.Questions[3])
	}
	want := []assessment.SectionResult{{"sets", "Sets", 2, 150, 200, 75}, {"numbers", "Numbers", 2, 100, 200, 50}}
	if !reflect.DeepEqual(r.Sections, want) {
		t.Errorf("sections: %+v", r.Sections)
	}

	second, err := s.submit(a, now.Add(21*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	second.Points = r.Points
	if !reflect.DeepEqual(r, second) || !reflect.DeepEqual(r.Questions, s.result(a.ID, false, now.Add(time.Hour)).Questions) {
		t.Error("handing in twice, or looking later, gives another result")
	}
	if n := s.number(`SELECT points FROM point_totals WHERE period = 'all' AND learner_id = $1::uuid`, learner.String()); n != 90 {
		t.Errorf("%d points in all", n)
	}
	_, err = s.save(ticket, now.Add(22*time.Minute), answer(3, 1, right(p.Questions[3])))
	wantCode(t, "saving after handing in", err, domain.Conflict)
	_, err = s.tryStart(s.exams, learner, now.Add(23*time.Minute))
	wantCode(t, "a second attempt of one allowed", err, domain.Conflict)
	if f = s.facts(learner, now); f.AttemptsLeft != 0 || f.Running != nil {
		t.Errorf("facts at the end: %+v", f)
	}
	for action, n := range map[string]int{"attempt.start": 1, "attempt.answer": 2, "attempt.submit": 2} {
		if got := s.number(`SELECT count(*) FROM audit_entries WHERE action = $1::text AND object_id = $2::text`, action, a.ID.String()); got != n {
			t.Errorf("%d entries %s, want %d", got, action, n)
		}
	}
}

func TestWhoMayStartAndWhen(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", numbers: 3})
	outsider := s.Actor.ID
	school.People(t, s.db, school.Person{ID: outsider, GivenName: "Out", FamilyName: "Sider"})
	_, err := s.tryStart(s.exams, outsider, now)
	wantCode(t, "not enrolled", err, domain.Forbidden)
	if s.facts(outsider, now).Enrolled {
		t.Error("the outsider counts as enrolled")
	}
	s.do(`UPDATE tests SET opens_at = $2::timestamptz, closes_at = $3::timestamptz WHERE id = $1::uuid`, s.test.String(), now, now.Add(time.Hour))
	for _, at := range []time.Time{now.Add(-time.Second), now.Add(time.Hour)} {
		_, err := s.tryStart(s.exams, s.learners[0], at)
		wantCode(t, "outside the window", err, domain.Conflict)
		if s.facts(s.learners[0], at).WindowOpen {
			t.Error("the window counts as open")
		}
	}
	a := s.start(s.learners[0], now.Add(30*time.Minute))
	if !a.Deadline.Equal(now.Add(time.Hour)) {
		t.Errorf("the deadline %v is not bounded by the window", a.Deadline)
	}
	s.do(`UPDATE tests SET active = false WHERE id = $1::uuid`, s.test.String())
	_, err = s.tryStart(s.exams, s.learners[0], now.Add(30*time.Minute))
	wantCode(t, "a test that is gone", err, domain.NotFound)
}

func TestAnotherVersionOfTheContentIsDrawnFromAtOnce(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 3})
	s.start(s.learners[0], now)
	s.do(`UPDATE items SET active = false WHERE name <> 'numbers-5' AND name <> 'numbers-4'`)
	s.do(`UPDATE courses SET content_hash = 'y'`)
	if a := s.start(s.learners[1], now); a.Items != 2 {
		t.Errorf("%d items were drawn from a bank of 2", a.Items)
	}
}

func TestFeedbackFollowsTheTestsRule(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{"on_submit", "after_window", "score_only"} {
		s := newWorld(t, 1, rules{feedback: rule, numbers: 2})
		closes := now.Add(2 * time.Hour)
		s.do(`UPDATE tests SET closes_at = $2::timestamptz WHERE id = $1::uuid`, s.test.String(), closes)
		a := s.start(s.learners[0], now)
		if _, err := s.submit(a, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		shown := func(staff bool, at time.Time) bool { return len(s.result(a.ID, staff, at).Questions) > 0 }
		before, after := shown(false, closes.Add(-time.Second)), shown(false, closes)
		if before != (rule == "on_submit") || after != (rule != "score_only") || !shown(true, now) {
			t.Errorf("%s: shown before the window's end %v, after it %v", rule, before, after)
		}
	}
}

func TestWhoWasErasedIsNotToldOfMarks(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 1, essays: 1})
	for i, want := range []int{0, 1} {
		a := s.start(s.learners[i], now)
		p := s.paper(a, now)
		s.mustSave(a.Ticket(), now, answer(1, 1, right(p.Questions[1])))
		if _, err := s.submit(a, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if want == 0 {
			school.SetState(t, s.db, "erased", a.LearnerID)
		}
		if err := s.db.Write(ctx, who(s.coach), func(tx *tenants.Tx) error {
			_, err := assessment.Mark(ctx, tx, assessment.MarkInput{AttemptID: a.ID, Position: 1, Now: now, Today: today})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := s.number(`SELECT count(*) FROM notices WHERE kind = 'test_marked' AND user_id = $1::uuid`, a.LearnerID.String()); n != want {
			t.Errorf("told %d times, want %d", n, want)
		}
	}
}

func TestAPersonMarksWhatAMachineCannot(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 2, rules{feedback: "on_submit", numbers: 1, essays: 2})
	a := s.start(s.learners[0], now)
	p := s.paper(a, now)
	s.mustSave(a.Ticket(), now, answer(0, 1, right(p.Questions[0])), answer(1, 1, right(p.Questions[1])), answer(2, 1, right(p.Questions[2])))
	r, err := s.submit(a, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if r.State != assessment.Marking || r.Final || r.Passed || r.Grade != "" || r.Score != 100 || r.Points != 5 {
		t.Fatalf("%+v", r)
	}
	toMark := func(f assessment.MarkFilter) []assessment.ToMark {
		var list domain.List[assessment.ToMark]
		s.read(func(q tenants.Querier) (err error) {
			list, err = assessment.AttemptsToMark(ctx, q, f, domain.Page{})
			return err
		})
		return list.Items
	}
	if list := toMark(assessment.MarkFilter{CoachID: s.coach}); len(list) != 1 || list[0].ID != a.ID || list[0].Unmarked != 2 {
		t.Errorf("the coach's list: %+v", list)
	}
	if list := toMark(assessment.MarkFilter{CoachID: s.learners[1]}); len(list) != 0 {
		t.Errorf("a stranger's list: %+v", list)
	}
	mark := func(position, fraction int) (m assessment.MarkedState, err error) {
		err = s.db.Write(ctx, who(s.coach), func(tx *tenants.Tx) (err error) {
			m, err = assessment.Mark(ctx, tx, assessment.MarkInput{AttemptID: a.ID, Position: position, Fraction: fraction, Comment: "Good.", Now: now, Today: today})
			return err
		})
		return m, err
	}
	_, err = mark(0, 0)
	wantCode(t, "marking what the machine marked", err, domain.Invalid)
	_, err = mark(1, item.FullMark+1)
	wantCode(t, "more than all", err, domain.Invalid)
	if m, err := mark(1, 2500); err != nil || m.State != assessment.Marking || m.Unmarked != 1 {
		t.Errorf("%+v %v", m, err)
	}
	if m, err := mark(1, 5000); err != nil || m.Score != 150 || m.Unmarked != 1 {
		t.Errorf("a correction: %+v %v", m, err)
	}
	told := func() (all []string) {
		s.read(func(q tenants.Querier) error {
			list, err := school.Unseen(ctx, q, a.LearnerID)
			for _, n := range list {
				all = append(all, n.Kind+" "+n.Path)
			}
			return err
		})
		return all
	}
	if all := told(); len(all) != 0 {
		t.Errorf("told %v before the last mark", all)
	}
	m, err := mark(2, item.FullMark)
	if err != nil || m.State != assessment.Marked || m.Score != 250 || m.Percent != 83 || m.Grade != "I" {
		t.Errorf("%+v %v", m, err)
	}
	_, err = mark(2, 0)
	wantCode(t, "a final score", err, domain.Conflict)
	if all := told(); !slices.Equal(all, []string{"test_marked /attempts/" + a.ID.String() + "/result"}) {
		t.Errorf("told %v", all)
	}
	if n := s.number(`SELECT points FROM point_totals WHERE period = 'all' AND learner_id = $1::uuid`, a.LearnerID.String()); n != 5+80+25 {
		t.Errorf("%d points", n)
	}
	if r := s.result(a.ID, false, now); !r.Final || r.Questions[2].Comment != "Good." || r.Questions[1].Score != 50 || r.Sections[1].Score != 150 {
		t.Errorf("%+v", r)
	}
	var list domain.List[assessment.Summary]
	s.read(func(q tenants.Querier) (err error) {
		list, err = assessment.Attempts(ctx, q, a.LearnerID, domain.Page{Limit: 1})
		return err
	})
	if len(list.Items) != 1 || list.Items[0].Percent == nil || *list.Items[0].Percent != 83 || list.Next != "" {
		t.Errorf("%+v", list)
	}
	var f assessment.AttemptFacts
	s.read(func(q tenants.Querier) (err error) {
		f, err = assessment.FactsOf(ctx, q, a.ID, s.coach, now)
		return err
	})
	if f.Owner || !f.CoachOf || f.AttemptOpen || f.SameSchool {
		t.Errorf("the coach's facts: %+v", f)
	}
}

func TestOverdueAttemptsAreHandedInByThePlatform(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 12, rules{attempts: 2, feedback: "on_submit", numbers: 2})
	var attempts []assessment.Attempt
	for i, learner := range s.learners {
		a := s.start(learner, now)
		attempts = append(attempts, a)
		if i%2 == 0 {
			p := s.paper(a, now)
			s.mustSave(a.Ticket(), now.Add(time.Minute), answer(0, 1, right(p.Questions[0])))
		}
	}
	over := attempts[0].Deadline.Add(assessment.SaveGrace)
	if n, err := s.exams.CloseOverdue(ctx, s.db, 100, over, today); n != 0 || err != nil {
		t.Fatalf("%d closed within the grace, %v", n, err)
	}
	// A second attempt after a forgotten one: the start itself settles what is overdue.
	over = over.Add(time.Second)
	if a := s.start(s.learners[0], over); a.Number != 2 || a.Resumed {
		t.Errorf("%+v", a)
	}
	done := make(chan int)
	for range 2 { // two processes at once, with a memory of their own each
		exams := newExams(t)
		go func() {
			sum := 0
			for {
				n, err := exams.CloseOverdue(ctx, s.db, 4, over, today)
				if err != nil {
					t.Error(err)
				}
				if sum += n; n == 0 || err != nil {
					break
				}
			}
			done <- sum
		}()
	}
	if n := <-done + <-done; n > 11 {
		t.Errorf("%d closed, 11 were overdue", n)
	}
	for n := 1; n > 0; { // what one process passed over because the other held it
		var err error
		if n, err = s.exams.CloseOverdue(ctx, s.db, 100, over, today); err != nil {
			t.Fatal(err)
		}
	}
	for i, a := range attempts {
		r := s.result(a.ID, false, over)
		if want := 100 * ((i + 1) % 2); !r.ByPlatform || !r.SubmittedAt.Equal(a.Deadline) || r.Score != want {
			t.Errorf("attempt %d: %+v", i, r)
		}
	}
	if n := s.number(`SELECT count(*) FROM audit_entries WHERE action = 'attempt.close'`); n != 12 {
		t.Errorf("%d entries for 12 attempts", n)
	}
	if r, err := s.submit(attempts[3], over); err != nil || !r.ByPlatform {
		t.Errorf("a learner who comes back: %+v %v", r, err)
	}
	if closed, err := s.exams.CloseIfOverdue(ctx, s.db, attempts[3].ID, over, today); closed || err != nil {
		t.Errorf("closed twice: %v %v", closed, err)
	}
}

// Who starts queues the job that hands in at the end: one for all that end within the same half minute, due when nothing is taken any more and within the minute.
func TestTheEndOfAnAttemptHasAJob(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 40, rules{feedback: "on_submit", numbers: 1})
	ends := map[time.Time]bool{} // half minutes in which some end
	due := func() (list []time.Time) {
		t.Helper()
		if err := s.db.ReadFresh(ctx, func(r *tenants.Reader) error {
			rows, err := r.Query(ctx, "SELECT due_at FROM gate.list_jobs(NULL, 'attempts.close', '{}', NULL, 1000)")
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, pgx.RowTo[time.Time])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return list
	}
	begin := time.Now().UTC().Truncate(30 * time.Second)
	for i, after := range []time.Duration{0, time.Microsecond, 14999 * time.Millisecond, 15*time.Second - time.Microsecond, 15 * time.Second, 29 * time.Second, 30 * time.Second, 100 * time.Second} {
		a := s.start(s.learners[i], begin.Add(after))
		ends[a.Deadline.Add(15*time.Second).Truncate(30*time.Second)] = true
		found := 0
		for _, at := range due() {
			if at.After(a.Deadline.Add(assessment.SaveGrace+5*time.Second)) && !at.After(a.Deadline.Add(45*time.Second)) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("the attempt that ends at %s has %d jobs of %v", a.Deadline, found, due())
		}
	}
	if jobs := due(); len(jobs) != len(ends) || len(ends) != 3 {
		t.Errorf("%d jobs for %d half minutes: %v", len(jobs), len(ends), jobs)
	}
	// Many who press start at once.
	var wg sync.WaitGroup
	for _, learner := range s.learners[8:] {
		wg.Go(func() { s.start(learner, begin.Add(10*time.Minute)) })
	}
	wg.Wait()
	jobs := due()
	if len(jobs) != len(ends)+1 {
		t.Errorf("%d jobs after 32 began at once", len(jobs))
	}
	// Each hands in all that it is for.
	for _, at := range jobs {
		if _, err := s.exams.CloseOverdue(ctx, s.db, 100, at, today); err != nil {
			t.Fatal(err)
		}
		if n := s.number("SELECT count(*) FROM attempts WHERE state = 'open' AND deadline < $1::timestamptz - interval '45 seconds'", at); n != 0 {
			t.Errorf("%d are open that ended 45 seconds before %s", n, at)
		}
	}
	if n := s.number("SELECT count(*) FROM attempts WHERE state = 'open'"); n != 0 {
		t.Errorf("%d of 40 are still open", n)
	}
}

func TestAnAttemptThatCannotBeScoredHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 6, rules{feedback: "on_submit", numbers: 2})
	var attempts []assessment.Attempt
	for i, learner := range s.learners {
		attempts = append(attempts, s.start(learner, now.Add(time.Duration(i)*time.Second)))
	}
	for _, i := range []int{0, 1, 3} { // the oldest two fill a whole transaction
		s.do(`UPDATE attempts SET paper = ARRAY[id] WHERE id = $1::uuid`, attempts[i].ID.String())
	}
	n, err := s.exams.CloseOverdue(ctx, s.db, 2, now.Add(2*time.Hour), today)
	if n != 3 || err == nil || !strings.Contains(err.Error(), attempts[0].ID.String()) || !strings.Contains(err.Error(), attempts[3].ID.String()) {
		t.Errorf("%d closed, %v", n, err)
	}
}

func TestListsGoOnWhereTheyStopped(t *testing.T) {
	t.Parallel()
	s := newWorld(t, 1, rules{feedback: "on_submit", essays: 1})
	const made = 5
	for i := range made {
		a := s.start(s.learners[0], now.Add(time.Duration(i/2)*time.Minute)) // some at the same moment
		s.mustSave(a.Ticket(), now, answer(0, 1, item.Response{Text: "Words."}))
		if _, err := s.submit(a, now.Add(time.Duration(i/2)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	var own, waiting []string
	for page := (domain.Page{Limit: 2}); ; {
		var list domain.List[assessment.Summary]
		s.read(func(q tenants.Querier) (err error) {
			list, err = assessment.Attempts(ctx, q, s.learners[0], page)
			return err
		})
		for _, a := range list.Items {
			own = append(own, a.ID.String())
		}
		if page.After = list.Next; page.After == "" {
			break
		}
	}
	for page := (domain.Page{Limit: 2}); ; {
		var list domain.List[assessment.ToMark]
		s.read(func(q tenants.Querier) (err error) {
			list, err = assessment.AttemptsToMark(ctx, q, assessment.MarkFilter{CoachID: s.coach}, page)
			return err
		})
		for _, a := range list.Items {
			waiting = append(waiting, a.ID.String())
		}
		if page.After = list.Next; page.After == "" {
			break
		}
	}
	slices.Reverse(own)
	if len(own) != made || !reflect.DeepEqual(own, waiting) || len(slices.Compact(slices.Sorted(slices.Values(own)))) != made {
		t.Errorf("own, oldest first: %v\nto mark: %v", own, waiting)
	}
	if err := s.db.Read(ctx, func(r *tenants.Reader) error {
		_, err := assessment.AttemptsToMark(ctx, r, assessment.MarkFilter{}, domain.Page{})
		return err
	}); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("nobody's list: %v", err)
	}
}
