package identity

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
)

// from signs in from an address, with what a device shows.
func (r *room) from(address, tokens, name, password string) (SignedIn, error) {
	return r.desk.SignIn(r.Ctx, r.DB, SignIn{UserName: name, Password: password, Device: Device{Address: address, Tokens: tokens}}, r.Now)
}

// attack lets a stranger fail a hundred times, each from another address, and tells how often it was held back.
func (r *room) attack(name, tokens string) (throttled int) {
	r.T.Helper()
	for i := range 100 {
		switch _, err := r.from(fmt.Sprintf("198.51.100.%d", i), tokens, name, "guess"); domain.CodeOf(err) {
		case domain.OverQuota:
			throttled++
		case domain.Unauthentic:
		default:
			r.T.Fatalf("attempt %d: %v", i, err)
		}
	}
	return throttled
}

func TestAStrangerDoesNotShutOutAKnownDevice(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	home, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	if n := r.attack("akeem", ""); n != 95 {
		t.Errorf("the stranger was held back %d times of 100", n)
	}
	if _, err := r.from("192.0.2.9", "", "akeem", goodPassword); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("a device that is not known, with the right password: %v", err)
	}
	// Also from an address that a stranger has blocked: of the same school, say.
	r.desk.Address.Free = 1
	for _, name := range []string{"nobody", "somebody"} {
		if _, err := r.from("192.0.2.7", "", name, "guess"); domain.CodeOf(err) != domain.Unauthentic {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if _, err := r.from("192.0.2.7", "", "nobody", "guess"); domain.CodeOf(err) != domain.OverQuota {
		t.Fatalf("the address is not blocked: %v", err)
	}
	again, err := r.from("192.0.2.7", home.Device, "akeem", goodPassword)
	if err != nil {
		t.Fatalf("the known device: %v", err)
	}
	// Its success gives the stranger nothing back.
	if _, err := r.from("198.51.100.200", "", "akeem", "guess"); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("the stranger, after the person signed in: %v", err)
	}
	if again.Device == home.Device || again.Device == "" {
		t.Error("each sign-in gives another token")
	}
	// Nor is the next step of the person stopped.
	change := PasswordChange{UserID: again.UserID, SessionID: again.SessionID, Old: goodPassword, New: "violin ladder frost pebble"}
	if err := r.desk.ChangePassword(r.Ctx, r.DB, change, r.Now); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("another password without the token: %v", err)
	}
	change.Device.Tokens = again.Device
	r.OK(r.desk.ChangePassword(r.Ctx, r.DB, change, r.Now))
}

func TestADeviceTokenHasItsOwnBound(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	home, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	// Ten failures of the device, then five of the account: then it is a stranger's, and waits like one.
	if n := r.attack("akeem", home.Device); n != 85 {
		t.Errorf("a stolen token was held back %d times of 100", n)
	}
	if _, err := r.from("192.0.2.7", home.Device, "akeem", goodPassword); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("the right password with a token that is used up: %v", err)
	}
	r.Now = r.Now.Add(r.desk.Device.Block + time.Second)
	fresh, err := r.from("192.0.2.7", home.Device, "akeem", goodPassword)
	r.OK(err)
	// What was stolen before does not shut out the device as it is now.
	if n := r.attack("akeem", home.Device); n < 80 {
		t.Errorf("a stolen token was held back %d times of 100", n)
	}
	if _, err := r.from("192.0.2.7", fresh.Device, "akeem", goodPassword); err != nil {
		t.Errorf("with the new token: %v", err)
	}
}

func TestOnlyAGenuineTokenOfTheSamePersonCounts(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	akeem := r.user("akeem", people.Student)
	r.user("zoe", people.Student)
	home, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	other, err := r.from("192.0.2.7", "", "zoe", goodPassword)
	r.OK(err)
	forged := []byte(home.Device)
	forged[30] ^= 1 // of the device's id: another count, were it believed
	for what, tokens := range map[string]string{
		"forged":               string(forged),
		"of another person":    other.Device,
		"of another realm":     newDeviceToken(r.World.DB("bahamas"), akeem, r.Now),
		"of the platform":      newDeviceToken(r.World.DB(""), akeem, r.Now),
		"expired":              newDeviceToken(r.DB, akeem, r.Now.Add(-DeviceLife)),
		"of the future":        newDeviceToken(r.DB, akeem, r.Now.Add(time.Hour)),
		"cut":                  home.Device[:len(home.Device)-1],
		"of another alphabet":  strings.Repeat("=", len(home.Device)),
		"a refresh token":      home.Refresh,
		"of a person not here": newDeviceToken(r.DB, uuid.New(), r.Now),
		"lost in a long list":  strings.Repeat(string(forged)+".", maxDevices) + home.Device,
	} {
		r.Do("DELETE FROM sign_in_failures")
		if n := r.attack("akeem", tokens); n != 95 {
			t.Errorf("a token %s: held back %d times of 100", what, n)
		}
		if _, err := r.from("192.0.2.7", tokens, "akeem", goodPassword); domain.CodeOf(err) != domain.OverQuota {
			t.Errorf("a token %s lets the right password through: %v", what, err)
		}
		if n := r.Number("SELECT count(*) FROM sign_in_failures WHERE failures = 5 AND blocked_until IS NOT NULL"); n != 1 {
			t.Errorf("a token %s: %d counts at the bound, want the account's alone", what, n)
		}
	}
	// The token of the last day counts, and beside others'.
	r.Now = r.Now.Add(DeviceLife - time.Second)
	r.attack("akeem", "")
	if _, err := r.from("192.0.2.7", string(forged)+"."+other.Device+"."+home.Device, "akeem", goodPassword); err != nil {
		t.Errorf("on its last day, among others: %v", err)
	}
}

// An unknown name is answered alike, token or no token.
func TestATokenTellsNothingOfOtherNames(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	r.user("zoe", people.Student)
	home, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	if known, unknown := r.attack("zoe", home.Device), r.attack("nobody", home.Device); known != 95 || unknown != 95 {
		t.Errorf("held back %d times for a known name, %d for an unknown one", known, unknown)
	}
}

func TestAFailureOfTheDeviceIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	home, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	for range 40 { // a client that keeps its first token: right ones are not counted
		if _, err := r.from("192.0.2.7", home.Device, "akeem", goodPassword); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.Number("SELECT count(*) FROM sign_in_failures"); n != 0 {
		t.Errorf("%d counts are left", n)
	}
	// With a second factor, wrong codes are the device's too.
	var setup TOTPSetup
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		setup, err = StartTOTP(r.Ctx, tx, r.DB, id, "Lignum", r.Now)
		return err
	}))
	code, err := totp.GenerateCode(setup.Secret, r.Now)
	r.OK(err)
	r.OK(r.Write(func(tx *tenants.Tx) error {
		_, err := ConfirmTOTP(r.Ctx, tx, r.DB, id, home.SessionID, code, r.Now)
		return err
	}))
	signIn := func(code string) (SignedIn, error) {
		return r.desk.SignIn(r.Ctx, r.DB, SignIn{UserName: "akeem", Password: goodPassword, Code: code, Device: Device{Address: "192.0.2.7", Tokens: home.Device}}, r.Now)
	}
	for range 3 {
		if _, err := signIn("000000"); domain.CodeOf(err) != domain.Unauthentic {
			t.Fatal(err)
		}
	}
	r.attack("akeem", "")
	r.Now = r.Now.Add(time.Minute) // the stranger waits on
	code, err = totp.GenerateCode(setup.Secret, r.Now)
	r.OK(err)
	if _, err := signIn(code); err != nil {
		t.Errorf("the right code on the known device: %v", err)
	}
}

func TestADeviceKeepsTheTokensOfItsPeople(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var list, last string
	people := []uuid.UUID{}
	for range 12 {
		people = append(people, uuid.New())
		last = newDeviceToken(r.DB, people[len(people)-1], r.Now)
		list = DeviceTokens(list, last)
	}
	known := knownDevices(r.DB, list, r.Now)
	if len(known) != maxDevices || known[0].user != people[11].String() || known[7].user != people[4].String() || len(list) > MaxDeviceTokens {
		t.Fatalf("%d kept in %d bytes", len(known), len(list))
	}
	again := newDeviceToken(r.DB, people[6], r.Now)
	list = DeviceTokens(list, again)
	known = knownDevices(r.DB, list, r.Now)
	seen := map[string]bool{}
	for _, k := range known {
		seen[k.user] = true
	}
	if len(known) != maxDevices || len(seen) != maxDevices || known[0].user != people[6].String() || !strings.HasPrefix(list, again) {
		t.Errorf("after a second sign-in: %d kept of %d people", len(known), len(seen))
	}
	for _, junk := range []string{"", "x", "....", strings.Repeat("!", deviceLength), strings.Repeat("x", 100_000)} {
		if got := DeviceTokens(junk, last); got != last {
			t.Errorf("beside %.10q: %.50q", junk, got)
		}
	}
}
