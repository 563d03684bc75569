package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// Pressing 'done' a second after opening is stored, and the learner reads why there are no points yet; they come by
// themselves when the lesson can have been read.
func TestPointsComeWithReading(t *testing.T) {
	s := serve(t)
	b := open(t, s, "jamaica", "student12", 390)
	const mine = `learner_id = (SELECT id FROM users WHERE user_name = 'student12')`
	for _, table := range []string{"lesson_progress", "point_entries", "point_totals"} {
		s.Exec("jamaica", `DELETE FROM `+table+` WHERE `+mine)
	}
	points := func() int {
		return s.Number("jamaica", `SELECT coalesce(sum(points), 0) FROM point_entries WHERE `+mine)
	}
	b.signIn()
	b.visit("/home")
	b.click(`main a[href*="/lessons/"]`)
	var lesson string
	b.do(chromedp.Evaluate(`location.pathname`, &lesson), chromedp.Click(`form[data-done] button`))
	b.until("the page says when the points come", `/points are for reading/i.test(document.querySelector('[data-state]')?.innerText)`)
	b.shot("no-points-yet")
	if n := s.Number("jamaica", `SELECT count(*) FROM lesson_progress WHERE completed_at IS NOT NULL AND `+mine); n != 1 || points() != 0 {
		t.Errorf("%d lessons done, %d points", n, points())
	}
	s.Exec("jamaica", `UPDATE lesson_progress SET opened_at = opened_at - interval '6 minutes' WHERE `+mine)
	b.visit(lesson)
	b.until("the points came", `/earned 10 points/i.test(document.querySelector('[data-state]').innerText)`)
	if points() != 10 {
		t.Errorf("%d points", points())
	}
}
