package e2e

import (
	"fmt"
	"testing"
)

// A lesson's pictures are there, at the size that the page kept free for them, on a phone and on a desk, and in print.
func TestALessonShowsItsPictures(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.Import("jamaica", "csec-mathematics") // the demo's, whose bytes come into this server's bucket
	const lesson = "/courses/csec-mathematics/lessons/geometry-trigonometry-right-triangles"
	learner := s.Text("jamaica", `SELECT u.user_name FROM users u JOIN enrolments e ON e.learner_id = u.id JOIN classes k ON k.id = e.class_id JOIN courses c ON c.id = k.course_id
		WHERE c.slug = 'csec-mathematics' ORDER BY u.user_name LIMIT 1`)
	for _, width := range []int64{360, 1280} {
		b := open(t, s, "jamaica", learner, width)
		b.signIn()
		b.visit(lesson)
		b.until("both pictures have the place that their width and height say", `[...document.querySelectorAll('.prose img')].filter(i => i.clientHeight > 100 && Math.abs(i.clientWidth / i.clientHeight - i.width / i.height) < .02).length === 2`)
		b.until("both come", `[...document.querySelectorAll('.prose img')].every(i => { i.scrollIntoView(); return i.complete && i.naturalWidth > 500 && i.alt.length > 40 })`)
		b.until("a caption stands below the first", `/named from angle A/.test(document.querySelector('.prose figure img + figcaption').innerText)`)
		b.until("nothing is wider than the window", `document.documentElement.scrollWidth <= innerWidth`)
		b.until("what is see-through is on white", `getComputedStyle(document.querySelector('.prose img')).backgroundColor === 'rgb(255, 255, 255)'`)
		b.shot(fmt.Sprint("lesson-pictures-", width))
	}
}
