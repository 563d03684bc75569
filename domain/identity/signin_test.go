package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"lignum/domain"
	"lignum/domain/people"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tests/testkit"
)

func (r *room) signIn(name, password, code string) (SignedIn, error) {
	return r.desk.SignIn(r.Ctx, r.DB, SignIn{UserName: name, Password: password, Code: code, Device: Device{Address: "192.0.2.7", UserAgent: "test"},
		Day: r.World.Tenant("jamaica").Today(r.Now)}, r.Now)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	s, err := r.signIn(" AKEEM ", goodPassword, "")
	r.OK(err)
	if s.UserID != id || s.Refresh == "" || len(s.Roles) != 1 || s.RefreshExpires != r.Now.Add(14*24*time.Hour) {
		t.Errorf("signed in as %+v", s)
	}
	if n := r.Number("SELECT count(*) FROM credentials WHERE user_id = $1::uuid AND password_hash LIKE '$argon2id$v=19$m=19456,%'", id.String()); n != 1 {
		t.Error("the weak hash was not replaced at sign-in")
	}
	if n := r.Number("SELECT count(*) FROM active_days WHERE user_id = $1::uuid AND day = '2026-09-07'", id.String()); n != 1 {
		t.Error("the day was not marked")
	}
	if r.entries("sign_in.done") != 1 {
		t.Error("no entry in the trail")
	}
	if n := r.Number("SELECT count(*) FROM sign_in_failures"); n != 0 {
		t.Errorf("%d failures are left after a success", n)
	}

	_, wrongPassword := r.signIn("akeem", "another one entirely", "")
	_, unknown := r.signIn("nobody", "another one entirely", "")
	if domain.CodeOf(wrongPassword) != domain.Unauthentic || wrongPassword.Error() != unknown.Error() {
		t.Errorf("a wrong password gives %v, an unknown name %v", wrongPassword, unknown)
	}
	if n := r.entries("sign_in.failed"); n != 1 {
		t.Errorf("%d entries of failures, want one: of the account that exists", n)
	}

	staff := r.user("teach", "teacher")
	s, err = r.signIn("teach", goodPassword, "")
	r.OK(err)
	if s.RefreshExpires != r.Now.Add(12*time.Hour) {
		t.Errorf("staff stay signed in until %v", s.RefreshExpires)
	}
	r.OK(r.Write(func(tx *tenants.Tx) error {
		_, err := people.SuspendUser(r.Ctx, tx, r.DB.Realm(), staff, "left the school", EndSessions, r.Now)
		return err
	}))
	if _, err := r.signIn("teach", "wrong", ""); err == nil || err.Error() != unknown.Error() {
		t.Errorf("a suspended account with a wrong password answers %v", err)
	}
	if _, err := r.signIn("teach", goodPassword, ""); domain.CodeOf(err) != domain.Forbidden {
		t.Errorf("a suspended account with the right password answers %v", err)
	}
}

func TestFailuresSlowDown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"akeem", "nobody"} { // known and unknown alike
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			r.user("akeem", people.Student)
			for i := range 5 {
				if _, err := r.signIn(name, "wrong", ""); domain.CodeOf(err) != domain.Unauthentic {
					t.Fatalf("failure %d: %v", i+1, err)
				}
			}
			blockedFor := func() time.Duration {
				t.Helper()
				_, err := r.signIn(name, goodPassword, "")
				var e *domain.Error
				if !errors.As(err, &e) || e.Code != domain.OverQuota {
					t.Fatalf("a blocked account answers %v", err)
				}
				return e.RetryAfter
			}
			for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
				if got := blockedFor(); got != want {
					t.Fatalf("blocked for %v, want %v", got, want)
				}
				r.Now = r.Now.Add(want)
				if _, err := r.signIn(name, "wrong", ""); domain.CodeOf(err) != domain.Unauthentic {
					t.Fatalf("after the block: %v", err)
				}
			}
			r.Now = r.Now.Add(24 * time.Hour) // all is forgotten
			if _, err := r.signIn(name, "wrong", ""); domain.CodeOf(err) != domain.Unauthentic {
				t.Fatal(err)
			}
			if n := r.Number("SELECT max(failures) FROM sign_in_failures"); n > 12 {
				t.Errorf("%d failures after a day", n)
			}
		})
	}
}

func TestAddressIsBlockedToo(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.user("akeem", people.Student)
	r.desk.Address.Free = 3
	for i := range 3 {
		if _, err := r.signIn("nobody"+string(rune('a'+i)), "wrong", ""); domain.CodeOf(err) != domain.Unauthentic {
			t.Fatal(err)
		}
	}
	if _, err := r.signIn("akeem", goodPassword, ""); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("from a blocked address: %v", err)
	}
	if _, err := r.desk.RedeemCard(r.Ctx, r.DB, RedeemCard{Code: "0000-0000-0000-0000", Password: goodPassword, Device: Device{Address: "192.0.2.7"}}, r.Now); domain.CodeOf(err) != domain.OverQuota {
		t.Errorf("a card from a blocked address: %v", err)
	}
	if _, err := r.desk.SignIn(r.Ctx, r.DB, SignIn{UserName: "akeem", Password: goodPassword, Device: Device{Address: "198.51.100.1"}}, r.Now); err != nil {
		t.Errorf("from another address: %v", err)
	}
	a := addressSubject(r.DB, "2001:db8:1:2:aaaa::1")
	if string(a) != string(addressSubject(r.DB, "2001:db8:1:2:bbbb::2")) || string(a) == string(addressSubject(r.DB, "2001:db8:1:3::1")) {
		t.Error("an IPv6 network of /64 must count as one address")
	}
}

func TestCard(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	var card Card
	var u people.User
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		u, card, err = CreateUser(r.Ctx, tx, r.DB.Realm(), people.NewUser{GivenName: "Zoé-Marie", FamilyName: "O'Connor", Roles: []string{people.Student}}, r.Now)
		return err
	}))
	if u.UserName != "zoemarie.oconnor" || card.UserName != u.UserName || len(card.Code) != 19 {
		t.Errorf("made %+v with %+v", u, card)
	}
	redeem := func(code, password string) (SignedIn, error) {
		return r.desk.RedeemCard(r.Ctx, r.DB, RedeemCard{Code: code, Password: password, Device: Device{Address: "192.0.2.8"}}, r.Now)
	}
	if _, err := redeem(card.Code, "zoemarieoconnor1"); domain.CodeOf(err) != domain.Invalid || !strings.Contains(err.Error(), "your name") {
		t.Errorf("a password of the own name gives %v", err)
	}
	s, err := redeem(strings.ToLower(strings.ReplaceAll(card.Code, "-", " ")), goodPassword)
	r.OK(err)
	if s.UserID != u.ID || s.MustChangePassword {
		t.Errorf("signed in as %+v", s)
	}
	_, used := redeem(card.Code, goodPassword)
	_, unknown := redeem("0000-0000-0000-0000", goodPassword)
	if domain.CodeOf(used) != domain.Invalid || used.Error() != unknown.Error() {
		t.Errorf("a used card gives %v, an unknown one %v", used, unknown)
	}
	if _, err := r.signIn(u.UserName, goodPassword, ""); err != nil {
		t.Errorf("with the chosen password: %v", err)
	}
	// A reset ends the sessions and the password, and its card ends after a week.
	r.OK(r.Write(func(tx *tenants.Tx) (err error) { card, err = ResetPassword(r.Ctx, tx, u.ID, false, r.Now); return err }))
	if _, err := r.signIn(u.UserName, goodPassword, ""); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("after the reset: %v", err)
	}
	if _, err := r.desk.Refresh(r.Ctx, r.DB, s.Refresh, Device{}, time.Time{}, r.Now); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("the old session after a reset: %v", err)
	}
	r.Now = r.Now.Add(ResetLife + time.Second)
	if _, err := redeem(card.Code, goodPassword); err == nil || err.Error() != unknown.Error() {
		t.Errorf("an expired card gives %v", err)
	}
	// The trail holds neither codes nor names of persons nor passwords.
	if n := r.Number("SELECT count(*) FROM audit_trail a WHERE a::text ILIKE '%marie o%' OR a::text ILIKE '%mango%' OR a::text LIKE '%' || $1::text || '%'", card.Code); n != 0 {
		t.Errorf("%d entries of the trail hold a secret", n)
	}
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	here, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
	there, err := r.signIn("akeem", goodPassword, "")
	r.OK(err)
	change := func(old, new string) error {
		return r.desk.ChangePassword(r.Ctx, r.DB, PasswordChange{UserID: id, SessionID: here.SessionID, Old: old, New: new}, r.Now)
	}
	if err := change("wrong", "violin ladder frost pebble"); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a wrong old password gives %v", err)
	}
	if err := change(goodPassword, "short"); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a short password gives %v", err)
	}
	r.OK(change(goodPassword, "violin ladder frost pebble"))
	if _, err := r.desk.Refresh(r.Ctx, r.DB, here.Refresh, Device{}, time.Time{}, r.Now); err != nil {
		t.Errorf("the session that changed it: %v", err)
	}
	if _, err := r.desk.Refresh(r.Ctx, r.DB, there.Refresh, Device{}, time.Time{}, r.Now); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("the other session: %v", err)
	}
}

func TestSecondFactor(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("teach", "teacher")
	s, err := r.signIn("teach", goodPassword, "")
	r.OK(err)
	var setup TOTPSetup
	r.OK(r.Write(func(tx *tenants.Tx) (err error) {
		setup, err = StartTOTP(r.Ctx, tx, r.DB, id, "Ministry of Education, Jamaica", r.Now)
		return err
	}))
	if !strings.HasPrefix(setup.URL, "otpauth://totp/") || !strings.HasPrefix(setup.QR, "data:image/png;base64,") {
		t.Errorf("setup is %+v", setup)
	}
	if n := r.Number("SELECT count(*) FROM credentials WHERE totp_secret LIKE '%' || $1::text || '%'", setup.Secret); n != 0 {
		t.Error("the secret is stored in the clear")
	}
	code := func() string {
		c, err := totp.GenerateCode(setup.Secret, r.Now)
		r.OK(err)
		return c
	}
	confirm := func(code string) (codes []string, err error) {
		err = r.Write(func(tx *tenants.Tx) (err error) {
			codes, err = ConfirmTOTP(r.Ctx, tx, r.DB, id, s.SessionID, code, r.Now)
			return err
		})
		return codes, err
	}
	if _, err := r.signIn("teach", goodPassword, ""); err != nil {
		t.Errorf("before it is confirmed it is not asked for: %v", err)
	}
	if _, err := confirm("12345"); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("a wrong code confirms: %v", err)
	}
	recovery, err := confirm(code())
	r.OK(err)
	if len(recovery) != 10 {
		t.Errorf("%d recovery codes", len(recovery))
	}
	_, err = r.signIn("teach", goodPassword, "")
	if !NeedsCode(err) {
		t.Errorf("without a code: %v", err)
	}
	if _, err := r.signIn("teach", "wrong", ""); NeedsCode(err) {
		t.Error("asked for a code before the password was right")
	}
	if _, err := r.signIn("teach", goodPassword, code()); domain.CodeOf(err) != domain.Unauthentic || NeedsCode(err) {
		t.Errorf("a code that was used to confirm: %v", err)
	}
	r.Now = r.Now.Add(30 * time.Second)
	s, err = r.signIn("teach", goodPassword, code())
	r.OK(err)
	if !s.SecondFactor {
		t.Error("the session does not say that it has a second factor")
	}
	if _, err := r.signIn("teach", goodPassword, code()); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("the same code again: %v", err)
	}
	if _, err := r.signIn("teach", goodPassword, strings.ToLower(recovery[3])); err != nil {
		t.Errorf("a recovery code: %v", err)
	}
	if _, err := r.signIn("teach", goodPassword, recovery[3]); domain.CodeOf(err) != domain.Unauthentic {
		t.Errorf("a recovery code again: %v", err)
	}
	// Eight characters are enough beside it, and no longer when it is gone.
	r.OK(r.desk.ChangePassword(r.Ctx, r.DB, PasswordChange{UserID: id, SessionID: s.SessionID, Old: goodPassword, New: "xk2plumv"}, r.Now))
	if err := r.desk.DisableTOTP(r.Ctx, r.DB, id, "000000", Device{}, r.Now); domain.CodeOf(err) != domain.Invalid {
		t.Errorf("disabled with a wrong code: %v", err)
	}
	r.Now = r.Now.Add(30 * time.Second)
	r.OK(r.desk.DisableTOTP(r.Ctx, r.DB, id, code(), Device{}, r.Now))
	s, err = r.signIn("teach", "xk2plumv", "")
	r.OK(err)
	if !s.MustChangePassword || s.SecondFactor {
		t.Errorf("after the second factor is gone: %+v", s)
	}
	if s.SessionID == uuid.Nil {
		t.Error("no session")
	}
}

// A wrong password or code that cannot be put down in the trail is an error of the platform, not an answer to the person.
func TestAFailureThatCannotBeRecordedIsToldAsSuch(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	s, err := r.from("192.0.2.7", "", "akeem", goodPassword)
	r.OK(err)
	r.OK(r.Write(func(tx *tenants.Tx) error {
		setup, err := StartTOTP(r.Ctx, tx, r.DB, id, "Jamaica", r.Now)
		if err != nil {
			return err
		}
		code, err := totp.GenerateCode(setup.Secret, r.Now)
		if err != nil {
			return err
		}
		_, err = ConfirmTOTP(r.Ctx, tx, r.DB, id, s.SessionID, code, r.Now)
		return err
	}))
	if _, err := r.World.Direct(t).Exec(r.Ctx, "REVOKE INSERT ON tenant_jamaica.audit_entries FROM "+testkit.Installation+"_jamaica"); err != nil {
		t.Fatal(err)
	}
	change := PasswordChange{UserID: id, SessionID: s.SessionID, Old: "guess", New: "xk2plumv", Device: Device{Address: "192.0.2.7"}}
	for what, err := range map[string]error{
		"old password": r.desk.ChangePassword(r.Ctx, r.DB, change, r.Now),
		"code":         r.desk.DisableTOTP(r.Ctx, r.DB, id, "000000", Device{Address: "192.0.2.7"}, r.Now),
	} {
		if code := domain.CodeOf(err); err == nil || code == domain.Invalid || code == domain.Unauthentic {
			t.Errorf("a wrong %s that is not in the trail: %v", what, err)
		}
	}
}

// While an account is held nobody else changes it, and whatever only refers to the person goes on: that is asked as a foreign key asks it.
func TestWhoRefersToAHeldAccountDoesNotWait(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	id := r.user("akeem", people.Student)
	var a account
	r.Read(func(q *tenants.Reader) (err error) { a, err = accountByID(r.Ctx, q, id); return err })
	bare := a
	bare.Stored = false
	free := func(lock string) error {
		return r.Write(func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test"})
			_, err := tx.Exec(r.Ctx, "SELECT FROM users WHERE id = $1::uuid "+lock+" NOWAIT", id.String())
			return err
		})
	}
	for name, hold := range map[string]func(tx *tenants.Tx) error{
		"accountByID":         func(tx *tenants.Tx) error { _, err := accountByID(r.Ctx, tx, id); return err },
		"stillSo":             func(tx *tenants.Tx) error { return stillSo(r.Ctx, tx, a) },
		"stillSo, no secrets": func(tx *tenants.Tx) error { return stillSo(r.Ctx, tx, bare) },
		"makeCards": func(tx *tenants.Tx) error {
			_, err := makeCards(r.Ctx, tx, "u.id = $1::uuid", []any{id.String()}, "card", r.Now.Add(CardLife), r.Now)
			return err
		},
		"LockUser":       func(tx *tenants.Tx) error { _, err := people.LockUser(r.Ctx, tx, id); return err },
		"ChooseLanguage": func(tx *tenants.Tx) error { return people.ChooseLanguage(r.Ctx, tx, id, "es", r.Now) },
	} {
		r.OK(r.Write(func(tx *tenants.Tx) error {
			tx.Record(audit.Entry{Action: "test"})
			if err := hold(tx); err != nil {
				return err
			}
			if err := free("FOR KEY SHARE"); err != nil {
				t.Errorf("%s: who refers to the person waits: %v", name, err)
			}
			if err := free("FOR NO KEY UPDATE"); err == nil {
				t.Errorf("%s holds nothing", name)
			}
			return nil
		}))
	}
}

// What was compared while a change was under way is compared with what the change leaves: a password that was replaced, taken away or chosen
// first, and a second factor that came or went.
func TestAChangeUnderWayIsWaitedFor(t *testing.T) {
	for name, change := range map[string]struct {
		stored bool // there were credentials before
		do     func(ctx context.Context, tx *tenants.Tx, a account, now time.Time) error
	}{
		"another password, this session kept": {true, func(ctx context.Context, tx *tenants.Tx, a account, now time.Time) error {
			return storePassword(ctx, tx, a, "another", "mango drum kettle orbit", uuid.New(), now)
		}},
		"the first password": {false, func(ctx context.Context, tx *tenants.Tx, a account, now time.Time) error {
			return storePassword(ctx, tx, a, "the first", "mango drum kettle orbit", uuid.Nil, now)
		}},
		"reset": {true, func(ctx context.Context, tx *tenants.Tx, a account, now time.Time) error {
			_, err := ResetPassword(ctx, tx, a.ID, false, now)
			return err
		}},
		"second factor": {true, func(ctx context.Context, tx *tenants.Tx, a account, now time.Time) error {
			_, err := tx.Exec(ctx, "UPDATE credentials SET totp_confirmed_at = now() WHERE user_id = $1::uuid", a.ID.String())
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			id := r.user("akeem", people.Student)
			if !change.stored {
				r.Do("DELETE FROM credentials WHERE user_id = $1::uuid", id.String())
			}
			var a account
			r.Read(func(q *tenants.Reader) (err error) { a, err = accountByID(r.Ctx, q, id); return err })
			if a.Stored != change.stored {
				t.Fatalf("stored: %v", a.Stored)
			}
			asked := make(chan error, 1)
			r.OK(r.Write(func(tx *tenants.Tx) error {
				if _, err := accountByID(r.Ctx, tx, id); err != nil { // locks it
					return err
				}
				go func() {
					asked <- r.Write(func(tx *tenants.Tx) error { tx.Record(audit.Entry{Action: "test"}); return stillSo(r.Ctx, tx, a) })
				}()
				for waits := 0; waits == 0; time.Sleep(5 * time.Millisecond) {
					if err := r.World.Direct(t).QueryRow(r.Ctx, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waits); err != nil {
						return err
					}
				}
				tx.Record(audit.Entry{Action: "test"})
				return change.do(r.Ctx, tx, a, r.Now)
			}))
			if err := <-asked; domain.CodeOf(err) != domain.Unauthentic {
				t.Errorf("whoever compared the old password is let in: %v", err)
			}
		})
	}
}
