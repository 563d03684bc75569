package account

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"lignum/domain/identity"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/tests/apitest"
)

func TestPagesOfTheAccountRenderAndEscape(t *testing.T) {
	now, evil := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), apitest.Evil
	user := people.User{UserName: "a", GivenName: evil, FamilyName: evil, Grade: evil, Roles: []string{"student", "guardian"}}
	apitest.Renders(t, pages, now, map[string][]any{
		"signin": {false, true}, "card": {false, true}, "password": {false, true}, "privacy": {nil},
		"account":       {accountData{User: user, Devices: []device{{identity.Session{ID: uuid.New(), Address: "::1", CreatedAt: now}, evil, false}}}},
		"authenticator": {authenticatorData{}, authenticatorData{Setup: &identity.TOTPSetup{Secret: "ABC", QR: "data:image/png;base64,AAAA"}}, authenticatorData{Codes: []string{"AAAA-BBBB"}}},
	})
}

func TestDeviceNames(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 13; SM-A135M) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36":  "Chrome on Android",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120": "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile Safari/604.1":        "Safari on iPhone",
		"curl/8.0": "A program", "": "A program",
	} {
		if got := deviceName(words.English, agent); got != want {
			t.Errorf("%s: %s", agent, got)
		}
	}
}
