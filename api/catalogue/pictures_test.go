package catalogue_test

import (
	"bytes"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"lignum/api/catalogue"
	"lignum/tests/apitest"
	"lignum/tests/school"
)

const triangles = "/courses/csec-mathematics/lessons/geometry-trigonometry-right-triangles"

// Who may read a lesson sees its pictures, and nobody else does.
func TestAPictureIsSeenByWhoMayReadTheLesson(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	s.Import("jamaica", "csec-mathematics")
	learner, other, teacher := s.User("jamaica", "student"), s.User("jamaica", "student"), s.UserWith("jamaica", []string{"teacher"}, apitest.SecondFactor())
	course := uuid.MustParse(s.Text("jamaica", "SELECT id::text FROM courses"))
	school.Classes(t, s.DB("jamaica"), school.Class{Title: "Maths", Course: course, Coach: teacher.ID, Learners: []uuid.UUID{learner.ID}})

	l := apitest.As[catalogue.LessonView](s.Get(learner, "/api/v1"+triangles))
	if len(l.Pictures) != 2 || l.Pictures[0].Width != 640 || l.Pictures[0].Height != 390 || !strings.Contains(l.Pictures[0].Alt, "right angle at B") || l.Pictures[0].Caption == "" ||
		!strings.Contains(l.HTML, `<img src="`+l.Pictures[1].Path+`"`) {
		t.Fatalf("%+v", l.Pictures)
	}
	at := l.Pictures[0].Path
	got := s.Get(learner, at).Want(http.StatusOK)
	if m, err := png.DecodeConfig(bytes.NewReader(got.Body)); err != nil || m.Width != 640 || m.Height != 390 {
		t.Error(m, err)
	}
	for name, want := range map[string]string{"Content-Type": "image/png", "Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Content-Disposition": "inline; filename=right-triangle.png", "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'"} {
		if got.Header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Header.Get(name), want)
		}
	}
	tag := got.Header.Get("ETag")
	if again := s.Send(learner, http.MethodGet, s.URL("jamaica")+at, nil, "If-None-Match", tag).Want(http.StatusNotModified); len(again.Body) != 0 || tag == "" {
		t.Errorf("%q is sent again: %d bytes", tag, len(again.Body))
	}
	s.Get(teacher, at).Want(http.StatusOK)
	s.Get(other, at).Want(http.StatusForbidden)
	s.Send(other, http.MethodGet, s.URL("jamaica")+at, nil, "If-None-Match", tag).Want(http.StatusForbidden)
	s.Get(apitest.Anonymous("jamaica"), at).Want(http.StatusUnauthorized)
	foreign := s.User("bahamas", "student")
	s.Get(foreign, at).Want(http.StatusNotFound)
	s.Get(s.User("", "operator"), at).Want(http.StatusNotFound)
	hash := at[strings.LastIndexByte(at, '/')+1:]
	for _, wrong := range []string{"/courses/csec-mathematics/lessons/sets-venn-problems/pictures/" + hash, "/courses/other/lessons/geometry-trigonometry-right-triangles/pictures/" + hash,
		triangles + "/pictures/" + strings.Repeat("0", 64), triangles + "/pictures/x", triangles + "/pictures/" + strings.ToUpper(hash)} {
		s.Get(learner, wrong).Want(http.StatusNotFound)
	}
	s.Exec("jamaica", "UPDATE lessons SET active = false WHERE slug = 'geometry-trigonometry-right-triangles'")
	s.Get(learner, at).Want(http.StatusNotFound)
}
