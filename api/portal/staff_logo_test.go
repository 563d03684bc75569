package portal_test

import (
	"bytes"
	"image"
	"image/png"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"lignum/tests/apitest"
)

// upload sends a file as a browser's form does; "" as its name: none was chosen.
func (s *staffed) upload(u apitest.User, path, name string, file []byte) *apitest.Response {
	s.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(file)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return s.Send(u, http.MethodPost, s.URL(u.Slug)+path, body.Bytes(), "Content-Type", w.FormDataContentType())
}

func TestALogoIsSetOnThePageOfSettings(t *testing.T) {
	t.Parallel()
	s := newStaffed(t)
	refresh := func() {
		t.Helper()
		if err := s.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	m := image.NewNRGBA(image.Rect(0, 0, 700, 350))
	var logo bytes.Buffer
	if err := png.Encode(&logo, m); err != nil {
		t.Fatal(err)
	}
	nobody := apitest.Anonymous("jamaica")
	if page := string(s.Get(nobody, "/sign-in").Want(http.StatusOK).Body); strings.Contains(page, "/logo/") || !strings.Contains(page, `class="mark"`) {
		t.Errorf("without a logo:\n%s", page)
	}
	settings := s.Get(s.admin, "/settings").Want(http.StatusOK)
	s.shows(settings, `action="/settings/logo" enctype="multipart/form-data"`, "Show this logo", "0.0 GB of 2,000 GB")
	if strings.Contains(string(settings.Body), "/settings/logo/remove") {
		t.Error("there is a logo to remove")
	}
	for name, c := range map[string]struct {
		file   []byte
		status int
		says   string
	}{
		"":        {nil, http.StatusUnprocessableEntity, "must be a file: choose one first"},
		"x.svg":   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), http.StatusUnprocessableEntity, "must not be SVG"},
		"big.png": {make([]byte, 3<<20), http.StatusRequestEntityTooLarge, ""},
	} {
		again := s.upload(s.admin, "/settings/logo", name, c.file).Want(c.status)
		s.shows(again, c.says, `action="/settings/logo"`, `value="Ministry of Education, Jamaica"`)
	}
	s.upload(s.teacher, "/settings/logo", "x.png", logo.Bytes()).Want(http.StatusForbidden)
	if to := s.upload(s.admin, "/settings/logo", `..\x.png`, logo.Bytes()).Want(http.StatusSeeOther).Header.Get("Location"); to != "/settings#logo" {
		t.Errorf("on to %s", to)
	}
	refresh()
	for _, u := range []apitest.User{nobody, s.learner, s.admin} {
		at := map[bool]string{true: "/sign-in", false: "/account"}[u.Token == ""]
		page := s.Get(u, at).Want(http.StatusOK)
		src := regexp.MustCompile(`<img class="logo" src="(/logo/[0-9a-f]{64})" width="512" height="256" alt="">`).FindStringSubmatch(string(page.Body))
		if src == nil || strings.Contains(string(page.Body), `class="brand" href="/"><svg`) {
			t.Fatalf("%s:\n%s", at, page.Body)
		}
		s.Get(nobody, src[1]).Want(http.StatusOK)
	}
	s.shows(s.Get(nobody, "/sign-in"), `alt="Ministry of Education, Jamaica"`)
	s.shows(s.Get(s.admin, "/settings"), "Replace the logo", "Remove the logo", "0.1 MB of 2,000 GB", `alt="Ministry of Education, Jamaica"`)
	s.shows(s.Get(s.admin, "/audit"), "Stored a file", "x.png")
	if page := string(s.Get(apitest.Anonymous("bahamas"), "/sign-in").Body); strings.Contains(page, "/logo/") {
		t.Error("another tenant shows it")
	}
	s.form(s.admin, "/settings/logo/remove", nil).Want(http.StatusSeeOther)
	refresh()
	if page := string(s.Get(nobody, "/sign-in").Body); strings.Contains(page, "/logo/") {
		t.Error("it is still shown")
	}
	s.shows(s.form(s.admin, "/settings/logo/remove", nil).Want(http.StatusNotFound))
}
