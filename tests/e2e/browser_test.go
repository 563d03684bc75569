// Package e2e uses the platform as people do: in a real browser, on the real stack, with the demo data.
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"lignum/api/console"
	"lignum/api/portal"
	"lignum/domain/demo"
	"lignum/domain/identity"
	"lignum/tests/apitest"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// shots is where pictures of the pages are left for people to look at.
const shots = "../../.lignum/screenshots"

// serve is a world with the demo data, its pages served.
func serve(t *testing.T) *apitest.Server {
	t.Helper()
	s := apitest.Demo(t, portal.Register, console.Register)
	return s
}

// browser is one person's browser window.
type browser struct {
	t    *testing.T
	ctx  context.Context
	s    *apitest.Server
	wire *wire
	slug string
	name string
}

// open starts Chromium with an empty profile. What the page throws fails the test.
func open(t *testing.T, s *apitest.Server, slug, name string, width int64) *browser {
	t.Helper()
	path := ""
	for _, p := range []string{"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"} {
		if _, err := os.Stat(p); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("these tests need Chromium (make test installs it)")
	}
	profile, err := os.MkdirTemp("", "lignum-browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(profile) }) // after the browser has ended; what it still writes then is of no matter
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(profile)}
	for _, flag := range []string{"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage"} {
		options = append(options, chromedp.Flag(flag, true))
	}
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(func() { cancel(); stop(); stopAlloc() })
	b := &browser{t, ctx, s, newWire(t, s.Port), slug, name}
	chromedp.ListenTarget(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("%s: a script failed: %s", name, e.ExceptionDetails.Error())
		case *page.EventJavascriptDialogOpening:
			go func() { _ = chromedp.Run(ctx, page.HandleJavaScriptDialog(true)) }() // a dialog left open stops the next step
		}
	})
	b.do(emulation.SetDeviceMetricsOverride(width, 900, 1, width < 600))
	return b
}

func (b *browser) do(actions ...chromedp.Action) {
	b.t.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.shot("failed")
		b.t.Fatalf("%s: %v\n%.1500s", b.name, err, b.text())
	}
}

// visit opens a page of the person's own host.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url(path)), chromedp.WaitReady("main"))
}

// url is an address of the person's own host, reached over the person's own wire.
func (b *browser) url(path string) string {
	host := b.slug
	if host == "" {
		host = "platform"
	}
	return fmt.Sprintf("http://%s.localhost:%d%s", host, b.wire.port(), path)
}

// click presses what the selector finds first and waits for the next page.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.WaitReady(selector), chromedp.Evaluate(`window.left = false; document.querySelector(`+quote(selector)+`).click()`, nil))
	for range 300 {
		var arrived bool
		// Between two pages there is nothing to ask; then it is not there yet.
		err := chromedp.Run(b.ctx, chromedp.Evaluate(`window.left === undefined && document.readyState === 'complete' && document.querySelector('main') !== null`, &arrived))
		if err == nil && arrived {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.shot("failed")
	b.t.Fatalf("%s: pressing %s led nowhere\n%.1500s", b.name, selector, b.text())
}

// press presses what stays on the page, once it is to be seen.
func (b *browser) press(selector string) {
	b.t.Helper()
	b.until(selector+" is to be seen", `(document.querySelector(`+quote(selector)+`)?.offsetParent ?? null) !== null`)
	b.do(chromedp.Evaluate(`document.querySelector(`+quote(selector)+`).click()`, nil))
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `\'`) + "'" }

// wants fails unless the page says all of this.
func (b *browser) wants(texts ...string) {
	b.t.Helper()
	got := b.text()
	for _, want := range texts {
		if !strings.Contains(strings.ToLower(got), strings.ToLower(want)) {
			b.shot("failed")
			b.t.Fatalf("%s: the page does not say %q but\n%.2000s", b.name, want, got)
		}
	}
}

func (b *browser) text() (text string) {
	_ = chromedp.Run(b.ctx, chromedp.Evaluate(`document.title + "\n" + document.location + "\n" + document.body.innerText`, &text)) // only shown
	return text
}

// count is how many elements a selector finds.
func (b *browser) count(selector string) (n int) {
	b.t.Helper()
	b.do(chromedp.Evaluate(`document.querySelectorAll(`+quote(selector)+`).length`, &n))
	return n
}

// until waits for something that a page's script brings about.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	for range 200 {
		var yes bool
		b.do(chromedp.Evaluate(expression, &yes))
		if yes {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.shot("failed")
	b.t.Fatalf("%s: never: %s\n%.1500s", b.name, what, b.text())
}

// shot leaves a picture of the whole page, window one of what a screen shows of it.
func (b *browser) shot(name string) {
	var png []byte
	b.keep(name, &png, chromedp.FullScreenshot(&png, 100))
}

func (b *browser) window(name string) {
	var png []byte
	b.keep(name, &png, chromedp.CaptureScreenshot(&png))
}

func (b *browser) keep(name string, png *[]byte, take chromedp.Action) {
	if err := chromedp.Run(b.ctx, take); err != nil {
		b.t.Logf("no picture of %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(shots, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(shots, b.slug+"-"+b.name+"-"+name+".png"), *png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// signIn fills in the form as a person does.
func (b *browser) signIn() {
	b.t.Helper()
	b.visit("/sign-in")
	b.do(chromedp.SendKeys(`input[name=user_name]`, b.name), chromedp.SendKeys(`input[name=password]`, demo.Password))
	b.click(`main form button:not([type=button])`)
	if b.slug == "" { // the platform asks for a second factor
		code, _, err := identity.TOTPCode(demo.OTPSecret, time.Now())
		if err != nil {
			b.t.Fatal(err)
		}
		b.do(chromedp.SendKeys(`input[name=password]`, demo.Password), chromedp.SendKeys(`input[name=code]`, code))
		b.click(`main form button:not([type=button])`)
	}
	if b.count(`form[action="/sign-out"]`) == 0 {
		b.t.Fatalf("%s could not sign in:\n%.1500s", b.name, b.text())
	}
}
