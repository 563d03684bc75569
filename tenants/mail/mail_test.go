package mail_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/uuid"

	"lignum/domain"
	"lignum/domain/calendar"
	"lignum/domain/people"
	"lignum/domain/words"
	"lignum/infra/mailcatcher"
	"lignum/tenants"
	"lignum/tenants/audit"
	"lignum/tenants/jobs"
	ours "lignum/tenants/mail"
	"lignum/tests/school"
	"lignum/tests/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// office is a tenant that writes letters to a server of its own.
type office struct {
	*testkit.World
	t       *testing.T
	db      *tenants.DB
	catcher *mailcatcher.Catcher
	post    *ours.Post
	now     time.Time
	reader  uuid.UUID
}

func newOffice(t *testing.T, o mailcatcher.Options) *office {
	t.Helper()
	w := testkit.New(t)
	f := &office{World: w, t: t, db: w.DB("jamaica"), now: time.Now().UTC()}
	f.reader = school.People(t, f.db, school.Person{UserName: "ada", GivenName: "Ada", FamilyName: "Adams", Email: "ada@example.org", Roles: []string{"teacher"}})[0]
	f.open(o)
	return f
}

// open begins to take mail, without TLS.
func (f *office) open(o mailcatcher.Options) {
	f.t.Helper()
	var err error
	if f.catcher, err = mailcatcher.Start(o); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(f.catcher.Close)
	f.use(ours.Settings{Server: "smtp+plain://" + f.catcher.Address(), From: "no-reply@lignum.example"})
}

func (f *office) use(s ours.Settings) {
	f.t.Helper()
	post, err := ours.NewPost(s, func(t *tenants.Tenant) string { return "https://" + t.Slug + ".lignum.example" })
	if err != nil {
		f.t.Fatal(err)
	}
	f.post = post
	f.t.Cleanup(post.Close)
}

func (f *office) letter() ours.Letter {
	return ours.Letter{Kind: "invitation", To: ours.To{UserID: f.reader, Address: "ada@example.org", Name: "Ada Adams", Language: words.English},
		Subject: words.Plain("Bienvenue à l’école"), Lines: []words.Text{words.Plain("An account was opened for you.")},
		Button: words.Plain("Choose your password"), Path: "/card#ABCD-EFGH", Code: "ABCD-EFGH"}
}

// write writes a letter and gives its id.
func (f *office) write(l ours.Letter) (id uuid.UUID) {
	f.t.Helper()
	err := f.db.Write(f.t.Context(), f.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "mail.collect", ObjectKind: "mail"})
		if err := ours.Write(f.t.Context(), tx, f.now, l); err != nil {
			return err
		}
		return tx.QueryRow(f.t.Context(), "SELECT id FROM mails ORDER BY id DESC LIMIT 1").Scan(&id)
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}

// send runs the job of a letter.
func (f *office) send(id uuid.UUID) error {
	f.post.Rested()
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	return f.post.Send(ctx, &jobs.Job{ID: time.Now().UnixNano(), Kind: "mail.send", About: id.String(), Tenant: f.Tenant("jamaica"), DB: f.db, Attempt: 1, Due: f.now, Now: f.now, Begins: calendar.Begins})
}

// is gives a letter as it is listed.
func (f *office) is(id uuid.UUID) ours.Stored {
	f.t.Helper()
	var found ours.Stored
	err := f.db.ReadFresh(f.t.Context(), func(r *tenants.Reader) error {
		list, err := ours.List(f.t.Context(), r, ours.Filter{}, domain.Page{})
		for _, l := range list.Items {
			if l.ID == id {
				found = l
			}
		}
		return err
	})
	if err != nil || found.ID != id {
		f.t.Fatal("no such letter is listed", err)
	}
	return found
}

func (f *office) wants(id uuid.UUID, s ours.State) ours.Stored {
	f.t.Helper()
	l := f.is(id)
	if l.State != s {
		f.t.Fatalf("the letter is %s, not %s: %+v", l.State, s, l)
	}
	return l
}

func (f *office) number(sql string, args ...any) (n int) {
	f.t.Helper()
	if err := f.db.ReadFresh(f.t.Context(), func(r *tenants.Reader) error { return r.QueryRow(f.t.Context(), sql, args...).Scan(&n) }); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// certified is TLS for a server at 127.0.0.1, and for whoever trusts it.
func certified(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, raw, raw, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

func TestALetterGoesOverTLSAsTextAndHTML(t *testing.T) {
	server, client := certified(t)
	f := newOffice(t, mailcatcher.Options{TLS: server, SignIn: func(user, pass string) bool { return user == "lignum" && pass == "secret" }})
	settings := ours.Settings{Server: "smtp://" + f.catcher.Address(), User: "lignum", Password: "secret", From: "no-reply@lignum.example", TLS: client}
	f.use(settings)
	l := f.letter()
	l.Kind, l.Topic = "digest", ours.Digest
	id := f.write(l)
	if n := f.number("SELECT count(*) FROM mails WHERE sealed LIKE '%ABCD%' OR sealed LIKE '%Ada%'"); n != 0 {
		t.Error("what a letter says stands in the database as it is")
	}
	if err := f.send(id); err != nil {
		t.Fatal(err)
	}
	got := f.catcher.Letters()
	if len(got) != 1 {
		t.Fatalf("%d letters came", len(got))
	}
	m := got[0]
	if m.Subject != "Bienvenue à l’école" || m.From != "no-reply@lignum.example" || m.To[0] != "ada@example.org" {
		t.Errorf("it came from %q to %v about %q", m.From, m.To, m.Subject)
	}
	to, err := mail.ParseAddress(m.Head.Get("To"))
	if err != nil || to.Name != "Ada Adams" {
		t.Errorf("it is to %v: %v", to, err)
	}
	stop := strings.Trim(m.Head.Get("List-Unsubscribe"), "<>")
	for name, forms := range map[string]string{"text": m.Text, "HTML": m.HTML} {
		for _, want := range []string{"Dear Ada Adams", "An account was opened for you.", "https://jamaica.lignum.example/card#ABCD-EFGH", "ABCD-EFGH", "Jamaica"} {
			if !strings.Contains(forms, want) {
				t.Errorf("the %s lacks %q:\n%s", name, want, forms)
			}
		}
	}
	if !strings.Contains(m.Text, stop) || !strings.HasPrefix(stop, "https://jamaica.lignum.example/mail/stop?") || m.Head.Get("List-Unsubscribe-Post") == "" {
		t.Errorf("it is not told how to stop such letters: %q\n%s", stop, m.Text)
	}
	if m.Head.Get("Auto-Submitted") != "auto-generated" || m.Head.Get("Content-Language") != "en" || m.Head.Get("Message-Id") == "" {
		t.Errorf("its head is %v", m.Head)
	}
	if f.wants(id, ours.Sent); f.number("SELECT count(*) FROM mails WHERE sealed IS NOT NULL") != 0 {
		t.Error("what a letter says is still there when it has gone")
	}
	// Its job may run again.
	if err := f.send(id); err != nil || len(f.catcher.Letters()) != 1 {
		t.Errorf("it was sent again: %v", err)
	}
	if n := f.number("SELECT count(*) FROM audit_entries WHERE action = 'mail.sent' AND object_id = $1::text", id.String()); n != 1 {
		t.Errorf("%d entries say that it was sent", n)
	}

	// Whoever cannot prove who they are gets nothing, and neither does who knows no TLS, or another password.
	for name, wrong := range map[string]func(*ours.Settings){"another certificate": func(s *ours.Settings) { s.TLS = nil }, "another password": func(s *ours.Settings) { s.Password = "guess" }} {
		s := settings
		wrong(&s)
		f.use(s)
		id := f.write(f.letter())
		if err := f.send(id); err == nil || len(f.catcher.Letters()) != 1 {
			t.Errorf("%s: it was sent", name)
		}
		if l := f.wants(id, ours.Waiting); strings.Contains(l.Fault, "secret") || strings.Contains(l.Fault, "guess") {
			t.Errorf("%s: the fault is %q", name, l.Fault)
		}
	}
	plain, err := mailcatcher.Start(mailcatcher.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	settings.Server = "smtp://" + plain.Address()
	f.use(settings)
	if err := f.send(f.write(f.letter())); err == nil || len(plain.Letters()) != 0 {
		t.Error("a letter, and a password, went without TLS")
	}
}

func TestNamesAddNoHeads(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	for _, name := range []string{"Ada\r\nBcc: eve@example.org", "Ada\nSubject: won", `Ada" <eve@example.org>, "`, "Ada\x00\u2028\u202eevil", strings.Repeat("é", 100), "=?utf-8?q?a=0d=0aBcc:_eve@example.org?="} {
		l := f.letter()
		l.To.Name, l.Subject = name, words.Plain("For "+name)
		before := len(f.catcher.Letters())
		if err := f.send(f.write(l)); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		got := f.catcher.Letters()[before:]
		if len(got) != 1 || len(got[0].To) != 1 || got[0].To[0] != "ada@example.org" {
			t.Fatalf("%q: it went to %v", name, got)
		}
		head := got[0].Head
		list, err := head.AddressList("To")
		if err != nil || len(list) != 1 || list[0].Address != "ada@example.org" || len(head["Bcc"])+len(head["Cc"]) != 0 || len(head["Subject"]) != 1 {
			t.Errorf("%q: its head is %v (%v)", name, head, err)
		}
		if strings.ContainsAny(got[0].Subject, "\r\n\x00\u2028\u202e") {
			t.Errorf("%q: its subject is %q", name, got[0].Subject)
		}
	}
}

// said is a mail server's answer.
func said(code int, status smtp.EnhancedCode, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: status, Message: text}
}

func TestWhatTheServerAnswers(t *testing.T) {
	var mailAnswer, rcptAnswer, dataAnswer error
	f := newOffice(t, mailcatcher.Options{Mail: func(string) error { return mailAnswer }, Rcpt: func(string) error { return rcptAnswer }, Data: func() error { return dataAnswer }})
	for _, c := range []struct {
		name             string
		mail, rcpt, data error
		state            ours.State
		again            bool // the job fails, and is tried again
		suppressed       int
	}{
		{"no such mailbox", nil, said(550, smtp.EnhancedCode{5, 1, 1}, "no such user <ada@example.org>"), nil, ours.Refused, false, 1},
		{"it is full", nil, said(552, smtp.EnhancedCode{5, 2, 2}, "mailbox full"), nil, ours.Refused, false, 0},
		{"wait", nil, said(450, smtp.EnhancedCode{4, 2, 0}, "greylisted"), nil, ours.Waiting, true, 0},
		{"not for this sender", said(550, smtp.EnhancedCode{5, 7, 1}, "sender not verified"), nil, nil, ours.Waiting, true, 0},
		{"unwanted", nil, nil, said(554, smtp.EnhancedCode{5, 7, 1}, "looks like spam"), ours.Refused, false, 0},
		{"too busy", nil, nil, said(451, smtp.EnhancedCode{4, 3, 0}, "try later"), ours.Waiting, true, 0},
		{"going away", nil, said(421, smtp.EnhancedCode{4, 3, 2}, "shutting down"), nil, ours.Waiting, true, 0},
		{"all well", nil, nil, nil, ours.Sent, false, 0},
	} {
		mailAnswer, rcptAnswer, dataAnswer = c.mail, c.rcpt, c.data
		f.number("SELECT 1")
		id := f.write(f.letter())
		err := f.send(id)
		if (err != nil) != c.again {
			t.Errorf("%s: the job gives %v", c.name, err)
		}
		if err != nil && strings.Contains(err.Error(), "@") {
			t.Errorf("%s: the log would name an address: %v", c.name, err)
		}
		l := f.wants(id, c.state)
		if l.State != ours.Sent && l.Fault == "" {
			t.Errorf("%s: nobody is told why", c.name)
		}
		if n := f.number("SELECT count(*) FROM mail_suppressed"); n != c.suppressed {
			t.Errorf("%s: %d addresses are passed over", c.name, n)
		}
		if c.suppressed == 0 {
			continue
		}
		// Nothing goes there any more, until somebody says otherwise.
		mailAnswer, rcptAnswer, dataAnswer = nil, nil, nil
		next := f.write(f.letter())
		if err := f.send(next); err != nil {
			t.Error(err)
		}
		f.wants(next, ours.Withheld)
		allow := func() error {
			return f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) error { return ours.Allow(t.Context(), tx, "Ada@Example.org") })
		}
		if err := allow(); err != nil {
			t.Error(err)
		}
		if err := allow(); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("an address that nothing keeps letters from is let through again: %v", err)
		}
		retry := func(id uuid.UUID) error {
			return f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) error { return ours.Retry(t.Context(), tx, id) })
		}
		for _, held := range []uuid.UUID{id, next} {
			if !f.is(held).Kept {
				t.Error("it cannot be started again")
			}
			if err := retry(held); err != nil {
				t.Error(err)
			}
			if err := f.send(held); err != nil {
				t.Error(err)
			}
			f.wants(held, ours.Sent)
			if err := retry(held); domain.CodeOf(err) != domain.NotFound {
				t.Errorf("a letter that has gone is sent again: %v", err)
			}
		}
	}
}

func TestASlowServerLeavesADoubt(t *testing.T) {
	ours.Impatient(t, 300*time.Millisecond)
	slow := make(chan struct{})
	f := newOffice(t, mailcatcher.Options{Data: func() error {
		<-slow
		return nil
	}})
	id := f.write(f.letter())
	if err := f.send(id); err == nil {
		t.Fatal("the server did not answer, and yet it was sent")
	}
	f.wants(id, ours.Sending) // it may have it
	close(slow)
	if err := f.send(id); err != nil {
		t.Fatal(err)
	}
	if l := f.wants(id, ours.Sent); !l.Doubtful {
		t.Error("it arrived twice, and nobody is told that it may have")
	}
	got := f.catcher.Letters()
	if len(got) != 2 || got[0].Head.Get("Message-Id") != got[1].Head.Get("Message-Id") {
		t.Errorf("%d letters came, or as two of different names", len(got))
	}
}

func TestAServerThatIsAwayForAnHour(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	address := f.catcher.Address()
	f.catcher.Close()
	written := f.now
	ids := []uuid.UUID{f.write(f.letter()), f.write(f.letter())}
	tries := 0
	for f.now.Sub(written) < time.Hour {
		for _, id := range ids {
			if err := f.send(id); err == nil {
				t.Fatal("there is no server, and yet it was sent")
			}
			f.wants(id, ours.Waiting)
		}
		tries++
		f.now = f.now.Add(ours.Again(f.now.Sub(written)))
	}
	if late := f.now.Sub(written); late > 90*time.Minute || tries > 20 {
		t.Errorf("after %d tries it is tried again %s after it was written", tries, late)
	}
	back, err := mailcatcher.Start(mailcatcher.Options{Listen: address})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	for _, id := range ids {
		if err := f.send(id); err != nil {
			t.Fatal(err)
		}
		if l := f.wants(id, ours.Sent); l.Doubtful {
			t.Error("nothing was sent before, and yet it may have arrived twice")
		}
	}
	if n := len(back.Letters()); n != 2 {
		t.Errorf("%d letters came", n)
	}
	// The 25 tries of a job last for as long as a letter makes sense that says nothing else.
	age := time.Duration(0)
	for range 24 {
		age += ours.Again(age)
	}
	if age < 48*time.Hour {
		t.Errorf("a letter is given up after %s", age)
	}
	// One that is too old is not sent.
	late := f.letter()
	late.Life = time.Minute
	id := f.write(late)
	f.now = f.now.Add(2 * time.Minute)
	if err := f.send(id); err != nil {
		t.Error(err)
	}
	f.wants(id, ours.Late)
}

func TestALetterIsGivenUpOnItsLastTry(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{Rcpt: func(string) error { return said(450, smtp.EnhancedCode{4, 2, 0}, "later") }})
	id := f.write(f.letter())
	if err := f.post.Send(t.Context(), &jobs.Job{ID: 1, Kind: "mail.send", About: id.String(), Tenant: f.Tenant("jamaica"), DB: f.db, Attempt: 25, Last: true, Now: f.now}); err != nil {
		t.Error(err)
	}
	if l := f.wants(id, ours.Failed); !l.Kept {
		t.Error("it cannot be started again")
	}
	f.use(ours.Settings{Server: "off"})
	id = f.write(f.letter())
	if err := f.send(id); err != nil {
		t.Error(err)
	}
	if l := f.wants(id, ours.Failed); !strings.Contains(l.Fault, "sends no e-mail") {
		t.Errorf("where no mail is sent, the fault is %q", l.Fault)
	}
}

func TestLettersWithoutAJobAreFound(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	id := f.write(f.letter())
	jobOf := func() (n int) {
		t.Helper()
		if err := f.Direct(t).QueryRow(t.Context(), `SELECT count(*) FROM jobs.river_job WHERE kind = 'mail.send' AND args ->> 'tenant' = 'jamaica' AND args ->> 'about' = $1`, id.String()).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if jobOf() != 1 {
		t.Fatal("no job was queued with the letter")
	}
	if _, err := f.Direct(t).Exec(t.Context(), "DELETE FROM jobs.river_job; UPDATE tenant_jamaica.mails SET queued = false"); err != nil {
		t.Fatal(err)
	}
	collect := func(now time.Time) {
		t.Helper()
		if err := ours.Collect(t.Context(), &jobs.Job{ID: 1, Tenant: f.Tenant("jamaica"), DB: f.db, Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	if collect(f.now); jobOf() != 1 {
		t.Error("a letter that was written without a job got none")
	}
	if collect(f.now.Add(time.Minute)); jobOf() != 1 {
		t.Error("it got another one")
	}
	if collect(f.now.Add(25 * time.Hour)); jobOf() != 2 {
		t.Error("one whose job was lost got none")
	}
}

func TestTwoOfOneNameAreOne(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	l := f.letter()
	l.Once = "digest:2026-11-30"
	f.write(l)
	f.write(l)
	if n := f.number("SELECT count(*) FROM mails"); n != 1 {
		t.Errorf("%d letters of one name were written", n)
	}
	l.To.Address = ""
	l.Once = ""
	f.write(l)
	if n := f.number("SELECT count(*) FROM mails"); n != 1 {
		t.Errorf("who has no address is written to")
	}
}

// bounced is a letter that came back (RFC 3464).
func bounced(m mailcatcher.Letter, action, status string) string {
	return "From: MAILER-DAEMON@mx.example.org\r\nTo: no-reply@lignum.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; ada@example.org\r\nAction: " + action + "\r\nStatus: " + status +
		"\r\nDiagnostic-Code: smtp; 550 user unknown\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n" + strings.SplitN(string(m.Raw), "\r\n\r\n", 2)[0] + "\r\n\r\n--b--\r\n"
}

func TestLettersThatComeBack(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	sent := func() (uuid.UUID, mailcatcher.Letter) {
		t.Helper()
		id := f.write(f.letter())
		if err := f.send(id); err != nil {
			t.Fatal(err)
		}
		all := f.catcher.Letters()
		return id, all[len(all)-1]
	}
	take := func(text string) error {
		t.Helper()
		r, err := ours.ReadReport(strings.NewReader(text))
		if err != nil {
			return err
		}
		if r.Realm != "jamaica" {
			t.Errorf("it is of %q", r.Realm)
		}
		return r.Take(t.Context(), f.db, f.Actor, f.now)
	}
	id, m := sent()
	if err := take(bounced(m, "delayed", "4.4.7")); err != nil {
		t.Fatal(err)
	}
	if f.wants(id, ours.Sent); f.number("SELECT count(*) FROM mail_suppressed") != 0 {
		t.Error("one that is only late is taken for lost")
	}
	for range 2 { // the same report twice
		if err := take(bounced(m, "failed", "5.1.1")); err != nil {
			t.Fatal(err)
		}
	}
	if l := f.wants(id, ours.Refused); !strings.Contains(l.Fault, "user unknown") || f.number("SELECT count(*) FROM mail_suppressed WHERE reason = 'bounced'") != 1 {
		t.Errorf("it came back, and %+v", l)
	}
	if err := f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) error { return ours.Allow(t.Context(), tx, "ada@example.org") }); err != nil {
		t.Fatal(err)
	}
	_, m = sent()
	complaint := "From: fbl@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" +
		string(m.Raw) + "\r\n--b--\r\n"
	if err := take(complaint); err != nil || f.number("SELECT count(*) FROM mail_suppressed WHERE reason = 'complained'") != 1 {
		t.Errorf("its owner does not want it, and letters go on: %v", err)
	}
	// Nobody stops another's letters with a report that they made up.
	forged := strings.ReplaceAll(bounced(m, "failed", "5.1.1"), ours.Mark(f.db, mustMark(t, m)), "jamaica."+id.String()+"."+strings.Repeat("0", 24))
	if err := take(forged); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("a forged report: %v", err)
	}
	if err := func() error {
		r, err := ours.ReadReport(strings.NewReader(bounced(m, "failed", "5.1.1")))
		if err != nil {
			return err
		}
		return r.Take(t.Context(), f.DB("bahamas"), f.Actor, f.now)
	}(); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("another tenant takes a report: %v", err)
	}
	for _, text := range []string{"", "hello", "Content-Type: text/plain\r\n\r\nhello", "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n"} {
		if _, err := ours.ReadReport(strings.NewReader(text)); domain.CodeOf(err) != domain.Invalid {
			t.Errorf("%q is a report: %v", text, err)
		}
	}
}

func mustMark(t *testing.T, m mailcatcher.Letter) uuid.UUID {
	t.Helper()
	parts := strings.Split(m.Head.Get("X-Lignum-Letter"), ".")
	id, err := uuid.Parse(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestWishesAndLinksToStop(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	path := ours.StopPath(f.db, f.reader, ours.Digest)
	u := strings.TrimPrefix(path, "/mail/stop?")
	values := map[string]string{}
	for _, pair := range strings.Split(u, "&") {
		k, v, _ := strings.Cut(pair, "=")
		values[k] = v
	}
	id, topic, err := ours.CheckStop(f.db, values["topic"], values["user"], values["signature"])
	if err != nil || id != f.reader || topic != ours.Digest {
		t.Fatalf("the link is for %v, %v: %v", id, topic, err)
	}
	for name, wrong := range map[string][3]string{"another topic": {"figures", values["user"], values["signature"]}, "no topic": {"invitation", values["user"], values["signature"]},
		"another person": {"digest", uuid.NewString(), values["signature"]}, "no signature": {"digest", values["user"], ""}} {
		if _, _, err := ours.CheckStop(f.db, wrong[0], wrong[1], wrong[2]); domain.CodeOf(err) != domain.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := ours.CheckStop(f.DB("bahamas"), values["topic"], values["user"], values["signature"]); domain.CodeOf(err) != domain.NotFound {
		t.Errorf("another tenant: %v", err)
	}
	var w ours.Wishes
	do := func(fn func(tx *tenants.Tx) error) {
		t.Helper()
		if err := f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) (err error) {
			if err = fn(tx); err == nil {
				w, err = ours.WishesOf(t.Context(), tx, f.reader)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if do(func(tx *tenants.Tx) error { return ours.Stop(t.Context(), tx, f.reader, ours.Digest) }); w != (ours.Wishes{Digest: false, Figures: true}) {
		t.Errorf("after a stop they want %+v", w)
	}
	if do(func(tx *tenants.Tx) error { return ours.Wish(t.Context(), tx, f.reader, ours.Wishes{Digest: true}) }); w != (ours.Wishes{Digest: true}) {
		t.Errorf("they want %+v", w)
	}
}

func TestSettingsOfTheServer(t *testing.T) {
	for server, ok := range map[string]bool{"off": true, "smtp://mail.example.org": true, "smtp://mail.example.org:2525": true, "smtps://mail.example.org": true, "smtp+plain://127.0.0.1:1025": true,
		"": false, "mail.example.org": false, "http://mail.example.org": false, "smtp://": false, "smtp://user:pass@mail.example.org": false, "smtp+plain://mail.example.org:25": false, "smtp+plain://10.0.0.1:25": false,
		"smtp://mail.example.org:99999": false, "smtp://mail.example.org/x": false} {
		_, err := ours.NewPost(ours.Settings{Server: server, From: "no-reply@lignum.example"}, nil)
		if (err == nil) != ok {
			t.Errorf("%q: %v", server, err)
		}
	}
	for _, s := range []ours.Settings{{Server: "smtp://mail.example.org"}, {Server: "smtp://mail.example.org", From: "Lignum <no-reply@lignum.example>"},
		{Server: "smtp+plain://127.0.0.1:25", From: "no-reply@lignum.example", User: "u", Password: "p"}} {
		if _, err := ours.NewPost(s, nil); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// Whatever a letter's change fails with, the letter is not there either.
func TestALetterGoesWithItsChange(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	failed := errors.New("no")
	err := f.db.Write(t.Context(), f.Actor, func(tx *tenants.Tx) error {
		tx.Record(audit.Entry{Action: "mail.collect", ObjectKind: "mail"})
		if err := ours.Write(t.Context(), tx, f.now, f.letter()); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if n := f.number("SELECT count(*) FROM mails"); n != 0 {
		t.Error(fmt.Sprint(n, " letters of a change that was not made"))
	}
}

// While a tenant's people are shut out, letters go to its administrators alone. Those of others wait, and go when they are let in again; when they make no sense any more they are late.
func TestLettersOfAShutTenantGoToItsAdministrators(t *testing.T) {
	f := newOffice(t, mailcatcher.Options{})
	f.post.RolesOf = people.RolesOf
	boss := school.People(t, f.db, school.Person{UserName: "boss", GivenName: "Bo", FamilyName: "Bell", Email: "bo@example.org", Roles: []string{"tenant_administrator"}})[0]
	to := func(state tenants.State) {
		t.Helper()
		if err := f.DB("").Write(t.Context(), f.Actor, func(tx *tenants.Tx) error {
			_, err := tenants.SetState(t.Context(), tx, "jamaica", state, "as was agreed with them", tenants.By{Server: true})
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := f.Registry.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, state := range []tenants.State{tenants.Suspended, tenants.Closing} {
		to(state)
		theirs, bosss := f.letter(), f.letter()
		bosss.To.UserID, bosss.To.Address = boss, "bo@example.org"
		waits, goes := f.write(theirs), f.write(bosss)
		for _, id := range []uuid.UUID{waits, goes} {
			if err := f.send(id); err != nil {
				t.Fatal(err)
			}
		}
		f.wants(waits, ours.Waiting)
		f.wants(goes, ours.Sent)
		nobody := f.post.RolesOf
		f.post.RolesOf = nil // nobody says who is one
		again := f.write(bosss)
		if err := f.send(again); err != nil {
			t.Fatal(err)
		}
		f.wants(again, ours.Waiting)
		f.post.RolesOf = nobody
		to(tenants.Active)
		if err := f.send(waits); err != nil {
			t.Fatal(err)
		}
		f.wants(waits, ours.Sent)
	}
	to(tenants.Suspended)
	late := f.write(f.letter())
	f.now = f.now.AddDate(0, 2, 0)
	if err := f.send(late); err != nil {
		t.Fatal(err)
	}
	f.wants(late, ours.Late)
}

// A plan sends so many letters a day: what nobody waits for leaves a fifth of them to what somebody does. What has no room today waits, says so, and goes out tomorrow.
func TestADayHasSoManyLetters(t *testing.T) {
	t.Parallel()
	f := newOffice(t, mailcatcher.Options{})
	if _, err := f.Direct(t).Exec(t.Context(), `UPDATE tenant_jamaica.settings SET limits = limits || '{"mails_a_day": 10}'`); err != nil {
		t.Fatal(err)
	}
	digest := func() uuid.UUID {
		l := f.letter()
		l.Kind, l.Topic = "digest", ours.Digest
		return f.write(l)
	}
	for range 8 {
		if err := f.send(digest()); err != nil {
			t.Fatal(err)
		}
	}
	ninth, first, second, third := digest(), f.write(f.letter()), f.write(f.letter()), f.write(f.letter())
	waits := func(id uuid.UUID) {
		t.Helper()
		for range 2 {
			if err := f.send(id); err == nil || !strings.Contains(err.Error(), "tomorrow") {
				t.Errorf("it is not told that it goes out tomorrow: %v", err)
			}
		}
		if l := f.wants(id, ours.Waiting); !strings.Contains(l.Fault, "The plan sends no more e-mails today") {
			t.Errorf("the list says %q", l.Fault)
		}
	}
	waits(ninth)
	for _, id := range []uuid.UUID{first, second} {
		if err := f.send(id); err != nil {
			t.Fatal(err)
		}
		f.wants(id, ours.Sent)
	}
	waits(third)
	if n := f.number("SELECT n FROM daily_counts WHERE kind = 'mails_a_day'"); n != 10 {
		t.Errorf("%d are counted", n)
	}
	f.now = f.now.Add(24 * time.Hour)
	if err := f.send(third); err != nil {
		t.Fatal(err)
	}
	if l := f.wants(third, ours.Sent); l.Fault != "" {
		t.Errorf("it went out, and says %q", l.Fault)
	}
	// what was taken once and is tried again is not counted again
	f.now = f.now.Add(24 * time.Hour)
	again := f.write(f.letter())
	f.catcher.Close()
	for range 3 {
		if f.send(again) == nil {
			t.Error("it went to a server that is not there")
		}
	}
	if n := f.number("SELECT n FROM daily_counts WHERE kind = 'mails_a_day' ORDER BY day DESC LIMIT 1"); n != 1 {
		t.Errorf("%d are counted for one letter that was tried three times", n)
	}
}
