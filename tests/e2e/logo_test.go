package e2e

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// An administrator chooses a picture on the page of settings; everybody sees it at the head of the page and where they sign in, on a phone too.
func TestALogoIsUploadedAndSeen(t *testing.T) {
	t.Parallel()
	s := serve(t)
	m := image.NewNRGBA(image.Rect(0, 0, 900, 300))
	for y := range 300 {
		for x := range 300 {
			m.Set(x, y, color.NRGBA{20, uint8(100 + x/3), uint8(y / 2), 255})
		}
	}
	logo := filepath.Join(t.TempDir(), "logo.png")
	f, err := os.Create(logo)
	if err == nil {
		err = png.Encode(f, m)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	admin := open(t, s, "jamaica", "admin1", 1280)
	admin.signIn()
	admin.visit("/settings")
	admin.wants("What your plan allows", "0.1 MB of 2,000 GB")
	admin.do(chromedp.SetUploadFiles(`#f-file`, []string{logo}))
	admin.click(`form[action="/settings/logo"] button`)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	admin.visit("/settings")
	admin.wants("Replace the logo", "MB of 2,000 GB")
	const shown = `[...document.querySelectorAll('img.logo')].filter(i => i.complete && i.naturalWidth === 512 && i.naturalHeight === 170 && i.clientHeight > 30 && i.clientWidth > 2.5 * i.clientHeight).length`
	admin.until("the logo is at the head and in its card", shown+` === 2`)
	admin.shot("logo-settings")
	phone := open(t, s, "jamaica", "student1", 320)
	phone.visit("/sign-in")
	phone.until("the logo is at the head and above the form", shown+` === 2`)
	phone.until("nothing is wider than the phone", `document.documentElement.scrollWidth <= 320`)
	phone.until("the name is said once at the head, and with the picture above the form", `document.querySelector('.brand').innerText.trim() === document.querySelector('main img').alt && document.querySelector('.brand img').alt === ''`)
	phone.shot("logo-sign-in")
	admin.click(`form[action="/settings/logo/remove"] button`)
	if err := s.Registry.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	phone.visit("/sign-in")
	if phone.count(`img.logo`) != 0 || phone.count(`.brand svg`) != 1 {
		t.Error("it is still there")
	}
}
