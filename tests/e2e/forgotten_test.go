package e2e

import (
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
)

// A learner forgot the password: learner, teacher and school each do their part in a browser of their own.
func TestForgottenPassword(t *testing.T) {
	s := serve(t)
	learner := open(t, s, "jamaica", "student1", 390)
	learner.visit("/sign-in")
	learner.click(`main details summary + ol a[href="/card"]`)
	learner.wants("Code on the card")
	learner.visit("/sign-in")
	learner.do(chromedp.Evaluate(`document.querySelector('main details').open = true`, nil))
	learner.shot("forgotten")

	teacher := open(t, s, "jamaica", "teacher1", 1280)
	teacher.signIn()
	teacher.visit("/classes/manage")
	teacher.click(`main th a[href^="/classes/manage/"]`)
	teacher.shot("class")
	teacher.click(`main a[href^="/learners/"][href$="/card"]`)
	teacher.wants("your school must agree first")
	teacher.do(chromedp.SendKeys(`textarea[name=reason]`, "Forgot it over the holidays."))
	teacher.shot("ask")
	teacher.click(`main form button`)
	teacher.wants("Your school was asked")

	school := open(t, s, "jamaica", "school1", 1280)
	school.signIn()
	school.wants("New sign-in cards to approve")
	school.shot("home")
	school.click(`main a.button[href="/resets"]`)
	school.wants("Forgot it over the holidays.")
	school.shot("requests")
	school.click(`form[action$="/approve"] button`)
	school.wants("The teacher can print one card now")

	teacher.visit("/home")
	teacher.wants("approved a new sign-in card")
	teacher.shot("told")
	teacher.click(`main a[href$="/card"]`)
	teacher.shot("print")
	teacher.click(`main form button`)
	teacher.shot("card")
	code := regexp.MustCompile(`\b[0-9A-Z]{4}(-[0-9A-Z]{4}){3}\b`).FindString(teacher.text())
	if code == "" {
		t.Fatalf("no code on the card:\n%s", teacher.text())
	}
	learner.visit("/card")
	learner.do(chromedp.SendKeys(`input[name=code]`, code), chromedp.SendKeys(`input[name=password]`, "nine copper kettles sing at dusk"),
		chromedp.SendKeys(`input[name=again]`, "nine copper kettles sing at dusk"))
	learner.click(`main form button:not([type=button])`)
	learner.wants("Your password is set", "took your old password away")
	learner.shot("in")
}
