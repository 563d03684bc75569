package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"

	"lignum/domain/letters"
	"lignum/domain/notices"
	"lignum/tenants"
	"lignum/tenants/jobs"
	"lignum/tests/school"
)

// An administrator opens an account for a teacher: the letter comes as text and as HTML, its link leads to choosing a password, and what is new later comes once a day until it is stopped.
func TestATeacherIsInvitedByMail(t *testing.T) {
	s := serve(t)
	for i, width := range []int64{360, 1280} {
		name := fmt.Sprintf("teacher-by-mail%d", i)
		admin := open(t, s, "jamaica", "admin1", width)
		admin.signIn()
		admin.visit("/people/new")
		for field, value := range map[string]string{"user_name": name, "given_name": "Ada", "family_name": "Brown", "email": name + "@moe.example"} {
			admin.do(chromedp.SendKeys(`[name=`+field+`]`, value))
		}
		admin.do(chromedp.Evaluate(`(() => { const box = document.querySelector('[name=roles][value=teacher]'); if (box) box.click(); else document.querySelector('[name=role]').value = 'teacher'; return true })()`, nil))
		admin.click(`main form button`)
		admin.shot("mail-invited")
		got := s.Letters("jamaica")
		letter := got[len(got)-1]
		if letter.To[0] != name+"@moe.example" || !strings.HasPrefix(letter.Subject, "You are invited to") {
			t.Fatalf("the letter is %q to %v", letter.Subject, letter.To)
		}
		admin.visit("/mail")
		admin.wants(name+"@moe.example", "Invitation", "sent")
		admin.shot("mail-list")

		reader := open(t, s, "jamaica", name, width)
		reader.do(chromedp.Navigate(fmt.Sprintf("http://mail.localhost:%d/", s.Port)))
		reader.wants("You are invited to", name)
		reader.shot("mail-catcher")
		reader.do(chromedp.Navigate(fmt.Sprintf("http://mail.localhost:%d/%d", s.Port, letter.ID)))
		reader.wants("As text", "As HTML", "Choose your password")
		reader.shot("mail-letter")
		reader.do(chromedp.Navigate(fmt.Sprintf("http://mail.localhost:%d/%d/html", s.Port, letter.ID)))
		reader.wants("Dear Ada Brown", "Choose your password")
		reader.shot("mail-letter-html")
		var link string
		reader.do(chromedp.Evaluate(`document.querySelector('a[href*="/card"]').href`, &link))
		reader.do(chromedp.Navigate(link))
		reader.until("the code is there already, and not in the address", `document.querySelector('[name=code]').value.length === 19 && location.hash === ''`)
		reader.shot("mail-card")
		for _, field := range []string{"password", "again"} {
			reader.do(chromedp.SendKeys(`[name=`+field+`]`, "seven kites over the harbour"))
		}
		reader.click(`form[action="/card"] button:not([type=button])`)
		reader.wants("Welcome")
		reader.visit("/account")
		reader.wants("Send me an e-mail")
		reader.shot("mail-account")

		// something is new, and the day's letter says so; its link stops such letters
		s.Write("jamaica", func(tx *tenants.Tx) error {
			return notices.Tell(t.Context(), tx, notices.ClassCancelled, notices.Params{"class": "Biology", "reason": "measles", "class_id": "x"}, []uuid.UUID{school.ID(t, s.DB("jamaica"), name)}, time.Now())
		})
		now := time.Now().UTC()
		if err := letters.Digest(t.Context(), &jobs.Job{ID: 1, Tenant: s.Tenant("jamaica"), DB: s.DB("jamaica"), Due: now, Now: now.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		stop := ""
		for _, l := range s.Letters("jamaica") {
			if l.To[0] == name+"@moe.example" && strings.Contains(l.Subject, "new notice") {
				stop = strings.Trim(l.Head.Get("List-Unsubscribe"), "<>")
				reader.do(chromedp.Navigate(fmt.Sprintf("http://mail.localhost:%d/%d/html", s.Port, l.ID)))
				reader.wants("Sign in", "notice about your classes")
				reader.shot("mail-digest")
			}
		}
		if u, err := url.Parse(stop); err != nil || u.Path != "/mail/stop" {
			t.Fatalf("the link that stops is %q: %v", stop, err)
		}
		reader.do(chromedp.Navigate(stop))
		reader.wants("Do you want no more e-mail")
		reader.shot("mail-stop")
		reader.click(`main form button`)
		reader.wants("You get no more e-mail about new notices.")
		reader.shot("mail-stopped")
		reader.visit("/account")
		if reader.count(`[name=digest]:checked`) != 0 {
			t.Error("they are still written to")
		}
	}
	b := open(t, s, "jamaica", "admin1", 360)
	b.visit("/forgotten")
	b.shot("mail-forgotten")
	b.do(chromedp.SendKeys(`[name=user_name]`, "teacher-by-mail0"))
	b.click(`form[action="/forgotten"] button`)
	b.wants("an e-mail is on its way")
	b.shot("mail-forgotten-asked")
	if got := s.Letters("jamaica"); got[len(got)-1].Subject != "Choose a new password" {
		t.Errorf("the letter is %q", got[len(got)-1].Subject)
	}
	b.visit("/sign-in")
	b.shot("mail-sign-in")
}
