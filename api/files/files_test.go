package files_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"lignum/api/settings"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/files"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// picture is a PNG of one colour, with something behind it.
func picture(t *testing.T, red uint8, behind string) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 60, 20))
	for i := 0; i < len(m.Pix); i += 4 {
		copy(m.Pix[i:], []byte{red, 0, 0, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), behind...)
}

// hardened fails unless an answer can do nothing in a browser.
func hardened(t *testing.T, r *apitest.Response, disposition, keep string) {
	t.Helper()
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'", "Cache-Control": keep,
		"Cross-Origin-Resource-Policy": "same-origin"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", r.What, name, got, want)
		}
	}
	if got := r.Header.Get("Content-Disposition"); got != disposition {
		t.Errorf("%s: it is offered as %q, want %q", r.What, got, disposition)
	}
}

func TestALogoIsEverybodysAtItsHostAlone(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	set := apitest.As[settings.Logo](s.Do(admin, http.MethodPut, "/api/v1/tenant/logo", picture(t, 200, "<script>alert(1)</script>")))
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := s.Get(apitest.Anonymous("jamaica"), set.Path).Want(http.StatusOK)
	hardened(t, got, `inline; filename=logo`, "public, max-age=31536000, immutable")
	if m, err := png.Decode(bytes.NewReader(got.Body)); err != nil || m.At(3, 3) != (color.RGBA{200, 0, 0, 255}) || bytes.Contains(got.Body, []byte("script")) || got.Header.Get("Content-Type") != "image/png" ||
		int64(len(got.Body)) != set.Bytes {
		t.Errorf("%v, %v", got.Header, err)
	}
	part := s.Send(apitest.Anonymous("jamaica"), http.MethodGet, s.URL("jamaica")+set.Path, nil, "Range", "bytes=1-3").Want(http.StatusPartialContent)
	if string(part.Body) != "PNG" || !strings.HasPrefix(part.Header.Get("Content-Range"), "bytes 1-3/") {
		t.Errorf("%q, %v", part.Body, part.Header)
	}
	s.Send(apitest.Anonymous("jamaica"), http.MethodGet, s.URL("jamaica")+set.Path, nil, "Range", "bytes=0-3,9-12").Want(http.StatusOK)
	for _, at := range []string{s.URL("bahamas") + set.Path, s.URL("") + set.Path, s.URL("jamaica") + "/logo/" + strings.Repeat("0", 64), s.URL("jamaica") + "/logo/x"} {
		s.Send(apitest.Anonymous("jamaica"), http.MethodGet, at, nil).Want(http.StatusNotFound).Problem()
	}
}

// A file that could act as a page is offered for saving, by a link that the program has signed for this realm, and no longer than five minutes.
func TestFilesLeaveByASignedLink(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	db := s.DB("jamaica")
	f, err := s.API.Files.Put(t.Context(), db, audit.Actor{Name: "test"}, files.Incoming{Purpose: files.General, Name: "Ünder\"stood\".html", Body: strings.NewReader("<script>alert(document.domain)</script>")}, time.Now(),
		func(*tenants.Tx, *files.File) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	nobody, now := apitest.Anonymous("jamaica"), time.Now()
	link := s.API.Files.Link(db, files.General, f.ID, now)
	got := s.Get(nobody, link).Want(http.StatusOK)
	hardened(t, got, `attachment; filename*=utf-8''%C3%9Cnder%22stood%22.html`, "private, no-store")
	if string(got.Body) != "<script>alert(document.domain)</script>" || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("%q %v", got.Body, got.Header)
	}
	if head := s.Send(nobody, http.MethodHead, s.URL("jamaica")+link, nil); head.Status != http.StatusOK || len(head.Body) != 0 {
		t.Errorf("%+v", head)
	}
	if p := s.Get(nobody, s.API.Files.Link(db, files.General, f.ID, now.Add(-files.LinkTime-time.Second))).Want(http.StatusGone).Problem(); p.Detail == "" || p.Type != "urn:lignum:problem:gone" {
		t.Errorf("%+v", p)
	}
	for what, at := range map[string]string{
		"at another tenant's host":  s.URL("bahamas") + link,
		"signed for another tenant": s.URL("jamaica") + s.API.Files.Link(s.DB("bahamas"), files.General, f.ID, now),
		"for longer":                s.URL("jamaica") + strings.Replace(link, "until=1", "until=2", 1),
		"for another file":          s.URL("jamaica") + strings.Replace(link, f.ID.String(), audit.NewID().String(), 1),
		"without its signature":     s.URL("jamaica") + link[:strings.Index(link, "&")],
		"for no file":               s.URL("jamaica") + strings.Replace(link, f.ID.String(), "..%2f..", 1),
		"for one that is not there": s.URL("jamaica") + s.API.Files.Link(db, files.General, audit.NewID(), now),
	} {
		r := s.Send(nobody, http.MethodGet, at, nil)
		if r.Status != http.StatusNotFound {
			t.Errorf("%s: %d", what, r.Status)
			continue
		}
		r.Problem()
	}
}
