package web

import (
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"lignum/api"
)

var notices = map[string]string{}

// Notice declares what a page may say after a change: a code, and the key of its words. Only codes travel; text from outside is never shown.
func Notice(code, key string) string {
	if _, twice := notices[code]; twice {
		panic("web: notice " + code + " is declared twice")
	}
	notices[code] = key
	return code
}

// noticeLife is how long a notice waits for the next page.
const noticeLife = 30 * time.Second

func noticeCookie(c *api.Call, value string, expires time.Time) *fiber.Cookie {
	secure := strings.HasPrefix(c.URL(""), "https:")
	name := "lignum-notice"
	if secure {
		name = "__Host-lignum-notice"
	}
	return &fiber.Cookie{Name: name, Value: value, Path: "/", Expires: expires, HTTPOnly: true, Secure: secure, SameSite: "Lax"}
}

// Notify lets the next page say the text of a declared notice, once.
func Notify(c *api.Call, fc *fiber.Ctx, code string) {
	fc.Cookie(noticeCookie(c, code, c.Now.Add(noticeLife)))
}

func takeNotice(c *api.Call, fc *fiber.Ctx) string {
	empty := noticeCookie(c, "", time.Unix(1, 0))
	code := fc.Cookies(empty.Name)
	if code == "" {
		return ""
	}
	fc.Cookie(empty)
	if notices[code] == "" {
		return ""
	}
	return c.Say(notices[code])
}
