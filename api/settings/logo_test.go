package settings_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"net/http"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"lignum/api/settings"
	"lignum/tests/apitest"
)

// noise is a PNG that cannot be made smaller.
func noise(t *testing.T, w, h int, seed uint64) []byte {
	t.Helper()
	m, r := image.NewNRGBA(image.Rect(0, 0, w, h)), rand.New(rand.NewPCG(seed, 0))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32() | 1)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestATenantsLogo(t *testing.T) {
	t.Parallel()
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	tenant := func() settings.TenantSettings {
		t.Helper()
		return apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant"))
	}
	if is := tenant(); is.Logo != nil || used(s, admin)["storage_bytes"] != 0 {
		t.Errorf("%+v, %v", is.Logo, used(s, admin))
	}
	put := func(u apitest.User, body any) *apitest.Response {
		return s.Do(u, http.MethodPut, "/api/v1/tenant/logo", body)
	}
	s.Do(admin, http.MethodDelete, "/api/v1/tenant/logo", nil).Want(http.StatusNotFound).Problem()
	first := apitest.As[settings.Logo](put(admin, noise(t, 600, 300, 1)))
	if first.Width != 512 || first.Height != 256 || first.ContentType != "image/png" {
		t.Errorf("%+v", first)
	}
	second := apitest.As[settings.Logo](put(admin, noise(t, 40, 40, 2)))
	is := tenant()
	if is.Logo == nil || is.Logo.Path != second.Path || second.Path == first.Path || used(s, admin)["storage_bytes"] != second.Bytes || is.Branding.Name == "" {
		t.Errorf("%+v, %v; put %+v", is.Logo, used(s, admin), second)
	}
	for _, c := range []struct {
		what   string
		who    apitest.User
		body   any
		status int
		field  string
	}{
		{"nobody", apitest.Anonymous("jamaica"), noise(t, 9, 9, 3), http.StatusUnauthorized, ""},
		{"a teacher", s.User("jamaica", "teacher"), noise(t, 9, 9, 3), http.StatusForbidden, ""},
		{"an official, who sees the settings", s.User("jamaica", "ministry_official"), noise(t, 9, 9, 3), http.StatusForbidden, ""},
		{"SVG", admin, `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, http.StatusUnprocessableEntity, "file"},
		{"nothing", admin, nil, http.StatusUnprocessableEntity, "file"},
		{"three megabytes", admin, bytes.Repeat([]byte("x"), 3<<20), http.StatusRequestEntityTooLarge, ""},
		{"a byte too many", admin, bytes.Repeat([]byte("x"), 2<<20+1), http.StatusRequestEntityTooLarge, "file"},
	} {
		if p := put(c.who, c.body).Want(c.status).Problem(); strings.Join(p.Names(), ",") != c.field {
			t.Errorf("%s: %+v", c.what, p)
		}
	}
	if _, err := s.Direct(t).Exec(t.Context(), fmt.Sprintf("UPDATE tenant_jamaica.settings SET limits = jsonb_set(limits, '{storage_bytes}', '%d')", second.Bytes+10)); err != nil {
		t.Fatal(err)
	}
	put(admin, noise(t, 90, 90, 4)).Want(http.StatusTooManyRequests).Problem()
	if now := tenant(); now.Logo == nil || *now.Logo != *is.Logo {
		t.Errorf("%+v, was %+v", now.Logo, is.Logo)
	}
	s.Do(admin, http.MethodDelete, "/api/v1/tenant/logo", nil).Want(http.StatusOK)
	if is := tenant(); is.Logo != nil || used(s, admin)["storage_bytes"] != 0 {
		t.Errorf("%+v, %v", is.Logo, used(s, admin))
	}
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Get(admin, second.Path).Want(http.StatusNotFound)
	s.Do(s.User("", "operator"), http.MethodPut, "/api/v1/tenant/logo", noise(t, 9, 9, 5)).Want(http.StatusNotFound) // the platform has none
}

// What a full disk does not take is told as a problem, and the logo stays as it was. The bound of the system is the whole process's, so nothing runs beside.
func TestALogoThatTheDiskDoesNotTake(t *testing.T) {
	s := apitest.New(t)
	admin := s.User("jamaica", "tenant_administrator")
	before := apitest.As[settings.Logo](s.Do(admin, http.MethodPut, "/api/v1/tenant/logo", noise(t, 20, 20, 1)))
	large := noise(t, 400, 400, 2)
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 200 << 10, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	r := s.Do(admin, http.MethodPut, "/api/v1/tenant/logo", large)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if p := r.Want(http.StatusServiceUnavailable).Problem(); !strings.HasPrefix(p.Detail, "Files cannot be stored") || r.Header.Get("Retry-After") == "" || strings.Contains(string(r.Body), "large") {
		t.Errorf("%+v", p)
	}
	is := apitest.As[settings.TenantSettings](s.Get(admin, "/api/v1/tenant"))
	if is.Logo == nil || *is.Logo != before || used(s, admin)["storage_bytes"] != before.Bytes {
		t.Errorf("%+v, %v", is.Logo, used(s, admin))
	}
}
